"""What a run is asked to do. A TOML file with these fields equals the command-line flags of the same name."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from idbench.errors import ConfigError
from idbench.schema import Record, problem_of
from idbench.spec_text import check_model_name, parse_model

__all__ = ["RunConfig", "load_config"]


class RunConfig(Record):
    """Everything that decides a run's numbers, and where they go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suite: str = Field("synthetic", description="suite name, NAME:LOCATION, hub id or path")
    subsets: tuple[str, ...] = Field((), description="only these subsets; empty means all")
    images: dict[str, str] = Field(default_factory=dict, description="model name -> folder of its images")
    models: tuple[str, ...] = Field((), description="models that generate, [NAME=]CARD or [NAME=]KIND:LOCATION")
    set: tuple[str, ...] = Field((), description="changed parameters of models, NAME.KEY=VALUE")
    sweeps: tuple[str, ...] = Field((), description="NAME.KEY=FIRST:LAST:STEP or A,B,C: one model per value")
    image_size: str | None = Field(None, description="WIDTHxHEIGHT in pixels, for every model that can choose")
    seeds: int = Field(1, ge=1, le=10_000, description="images per case and model that generates")
    first_seed: int = Field(0, ge=0, lt=2**31, description="seeds count up from here")
    time_limit: float = Field(600, gt=0, le=86_400, description="seconds a model may take for one image")
    processes: int | None = Field(None, ge=1, le=64, description="processes per model; default: one per GPU")
    retry_failed: bool = Field(False, description="ask again for images that failed in an earlier run")
    recognizers: tuple[str, ...] = Field((), description="judges, [NAME=]KIND[:LOCATION]")
    detector: str | None = Field(None, description="face detector; default: the first recognizer's pack")
    detection_threshold: float | None = Field(None, ge=0, le=1)
    allow_mini: bool = Field(False, description="let mini judge photos of people, which it was not trained for")
    protocol: Literal["strict", "paper", "both"] = "strict"
    oracles: bool = Field(True, description="score the oracles too")
    clip: str = Field("auto", description="auto, off, or a weight file")
    aesthetic: str = Field("auto", description="auto, off, or a folder of weights")
    out: str = Field("runs/latest", description="run directory")
    cache: str | None = Field(None, description="cache directory")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    workers: int | None = Field(None, ge=1, le=256)
    batch: int = Field(1, ge=1, le=1024, description="images whose crops are embedded together")
    resamples: int = Field(10_000, ge=100, le=100_000)
    level: float = Field(0.95, gt=0.5, lt=1)
    interval: Literal["percentile", "bca"] = "percentile"
    statistics_seed: int = Field(0, ge=0)
    false_accept_rate: float = Field(0.01, gt=0, lt=1)
    gallery: int = Field(60, ge=0, le=2000, description="cases shown in the report's gallery")

    @field_validator("images")
    @classmethod
    def _usable_names(cls, images: dict[str, str]) -> dict[str, str]:
        for name in images:
            check_model_name(name)
        return images

    @field_validator("models")
    @classmethod
    def _told_apart(cls, models: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        taken = set(others.data.get("images", ()))
        for spec in models:
            name, kind, location = parse_model(spec)
            check_model_name(name)
            if name in taken:
                raise ValueError(f"two models are called '{name}'; tell them apart with NAME={kind}:{location}")
            taken.add(name)
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


def load_config(path: Path | None, flags: dict[str, Any]) -> RunConfig:
    """Merge a TOML file (if any) with the flags given, which win.

    Raises `ConfigError`, one line, for unknown fields, wrong types and values out of range.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"config file {path}: {error}") from error
    values |= {key: value for key, value in flags.items() if value is not None}
    try:
        config = RunConfig.model_validate(values)
        json.dumps(config.model_dump(), ensure_ascii=False).encode()
        if config.images and "suite" not in values:
            raise ConfigError("no suite given for these images; name one with --suite (see 'idbench suites list')")
        return config
    except UnicodeEncodeError as error:
        found = str(error.object)[max(0, error.start - 20) : error.end]
        raise ConfigError(f"names and paths must be valid UTF-8, found {found!a}") from error
    except ValidationError as error:
        raise ConfigError(problem_of(error, RunConfig.model_fields)) from error
