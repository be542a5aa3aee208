"""How much memory a model is expected to need, and how much there is."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from idbench.models import weights
from idbench.models.cards import Card
from idbench.models.devices import gpus
from idbench.models.settings import Settings
from idbench.platform import total_memory

__all__ = ["expected_memory", "machine_memory"]

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
ACTIVATIONS = 1.2
"""Memory of a loaded model over that of its parameters; an estimate."""


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
    found = _gpu_memory(gpus(device))
    if found:
        return min(found, key=lambda one: one[1])
    return "this machine without a GPU", total_memory() / 1e9


def _gpu_memory(chosen: list[str]) -> list[tuple[str, float]]:
    """Name and memory in GB of GPUs; empty where there are none, or nvidia-smi does not say."""
    if not chosen:
        return []
    query = ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    command = ["nvidia-smi", f"--id={','.join(chosen)}", *query]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
        lines = (line.rsplit(",", 1) for line in listed.splitlines())
        return [(name.strip(), float(mebibytes) * 1.048576e-3) for name, mebibytes in lines]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
