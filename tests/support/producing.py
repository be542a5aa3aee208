"""A suite's index without faces, and what a model gives for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from idbench.generate.ledger import Ledger
from idbench.generate.model import ModelProducer
from idbench.images import EncodedImage
from idbench.models.base import Model
from idbench.models.specs import ModelSpec, OpenedModel
from idbench.progress import silent
from idbench.records import Generation
from idbench.suites import Suite, SuiteIndex, index_case


def index_of(suite: Suite) -> SuiteIndex:
    """Every photo digested, none looked at."""
    index = SuiteIndex()
    for case in suite.cases():
        index.add(index_case(case))
    return index


def produce(
    model: Model, suite: Suite, run: Path, seeds: Sequence[int]
) -> list[tuple[Generation, EncodedImage | None]]:
    """What a model gives for every case and seed, asked where the run lacks it."""
    opened = OpenedModel(ModelSpec(model.name, "test", ""), model)
    producer = ModelProducer(opened, seeds, run / "images", Ledger(run / "generations.jsonl"))
    index = index_of(suite)
    producer.settle(index.cases, silent)
    producer.make(index, silent, lambda line: None)
    return [one for case in index.cases for one in producer.produce(case)]
