"""The report's tables of models: headline, subsets, recognizers, further metrics, images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from idbench.render.table import Cell, Column, Number, Row, Table, slug
from idbench.report.data import RunData
from idbench.summary.metrics import FAILURE_AWARE

__all__ = [
    "MODEL",
    "by_recognizer",
    "by_subset",
    "further",
    "headline",
    "headline_metrics",
    "image_metrics",
    "metric_column",
    "rank_labels",
]

KEY_METRICS = ("sim_gt_failure_aware", "sim_ref_failure_aware", "copy_paste", "blending")
COMPACT_METRICS = {
    "sim_gt_failure_aware": "Sim(GT)",
    "sim_ref_failure_aware": "Sim(Ref)",
    "copy_paste": "CP",
    "blending": "Bld",
    "slot_accuracy": "Slot",
    "found": "Found",
    "clip_i": "CLIP-I",
    "clip_t": "CLIP-T",
    "aesthetic": "Aes",
}
MODEL = Column("model", "model")


def metric_column(data: RunData, name: str, interval: bool = True, group: str = "", title: str = "") -> Column:
    """A column that takes title, direction and precision from the metric's declaration."""
    declared = data.summary["metrics"].get(name, {})
    low, high = declared.get("range") or (None, None)
    digits = 3 if low is not None and high is not None and high - low <= 20 else 2
    meaning = ". ".join(p for p in (declared.get("meaning"), declared.get("unit"), declared.get("citation")) if p)
    return Column(
        name,
        title or declared.get("title", name),
        "number",
        group,
        declared.get("direction", "context"),
        meaning,
        digits,
        interval,
    )


def form_columns(data: RunData, names: Sequence[str], interval: bool = True) -> list[Column]:
    """Columns of several metrics; the two forms of a similarity stand under one heading."""
    columns = []
    for name in names:
        base = name.removesuffix(FAILURE_AWARE)
        title = data.summary["metrics"].get(base, {}).get("title", base)
        if base == name and name + FAILURE_AWARE not in names:
            columns.append(metric_column(data, name, interval))
            continue
        own = data.summary["metrics"][name]["title"].removeprefix(title + ", ")
        columns.append(metric_column(data, name, interval, title, "found people only" if name == base else own))
    return columns


def headline_metrics(data: RunData) -> list[str]:
    """Per-person metrics declared as headline, a failure-aware form before the plain one."""
    declared = data.summary["metrics"]
    names: list[str] = []
    for name, one in declared.items():
        if one["headline"] and not name.endswith(FAILURE_AWARE) and name not in data.images.columns:
            names += [name + FAILURE_AWARE, name] if declared.get(name + FAILURE_AWARE, {}).get("headline") else [name]
    return names


def rank_labels(ranks: dict[str, int]) -> dict[str, str]:
    """Shared ranks are written with an equals sign: 1, 2=, 2=, 4."""
    values = list(ranks.values())
    return {model: f"{rank}=" if values.count(rank) > 1 else str(rank) for model, rank in ranks.items()}


def ordered(data: RunData, group: dict[str, Any], metric: str) -> list[str]:
    """Models by rank, sharers of one by their mean; then those without a rank, then the oracles."""
    position = {model: i for i, model in enumerate(data.models)}
    ranks = group["ranks"].get(metric, {})
    sign = -1 if data.summary["metrics"][metric]["direction"] == "higher" else 1

    def key(model: str) -> tuple[bool, float, float, int]:
        if data.is_oracle(model) or model not in ranks:
            return data.is_oracle(model), float("inf"), 0.0, position[model]
        return False, ranks[model], sign * group["models"][model][metric]["mean"], position[model]

    return sorted(data.models, key=key)


def headline(data: RunData, recognizer: str, protocol: str) -> Table:
    """The table a reader looks at first."""
    group = data.group(recognizer, protocol)
    table, ranks = group["models"], group.get("ranks", {})
    names = [n for n in headline_metrics(data) if any(n in values for values in table.values())]
    strict = protocol == "strict"
    columns = [MODEL, *form_columns(data, names, interval=strict)]
    if not strict:
        rows = [Row([m, *_numbers(table.get(m, {}), names)], data.is_oracle(m)) for m in data.models]
        return Table(f"headline_{slug(recognizer)}_paper", f"Paper protocol, {recognizer}", columns, rows)
    sim, copying = (rank_labels(ranks.get(name, {})) for name in ("sim_gt_failure_aware", "copy_paste_failure_aware"))
    columns.insert(0, Column("rank", "rank"))
    at = next((i + 1 for i, c in enumerate(columns) if c.name == "copy_paste"), len(columns))
    columns.insert(at, Column("copy_paste_rank", "rank in copy-paste"))
    rows = []
    for model in ordered(data, group, "sim_gt_failure_aware"):
        cells: list[Cell] = [sim.get(model), model, *_numbers(table.get(model, {}), names)]
        competes = model in sim
        cells.insert(at, _copying_rank(data, model, table, copying) if competes else None)
        rows.append(Row(cells, data.is_oracle(model)))
    return Table(f"headline_{slug(recognizer)}", f"Headline, {recognizer}", columns, rows)


def compact(data: RunData, recognizer: str) -> Table:
    """Means only, in the columns of the paper's tables: what fits a column of a paper."""
    group = data.group(recognizer, "strict")
    images = data.summary["images"]["all"]["models"]
    values = {model: images.get(model, {}) | group["models"].get(model, {}) for model in data.models}
    names = [n for n in COMPACT_METRICS if any(n in one for one in values.values())]
    columns = [MODEL, *(metric_column(data, n, interval=False, title=COMPACT_METRICS[n]) for n in names)]
    order = ordered(data, group, "sim_gt_failure_aware")
    rows = [Row([m, *_numbers(values[m], names)], data.is_oracle(m)) for m in order]
    return Table(f"compact_{slug(recognizer)}", f"Means, {recognizer}", columns, rows)


def _numbers(values: dict[str, Any], names: Sequence[str]) -> list[Cell]:
    return [Number.of(values.get(name)) for name in names]


def _copying_rank(data: RunData, model: str, table: dict[str, Any], ranks: dict[str, str]) -> str | None:
    if data.is_oracle(model) or "copy_paste" not in table.get(model, {}):
        return None
    return ranks.get(model, "below floor")


def by_subset(data: RunData, recognizer: str, protocol: str) -> Table | None:
    """The key metrics per subset, subsets side by side; None where there is one subset only."""
    subsets = data.subsets(recognizer, protocol)
    tables = {name: data.group(recognizer, protocol, name)["models"] for name in subsets}
    suffix = "" if protocol == "strict" else "_paper"
    return _side_by_side(data, f"subsets_{slug(recognizer)}{suffix}", f"By subset, {recognizer}", tables, protocol)


def by_recognizer(data: RunData, protocol: str) -> Table | None:
    """The key metrics per recognizer, recognizers side by side; None where there is one only."""
    tables = {name: data.group(name, protocol)["models"] for name in data.recognizers if data.group(name, protocol)}
    name = "recognizers" if protocol == "strict" else "recognizers_paper"
    return _side_by_side(data, name, "By recognizer", tables if len(tables) > 1 else {}, protocol)


def _side_by_side(
    data: RunData, name: str, title: str, tables: dict[str, dict[str, Any]], protocol: str
) -> Table | None:
    strict = protocol == "strict"
    metrics = KEY_METRICS if strict else tuple(m.removesuffix(FAILURE_AWARE) for m in KEY_METRICS)
    chosen = [
        (metric, part) for metric in metrics for part in tables
        if any(metric in values for table in tables.values() for values in table.values())
    ]  # fmt: skip
    if not chosen:
        return None
    columns = [MODEL]
    for metric, part in chosen:
        one = metric_column(data, metric, strict, title=part)
        heading = data.summary["metrics"][metric]["title"]
        columns.append(
            Column(f"{metric}_{part}", part, "number", heading, one.direction, one.meaning, one.digits, strict)
        )
    rows = [
        Row([m, *(Number.of(tables[part].get(m, {}).get(metric)) for metric, part in chosen)], data.is_oracle(m))
        for m in data.models
    ]
    return Table(name, title, columns, rows)


def further(data: RunData, recognizer: str) -> Table | None:
    """Every other metric of the strict protocol."""
    table = data.group(recognizer, "strict")["models"]
    shown = set(headline_metrics(data))
    names = [n for n in data.summary["metrics"] if n not in shown and any(n in v for v in table.values())]
    if not names:
        return None
    rows = [Row([m, *_numbers(table.get(m, {}), names)], data.is_oracle(m)) for m in data.models]
    return Table(
        f"further_{slug(recognizer)}",
        f"Further metrics, {recognizer}",
        [MODEL, *(metric_column(data, n) for n in names)],
        rows,
    )


def image_metrics(data: RunData) -> Table | None:
    """Metrics of whole images, where they were computed."""
    table = data.summary["images"]["all"]["models"]
    names = [n for n in data.summary["metrics"] if n in data.images.columns and any(n in v for v in table.values())]
    if not names:
        return None
    columns = [MODEL, *(metric_column(data, n) for n in names)]
    cut = any(values.get("prompts_cut") for values in table.values())
    if cut:
        columns.append(Column("prompts_cut", "prompts cut at 77 tokens", "count"))
    rows = [
        Row(
            [m, *_numbers(table.get(m, {}), names), *([table.get(m, {}).get("prompts_cut", 0)] if cut else [])],
            data.is_oracle(m),
        )
        for m in data.models
    ]
    return Table("images", "Image metrics", columns, rows)
