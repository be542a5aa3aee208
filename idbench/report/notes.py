"""What a reader must know before trusting the numbers; each note stands only where it applies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from idbench.report.data import RunData, Source
from idbench.stats import Verification

__all__ = ["notes"]


def notes(data: RunData) -> list[str]:
    """One sentence each; most serious first."""
    several = len(data.sources) > 1
    return [
        *data.notes,
        *(note for source in data.sources for note in _about_the_run(source, several)),
        *_about_the_suite(data),
        *_about_the_recognizers(data),
        *_about_shared_families(data),
        *_about_the_models(data),
        *(note for source in data.sources for note in _about_lost_files(source)),
    ]


def _about_the_run(source: Source, several: bool) -> Iterator[str]:
    where = f"Run {source.name}: " if several else ""
    for model, count in source.record.counts.not_tried.items():
        yield f"{where}{model}: {count} images were never tried, because the model did not run; run again."
    git = source.record.provenance.git
    if git and not git.clean:
        yield f"{where}Made by code with changes that are not committed, so the commit alone does not reproduce it."


def _about_the_suite(data: RunData) -> Iterator[str]:
    suite, counts = data.suite, data.record.counts
    if suite.rendered:
        yield (
            "The people of this suite are drawn: this page shows how metrics and models behave, not how a generator "
            "treats photos of people."
        )
    if suite.clusters < 2:
        yield "The suite has fewer than two clusters of cases, so no interval can be given; each stands as –."
    elif suite.clusters < 50:
        yield (
            f"There are only {suite.clusters} clusters: intervals from so few are rough and often too narrow, "
            "most of all where few images fail."
        )
    if not suite.labelled:
        yield "The suite does not label identities; people are told apart by their photos, so clusters may be too many."
    if suite.without_target:
        yield f"Cases without a target: {suite.without_target}; what needs one is undefined there."
    if problems := counts.suite_problems:
        yield f"Problems found in the suite: {len(problems)}; they are listed under Outcomes."
    if unreadable := counts.suite_photos_unreadable:
        yield f"Photos of the suite that cannot be read: {len(unreadable)}; they are listed under Outcomes."
    for remarks, what in (
        (counts.profiles_ignored, "whose colour profile was ignored"),
        (counts.frames_ignored, "of several frames or pages"),
        (counts.images_doubtful, "that hardly show anything"),
    ):
        if remarks is not None:
            first, why = next(iter(remarks.first.items()))
            yield f"Images {what}: {remarks.count}, such as {first} ({why})."
    if unclear := counts.people_unclear:
        who, why = next(iter(unclear.first.items()))
        yield (
            f"People whom the photos of their case do not tell clearly: {unclear.count}, such as {who} ({why}); "
            "what needs that face is undefined."
        )


def _about_the_recognizers(data: RunData) -> Iterator[str]:
    networks = [data.record.detector, *data.record.recognizers.values()]
    if any(network is not None and network.kind == "mini" for network in networks):
        yield "mini was trained on rendered faces only; what it finds and measures says nothing about photos of people."
    if len(data.recognizers) == 1:
        yield "There is one recognizer only; a ranking that a second, independent recognizer confirms is worth more."
    for name in data.recognizers if "strict" in data.protocols else ():
        strict = data.strict(name)
        yield from (f"{name}: {note}" for note in _about_verification(strict.verification))
        if strict.natural_band is None:
            yield f"{name}: no natural band, because no person has both a usable target and reference face."
        if strict.likeness_scale is None:
            yield f"{name}: too few pairs of photos for a scale of likeness; models are ranked by similarity instead."
        if unusable := strict.unusable_pairs:
            counted = ", ".join(f"{count} {why}" for why, count in unusable.items())
            yield f"{name}: pairs of target and reference that cannot tell copying have no copy share: {counted}."
        if (group := strict.groups["all"]).smallest_p > 1 - data.summary.level:
            yield (
                f"{name}: {group.clusters} clusters give no p below {group.smallest_p:g}, so no two models can be told "
                "apart."
            )


def _about_verification(found: Verification | None) -> Iterator[str]:
    if found is None:
        yield "the suite has no genuine and impostor pairs to calibrate with, so nothing is verified."
        return
    if found.resolution > found.false_accept_rate:
        yield (
            f"{found.impostor} impostor pairs cannot show a false accept rate of {found.false_accept_rate:g}; "
            f"the smallest step is {found.resolution:.3g}."
        )
    elif found.left_out > 0.05 * (found.left_out + found.impostor):
        yield (
            f"{found.left_out} pairs of unlabelled people look like one person and were left out of its calibration; "
            f"with them its AUC would be {found.auc_all:.3f}. Label identities to be sure."
        )
    if found.true_accept_rate < 0.5:
        yield "it accepts fewer than half of the real photo pairs; its verified share says little here."


def _about_shared_families(data: RunData) -> Iterator[str]:
    """Recognizers that are of the family of an evaluated model's face encoder."""
    related = {r: [m for m in data.evaluated if data.families[r] in data.facts[m].encoders] for r in data.recognizers}
    for recognizer, models in related.items():
        if not models:
            continue
        others = [other for other, of_other in related.items() if not set(models) & set(of_other)]
        end = "" if others else "; no recognizer of another family is in this run"
        if others and "strict" in data.protocols:
            end = f"; the headline has the ranking by {', '.join(others)} beside it"
        yield (
            f"{recognizer} is of the family ({data.families[recognizer]}) of a face encoder that some models were "
            f"conditioned on or trained against, and may favour them: {_titles(data, models)}{end}."
        )


def _titles(data: RunData, models: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(data.facts[m].title for m in models))


def _about_the_models(data: RunData) -> Iterator[str]:
    if not data.evaluated:
        yield "No model was evaluated; the table shows the oracles only."
    extras = {data.facts[m].title: data.facts[m].extras for m in data.evaluated if data.facts[m].extras}
    if extras:
        given = "; ".join(f"{title} ({what})" for title, what in extras.items())
        yield f"Given more than prompt and references, which the other models were not: {given}."
    faceless = data.images[(data.images["outcome"] == "generated") & (data.images["faces_found"] == 0)]
    without_faces = faceless["model"].value_counts()
    for model in data.evaluated:
        outcomes = data.summary.images["all"].models[model].outcomes
        generated, total = outcomes.get("generated", 0), sum(outcomes.values())
        if generated and without_faces.get(model, 0) == generated:
            yield f"{model}: no face was found in any of its {generated} images, so nothing else is known about it."
        if failed := total - generated:
            yield f"{model}: {failed} of {total} images are missing, failed or unreadable; they count as failures."


def _about_lost_files(source: Source) -> Iterator[str]:
    faults = source.record.counts.recognizer_faults
    for recognizer, fault in faults.items():
        yield f"{recognizer} measures nothing: {fault}. This says nothing about the suite or the models."
    for recognizer, problems in source.record.counts.recognizer_failures.items():
        if recognizer in faults:
            continue
        yield f"{recognizer} could not embed the faces of {problems.count} images; these are undefined."
    for model, files in source.record.counts.surplus_files.items():
        if files.count:
            first = ", ".join(files.first[:3])
            subsets = source.record.config.subsets
            of = f"of subset {', '.join(subsets)}" if subsets else "of the suite"
            yield f"{model}: files of no case {of}, or beside the image of one, not scored: {files.count} ({first})."
