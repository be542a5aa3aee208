"""Fills in the parts of these pages that are generated from the code, while MkDocs builds them.

A page asks with a comment on a line of its own, `<!-- generated: KIND ARGUMENT -->`:

    record NAME     the fields of a record and of the records inside it
    records         every record that no page asks for by name
    table NAME      the columns of a parquet file, from idbench.tables.NAME_schema
    options         the fields of RunConfig with their flags
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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import idbench

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
    """Every record and every dataclass of the package by name."""
    found: dict[str, type] = {}
    for module in pkgutil.walk_packages(idbench.__path__, "idbench."):
        try:
            loaded = importlib.import_module(module.name)
        except ImportError:  # needs an optional package, and then holds no record of a file
            continue
        for name, value in vars(loaded).items():
            if inspect.isclass(value) and value.__module__ == module.name and _is_record(value):
                found[name] = value
    return found


def _is_record(value: object) -> bool:
    if not inspect.isclass(value) or not value.__module__.startswith("idbench."):
        return False
    return dataclasses.is_dataclass(value) or (issubclass(value, BaseModel) and bool(value.model_fields))


def public_records() -> list[str]:
    """Names of the records that are written to disk or read from there; dataclasses only where a record holds one."""
    return sorted(name for name, one in record_classes().items() if issubclass(one, BaseModel) and name[0] != "_")


def inside(record: type) -> list[type]:
    """A record and every record in its fields, and in theirs, each once."""
    found, waiting = [record], [record]
    while waiting:
        for annotation, _ in (_typed(field) for field in _fields(waiting.pop(0)).values()):
            for one in _classes_in(annotation):
                if _is_record(one) and one not in found:
                    found.append(one)
                    waiting.append(one)
    return found


def _classes_in(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in typing.get_args(annotation):
        yield from _classes_in(part)


def _fields(record: type) -> dict[str, Any]:
    if issubclass(record, BaseModel):
        return dict(record.model_fields)
    hints = typing.get_type_hints(record)
    return {field.name: (hints[field.name], field) for field in dataclasses.fields(record)}


def _typed(field: Any) -> tuple[Any, Any]:
    return (field.annotation, field) if isinstance(field, FieldInfo) else field


@cache
def homes() -> dict[str, str]:
    """Record -> the page it stands on: where it is asked for by name, else where it is part of one that is."""
    asked = [(page, name) for page in _pages() for kind, name in _placeholders(page) if kind == "record"]
    known = record_classes()
    if missing := [name for _, name in asked if name not in known]:
        raise LookupError(f"no record is called {missing[0]}")
    home = {name: page for page, name in asked}
    for page, name in asked:
        for part in inside(known[name]):
            home.setdefault(part.__name__, page)
    rest = next((page for page in _pages() if ("records", "") in _placeholders(page)), None)
    return home | {name: rest for name in public_records() if rest and name not in home}


def _pages() -> list[str]:
    return sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def _placeholders(page: str) -> list[tuple[str, str]]:
    return PLACEHOLDER.findall((DOCS / page).read_text(encoding="utf-8"))


def record(name: str, page: str) -> str:
    """A record and those inside it that stand on this page too."""
    by_name = [asked for kind, asked in _placeholders(page) if kind == "record"]
    parts = [
        part
        for part in inside(record_classes()[name])
        if part.__name__ == name or (homes()[part.__name__] == page and part.__name__ not in by_name)
    ]
    return "\n\n".join(_described(part, page) for part in parts if _first_asks(part.__name__, name, page))


def _first_asks(part: str, name: str, page: str) -> bool:
    """Whether `name` is the first on its page that has the part inside."""
    asked = [other for kind, other in _placeholders(page) if kind == "record"]
    return part == name or name == next(
        other for other in asked if part in {one.__name__ for one in inside(record_classes()[other])}
    )


def records(_: str, page: str) -> str:
    """Every public record that no page asks for."""
    rest = [name for name in public_records() if homes().get(name) == page and not _asked_for(name)]
    return "\n\n".join(_described(record_classes()[name], page) for name in rest)


def _asked_for(name: str) -> bool:
    known = record_classes()
    return any(
        known[name] in inside(known[asked])
        for page in _pages()
        for kind, asked in _placeholders(page)
        if kind == "record"
    )


def _described(part: type, page: str) -> str:
    said = attribute_docstrings(part)
    rows = []
    for name, field in _fields(part).items():
        annotation, about = _typed(field)
        meaning = getattr(about, "description", None) or said.get(name, "")
        rows.append([f"`{name}`", _type(annotation, page), _default(about) + _bounds(about), _one_line(meaning)])
    about_it = _prose(inspect.getdoc(part) or "")
    anchor = part.__name__.lower()
    return f"#### {part.__name__} {{ #record-{anchor} }}\n\n{about_it}\n\n" + _table(
        ["field", "type", "default, range", "meaning"], rows
    )


def attribute_docstrings(part: type) -> dict[str, str]:
    """The texts that stand under the attributes of a class."""
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(part))).body
    except (OSError, TypeError):
        return {}
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for before, text in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            targets = before.targets if isinstance(before, ast.Assign) else [getattr(before, "target", None)]
            found |= {target.id: text.value.value for target in targets if isinstance(target, ast.Name)}
    return found


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
        home = homes()[annotation.__name__]
        return f"[{annotation.__name__}]({'' if home == page else home}#record-{annotation.__name__.lower()})"
    return WORDS.get(annotation, getattr(annotation, "__name__", str(annotation).removeprefix("typing.")))


WORDS = {
    str: "text", int: "integer", float: "number", bool: "true or false", type(None): "null", Any: "anything",
}  # fmt: skip


def _default(about: Any) -> str:
    if isinstance(about, FieldInfo):
        if about.is_required():
            return "required"
        value = about.get_default(call_default_factory=not about.default_factory_takes_validated_data) \
            if about.default_factory else about.default  # fmt: skip
    elif about.default is dataclasses.MISSING:
        return "" if about.default_factory is dataclasses.MISSING else "empty"
    else:
        value = about.default
    if value in ((), [], {}, ""):
        return "empty"
    return {True: "`true`", False: "`false`", None: "null"}.get(value, f"`{value}`") if _hashable(value) else "see type"


def _hashable(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _bounds(about: Any) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "min_length": "length ≥", "max_length": "length ≤"}
    said = [
        f"{sign} {bound}"
        for limit in getattr(about, "metadata", ())
        for name, sign in signs.items()
        if (bound := getattr(limit, name, None)) is not None
    ]
    return "".join(f", {text}" for text in said)


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
    "reference": "SHA-256 of the first usable reference",
    "references": "number of references of the person",
    "target_width": "pixels",
    "target_height": "pixels",
    "sim_tr": "cosine of target and nearest reference",
    "view": "`as_is`, or `padded` for references of the paper protocol",
    "score": "detection score, 0 to 1",
    "landmarks": "x, y of eye, eye, nose, mouth corner, mouth corner, image-left first; pixels",
    "embedding": "what the recognizer gave, not normalised",
    **_box_columns("", "the face"),
    **_box_columns("target_", "the face taken for the person in the target"),
    **_box_columns("reference_", "the face taken in the reference"),
}


# Options and commands


def options(_: str, page: str) -> str:
    """Every field of RunConfig: its name in a TOML file and in Python, its flag, type, default, range and help."""
    from idbench.config import RunConfig

    flags = _flags()
    said = attribute_docstrings(RunConfig)
    lines = []
    for name, field in RunConfig.model_fields.items():
        flag = flags.get(name)
        facts = [_type(field.annotation, page), f"default {_default(field)}" + _bounds(field)]
        head = f"`{name}`" + (f" &nbsp; `{flag}`" if flag else "")
        meaning = _one_line(field.description or said.get(name, ""))
        lines.append(f"{head}\n:   {'; '.join(facts)}" + (f"<br>{meaning}" if meaning else ""))
    return "\n\n".join(lines)


def _flags() -> dict[str, str]:
    """Field of RunConfig -> flag of `idbench run`: of the same name, or of its singular."""
    (run,) = (command for path, command in command_tree() if path == "idbench run")
    long = [flag for one in run.params for flag in one.opts if flag.startswith("--")]
    by_name = {flag[2:].replace("-", "_"): flag for flag in long}
    return {field: flag for name, flag in by_name.items() for field in (name, f"{name}s")}


@cache
def command_tree() -> list[tuple[str, click.Command]]:
    """Every command with its full name, in the order of the help."""
    from idbench.cli import app

    def walk(name: str, command: Any) -> Iterator[tuple[str, click.Command]]:
        children = getattr(command, "commands", None)
        if children is None:
            yield name, command
        else:
            for child in children.values():
                yield from walk(f"{name} {child.name}", child)

    return list(walk("idbench", typer.main.get_command(app)))


def commands(_: str, __: str) -> str:
    """Usage, help and parameters of every command."""
    return "\n\n".join(_command(name, command) for name, command in command_tree())


def _command(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    wanted = [
        one for one in command.params if one.param_type_name == "option" and not one.hidden and one.name != "help"
    ]
    usage = " ".join([name, *(one.make_metavar(click.Context(command)) for one in arguments), "[OPTIONS]"])
    lines = [f"## {name} {{ #{name.replace(' ', '-')} }}", _prose(command.help or ""), f"```text\n{usage}\n```"]
    lines += [f"`{one.make_metavar(click.Context(command))}`\n:   {_one_line(one.help or '')}" for one in arguments]
    lines += [f"`{_spelled(one, command)}`\n:   {_one_line(one.help or '')}" for one in wanted]
    return "\n\n".join(lines)


def _spelled(option: Any, command: Any) -> str:
    names = ", ".join(option.opts) + "".join(f" / {name}" for name in option.secondary_opts)
    return names if option.is_flag else f"{names} {option.make_metavar(click.Context(command))}"


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
    facts = [f"**{one.title}**", f"range {_range(one)}", DIRECTIONS[one.direction]]
    facts += [one.unit] * bool(one.unit)
    facts += [f"a failure counts {one.failure_value:g}"] * (one.failure_value is not None)
    facts += [f"source: {one.citation}"] * bool(one.citation)
    return " · ".join(facts) + "\n{ .facts }"


def metrics(_: str, __: str) -> str:
    """All metrics in one table."""
    rows = [
        [f"[`{name}`](#{name})", _range(one), DIRECTIONS[one.direction], one.unit, one.meaning or one.title]
        for name, one in _declarations().items()
        if not name.endswith("_failure_aware")
    ]
    return _table(["metric", "range", "direction", "unit", "meaning"], rows)


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

    rows = []
    for name in card_names():
        card = card_of(name)
        people = getattr(card, "max_people", None) or getattr(card, "most_people", None) or "any"
        rows.append(
            [
                f"`{name}`",
                card.kind,
                str(people),
                card.summary,
                f"code {card.licence.code}, weights {card.licence.weights}",
            ]
        )
    return _table(["model", "kind", "people", "what it is", "licence"], rows)


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
