"""What `run.json` says of a run: everything it uses, and the account of what became of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import pandas as pd

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
from idbench.schema import one_line
from idbench.suites import SuiteIndex

__all__ = ["counts", "describe", "what_is_lacking"]

LISTED = 20
"""Entries of a list that are written out; of the others there is the count."""

SHEET = 1.9
"""How many times longer than high, or higher than long, an image of several side by side is."""


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
        profiles_ignored=_listed(faults) if (faults := opened.analyser.profile_faults) else None,
        encoders={one.name: NetworkRecord.model_validate(one.describe()) for one in opened.analyser.encoders},
        images_analysed_anew=opened.analyser.analysed,
        recognizer_failures={
            name: _listed(failed) for name, failed in opened.analyser.recognizer_failures.items() if failed
        },
        recognizer_faults=opened.analyser.recognizer_faults,
        surplus_files={k: ListedFiles(count=len(files), first=list(files[:LISTED])) for k, files in surplus.items()},
        not_tried={one.name: one.not_tried for one in models if one.not_tried},
    )


def what_is_lacking(
    counts: Counts,
    index: SuiteIndex,
    folders: Sequence[FolderProducer],
    images: pd.DataFrame,
    sheets: Collection[tuple[str, str, int]],
) -> Iterator[str]:
    """What of a suite and of the images was ignored, changed or could not be read: one counted line per kind.

    sheets : model, case and seed of images that hold several pictures in rows and columns.
    """
    yield from _about_problems(counts.suite_problems)
    if unreadable := counts.suite_photos_unreadable:
        photos = sum(1 for case in index.cases for _ in case.images())
        yield f"{len(unreadable)} of {photos} photos of the suite cannot be read, first {_first(unreadable.values())}"
    if unclear := counts.people_unclear:
        yield (
            f"{unclear.count} people of the suite are not clear from their photos and undefined where that face is "
            f"needed, first {_first(': '.join(one) for one in unclear.first.items())}"
        )
    if faults := counts.profiles_ignored:
        first = _first(": ".join(one) for one in faults.first.items())
        yield f"{faults.count} images have a colour profile that was ignored, first {first}"
    yield from _about_lacking(index, counts.suite_problems)
    for folder in folders:
        yield from folder.remarks(index.ids)
    for model, rows in images.groupby("model", sort=False):
        tiled = {(case, seed) for one, case, seed in sheets if one == model}
        yield from _about_images(str(model), rows, index, tiled)
    for name, fault in counts.recognizer_faults.items():
        yield f"{name} measured nothing: {fault}"
    for name, failed in counts.recognizer_failures.items():
        if name in counts.recognizer_faults:
            continue
        first = _first(": ".join(one) for one in failed.first.items())
        yield f"{name} could not embed the faces of {failed.count} images, first {first}"


def _about_problems(problems: Mapping[str, str]) -> Iterator[str]:
    """Problems of one kind begin alike, numbers aside, up to the first colon."""
    kinds: dict[str, dict[str, str]] = {}
    for case, told in problems.items():
        for problem in told.split("; "):
            kind = re.sub(r"\d+", "#", problem.partition(":")[0].partition(" (")[0])
            kinds.setdefault(kind, {}).setdefault(case, problem)
    for cases in kinds.values():
        case, problem = next(iter(cases.items()))
        one = "1 case" if len(cases) == 1 else f"{len(cases)} cases, first"
        yield f"suite, {one} {one_line(case, 80)}: {one_line(problem)}"


def _about_lacking(index: SuiteIndex, told: Collection[str]) -> Iterator[str]:
    """Cases without what others have: a target; boxes, where there are several people and nothing else was said."""
    targets = [entry for entry in index.entries.values() if entry.target is not None]
    if without := [entry.id for entry in index.entries.values() if entry.target is None] if targets else []:
        yield f"{len(without)} of {len(index.entries)} cases have no target, first {one_line(without[0], 80)}"
    several = [entry for entry in index.entries.values() if entry.size > 1 and entry.id not in told]
    unboxed = [entry.id for entry in several if None in entry.boxes]
    if unboxed and any(None not in entry.boxes for entry in index.entries.values()):
        yield (
            f"{len(unboxed)} of {len(several)} cases of several people have no box for each, so that places are not "
            f"measured there, first {one_line(unboxed[0], 80)}"
        )


def _about_images(
    model: str, rows: pd.DataFrame, index: SuiteIndex, tiled: Collection[tuple[str, int]]
) -> Iterator[str]:
    """Images that cannot be read, and those that show everybody several times: wide ones, and grids."""
    unreadable = rows[rows["outcome"] == "unreadable_image"]
    if len(unreadable):
        yield (
            f"{model}: {len(unreadable)} of {len(rows)} images cannot be read and count as failures, "
            f"first {_first(unreadable['error'].dropna())}"
        )
    sizes = {entry.id: entry.target_size for entry in index.entries.values()}
    targets = {case: size[0] / size[1] for case, size in sizes.items() if size is not None}
    sheets = rows[
        [(row["case"], row["seed"]) in tiled or _is_sheet(row, targets.get(row["case"])) for _, row in rows.iterrows()]
    ]
    if len(sheets) and model not in ORACLES:
        first = sheets.iloc[0]
        yield (
            f"{model}: {len(sheets)} images seem to hold several pictures side by side, first that of {first['case']} "
            f"({first['width']:.0f} x {first['height']:.0f} pixels, {first['faces_found']:.0f} faces); cut them apart, "
            "one file per seed"
        )


def _is_sheet(row: pd.Series, target: float | None) -> bool:
    """Whether an image shows everybody several times and is very wide or high, or a multiple of its target's shape."""
    if not row["faces_found"] >= 2 * row["faces_expected"]:  # of an image that was not looked at, NaN
        return False
    shape = row["width"] / row["height"]
    times = max(shape / target, target / shape) if target is not None else 1.0
    multiple = round(times) >= 2 and abs(times / round(times) - 1) < 0.05
    return bool(max(shape, 1 / shape) >= SHEET or multiple)


def _first(reasons: Iterable[str]) -> str:
    return one_line(next(iter(reasons), "without a reason"))


def _listed(problems: dict[str, str]) -> ListedProblems:
    return ListedProblems(count=len(problems), first=dict(sorted(problems.items())[:LISTED]))
