"""`crosscheck.json`: two models held against each other, image by image and score by score."""

from __future__ import annotations

from pydantic import Field

from idbench.schema import Record
from idbench.stats import Estimate

__all__ = ["Crosscheck", "ImageDifference", "ImageDifferences", "ImageSums", "LargestDifference", "MetricDifference",
           "ScoreDifferences"]  # fmt: skip


class ImageDifference(Record):
    """How far two images of one case and seed are apart; numbers only where the outcome is `compared`."""

    case: str
    seed: int
    outcome: str
    mean: float | None = Field(None, description="absolute difference of channel values, 0..255")
    largest: float | None = Field(None, description="largest absolute difference, 0..255")
    psnr: float | None = Field(None, description="dB; None for equal images, where it is infinite")
    ssim: float | None = Field(None, description="of luma; None below 7 pixels")


class ImageSums(Record):
    """Means over images that were compared (of psnr over those that differ), the largest difference, and counts."""

    images: int
    compared: int
    equal: int
    not_compared: dict[str, int] = Field(description="reason -> images")
    mean: float | None
    psnr: float | None
    ssim: float | None
    largest: float | None


class ImageDifferences(Record):
    """Every pair of images."""

    summary: ImageSums
    rows: list[ImageDifference]


class LargestDifference(Record):
    """The person on whom two models differ most."""

    difference: float
    case: str
    seed: int
    person: int


class MetricDifference(Record):
    """One metric over people that both models have: their means, the mean difference, the largest."""

    a: float
    b: float
    difference: Estimate
    largest: LargestDifference


class ScoreDifferences(Record):
    """The scores of one recognizer."""

    people: int
    other_outcomes: int = Field(description="people with another outcome")
    metrics: dict[str, MetricDifference]


class Crosscheck(Record):
    """Two models of one run; differences are `a` minus `b`."""

    a: str
    b: str
    note: str
    images: ImageDifferences
    recognizers: dict[str, ScoreDifferences]
