"""The report's tables of models: headline, subsets, recognizers, further metrics, images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from idbench.records.summary import StrictGroup
from idbench.render.table import Column, Row, Table, slug
from idbench.report.data import Protocol, RunData, Values
from idbench.report.tables.columns import MODEL, form_columns, known_metrics, model_rows
from idbench.summary.metrics import FAILURE_AWARE

__all__ = [
    "by_recognizer",
    "by_subset",
    "compact",
    "further",
    "headline",
    "image_metrics",
    "ordered",
    "paper_headline",
    "rank_labels",
]

KEY_METRICS = (
    "likeness_failure_aware",
    "copy_share",
    "sim_gt_failure_aware",
    "sim_ref_failure_aware",
    "copy_paste",
    "blending",
)
COMPACT_METRICS = {
    "likeness_failure_aware": "Likeness",
    "copy_share": "Copy share",
    "copied": "Copied",
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


LEAD = ("likeness_failure_aware", "copy_share", "copied")
"""What the headline begins with."""


def headline_metrics(data: RunData) -> list[str]:
    """What leads, then per-person metrics declared as headline, a failure-aware form before the plain one."""
    declared = data.summary.metrics
    names = [name for name in LEAD if name in declared]
    for name, one in declared.items():
        if one.headline and not name.endswith(FAILURE_AWARE) and name not in data.images.columns:
            form = declared.get(name + FAILURE_AWARE)
            names += [name + FAILURE_AWARE, name] if form and form.headline else [name]
    return names


def rank_labels(ranks: Mapping[str, int]) -> dict[str, str]:
    """Shared ranks are written with an equals sign: 1, 2=, 2=, 4."""
    values = list(ranks.values())
    return {model: f"{rank}=" if values.count(rank) > 1 else str(rank) for model, rank in ranks.items()}


def ordered(data: RunData, group: StrictGroup) -> list[str]:
    """Models by rank, sharers of one by their mean; then those without a rank, then the oracles."""
    metric = group.ranked_by
    ranks = group.ranks.get(metric, {})
    sign = -1 if data.columns[metric].direction == "higher" else 1

    def place(model: str) -> tuple[int, float]:
        return ranks[model], sign * (group.models[model][metric].mean or 0.0)

    ranked = sorted((m for m in data.evaluated if m in ranks), key=place)
    return [*ranked, *(m for m in data.evaluated if m not in ranks), *data.oracles]


def headline(data: RunData, recognizer: str) -> Table:
    """The table a reader looks at first."""
    group = data.group(recognizer)
    names = known_metrics(headline_metrics(data), group.models)
    ranks = rank_labels(group.ranks.get(group.ranked_by, {}))
    copying, copying_ranks = group.copying_ranked_by, _copying_ranks(group, ranks)
    columns = [Column("rank", "rank"), MODEL, *form_columns(data, names)]
    shown = copying.removesuffix(FAILURE_AWARE)
    at = next((i + 1 for i, c in enumerate(columns) if c.name == shown), len(columns))
    columns.insert(at, Column(f"{shown}_rank", f"rank in {data.columns[shown].title}"))
    rows = []
    for row in model_rows(data, group.models, names, ordered(data, group)):
        model = str(row.cells[0])
        cells = [ranks.get(model), *row.cells]
        cells.insert(at, copying_ranks.get(model))
        rows.append(replace(row, cells=cells))
    return Table(f"headline_{slug(recognizer)}", f"Headline, {recognizer}", columns, rows)


def _copying_ranks(group: StrictGroup, ranked: Mapping[str, str]) -> dict[str, str]:
    """The rank in copying of every ranked model that has the metric; below the floor there is none."""
    metric = group.copying_ranked_by
    labels = rank_labels(group.ranks.get(metric, {}))
    return {m: labels.get(m, "below floor") for m in ranked if metric in group.models[m]}


def paper_headline(data: RunData, recognizer: str) -> Table:
    """The same metrics under the paper protocol, which has neither intervals nor ranks."""
    values = data.groups(recognizer, "paper")["all"]
    names = known_metrics(headline_metrics(data), values)
    columns = [MODEL, *form_columns(data, names, interval=False)]
    title = f"Paper protocol, {recognizer}"
    return Table(f"headline_{slug(recognizer)}_paper", title, columns, model_rows(data, values, names))


def compact(data: RunData, recognizer: str) -> Table:
    """Means only, in the columns of the paper's tables: what fits a column of a paper."""
    group, images = data.group(recognizer), data.summary.images["all"].models
    values = {m: images[m].metrics | group.models.get(m, {}) for m in data.models}
    names = known_metrics(COMPACT_METRICS, values)
    columns = [MODEL, *(replace(data.columns[n], interval=False, title=COMPACT_METRICS[n]) for n in names)]
    rows = model_rows(data, values, names, ordered(data, group))
    return Table(f"compact_{slug(recognizer)}", f"Means, {recognizer}", columns, rows)


def by_subset(data: RunData, recognizer: str, protocol: Protocol) -> Table | None:
    """The key metrics per subset, subsets side by side; None where there is one subset only."""
    parts = {name: values for name, values in data.groups(recognizer, protocol).items() if name != "all"}
    suffix = "" if protocol == "strict" else "_paper"
    return _side_by_side(data, f"subsets_{slug(recognizer)}{suffix}", f"By subset, {recognizer}", parts, protocol)


def by_recognizer(data: RunData, protocol: Protocol) -> Table | None:
    """The key metrics per recognizer, recognizers side by side; None where there is one only."""
    if len(data.recognizers) == 1:
        return None
    parts = {name: data.groups(name, protocol)["all"] for name in data.recognizers}
    name = "recognizers" if protocol == "strict" else "recognizers_paper"
    return _side_by_side(data, name, "By recognizer", parts, protocol)


def _side_by_side(
    data: RunData, name: str, title: str, parts: Mapping[str, Values], protocol: Protocol
) -> Table | None:
    """The key metrics of every part; None where no part has one."""
    strict = protocol == "strict"
    names = KEY_METRICS if strict else [metric.removesuffix(FAILURE_AWARE) for metric in KEY_METRICS]
    measured = {metric for values in parts.values() for metric in known_metrics(names, values)}
    chosen = [(metric, part) for metric in names if metric in measured for part in parts]
    if not chosen:
        return None
    columns = [MODEL]
    for metric, part in chosen:
        one = data.columns[metric]
        columns.append(replace(one, name=f"{metric}_{part}", title=part, group=one.title, interval=strict))
    rows = [
        Row([m, *(parts[part].get(m, {}).get(metric) for metric, part in chosen)], m in data.oracles)
        for m in data.models
    ]
    return Table(name, title, columns, rows)


def further(data: RunData, recognizer: str) -> Table | None:
    """Every other metric of the strict protocol."""
    values, shown = data.group(recognizer).models, headline_metrics(data)
    names = known_metrics([name for name in data.columns if name not in shown], values)
    if not names:
        return None
    columns = [MODEL, *(data.columns[name] for name in names)]
    title = f"Further metrics, {recognizer}"
    return Table(f"further_{slug(recognizer)}", title, columns, model_rows(data, values, names))


def image_metrics(data: RunData) -> Table | None:
    """Metrics of whole images, where they were computed."""
    images = data.summary.images["all"].models
    values = {model: one.metrics for model, one in images.items()}
    names = known_metrics([name for name in data.columns if name in data.images.columns], values)
    if not names:
        return None
    columns = [MODEL, *(data.columns[name] for name in names)]
    rows = model_rows(data, values, names)
    if any(one.prompts_cut for one in images.values()):
        columns.append(Column("prompts_cut", "prompts cut at 77 tokens", "count"))
        cut = [images[model].prompts_cut for model in data.models]
        rows = [replace(row, cells=[*row.cells, count]) for row, count in zip(rows, cut, strict=True)]
    return Table("images", "Image metrics", columns, rows)
