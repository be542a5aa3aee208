"""From what a user types to models: names, cards, changed parameters, sweeps."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue

from idbench import registry
from idbench.config import RunConfig
from idbench.errors import ConfigError, UnknownNameError
from idbench.models.base import Model
from idbench.models.cards import baselines_folder, card_names, load_card
from idbench.models.digests import digest, is_cache, named_files
from idbench.models.environments.environment import Environment
from idbench.models.execution import Execution
from idbench.models.launch import LaunchSpec
from idbench.models.preflight import Blocker, Needs
from idbench.records.run import ModelRecord, SweepValue
from idbench.spec_text import check_model_name, is_named, parse_model
from idbench.store import key_of

__all__ = ["ModelSpec", "OpenedModel", "Sweep", "open_models", "plan_models", "specs_of"]

_RANGE = re.compile(r"^(?P<first>[^:,]+):(?P<last>[^:,]+):(?P<step>[^:,]+)$")
MAX_VALUES = 101
"""Values of one sweep."""


@dataclass(frozen=True)
class Sweep:
    """Where a model stands in a sweep: a parameter of the model `of` takes several values, one model each."""

    of: str
    parameter: str
    value: str

    def record(self) -> SweepValue:
        """For run.json; numbers as numbers."""
        try:
            value: str | float = float(self.value)
        except ValueError:
            value = self.value
        return SweepValue(of=self.of, parameter=self.parameter, value=value)


@dataclass(frozen=True)
class ModelSpec:
    """A model as asked for: enough to open it here or in another process. `given` are changed parameters as text."""

    name: str
    kind: str
    location: str
    given: dict[str, str] = field(default_factory=dict)
    sweep: Sweep | None = None

    def open(self) -> Model:
        """The model, not yet loaded. Raises `UnknownNameError` or `ConfigError`, one line."""
        return registry.models.get(self.kind).open(self.name, self.location, self.given)


@dataclass(frozen=True)
class OpenedModel:
    """A model with what asked for it. What a model need not have (see `models.base.Model`) has a default here."""

    spec: ModelSpec
    model: Model

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.spec.name

    @property
    def max_people(self) -> int | None:
        """More people than its card allows are refused; None: no limit known."""
        return self.model.card.max_people if self.model.card is not None else None

    @cached_property
    def execution(self) -> Execution:
        """How it is run."""
        found: Execution = getattr(self.model, "execution", Execution())
        return found

    @property
    def keys(self) -> tuple[str, ...]:
        """Environment variables with keys that its process may see."""
        return tuple(getattr(self.model, "keys", ()))

    @property
    def notice(self) -> str | None:
        """One line that is said before a run."""
        notice: str | None = getattr(self.model, "notice", None)
        return notice

    @property
    def loading(self) -> str:
        """Equal for two models that can run in the same processes, one after the other."""
        what = getattr(self.model, "loading", {"given": self.spec.given})
        return key_of({"kind": self.spec.kind, "location": self.spec.location, "what": what})

    @cached_property
    def about(self) -> dict[str, JsonValue]:
        """Everything that its pixels depend on besides the jobs. Reads all weights; raises `WeightsError` without."""
        return self.describe()

    def describe(self) -> dict[str, JsonValue]:
        """As `about`, at this moment."""
        about = self.model.describe() | {"parameters": dict(self.model.parameters)}
        if self.model.card is not None:
            return about
        texts = [self.spec.location, *self.spec.given.values(), *self.model.parameters.values()]
        named = {name: digest(path, is_cache) for name, path in named_files(texts, Path.cwd()).items()}
        return about | ({"named": named} if named else {})

    def launch(self) -> LaunchSpec:
        """How its process is started."""
        own = getattr(self.model, "launch", None)
        found: LaunchSpec = own() if own is not None else LaunchSpec.of_this_python(self.spec, self.keys)
        return found

    def preflight(self, device: str) -> list[Blocker]:
        """What would stop it on this machine."""
        own = getattr(self.model, "preflight", None)
        return list(own(device)) if own is not None else []

    def needs(self) -> Needs | None:
        """Weights and memory; None where it does not say."""
        own = getattr(self.model, "needs", None)
        found: Needs | None = own() if own is not None else None
        return found

    @property
    def environment(self) -> Environment | None:
        """The isolated environment it runs in; None where it needs none."""
        found: Environment | None = getattr(self.model, "environment", None)
        return found

    def record(self) -> ModelRecord:
        """What run.json says of it."""
        card, sweep = self.model.card, self.spec.sweep
        known = {"card": card.facts} if card is not None else {}
        place = {"sweep": sweep.record()} if sweep is not None else {}
        return ModelRecord.model_validate(self.about | known | place)


def open_models(config: RunConfig) -> list[OpenedModel]:
    """The models of a run that generate, not yet loaded. Raises `ConfigError` or `UnknownNameError`, one line."""
    return [OpenedModel(spec, _open(spec)) for spec in specs_of(config)]


def _open(spec: ModelSpec) -> Model:
    """The model; what is wrong with a value of a sweep is said of the sweep, whose models the user did not name."""
    try:
        return spec.open()
    except ConfigError as error:
        if spec.sweep is None:
            raise
        reason = str(error)
        reason = reason[max(0, reason.find("expected")) :]
        raise ConfigError(f"--sweep {spec.sweep.of}.{spec.sweep.parameter}={spec.sweep.value}: {reason}") from error


def specs_of(config: RunConfig) -> list[ModelSpec]:
    """The models of a run that generate, sweeps spread out. Raises `ConfigError` or `UnknownNameError`, one line."""
    specs = plan_models(config.models, config.set, config.sweeps, config.size)
    for spec in specs:
        try:
            check_model_name(spec.name)
        except ValueError as error:
            raise ConfigError(str(error)) from error
    return specs


def plan_models(
    specs: Sequence[str],
    changes: Sequence[str] = (),
    sweeps: Sequence[str] = (),
    size: tuple[int, int] | None = None,
) -> list[ModelSpec]:
    """Every model asked for, sweeps spread out to one model per value.

    Parameters
    ----------
    specs : `[NAME=]CARD`, `[NAME=]FOLDER` or `[NAME=]KIND:LOCATION`.
    changes : `NAME.KEY=VALUE`.
    sweeps : `NAME.KEY=FIRST:LAST:STEP` or `NAME.KEY=A,B,C`.
    size : width and height of images in pixels, for every model that lets them be chosen.

    Raises
    ------
    ConfigError, UnknownNameError : in one line, for names, keys and values that fit nothing.
    """
    planned: dict[str, ModelSpec] = {}
    for text in specs:
        spec = _resolve(text)
        if spec.name in planned:
            raise ConfigError(f"two models are called '{spec.name}'; tell them apart with NAME={text.split('=')[-1]}")
        planned[spec.name] = spec
    if size is not None:
        planned = {name: _sized(spec, size) for name, spec in planned.items()}
    for change in changes:
        name, key, value = _split("--set", change, planned)
        planned[name] = replace(planned[name], given=planned[name].given | {key: value})
    chosen = [_split("--sweep", sweep, planned) for sweep in sweeps]
    if len({name for name, _, _ in chosen}) < len(chosen):
        raise ConfigError(
            "a model can be swept over one parameter at a time; give it to --model twice, as A=... and B=..."
        )
    by_name = {name: (key, values) for name, key, values in chosen}
    spread = [one for spec in planned.values() for one in _spread(spec, by_name.get(spec.name))]
    if len({spec.name for spec in spread}) < len(spread):
        raise ConfigError("a model is called as a value of a sweep is; give it another name")
    return spread


def _resolve(spec: str) -> ModelSpec:
    """What a spec means: a registered kind with its location, or a card."""
    name, kind, location = parse_model(spec)
    named = is_named(spec)
    if location:
        return ModelSpec(name, kind, location)
    folder = baselines_folder() / kind if kind in card_names() else Path(kind).expanduser()
    folder = folder.parent if folder.name == "card.toml" else folder
    if (folder / "card.toml").is_file():
        card = load_card(folder)
        return ModelSpec(name if named else card.name, card.kind, str(folder.absolute()))
    if kind in registry.models.names():
        return ModelSpec(name, kind, location)
    listed = [line.model for known in registry.models.all().values() for line in known.lines()]
    if spelled := [model for model in listed if model.endswith(f":{kind}")]:
        raise ConfigError(f"no model is called '{kind}'; did you mean '{spelled[0]}'?")
    near = difflib.get_close_matches(kind, card_names(), n=1)
    hint = f"did you mean '{near[0]}'?" if near else "see 'idbench models list', or give a folder with a card.toml"
    if folder.is_dir():
        hint = "that folder holds no card.toml"
    raise UnknownNameError(f"no model is called '{kind}'; {hint}")


def _sized(spec: ModelSpec, size: tuple[int, int]) -> ModelSpec:
    if not (Path(spec.location) / "card.toml").is_file():
        return spec
    parameters = load_card(Path(spec.location)).parameters
    given = {key: str(pixels) for key, pixels in zip(("width", "height"), size, strict=True) if key in parameters}
    return replace(spec, given=spec.given | given)


def _split(option: str, text: str, planned: dict[str, ModelSpec]) -> tuple[str, str, str]:
    """`NAME.KEY=VALUE`; names may hold dots and equals signs, keys may hold dots."""
    fitting = [name for name in planned if text.startswith(f"{name}.")]
    if not fitting:
        known = f"this run has {', '.join(planned)}" if planned else "this run has no --model"
        raise ConfigError(f"{option} {text}: expected NAME.KEY=VALUE with the name of a model; {known}")
    name = max(fitting, key=len)
    key, equals, value = text[len(name) + 1 :].partition("=")
    if not (key and equals and value):
        raise ConfigError(f"{option} {text}: expected {name}.KEY=VALUE")
    return name, key, value


def _spread(spec: ModelSpec, sweep: tuple[str, str] | None) -> Iterator[ModelSpec]:
    if sweep is None:
        yield spec
        return
    key, text = sweep
    for value in _values(text):
        name = f"{spec.name}@{key}={Path(value).name}"
        yield replace(spec, name=name, given=spec.given | {key: value}, sweep=Sweep(spec.name, key, value))


def _values(text: str) -> list[str]:
    """The values of `first:last:step`, last included where a step meets it, or of a list with commas."""
    match = _RANGE.match(text)
    if re.fullmatch(r"[^:,]*:[^:,]*:?", text):
        raise ConfigError(f"sweep '{text}': expected FIRST:LAST:STEP, found no step; write 0:1:0.1, or values as A,B,C")
    if match is None:
        values = [value.strip() for value in text.split(",")]
    else:
        try:
            first, last, step = (float(match[part]) for part in ("first", "last", "step"))
        except ValueError as error:
            raise ConfigError(f"sweep '{text}': expected FIRST:LAST:STEP in numbers") from error
        if not all(map(math.isfinite, (first, last, step))) or step == 0 or (last - first) / step < 0:
            raise ConfigError(f"sweep '{text}': no step of {step:g} leads from {first:g} to {last:g}")
        count = math.floor((last - first) / step + 1e-9) + 1
        values = [f"{first + i * step:.10g}" for i in range(min(count, MAX_VALUES + 1))]
    if not 2 <= len(set(values)) == len(values) <= MAX_VALUES:
        raise ConfigError(f"sweep '{text}': expected 2 to {MAX_VALUES} different values")
    return values
