"""The command in this process: quicker than a process of its own, where that is not what a test is about."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from idbench.cli import main


def idbench_here(*arguments: str | Path, input: str = "") -> CompletedProcess[str]:
    """What the command gives for the same arguments and answers."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["idbench", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.StringIO(input))
        with pytest.raises(SystemExit) as ended:
            main()
    return CompletedProcess(arguments, ended.value.code, out.getvalue(), err.getvalue())
