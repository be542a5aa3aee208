"""How a model is run, apart from what it makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["OFFLOADS", "Execution"]

OFFLOADS = ("none", "model", "sequential")
"""How much of a model leaves the accelerator while it is not at work: nothing, whole networks, single layers.
Each needs less accelerator memory than the one before, and more time."""


@dataclass(frozen=True)
class Execution:
    """How a model wants to be run; the defaults suit a small model without surprises.

    Parameters
    ----------
    isolated : whether it runs in child processes of its own, one per GPU, with batches of jobs. Otherwise `generate`
        is called in this process, from several threads at once, with one job at a time.
    batch : jobs that are generated together, where it is isolated.
    offload : one of `OFFLOADS`, to begin with.
    devices : `gpus` for one process per GPU, `one` for a single process that needs none.
    time_limit : seconds for one image that are never undercut by the run's own limit; None leaves it to the run.
    spending_cap : US dollars a run may spend on it; None for a model that costs nothing.
    expected_cost : US dollars an image is expected to cost, about; above 0 where there is a spending cap.
    attempts : requests that one image may take, each of which may be paid.
    """

    isolated: bool = False
    batch: int = 1
    offload: str = "none"
    devices: Literal["gpus", "one"] = "gpus"
    time_limit: float | None = None
    spending_cap: float | None = None
    expected_cost: float = 0.0
    attempts: int = 1
