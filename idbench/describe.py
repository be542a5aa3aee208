"""What `run.json` says of a run: everything it uses, and the account of what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from idbench import provenance
from idbench.config import RunConfig
from idbench.generate.folder import FolderProducer
from idbench.generate.model import ModelProducer
from idbench.prepare import Opened
from idbench.records import ORACLES
from idbench.records.run import (
    RUN_VERSION,
    Counts,
    ListedFiles,
    ListedProblems,
    ModelRecord,
    NetworkRecord,
    RunRecord,
    SuiteRecord,
)
from idbench.suites import SuiteIndex

__all__ = ["counts", "describe"]

LISTED = 20
"""Entries of a list that are written out; of the others there is the count."""


def describe(config: RunConfig, opened: Opened, index: SuiteIndex) -> RunRecord:
    """The record of a run that has just begun."""
    suite, analyser = opened.suite, opened.analyser
    about = {"name": suite.name, "source": suite.source, "licence": suite.licence, "rendered": suite.rendered}
    models = {folder.name: ModelRecord(kind="images", folder=str(folder.root)) for folder in opened.folders}
    models |= {model.name: model.record() for model in opened.models}
    if config.oracles:
        models |= {name: ModelRecord(kind="oracle", what=what) for name, what in ORACLES.items()}
    return RunRecord(
        schema_version=RUN_VERSION,
        state="running",
        config=RunConfig(**config.model_dump()),  # every field is written, whether it was given or not
        suite=SuiteRecord.model_validate(about | index.counts().model_dump()),
        models=models,
        detector=NetworkRecord.model_validate(analyser.describe_detection()),
        recognizers={one.name: NetworkRecord.model_validate(one.describe()) for one in analyser.recognizers},
        provenance=provenance.collect(),
    )


def counts(
    opened: Opened,
    unreadable: dict[str, str],
    unclear: dict[str, str],
    folders: Sequence[FolderProducer],
    models: Sequence[ModelProducer],
) -> Counts:
    """The account of what was asked for and what became of it."""
    surplus = {folder.matched.name: folder.matched.surplus for folder in folders}
    return Counts(
        suite_problems=dict(sorted(opened.suite.problems.items())),
        suite_photos_unreadable=dict(sorted(unreadable.items())),
        people_unclear=_listed(unclear) if unclear else None,
        encoders={one.name: NetworkRecord.model_validate(one.describe()) for one in opened.analyser.encoders},
        images_analysed_anew=opened.analyser.analysed,
        recognizer_failures={
            name: _listed(failed) for name, failed in opened.analyser.recognizer_failures.items() if failed
        },
        recognizer_faults=opened.analyser.recognizer_faults,
        surplus_files={k: ListedFiles(count=len(files), first=list(files[:LISTED])) for k, files in surplus.items()},
        not_tried={one.name: one.not_tried for one in models if one.not_tried},
    )


def _listed(problems: dict[str, str]) -> ListedProblems:
    return ListedProblems(count=len(problems), first=dict(sorted(problems.items())[:LISTED]))
