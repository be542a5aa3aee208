"""Keys are taken out of everything that a process with a key says."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from typing import TextIO
from urllib.parse import quote

__all__ = ["Scrubber"]


class Scrubber(io.TextIOBase):
    """Takes the values of environment variables out of text; as a stream, out of what is written to another one.

    A key is found as it is, percent-encoded and in base64.
    """

    def __init__(self, names: Sequence[str], stream: TextIO | None = None) -> None:
        keys = {value for name in names if (value := os.environ.get(name, "").strip())}
        forms = {form for key in keys for form in (key, quote(key, safe=""), base64.b64encode(key.encode()).decode())}
        self._forms = sorted(forms, key=len, reverse=True)
        self.stream = stream

    def clean(self, text: str) -> str:
        """The text with *** in the place of keys."""
        for form in self._forms:
            text = text.replace(form, "***")
        return text

    def write(self, text: str) -> int:
        """Write the text without keys."""
        if self.stream is not None:
            self.stream.write(self.clean(text))
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        if self.stream is not None:
            self.stream.flush()
