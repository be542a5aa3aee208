"""Fidelity against copying in numbers."""

from __future__ import annotations

from idbench.render.table import Column, Number, Row, Table, slug
from idbench.report.data import RunData
from idbench.report.tables.columns import MODEL

__all__ = ["tradeoff"]


def tradeoff(data: RunData, recognizer: str) -> Table | None:
    """Pareto membership and distance from the line through the other models; None where no model has copy-paste."""
    group = data.group(recognizer)
    models = [m for m in data.evaluated if "copy_paste" in group.models.get(m, {})]
    if not models:
        return None
    columns = [
        MODEL,
        Column("pareto", "on the Pareto front"),
        Column(
            "line_distance",
            "distance from the line",
            "number",
            direction="lower",
            meaning="positive: more copying than the others' trade-off predicts; negative: less",
        ),
    ]
    front = {m: "yes" if m in group.tradeoff.pareto else "no" for m in group.ranks.get("sim_gt_failure_aware", {})}
    distances = {m: Number(d.mean, d.low, d.high) for m, d in group.tradeoff.line_distance.items()}
    rows = [Row([m, front.get(m), distances.get(m)]) for m in models]
    return Table(f"tradeoff_{slug(recognizer)}", f"Trade-off, {recognizer}", columns, rows)
