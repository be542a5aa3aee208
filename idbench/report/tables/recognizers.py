"""How well each recognizer tells this suite's people apart."""

from __future__ import annotations

from dataclasses import asdict

from idbench.render.table import Column, Row, Table
from idbench.report.data import RunData
from idbench.report.tables.columns import bare

__all__ = ["recognizer_quality"]

RATES = [
    Column("auc", "AUC", "number", meaning="1: the recognizer never confuses people", interval=False),
    Column("equal_error_rate", "EER", "number", meaning="rate at which false accepts equal false rejects",
           interval=False),
    Column("threshold", "threshold", "number", meaning="similarity from which a face is accepted", interval=False),
    Column("false_accept_rate", "FAR asked", "number", digits=4, interval=False),
    Column("attained", "FAR attained", "number", digits=4, interval=False),
    Column("resolution", "FAR resolution", "number", meaning="1 / impostor pairs: the smallest step", digits=4,
           interval=False),
    Column("true_accept_rate", "accepted real pairs", "number", meaning="share of genuine pairs over the threshold",
           interval=False),
]  # fmt: skip
PAIRS = [
    Column("genuine", "genuine pairs", "count"),
    Column("impostor", "impostor pairs", "count"),
    Column("left_out", "pairs left out", "count", meaning="may show one person, so neither genuine nor impostor"),
]
SCALE = {"stranger": "a stranger (0)", "same_person": "another photo (1)"}
BAND = {"low": "5 %", "median": "median", "high": "95 %"}


def recognizer_quality(data: RunData) -> Table | None:
    """Verification on the suite's own photos, and the natural band; None without the strict protocol."""
    if "strict" not in data.protocols:
        return None
    columns = [
        Column("recognizer", "recognizer"),
        Column("family", "family"),
        *RATES,
        *PAIRS,
        *(Column(f"band_{part}", title, "number", "natural band", interval=False) for part, title in BAND.items()),
        *(Column(f"likeness_{end}", title, "number", "likeness", interval=False) for end, title in SCALE.items()),
        Column(
            "copy_threshold",
            "copied from",
            "number",
            meaning="registered copy that 5 % of real pairs exceed",
            interval=False,
        ),
        Column(
            "unusable",
            "pairs that cannot tell",
            "count",
            meaning="nearly one photo, or two people for the recognizer: no copy share",
        ),
    ]
    return Table("recognizer_quality", "Recognizer quality", columns, [_row(data, name) for name in data.recognizers])


def _row(data: RunData, recognizer: str) -> Row:
    strict = data.strict(recognizer)
    verified = asdict(strict.verification) if strict.verification else {}
    band = asdict(strict.natural_band) if strict.natural_band else {}
    scale = asdict(strict.likeness_scale) if strict.likeness_scale else {}
    threshold = strict.copy_threshold.threshold if strict.copy_threshold else None
    rates = bare(*(verified.get(column.name) for column in RATES))
    pairs = [verified.get(column.name) for column in PAIRS]
    return Row(
        [
            recognizer,
            data.families[recognizer] or None,
            *rates,
            *pairs,
            *bare(*map(band.get, BAND), *map(scale.get, SCALE), threshold),
            sum(strict.unusable_pairs.values()),
        ]
    )
