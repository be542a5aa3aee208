"""What a calibration is asked to do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationError

from idbench.errors import ConfigError
from idbench.schema import Record, problem_of
from idbench.spec_text import parse_recognizer

__all__ = ["CalibrationConfig", "configure"]


class CalibrationConfig(Record):
    """Everything that decides a calibration's numbers, and where they go."""

    recognizers: tuple[str, ...] = Field(("mini",), min_length=1, description="judges, [NAME=]KIND[:LOCATION]")
    detector: str | None = Field(None, description="face detector; default: the first recognizer's pack, else mini")
    cases: int = Field(20, ge=2, le=500, description="cases of a sweep; four times as many make the pool")
    repeats: int = Field(2000, ge=20, le=100_000, description="repeats of each statistical experiment")
    seed: int = Field(0, ge=0, description="chooses people, pictures and repeats")
    out: str = Field("runs/calibration", description="folder of the results")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    workers: int | None = Field(None, ge=1, le=256)

    @property
    def finder(self) -> str | None:
        """The detector to open: None leaves the choice to the recognizers' own pack."""
        packed = any(kind == "insightface" for _, kind, _ in map(parse_recognizer, self.recognizers))
        return self.detector or (None if packed else "mini")


def configure(**given: object) -> CalibrationConfig:
    """A configuration from what was given; None means the default.

    Raises `ConfigError`, one line, for values out of range.
    """
    try:
        return CalibrationConfig.model_validate({key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        raise ConfigError(problem_of(error, CalibrationConfig.model_fields)) from error
