"""The page: `reports/calibration.html` filled with verdicts, figures and examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from idbench import __version__
from idbench.calibrate.calibration import Calibration
from idbench.calibrate.checks import Check
from idbench.calibrate.curves import Point
from idbench.calibrate.experiments import METHODS, METRICS, Repeated
from idbench.calibrate.figures import Figure, Series, histogram, line_figure
from idbench.calibrate.sections import SECTIONS, Panel, Section
from idbench.calibrate.sweeps import SWEEPS
from idbench.calibrate.verdicts import COVERAGE, NOMINAL
from idbench.render.templates import templates, trusted
from idbench.store import write_bytes

__all__ = ["render", "write_page"]

DIALS = {sweep.name: sweep.dial for sweep in SWEEPS}


def write_page(found: Calibration, page: Path) -> None:
    """Write the page, one self-contained file."""
    write_bytes(page, render(found).encode())


def render(found: Calibration) -> str:
    """The page as HTML."""
    return (
        templates()
        .get_template("calibration.html")
        .render(
            found=found,
            names=list(found.recognizers),
            sections=SECTIONS,
            rows=_rows(found.checks),
            figures={section.name: _figures(section, found) for section in SECTIONS},
            separation=_separation(found),
            views=_views(found),
            version=__version__,
            style=trusted("report.css"),
        )
    )


def _rows(checks: Sequence[Check]) -> dict[str, list[Check]]:
    """What each recognizer answers, by what was asked."""
    rows: dict[str, list[Check]] = {}
    for check in checks:
        rows.setdefault(check.says, []).append(check)
    return rows


def _figures(section: Section, found: Calibration) -> list[Figure]:
    drawn = [figure for panel in section.panels for figure in _panel(panel, found)]
    return [*drawn, *_repeats(section.name, found)]


def _panel(panel: Panel, found: Calibration) -> list[Figure]:
    """One drawing of all recognizers where a panel has one line, else one per recognizer."""
    known = {(c.recognizer, c.sweep, c.metric): c for c in found.curves}
    names = list(found.recognizers)

    def series(recognizer: str, sweep: str, metric: str, label: str) -> Series:
        curve = known.get((recognizer, sweep, metric))
        return Series(label, curve.points if curve else ())

    dial = f"dial “{DIALS[panel.series[0][0]]}”"
    if len(panel.series) == 1:
        ((sweep, metric, _),) = panel.series
        return [line_figure(panel.title, dial, panel.title, [series(name, sweep, metric, name) for name in names])]
    return [
        line_figure(_by(panel.title, name, names), dial, panel.title, [series(name, *one) for one in panel.series])
        for name in names
    ]


def _by(title: str, name: str, names: Sequence[str]) -> str:
    return title if len(names) == 1 else f"{title}, by {name}"


def _repeats(kind: str, found: Calibration) -> list[Figure]:
    """Rates against the number of clusters, a drawing per recognizer."""
    drawings = {
        "intervals": ("coverage", "share of intervals that hold the truth", COVERAGE, (0.8, 1.0), _interval_label),
        "equal": ("equal", "share called different", NOMINAL, (0.0, 0.2), _metric_label),
        "power": ("power", "share told apart", None, (0.0, 1.0), _delta_label),
    }
    if kind not in drawings:
        return []
    what, up, zone, whole, label = drawings[kind]
    names = list(found.recognizers)
    return [
        line_figure(
            _by(up, name, names),
            "clusters",
            up,
            _rates([one for one in found.repeated if (one.kind, one.recognizer) == (what, name)], label),
            zone,
            whole,
        )
        for name in names
    ]


def _interval_label(one: Repeated) -> str:
    return f"{METRICS[one.metric]}, {METHODS[one.what]}"


def _metric_label(one: Repeated) -> str:
    return METRICS[one.metric]


def _delta_label(one: Repeated) -> str:
    return f"copies {one.what} more"


def _rates(repeated: Sequence[Repeated], label: Callable[[Repeated], str]) -> list[Series]:
    lines: dict[str, list[Point]] = {}
    for one in repeated:
        point = Point(one.clusters, one.rate.share, one.rate.low, one.rate.high, one.rate.repeats)
        lines.setdefault(label(one), []).append(point)
    return [Series(name, points) for name, points in lines.items()]


def _separation(found: Calibration) -> list[Figure]:
    """Genuine against impostor similarities, a drawing per recognizer."""
    figures = []
    for name, pairs in found.similarities.items():
        verification = found.verifications.get(name)
        groups = [("same person", pairs.genuine), ("different people", pairs.impostor)]
        title = _by("two photos", name, list(found.recognizers))
        figures.append(histogram(title, "similarity", groups, verification.threshold if verification else None))
    return [figure for figure in figures if figure is not None]


def _views(found: Calibration) -> list[Figure]:
    """What turning a head does to detector and recognizers."""
    yaw = "yaw in degrees"
    shares = [Point(one.yaw, one.found) for one in found.seen]
    errors = [Point(one.yaw, one.landmark_error) for one in found.seen]
    largest = max((point.mean for point in errors if point.mean is not None), default=0.0)
    alike = [Series(name, [Point(one.yaw, one.similarity[name]) for one in found.seen]) for name in found.recognizers]
    return [
        line_figure("faces found", yaw, "share of faces found", [Series("detector", shares)], whole=(0.0, 1.05)),
        line_figure(
            "landmarks",
            yaw,
            "error in eye distances",
            [Series("detector", errors)],
            whole=(0.0, max(0.2, 1.1 * largest)),
        ),
        line_figure("the same face, turned", yaw, "similarity to the view from ahead", alike),
    ]
