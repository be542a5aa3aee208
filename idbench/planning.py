"""What a run would do, without doing it: jobs, weights to be fetched, memory, what stands in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from idbench.config import RunConfig
from idbench.defaults import with_defaults
from idbench.errors import WeightsError
from idbench.generating import ModelProducer
from idbench.generations import Ledger
from idbench.models import weights
from idbench.models.base import Model
from idbench.models.carded import CardModel
from idbench.models.checking import expected_memory, stoppers
from idbench.store import exclusive_lock
from idbench.suites import Suite, open_suite

__all__ = ["plan"]


def plan(config: RunConfig) -> dict[str, Any]:
    """The plan of a run, JSON-serialisable: per model its jobs, parameters, weights, memory and stoppers.

    Raises what `execute` would raise for a configuration that names things wrongly.
    """
    suite = open_suite(config.suite, config.subsets)
    config = with_defaults(config, suite, lambda line: None)
    run = Path(config.out).expanduser()
    models = [spec.open() for spec in config.model_specs]
    if not run.exists():
        return _plan(config, suite, models, None)
    with exclusive_lock(run):  # the ledger mends its end when it is opened
        return _plan(config, suite, models, Ledger(run / "generations.jsonl"))


def _plan(config: RunConfig, suite: Suite, models: list[Model], ledger: Ledger | None) -> dict[str, Any]:
    cases = [(case.id, len(case.people)) for case in suite.cases()]
    entries = []
    for model in models:
        most = model.card.most_people if model.card else None
        possible = [case for case, people in cases if most is None or people <= most]
        every = [{"case": case, "seed": seed} for case in possible for seed in config.seed_list]
        jobs = every if ledger is None else _missing(config, suite, model, ledger, every)
        refused = (len(cases) - len(possible)) * config.seeds
        entry: dict[str, Any] = {"model": model.name, "images": len(every), "to_do": len(jobs), "refused": refused}
        entry |= {"jobs": jobs, "parameters": dict(model.parameters)}
        if isinstance(model, CardModel):
            entry |= _needs(model, config.device)
        entries.append(entry)
    return {"suite": suite.name, "images_given": list(config.images), "out": config.out, "models": entries}


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


def _needs(model: CardModel, device: str) -> dict[str, Any]:
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
        "stoppers": [stopper.text for stopper in stoppers(card, settings, device)],
    }
