"""What a run would do, without doing it: jobs, weights to be fetched, memory, what stands in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from idbench.config import RunConfig
from idbench.defaults import with_defaults
from idbench.errors import IdbenchError, WeightsError
from idbench.generate.ledger import Ledger
from idbench.generate.producer import ModelProducer
from idbench.models import weights
from idbench.models.base import Model
from idbench.models.card_model import CardModel
from idbench.models.preflight import blockers, expected_memory
from idbench.models.specs import ModelSpec, specs_of
from idbench.run import prepare
from idbench.store import exclusive_lock
from idbench.suites import Suite, open_suite

__all__ = ["plan"]


def plan(config: RunConfig) -> dict[str, Any]:
    """The plan of a run, JSON-serialisable: per model its jobs, parameters, weights, memory and blockers.

    Raises what `execute` would raise for a configuration that names things wrongly.
    """
    suite = open_suite(config.suite, config.subsets)
    config = with_defaults(config, suite, lambda line: None)
    run = Path(config.out).expanduser()
    models = [(spec, spec.open()) for spec in specs_of(config)]
    if not run.exists():
        return _plan(config, suite, models, None)
    with exclusive_lock(run):  # the ledger mends its end when it is opened
        return _plan(config, suite, models, Ledger(run / "generations.jsonl"))


def _plan(
    config: RunConfig, suite: Suite, models: list[tuple[ModelSpec, Model]], ledger: Ledger | None
) -> dict[str, Any]:
    cases = [(case.id, len(case.people)) for case in suite.cases()]
    entries = []
    for spec, model in models:
        most = model.card.max_people if model.card else None
        possible = [case for case, people in cases if most is None or people <= most]
        every = [{"case": case, "seed": seed} for case in possible for seed in config.seed_list]
        jobs = every if ledger is None else _missing(config, suite, model, ledger, every)
        refused = (len(cases) - len(possible)) * config.seeds
        entry: dict[str, Any] = {"model": model.name, "images": len(every), "to_do": len(jobs), "refused": refused}
        entry |= {"jobs": jobs, "parameters": dict(model.parameters)}
        if isinstance(model, CardModel):
            entry |= _needs(model, config.device, Path(spec.location))
            entry |= _cost(model, len(jobs))
        entries.append(entry)
    about = {"suite": suite.name, "images_given": list(config.images), "out": config.out, "models": entries}
    said = {text for entry in entries for text in entry.get("blockers", ())}
    return about | {"blockers": _blockers(config, suite, said)}


def _blockers(config: RunConfig, suite: Suite, said: set[str]) -> list[str]:
    """What would stop the run before anything is done, besides what is said of the models."""
    try:
        prepare(config, suite)
    except IdbenchError as error:
        return [] if any(str(error).startswith(text) for text in said) else [str(error)]
    return []


def _missing(
    config: RunConfig, suite: Suite, model: Model, ledger: Ledger, every: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Jobs without an image; all of them where the model's weights are not here to say which images are its own."""
    folder = Path(config.out).expanduser() / "images"
    try:
        producer = ModelProducer(model, config.seed_list, folder, ledger, config.retry_failed)
    except WeightsError:
        return every
    return [{"case": job.case, "seed": job.seed} for job in producer.missing(suite)]


def _cost(model: CardModel, images: int) -> dict[str, float]:
    """What a hosted model's images are expected to cost, in US dollars, and the most it may spend."""
    if model.card.hosted is None:
        return {}
    dollars = images * model.card.hosted.expected(model.parameters)
    return {"dollars": round(dollars, 2), "spending_cap": float(model.settings.execution["spending_cap"])}


def _needs(model: CardModel, device: str, folder: Path) -> dict[str, Any]:
    card, settings = model.card, model.settings
    memory = expected_memory(card, settings)
    wanted = []
    for need in card.needed(settings.parameters):
        found = weights.find(need, settings.places.get(need.role))
        about = need.model_dump(include={"role", "hub", "file", "revision", "gigabytes", "licence", "gated"})
        place = found or settings.places.get(need.role) or weights.expected_at(need)
        wanted.append(about | {"here": found is not None, "place": str(place)})
    return {
        "weights": wanted,
        "gpu_memory_gb": round(memory[0], 1) if memory else None,
        "gpu_memory_gb_offloaded": round(memory[1], 1) if memory else None,
        "blockers": [blocker.text for blocker in blockers(card, settings, device, folder)],
    }
