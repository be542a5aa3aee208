"""Who imports whom in a package: read from its source, and held against rules.

An import counts where it is followed when modules load (`load`), only when a function is called (`call`), or only
when types are checked (`typing`). Importing `a.b.c` runs `a` and `a.b` first; that is no import of theirs.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

When = Literal["load", "call", "typing"]


@dataclass(frozen=True)
class Import:
    """One name that a module imports; `target` is the module it comes from, of this package or of another."""

    module: str
    target: str
    line: int
    when: When
    relative: bool = False


class Package:
    """A package's modules and their imports.

    A *unit* is what stands directly below the package: a module or a folder of modules.
    """

    def __init__(self, root: Path) -> None:
        self.name = root.name
        self.files = {self._module_of(path, root): path for path in sorted(root.rglob("*.py"))}
        if not self.files:
            raise ValueError(f"no modules in {root}")
        self._trees = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in self.files.items()}
        self.imports = [one for module in self.files for one in self._imports_of(module)]

    @cached_property
    def units(self) -> dict[str, list[str]]:
        """Modules with code by unit; a package whose `__init__` is all there is and says nothing has none."""
        found: dict[str, list[str]] = {}
        for module, tree in self._trees.items():
            if unit := self.unit_of(module):
                found.setdefault(unit, []).extend([module] if _has_code(tree) else [])
        return found

    def unit_of(self, module: str) -> str:
        """The unit of a module; empty for the package itself."""
        return module.removeprefix(self.name).removeprefix(".").partition(".")[0]

    def edges(self, *when: When) -> dict[str, set[str]]:
        """Module -> modules and other packages it imports then.

        What the package's own `__init__` imports on demand is for users; nothing inside follows it.
        """
        graph: dict[str, set[str]] = {module: set() for module in self.files}
        for one in self.imports:
            on_demand = one.module == self.name and one.when != "load"
            if one.when in when and one.target != one.module and not on_demand:
                graph[one.module].add(one.target)
        return graph

    def _module_of(self, path: Path, root: Path) -> str:
        parts = path.relative_to(root.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _imports_of(self, module: str) -> Iterator[Import]:
        for node, when in _import_nodes(self._trees[module], "load"):
            if isinstance(node, ast.Import):
                yield from (Import(module, self._target(alias.name), node.lineno, when) for alias in node.names)
            else:
                base = self._base(module, node)
                for alias in node.names:
                    target = self._target(f"{base}.{alias.name}")
                    yield Import(module, target, node.lineno, when, node.level > 0)

    def _base(self, module: str, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        is_package = self.files[module].name == "__init__.py"
        above = module.split(".")[: len(module.split(".")) - node.level + is_package]
        return ".".join([*above, *filter(None, [node.module])])

    def _target(self, name: str) -> str:
        """The module that a dotted name lies in; of other packages the first part."""
        if name.partition(".")[0] != self.name:
            return name.partition(".")[0]
        while name not in self.files:
            name = name.rpartition(".")[0]
        return name


def relative_imports(package: Package) -> list[str]:
    """`module:line` of every relative import."""
    return [f"{one.module}:{one.line}" for one in package.imports if one.relative]


def circles(package: Package, *when: When) -> list[list[str]]:
    """Groups of modules that import each other, directly or not; each sorted."""
    return _circles(package.edges(*when))


def unit_circles(package: Package, *when: When, seams: Collection[str] = ()) -> list[list[str]]:
    """Groups of units that import each other, directly or not; each sorted.

    seams : units that may name types of what is plugged into them: their imports for types are not followed.
    """
    graph: dict[str, set[str]] = {unit: set() for unit in package.units}
    for one in package.imports:
        unit = package.unit_of(one.module)
        named_only = one.when == "typing" and unit in seams
        if unit and one.when in when and one.target in package.files and not named_only:
            graph[unit] |= {package.unit_of(one.target)} - {unit}
    return _circles(graph)


def layer_faults(package: Package, layers: Sequence[Collection[str]]) -> list[str]:
    """Where units break an order of layers, lowest first: a unit imports only itself and units of lower layers.

    All imports count but those for types. Units that no layer names, names that are no unit, units without code and
    names that stand twice are faults too.
    """
    units = package.units
    level = {unit: i for i, layer in enumerate(layers) for unit in layer}
    named = [unit for layer in layers for unit in layer]
    faults = [f"{unit}: in no layer" for unit in units if unit not in level]
    faults += [f"{unit}: in two layers" for unit in sorted({unit for unit in named if named.count(unit) > 1})]
    faults += [f"{unit}: no such unit" for unit in named if unit not in units]
    faults += [f"{unit}: empty" for unit in named if not units.get(unit, [unit])]
    for one in package.imports:
        unit, used = package.unit_of(one.module), package.unit_of(one.target)
        inside = one.target in package.files and one.when != "typing"
        if inside and used != unit and unit in level and used in level and level[used] >= level[unit]:
            faults.append(f"{one.module}:{one.line}: {unit} must not import {used}")
    return list(dict.fromkeys(faults))


def reach_faults(package: Package, forbidden: Mapping[str, Collection[str]]) -> list[str]:
    """Where a unit reaches what it must not: another unit or another package, through however many imports.

    All imports count but those for types. A name in front that is no unit with code is a fault.
    """
    units, graph = package.units, package.edges("load", "call")
    faults = [f"{unit}: no such unit or empty" for unit in forbidden if not units.get(unit)]
    for unit, goals in forbidden.items():
        before = _walk(graph, units.get(unit, []))
        for goal in goals:
            if ends := [module for module in before if module in units.get(goal, [goal])]:
                faults.append(f"{unit} must not reach {goal}: {' > '.join(_way(before, ends[0]))}")
    return faults


def confined(package: Package, allowed: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """For `reach_faults`: units that may reach `allowed` ones only must not reach any other."""
    return {unit: {*package.units} - {unit, *others} for unit, others in allowed.items()}


def _circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    reached = {node: _reach(graph, node) for node in graph}
    groups = {frozenset(other for other in reached[node] if node in reached.get(other, ())) for node in graph}
    return sorted(sorted(group) for group in groups if group)


def _reach(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """What is reached from `start` in one step or more."""
    return set(_walk(graph, sorted(graph[start])))


def _walk(graph: Mapping[str, set[str]], starts: Iterable[str]) -> dict[str, str]:
    """What is reached from `starts`, nearest first, with where one came from; starts come from nowhere."""
    before = dict.fromkeys(starts, "")
    waiting = deque(before)
    while waiting:
        node = waiting.popleft()
        for target in sorted(graph.get(node, set()) - before.keys()):
            before[target] = node
            waiting.append(target)
    return before


def _way(before: Mapping[str, str], end: str) -> list[str]:
    way = [end]
    while before[way[0]]:
        way.insert(0, before[way[0]])
    return way


def _import_nodes(node: ast.AST, when: When) -> Iterator[tuple[ast.Import | ast.ImportFrom, When]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, when
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for inner in child.body:
                yield from _import_nodes(ast.Module([inner], []), "typing")
            for inner in child.orelse:
                yield from _import_nodes(ast.Module([inner], []), when)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _import_nodes(child, "typing" if when == "typing" else "call")
        else:
            yield from _import_nodes(child, when)


def _has_code(tree: ast.Module) -> bool:
    """Whether a module is more than a docstring."""
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in tree.body)
