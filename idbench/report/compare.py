"""Several runs on one suite, laid side by side: one table, paired comparisons across runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from idbench.errors import RunError
from idbench.report.data import RunData, load, read_json
from idbench.report.page import write
from idbench.run_folder import verification_path
from idbench.stats import Verification
from idbench.store import write_json
from idbench.summary import Settings, summarise
from idbench.tables import ORDER

__all__ = ["write_comparison"]

SAME_JUDGE = ("weights", "alignment", "preprocessing")


def write_comparison(runs: list[Path], out: Path) -> Path:
    """Write `comparison.html`, `summary.json` and `tables/` of several runs to `out`; returns the page.

    Models keep their names; those that occur in several runs get the run's name added. Oracles are kept
    once. Raises `RunError` if the runs are on different suites or share no judge or protocol.
    """
    data = combine([load(run) for run in runs])
    write_json(out / "summary.json", data.summary)
    return write(data, out / "comparison.html", out / "tables")


def combine(runs: Sequence[RunData]) -> RunData:
    """One `RunData` over the models of all runs, summarised anew."""
    if len(runs) < 2:
        raise RunError(f"expected two or more runs to compare, found {len(runs)}")
    _check_suites(runs)
    judges = _shared_judges(runs)
    protocols = _shared_protocols(runs, judges)
    renamed = [_rename(run, name, runs, k) for k, (run, name) in enumerate(zip(runs, _names(runs), strict=True))]
    scores = _joined([_kept_scores(run, names) for run, names in zip(renamed, judges, strict=True)], "scores")
    scores = scores[scores["protocol"].isin(protocols)]
    images = _joined([run.images for run in renamed], "images")
    if images.duplicated(["model", "case", "seed"]).any():
        raise RunError("two models have the same name even with their runs' names added; rename a run directory")
    suite = runs[0].suite[runs[0].suite["recognizer"].isin(judges[0])]
    config = runs[0].record["config"]
    settings = Settings(config["resamples"], config["level"], config["interval"], config["statistics_seed"])
    sources = tuple(run.sources[0] for run in renamed)
    variants = [m for source in sources for m, one in source.record["models"].items() if one.get("sweep")]
    found = summarise(scores, images, suite, _verifications(runs[0], list(judges[0])), settings, variants)
    summary = found.model_dump(mode="json", exclude_unset=True)
    return RunData(sources, summary, scores, images, suite, tuple(_notes(runs, judges)))


def _check_suites(runs: Sequence[RunData]) -> None:
    first, *others = (run.record["suite"]["fingerprint"] for run in runs)
    for run, fingerprint in zip(runs[1:], others, strict=True):
        if fingerprint != first:
            raise RunError(
                f"{run.sources[0].path} is on another suite than {runs[0].sources[0].path} (fingerprint "
                f"{fingerprint[:12]}, expected {first[:12]}); only runs on the same suite can be compared"
            )


def _names(runs: Sequence[RunData]) -> list[str]:
    """Each run's name; equal ones are numbered."""
    names = [run.sources[0].name for run in runs]
    repeated = Counter(names)
    return [f"{name} #{i + 1}" if repeated[name] > 1 else name for i, name in enumerate(names)]


def _identity(record: dict[str, Any], name: str) -> tuple[str, ...]:
    return tuple(repr(record["recognizers"][name].get(key)) for key in SAME_JUDGE)


def _shared_judges(runs: Sequence[RunData]) -> list[dict[str, str]]:
    """Per run, its names of the judges that all runs have -> the first run's names."""
    known = [{_identity(run.record, name): name for name in reversed(run.recognizers)} for run in runs]
    shared = [key for key in known[0] if all(key in other for other in known)]
    if not shared:
        raise RunError("the runs share no recognizer with the same weights; score them with a common one to compare")
    shared.sort(key=lambda key: runs[0].recognizers.index(known[0][key]))
    return [{names[key]: known[0][key] for key in shared} for names in known]


def _shared_protocols(runs: Sequence[RunData], judges: list[dict[str, str]]) -> list[str]:
    found = [set(run.scores["protocol"].unique()) for run in runs]
    shared = set.intersection(*found)
    if not shared:
        raise RunError("the runs share no protocol: one was scored with strict only, another with paper only")
    return sorted(shared)


def _rename(run: RunData, name: str, runs: Sequence[RunData], position: int) -> RunData:
    """Models that another run has too get the run's name; oracles stay with the first run that has them."""
    elsewhere = {m for k, other in enumerate(runs) if k != position for m in other.judged}
    earlier = {m for other in runs[:position] for m in other.summary["oracles"]}
    names = {m: f"{m} ({name})" for m in run.judged if m in elsewhere}
    scores, images = (
        frame[~frame["model"].isin(earlier)].assign(model=lambda part: part["model"].replace(names))
        for frame in (run.scores, run.images)
    )
    source = replace(run.sources[0], name=name, record=_renamed_record(run.record, names))
    return replace(run, sources=(source,), scores=scores, images=images)


def _renamed_record(record: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The record with the models' new names wherever it lists them."""
    counts = dict(record.get("counts", {}))
    if "surplus_files" in counts:
        counts["surplus_files"] = {names.get(m, m): found for m, found in counts["surplus_files"].items()}
    return record | {"counts": counts, "models": {names.get(m, m): one for m, one in record["models"].items()}}


def _kept_scores(run: RunData, names: dict[str, str]) -> pd.DataFrame:
    kept = run.scores[run.scores["recognizer"].isin(names)]
    return kept.assign(recognizer=kept["recognizer"].map(names))


def _joined(parts: Sequence[pd.DataFrame], name: str) -> pd.DataFrame:
    """All rows in one order; the first run's recognizers and models come first."""
    joined = pd.concat([part.dropna(axis="columns", how="all") for part in parts], ignore_index=True)
    whole = joined.reindex(columns=list(dict.fromkeys(c for part in parts for c in part.columns)))
    return whole.sort_values(ORDER[name], kind="stable", ignore_index=True)


def _verifications(run: RunData, names: Sequence[str]) -> dict[str, Verification]:
    found = read_json(verification_path(run.sources[0].path))
    try:
        return {name: Verification(**found[name]) for name in names if name in found}
    except TypeError as error:
        raise RunError(f"{run.sources[0].path} was scored by another version of idbench; score it again") from error


def _notes(runs: Sequence[RunData], judges: list[dict[str, str]]) -> list[str]:
    """What makes the runs less alike than the table suggests."""
    said = []
    dropped = sorted(
        {name for run, names in zip(runs, judges, strict=True) for name in run.recognizers} - set(judges[0])
    )
    if dropped:
        said.append(f"Recognizers that not all runs share are left out: {', '.join(dropped)}.")
    if len({repr(_without_providers(run.record["detector"])) for run in runs}) > 1:
        said.append(
            "The runs used different detectors or thresholds: differences between their models may come from that."
        )
    if len({tuple(sorted(run.images["seed"].unique())) for run in runs}) > 1:
        said.append("The runs used different seeds: each person's mean over seeds is compared.")
    if len({run.record["provenance"].get("idbench") for run in runs}) > 1:
        said.append("The runs were scored by different versions of idbench.")
    return said


def _without_providers(detector: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in detector.items() if key != "providers"}
