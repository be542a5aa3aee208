"""What became of each image: one JSON line per generation, append-only; the last line of a key counts."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from idbench.errors import RunError
from idbench.records import Generation
from idbench.store import disk_errors

__all__ = ["Ledger"]


class Ledger:
    """`generations.jsonl`: appended line by line, so that a killed run loses at most the line being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, str, int], Generation] = {}
        written = path.read_bytes() if path.exists() else b""
        *lines, broken = written.split(b"\n")
        for number, line in enumerate(lines, start=1):
            try:
                record = Generation.model_validate_json(line)
            except ValidationError as error:
                raise RunError(
                    f"{path}, line {number}: not a generation record; the ledger was damaged by hand?"
                ) from error
            self._known[record.key] = record
        if broken:
            self._drop_broken_end(len(written) - len(broken))

    def _drop_broken_end(self, whole: int) -> None:
        """A line without its end was being written when the run was killed, or when the disk was full."""
        with disk_errors(self.path):
            os.truncate(self.path, whole)

    def record(self, generation: Generation) -> None:
        """Append what became of a generation, unless the ledger already says exactly this."""
        if self._known.get(generation.key) == generation:
            return
        self._known[generation.key] = generation
        with disk_errors(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(generation.model_dump_json(exclude_none=True) + "\n")

    def find(self, model: str, case: str, seed: int) -> Generation | None:
        """What is known of a generation."""
        return self._known.get((model, case, seed))

    def __len__(self) -> int:
        return len(self._known)
