"""The numbers of a sweep."""

from __future__ import annotations

from idbench.render.table import Column, Row, Table, slug
from idbench.report.data import RunData
from idbench.report.footnotes import Footnotes
from idbench.report.sweeps import Sweep
from idbench.report.tables.columns import form_columns

__all__ = ["sweep_table"]

METRICS = ("sim_gt_failure_aware", "sim_gt", "sim_ref", "copy_paste", "found")


def sweep_table(data: RunData, recognizer: str, sweep: Sweep, footnotes: Footnotes) -> Table:
    """A row per value. Values carry no signs: they are of one model, so the legend explains it as a whole."""
    values = data.group(recognizer).models
    return Table(
        f"sweep_{slug(sweep.name)}_{slug(recognizer)}",
        f"{sweep.name}, {recognizer}",
        [Column("value", sweep.parameter), *form_columns(data, METRICS)],
        [Row([label, *map(values.get(model, {}).get, METRICS)]) for model, label in sweep.labels.items()],
        footnotes.legend(sweep.models),
    )
