"""Commands of a setup: run without the caller's keys and detours, with everything they say kept in one log."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from idbench.errors import MissingPackageError
from idbench.models.launch import KEYS

__all__ = ["SetupLog"]

NOWHERE = "http://127.0.0.1:9"
"""A proxy that does not exist: a command that asks for the network although it was told not to does not get there."""

FOREIGN = (
    "PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "UV_TARGET", "UV_PREFIX", "UV_SYSTEM_PYTHON",
    "VIRTUAL_ENV", "GIT_DIR", "GIT_WORK_TREE",
)  # fmt: skip
"""Variables of the caller that would lead pip, uv or git elsewhere."""


@dataclass(frozen=True)
class SetupLog:
    """The log of one model's setup.

    Parameters
    ----------
    path : the file that commands and their output are appended to.
    model : the model's name, for errors.
    folder : where commands are run; None for the current one.
    """

    path: Path
    model: str
    folder: Path | None = None

    def run(self, what: str, command: Sequence[str], offline: bool = False) -> None:
        """Run a command, without a network if `offline`.

        Raises `MissingPackageError`, one line with `what` and the last line of output, if it fails.
        """
        with self.path.open("ab") as log:
            log.write(f"$ {' '.join(command)}\n".encode())
            log.flush()
            try:
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(offline),
                    cwd=self.folder, check=False,
                )  # fmt: skip
            except OSError as error:
                raise MissingPackageError(f"{what} needs {command[0]}, which does not run: {error.strerror}") from error
        if done.returncode:
            raise MissingPackageError(f"{self.model}: {what} failed: {self._last_line()}; see {self.path}")

    def _last_line(self) -> str:
        """The last line of output."""
        lines = self.path.read_bytes()[-4096:].decode("utf-8", "replace").splitlines()
        return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "no output")


def _environment(offline: bool) -> dict[str, str]:
    """The caller's environment without keys and detours, and without a way out if `offline`."""
    kept = {key: value for key, value in os.environ.items() if key not in (*FOREIGN, *KEYS)}
    kept |= {"GIT_TERMINAL_PROMPT": "0", "UV_NO_WRAP": "1"}
    if offline:
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), NOWHERE) | {"no_proxy": ""}
        kept |= proxies | {name.upper(): value for name, value in proxies.items()} | {"UV_OFFLINE": "1"}
    return kept
