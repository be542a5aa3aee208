"""Calibration: its verdicts on numbers that must pass and must fail, and the whole of it with a real judge."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import idbench

from idbench.calibrate import Calibration, calibrate, configure, experiments, repeats
from idbench.calibrate.checks import CLAIMS, check_curves
from idbench.calibrate.curves import Curve, Point
from idbench.calibrate.drawing import Drawing, draw
from idbench.calibrate.figures import Series, histogram, line_figure
from idbench.calibrate.page import render
from idbench.calibrate.repeats import Pool, coverage, false_alarms, pool_of, power
from idbench.calibrate.sections import SECTIONS
from idbench.calibrate.separation import similarities
from idbench.calibrate.subjects import choose_subjects
from idbench.calibrate.sweeps import POOL_MODELS, SWEEPS, model_name
from idbench.calibrate.verdicts import covers, falls, nominal, rate_of, rises, steady, unmoved
from idbench.calibrate.views import YAWS, View, seen_by_yaw
from idbench.errors import ConfigError, RunError
from idbench.metrics import auc
from idbench.models.simulated import imagine, parse_dials
from idbench.stats import Estimate, compare
from idbench.synthetic import Picture
from idbench.synthetic import render as render_picture
from idbench.synthetic.plans import plan_cases
from idbench.tables import read_tables

DIALS = (0, 0.2, 0.4, 0.6, 0.8, 1)


def curve(*means: float | None, half: float | None = 0.1) -> Curve:
    points = [
        Point(at, mean, None if mean is None or half is None else mean - half, None if mean is None or half is None else mean + half, 9)
        for at, mean in zip(np.linspace(0, 1, len(means)), means, strict=True)
    ]  # fmt: skip
    return Curve("judge", "sweep", "dial", "metric", tuple(points))


# verdicts


def test_a_metric_that_follows_its_dial_passes_in_that_direction_only():
    up = curve(-0.4, -0.1, 0.0, 0.2, 0.3, 0.9)
    assert rises(up).passed and rises(up).number == pytest.approx(1)
    assert not falls(up).passed
    down = curve(0.9, 0.5, 0.4, 0.1)
    assert falls(down).passed and not rises(down).passed
    assert "From 0.90 to 0.10" in falls(down).found


def test_one_step_against_the_dial_fails_on_short_sweeps():
    verdict = rises(curve(0.0, 0.2, 0.1, 0.4, 0.5, 0.6))
    assert verdict.number == pytest.approx(1 - 6 * 2 / (6 * 35))
    assert not verdict.passed


@pytest.mark.parametrize("verdict", [rises, falls, steady, unmoved])
def test_what_could_not_be_measured_does_not_pass(verdict):
    for lacking in (curve(0.1, None, 0.3), curve(), curve(0.1)):
        found = verdict(lacking)
        assert not found.passed and found.number is None and "could not be measured" in found.found


def test_a_constant_follows_nothing():
    for verdict in (rises, falls):
        assert verdict(curve(0.5, 0.5, 0.5)).number is None and not verdict(curve(0.5, 0.5, 0.5)).passed


def test_plaincounts_the_largest_move_either_way():
    assert steady(curve(0.20, 0.24, 0.16, 0.20)).passed
    fails = steady(curve(0.20, 0.22, 0.14, 0.20))
    assert not fails.passed and fails.number == pytest.approx(0.06)


def test_unmoved_asks_whether_every_interval_holds_the_first_mean():
    assert unmoved(curve(0.5, 0.55, 0.45)).passed
    fails = unmoved(curve(0.5, 0.55, 0.39))
    assert not fails.passed and fails.number == pytest.approx(1.1)
    assert not unmoved(curve(0.5, 0.5, half=None)).passed
    assert unmoved(curve(0.5, 0.5, half=0.0)).passed, "a mean that stays needs no width"
    assert not unmoved(curve(0.5, 0.6, half=0.0)).passed


def test_rates_carry_exact_binomial_intervals_and_are_held_against_the_level():
    rate = rate_of(95, 100)
    assert (rate.low, rate.high) == (pytest.approx(0.8872, abs=1e-4), pytest.approx(0.9836, abs=1e-4))
    assert covers(rate).passed and covers(rate_of(93, 100)).passed
    assert not covers(rate_of(92, 100)).passed and not covers(rate_of(98, 100)).passed
    assert nominal(rate_of(5, 100)).passed
    assert not nominal(rate_of(8, 100)).passed, "more would give ranks to chance"
    assert not nominal(rate_of(2, 100)).passed, "fewer would hide differences"
    assert "more repeats would tell" in nominal(rate_of(2, 100)).found
    assert "more repeats" not in nominal(rate_of(200, 2000)).found


# repeated experiments


def pool(columns: int, clusters: int = 60, shift: float = 0.0, seed: int = 0) -> Pool:
    """Clusters of one to three rows that share something, models that share the case."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 4, clusters)
    shared = np.repeat(rng.gamma(2.0, 0.2, clusters), sizes)[:, None]
    values = shared + 0.3 * rng.standard_normal((sizes.sum(), columns)) + shift * np.arange(columns)
    rows = np.split(np.arange(sizes.sum()), np.cumsum(sizes)[:-1])
    return Pool(tuple("abc"[:columns]), values, tuple(rows))


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_of_the_instrument_cover(method):
    rate = coverage(pool(1), 60, method, 500, np.random.default_rng(1))
    assert covers(rate).passed, rate


def test_intervals_that_are_too_narrow_are_found_out(monkeypatch):
    honest = repeats.estimate

    def narrow(*given, **how):
        return [
            Estimate(e.mean, e.mean - (e.mean - e.low) / 2, e.mean + (e.high - e.mean) / 2, e.n, e.clusters)
            for e in honest(*given, **how)
        ]

    monkeypatch.setattr(repeats, "estimate", narrow)
    rate = coverage(pool(1), 60, "percentile", 300, np.random.default_rng(1))
    assert rate.share < 0.8 and not covers(rate).passed


def test_clusters_taken_for_cases_are_found_out(monkeypatch):
    """Rows of one cluster are alike: an interval that resamples rows is too narrow."""
    honest = repeats.estimate
    monkeypatch.setattr(repeats, "estimate", lambda v, c, *rest, **how: honest(v, np.arange(len(v)), *rest, **how))
    strong = pool(1)
    strong = Pool(
        strong.models, np.concatenate([np.full((len(rows), 1), rows[0] % 7.0) for rows in strong.rows]), strong.rows
    )
    assert not covers(coverage(strong, 60, "percentile", 300, np.random.default_rng(1))).passed


def test_equal_models_are_called_different_at_the_nominal_rate_even_if_the_pool_prefers_one():
    preferring = pool(2, shift=0.15)
    assert compare(preferring.scores, ["a", "b"], np.arange(len(preferring.scores)), np.random.default_rng(0))[
        0
    ].different
    rate = false_alarms(preferring, 60, 600, np.random.default_rng(2))
    assert nominal(rate).passed, rate


def test_power_grows_with_the_difference_and_with_the_clusters():
    def share(fault: float, clusters: int) -> float:
        return power(rivals(fault), clusters, 80, np.random.default_rng(3)).share

    assert share(0.05, 50) < share(0.1, 50) < share(0.2, 50)
    assert share(0.1, 12) < share(0.1, 50) < share(0.1, 100)


def rivals(fault: float, luck: float = 0.0) -> Pool:
    """A model, its equal that was lucky, and one with the same luck and a fault."""
    equal = pool(3)
    return Pool(equal.models, equal.scores + [0.0, luck, luck + fault], equal.rows)


def test_power_speaks_of_the_fault_and_not_of_luck():
    assert power(rivals(0.0, luck=0.3), 50, 80, np.random.default_rng(3)).share < 0.2
    plain = power(rivals(0.1), 50, 80, np.random.default_rng(3)).share
    assert power(rivals(0.1, luck=0.3), 50, 80, np.random.default_rng(3)).share == plain


def test_a_drawn_cluster_brings_all_its_rows_and_a_label_per_draw():
    values, labels = pool(1, clusters=3).draw(40, np.random.default_rng(0))
    assert len(values) == len(labels) and set(labels) == set(range(40))


def test_the_pool_of_a_table_keeps_people_of_one_cluster_together():
    rows = [
        {"recognizer": r, "model": m, "cluster": c, "case": case, "seed": 0, "person": p, "sim_gt": v + (m == "b")}
        for r in ("x", "y")
        for m in ("a", "b", "c")
        for v, (c, case, p) in enumerate([("k1", "s1", 0), ("k1", "s1", 1), ("k1", "s2", 0), ("k2", "s3", 0)])
    ]
    found = pool_of(pd.DataFrame(rows).sample(frac=1, random_state=0), "x", "sim_gt", ("b", "a"))
    assert [list(part) for part in found.rows] == [[0, 1, 2], [3]]
    assert found.scores.tolist() == [[1, 0], [2, 1], [3, 2], [4, 3]]


# what is drawn


def test_every_sweep_begins_at_nought_and_names_models_the_command_line_knows():
    for sweep in SWEEPS:
        assert sweep.stops[0] == 0 and list(sweep.stops) == sorted(sweep.stops)
        for value, model in zip(sweep.stops, sweep.models, strict=True):
            dials = parse_dials(model).model_dump(by_alias=True)
            wanted = {**sweep.fixed, sweep.dial: value}
            assert {k: v for k, v in dials.items() if v} == {k: v for k, v in wanted.items() if v}
    assert model_name({"drift": 0.2, "copy": 0.5}) == model_name({"copy": 0.5, "drift": 0.2, "pose": 0})


def test_every_claim_has_its_sweep_and_its_place_on_the_page():
    assert {claim.sweep for claim in CLAIMS} <= {sweep.name for sweep in SWEEPS}
    sections = {section.name: section for section in SECTIONS}
    assert {claim.section for claim in CLAIMS} <= set(sections)
    for claim in CLAIMS:
        drawn = {series[:2] for panel in sections[claim.section].panels for series in panel.series}
        assert (claim.sweep, claim.metric) in drawn or claim.metric == "found", claim.says


def test_turning_a_dial_changes_nothing_else():
    """Common random numbers: two models of one sweep differ in what the dial says, and in no other draw."""
    plan = next(plan for plan in plan_cases(8) if len(plan.people) > 1)
    still, turned = (imagine(plan, parse_dials(model)) for model in ("drift=0.2", "drift=0.2,pose=10"))
    assert still is not None and turned is not None
    assert still.background == turned.background and still.camera == turned.camera
    for a, b in zip(still.sitters, turned.sitters, strict=True):
        assert a.identity == b.identity and a.place == b.place
        assert a.appearance.pose.yaw != b.appearance.pose.yaw
        assert a.appearance.style == b.appearance.style and a.appearance.expression == b.appearance.expression


def test_subjects_share_pictures_between_sweeps():
    subjects = choose_subjects(10, seed=0)
    assert len(subjects.plans) == 40
    models = subjects.models()
    assert all(len(models[model]) == 40 for model in POOL_MODELS)
    failing = next(sweep for sweep in SWEEPS if sweep.name == "failing")
    answers = subjects.answers()
    pictures = {key: drawing.key for key, drawing in answers.items()}
    for model in failing.models[1:]:
        made = {case for _, name, case in answers if name == model}
        assert made < set(subjects.plans), "some fail, the others are as the model without failures drew them"
        assert all(pictures["answer", model, case] == pictures["answer", failing.models[0], case] for case in made)
    for sweep in SWEEPS:
        assert all(len(subjects.plans[case].people) > 1 for case in subjects.cases_of(sweep) if sweep.several)


def test_a_picture_is_drawn_once_and_kept_with_its_truth(tmp_path: Path):
    plan = plan_cases(1)[0]
    content = (imagine(plan, parse_dials("drift=0.2")).sitters, plan.background, plan.camera, 96, 96)
    stages: list[tuple[str, int, int]] = []
    drawings = {
        ("answer", "a", plan.id): Drawing(render_picture, content),
        ("answer", "b", plan.id): Drawing(render_picture, content),
    }
    drawn = draw(drawings, tmp_path, 1, lambda *stage: stages.append(stage))
    assert stages[-1] == ("pictures drawn", 1, 1) and len(list(tmp_path.glob("*.jpg"))) == 1
    truth = render_picture(*content).faces[0]
    for one in drawn.values():
        assert one.boxes == (tuple(truth.box),)
        np.testing.assert_array_equal(one.landmarks[0], truth.landmarks)

    def never(*given: object) -> Picture:
        raise AssertionError("drawn again")

    never.__module__, never.__qualname__ = render_picture.__module__, render_picture.__qualname__
    again = draw({("view", "x", 0): Drawing(never, content)}, tmp_path, 1, lambda *stage: None)
    assert again["view", "x", 0].path == drawn["answer", "a", plan.id].path
    assert Drawing(render_picture, (*content[:-1], 97)).key != Drawing(render_picture, content).key


def test_views_that_are_not_found_have_no_error_and_count():
    views = [
        View(0, True, 0, 0.02, {"j": 1.0}),
        View(0, True, 1, 0.04, {"j": 1.0}),
        View(50, True, 0, 0.1, {"j": 0.4}),
        View(50, False, 0, None, {}),
    ]
    ahead, turned = seen_by_yaw(views, ["j"])
    assert (ahead.found, ahead.surplus, ahead.landmark_error) == (1.0, 0.5, pytest.approx(0.03))
    assert (turned.found, turned.landmark_error, turned.similarity) == (0.5, 0.1, {"j": 0.4})


# figures


def test_figures_stay_inside_and_leave_out_what_is_not_measured():
    figure = line_figure("t", "x", "y", [Series("s", curve(0.1, None, 0.9).points)], zone=(0.2, 0.4))
    (line,) = figure.lines
    assert len(line.dots) == 2 and "nan" not in line.path + line.area
    for x, y, _ in line.dots:
        assert figure.xaxis.start <= x <= figure.xaxis.end and figure.yaxis.end <= y <= figure.yaxis.start
    assert figure.zone is not None and figure.zone[0] < figure.zone[1]


def test_a_flat_curve_looks_flat():
    figure = line_figure("t", "x", "y", [Series("s", curve(0.500, 0.502, half=None).points)])
    (_, first, _), (_, second, _) = figure.lines[0].dots
    assert abs(first - second) < 3


def test_nothing_measured_still_gives_axes():
    figure = line_figure("t", "x", "y", [Series("s", curve(None, None).points)])
    assert figure.lines[0].path == "" and figure.yaxis.ticks
    assert histogram("t", "x", [("a", np.empty(0)), ("b", np.ones(3))], None) is None


# the whole, with a real judge


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for both calibrations, so that pictures are drawn once."""
    return tmp_path_factory.mktemp("calibration")


def run_calibration(packs: Path, out: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Calibration:
    monkeypatch.setenv("IDBENCH_CACHE", str(cache))
    monkeypatch.setattr(experiments, "SIZES", (12, experiments.SIZE))
    config = configure(recognizers=[f"insightface:{packs / 'mini-a'}"], cases=2, repeats=20, out=str(out))
    return calibrate(config, lambda *stage: None, lambda line: None)


@pytest.mark.slow
def test_a_real_judge_is_calibrated(packs, pictures, tmp_cache, monkeypatch):
    found = run_calibration(packs, pictures, tmp_cache, monkeypatch)
    passed = {check.says: check.verdict for check in found.checks}
    assert len(passed) == len(found.checks) == len(CLAIMS) + 7
    for says in (
        "copy-paste rises with copying",
        "similarity to the target falls with drift",
        "similarity to the reference falls with drift",
        "similarity to the target does not see swaps",
        "strangers leave similarity to the target alone",
    ):
        assert passed[says].passed, (says, passed[says])
    rate = next(c for c in found.curves if (c.sweep, c.metric) == ("failing", "sim_gt_failure_aware"))
    alone = next(c for c in found.curves if (c.sweep, c.metric) == ("failing", "sim_gt"))
    assert rate.means[0] == alone.means[0], "without failures both forms are one"
    assert (np.diff(rate.means) <= 0).all() and rate.means[-1] < 0.8 * rate.means[0]

    written = json.loads((pictures / "calibration.json").read_text())
    assert written["failed"] == len(found.failed) and len(written["checks"]) == len(found.checks)
    sweeps = pd.read_csv(pictures / "tables" / "sweeps.csv")
    row = sweeps.query("sweep == 'copying' and metric == 'copy_paste' and value == 1").iloc[0]
    curve = next(c for c in found.curves if (c.sweep, c.metric) == ("copying", "copy_paste"))
    assert row["mean"] == pytest.approx(curve.points[-1].mean)
    assert {path.stem for path in (pictures / "tables").glob("*.csv")} == {"checks", "sweeps", "repeats", "views"}

    pairs = similarities(pictures, "mini-a", read_tables(pictures)[2])
    judged = found.verifications["mini-a"]
    assert (len(pairs.genuine), len(pairs.impostor)) == (judged.genuine, judged.impostor)
    assert auc(pairs.genuine, pairs.impostor) == pytest.approx(judged.auc)
    ahead = found.seen[0]
    assert [one.yaw for one in found.seen] == list(YAWS)
    assert ahead.found == 1 and ahead.landmark_error < 0.15 and ahead.similarity["mini-a"] == pytest.approx(1)
    assert found.seen[-1].similarity["mini-a"] < 0.95

    assert_page(pictures / "calibration.html", found)


@pytest.mark.slow
def test_a_broken_metric_is_found_out(packs, pictures, tmp_cache, monkeypatch):
    monkeypatch.setattr("idbench.metrics.catalog.copy_paste", lambda *vectors: 0.25)
    found = run_calibration(packs, pictures, tmp_cache, monkeypatch)
    failed = {check.says for check in found.failed}
    assert "copy-paste rises with copying" in failed
    verdict = next(c.verdict for c in found.checks if c.says == "copy-paste rises with copying")
    assert verdict.number is None and "0.25 wherever the dial stands" in verdict.found
    assert "similarity to the target falls with drift" not in failed, "what is not broken still passes"


class _Page(HTMLParser):
    """Unclosed elements, what is referred to, and where links inside the page lead."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})
    SHAPES = frozenset({"path", "rect", "circle", "ellipse", "use"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.anchors: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self._note(tag, dict(attrs))

    def handle_startendtag(self, tag, attrs):
        self._note(tag, dict(attrs))

    def _note(self, tag, attrs):
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.sources += [attrs["src"]] if "src" in attrs else []
        if tag == "a":
            self.anchors.append(attrs["href"])
        elif "href" in attrs:
            self.sources.append(attrs["href"])

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def assert_page(path: Path, found: Calibration) -> None:
    text = path.read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert not page.wrong and not page.open, (page.wrong, page.open)
    assert len(page.ids) == len(set(page.ids)) and {a.removeprefix("#") for a in page.anchors} <= set(page.ids)
    assert page.sources and all(source.startswith("data:") for source in page.sources)
    assert not re.search(r"https?://|url\(|@import|<script", text)
    assert not re.search(r">\s*nan\b", text, re.IGNORECASE)
    for check in found.checks:
        assert check.says in text
    passing = len(found.checks) - len(found.failed)
    assert f"{passing} of {len(found.checks)} checks pass" in text
    assert text == render(found)


# the command


def test_values_out_of_range_are_one_line():
    with pytest.raises(ConfigError, match="cases"):
        configure(cases=1)
    with pytest.raises(ConfigError, match="repeats"):
        configure(repeats=0)
    assert configure(cases=None).cases == 20
    assert configure().finder == "mini"
    assert configure(recognizers=["insightface:x"]).finder is None
    assert configure(recognizers=["onnx:x.onnx"]).finder == "mini"
    assert configure(recognizers=["insightface:x"], detector="mtcnn").finder == "mtcnn"


def test_failed_checks_are_findings_and_errors_only_if_asked_for(monkeypatch, tmp_path, capsys):
    from idbench.cli import main

    verdicts = check_curves([], ["judge"])
    found = Calibration(
        configure(out=str(tmp_path)), {}, 0, {}, {}, {}, verdicts, [], [], [], {}, {}, {}
    )  # fmt: skip
    monkeypatch.setattr("idbench.calibrate.calibrate", lambda *given: found)
    for flags, code in (([], 0), (["--strict"], 1)):
        monkeypatch.setattr("sys.argv", ["idbench", "calibrate", *flags])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code
        lines = capsys.readouterr().out.splitlines()
        assert lines[-1] == str(tmp_path / "calibration.html")
        assert lines[-2] == f"0 of {len(verdicts)} checks passed"
    monkeypatch.setattr("sys.argv", ["idbench", "calibrate", "--json"])
    with pytest.raises(SystemExit):
        main()
    assert json.loads(capsys.readouterr().out)["failed"] == len(verdicts)


def test_help_says_what_it_costs():
    done = idbench("calibrate", "--help")
    assert done.returncode == 0 and "few minutes" in done.stdout


def test_power_finds_nothing_where_there_is_nothing_even_if_hard_cases_are_missing():
    rng = np.random.default_rng(0)
    first = rng.normal(0, 1, 200)
    other = np.where(first < 0, np.nan, first)
    scores = np.stack([first, other, other], axis=1)
    pool = Pool(("a", "b", "c"), scores, tuple(np.array([i]) for i in range(200)))
    assert power(pool, 50, 40, rng).share < 0.2


def test_a_run_is_not_overwritten(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError, match="holds a run"):
        calibrate(configure(out=str(tmp_path), recognizers=["mini"]), lambda *_: None, lambda _: None)


@pytest.mark.parametrize("damage", ["picture gone", "picture changed", "note cut"])
def test_a_picture_that_is_no_longer_whole_is_drawn_again(tmp_path, damage):
    plan = plan_cases(1)[0]
    content = (imagine(plan, parse_dials("drift=0.2")).sitters, plan.background, plan.camera, 64, 64)
    drawings = {("answer", "a", plan.id): Drawing(render_picture, content)}
    (drawn,) = draw(drawings, tmp_path, 1, lambda *_: None).values()
    before, note = drawn.path.read_bytes(), drawn.path.with_suffix(".json")
    if damage == "picture gone":
        drawn.path.unlink()
    elif damage == "picture changed":
        drawn.path.write_bytes(before[:-9])
    else:
        note.write_text(note.read_text()[:7])
    (again,) = draw(drawings, tmp_path, 1, lambda *_: None).values()
    assert again.path.read_bytes() == before and (again.landmarks == drawn.landmarks).all()
