"""Opens everything that a configuration names before anything is computed, so that mistakes show at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from idbench.config import RunConfig
from idbench.encoders import aesthetic, clip
from idbench.errors import ConfigError
from idbench.faces.pipeline import ImageAnalyser
from idbench.faces.specs import (
    DETECTOR,
    check_for_photos,
    default_detector,
    open_detector,
    open_recognizers,
    stacking_references,
)
from idbench.generate.schedule import process_devices
from idbench.metrics import all_person_metrics
from idbench.models.image_folder import ImageFolder, list_images
from idbench.models.preflight import stop_at_first
from idbench.models.simulated import ONLY_RENDERED
from idbench.models.specs import OpenedModel, open_models
from idbench.out_folder import RUN, check_apart, check_out
from idbench.records.run import RunRecord
from idbench.scoring import Scoring
from idbench.store import Cache
from idbench.suites import Suite

__all__ = ["Opened", "prepare", "remarks"]


@dataclass
class Opened:
    """What a configuration names, opened. `devices` is where processes of models run."""

    suite: Suite
    scoring: Scoring
    folders: list[ImageFolder]
    models: list[OpenedModel]
    devices: list[str | None]

    @property
    def analyser(self) -> ImageAnalyser:
        """What finds and embeds faces."""
        return self.scoring.analyser


def prepare(config: RunConfig, suite: Suite) -> Opened:
    """Open everything named. Raises `IdbenchError` children, one line, for whatever would stop the run."""
    _check_folders(config, suite)
    if not config.images and not config.models and not config.oracles:
        raise ConfigError("nothing to score: give --images NAME=FOLDER or --model, or leave the oracles on")
    if not suite.rendered and not config.allow_mini:
        check_for_photos(config.recognizers, config.detector)
    models = open_models(config)
    if not suite.rendered and any(opened.model.needs_truth for opened in models):
        raise ConfigError(ONLY_RENDERED)
    named = [folder for one in (config.suite, *config.images.values()) if (folder := Path(one).expanduser()).is_dir()]
    folders = [list_images(name, location, named) for name, location in config.images.items()]
    scoring = _open_scoring(config)
    isolated = any(opened.execution.isolated for opened in models)
    devices = process_devices(config.device, config.processes) if isolated else []
    for opened in models:
        card = opened.model.card
        stop_at_first(opened.preflight(config.device), card.name if card is not None else opened.name)
    return Opened(suite, scoring, folders, models, devices)


def _check_folders(config: RunConfig, suite: Suite) -> None:
    """Raises `RunError` if the run would write over, into or around what is not its own."""
    out = Path(config.out).expanduser()
    check_out(out, RUN)
    read = [(f"--images {name}", Path(folder).expanduser()) for name, folder in config.images.items()]
    suites = [("--suite", Path(place).expanduser()) for place in (config.suite, suite.source) if place]
    check_apart(out, [*read, *suites])


def _open_scoring(config: RunConfig) -> Scoring:
    all_person_metrics()  # those of other packages are loaded now, so that one that cannot be is heard of at once
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
    stacked = stacking_references(config.recognizers)
    return Scoring(analyser, config.protocols, stacked, text, config.oracles)


def remarks(config: RunConfig, opened: Opened, previous: RunRecord | None) -> Iterator[str]:
    """What a user may not have meant by these arguments, or should know before the run; one line each."""
    if not config.images and not config.models:
        yield "no --images given: only the oracles are scored"
    if config.images and not config.models and config.model_fields_set & {"seeds", "first_seed"}:
        yield "--seeds and --first-seed have no effect on --images, whose files say how many seeds there are"
    told = [blocker.text for model in opened.models for blocker in model.preflight(config.device)]
    told += [model.notice for model in opened.models if model.notice is not None]
    yield from dict.fromkeys(told)  # models of a sweep say the same
    if config.detector is None and default_detector(config.recognizers) == DETECTOR:
        yield f"no recognizer brings a detector, so faces are detected by {DETECTOR}; choose with --detector"
    for name, fault in opened.analyser.recognizer_faults.items():
        yield f"recognizer {name} measures nothing: {fault}; check its weights and preprocessing"
    before = previous.config if previous else config
    for what, old, new in (
        ("models", [*before.images, *before.models], [*config.images, *config.models]),
        ("recognizers", before.recognizers, config.recognizers),
    ):
        if gone := sorted(set(old) - set(new)):
            yield f"{config.out} is made anew without the {what} {', '.join(gone)} of the run before"
