"""What `run.json` says of a run that begins: everything it uses."""

from __future__ import annotations

from idbench import provenance
from idbench.config import RunConfig
from idbench.prepare import Opened
from idbench.records import ORACLES
from idbench.records.run import RUN_VERSION, ModelRecord, NetworkRecord, RunRecord, SuiteRecord
from idbench.suites import SuiteIndex

__all__ = ["describe"]


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
