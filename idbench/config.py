"""What a run is asked to do. A TOML file with these fields equals the command-line options of the same name."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from idbench.errors import ConfigError
from idbench.options import Flag, Folders, Location, Texts
from idbench.schema import Record, first_problem, problem_of
from idbench.spec_text import check_model_name, parse_model
from idbench.text_files import decode_text

__all__ = ["RunConfig", "load_config"]


class RunConfig(Record):
    """Everything that decides a run's numbers, and where they go."""

    suite: Location = Field(default="synthetic", description="Suite: name, NAME:LOCATION, hub id, or path.")
    subsets: Annotated[Texts, Flag("subset", unset="all")] = Field(
        default=(), description="Only this subset; may be repeated."
    )
    images: Folders = Field(default={}, description="Images of a model; may be repeated.")
    models: Annotated[Texts, Flag("model", "[NAME=]MODEL")] = Field(
        default=(),
        description="A model that generates: a card (withanyone), a folder with card.toml, or KIND:LOCATION "
        "(sim:drift=0.1); may be repeated. See 'idbench models list'.",
    )
    set: Annotated[Texts, Flag(metavar="NAME.KEY=VALUE")] = Field(
        default=(), description="A parameter of a model; may be repeated. See 'models show'."
    )
    sweeps: Annotated[Texts, Flag("sweep", "NAME.KEY=A:B:STEP")] = Field(
        default=(), description="One model per value, a trade-off curve in the report. Or NAME.KEY=A,B,C."
    )
    image_size: Annotated[str | None, Flag(metavar="WxH", unset="the model's")] = Field(
        default=None, description="Pixels of generated images."
    )
    seeds: int = Field(default=1, ge=1, le=10_000, description="Images per case and --model.")
    first_seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Seeds count up from here.")
    time_limit: float = Field(
        default=600, gt=0, le=86_400, description="Seconds for one image; a batch has as many times that."
    )
    processes: Annotated[int | None, Flag(unset="one per GPU")] = Field(
        default=None, ge=1, le=64, description="Processes per model."
    )
    retry_failed: bool = Field(default=False, description="Ask again for images that failed before.")
    recognizers: Annotated[Texts, Flag("recognizer", "[NAME=]KIND[:LOCATION]")] = Field(
        default=(),
        description="A face recognition network that compares faces, e.g. insightface:antelopev2; may be repeated. "
        "See 'idbench recognizers'.",
    )
    detector: Annotated[str | None, Flag(unset="the first recognizer's pack")] = Field(
        default=None, description="Face detector: insightface:PACK, mtcnn or mini."
    )
    detection_threshold: Annotated[float | None, Flag(unset="the detector's; SCRFD 0.45")] = Field(
        default=None, ge=0, le=1, description="Lowest detection score."
    )
    allow_mini: bool = Field(
        default=False, description="Let mini judge photos of people, which it was not trained for."
    )
    protocol: Literal["strict", "paper", "both"] = Field(
        default="strict", description="From faces to numbers: ours, the published script's, or both side by side."
    )
    oracles: Annotated[bool, Flag(negative=True)] = Field(default=True, description="Score the oracles too.")
    clip: str = Field(default="auto", description="CLIP: auto, off, or a weight file.")
    aesthetic: str = Field(default="auto", description="Aesthetics: auto, off, or a folder of weights.")
    out: Location = Field(default="runs/latest", description="Run directory.")
    cache: Annotated[Location | None, Flag(unset="$IDBENCH_CACHE or ~/.cache/idbench")] = Field(
        default=None, description="Cache directory."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="Where networks compute.")
    workers: Annotated[int | None, Flag(unset="usable cores")] = Field(
        default=None, ge=1, le=256, description="Threads."
    )
    batch: int = Field(default=1, ge=1, le=1024, description="Images whose crops are embedded together.")
    resamples: int = Field(default=10_000, ge=100, le=100_000, description="Bootstrap resamples.")
    level: float = Field(default=0.95, ge=0.5, le=0.999, description="Level of intervals.")
    interval: Literal["percentile", "bca"] = Field(default="percentile", description="Kind of bootstrap interval.")
    statistics_seed: int = Field(default=0, ge=0, description="Seed of the resampling.")
    false_accept_rate: float = Field(default=0.01, gt=0, lt=1, description="For the verification threshold.")
    gallery: int = Field(default=60, ge=0, le=2000, description="Cases in the report's gallery.")

    @field_validator("seeds", "first_seed", "processes", "workers", "batch", "resamples", "statistics_seed", "gallery",
                     "time_limit", "detection_threshold", "level", "false_accept_rate", mode="before")  # fmt: skip
    @classmethod
    def _truth_is_no_number(cls, value: object, field: ValidationInfo) -> object:
        if isinstance(value, bool):
            whole = cls.model_fields[field.field_name or ""].annotation in (int, int | None)
            raise ValueError(f"expected {'an integer' if whole else 'a number'}, found {str(value).lower()}")
        return value

    @field_validator("suite", "out", "cache", "detector", "clip", "aesthetic")
    @classmethod
    def _not_empty(cls, text: str | None) -> str | None:
        if text is not None and not text.strip():
            raise ValueError("expected text, found nothing")
        return text

    @field_validator("first_seed")
    @classmethod
    def _last_seed_fits(cls, first: int, others: ValidationInfo) -> int:
        highest = 2**31 - others.data.get("seeds", 1)
        if first > highest:
            raise ValueError(f"expected at most {highest} with {others.data['seeds']} seeds, found {first}")
        return first

    @field_validator("images")
    @classmethod
    def _usable_names(cls, images: Folders) -> Folders:
        for name, folder in images.items():
            check_model_name(name)
            if not str(folder).strip():
                raise ValueError(f"expected a folder for '{name}', found nothing")
        return images

    @field_validator("models")
    @classmethod
    def _told_apart(cls, models: Texts, others: ValidationInfo) -> Texts:
        taken = {name.casefold() for name in others.data.get("images", ())}
        for spec in models:
            name, kind, location = parse_model(spec)
            check_model_name(name)
            if name.casefold() in taken:  # macOS and Windows take folders A and a for one
                raise ValueError(f"two models are called '{name}'; tell them apart with NAME={kind}:{location}")
            taken.add(name.casefold())
        return models

    @field_validator("image_size")
    @classmethod
    def _two_numbers(cls, size: str | None) -> str | None:
        if size is not None and re.fullmatch(r"[1-9]\d{1,4}x[1-9]\d{1,4}", size) is None:
            raise ValueError(f"expected WIDTHxHEIGHT in pixels, such as 768x1024, found '{size}'")
        return size

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height asked for, in pixels."""
        if self.image_size is None:
            return None
        width, height = self.image_size.split("x")
        return int(width), int(height)

    @property
    def seed_list(self) -> range:
        """The seeds of every case."""
        return range(self.first_seed, self.first_seed + self.seeds)

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols asked for."""
        return ("strict", "paper") if self.protocol == "both" else (self.protocol,)


def load_config(path: Path | None, given: Mapping[str, object], called: Callable[[str], str] = str) -> RunConfig:
    """The configuration of a TOML file, if any, and of what was given beside it, which wins; None is not given.

    called : what the user calls a field that was given, such as `--level`.
    Raises `ConfigError`, one line, for unknown fields, wrong types and values out of range.
    """
    given = {field: value for field, value in given.items() if value is not None}
    values = (_read(path) if path else {}) | given
    try:
        config = RunConfig.model_validate(values)
        json.dumps(config.model_dump(), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        found = str(error.object)[max(0, error.start - 20) : error.end]
        raise ConfigError(f"names and paths must be valid UTF-8, found {found!a}") from error
    except ValidationError as error:
        if first_problem(error)["loc"][0] in given:
            raise ConfigError(problem_of(error, RunConfig.model_fields, called)) from error
        raise ConfigError(f"config file {path}: {problem_of(error, RunConfig.model_fields)}") from error
    if config.images and "suite" not in values:
        raise ConfigError("no suite given for these images; name one with --suite (see 'idbench suites list')")
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(decode_text(path.read_bytes()).replace("\r\n", "\n"))
    except OSError as error:
        raise ConfigError(f"config file {path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"config file {path}: {error}") from error
