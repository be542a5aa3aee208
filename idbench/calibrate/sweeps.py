"""Which dials of the simulated models are turned, how far, and on which cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "BASE",
    "DELTAS",
    "FAILING",
    "POOL",
    "POOL_DIALS",
    "POOL_MODELS",
    "RIVALS",
    "SWEEPS",
    "TWIN",
    "Sweep",
    "model_name",
]

ORDER = ("copy", "drift", "blend", "fail", "swap", "extra", "lose", "pose", "stream")

BASE: dict[str, float] = {"drift": 0.2}
"""A model that copies nothing and keeps the person fairly well."""

POOL_DIALS = {**BASE, "copy": 0.5}
"""The model whose scores on many cases stand for a population."""

DELTAS = (0.05, 0.1, 0.2)
"""By how much more others copy than the pool's model."""


def model_name(dials: Mapping[str, float]) -> str:
    """The text that names a simulated model, such as `copy=0.5,drift=0.2`: the same text for the same model."""
    return ",".join(f"{dial}={dials[dial]:g}" for dial in ORDER if dials.get(dial)) or "copy=0"


POOL = model_name(POOL_DIALS)
TWIN = model_name({**POOL_DIALS, "stream": 1})
"""The pool's model with other chance."""

FAILING = model_name({**POOL_DIALS, "fail": 0.2})
"""The pool's model where one image in five is not made; its failure-aware form is a mixture, the hardest to cover."""

RIVALS: dict[float, str] = {
    delta: model_name({**POOL_DIALS, "copy": POOL_DIALS["copy"] + delta, "stream": 1}) for delta in DELTAS
}
"""The models that copy more, by how much; chance is not the pool's model's, as it is not between real models."""

POOL_MODELS = (POOL, TWIN, *RIVALS.values())


@dataclass(frozen=True)
class Sweep:
    """One dial turned through `stops`, from 0 on, the dials of `fixed` held.

    several: only cases that show several people, where alone the dial does anything. pool: all such
    cases, not the first few: what happens at a rate needs many cases, and where it does not happen the
    picture is one that is drawn already.
    """

    name: str
    dial: str
    stops: tuple[float, ...]
    fixed: Mapping[str, float] = field(default_factory=lambda: BASE)
    several: bool = False
    pool: bool = False

    @property
    def models(self) -> list[str]:
        """The simulated model at each stop."""
        return [model_name({**self.fixed, self.dial: value}) for value in self.stops]


RATES = (0, 0.15, 0.3, 0.45, 0.6)

SWEEPS: tuple[Sweep, ...] = (
    Sweep("copying", "copy", (0, 0.15, 0.3, 0.5, 0.7, 0.85, 1)),
    Sweep("turning, nothing copied", "pose", (0, 5, 10, 15, 20)),
    Sweep("turning, half copied", "pose", (0, 5, 10, 15, 20), POOL_DIALS),
    Sweep("drifting", "drift", (0, 0.2, 0.4, 0.6, 0.8, 1), {}),
    Sweep("blending", "blend", (0, 0.1, 0.2, 0.3, 0.4, 0.5), several=True),
    Sweep("swapping", "swap", RATES, POOL_DIALS, several=True, pool=True),
    Sweep("failing", "fail", (0, 0.1, 0.2, 0.3, 0.4, 0.5), POOL_DIALS, pool=True),
    Sweep("losing", "lose", RATES, POOL_DIALS, pool=True),
    Sweep("adding", "extra", RATES, POOL_DIALS, pool=True),
)
