"""Images that are made here: a model asked case by case for what is missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from idbench.errors import RunError
from idbench.generations import Ledger, Produced
from idbench.images import EncodedImage, digest_of, encode_png
from idbench.models.base import Model
from idbench.records import Case, Generation
from idbench.store import key_of, write_bytes
from idbench.suites import Suite, case_filename
from idbench.threads import map_ahead, usable_cores

__all__ = ["ModelProducer"]


class ModelProducer:
    """A model's images, made by the model itself and kept as `folder/<model>/<case>--<seed>.png`.

    What the ledger says the model gave with its present parameters is not asked for again, images and
    failures alike; an image that is no longer what the ledger says is made anew.
    """

    def __init__(self, model: Model, seeds: int, folder: Path, ledger: Ledger) -> None:
        self._model = model
        self._seeds = range(seeds)
        self._folder = folder / model.name
        self._ledger = ledger
        self._parameters = key_of(model.describe())

    def make(self, suite: Suite, progress: Callable[[str, int, int], None]) -> None:
        """Ask the model for every image that is missing."""
        stage = f"images of {self._model.name}"
        workers = usable_cores() if self._model.parallel else 1
        total = suite.count * len(self._seeds)
        done = 0
        jobs = ((case, seed) for case in suite.cases() for seed in self._seeds)
        for done, generation in enumerate(
            map_ahead(lambda job: self._kept(*job) or self._make(*job), jobs, workers), 1
        ):
            self._ledger.record(generation)
            progress(stage, done, total)
        progress(stage, done, done)

    def produce(self, case: Case) -> Iterator[Produced]:
        """Every seed's image or failure; `make` must have come before."""
        for seed in self._seeds:
            known = self._ledger.find(self._model.name, case.id, seed)
            if known is None:
                raise RunError(f"{self._model.name} was not asked for case {case.id}, seed {seed}")
            image = EncodedImage(f"{self._model.name}/{case.id}", path=self._path(case, seed))
            yield Produced(
                *known.key,
                image if known.outcome == "generated" else None,
                "generated" if known.outcome == "generated" else "generation_failed",
                known.error,
                known.seconds,
                self._parameters,
            )

    def _path(self, case: Case, seed: int) -> Path:
        return self._folder / f"{case_filename(case.id)}--{seed}.png"

    def _kept(self, case: Case, seed: int) -> Generation | None:
        """What the ledger says, if it still holds."""
        known = self._ledger.find(self._model.name, case.id, seed)
        if known is None or known.parameters != self._parameters:
            return None
        if known.outcome == "generation_failed":
            return known
        path = self._path(case, seed)
        try:
            whole = digest_of(path.read_bytes()) == known.digest
        except OSError:
            return None
        return known.model_copy(update={"path": str(path)}) if whole else None

    def _make(self, case: Case, seed: int) -> Generation:
        began = time.perf_counter()
        shown = case if self._model.needs_truth else replace(case, truth=None)
        made = self._model.generate(shown, seed)
        about: dict[str, Any] = {
            "model": self._model.name,
            "case": case.id,
            "seed": seed,
            "seconds": round(time.perf_counter() - began, 3),
            "parameters": self._parameters,
        }
        if made.pixels is None:
            return Generation(**about, outcome="generation_failed", error=made.error or "no reason given")
        path, data = self._path(case, seed), encode_png(made.pixels)
        write_bytes(path, data)
        return Generation(**about, outcome="generated", path=str(path), digest=digest_of(data))
