"""Refuses tables whose values cannot be: out of a metric's range, unlike its definition, twice, or without a reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from idbench.errors import RunError
from idbench.metrics import IMAGE_METRICS, MIN_THETA_TR, Metric, all_person_metrics
from idbench.metrics.catalog import SEED_METRICS
from idbench.records import FAILURES, GenerationOutcome, Outcome
from idbench.report.lacking import in_a_row

__all__ = ["check_plausible"]

KEYS = {
    "scores": ["model", "case", "seed", "person", "recognizer", "protocol"],
    "images": ["model", "case", "seed"],
    "suite": ["case", "person", "recognizer"],
}
"""What tells the rows of a table apart."""

ESSENTIAL = ["sim_gt", "sim_ref", "copy_paste"]
SIMILARITIES = ["sim_gt", "sim_ref", "sim_tr"]
UNBOUNDED = {"aesthetic"}
"""Regressions whose declared range is that of what they learnt from; nothing holds single values in it."""

ROUNDING = 1e-5
"""Beyond a range: cosines of other packages may be of single precision."""

ANGLE_ROUNDING = 1e-6
"""Radians lost where an angle is computed from a cosine near 1."""

SCRIPT_ROUNDING = 2e-3
"""Radians lost by the published script, which works in single precision."""

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Found = tuple[Mask, Callable[[pd.Series], str]]
"""Rows that cannot be, and what is wrong with one of them."""


@dataclass(frozen=True)
class Table:
    """One table of a run; its index counts the rows of the file."""

    run: Path
    name: str
    rows: pd.DataFrame

    def refuse(self, found: Iterator[Found]) -> None:
        """Raises `RunError` for the first row that cannot be."""
        for bad, problem in found:
            if bad.any():
                row = self.rows[bad].sort_index().iloc[0]
                keys = (f"{key} {in_a_row(row[key])}" for key in KEYS[self.name] if pd.notna(row[key]))
                raise RunError(
                    f"{self.run / self.name}.parquet, row {row.name} ({', '.join(keys)}): {problem(row)}; "
                    "the file was changed or damaged: make the run again"
                )


def check_plausible(
    run: Path, scores: pd.DataFrame, images: pd.DataFrame, suite: pd.DataFrame, failing: Collection[str] = ()
) -> None:
    """Raises `RunError`, one line with file and row (counted from 0), for the first value that cannot be.

    scores, images, suite : as `read_tables` gives them. failing : recognizers that could not embed some faces.
    """
    of_scores, of_images, of_suite = (
        Table(run, name, rows) for name, rows in (("scores", scores), ("images", images), ("suite", suite))
    )
    for table in (of_scores, of_images, of_suite):
        table.refuse(_twice(table))
    for one in (_outcomes(scores), _person_ranges(scores), _script_copy_paste(scores, suite), _copy_paste(scores)):
        of_scores.refuse(one)
    of_scores.refuse(_unlike_the_image(scores, images, suite))
    of_scores.refuse(_undefined(scores, images, suite, failing))
    of_images.refuse(_range(images, metric, metric.name) for metric in IMAGE_METRICS)
    of_suite.refuse(iter([_range(suite, _named("sim_tr"), "sim_tr")]))


def _named(name: str) -> Metric:
    return next(metric for metric in all_person_metrics() if metric.name == name)


def _twice(table: Table) -> Iterator[Found]:
    yield table.rows.duplicated(KEYS[table.name]).to_numpy(bool), lambda row: "there is another row of the same"


def _outcomes(scores: pd.DataFrame) -> Iterator[Found]:
    """An outcome says which values there are."""
    outcome, strict = scores["outcome"], (scores["protocol"] == "strict").to_numpy(bool)
    known = [one.value for one in Outcome]
    yield ~outcome.isin(known).to_numpy(bool), lambda row: f"unknown outcome '{in_a_row(row['outcome'])}'"

    present = scores[ESSENTIAL].notna().to_numpy(bool)
    complete = np.where(strict, present.all(axis=1), present[:, :2].all(axis=1))
    yield (outcome == "scored").to_numpy(bool) & ~complete, lambda row: f"scored, but without {_lacking(row)}"

    failed = outcome.isin([one.value for one in FAILURES]).to_numpy(bool)
    yield failed & present.any(axis=1), lambda row: f"{row['outcome']}, yet with {_present(row)}"
    undefined = strict & (outcome == "undefined").to_numpy(bool)
    yield undefined & complete, lambda row: f"undefined, yet with {_present(row)}"


def _unlike_the_image(scores: pd.DataFrame, images: pd.DataFrame, suite: pd.DataFrame) -> Iterator[Found]:
    """Where there is no image every row says why, save those of people whom the suite does not show."""
    of_image = _of_image(scores, images, "outcome").fillna("").to_numpy(object)
    outcome = scores["outcome"].to_numpy(object)
    excused = (outcome == "undefined") & scores["person"].notna().to_numpy(bool) & ~_shown(scores, suite)
    bad = ~np.isin(of_image, ["", "generated"]) & (outcome != of_image) & ~excused
    yield (
        bad,
        lambda row: f"{row['outcome']}, but by images.parquet the image is {of_image[scores.index.get_loc(row.name)]}",
    )

    without = np.isin(outcome, [one for one in get_args(GenerationOutcome) if one != "generated"])
    yield (of_image == "generated") & without, lambda row: f"{row['outcome']}, but images.parquet has the image"


def _undefined(
    scores: pd.DataFrame, images: pd.DataFrame, suite: pd.DataFrame, failing: Collection[str]
) -> Iterator[Found]:
    """Rows of people whom the suite shows are undefined only by a face that the recognizer could not embed, or where
    target and reference are one photo."""
    undefined = (scores["protocol"] == "strict").to_numpy(bool) & (scores["outcome"] == "undefined").to_numpy(bool)
    undefined = undefined & (_of_image(scores, images, "outcome") == "generated").to_numpy(bool)
    faceless = scores["face"].isna().to_numpy(bool)
    failed = scores["recognizer"].isin(list(failing)).to_numpy(bool)
    failed = failed & (_of_image(scores, images, "faces_found") > 0).to_numpy(bool)
    yield (
        undefined & faceless & _shown(scores, suite) & ~failed,
        lambda row: "undefined, but the suite shows this person and every face of the image was embedded",
    )
    both = _of_suite(scores, suite, "sim_tr").notna().to_numpy(bool)
    yield (
        undefined & ~faceless & both & scores[SIMILARITIES].isna().any(axis=1).to_numpy(bool),
        lambda row: "undefined, but with a face, and the suite has this person's target and reference",
    )


def _of_image(scores: pd.DataFrame, images: pd.DataFrame, column: str) -> pd.Series:
    """What images.parquet says of each row's image."""
    return images.set_index(KEYS["images"])[column].reindex(pd.MultiIndex.from_frame(scores[KEYS["images"]]))


def _of_suite(scores: pd.DataFrame, suite: pd.DataFrame, column: str) -> pd.Series:
    """What suite.parquet says of each row's person; nothing of rows of no person."""
    keys = KEYS["suite"]
    known = suite.astype({"person": float}).set_index(keys)[column]
    return known.reindex(pd.MultiIndex.from_frame(scores[keys].astype({"person": float})))


def _shown(scores: pd.DataFrame, suite: pd.DataFrame) -> Mask:
    """Rows of people whose face in the target is known."""
    return _of_suite(scores, suite, "target_x1").notna().to_numpy(bool)


def _lacking(row: pd.Series) -> str:
    needed = ESSENTIAL if row["protocol"] == "strict" else ESSENTIAL[:2]
    return ", ".join(name for name in needed if pd.isna(row[name]))


def _present(row: pd.Series) -> str:
    return ", ".join(f"{name} {row[name]:g}" for name in ESSENTIAL if pd.notna(row[name]))


def _person_ranges(scores: pd.DataFrame) -> Iterator[Found]:
    """Every metric of a person; copy-paste of the published script may round out of its range."""
    strict = (scores["protocol"] == "strict").to_numpy(bool)
    for metric in (*all_person_metrics(), *SEED_METRICS):
        if metric.name in scores:
            bad, problem = _range(scores, metric, metric.name)
            yield bad & (strict | (metric.name != "copy_paste")), problem
    for name, like in (("rest_ref", "sim_ref"), ("sim_ref_unpadded", "sim_ref")):
        yield _range(scores, _named(like), name)


def _range(rows: pd.DataFrame, metric: Metric, column: str, tolerance: float = ROUNDING) -> Found:
    values = rows[column].to_numpy(float)
    low, high = (-np.inf, np.inf) if metric.name in UNBOUNDED else (metric.low, metric.high)
    with np.errstate(invalid="ignore"):
        bad = (values < low - tolerance) | (values > high + tolerance) | np.isinf(values)
    return bad, lambda row: f"{column} is {row[column]:g}, expected {metric.low:g} to {metric.high:g}"


def _script_copy_paste(scores: pd.DataFrame, suite: pd.DataFrame) -> Iterator[Found]:
    """Rows of the paper protocol: in range but for rounding, which is large where two photos are nearly one."""
    paper = scores[scores["protocol"] == "paper"]
    nearest = suite.groupby(["case", "recognizer"])["sim_tr"].max()
    likeness = nearest.reindex(pd.MultiIndex.from_frame(paper[["case", "recognizer"]])).fillna(0.0).to_numpy(float)
    tolerance = np.maximum(0.05, SCRIPT_ROUNDING / np.maximum(np.arccos(np.clip(likeness, -1, 1)), 1e-6))
    for column in ("copy_paste", "copy_paste_unpadded"):
        values = paper[column].to_numpy(float)
        with np.errstate(invalid="ignore"):
            bad = (np.abs(values) > 1 + tolerance) | np.isinf(values)
        yield scores.index.isin(paper.index[bad]), _not_from_minus_one_to_one(column)


def _not_from_minus_one_to_one(column: str) -> Callable[[pd.Series], str]:
    return lambda row: f"{column} is {row[column]:g}, expected -1 to 1"


def _copy_paste(scores: pd.DataFrame) -> Iterator[Found]:
    """Rows of the strict protocol: copy-paste is what its definition makes of the row's three similarities."""
    strict = (scores["protocol"] == "strict").to_numpy(bool)
    given = scores["copy_paste"].to_numpy(float)
    expected, apart = _by_definition(scores[SIMILARITIES].to_numpy(float))
    with np.errstate(invalid="ignore", divide="ignore"):
        unlike = np.abs(given - expected) > ANGLE_ROUNDING * (1 + 1 / apart)
    at_the_limit = np.abs(apart - MIN_THETA_TR) < ANGLE_ROUNDING
    one_only = (np.isnan(given) != np.isnan(expected)) & ~at_the_limit

    def problem(row: pd.Series) -> str:
        score = _by_definition(row[SIMILARITIES].to_numpy(float)[None])[0][0]
        return f"copy_paste is {row['copy_paste']:g}, but its similarities give {score:g}"

    yield strict & (unlike | one_only), problem


def _by_definition(similarities: Array) -> tuple[Array, Array]:
    """Copy-paste (n,), and the angle between target and reference (n,), of `SIMILARITIES` (n, 3)."""
    to_target, to_reference, apart = np.arccos(np.clip(similarities, -1, 1)).T
    with np.errstate(invalid="ignore", divide="ignore"):
        score = np.clip((to_target - to_reference) / apart, -1, 1)
    return np.where(apart >= MIN_THETA_TR, score, np.nan), apart
