"""One training loop for all three networks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor, nn

__all__ = ["learn"]

B = TypeVar("B")
DECAY = 5e-3
WARM_UP = 0.05
REPORTS = 10


def learn(
    name: str, module: nn.Module, batches: Iterator[B], loss_of: Callable[[B], Tensor], steps: int, rate: float,
    bfloat16: bool = False,
) -> float:  # fmt: skip
    """Train `module` for `steps` batches with AdamW at a rate that rises to `rate` and falls to nothing.

    bfloat16 : twice as fast on processors that calculate in it. Returns the seconds it took.
    """
    start, recent = time.perf_counter(), 0.0
    module.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=WARM_UP)
    for step, batch in enumerate(_ahead(batches, steps), 1):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            loss = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        recent = loss.item() if step == 1 else 0.97 * recent + 0.03 * loss.item()
        if step % max(1, steps // REPORTS) == 0:
            seconds = time.perf_counter() - start
            print(f"{name}: step {step}/{steps}, loss {recent:.4f}, {seconds:.0f} s", file=sys.stderr, flush=True)
    return time.perf_counter() - start


def _ahead(batches: Iterator[B], steps: int) -> Iterator[B]:
    """`steps` batches, the next one made while this one is used."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches)
        for _ in range(steps - 1):
            batch, coming = coming.result(), pool.submit(next, batches)
            yield batch
        yield coming.result()
