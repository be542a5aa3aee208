"""What a calibration is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from idbench.errors import ConfigError
from idbench.options import Flag, Location, Texts
from idbench.schema import Record, problem_of

__all__ = ["CalibrationConfig", "configure"]


class CalibrationConfig(Record):
    """Everything that decides a calibration's numbers, and where they go."""

    recognizers: Annotated[Texts, Flag("recognizer", "[NAME=]KIND[:LOCATION]")] = Field(
        default=("mini",), min_length=1, description="A recognizer to calibrate; may be repeated."
    )
    detector: Annotated[str | None, Flag(unset="the first recognizer's pack, else mini")] = Field(
        default=None, description="Face detector."
    )
    cases: int = Field(default=20, ge=2, le=500, description="Cases of a sweep; four times as many make the pool.")
    repeats: int = Field(default=2000, ge=20, le=100_000, description="Repeats of each statistical experiment.")
    seed: int = Field(default=0, ge=0, description="Chooses people, pictures and repeats.")
    out: Location = Field(default="runs/calibration", description="Folder of the results.")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="Where networks compute.")
    workers: Annotated[int | None, Flag(unset="usable cores")] = Field(
        default=None, ge=1, le=256, description="Processes and threads."
    )


def configure(called: Callable[[str], str] = str, /, **given: object) -> CalibrationConfig:
    """A configuration from what was given; None means the default.

    called : what the user calls a field, such as `--cases`.
    Raises `ConfigError`, one line, for wrong types and values out of range.
    """
    try:
        return CalibrationConfig.model_validate({key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        raise ConfigError(problem_of(error, CalibrationConfig.model_fields, called)) from error
