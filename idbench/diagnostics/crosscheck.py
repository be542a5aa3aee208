"""Two models held against each other on the same jobs: one network in two implementations, say.

Reads a finished run that holds both, and writes `crosscheck.json` (everything) and `crosscheck.csv` (a line per image)
into it. Differences are first model minus second.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from idbench.errors import RunError, UnreadableImageError
from idbench.images import RGB, EncodedImage, decode, luma
from idbench.metrics import all_person_metrics, ssim
from idbench.records.crosscheck import (
    Crosscheck,
    ImageDifference,
    ImageDifferences,
    ImageSums,
    LargestDifference,
    MetricDifference,
    ScoreDifferences,
)
from idbench.stats import estimate
from idbench.store import key_of, write_bytes, write_json
from idbench.suites import Suite, case_filename
from idbench.suites.folder import MANIFEST, ManifestCase, ManifestPerson
from idbench.tables import read_tables

__all__ = ["NOTE", "crosscheck", "image_differences", "keep_first"]

NOTE = (
    "The same seed gives the same noise only where both models draw it alike (same generator, device, format and "
    "order). Where they do not, images differ although both models are right: look at the scores, not at the pixels."
)


def image_differences(a: RGB, b: RGB) -> dict[str, float | None]:
    """How far two images (height, width, 3) uint8 of one size are apart.

    mean, largest : absolute difference of channel values, 0..255. psnr : 10 log10(255^2 / mean squared difference)
    over all channels, in dB; None for equal images, where it is infinite. ssim : of luma; None below 7 pixels.
    """
    gaps = a.astype(np.float64) - b.astype(np.float64)
    squared = float((gaps**2).mean())
    return {
        "mean": float(np.abs(gaps).mean()),
        "largest": float(np.abs(gaps).max()),
        "psnr": float(10 * np.log10(255**2 / squared)) if squared else None,
        "ssim": ssim(luma(a), luma(b)) if min(a.shape[:2]) >= 7 else None,
    }


def crosscheck(run: Path, a: str, b: str) -> Crosscheck:
    """Compare models `a` and `b` of a finished run, image by image and score by score; returns what it writes.

    Raises `RunError` if the run lacks one of them.
    """
    scores, images, _ = read_tables(run)
    if missing := {a, b} - set(images["model"]):
        raise RunError(f"{run} has no model '{sorted(missing)[0]}'")
    rows = _images(images, a, b)
    strict = scores[(scores["protocol"] == "strict") & scores["model"].isin([a, b])]
    found = Crosscheck(
        a=a,
        b=b,
        note=NOTE,
        images=ImageDifferences(summary=_sums(rows), rows=rows),
        recognizers={str(name): _scores(part, a, b) for name, part in strict.groupby("recognizer")},
    )
    write_json(run / "crosscheck.json", found.model_dump(mode="json"))
    text = io.StringIO()
    table = csv.DictWriter(text, list(ImageDifference.model_fields), lineterminator="\n")
    table.writeheader()
    table.writerows(row.model_dump() for row in rows)
    write_bytes(run / "crosscheck.csv", text.getvalue().encode())
    return found


def _images(images: pd.DataFrame, a: str, b: str) -> list[ImageDifference]:
    """A row per case and seed; `outcome` says why there are no numbers."""
    wide = images.pivot(index=["case", "seed"], columns="model", values="path").sort_index()
    return [
        _pair(str(case), int(seed), {a: first, b: second})
        for (case, seed), first, second in zip(wide.index, wide[a], wide[b], strict=True)
    ]


def _pair(case: str, seed: int, paths: Mapping[str, object]) -> ImageDifference:
    """Two images held against each other; `paths`: model -> path, something else where there is no image."""
    pixels = []
    for name, path in paths.items():
        if not isinstance(path, str):
            return ImageDifference(case=case, seed=seed, outcome=f"no image of {name}")
        try:
            pixels.append(decode(EncodedImage(path, path=Path(path)).read(), path))
        except UnreadableImageError:
            return ImageDifference(case=case, seed=seed, outcome=f"unreadable image of {name}")
    if pixels[0].shape != pixels[1].shape:
        sizes = " and ".join(f"{one.shape[1]}x{one.shape[0]}" for one in pixels)
        return ImageDifference(case=case, seed=seed, outcome=f"sizes differ: {sizes}")
    return ImageDifference(case=case, seed=seed, outcome="compared", **image_differences(*pixels))


def _sums(rows: Sequence[ImageDifference]) -> ImageSums:
    compared = [row for row in rows if row.outcome == "compared"]
    return ImageSums(
        images=len(rows),
        compared=len(compared),
        equal=sum(row.largest == 0 for row in compared),
        not_compared=dict(Counter(row.outcome for row in rows if row.outcome != "compared")),
        mean=_mean([row.mean for row in compared]),
        psnr=_mean([row.psnr for row in compared]),
        ssim=_mean([row.ssim for row in compared]),
        largest=max((row.largest for row in compared if row.largest is not None), default=None),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _scores(rows: pd.DataFrame, a: str, b: str) -> ScoreDifferences:
    """Per metric the mean difference over people that both models have, its interval, and the largest difference."""
    names = [metric.name for metric in all_person_metrics()]
    people = ["cluster", "case", "seed", "person"]
    wide = rows.pivot(index=people, columns="model", values=[*names, "outcome"]).sort_index()
    gaps = np.stack([(wide[name, a] - wide[name, b]).to_numpy(float) for name in names], axis=1)
    clusters = wide.index.get_level_values("cluster").to_numpy()
    metrics = {}
    for k, (name, one) in enumerate(zip(names, estimate(gaps, clusters, np.random.default_rng(0)), strict=True)):
        both = np.isfinite(gaps[:, k])
        if both.any():
            at = int(np.nanargmax(np.abs(gaps[:, k])))
            _, case, seed, person = wide.index[at]
            metrics[name] = MetricDifference(
                a=float(wide[name, a][both].mean()),
                b=float(wide[name, b][both].mean()),
                difference=one,
                largest=LargestDifference(
                    difference=float(gaps[at, k]), case=str(case), seed=int(seed), person=int(person)
                ),
            )
    outcomes = wide["outcome"]
    other = int((outcomes[a] != outcomes[b]).sum())
    return ScoreDifferences(people=len(wide), other_outcomes=other, metrics=metrics)


def keep_first(suite: Suite, count: int, out: Path) -> Path:
    """The first `count` cases of a suite as a folder suite of its own in `out`; returns its folder."""
    root = out / "suite" / key_of({"source": suite.source, "subsets": suite.subsets, "count": count})[:12]
    lines = []
    for case in islice(suite.cases(), count):
        photos = {photo.name: photo for photo in case.images()}
        names = {name: f"{case_filename(case.id)}/{i}" for i, name in enumerate(photos)}
        for name, photo in photos.items():
            try:
                write_bytes(root / names[name], photo.read())
            except UnreadableImageError:
                write_bytes(root / names[name], b"")
        row = ManifestCase(
            id=case.id,
            prompt=case.prompt,
            people=[
                ManifestPerson(
                    references=[names[photo.name] for photo in person.references],
                    identity=person.identity,
                    box=list(person.box) if person.box else None,
                )
                for person in case.people
            ],
            target=names[case.target.name] if case.target else None,
            subset=case.subset,
            task=case.task,
        )
        lines.append(json.dumps(row.model_dump(exclude_none=True), ensure_ascii=False) + "\n")
    write_bytes(root / MANIFEST, "".join(lines).encode())
    return root
