"""Manifests, meta.json and parquet columns written otherwise, or wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from support.perturbed.effects import EXACT, Effect, perturbation
from support.perturbed.world import IMAGE, Entry, World

TEXTS: dict[str, Callable[[str], bytes]] = {
    "BOM": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.encode("utf-16-be"),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "BOM, CRLF": lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
    "UTF-16, CRLF": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
    "ASCII": lambda text: "".join(one if one < "\x7f" else f"\\u{ord(one):04x}" for one in text).encode(),
    "no newline": lambda text: text.rstrip("\n").encode(),
    "newlines": lambda text: ("\n" + text + "\n\n").encode(),
}
BAD_TEXTS: dict[str, Callable[[str], bytes]] = {
    "Latin": lambda text: text.encode("latin-1"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "truncated": lambda text: text.encode()[: len(text) // 2],
    "empty": lambda text: b"",
    "pointer": lambda text: b"version https://git-lfs.github.com/spec/v1\noid sha256:00ff\nsize 12\n",
    "link": lambda text: b"../../blobs/0123456789",
    "HTML": lambda text: b"<html>404</html>",
    "Python": lambda text: text.replace('"', "'").encode(),
    "comment": lambda text: b"# made by hand\n" + text.encode(),
    "zeros": lambda text: bytes(len(text)),
    "twice": lambda text: text.encode() * 2,
}


@perturbation("columns", "manifest", "folders")
def text_in_another_encoding(world: World, entry: Entry, rng: random.Random) -> Effect:
    how = rng.choice(list(TEXTS))
    world.text = TEXTS[how]
    return Effect(set(), names=["cases.jsonl", "meta.json"], equal=EXACT, detail=how)


@perturbation("columns", "manifest", "folders")
def text_that_cannot_be_read(world: World, entry: Entry, rng: random.Random) -> Effect:
    how = rng.choice(list(BAD_TEXTS))
    world.text = BAD_TEXTS[how]
    return Effect(set(), names=["cases.jsonl", "meta.json", world.given], detail=how)


@perturbation("columns", "manifest")
def windows_separators(world: World, entry: Entry, rng: random.Random) -> Effect:
    """Paths of the manifest only; the files lie where they lay."""
    how = rng.choice(["windows", "dot", "double", "up"])
    world.path = {
        "windows": lambda name: name.replace("/", "\\"),
        "dot": lambda name: "./" + name,
        "double": lambda name: name.replace("/", "//"),
        "up": lambda name: name.replace("/", "/../photos/", 1),
    }[how]
    return Effect(set(), names=["cases.jsonl"], equal=EXACT, detail=how)


@perturbation("columns", "manifest")
def paths_that_lead_out(world: World, entry: Entry, rng: random.Random) -> Effect:
    change = rng.choice(
        [
            lambda name: "/data/" + name,
            lambda name: "C:\\data\\" + name,
            lambda name: "../" + name,
            lambda name: "photos/../../" + name,
        ]
    )
    entry.more["target"] = change(entry.target.name)
    return Effect({entry.was}, names=[entry.more["target"], entry.target.name])


@perturbation("columns", "manifest")
def rows_in_another_order(world: World, entry: Entry, rng: random.Random) -> Effect:
    world.manifest = lambda lines: "\n".join(rng_order(lines)) + "\n"
    order = rng.sample(range(len(world.entries)), len(world.entries))

    def rng_order(lines: list[str]) -> list[str]:
        return [lines[i] for i in order] if len(lines) == len(order) else lines[::-1]

    return Effect(set(), equal=EXACT)


@perturbation("columns", "parquet")
def parquet_rows_in_another_order(world: World, entry: Entry, rng: random.Random) -> Effect:
    order = rng.sample(range(len(world.entries)), len(world.entries))
    world.table.append(lambda table: table.take(order) if len(table) == len(order) else table)
    return Effect(set(), equal=EXACT)


@perturbation("columns", "manifest")
def one_array_in_place_of_lines(world: World, entry: Entry, rng: random.Random) -> Effect:
    how = rng.choice([
        lambda lines: json.dumps([json.loads(line) for line in lines], indent=2),
        lambda lines: "[" + ",".join(lines) + "]",
        lambda lines: "[\n" + ",\n".join(lines) + "\n]\n",
        lambda lines: json.dumps({"cases": [json.loads(line) for line in lines]}),
        lambda lines: "\n".join(json.dumps(json.loads(line), indent=1) for line in lines),
        lambda lines: "".join(lines),
        lambda lines: ",\n".join(lines),
    ])  # fmt: skip
    world.manifest = how
    return Effect(set(), names=["cases.jsonl"])


@perturbation("columns", "manifest")
def a_row_of_the_manifest_is_wrong(world: World, entry: Entry, rng: random.Random) -> Effect:
    how = rng.choice(
        [
            "id",
            "no id",
            "no prompt",
            "no people",
            "null",
            "unknown",
            "target",
            "number",
            "references",
            "text",
            "gone",
            "twice",
            "box",
        ]
    )
    change: dict[str, Callable[[dict[str, Any]], Any]] = {
        "id": lambda row: row | {"id": 7},
        "no id": lambda row: {key: value for key, value in row.items() if key != "id"},
        "no prompt": lambda row: {key: value for key, value in row.items() if key != "prompt"},
        "no people": lambda row: row | {"people": []},
        "null": lambda row: None,
        "unknown": lambda row: row | {"caption": "x"},
        "target": lambda row: {("gt" if key == "target" else key): value for key, value in row.items()},
        "number": lambda row: row | {"target": 7},
        "references": lambda row: row | {"people": [{"reference": "a.png"}]},
        "text": lambda row: row | {"people": [{"references": row["people"][0]["references"][0]}]},
        "gone": lambda row: "gone",
        "twice": lambda row: "twice",
        "box": lambda row: row | {"people": [one | {"bbox": one.get("box")} for one in row["people"]]},
    }

    def rewrite(lines: list[str]) -> str:
        text = []
        for line in lines:
            row = json.loads(line)
            changed = change[how](row) if row["id"] == entry.id else row
            text += (
                {"gone": [], "twice": [line, line]}.get(changed, [])
                if isinstance(changed, str)
                else [json.dumps(changed, ensure_ascii=False)]
            )
        return "".join(one + "\n" for one in text)

    world.manifest = rewrite
    return Effect({entry.was}, names=["cases.jsonl, line", *(image.name for image in entry.images)], detail=how)


@perturbation("columns")
def no_target(world: World, entry: Entry, rng: random.Random) -> Effect:
    entry.target = None
    return Effect({entry.was})


@perturbation("columns")
def no_prompt(world: World, entry: Entry, rng: random.Random) -> Effect:
    """Prompts are not measured here."""
    entry.prompt = rng.choice(["", " ", "x" * 100_000])
    return Effect({entry.was}, equal=EXACT)


@perturbation("columns", "folders", "parquet")
def wrong_number_of_people(world: World, entry: Entry, rng: random.Random) -> Effect:
    entry.more["num_persons"] = rng.choice([len(entry.people) + 1, max(1, len(entry.people) - 1), 0, -1, 99, 2**31 - 1])
    wrong = entry.more["num_persons"] != len(entry.people)
    return Effect({entry.was}, said=wrong, detail=str(entry.more["num_persons"]))


@perturbation("columns", "folders", "parquet")
def number_of_people_written_otherwise(world: World, entry: Entry, rng: random.Random) -> Effect:
    kind = rng.choice([str, float])
    for one in world.entries:
        one.more["num_persons"] = kind(len(one.people))
    return Effect(set(), equal=EXACT, detail=kind.__name__)


@perturbation("columns", "folders", "parquet")
def last_person_missing_and_number_as_text(world: World, entry: Entry, rng: random.Random) -> Effect:
    """Who counts people by `num_persons` must read it however it is written."""
    entry = rng.choice([one for one in world.entries if len(one.people) > 1])
    kind = rng.choice([str, float])
    for one in world.entries:
        one.more["num_persons"] = kind(len(one.people))
        one.more["bboxes"] = None
    if world.form == "parquet":
        cells = [{"bytes": one.photos[0].data, "path": None} for one in entry.people]
        entry.more["input_images"] = [*cells[:-1], {"bytes": None, "path": None}]
    else:
        entry.people[-1].photos.clear()
    return Effect(set(), said=True)


@perturbation("columns", "folders", "parquet")
def boxes_left_out(world: World, entry: Entry, rng: random.Random) -> Effect:
    """Of one case of many."""
    entry.more["bboxes"] = None
    return Effect({entry.was})


@perturbation("columns", "folders")
def meta_is_wrong(world: World, entry: Entry, rng: random.Random) -> Effect:
    bad = rng.choice(
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'{"prompt": null}',
            b'{"caption": "x"}',
            b'{"prompt": 7}',
            b'"text"',
            b"\xff\xfe\0",
            b'{"prompt": "a"} {"prompt": "b"}',
            b'{"prompt": "a", "bboxes": {}}',
            b"version https://git-lfs.github.com/spec/v1\n",
        ]
    )
    world.after.append(lambda root: (root / world.suite / entry.id / "meta.json").write_bytes(bad))
    return Effect({entry.was}, names=["meta.json"], detail=str(bad))


@perturbation("columns", "folders")
def meta_in_capitals(world: World, entry: Entry, rng: random.Random) -> Effect:
    world.meta = rng.choice(["META.JSON", "Meta.json", "meta.JSON"])
    return Effect(set(), equal=EXACT)


def _cast(name: str, kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        at = table.schema.get_field_index(name)
        return table.set_column(at, name, pa.chunked_array([pa.array(table[name].to_pylist(), kind)]))

    return change


def _bare(table: pa.Table) -> pa.Table:
    cells = [one and one["bytes"] for one in table["GT"].to_pylist()]
    return table.set_column(table.schema.get_field_index("GT"), "GT", pa.array(cells, pa.large_binary()))


def _with_paths(table: pa.Table) -> pa.Table:
    cells = [one and {"path": f"x/{i}.png", "bytes": one["bytes"]} for i, one in enumerate(table["GT"].to_pylist())]
    return table.set_column(table.schema.get_field_index("GT"), "GT", pa.array(cells))


def _padded(table: pa.Table) -> pa.Table:
    rows = table["input_images"].to_pylist()
    longest = max(map(len, rows))
    padded = [[*row, *[None] * (longest - len(row))] for row in rows]
    kind = pa.list_(IMAGE, longest)
    return table.set_column(table.schema.get_field_index("input_images"), "input_images", pa.array(padded, kind))


def _lists_of_boxes(table: pa.Table) -> pa.Table:
    rows = [text and json.loads(text) for text in table["bboxes"].to_pylist()]
    return table.set_column(table.schema.get_field_index("bboxes"), "bboxes", pa.array(rows))


LARGE_IMAGE = pa.struct([("bytes", pa.large_binary()), ("path", pa.large_string())])
COLUMNS: dict[str, Callable[[pa.Table], pa.Table]] = {
    "dictionary": lambda t: t.set_column(0, "ID", t["ID"].dictionary_encode()),
    "large": lambda t: _cast("prompt", pa.large_string())(_cast("ID", pa.large_string())(t)),
    "view": lambda t: _cast("prompt", pa.string_view())(_cast("ID", pa.string_view())(t)),
    "view of boxes": _cast("bboxes", pa.string_view()),
    "dictionary of boxes": lambda t: t.set_column(t.schema.get_field_index("bboxes"), "bboxes", t["bboxes"].dictionary_encode()),
    "dictionary of subsets": lambda t: t.set_column(t.schema.get_field_index("subset"), "subset", t["subset"].dictionary_encode()),
    "large list": _cast("input_images", pa.large_list(IMAGE)),
    "large images": _cast("GT", LARGE_IMAGE),
    "large list of large": _cast("input_images", pa.large_list(LARGE_IMAGE)),
    "padded": _padded,
    "bare bytes": _bare,
    "paths beside bytes": _with_paths,
    "lists of boxes": _lists_of_boxes,
    "more": lambda t: t.append_column("split", pa.array(["test"] * len(t))).append_column("n", pa.array(range(len(t)))),
    "index": lambda t: t.append_column("__index_level_0__", pa.array(range(len(t)))),
    "other order": lambda t: t.select(t.column_names[::-1]),
    "no task": lambda t: t.drop_columns(["task_type"]),
    "metadata": lambda t: t.replace_schema_metadata({"huggingface": "{}"}),
}  # fmt: skip


@perturbation("columns", "parquet")
def columns_of_other_types(world: World, entry: Entry, rng: random.Random) -> Effect:
    how = rng.choice(list(COLUMNS))
    world.table.append(COLUMNS[how])
    return Effect(set(), equal=EXACT, detail=how)


@perturbation("columns", "parquet")
def column_renamed_or_missing(world: World, entry: Entry, rng: random.Random) -> Effect:
    name = rng.choice(["ID", "GT", "input_images", "prompt", "bboxes", "subset", "num_persons"])
    other = rng.choice(
        [
            None,
            name.lower() if name != name.lower() else name.upper(),
            f"{name}_",
            name.replace("_", ""),
            " " + name,
            "\ufeff" + name,
        ]
    )

    def change(table: pa.Table) -> pa.Table:
        if other is None or other == name:
            return table.drop_columns([name])
        return table.rename_columns([other if one == name else one for one in table.column_names])

    world.table.append(change)
    missing = other in (None, name)
    equal = EXACT if missing and name in ("subset", "num_persons") else None
    return Effect(set(), names=[world.parquet, name], equal=equal, detail=f"{name} -> {other}")


@perturbation("columns", "parquet")
def cells_that_are_null(world: World, entry: Entry, rng: random.Random) -> Effect:
    name = rng.choice(["ID", "GT", "input_images", "prompt", "subset", "num_persons", "bboxes"])
    entry.more[name] = None
    equal = EXACT if name in ("prompt", "num_persons", "subset") else None
    return Effect(
        {entry.was},
        names=["case number", world.parquet, *(image.name for image in entry.images)],
        equal=equal,
        detail=name,
    )


@perturbation("columns", "parquet")
def ids_as_numbers(world: World, entry: Entry, rng: random.Random) -> Effect:
    world.table.append(lambda table: table.set_column(0, "ID", pa.array(range(len(table)))))
    return Effect(set(), names=[world.parquet])


@perturbation("columns", "parquet")
def a_row_twice(world: World, entry: Entry, rng: random.Random) -> Effect:
    world.table.append(lambda table: pa.concat_tables([table, table.slice(0, 1)]))
    world.rows_per_file = 100
    first = world.entries[0]
    return Effect({first.was}, names=[first.id])


@perturbation("columns", "parquet")
def rows_that_are_gone(world: World, entry: Entry, rng: random.Random) -> Effect:
    count = rng.randrange(len(world.entries))
    world.table.append(lambda table: table.slice(0, count))
    return Effect(set(), names=[world.suite, world.parquet])


@perturbation("columns", "parquet")
def other_files_and_places(world: World, entry: Entry, rng: random.Random) -> Effect:
    world.rows_per_file = rng.choice([1, 2, 3])
    world.parquet = rng.choice(
        ["00000.parquet", "p1/00000.parquet", "default/train/00000.parquet", "data/00000.PARQUET"]
    )
    world.beside[f"{world.suite}/{world.parquet.rpartition('/')[0] or '.'}/._00000.parquet"] = b"\0\5\26\7"
    return Effect(set(), equal=EXACT)


@perturbation("columns", "parquet")
def parquet_in_two_depths(world: World, entry: Entry, rng: random.Random) -> Effect:
    """Files of which some lie in the folder and some deeper: those deeper are not read."""
    world.rows_per_file = 3

    def change(root):
        files = sorted((root / world.suite).rglob("*.parquet"))
        files[0].rename(root / world.suite / "first.parquet")

    world.after.append(change)
    return Effect(set(), names=[world.suite, world.parquet, "00001-of-00001.parquet"])


@perturbation("columns", "parquet")
def parquet_that_cannot_be_read(world: World, entry: Entry, rng: random.Random) -> Effect:
    how = rng.choice(["truncated", "empty", "pointer", "link", "HTML", "middle"])

    def change(root):
        for file in (root / world.suite).rglob("*.parquet"):
            data = file.read_bytes()
            middle = data[: len(data) // 3] + bytes(2000) + data[len(data) // 3 + 2000 :]
            bad = {"truncated": data[:-50], "empty": b"", "middle": middle}
            file.write_bytes(bad[how] if how in bad else BAD_TEXTS[how](""))

    world.after.append(change)
    return Effect(set(), names=["train-00000-of-00001.parquet", world.suite], detail=how)
