"""What a run would do, without doing it: jobs, weights to be fetched, memory, what stands in the way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from idbench.config import RunConfig
from idbench.defaults import with_defaults
from idbench.errors import IdbenchError, WeightsError
from idbench.generate.ledger import Ledger
from idbench.generate.model import ModelProducer
from idbench.models.specs import OpenedModel, open_models
from idbench.prepare import prepare
from idbench.records import Case
from idbench.records.dry_run import ModelPlan, PlannedJob, RunPlan
from idbench.run_folder import RunFolder
from idbench.store import exclusive_lock
from idbench.suites import Suite, open_suite, with_photos

__all__ = ["plan"]


def plan(config: RunConfig) -> RunPlan:
    """The plan of a run: per model its jobs, parameters, weights, memory and blockers.

    No photo is decoded. Raises what `execute` would raise for a configuration that names things wrongly.
    """
    suite = open_suite(config.suite, config.subsets)
    config = with_defaults(config, suite, lambda line: None)
    run = RunFolder(Path(config.out).expanduser())
    models = open_models(config)
    if not run.ledger.exists():
        return _plan(config, suite, models, None)
    with exclusive_lock(run.path):  # the ledger mends its end when it is opened
        return _plan(config, suite, models, Ledger(run.ledger))


def _plan(config: RunConfig, suite: Suite, models: Sequence[OpenedModel], ledger: Ledger | None) -> RunPlan:
    cases = [with_photos(case, lambda photo: photo.without_bytes("")) for case in suite.cases()]
    plans = [_model_plan(config, cases, opened, ledger) for opened in models]
    said = {text for one in plans for text in one.blockers}
    return RunPlan(
        suite=suite.name,
        images_given=list(config.images),
        out=config.out,
        models=plans,
        blockers=_blockers(config, suite, said),
    )


def _model_plan(config: RunConfig, cases: Sequence[Case], opened: OpenedModel, ledger: Ledger | None) -> ModelPlan:
    possible = [case for case in cases if opened.max_people is None or len(case.people) <= opened.max_people]
    every = [(case.id, seed) for case in possible for seed in config.seed_list]
    jobs, replaced = (every, 0) if ledger is None else _missing(config, possible, opened, ledger)
    return ModelPlan(
        model=opened.name,
        images=len(every),
        to_do=len(jobs),
        **({"replaced": replaced} if replaced else {}),
        refused=(len(cases) - len(possible)) * config.seeds,
        jobs=[PlannedJob(case=case, seed=seed) for case, seed in jobs],
        parameters=dict(opened.model.parameters),
        blockers=[blocker.text for blocker in opened.preflight(config.device)],
        **_needs(opened),
        **_cost(opened, len(jobs)),
    )


def _needs(opened: OpenedModel) -> dict[str, Any]:
    """Fields of a plan about weights and memory, where the model says what it needs."""
    needs = opened.needs()
    if needs is None:
        return {}
    whole, offloaded = needs.memory or (None, None)
    return {
        "weights": [need.planned for need in needs.weights],
        "gpu_memory_gb": None if whole is None else round(whole, 1),
        "gpu_memory_gb_offloaded": None if offloaded is None else round(offloaded, 1),
    }


def _cost(opened: OpenedModel, images: int) -> dict[str, float]:
    """Fields of a plan about money, where the model costs any."""
    cap = opened.execution.spending_cap
    return {} if cap is None else {"dollars": round(images * opened.execution.expected_cost, 2), "spending_cap": cap}


def _missing(
    config: RunConfig, cases: Sequence[Case], opened: OpenedModel, ledger: Ledger
) -> tuple[list[tuple[str, int]], int]:
    """Jobs without an image of the model as it is, and how many of them have another; all of them and none where the
    model's weights are not here to say which images are its own."""
    images = RunFolder(Path(config.out).expanduser()).images
    try:
        producer = ModelProducer(opened, config.seed_list, images, ledger, config.retry_failed)
    except WeightsError:
        return [(case.id, seed) for case in cases for seed in config.seed_list], 0
    jobs = list(producer.missing(cases))
    return jobs, producer.replaced(jobs)


def _blockers(config: RunConfig, suite: Suite, said: Collection[str]) -> list[str]:
    """What would stop the run before anything is done, besides what is said of the models."""
    try:
        prepare(config, suite)
    except IdbenchError as error:
        return [] if any(str(error).startswith(text) for text in said) else [str(error)]
    return []
