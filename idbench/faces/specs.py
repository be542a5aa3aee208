"""From what a user types to opened detectors and recognizers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from idbench import registry
from idbench.errors import ConfigError
from idbench.faces.types import Detector, Recognizer
from idbench.spec_text import parse_recognizer

__all__ = [
    "DETECTOR",
    "RENDERED",
    "brings_detector",
    "check_for_photos",
    "default_detector",
    "open_detector",
    "open_recognizers",
    "stacking_references",
]

DETECTOR = "mtcnn"
"""The detector where nobody names one and no recognizer brings one."""

RENDERED = "mini"
"""The recognizer and the detector of suites of rendered people where nobody names others."""


def check_for_photos(recognizers: Sequence[str], detector: str | None = None) -> None:
    """Raises `ConfigError` for a recognizer or detector that was trained on rendered faces alone."""
    kinds = [kind for _, kind, _ in map(parse_recognizer, recognizers)]
    unfit = [kind for kind in kinds if registry.recognizers.get(kind).only_rendered]
    finder = detector.partition(":")[0] if detector else None
    if finder is not None and registry.detectors.get(finder).only_rendered:
        unfit.append(finder)
    if unfit:
        raise ConfigError(
            f"{unfit[0]} knows rendered people only, and nothing says that this suite's are; name another recognizer "
            "and detector, such as insightface:antelopev2, or insist with --allow-mini"
        )


def open_recognizers(specs: Sequence[str], device: str = "auto") -> list[Recognizer]:
    """Every recognizer asked for. Raises `ConfigError` if there is none or a name is used twice."""
    if not specs:
        raise ConfigError(
            "no recognizer given; name at least one, such as --recognizer insightface:antelopev2 "
            "(see 'idbench recognizers')"
        )
    opened: list[Recognizer] = []
    for spec in specs:
        name, kind, location = parse_recognizer(spec)
        if any(recognizer.name.casefold() == name.casefold() for recognizer in opened):  # files are named after them
            raise ConfigError(f"two recognizers are called '{name}'; tell them apart with NAME={spec}")
        opened.append(registry.recognizers.get(kind).open(name, location, device))
    return opened


def stacking_references(specs: Sequence[str]) -> frozenset[str]:
    """Names of the recognizers whose references the paper protocol stacks, as the published script does."""
    named = map(parse_recognizer, specs)
    return frozenset(name for name, kind, _ in named if registry.recognizers.get(kind).stacks_references)


def brings_detector(recognizers: Sequence[str]) -> bool:
    """Whether a recognizer that knows photos has a detector of its own."""
    return any(not only_rendered for only_rendered, _ in _own_detectors(recognizers))


def default_detector(recognizers: Sequence[str], otherwise: str = DETECTOR) -> str:
    """The detector of a run where the user names none.

    It is the one that comes with the first recognizer that knows photos and has one, else with the first that has one,
    else `otherwise`.
    """
    own = sorted(_own_detectors(recognizers), key=lambda one: one[0])
    return own[0][1] if own else otherwise


def _own_detectors(recognizers: Sequence[str]) -> Iterator[tuple[bool, str]]:
    """Of every recognizer that has a detector: whether it knows rendered people only, and the detector."""
    for _, name, location in map(parse_recognizer, recognizers):
        kind = registry.recognizers.get(name)
        if kind.detector is not None:
            yield kind.only_rendered, kind.detector(location)


def open_detector(
    spec: str | None,
    recognizers: Sequence[str],
    device: str = "auto",
    threshold: float | None = None,
    otherwise: str = DETECTOR,
) -> Detector:
    """The one detector of a run: the one asked for, else `default_detector`."""
    kind, _, location = (spec or default_detector(recognizers, otherwise)).partition(":")
    return registry.detectors.get(kind).open(location, device, threshold)
