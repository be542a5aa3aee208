"""Chains the steps of a calibration: draw -> score -> curves and repeats -> checks -> page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from idbench import provenance
from idbench.calibrate.calibration import Calibration
from idbench.calibrate.checks import check_curves, check_repeats
from idbench.calibrate.config import CalibrationConfig
from idbench.calibrate.curves import sweep_curves
from idbench.calibrate.examples import example_strips
from idbench.calibrate.experiments import repeat_experiments
from idbench.calibrate.page import write_page
from idbench.calibrate.pictures import Progress, draw
from idbench.calibrate.separation import similarities
from idbench.calibrate.subjects import SimulatedProducer, choose_subjects
from idbench.calibrate.sweeps import SWEEPS
from idbench.calibrate.tables import write_csv
from idbench.calibrate.views import draw_views, look_at, seen_by_yaw
from idbench.faces.pipeline import ImageAnalyser
from idbench.faces.specs import RENDERED, open_detector, open_recognizers
from idbench.generate.ledger import Ledger
from idbench.out_folder import CALIBRATION, check_out
from idbench.records.run import NetworkRecord
from idbench.scoring import Scoring, index_and_analyse, score_cases
from idbench.store import Cache, exclusive_lock, write_json
from idbench.summary import Settings
from idbench.tables import read_tables

__all__ = ["calibrate"]


def calibrate(config: CalibrationConfig, progress: Progress, say: Callable[[str], None]) -> Calibration:
    """Everything `config` asks for; `say` is told once how much there is to do.

    Writes `calibration.json`, `calibration.html` and `tables/` into `config.out`. Raises `IdbenchError`
    children with one line each. What is drawn already and what the cache holds is not done again.
    """
    out = Path(config.out).expanduser()
    check_out(out, CALIBRATION)
    recognizers = open_recognizers(config.recognizers, config.device)
    detector = open_detector(config.detector, config.recognizers, config.device, otherwise=RENDERED)
    analyser = ImageAnalyser(detector, recognizers, cache=Cache(), workers=config.workers)
    names = [recognizer.name for recognizer in recognizers]
    settings = Settings(seed=config.seed)

    subjects = choose_subjects(config.cases, config.seed)
    views = draw_views(list(subjects.plans.values())[: config.cases])
    drawings = subjects.photos() | subjects.answers() | views
    pictures = len({drawing.key for drawing in drawings.values()})
    say(f"{pictures} pictures of drawn people, {config.repeats} repeats of every experiment")

    with exclusive_lock(out):
        drawn = draw(drawings, out / "pictures", config.workers, progress)
        producers = [SimulatedProducer(model, cases, drawn) for model, cases in subjects.models().items()]
        scoring = Scoring(analyser, ["strict"])
        suite = subjects.suite(drawn)
        index, _ = index_and_analyse(suite, scoring, out / ".work", progress)
        people = score_cases(index, scoring, producers, Ledger(out / "generations.jsonl"), out, progress)
        verifications = people.verifications()
        seen = seen_by_yaw(look_at(drawn, analyser), names)
        tables = read_tables(out)
        curves = [
            curve
            for sweep in SWEEPS
            for curve in sweep_curves(sweep, subjects.cases_of(sweep), tables, verifications, settings)
        ]
        repeated = repeat_experiments(tables[0], tables[2], names, config.repeats, settings, progress)
        found = Calibration(
            config=config,
            provenance=provenance.collect(),
            pictures=pictures,
            suite=index.counts(),
            detector=NetworkRecord.model_validate(detector.describe()),
            recognizers={one.name: NetworkRecord.model_validate(one.describe()) for one in recognizers},
            checks=[*check_curves(curves, names), *check_repeats(repeated)],
            curves=curves,
            repeated=repeated,
            seen=seen,
            verifications=verifications,
            similarities={name: similarities(out, name, tables[2]) for name in names},
            strips=example_strips(subjects, drawings, drawn),
        )
        write_csv(found, out / "tables")
        write_page(found, out / "calibration.html")
        write_json(out / "calibration.json", found.as_dict())
    return found
