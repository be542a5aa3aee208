"""What would stop a model on this machine, found without loading it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue

from idbench.errors import ConfigError, IdbenchError, MissingPackageError, WeightsError
from idbench.models import weights
from idbench.models.card_model import Settings
from idbench.models.cards import Card
from idbench.models.devices import gpus
from idbench.models.environments import Environment
from idbench.provenance import installed

__all__ = ["Blocker", "Needs", "blockers", "expected_memory", "machine_memory", "needs_of", "require", "stop_at_first"]

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
ACTIVATIONS = 1.2
"""Memory of a loaded model over that of its parameters; an estimate."""


@dataclass(frozen=True)
class Blocker:
    """One thing that would stop a model here. Memory is an estimate, and a known problem may have gone away; these
    two stop no run."""

    kind: Literal["package", "key", "environment", "weights", "memory", "known"]
    text: str

    @property
    def stops(self) -> bool:
        """Whether a run with it is not begun."""
        return self.kind not in ("memory", "known")


@dataclass(frozen=True)
class Needs:
    """What a model needs: weights, each as a JSON object, and GB of accelerator memory, with everything on the GPU and
    with only the largest network there; None where nothing is known."""

    weights: tuple[dict[str, JsonValue], ...] = ()
    memory: tuple[float, float] | None = None


def blockers(card: Card, settings: Settings, device: str = "auto", folder: Path | None = None) -> list[Blocker]:
    """Everything that would stop a model with these settings on this machine. `folder`: where the card lies."""
    known = [Blocker("known", f"{card.name}: {problem}") for problem in card.known_problems]
    lacking = [*_packages(card), *_key(card), *_environment(card, folder), *_weights(card, settings)]
    return [*lacking, *_memory(card, settings, device), *known]


def require(card: Card, settings: Settings, folder: Path | None = None) -> None:
    """Raises `MissingPackageError` (no environment either), `ConfigError` (no key) or `WeightsError`, one line, for the
    first thing that would stop the model. `folder`: where the card lies."""
    stop_at_first([*_packages(card), *_key(card), *_environment(card, folder), *_weights(card, settings)], card.name)


def stop_at_first(found: Iterable[Blocker], name: str) -> None:
    """Raises for the first of the blockers of model `name` that stops it, if any; see `require`."""
    stopping = [blocker for blocker in found if blocker.stops]
    if stopping:
        errors: dict[str, type[IdbenchError]] = {"key": ConfigError, "weights": WeightsError}
        more = f" (and {len(stopping) - 1} more: idbench models check {name})" if len(stopping) > 1 else ""
        raise errors.get(stopping[0].kind, MissingPackageError)(stopping[0].text + more)


def needs_of(card: Card, settings: Settings) -> Needs:
    """Weights, whether they are here and where, and memory."""
    wanted: list[dict[str, JsonValue]] = []
    for need in card.needed(settings.parameters):
        found = weights.find(need, settings.places.get(need.role))
        about = need.model_dump(include={"role", "hub", "file", "revision", "gigabytes", "licence", "gated"})
        place = found or settings.places.get(need.role) or weights.expected_at(need)
        wanted.append(about | {"here": found is not None, "place": str(place)})
    return Needs(tuple(wanted), expected_memory(card, settings))


def _packages(card: Card) -> Iterator[Blocker]:
    lacking = [name for name in card.packages if installed(name) is None]
    if lacking:
        extra = "hosted" if card.hosted else "generate"
        yield Blocker(
            "package", f"{card.name} needs {', '.join(lacking)}, not installed here: pip install 'idbench[{extra}]'"
        )


def _key(card: Card) -> Iterator[Blocker]:
    """A hosted model's key must be in the environment, and be one: what holds other characters is a slip."""
    if card.hosted is None:
        return
    name = next((name for name in card.hosted.keys if os.environ.get(name, "").strip()), None)
    if name is None:
        yield Blocker("key", f"{card.name} needs a key in the environment variable {' or '.join(card.hosted.keys)}")
    elif not re.fullmatch(r"[!-~]+", os.environ[name].strip()):
        yield Blocker("key", f"{card.name}: {name} holds characters that are part of no key, such as blanks")


def _environment(card: Card, folder: Path | None) -> Iterator[Blocker]:
    """A worker's environment must be there, and be made for the card as it is now."""
    if card.kind == "worker":
        environment = Environment(card, folder)
        if lacking := environment.lacking():
            why = "; ".join(lacking.values())
            place = f"{card.name} needs an environment of its own at {environment.root}"
            yield Blocker("environment", f"{place}: {why}; run '{environment.command}'")


def _weights(card: Card, settings: Settings) -> Iterator[Blocker]:
    for need in card.needed(settings.parameters):
        try:
            weights.usable(need, card.name, settings.places.get(need.role))
        except WeightsError as error:
            yield Blocker("weights", str(error))


def _memory(card: Card, settings: Settings, device: str) -> Iterator[Blocker]:
    expected = expected_memory(card, settings)
    if expected is None:
        return
    whole, offloaded = expected
    where, here = machine_memory(device)
    wanted = whole if settings.execution["offload"] == "none" else offloaded
    if wanted > here:
        less = f" ({offloaded:.0f} GB with --set {card.name}.offload=model)" if wanted > offloaded else ""
        yield Blocker("memory", f"{card.name} is expected to need {wanted:.0f} GB{less}, {where} has {here:.0f} GB")


def expected_memory(card: Card, settings: Settings) -> tuple[float, float] | None:
    """GB to expect with everything on the GPU, and with only the largest network there; None where nothing is known.

    Estimated: the card's parameters, or those of weights whose place the user named, in the format asked for, plus
    a fifth.
    """
    counts: Mapping[str, float] = _counts(card, settings) or {k: v * 1e9 for k, v in card.billions.items()}
    if not counts:
        return None
    size = BYTES.get(str(settings.parameters.get("dtype")), 2) * ACTIVATIONS / 1e9
    return sum(counts.values()) * size, max(counts.values()) * size


def _counts(card: Card, settings: Settings) -> dict[str, float]:
    """Parameters per network where the user named places of weights; empty if any set is missing."""
    counts: dict[str, float] = {}
    if not settings.places:
        return counts
    for need in card.needed(settings.parameters):
        place = weights.find(need, settings.places.get(need.role))
        if place is None:
            return {}
        for network, files in weights.networks(place).items():
            counts[f"{need.role}/{network}"] = float(sum(map(_parameters_in, files)))
    return counts


def _parameters_in(file: Path) -> float:
    """Parameters of a file of tensors: from its header, else as many as half-precision numbers fit."""
    if file.suffix != weights.TENSORS:
        return file.stat().st_size / 2
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        try:
            header: dict[str, Any] = json.loads(stream.read(min(length, 100_000_000)))
            return float(sum(prod(what["shape"]) for name, what in header.items() if name != "__metadata__"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return file.stat().st_size / 2


def machine_memory(device: str = "auto") -> tuple[str, float]:
    """What a model would run on, and its memory in GB: the smallest GPU, else this machine."""
    chosen = ",".join(gpus(device))
    asked = ["nvidia-smi", f"--id={chosen}", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    if chosen:
        try:
            listed = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True).stdout
            found = [
                (name.strip(), float(size)) for name, size in (line.rsplit(",", 1) for line in listed.splitlines())
            ]
            name, size = min(found, key=lambda one: one[1])
            return name, size * 1.048576e-3
        except (OSError, subprocess.SubprocessError, ValueError):
            pass
    return "this machine without a GPU", os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
