"""Fills in the parts of these pages that are generated from the code, while MkDocs builds them.

A page asks with a comment on a line of its own, `<!-- generated: KIND ARGUMENT -->`:

    record NAME     the fields of a record and of the records inside it
    records         every record that no page asks for by name
    table NAME      the columns of a parquet file, from idbench.tables.NAME_schema
    options NAME    the fields of a record that are options of a command
    commands        the command line, from the Typer application
    metric NAME     one metric's range, direction, unit and source
    metrics         all metrics in one table
    outcomes        what can become of an image or a score
    cards           the models that come with idbench

Records are found by walking the package, so a new one cannot be forgotten.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re
import textwrap
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from pydantic import JsonValue
from pydantic.fields import FieldInfo

import idbench
from idbench.options import Option, options_of
from idbench.schema import Record, bounds_of, in_words

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

DOCS = Path(__file__).parent
PLACEHOLDER = re.compile(r"^<!-- generated: (\w+) ?(\S*) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """MkDocs calls this for every page."""
    return filled(markdown, page.file.src_uri)


def filled(markdown: str, page: str) -> str:
    """The text of a page with its generated parts. Raises `KeyError` or `LookupError` for one that does not exist."""
    return PLACEHOLDER.sub(lambda match: GENERATORS[match[1]](match[2], page), markdown)


# Records


@cache
def record_classes() -> dict[str, type]:
    """Every record of the package by name."""
    found: dict[str, type] = {}
    for module in pkgutil.walk_packages(idbench.__path__, "idbench."):
        try:
            loaded = importlib.import_module(module.name)
        except ImportError:  # needs an optional package, and then holds no record of a file
            continue
        found |= {
            name: value
            for name, value in vars(loaded).items()
            if inspect.isclass(value) and value.__module__ == module.name and issubclass(value, Record)
            if value is not Record
        }
    return dict(sorted(found.items()))


def inside(record: type) -> list[type]:
    """A record and every record or dataclass in its fields, and in theirs, each once."""
    found = [record]
    for one in found:  # grows while it is walked
        parts = [part for annotation, _ in _fields(one).values() for part in _classes_in(annotation)]
        found += [part for part in dict.fromkeys(parts) if part not in found]
    return found


def _classes_in(annotation: Any) -> Iterator[type]:
    if _has_fields(annotation):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _classes_in(part)


def _has_fields(value: object) -> bool:
    return inspect.isclass(value) and (issubclass(value, Record) or dataclasses.is_dataclass(value))


def _fields(record: type) -> dict[str, tuple[Any, Any]]:
    """Name -> annotation and what else is known of the field."""
    if issubclass(record, Record):
        return {name: (field.annotation, field) for name, field in record.model_fields.items()}
    hints = typing.get_type_hints(record)
    return {field.name: (hints[field.name], field) for field in dataclasses.fields(record)}


@cache
def homes() -> dict[str, tuple[str, str]]:
    """Record -> the page it stands on and the record asked for there, of which it is a part.

    That is where it is asked for by name, else where a part of it is first asked for, else where the rest goes.
    """
    asked = [(page, name) for page in _pages() for kind, name in _placeholders(page) if kind == "record"]
    if missing := [name for _, name in asked if name not in record_classes()]:
        raise LookupError(f"no record is called {missing[0]}")
    found = {name: (page, name) for page, name in asked}
    found |= {name: (page, "") for page in _pages() for kind, name in _placeholders(page) if kind == "options"}
    for page, name in asked:
        for part in inside(record_classes()[name]):
            found.setdefault(part.__name__, (page, name))
    rest = next(page for page in _pages() if ("records", "") in _placeholders(page))
    for name in record_classes():
        if name[0] != "_":
            found.setdefault(name, (rest, ""))
    return found


def _pages() -> list[str]:
    return sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def _placeholders(page: str) -> list[tuple[str, str]]:
    return PLACEHOLDER.findall((DOCS / page).read_text(encoding="utf-8"))


def record(name: str, page: str) -> str:
    """A record and those inside it that stand here too."""
    parts = [part for part in inside(record_classes()[name]) if homes()[part.__name__] == (page, name)]
    return "\n\n".join(_described(part, page) for part in parts)


def records(_: str, page: str) -> str:
    """Every public record that no page asks for."""
    rest = [name for name, home in homes().items() if home == (page, "")]
    return "\n\n".join(_described(record_classes()[name], page) for name in rest)


def _described(part: type, page: str) -> str:
    rows, said = [], meanings(part)
    for name, (annotation, about) in _fields(part).items():
        default = _default(about)
        facts = [_type(annotation, page) + _limits(about), "" if default == "required" else f"default {default}"]
        rows.append([f"`{name}`", "<br>".join(filter(None, facts)), _one_line(said[name])])
    head = f"#### {part.__name__} {{ #record-{part.__name__.lower()} }}"
    return "\n\n".join([head, _prose(inspect.getdoc(part) or ""), _table(["field", "type", "meaning"], rows)])


def meanings(part: type) -> dict[str, str]:
    """What each field of a record means; empty where nobody says so."""
    said = attribute_docstrings(part)
    described = {name: getattr(about, "description", None) for name, (_, about) in _fields(part).items()}
    return {name: text or said.get(name) or COLUMNS.get(name, "") for name, text in described.items()}


def attribute_docstrings(part: type) -> dict[str, str]:
    """The texts that stand under the attributes of a class and of those it inherits from."""
    found: dict[str, str] = {}
    for one in reversed(part.__mro__):
        if one.__module__.startswith("idbench."):
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
            assert isinstance(definition, ast.ClassDef)
            found |= dict(_texts_under(definition.body))
    return found


def _texts_under(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for before, text in pairwise(body):
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            targets = before.targets if isinstance(before, ast.Assign) else [getattr(before, "target", None)]
            yield from ((target.id, text.value.value) for target in targets if isinstance(target, ast.Name))


def _type(annotation: Any, page: str) -> str:
    """A type in words: records as links, alternatives with 'or'."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(parts[0], page)
    if origin is typing.Literal:
        return " or ".join(f"`{part!r}`".replace("'", '"') for part in parts)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(part, page) for part in parts)
    if origin is tuple and len(parts) > 1 and parts[1] is not Ellipsis:
        return "(" + ", ".join(_type(part, page) for part in parts) + ")"
    if origin in (list, tuple, set, frozenset):
        return f"list of {_type(parts[0], page)}"
    if origin is dict:
        return f"{_type(parts[0], page)} → {_type(parts[1], page)}"
    if inspect.isclass(annotation) and annotation.__name__ in homes():
        home, _ = homes()[annotation.__name__]
        return f"[{annotation.__name__}]({'' if home == page else home}#record-{annotation.__name__.lower()})"
    return WORDS.get(annotation, getattr(annotation, "__name__", str(annotation).removeprefix("typing.")))


WORDS = {
    str: "text", int: "integer", float: "number", bool: "true or false", type(None): "null", Any: "any JSON",
    JsonValue: "any JSON",
}  # fmt: skip


def _default(about: Any) -> str:
    """The default of a pydantic or dataclass field in words."""
    if isinstance(about, FieldInfo) and about.is_required():
        return "required"
    value, factory = about.default, about.default_factory
    if factory in (list, dict, tuple) or value in ((), ""):
        return "empty"
    if factory not in (None, dataclasses.MISSING):
        return "see type"
    if value is dataclasses.MISSING:
        return "required"
    return "null" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _limits(about: Any) -> str:
    limits = in_words(bounds_of(about)) if isinstance(about, FieldInfo) else ""
    return f", {limits}" if limits else ""


# Tables of a run


def table(name: str, _: str) -> str:
    """The columns of a parquet file."""
    from idbench import tables

    schema = getattr(tables, f"{name}_schema")()
    return _table(["column", "type", "meaning"], [[f"`{c.name}`", str(c.type), meaning_of(c.name)] for c in schema])


def meaning_of(column: str) -> str:
    """What a column holds; that of a metric says so itself. Raises `LookupError` for one that nobody described."""
    metric = _declarations().get(column)
    if column in COLUMNS:
        return COLUMNS[column]
    if metric is None:
        raise LookupError(f"column {column} is not described in {__file__}")
    return f"metric: {metric.title}" + (f", {metric.unit}" if metric.unit else "")


def _box_columns(prefix: str, whose: str) -> dict[str, str]:
    sides = {"x1": "left", "y1": "top", "x2": "right", "y2": "bottom"}
    return {prefix + name: f"{side} of the box of {whose}, pixels" for name, side in sides.items()}


COLUMNS = {
    "model": "name of the model",
    "case": "id of the case",
    "subset": "subset of the case",
    "cluster": "group of cases that share people; the unit of resampling",
    "identity": "who the person is: equal texts mean the same person",
    "recognizer": "name of the recognizer",
    "protocol": "`strict` or `paper`",
    "outcome": "see [outcomes](#outcomes)",
    "seed": "seed of the image",
    "person": "number of the person in the case, from 0; empty in rows of the paper protocol, which hold a whole image",
    "face": "number of the face in its image, in the detector's order; empty where none was taken for the person",
    "rest_ref": "paper protocol: mean similarity of all pairs of faces and references that were not matched",
    "sim_ref_unpadded": "paper protocol: `sim_ref` as it would be without black padding around references",
    "copy_paste_unpadded": "paper protocol: `copy_paste` as it would be without black padding around references",
    "digest": "SHA-256 of the encoded image",
    "path": "where the image lies",
    "error": "why there is no image, in one line",
    "width": "pixels",
    "height": "pixels",
    "faces_expected": "people of the case",
    "prompt_cut": "1 where the prompt was longer than CLIP reads, else 0; empty without CLIP",
    "peak_memory": "most bytes of accelerator memory; without an accelerator, of the model's process",
    "prompt": "prompt of the case",
    "target": "SHA-256 of the target photo",
    "reference": "SHA-256 of the first reference",
    "references": "number of references of the person",
    "target_width": "pixels",
    "target_height": "pixels",
    "reference_width": "pixels of the first reference",
    "reference_height": "pixels of the first reference",
    "registered_copy_tr": "`registered_copy` of the target: how much of a copy another real photo seems",
    "sim_tr": "cosine of target and reference: of several, in scores the one nearest to the generated face, "
    "in suite the one nearest to the target",
    "view": "`as_is`, or `padded` for references of the paper protocol",
    "score": "detection score, 0 to 1",
    "landmarks": "x, y of eye, eye, nose, mouth corner, mouth corner, image-left first; pixels",
    "embedding": "what the recognizer gave, not normalised",
    **_box_columns("", "the face"),
    **_box_columns("target_", "the face taken for the person in the target"),
    **_box_columns("reference_", "the face taken in the reference"),
}


# Options and commands


def options(name: str, _: str) -> str:
    """The options that a record's fields are: key in a TOML file and in Python, flag, type, default, range and help."""
    return "\n\n".join(_option(one) for one in options_of(record_classes()[name]).values())


def _option(option: Option) -> str:
    facts = [option.accepts, option.default and f"default {option.default}", option.limits]
    flags = f"{option.flags} {option.metavar}".replace("/", " / ", 1).strip()
    return f"`{option.field}` &nbsp; `{flags}`\n:   {'; '.join(filter(None, facts))}<br>{option.help}"


@cache
def command_tree() -> list[tuple[str, Any]]:
    """Every command with its full name, in the order of the help."""
    from idbench.cli import app

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        children = getattr(command, "commands", None)
        if children is None:
            command.make_context(name, [], resilient_parsing=True)  # gives it the options it takes from a record
            yield name, command
        else:
            for child in children.values():
                yield from walk(f"{name} {child.name}", child)

    return list(walk("idbench", typer.main.get_command(app)))


def commands(_: str, __: str) -> str:
    """Usage, help and parameters of every command."""
    return "\n\n".join(_command(name, command) for name, command in command_tree())


def _command(name: str, command: Any) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    lines = [f"## {name} {{ #{name.replace(' ', '-')} }}", _prose(command.help or ""), f"```text\n{usage}\n```"]
    said = [one.get_help_record(context) for one in command.params if one.name != "help"]
    lines += [f"`{names}`\n:   {_one_line(text) or '&nbsp;'}" for names, text in filter(None, said)]
    return "\n\n".join(lines)


# Metrics, outcomes, cards


@cache
def _declarations() -> dict[str, Any]:
    from idbench.summary import metric_declarations

    return dict(metric_declarations())


DIRECTIONS = {
    "higher": "higher is better", "lower": "lower is better", "zero": "best at 0", "context": "explains, ranks nothing",
}  # fmt: skip


def metric(name: str, _: str) -> str:
    """One line of facts about a metric."""
    one = _declarations()[name]
    facts = [
        f"**{one.title}**",
        f"range {_range(one)}",
        DIRECTIONS[one.direction],
        one.unit,
        "" if one.failure_value is None else f"a failure counts {one.failure_value:g}",
        one.citation and f"source: {one.citation}",
    ]
    return " · ".join(filter(None, facts)) + "\n{ .facts }"


def metrics(_: str, __: str) -> str:
    """All metrics in one table."""
    arrows = {"higher": "↑", "lower": "↓", "zero": "0", "context": ""}
    rows = [
        [f"[`{name}`](#{name})", arrows[one.direction], f"{_range(one)} {one.unit}", one.meaning or one.title]
        for name, one in _declarations().items()
        if not name.endswith("_failure_aware")
    ]
    return _table(["metric", "better", "range", "meaning"], rows)


def _range(one: Any) -> str:
    low, high = (f"{bound:g}".replace("-", "−") for bound in (one.low, one.high))
    return f"{low} and more" if high == "inf" else f"{low} to {high.replace('3.14159', 'π')}"


def outcomes(_: str, __: str) -> str:
    """What can become of an image or a score."""
    from idbench.records import FAILURES, Outcome

    said = attribute_docstrings(Outcome) | {"SCORED": "The person was found and every essential number is there."}
    rows = [[f"`{one.value}`", "yes" if one in FAILURES else "no", _one_line(said[one.name])] for one in Outcome]
    return _table(["outcome", "counts as a failure", "meaning"], rows)


def cards(_: str, __: str) -> str:
    """The models that come with idbench."""
    from idbench.models.cards import card_names, card_of

    said = []
    for name in card_names():
        card = card_of(name)
        people = f"at most {card.max_people}" if card.max_people else "any number of"
        head = f"`{name}`: {card.kind}, {people} {'person' if card.max_people == 1 else 'people'}"
        said.append(f"{head}\n:   {card.summary}<br>Licence: code {card.licence.code}; weights {card.licence.weights}.")
    return "\n\n".join(said)


# Markdown


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _prose(text: str) -> str:
    """A docstring as Markdown: literal blocks stay literal."""
    return re.sub(r"::(?=\s*\n)", ":", text)


GENERATORS: dict[str, Callable[[str, str], str]] = {
    "record": record, "records": records, "table": table, "options": options, "commands": commands,
    "metric": metric, "metrics": metrics, "outcomes": outcomes, "cards": cards,
}  # fmt: skip
