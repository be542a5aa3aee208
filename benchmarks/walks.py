"""How far a reader walks to follow one image through the code.

    python benchmarks/walks.py [--list] [--json]

One case of two rendered people and one folder of images (its image is the case's own target) are scored with `mini`,
without oracles, from an empty cache, under a profiler. Three figures:

files entered while scoring
    Source files of idbench of which any function runs, in any thread, while a case and its image become rows of
    scores: from entry to exit of the stage `scoring` below. What finds and embeds faces ran before, on the suite's
    photos; the file that turns an image into faces counts, the networks' files do not.
calls between files, from a score row to the page
    Function calls while rows of scores are read and become a summary, and that the page and its tables: inside the
    stages under `page`. A call counts where caller and called stand in different files of idbench; a caller outside
    (jinja, pandas) stands for the nearest function of idbench that called it. A generator counts each time it is
    resumed. Calls inside a file are left out: they are what one screen shows.
calls that hand the configuration into run.py
    In the text of run.py: calls of its own functions that take a `RunConfig`, and the one from outside, `execute`.

What is executed by an import does not count. The figures do not depend on the machine; seconds are not measured.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FrameType

import idbench
from idbench.config import RunConfig
from idbench.images import encode_png
from idbench.run import execute
from idbench.synthetic.plans import CasePlan, plan_cases, render_reference, render_target

STAGES = {
    "scoring": ["idbench.scoring:score_cases"],
    "page": ["idbench.tables:read_tables", "idbench.summary:summarise", "idbench.report:write_report"],
}
"""Functions between whose entry and exit is counted. Whoever renames one renames it here."""

GOALS = {"files": 15, "calls": 300, "configuration": 3}
TITLES = {
    "files": "files entered while scoring",
    "calls": "calls between files, from a score row to the page",
    "configuration": "calls that hand the configuration into run.py",
}
ROOT = Path(idbench.__file__).parent


@dataclass
class Walk:
    """What ran inside a stage."""

    files: set[str] = field(default_factory=set)
    """Relative to the package."""
    crossings: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Calls from one file to a function (`file:name`) of another."""


class Tracer:
    """Follows calls of idbench's functions while a stage is open; one inside another belongs to the outer."""

    def __init__(self) -> None:
        self.walks = {name: Walk() for name in STAGES}
        self._stages = {_code(path): name for name, paths in STAGES.items() for path in paths}
        self._open = ""
        self._opened_by: FrameType | None = None

    @contextmanager
    def following(self) -> Iterator[None]:
        """Profile this thread and those started inside."""
        threading.setprofile(self._event)
        sys.setprofile(self._event)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def _event(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code in self._stages and not self._open:
            self._open, self._opened_by = self._stages[code], frame
        function = code.co_flags & CO_OPTIMIZED  # bodies of modules and classes are not
        if event == "call" and self._open and function and (file := _file(code)):
            self._count(self.walks[self._open], frame, file)
        if event == "return" and frame is self._opened_by:
            self._open, self._opened_by = "", None

    @staticmethod
    def _count(walk: Walk, frame: FrameType, file: str) -> None:
        walk.files.add(file)
        caller = _caller(frame)
        if caller not in ("", file):
            walk.crossings[caller, f"{file}:{frame.f_code.co_name}"] += 1


def _code(path: str) -> CodeType:
    """The code of `module:function`."""
    module, _, name = path.partition(":")
    code = getattr(import_module(module), name).__code__
    assert isinstance(code, CodeType)
    return code


def _file(code: CodeType) -> str:
    """A file of idbench, relative to it; empty for others."""
    path = Path(code.co_filename)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else ""


def _caller(frame: FrameType) -> str:
    """The file of the nearest caller inside idbench; empty without one."""
    above = frame.f_back
    while above is not None:
        if file := _file(above.f_code):
            return file
        above = above.f_back
    return ""


def one_case(folder: Path) -> tuple[Path, Path]:
    """A folder suite of one rendered case of two people, and a folder with an image for it."""
    plan = next(plan for plan in plan_cases(48) if len(plan.people) == 2)
    suite, images = folder / "suite", folder / "images"
    photos = suite / plan.id
    photos.mkdir(parents=True)
    images.mkdir()
    target = render_target(plan)
    for path in (photos / "target.png", images / f"{plan.id}.png"):
        path.write_bytes(encode_png(target.pixels))
    boxes = [[float(edge) for edge in face.box] for face in target.faces]
    (suite / "cases.jsonl").write_text(json.dumps(_row(plan, boxes, suite)) + "\n", encoding="utf-8")
    return suite, images


def _row(plan: CasePlan, boxes: list[list[float]], suite: Path) -> dict[str, object]:
    """The case's line of the manifest; draws the references."""
    people = []
    for i, (person, box) in enumerate(zip(plan.people, boxes, strict=True)):
        name = f"{plan.id}/reference-{i + 1}.png"
        (suite / name).write_bytes(encode_png(render_reference(person, 0).pixels))
        people.append({"references": [name], "box": box, "identity": person.label})
    return {"id": plan.id, "prompt": plan.prompt, "target": f"{plan.id}/target.png", "people": people}


def trace() -> dict[str, Walk]:
    """Score the case under the tracer; per stage what ran."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suite, images = one_case(folder)
        config = RunConfig(
            suite=str(suite),
            images={"model": str(images)},
            recognizers=("mini",),
            detector="mini",
            allow_mini=True,
            oracles=False,
            resamples=100,
            out=str(folder / "run"),
            cache=str(folder / "cache"),
        )
        tracer = Tracer()
        with tracer.following():
            execute(config)
    return tracer.walks


def handovers(path: Path) -> list[str]:
    """Functions that take a `RunConfig`, one per call of them in a module's text, `execute` first."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    takers = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and "RunConfig" in _inputs(node)
    }
    called = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return ["execute", *(name for name in called if name in takers)]


def _inputs(node: ast.FunctionDef | ast.ClassDef) -> str:
    """Types of a function's parameters, or of a class's fields and what it is made from."""
    if isinstance(node, ast.FunctionDef):
        return ast.unparse(node.args)
    parts = [part for part in node.body if isinstance(part, ast.AnnAssign)]
    made = [part.args for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
    return " ".join(map(ast.unparse, [*parts, *made]))


def show(figures: dict[str, int], walks: dict[str, Walk], handed: list[str], details: bool) -> None:
    """Print a table, with `details` also what was counted."""
    print(f"{'':<52} found  goal")
    for name, found in figures.items():
        print(f"{TITLES[name]:<52} {found:5d} {GOALS[name]:5d}")
    if not details:
        return
    print("\nfiles:", *sorted(walks["scoring"].files), sep="\n  ")
    print("\ncalls:")
    for (caller, called), count in walks["page"].crossings.most_common():
        print(f"  {count:4d}  {caller} -> {called}")
    print("\nconfiguration:", *handed, sep="\n  ")


def main() -> None:
    """Trace, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="also list what was counted")
    parser.add_argument("--json", action="store_true", help="as JSON")
    given = parser.parse_args()
    walks = trace()
    handed = handovers(ROOT / "run.py")
    counts = (len(walks["scoring"].files), walks["page"].crossings.total(), len(handed))
    figures = dict(zip(GOALS, counts, strict=True))
    if given.json:
        print(json.dumps(figures))
    else:
        show(figures, walks, handed, given.list)


if __name__ == "__main__":
    main()
