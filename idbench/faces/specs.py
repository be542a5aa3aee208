"""From what a user types to opened detectors and recognizers."""

from __future__ import annotations

from collections.abc import Sequence

from idbench import registry
from idbench.errors import ConfigError
from idbench.faces.types import Detector, Recognizer
from idbench.spec_text import parse_recognizer

__all__ = ["MINI", "open_detector", "open_recognizers", "refuse_mini"]

MINI = "mini"
"""The detector and recognizer that were trained on rendered faces only."""


def refuse_mini(recognizers: Sequence[str], detector: str | None = None) -> None:
    """Raises `ConfigError` if `mini` is among the judges or the detector: for suites of photos."""
    if MINI in {kind for _, kind, _ in map(parse_recognizer, [*recognizers, *([detector] if detector else [])])}:
        raise ConfigError(
            "mini knows rendered people only, and nothing says that this suite's are; name another recognizer and "
            "detector, such as insightface:antelopev2, or insist with --allow-mini"
        )


def open_recognizers(specs: Sequence[str], device: str = "auto") -> list[Recognizer]:
    """Every recognizer asked for. Raises `ConfigError` if there is none or a name is used twice."""
    if not specs:
        raise ConfigError(
            "no recognizer given; name at least one judge, such as --recognizer insightface:antelopev2 "
            "(see 'idbench recognizers')"
        )
    opened: list[Recognizer] = []
    for spec in specs:
        name, kind, location = parse_recognizer(spec)
        if any(recognizer.name == name for recognizer in opened):
            raise ConfigError(f"two recognizers are called '{name}'; tell them apart with NAME={spec}")
        opened.append(registry.recognizers.get(kind)(name, location, device))
    return opened


def open_detector(
    spec: str | None, recognizers: Sequence[str], device: str = "auto", threshold: float | None = None
) -> Detector:
    """The one detector of a run: the one asked for, else the first InsightFace pack's, else that of `mini`
    where it is a judge, else MTCNN."""
    if spec is None:
        known = [parse_recognizer(recognizer) for recognizer in recognizers]
        packs = [location for _, kind, location in known if kind == "insightface"]
        mini = any(kind == MINI for _, kind, _ in known)
        spec = f"insightface:{packs[0]}" if packs else MINI if mini else "mtcnn"
    kind, _, location = spec.partition(":")
    detector: Detector = registry.detectors.get(kind)(location, device, threshold)
    return detector
