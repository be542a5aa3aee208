"""What a reader must know before trusting the numbers, said only where it applies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from idbench.report.data import RunData
from idbench.report.tables.cards import encoders, extras, title

__all__ = ["notes"]


def notes(data: RunData) -> list[str]:
    """One sentence each; most serious first."""
    return [
        *data.notes,
        *_about_the_run(data),
        *_about_the_suite(data),
        *_about_the_judges(data),
        *_about_kinship(data),
        *_about_the_models(data),
        *_about_many_pairs(data),
    ]


def _about_the_run(data: RunData) -> Iterator[str]:
    for source in data.sources:
        where = f"Run {source.name}: " if len(data.sources) > 1 else ""
        if source.record["state"] == "running":
            yield f"{where}The run is not finished; its numbers can change."
        for model, count in source.record.get("counts", {}).get("not_tried", {}).items():
            yield f"{where}{model}: {count} images were never tried, because the model did not run; run again."
        git = source.record["provenance"].get("git") or {}
        if git and git.get("clean") is False:
            yield f"{where}Made by code with changes that are not committed, so the commit alone does not reproduce it."


def _about_the_suite(data: RunData) -> Iterator[str]:
    suite = data.record["suite"]
    counts = data.record.get("counts", {})
    if suite.get("rendered"):
        yield (
            "The people of this suite are drawn: this page shows how metrics and models behave, not how a generator "
            "treats photos of people."
        )
    if suite.get("clusters", 0) < 2:
        yield "The suite has fewer than two clusters of cases, so no interval can be given; each stands as –."
    elif suite.get("clusters", 0) < 50:
        yield (
            f"There are only {suite['clusters']} clusters: intervals from so few are rough and often too narrow, "
            "most of all where few images fail."
        )
    if suite.get("labelled") is False:
        yield "The suite does not label identities; people are told apart by their photos, so clusters may be too many."
    if suite.get("without_target"):
        yield f"Cases without a target: {suite['without_target']}; what needs one is undefined there."
    if problems := counts.get("suite_problems"):
        yield f"Problems found in the suite: {len(problems)}; they are listed under Outcomes."
    if unreadable := counts.get("suite_photos_unreadable"):
        yield f"Photos of the suite that cannot be read: {len(unreadable)}; they are listed under Outcomes."


def _about_the_judges(data: RunData) -> Iterator[str]:
    if any(about.get("kind") == "mini" for about in [data.record["detector"], *data.record["recognizers"].values()]):
        yield "mini was trained on rendered faces only; what it finds and judges says nothing about photos of people."
    if len(data.recognizers) == 1:
        yield "There is one recognizer only; a ranking that a second, independent judge confirms is worth more."
    for name in data.recognizers:
        strict = data.summary["recognizers"][name].get("strict")
        if strict is None:
            continue
        judged = strict["verification"]
        if judged is None:
            yield f"{name}: the suite has no genuine and impostor pairs to calibrate with, so nothing is verified."
        elif judged["resolution"] > judged["false_accept_rate"]:
            yield (
                f"{name}: {judged['impostor']} impostor pairs cannot show a false accept rate of "
                f"{judged['false_accept_rate']:g}; the smallest step is {judged['resolution']:.3g}."
            )
        elif judged["left_out"] > 0.05 * (judged["left_out"] + judged["impostor"]):
            yield (
                f"{name}: {judged['left_out']} pairs of unlabelled people look like one person and were left out of "
                f"its calibration; with them its AUC would be {judged['auc_all']:.3f}. Label identities to be sure."
            )
        if judged is not None and judged["true_accept_rate"] < 0.5:
            yield f"{name}: it accepts fewer than half of the real photo pairs; its verified share says little here."
        if strict["natural_band"] is None:
            yield f"{name}: no natural band, because no person has both a usable target and reference face."


def _about_kinship(data: RunData) -> Iterator[str]:
    """Judges that are of the family of a judged model's face encoder."""
    for judge in data.recognizers:
        family = data.family(judge)
        kin = [m for m in data.judged if encoders(data, m, family)]
        if not kin:
            continue
        others = [j for j in data.recognizers if not any(encoders(data, m, data.family(j)) for m in kin)]
        end = "" if others else "; no judge of another family is in this run"
        if others and "strict" in data.protocols:
            end = f"; the headline has the ranking by {', '.join(others)} beside it"
        yield (
            f"{judge} is of the family ({family}) of a face encoder that some models were conditioned on or trained "
            f"against, and may favour them: {_titles(data, kin)}{end}."
        )


def _titles(data: RunData, models: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(title(data, m) for m in models))


def _about_many_pairs(data: RunData) -> Iterator[str]:
    """Holm's correction multiplies the smallest p that the permutations can give by the number of pairs."""
    comparisons = data.group(data.recognizers[0], "strict").get("comparisons", {})
    pairs = max((len(found) for found in comparisons.values()), default=0)
    resamples = data.record["config"].get("resamples") or 0
    least = math.ceil(pairs / (1 - data.summary["level"]) + 1e-9)
    if resamples and resamples < least:
        yield (
            f"{pairs} pairs are compared with {resamples} resamples: Holm's p cannot fall below "
            f"{min(1.0, pairs / (resamples + 1)):.2f}, so no two models can be told apart; "
            f"give --resamples {least} or more."
        )


def _without_faces(data: RunData, model: str) -> int:
    """How many images of a model show no face at all."""
    images = data.images
    mine = images[(images["model"] == model) & (images["outcome"] == "generated")]
    return int((mine["faces_found"] == 0).sum())


def _about_the_models(data: RunData) -> Iterator[str]:
    if not data.judged:
        yield "No model was judged; the table shows the oracles only."
    if given := {title(data, m): extras(data, m) for m in data.judged if extras(data, m)}:
        said = "; ".join(f"{who} ({what})" for who, what in given.items())
        yield f"Given more than prompt and references, which the other models were not: {said}."
    outcomes = data.summary["images"]["all"]["models"]
    for model in data.judged:
        counts = outcomes.get(model, {}).get("outcomes", {})
        failed, total = sum(counts.values()) - counts.get("generated", 0), sum(counts.values())
        if (faceless := _without_faces(data, model)) and faceless == counts.get("generated", 0):
            yield f"{model}: no face was found in any of its {faceless} images, so nothing else is known about it."
        if failed:
            yield f"{model}: {failed} of {total} images are missing, failed or unreadable; they count as failures."
    for source in data.sources:
        for judge, found in source.record.get("counts", {}).get("judge_failures", {}).items():
            yield f"{judge} could not embed the faces of {found['count']} images; these are undefined."
        surplus = source.record.get("counts", {}).get("surplus_files", {})
        for model, found in surplus.items():
            if found["count"]:
                first = ", ".join(found["first"][:3])
                yield f"{model}: files of no case of the suite, not scored: {found['count']} ({first})."
