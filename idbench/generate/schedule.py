"""All models' images, one model after the other."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from idbench.config import RunConfig
from idbench.errors import ConfigError
from idbench.generate.handover import workplace
from idbench.generate.ledger import Ledger
from idbench.generate.model import ModelProducer
from idbench.generate.pool import ProcessPool
from idbench.models.devices import gpus
from idbench.models.specs import OpenedModel
from idbench.progress import Progress, Warn
from idbench.suites import SuiteIndex

__all__ = ["PoolSettings", "make_images", "model_producers", "process_devices"]


@dataclass(frozen=True)
class PoolSettings:
    """How models run in child processes.

    Parameters
    ----------
    devices : GPUs as CUDA_VISIBLE_DEVICES names them, None for the CPU: one process each.
    time_limit : seconds for one image at most.
    scratch : the run's folder for temporary files. What processes are handed lies elsewhere, see `handover.workplace`.
    logs : folder for what the processes write on stderr.
    """

    devices: Sequence[str | None]
    time_limit: float
    scratch: Path
    logs: Path

    def pool(self, opened: OpenedModel, place: Path) -> ProcessPool:
        """The processes of a model, not yet started; `place` is where they are handed their jobs."""
        how, sweep = opened.execution, opened.spec.sweep
        devices = [None] if how.devices == "one" else self.devices
        seconds = max(self.time_limit, how.time_limit or 0)
        name = sweep.of if sweep is not None else opened.name
        return ProcessPool(name, opened.launch(), devices, how.offload, seconds, place, self.logs)


def process_devices(device: str, processes: int | None) -> list[str | None]:
    """Where processes of models run: one per GPU, or as many as asked for, round about the GPUs; None for the CPU.

    Raises `ConfigError` for `cuda` without a GPU.
    """
    found: list[str | None] = list(gpus(device))
    if device == "cuda" and not found:
        raise ConfigError("device cuda asked for, but no GPU was found (nvidia-smi -L lists none)")
    found = found or [None]
    return [found[i % len(found)] for i in range(processes or len(found))]


def model_producers(
    models: Sequence[OpenedModel], config: RunConfig, images: Path, ledger: Ledger, progress: Progress
) -> list[ModelProducer]:
    """What makes each model's images into the folder `images`; reads all weights once, for their digests."""
    producers = []
    for done, opened in enumerate(models, 1):
        producers.append(ModelProducer(opened, config.seed_list, images, ledger, config.retry_failed))
        if opened.execution.isolated:
            progress("digests of weights", done, len(models))
    return producers


def make_images(
    producers: Sequence[ModelProducer], index: SuiteIndex, settings: PoolSettings, progress: Progress, warn: Warn
) -> None:
    """Make what each model lacks; models of one sweep share loaded weights."""
    with workplace(settings.scratch) as place, ExitStack() as running:
        pool: ProcessPool | None = None
        loaded = ""
        for producer in producers:
            if not producer.opened.execution.isolated:
                producer.make(index, progress, warn)
                continue
            if pool is None or loaded != producer.opened.loading:
                running.close()
                pool = running.enter_context(settings.pool(producer.opened, place))
                loaded = producer.opened.loading
            producer.make(index, progress, warn, pool)
            _warn_of_lacking(producer, pool, settings.logs, warn)


def _warn_of_lacking(producer: ModelProducer, pool: ProcessPool, logs: Path, warn: Warn) -> None:
    """Say which images are not there, and why."""
    if not pool.given_up:
        producer.warn_of_failures(warn)
    if producer.stopped:
        warn(f"{producer.name}: {producer.stopped}; the next run asks for the rest")
    for reason in pool.given_up:
        warn(f"{producer.name}: {reason}; see {logs}; the next run tries again")
