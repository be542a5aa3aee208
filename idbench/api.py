"""The Python face of idbench: score images in a notebook, look at a run as pandas frames."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pandas as pd

from idbench.config import RunConfig, load_config
from idbench.errors import IdbenchError, UnknownNameError
from idbench.options import Option, options_of
from idbench.progress import as_python_warning
from idbench.records.run import RunRecord
from idbench.records.summary import PaperGroup, StrictGroup, Summary
from idbench.report import finished_record, read_summary
from idbench.run import execute
from idbench.tables import read_tables

__all__ = ["Run", "load_run", "score"]

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, init=False)
class Run:
    """A finished run directory. What is read from one that is absent, damaged or not finished raises `RunError`."""

    path: Path

    def __init__(self, path: str | Path) -> None:
        object.__setattr__(self, "path", Path(path).expanduser())

    def scores(self) -> pd.DataFrame:
        """One row per model, case, seed, person, recognizer and protocol."""
        return self._tables()[0].reset_index(drop=True)

    def images(self) -> pd.DataFrame:
        """One row per model, case and seed."""
        return self._tables()[1].reset_index(drop=True)

    def _tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        finished_record(self.path)
        return read_tables(self.path)

    @property
    def summary(self) -> Summary:
        """summary.json: means, intervals, comparisons and ranks by recognizer and protocol."""
        finished_record(self.path)
        return read_summary(self.path)

    @property
    def record(self) -> RunRecord:
        """run.json: what was asked, and where every number comes from."""
        return finished_record(self.path)

    def table(self, recognizer: str | None = None, protocol: str | None = None, group: str = "all") -> pd.DataFrame:
        """Means per model (rows) and metric (columns), for the first recognizer and protocol unless named.

        Raises `UnknownNameError` for a recognizer, protocol or group that the run does not have.
        """
        protocols = _named("recognizer", self.summary.recognizers, recognizer).protocols
        groups: dict[str, StrictGroup | PaperGroup] = {**_named("protocol", protocols, protocol).groups}
        models = _named("group", groups, group).models
        rows = {model: {name: entry.mean for name, entry in values.items()} for model, values in models.items()}
        return pd.DataFrame.from_dict(rows, orient="index")

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"


def _named(what: str, known: Mapping[str, T], name: str | None) -> T:
    """The one of that name, the first without a name. Raises `UnknownNameError`."""
    name = next(iter(known), "") if name is None else name
    if name not in known:
        raise UnknownNameError(f"the run has no {what} '{name}'; known: {', '.join(known) or 'none'}")
    return known[name]


def _options_of_a_run(config: Callable[P, RunConfig]) -> Callable[[Callable[..., Run]], Callable[P, Run]]:
    """Give a function the parameters of `config` for readers: type checkers, completion and documentation."""

    def decorate(function: Callable[..., Run]) -> Callable[P, Run]:
        parameters = [_parameter(option) for option in options_of(RunConfig).values()]
        function.__dict__["__signature__"] = inspect.Signature(parameters, return_annotation=Run)
        function.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": Run}
        function.__doc__ = f"{inspect.getdoc(function)}\n\n{_parameters()}"
        return function

    return decorate


def _parameter(option: Option) -> inspect.Parameter:
    default = RunConfig.model_fields[option.field].get_default()
    annotation = option.type if default is not None else option.type | None
    return inspect.Parameter(option.field, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _parameters() -> str:
    lines = ["Parameters", "----------"]
    for option in options_of(RunConfig).values():
        facts = "; ".join(filter(None, (f"default {option.default}" if option.default else "", option.limits)))
        lines += [f"{option.field} : {option.accepts}", f"    {option.help}{f' ({facts})' if facts else ''}"]
    return "\n".join(lines)


@_options_of_a_run(RunConfig)
def score(**options: Any) -> Run:
    """Score folders of images, or models that generate, against a suite.

    Takes the options of `idbench run` by name: `score(images={"mine": "outputs/"}, suite="suite/",
    recognizers=["insightface:antelopev2"])`. Without any: simulated models on synthetic people, compared by `mini`.
    Raises `IdbenchError` children for what cannot be done at all; failures of single images are outcomes.
    """
    try:
        return Run(execute(load_config(None, options), warn=lambda line: as_python_warning(_in_python(line))))
    except IdbenchError as error:
        raise type(error)(_in_python(str(error))) from error


def _in_python(line: str) -> str:
    """A line that names options as the command line has them, with their names in Python."""
    fields = {flag: option.field for option in options_of(RunConfig).values() for flag in option.flags.split("/")}
    return re.sub(r"--[a-z][a-z-]*", lambda found: fields.get(found[0], found[0]), line)


def load_run(path: str | Path) -> Run:
    """Open a run directory; raises `RunError` if it holds no finished run."""
    run = Run(path)
    run.scores()
    return run
