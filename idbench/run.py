"""Chains the stages: suite -> generations -> faces -> scores -> summary -> report. The only module that knows them all.

A run directory belongs to one suite. A second run with the same arguments does only what is missing
(what networks computed comes out of the cache); other arguments replace tables, summary and report.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from idbench import provenance, registry
from idbench.config import RunConfig
from idbench.defaults import with_defaults
from idbench.encoders import aesthetic, clip
from idbench.errors import ConfigError, RunError
from idbench.faces.pipeline import ImageAnalyser
from idbench.faces.specs import open_detector, open_recognizers, refuse_mini
from idbench.generate.ledger import FolderProducer, Ledger, OracleProducer, Producer
from idbench.generate.producer import Making, ModelProducer, make_all
from idbench.models.base import Model
from idbench.models.card_model import CardModel
from idbench.models.devices import gpus
from idbench.models.image_folder import ImageFolder, MatchedImages
from idbench.models.preflight import blockers, require
from idbench.models.simulated import ONLY_RENDERED
from idbench.models.specs import ModelSpec, specs_of
from idbench.records import ORACLES
from idbench.records.run import (
    Counts,
    ListedFiles,
    ListedProblems,
    ModelRecord,
    NetworkRecord,
    RunRecord,
    SuiteRecord,
    SweepValue,
)
from idbench.records.summary import Summary
from idbench.scoring import Scoring, index_and_analyse, score_cases
from idbench.stats import Verification
from idbench.store import Cache, exclusive_lock, write_json
from idbench.suites import Suite, SuiteIndex, case_filename, open_suite
from idbench.summary import Settings, summarise
from idbench.tables import read_tables

__all__ = ["Opened", "Progress", "execute", "prepare", "resummarise"]

Progress = Callable[[str, int, int], None]


Warn = Callable[[str], None]
"""Called with one line about something the user may not have meant."""


def _silent(stage: str, done: int, total: int) -> None:
    """No progress wanted."""


def _python_warning(message: str) -> None:
    warnings.warn(message, stacklevel=3)


@dataclass
class Opened:
    """What a configuration names, opened."""

    suite: Suite
    analyser: ImageAnalyser
    scoring: Scoring
    folders: list[ImageFolder]
    models: list[tuple[ModelSpec, Model]]
    with_oracles: bool


def execute(config: RunConfig, progress: Progress = _silent, warn: Warn = _python_warning) -> Path:
    """Do everything `config` asks for; returns the run directory.

    Raises `IdbenchError` children with one line each; outcomes of single images are never raised.
    """
    run = Path(config.out).expanduser()
    suite = open_suite(config.suite, config.subsets)
    config = with_defaults(config, suite, warn)
    opened = prepare(config, suite)
    with exclusive_lock(run):
        record = RunRecord(state="running", config=config, provenance=provenance.collect())
        previous = _previous(run)
        index, unreadable = index_and_analyse(opened.suite, opened.scoring, progress)
        _check_same_suite(run, previous, index)
        for line in _surprises(config, previous, opened):
            warn(line)
        ledger = Ledger(run / "generations.jsonl")
        made = _producers(config, opened, run, ledger, progress)
        record = record.model_copy(update=_descriptions(opened, index))
        write_json(run / "run.json", record.model_dump(mode="json", exclude_unset=True))
        matched = [folder.match(index.ids) for folder in opened.folders]
        for one in matched:
            _warn_of_missing(one, index, warn)
        devices = _devices(config) if any(model.isolated for _, model in opened.models) else []
        make_all(made, opened.suite, Making(devices, config.time_limit, run), progress, warn)
        producers: list[Producer] = [*(FolderProducer(one) for one in matched), *(producer for _, producer in made)]
        if config.oracles:
            producers.append(OracleProducer(opened.analyser, index, run / "images"))
        opened.scoring.producers = producers
        judges = score_cases(opened.suite, index, opened.scoring, ledger, run, progress)
        write_json(run / "judges.json", {name: asdict(judged) for name, judged in judges.items()})
        _write_summary(run, config, progress)
        counts = _counts(opened, unreadable, matched, _not_tried(made))
        state = "incomplete" if counts.not_tried else "finished"
        record = record.model_copy(update={"state": state, "counts": counts})
        _make_gallery(run, config, opened.suite, progress)
        write_json(run / "run.json", record.model_dump(mode="json", exclude_unset=True))
        _write_report(run, progress)
    return run


def prepare(config: RunConfig, suite: Suite) -> Opened:
    """Open everything named before anything is computed, so that mistakes show at once.

    Raises `IdbenchError` children, one line, for whatever would stop the run.
    """
    if not config.images and not config.models and not config.oracles:
        raise ConfigError("nothing to score: give --images NAME=FOLDER or --model, or leave the oracles on")
    if not suite.rendered and not config.allow_mini:
        refuse_mini(config.recognizers, config.detector)
    models = [(spec, spec.open()) for spec in specs_of(config)]
    if not suite.rendered and any(model.needs_truth for _, model in models):
        raise ConfigError(ONLY_RENDERED)
    folders = [registry.models.get("images")(name, location) for name, location in config.images.items()]
    recognizers = open_recognizers(config.recognizers, config.device)
    detector = open_detector(config.detector, config.recognizers, config.device, config.detection_threshold)
    text = clip.open_encoder(config.clip, config.device)
    looks = aesthetic.open_encoder(config.aesthetic, config.device)
    analyser = ImageAnalyser(
        detector,
        recognizers,
        [encoder for encoder in (text, looks) if encoder is not None],
        Cache(Path(config.cache).expanduser() if config.cache else None),
        config.workers,
        config.batch,
    )
    stacked = frozenset(r.name for r in recognizers if r.describe()["family"] in ("facenet", "adaface"))
    if any(model.isolated for _, model in models):
        _devices(config)
    for spec, model in models:
        if isinstance(model, CardModel):
            require(model.card, model.settings, Path(spec.location))
    scoring = Scoring(analyser, [], config.protocols, stacked, text, config.false_accept_rate)
    return Opened(suite, analyser, scoring, folders, models, config.oracles)


def _producers(
    config: RunConfig, opened: Opened, run: Path, ledger: Ledger, progress: Progress
) -> list[tuple[ModelSpec, ModelProducer]]:
    """Who makes each model's images; reads all weights once, for their digests."""
    producers = []
    for done, (spec, model) in enumerate(opened.models, 1):
        producers.append((spec, ModelProducer(model, config.seed_list, run / "images", ledger, config.retry_failed)))
        if model.isolated:
            progress("digests of weights", done, len(opened.models))
    return producers


def _not_tried(made: list[tuple[ModelSpec, ModelProducer]]) -> dict[str, int]:
    """Per model, jobs that had no chance, because the model did not run; the next run asks again."""
    return {spec.name: producer.not_tried for spec, producer in made if producer.not_tried}


def _devices(config: RunConfig) -> list[str | None]:
    """Where processes of models run: one per GPU, or as many as asked for, round about the GPUs."""
    found: list[str | None] = list(gpus(config.device))
    if config.device == "cuda" and not found:
        raise ConfigError("device cuda asked for, but no GPU was found (nvidia-smi -L lists none)")
    found = found or [None]
    return [found[i % len(found)] for i in range(config.processes or len(found))]


def _previous(run: Path) -> RunRecord | None:
    path = run / "run.json"
    if (run / "calibration.json").exists():
        raise RunError(f"{run} holds a calibration, which a run would overwrite; choose another --out")
    if not path.exists():
        return None
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RunError(f"{path} is not a run record; choose another --out") from error


def _check_same_suite(run: Path, previous: RunRecord | None, index: SuiteIndex) -> None:
    old = previous.suite.fingerprint if previous and previous.suite else ""
    if old and old != index.fingerprint:
        raise RunError(
            f"{run} holds a run on another suite (fingerprint {old[:12]}, this one {index.fingerprint[:12]}); "
            "choose another --out"
        )


def _surprises(config: RunConfig, previous: RunRecord | None, opened: Opened) -> Iterator[str]:
    """What a user may not have meant by these arguments."""
    if not config.images and not config.models:
        yield "no --images given: only the oracles are scored"
    for spec, model in opened.models:
        if isinstance(model, CardModel):
            found = blockers(model.card, model.settings, config.device, Path(spec.location))
            yield from (blocker.text for blocker in found)
        if model.card is not None and model.card.hosted is not None:
            yield f"{spec.name}: prompts and references are sent to its vendor over the network"
    if config.detector is None and opened.analyser.detector.name == "mtcnn":
        yield "no InsightFace pack among the recognizers, so faces are detected by MTCNN; choose with --detector"
    before = previous.config if previous else config
    for what, old, new in (
        ("models", [*before.images, *before.models], [*config.images, *config.models]),
        ("recognizers", before.recognizers, config.recognizers),
    ):
        if gone := sorted(set(old) - set(new)):
            yield f"{config.out} is made anew without the {what} {', '.join(gone)} of the run before"


def _warn_of_missing(matched: MatchedImages, index: SuiteIndex, warn: Warn) -> None:
    missing = [case_id for case_id in index.ids if case_id not in matched.files]
    if missing:
        wanted = case_filename(missing[0])
        surplus = f"; {len(matched.surplus)} files match no case, first {matched.surplus[0]}" if matched.surplus else ""
        warn(
            f"{matched.name}: {len(missing)} of {len(index.ids)} cases have no image and count as failures; "
            f"expected {wanted}.jpg, {wanted}--7.png or {wanted}/out.jpg{surplus}"
        )


def _descriptions(opened: Opened, index: SuiteIndex) -> dict[str, Any]:
    suite, analyser = opened.suite, opened.analyser
    about = {"name": suite.name, "source": suite.source, "licence": suite.licence, "rendered": suite.rendered}
    return {
        "suite": SuiteRecord.model_validate(about | index.counts().model_dump()),
        "models": {f.name: ModelRecord(kind="images", folder=str(f.root)) for f in opened.folders}
        | {spec.name: _about(spec, model) for spec, model in opened.models}
        | {name: ModelRecord(kind="oracle", what=what) for name, what in ORACLES.items() if opened.with_oracles},
        "detector": NetworkRecord.model_validate(analyser.detector.describe()),
        "recognizers": {r.name: NetworkRecord.model_validate(r.describe()) for r in analyser.recognizers},
    }


def _about(spec: ModelSpec, model: Model) -> ModelRecord:
    """What run.json says of a model that generates."""
    about = model.describe() | {"parameters": dict(model.parameters)}
    if model.card is not None:
        about["card"] = model.card.facts
    if spec.sweep:
        about["sweep"] = SweepValue.model_validate(spec.sweep.as_dict())
    return ModelRecord.model_validate(about)


def _counts(
    opened: Opened, unreadable: dict[str, str], matched: list[MatchedImages], not_tried: dict[str, int]
) -> Counts:
    """The account of what was asked for and what became of it."""
    return Counts(
        suite_problems=dict(sorted(opened.suite.problems.items())),
        suite_photos_unreadable=dict(sorted(unreadable.items())),
        encoders={e.name: NetworkRecord.model_validate(e.describe()) for e in opened.analyser.encoders},
        images_analysed_anew=opened.analyser.analysed,
        recognizer_failures={
            name: ListedProblems(count=len(failed), first=dict(sorted(failed.items())[:20]))
            for name, failed in opened.analyser.judge_failures.items()
            if failed
        },
        surplus_files={m.name: ListedFiles(count=len(m.surplus), first=list(m.surplus[:20])) for m in matched},
        not_tried=not_tried,
    )


def _write_summary(run: Path, config: RunConfig, progress: Progress) -> None:
    progress("statistics", 0, 1)
    resummarise(run, Settings(config.resamples, config.level, config.interval, config.statistics_seed))
    progress("statistics", 1, 1)


def resummarise(run: Path, settings: Settings) -> Summary:
    """Compute summary.json of a run anew from its tables."""
    scores, images, suite = read_tables(run)
    judges = {
        name: Verification(**values)
        for name, values in json.loads((run / "judges.json").read_text(encoding="utf-8")).items()
    }
    models = json.loads((run / "run.json").read_text(encoding="utf-8"))["models"]
    variants = [name for name, about in models.items() if about.get("sweep")]
    summary = summarise(scores, images, suite, judges, settings, variants)
    write_json(run / "summary.json", summary.model_dump(mode="json", exclude_unset=True))
    return summary


def _make_gallery(run: Path, config: RunConfig, suite: Suite, progress: Progress) -> None:
    from idbench.thumbnails import make_thumbnails

    make_thumbnails(run, suite, config.gallery, progress)


def _write_report(run: Path, progress: Progress) -> None:
    from idbench.report import write_report

    progress("report", 0, 1)
    write_report(run)
    progress("report", 1, 1)
