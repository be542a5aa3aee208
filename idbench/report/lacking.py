"""What a run lacks: cases of its suite, and rows of images it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from idbench.schema import one_line

__all__ = ["in_a_row", "lacking"]

LISTED = 3
"""Entries that are named; of the others there is the count."""


def lacking(
    cases: int, scores: pd.DataFrame, images: pd.DataFrame, suite: pd.DataFrame, known: Iterable[str] = ()
) -> Iterator[str]:
    """One sentence per kind of thing that is lacking, and per set of models that lack the same cases.

    cases : how many the suite has. scores, images, suite : a run's tables. known : ids of cases that other runs have.
    """
    ids = sorted({*suite["case"].unique(), *known})
    nameless = max(0, cases - len(ids))
    models = list(dict.fromkeys([*images["model"].unique(), *scores["model"].unique()]))
    for those, gone in _lacking_cases(scores, models, ids):
        if count := len(gone) + nameless:
            whose = "" if len(those) == len(models) else f" of {_listed(those)}"
            first = f", first {_listed(gone)}" if gone else ""
            yield (
                f"{count} of the suite's {cases} cases have no scores{whose}{first}; the numbers are over the others."
            )
    if len(rows := _lacking_rows(scores, images, suite)):
        first = ", ".join(f"{key} {in_a_row(value)}" for key, value in rows.iloc[0].items() if pd.notna(value))
        yield (
            f"{len(rows)} rows that images.parquet and suite.parquet ask for are not in scores.parquet, first that of "
            f"{first}; the numbers are over the others."
        )


def in_a_row(value: object) -> str:
    """A cell of a table inside a sentence; integers with gaps are floats there."""
    return f"{value:g}" if isinstance(value, float) else one_line(value, 80)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(one_line(name, 80) for name in names[:LISTED]) + more


def _lacking_cases(
    scores: pd.DataFrame, models: Sequence[str], ids: Sequence[str]
) -> Iterator[tuple[list[str], list[str]]]:
    """Models that lack the same cases, and those cases."""
    had = {model: set(rows["case"].unique()) for model, rows in scores.groupby("model")}
    found: dict[tuple[str, ...], list[str]] = {}
    for model in models:
        gone = tuple(case for case in ids if case not in had.get(model, ()))
        found.setdefault(gone, []).append(model)
    yield from ((those, list(gone)) for gone, those in found.items())


def _lacking_rows(scores: pd.DataFrame, images: pd.DataFrame, suite: pd.DataFrame) -> pd.DataFrame:
    """Keys of the rows that scores lack of an image's people, in cases of which the model has some."""
    made = images[["model", "case", "seed"]].merge(scores[["model", "case"]].drop_duplicates())
    gone = []
    for (recognizer, protocol), rows in scores.groupby(["recognizer", "protocol"], sort=False):
        people = suite.loc[suite["recognizer"] == recognizer, ["case", "person"]]
        asked = made.merge(people) if protocol == "strict" else made
        if len(asked) == len(rows):  # as in every whole run; to look for each row takes long
            continue
        found = asked.merge(rows[list(asked)], how="left", indicator="found")["found"]
        lost = asked[(found == "left_only").to_numpy()]
        gone.append(lost.assign(recognizer=str(recognizer), protocol=str(protocol)))
    return pd.concat(gone) if gone else pd.DataFrame()
