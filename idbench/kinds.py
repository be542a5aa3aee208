"""What a package registers at a seam: how to open it, and what it says of itself.

An entry point of `idbench.models`, `.recognizers`, `.detectors` or `.suites` names an object of the class below, or a
plain function, which is taken for its `open`. Everything else about a kind is optional. What is given is shown by
`idbench models list`, `recognizers`, `suites list` and `doctor`, for built-in kinds and those of other packages alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idbench.faces.types import Detector, Recognizer
    from idbench.models.base import Model
    from idbench.suites.base import Suite

__all__ = ["DetectorKind", "Download", "Kind", "ListedModel", "ModelKind", "RecognizerKind", "SuiteKind"]


def _installed() -> str:
    return "installed"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What every kind may say of itself.

    Parameters
    ----------
    form : how a user names one, such as `insightface:PACK`.
    what : one line about it.
    here : says in one line what of it is on this machine, and how to get what is missing; called by listings, so it
        loads no network.
    """

    form: str = ""
    what: str = ""
    here: Callable[[], str] = _installed

    def state(self) -> str:
        """What `here` says; other people's code may fail, and a listing says so and goes on."""
        try:
            return self.here()
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            return f"failed to say what is here ({reason})"


@dataclass(frozen=True, kw_only=True)
class RecognizerKind(Kind):
    """A kind of face recognizer.

    Parameters
    ----------
    open : (name, location, device) -> the recognizer, ready to embed.
    family : recognizers of one family learnt alike (arcface, facenet, ...): a model conditioned on or trained against
        one is marked where another of its family scores it. Empty where only the opened recognizer knows.
    detector : location -> the detector that comes with this recognizer, as `--detector` takes it; None if none does.
    only_rendered : whether it was trained on rendered faces alone; it is then refused for suites of photos.
    stacks_references : whether the published script stacks the references of such a recognizer, so that the paper
        protocol must too (`idbench.protocols.paper.reference_embeddings`).
    """

    open: Callable[[str, str, str], Recognizer]
    family: str = ""
    detector: Callable[[str], str] | None = None
    only_rendered: bool = False
    stacks_references: bool = False


@dataclass(frozen=True, kw_only=True)
class DetectorKind(Kind):
    """A kind of face detector.

    Parameters
    ----------
    open : (location, device, threshold or None for its own) -> the detector, ready to detect.
    only_rendered : whether it was trained on rendered faces alone; it is then refused for suites of photos.
    """

    open: Callable[[str, str, float | None], Detector]
    only_rendered: bool = False


@dataclass(frozen=True)
class Download:
    """A dataset on the Hugging Face hub, and the folder it is put into."""

    hub_id: str
    wanted: Callable[[str], bool]
    """Whether a file of the repository, by name, belongs to the suite."""
    folder: Callable[[], Path]


@dataclass(frozen=True, kw_only=True)
class SuiteKind(Kind):
    """A kind of suite.

    Parameters
    ----------
    open : (location, subsets) -> the suite, not yet read.
    licence : terms of its photos.
    recognises : whether a file or folder given as a plain path holds such a suite; kinds are asked by name, in
        alphabetical order.
    download : where `idbench suites fetch` gets it; None if it cannot be fetched. Its hub id also names the suite.
    make : (location, folder or None for the cache) -> a suite whose cases are written into the folder as they are
        read, for `idbench suites make`; None if it cannot be made.
    """

    open: Callable[[str, tuple[str, ...]], Suite]
    licence: str = "as its owner says"
    recognises: Callable[[Path], bool] | None = None
    download: Download | None = None
    make: Callable[[str, Path | None], Suite] | None = None


@dataclass(frozen=True)
class ListedModel:
    """One line of `idbench models list`."""

    model: str
    what: str
    people: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelKind(Kind):
    """A kind of model.

    Parameters
    ----------
    open : (name, location, changed parameters as text) -> the model, not yet loaded.
    listed : its lines in `idbench models list`; None for one line made of `form` and `what`. Kinds that are named by a
        card list nothing: their cards are listed.
    """

    open: Callable[[str, str, Mapping[str, str]], Model]
    listed: Callable[[], Sequence[ListedModel]] | None = None

    def lines(self) -> Sequence[ListedModel]:
        """Its lines in `idbench models list`."""
        return [ListedModel(self.form, self.what)] if self.listed is None else self.listed()
