"""The layer test bites: every rule has a small package that breaks it and one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.layers import Package, circles, confined, layer_faults, reach_faults, relative_imports, unit_circles

SOUND = {
    "__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.roof import top\n",
    "ground.py": "import json\nX = 1\n",
    "walls/__init__.py": "from house.walls.north import N\n",
    "walls/north.py": "from house.ground import X\nN = X\n",
    "roof.py": "from house import walls\nfrom house.walls.north import N\ntop = N\n",
}
ORDER = [{"ground"}, {"walls"}, {"roof"}]


@pytest.fixture
def house(tmp_path: Path):
    """The sound package with some files changed."""

    def build(**changed: str) -> Package:
        files = SOUND | {f"{name.replace('__', '/')}.py": text for name, text in changed.items()}
        for name, text in files.items():
            path = tmp_path / "house" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Package(tmp_path / "house")

    return build


def test_a_sound_package_breaks_no_rule(house):
    package = house()
    assert layer_faults(package, ORDER) == []
    assert circles(package, "load", "call", "typing") == []
    assert relative_imports(package) == []
    assert reach_faults(package, {"ground": {"walls", "numpy"}, "roof": {"numpy"}}) == []
    assert reach_faults(package, confined(package, {"walls": {"ground"}})) == []


@pytest.mark.parametrize(
    "text",
    [
        "from house.roof import top",
        "from house import roof",
        "import house.roof as r",
        "from .roof import top",
        "def late():\n    from house import roof",
        "class C:\n    import house.roof",
        "try:\n    import house.roof\nexcept ImportError:\n    pass",
    ],
)
def test_an_import_of_a_higher_layer_is_found_however_it_is_written(house, text):
    faults = layer_faults(house(ground=text), ORDER)
    assert [fault.partition(": ")[2] for fault in faults] == ["ground must not import roof"]


def test_units_of_one_layer_do_not_import_each_other(house):
    assert layer_faults(house(), [{"ground"}, {"walls", "roof"}]) == ["house.roof:1: roof must not import walls",
                                                                     "house.roof:2: roof must not import walls"]  # fmt: skip


def test_imports_for_types_are_free_of_layers(house):
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.roof import top\nX = 1\n"
    assert layer_faults(house(ground=text), ORDER) == []


@pytest.mark.parametrize(
    ("layers", "fault"),
    [
        ([{"ground"}, {"walls"}], "roof: in no layer"),
        ([{"ground"}, {"walls"}, {"roof", "attic"}], "attic: no such unit"),
        ([{"ground"}, {"walls"}, {"roof", "ground"}], "ground: in two layers"),
    ],
)
def test_a_table_that_does_not_fit_the_package_is_a_fault(house, layers, fault):
    assert fault in layer_faults(house(), layers)


def test_a_unit_without_code_is_a_fault(house):
    package = house(cellar____init__='"""Nothing yet."""\n')
    assert layer_faults(package, [{"cellar"}, *ORDER]) == ["cellar: empty"]
    assert reach_faults(package, {"cellar": {"numpy"}}) == ["cellar: no such unit or empty"]
    assert reach_faults(package, {"attic": {"numpy"}}) == ["attic: no such unit or empty"]


def test_a_package_without_modules_is_refused(tmp_path):
    (tmp_path / "house").mkdir()
    with pytest.raises(ValueError, match="no modules"):
        Package(tmp_path / "house")


def test_what_is_reached_through_others_is_found(house):
    package = house(ground="def late():\n    import numpy\nX = 1\n")
    path = "house.roof > house.walls.north > house.ground > numpy"
    assert reach_faults(package, {"roof": {"numpy"}}) == [f"roof must not reach numpy: {path}"]
    assert reach_faults(package, {"roof": {"ground"}}) == [
        "roof must not reach ground: house.roof > house.walls.north > house.ground"
    ]
    assert reach_faults(package, confined(package, {"roof": {"walls"}})) == [
        "roof must not reach ground: house.roof > house.walls.north > house.ground"
    ]


@pytest.mark.parametrize(
    ("text", "when", "found"),
    [
        ("from house import roof\nX = 1\n", ["load"], True),
        ("def late():\n    from house import roof\nX = 1\n", ["load"], False),
        ("def late():\n    from house import roof\nX = 1\n", ["load", "call"], True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house import roof\nX = 1\n", ["load"], False),
        ("import typing\nif typing.TYPE_CHECKING:\n    import house.roof\nX = 1\n", ["load", "typing"], True),
    ],
)
def test_import_circles_are_found_when_they_close(house, text, when, found):
    circle = ["house.ground", "house.roof", "house.walls", "house.walls.north"]
    assert circles(house(ground=text), *when) == ([circle] if found else [])


def test_a_circle_inside_one_unit_is_found_and_is_none_of_units(house):
    package = house(walls__south="from house.walls import north\n", walls__north="import house.walls.south\nN = 1\n")
    assert circles(package, "load") == [["house.walls.north", "house.walls.south"]]
    assert unit_circles(package, "load") == []


def test_units_can_form_a_circle_where_modules_form_none(house):
    package = house(walls__south="from house import roof\n", walls____init__="")
    assert circles(package, "load") == []
    assert unit_circles(package, "load") == [["roof", "walls"]]


def test_a_seam_may_name_types_of_what_is_plugged_in(house):
    package = house(
        ground="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.roof import top\nX = 1\n"
    )
    assert unit_circles(package, "load", "typing") == [["ground", "roof", "walls"]]
    assert unit_circles(package, "load", "typing", seams={"ground"}) == []


def test_a_package_that_runs_what_imports_it_is_a_circle(house):
    package = house(walls__north="from house.walls import extra\nN = 1\n")
    assert circles(package, "load") == [["house.walls", "house.walls.north"]]


@pytest.mark.parametrize("text", ["from . import ground", "from .. import ground", "from .south import S"])
def test_relative_imports_are_found(house, text):
    package = house(walls__south="S = 1\n", walls__north=f"N = 1\n{text}\n")
    assert relative_imports(package) == ["house.walls.north:2"]
