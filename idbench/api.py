"""The Python face of idbench: score images in a notebook, look at a run as pandas frames."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec

import pandas as pd

from idbench.config import RunConfig, load_config
from idbench.options import Option, options_of
from idbench.records.run import RunRecord
from idbench.records.summary import Summary
from idbench.run import execute
from idbench.run_files import read_record
from idbench.tables import read_tables

__all__ = ["Run", "load_run", "score"]

P = ParamSpec("P")


@dataclass(frozen=True)
class Run:
    """A finished run directory."""

    path: Path

    def scores(self) -> pd.DataFrame:
        """One row per model, case, seed, person, recognizer and protocol."""
        return read_tables(self.path)[0].reset_index(drop=True)

    def images(self) -> pd.DataFrame:
        """One row per model, case and seed."""
        return read_tables(self.path)[1].reset_index(drop=True)

    @property
    def summary(self) -> Summary:
        """summary.json: means, intervals, comparisons and ranks by recognizer and protocol."""
        return read_record(self.path, "summary.json", Summary)

    @property
    def record(self) -> RunRecord:
        """run.json: what was asked, and where every number comes from."""
        return read_record(self.path, "run.json", RunRecord)

    def table(self, recognizer: str | None = None, protocol: str | None = None, group: str = "all") -> pd.DataFrame:
        """Means per model (rows) and metric (columns), for the first recognizer and protocol unless named."""
        recognizers = self.summary.recognizers
        protocols = recognizers[recognizer or next(iter(recognizers))].protocols
        models = protocols[protocol or next(iter(protocols))].groups[group].models
        rows = {model: {name: entry.mean for name, entry in values.items()} for model, values in models.items()}
        return pd.DataFrame.from_dict(rows, orient="index")

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"


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
    return Run(execute(load_config(None, options)))


def load_run(path: str | Path) -> Run:
    """Open a run directory; raises `RunError` if it holds no scores."""
    run = Run(Path(path).expanduser())
    read_tables(run.path)
    return run
