"""`idbench` and `python -m idbench`: Ctrl-C is quiet from the first line on, while everything else is imported."""

import os
import signal
from types import FrameType


def _end(number: int, frame: FrameType | None) -> None:
    """Nothing was begun, so nothing is left behind."""
    os._exit(128 + number)


if signal.getsignal(signal.SIGINT) == signal.default_int_handler:  # else it is ignored
    signal.signal(signal.SIGINT, _end)

from idbench.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
