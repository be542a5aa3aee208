"""From what a user types to opened detectors and recognizers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from idbench import registry
from idbench.errors import ConfigError
from idbench.faces.types import Detector, Recognizer

__all__ = ["MINI", "open_detector", "open_recognizers", "parse_recognizer", "refuse_mini"]

MINI = "mini"
"""The detector and recognizer that were trained on rendered faces only."""

_NAMED = re.compile(r"^(?P<name>[A-Za-z0-9][\w.+-]*)=(?P<spec>.+)$", re.DOTALL)


def parse_recognizer(spec: str) -> tuple[str, str, str]:
    """Split `[name=]kind[:location]` into (name, kind, location).

    Without a name it is the location's last part: `insightface:packs/mini-a` is called `mini-a`.
    """
    name = ""
    kind_first = spec.partition(":")[0]
    if (match := _NAMED.match(spec)) and "=" in kind_first:
        name, spec = match["name"], match["spec"]
    kind, _, location = spec.partition(":")
    path = location.partition("?")[0]
    return (
        name
        or (Path(path).stem if Path(path).suffix in (".onnx", ".pt", ".ckpt", ".pth") else Path(path).name)
        or kind,
        kind,
        location,
    )


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
