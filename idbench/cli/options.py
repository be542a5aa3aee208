"""Commands that take the fields of a record as options, which are loaded only when such a command is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from idbench.options import Option

__all__ = ["Given", "add_command"]

Options = Callable[[], Mapping[str, "Option"]]


@dataclass(frozen=True)
class Given:
    """Options as they were given: values by field name. A function takes them as its keyword-only `given`."""

    values: dict[str, Any]
    options: Mapping[str, Option]

    def called(self, field: str) -> str:
        """What the command line calls a field; its own name where it is no option of the command."""
        return self.options[field].flag if field in self.options else field


def add_command(app: typer.Typer, name: str, function: Callable[..., None], options: Options, help: str = "") -> None:
    """Add a command that takes `options` in the place of the parameter `given` of `function`.

    `options` is called no sooner than the command is: `idbench --help` lists commands without loading records.
    """

    class Command(TyperCommand):
        complete = False

        def get_params(self, ctx: Any) -> list[Any]:
            if not self.complete:
                self.params, self.callback = _completed(function, options())
                self.complete = True
            return super().get_params(ctx)

        def format_epilog(self, ctx: Any, formatter: Any) -> None:
            if kinds := _installed_kinds(options()):
                with formatter.section("Kinds installed here"):
                    formatter.write_dl(kinds)

    def placeholder() -> None:
        """Gets its parameters and its work when it is called."""

    app.command(name, cls=Command, help=help or inspect.getdoc(function))(placeholder)


def _installed_kinds(options: Mapping[str, Option]) -> list[tuple[str, str]]:
    """Of every option that names a kind: which there are, those of other packages too. Loads none of them."""
    from idbench import registry

    seams = {
        "suite": registry.suites.names,
        "models": registry.models.names,
        "recognizers": registry.recognizers.names,
        "detector": registry.detectors.names,
    }
    return [(options[field].flag, ", ".join(names())) for field, names in seams.items() if field in options]


def _completed(function: Callable[..., None], options: Mapping[str, Option]) -> tuple[list[Any], Callable[..., Any]]:
    """Parameters and callback of a command, as Typer makes them of a function that has them all."""

    def command(**values: Any) -> None:
        found = {field: values.pop(field) for field in options}
        function(given=_given(found, options), **values)

    declared = inspect.signature(function, eval_str=True).parameters.values()
    parameters = [p for own in declared for p in (_parameters(options) if own.name == "given" else [own])]
    command.__dict__["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command)
    made = typer.main.get_command(app)
    assert made.callback is not None
    return made.params, made.callback


def _parameters(options: Mapping[str, Option]) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(field, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(option))
        for field, option in options.items()
    ]


TYPES = {"flag": bool, "integer": int, "number": float, "texts": list[str], "folders": list[str]}


def _annotation(option: Option) -> Any:
    """The type that Typer reads: None where nothing was given, so that records keep their own defaults."""
    plain: Any = TYPES.get(option.kind, str)
    notes = "; ".join(note for note in (option.default, option.limits) if note)
    described = typer.Option(
        option.flags,
        metavar=option.metavar or None,
        help=f"{option.help} [default: {notes}]" if notes and notes != "no" else option.help,
        show_default=False,
        parser=_parser(option.flag, plain) if plain in (int, float) else None,
    )
    return Annotated[plain | None, described]


def _parser(flag: str, plain: type[int] | type[float]) -> Callable[[str], float]:
    """Reads a number; what is none is said in the words of a number out of range."""

    def parse(text: str) -> float:
        from idbench.errors import ConfigError

        try:
            return plain(text)
        except ValueError:
            expected = "an integer" if plain is int else "a number"
            raise ConfigError(f"{flag}: expected {expected}, found '{text}'") from None

    return parse


def _given(values: dict[str, Any], options: Mapping[str, Option]) -> Given:
    """What was given, folders by name. Raises `ConfigError` for a name twice."""
    given = {field: value for field, value in values.items() if value is not None and value != []}
    folders = {f: _by_name(v, options[f].flag) for f, v in given.items() if options[f].kind == "folders"}
    return Given(given | folders, options)


def _by_name(entries: Sequence[str], flag: str) -> dict[str, str]:
    """`NAME=FOLDER` or `FOLDER` (named after itself) to a mapping."""
    from idbench.errors import ConfigError

    named: dict[str, str] = {}
    for entry in entries:
        name, separator, folder = entry.partition("=")
        if not separator:
            name, folder = Path(entry).name, entry
        if name in named:
            raise ConfigError(f"{flag}: two folders are called '{name}'; tell them apart with NAME=FOLDER")
        named[name] = folder
    return named
