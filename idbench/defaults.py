"""What a run does where its configuration is silent and its suite needs nobody's photos or weights."""

from __future__ import annotations

from typing import Any

from idbench.config import RunConfig
from idbench.faces.specs import RENDERED, brings_detector
from idbench.models.simulated import PRESETS
from idbench.progress import Warn
from idbench.suites import Suite

__all__ = ["with_defaults"]


def with_defaults(config: RunConfig, suite: Suite, warn: Warn) -> RunConfig:
    """The configuration, with simulated models and `mini` where a suite of rendered people lacks models and
    recognizers.

    `warn` hears one line about each. Other suites get no defaults.
    """
    if not suite.rendered:
        return config
    chosen: dict[str, Any] = {}
    if not config.images and not config.models:
        chosen["models"] = tuple(f"sim:{name}" for name in PRESETS)
        warn(f"no --model and no --images given: simulated models are scored ({', '.join(PRESETS)})")
    if not config.recognizers:
        chosen["recognizers"] = (RENDERED,)
        warn(f"no --recognizer given: {RENDERED} judges; it was trained on rendered faces only and knows no photos")
    if config.detector is None and not brings_detector(chosen.get("recognizers", config.recognizers)):
        chosen["detector"] = RENDERED
    return config.model_copy(update=chosen)
