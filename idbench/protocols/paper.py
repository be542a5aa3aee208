"""The paper protocol: what the published MultiID-Bench script computes, quirks included.

Every function reproduces one step of that script on embeddings (arXiv 2510.14975; code
github.com/Doby-Xu/WithAnyone, MultiID_Bench); `tests/protocols/test_paper.py` holds them to values the
published code produced. The quirks, by the names reports use:

    outliers     means leave out values beyond 1.5 interquartile ranges; if more than half are beyond,
                 the median is reported as the mean
    epsilon      embeddings are divided by (length + 1e-6) in float32, so copying scores a bit below 1
    best pairs   similarities average the best min(n, m) pairs: missing and extra faces cost nothing
    counts       copy-paste exists only if generated, target and reference faces are equally many
    two pairings copy-paste pairs generated with target and with references independently
    padding      references are padded with black to a square of 1.5 x the longer side
    first face   of a reference's faces the first detected counts
    pooling      the overall number pools all recognizers' samples and leaves out outliers again

Not reproduced, because it lies before the embeddings: the script aligns for FaceNet and AdaFace with another
detector (facexlib's RetinaFace) and feeds FaceNet BGR / 255 at 112 px, where FaceNet's documentation asks for
RGB, (x - 127.5) / 128 at 160 px, which is what `facenet` does here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

__all__ = [
    "QUIRKS",
    "Sample",
    "SampleScores",
    "collect",
    "copy_geo",
    "copy_geo_people",
    "matched",
    "reference_embeddings",
    "score_sample",
    "statistics",
    "summarise_collectors",
]

QUIRKS = {
    "outliers": "means leave out values beyond 1.5 interquartile ranges",
    "epsilon": "embeddings are divided by length + 1e-6 in float32",
    "best pairs": "similarities average the best min(n, m) pairs; missing and extra faces cost nothing",
    "counts": "copy-paste exists only where generated, target and reference faces are equally many",
    "two pairings": "copy-paste pairs generated faces with targets and with references independently",
    "padding": "references are padded with black to a square of 1.5 x the longer side",
    "first face": "the first detected face of a reference counts, not the largest",
    "pooling": "the overall number pools all recognizers and leaves out outliers again",
    "inputs (not reproduced)": "FaceNet and AdaFace get crops of another detector, FaceNet as BGR / 255 at 112 px",
}

Vectors = npt.NDArray[Any]
EPSILON = 1e-6


def copy_geo(generated: Vectors, target: Vectors, reference: Vectors) -> float:
    """Copy-paste of three vectors (d,) in their own precision; 0 where target and reference coincide."""
    g, t, r = (v / (np.linalg.norm(v) + EPSILON) for v in (generated, target, reference))
    theta_gt, theta_gr, theta_tr = (np.arccos(np.clip(np.dot(a, b), -1.0, 1.0)) for a, b in ((g, t), (g, r), (t, r)))
    return 0.0 if theta_tr < EPSILON else float((theta_gt - theta_gr) / theta_tr)


def _cosines(a: Vectors, b: Vectors) -> Vectors:
    """torch.nn.functional.cosine_similarity of all pairs, float32: lengths below 1e-8 count as 1e-8."""
    first, second = np.asarray(a, np.float32), np.asarray(b, np.float32)
    lengths = [np.maximum(np.linalg.norm(v, axis=1, keepdims=True), np.float32(1e-8)) for v in (first, second)]
    return np.asarray((first / lengths[0]) @ (second / lengths[1]).T)


def matched(generated: Vectors, others: Vectors) -> tuple[Vectors, float | None]:
    """Similarities of the best min(n, m) pairs, by generated face, and the mean of all unpaired ones (or None)."""
    matrix = _cosines(generated, others)
    rows, columns = linear_sum_assignment(-matrix)
    rest = np.ones(matrix.shape, bool)
    rest[rows, columns] = False
    return matrix[rows, columns], float(matrix[rest].mean()) if rest.any() else None


def copy_geo_people(generated: Vectors, targets: Vectors, references: Vectors) -> Vectors | None:
    """Copy-paste per generated face, float32 (n,); None unless all three counts agree."""
    if not len(generated) == len(targets) == len(references):
        return None
    rows, to_target = linear_sum_assignment(-_cosines(generated, targets))
    _, to_reference = linear_sum_assignment(-_cosines(generated, references))
    scores = [
        copy_geo(generated[i], targets[t], references[r]) for i, t, r in zip(rows, to_target, to_reference, strict=True)
    ]
    return np.asarray(scores, np.float32)


@dataclass(frozen=True)
class Sample:
    """One case under one recognizer: faces (n, d) of the generated image and the target, and of each
    reference photo; n = 0 where no face was found."""

    generated: Vectors
    targets: Vectors
    references: Sequence[Vectors]


@dataclass(frozen=True)
class SampleScores:
    """What the script takes from one sample; None where it finds nothing to compare."""

    sim_gt: Vectors | None
    sim_ref: Vectors | None
    copy_paste: Vectors | None
    rest_gt: float | None
    rest_ref: float | None


def reference_embeddings(references: Sequence[Vectors], stacked: bool) -> Vectors | None:
    """The references' faces (k, d) as the script gathers them.

    ArcFace (`stacked` false): the first face of each photo; None if any photo shows none. FaceNet and
    AdaFace (`stacked` true): photos without a face are passed over, and a photo with several faces, or
    no face in any, breaks the sample (`ValueError`).
    """
    if not stacked:
        shows_all = bool(references) and all(len(r) for r in references)
        return np.stack([r[0] for r in references]) if shows_all else None
    shown = [r for r in references if len(r)]
    if not shown or any(len(r) > 1 for r in shown):
        raise ValueError("references must show one face each")
    return np.concatenate(shown)


def score_sample(sample: Sample, stacked: bool = False) -> SampleScores:
    """Score one case under one recognizer. Raises `ValueError` where the script's sample breaks."""
    generated = sample.generated if len(sample.generated) else None
    targets = sample.targets if len(sample.targets) else None
    references = reference_embeddings(sample.references, stacked)
    sim_gt = rest_gt = sim_ref = rest_ref = copied = None
    if generated is not None and targets is not None:
        sim_gt, rest_gt = matched(generated, targets)
        if references is not None:
            copied = copy_geo_people(generated, targets, references)
    if generated is not None and references is not None:
        sim_ref, rest_ref = matched(generated, references)
    return SampleScores(sim_gt, sim_ref, copied, rest_gt, rest_ref)


def collect(
    samples: Iterable[Mapping[str, Sample] | None],
    several_references: bool = True,
    stacked: Sequence[str] = ("facenet", "adaface"),
) -> tuple[dict[str, dict[str, list[float]]], list[int], int]:
    """Run the script's loop over a folder of samples.

    samples : per case a mapping recognizer -> `Sample`, or None where files are missing.
    several_references : whether the script was told of a second reference (its `ref_2`); if not, the
        means of unpaired similarities count 0.

    Returns the value lists per recognizer, the positions of samples that count as successful, and how
    many failed. A sample that breaks half-way leaves what it had appended behind, as published.
    """
    collectors: dict[str, dict[str, list[float]]] = {}
    reported: list[int] = []
    failed = 0
    for position, sample in enumerate(samples):
        try:
            if sample is None:
                raise ValueError("files are missing")
            scores = {name: score_sample(one, name in stacked) for name, one in sample.items()}
            if all(one.sim_ref is None for one in scores.values()):
                raise ValueError("no recognizer found faces")
            for name, one in scores.items():
                _append(collectors.setdefault(name, _empty()), one, several_references)
        except (ValueError, TypeError):
            failed += 1
            continue
        reported.append(position)
    return collectors, reported, failed


def _empty() -> dict[str, list[float]]:
    return {"sim_ref": [], "rest_ref": [], "sim_gt": [], "rest_gt": [], "copy_paste": []}


def _append(lists: dict[str, list[float]], scores: SampleScores, several_references: bool) -> None:
    """Append in the script's order; `float(None)` raises half-way, which is why order matters."""
    if scores.sim_ref is not None:
        lists["sim_ref"].append(float(scores.sim_ref.mean()))
        lists["rest_ref"].append(float(scores.rest_ref) if several_references else 0.0)  # type: ignore[arg-type]
    if scores.sim_gt is not None:
        lists["sim_gt"].append(float(scores.sim_gt.mean()))
        lists["rest_gt"].append(float(scores.rest_gt) if several_references else 0.0)  # type: ignore[arg-type]
        if scores.copy_paste is not None:
            lists["copy_paste"].append(float(scores.copy_paste.mean()))


def _keep(values: Vectors, method: str) -> Vectors:
    """Values that are no outliers: within 1.5 interquartile ranges, 3 standard deviations, or 5-95 %."""
    if method == "zscore":
        spread = values.std()
        return values if spread == 0 else values[np.abs((values - values.mean()) / spread) < 3.0]
    if method == "percentile":
        low, high = np.percentile(values, [5, 95])
    else:
        q1, q3 = np.percentile(values, 25), np.percentile(values, 75)
        low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    kept: Vectors = values[(values >= low) & (values <= high)]
    return kept


def statistics(
    values: Sequence[float], remove_outliers: bool = True, method: str = "iqr", robust: bool = False
) -> dict[str, float] | None:
    """The script's summary of a list of values; None for an empty list.

    method : "iqr", "zscore" or "percentile". robust : report the median-based summary that the script
    falls back to when more than half of the values are outliers.
    """
    if not len(values):
        return None
    every = np.asarray(values, np.float64)
    kept = _keep(every, method) if remove_outliers else every
    if robust or len(kept) < 0.5 * len(every):
        q1, median, q3 = np.percentile(every, [25, 50, 75])
        low, high = np.percentile(every, [5, 95])
        numbers = (median, q3 - q1, low, high, median, q1, q3, 0, 0.0)
    else:
        removed = len(every) - len(kept)
        q1, median, q3 = np.percentile(kept, [25, 50, 75])
        numbers = (
            kept.mean(), kept.std(), kept.min(), kept.max(), median, q1, q3,
            removed, 100 * removed / len(every),
        )  # fmt: skip
    names = ("mean", "std", "min", "max", "median", "q1", "q3", "outliers_removed", "outliers_percent")
    return {name: float(number) for name, number in zip(names, numbers, strict=True)}


def summarise_collectors(
    collectors: Mapping[str, Mapping[str, Sequence[float]]],
) -> dict[str, dict[str, Any]]:
    """Statistics per recognizer, and `average` over all recognizers' values pooled."""
    summary = {name: {metric: statistics(v) for metric, v in lists.items()} for name, lists in collectors.items()}
    pooled = {metric: [x for lists in collectors.values() for x in lists[metric]] for metric in _empty()}
    summary["average"] = {metric: statistics(values) for metric, values in pooled.items()}
    return summary
