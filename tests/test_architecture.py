"""The shape of the code: who imports whom, what is loaded when, what is registered."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from support.layers import Package, circles, confined, layer_faults, reach_faults, relative_imports, unit_circles

import idbench
from idbench import errors

LAYERS = [
    {
        "errors",
        "kinds",
        "links",
        "local_names",
        "platform",
        "progress",
        "schema",
        "shipped",
        "shown_cases",
        "spec_text",
        "text_files",
        "threads",
    },
    {
        "hub",
        "image_formats",
        "options",
        "out_folder",
        "registry",
        "run_files",
        "store",
        "torch_weights",
        "typed_tables",
    },
    {"config", "images", "metrics", "render"},
    {"image_remarks", "stats", "synthetic"},
    {"records"},
    {"faces", "provenance", "suites"},
    {"encoders", "losses", "protocols", "run_folder", "tables", "thumbnails"},
    {"models"},
    {"generate"},
    {"scoring", "summary"},
    {"calibrate", "defaults", "prepare", "report"},
    {"account", "describe"},
    {"run"},
    {"api", "diagnostics"},
    {"cli"},
    {"__main__"},
]
"""Lowest first: a unit imports only units of lower layers."""

SEAMS = {"kinds", "registry"}
"""Units that name the types of what is plugged into them."""

ALLOWED = {
    "metrics": {"registry", "kinds", "errors"},
    "stats": {"metrics", "registry", "kinds", "errors"},
    "synthetic": {"images", "image_formats", "text_files", "store", "platform", "schema", "errors"},
    "config": {"options", "schema", "spec_text", "text_files", "errors"},
    "losses": {
        "faces",
        "images",
        "image_formats",
        "image_remarks",
        "text_files",
        "store",
        "platform",
        "registry",
        "kinds",
        "spec_text",
        "torch_weights",
        "errors",
    },
}
"""What these may reach at all, through however many imports."""

FORBIDDEN = {
    "metrics": {"cv2", "pandas", "torch", "PIL"},
    "stats": {"cv2", "torch", "PIL"},
    "suites": {"faces", "models", "torch"},
    "faces": {"suites", "models", "records"},
    "protocols": {"suites", "models", "stats"},
    "records": {"models", "faces", "suites", "cv2"},
    "summary": {"faces", "models", "suites", "cv2", "torch"},
    "render": {"metrics", "stats", "records", "summary", "cv2", "torch"},
    "report": {"faces", "models", "suites", "thumbnails", "scoring", "calibrate", "run", "cli", "cv2", "torch"},
    "calibrate": {"report"},
    "scoring": {"summary", "report"},
    "models": {"protocols", "stats", "scoring", "summary"},
}

LOADED = {
    "config": {"idbench.synthetic", "idbench.models", "idbench.faces", "cv2", "pandas", "torch"},
    "records.summary": {"idbench.models", "idbench.faces", "idbench.suites", "cv2", "pandas"},
    "summary": {"idbench.models", "idbench.faces", "idbench.suites", "cv2", "torch"},
    "report": {"idbench.models", "idbench.faces", "idbench.suites", "idbench.scoring", "cv2", "torch", "onnxruntime"},
    "metrics": {"idbench.store", "cv2", "pandas", "torch"},
    "cli": {"pydantic", "numpy", "pandas", "cv2", "torch", "rich.progress"},
}
"""Module -> what importing it must not load."""


@pytest.fixture(scope="module")
def package() -> Package:
    return Package(Path(idbench.__file__).parent)


def test_units_import_lower_layers_only(package):
    assert not layer_faults(package, LAYERS)


def test_no_import_circles(package):
    """Within a unit types may know each other; between units not even types do, seams apart."""
    assert not circles(package, "load")
    assert not unit_circles(package, "load", "call", "typing", seams=SEAMS)


def test_no_relative_imports(package):
    assert not relative_imports(package)


def test_what_must_not_be_reached_is_not_through_any_number_of_imports(package):
    assert not reach_faults(package, confined(package, ALLOWED))
    assert not reach_faults(package, FORBIDDEN)


@pytest.mark.parametrize("module", LOADED)
def test_importing_a_module_does_not_load(module):
    script = f"import sys, idbench.{module}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=120)
    loaded = set(done.stdout.split())
    assert f"idbench.{module}" in loaded
    assert not loaded & LOADED[module]


def test_importing_idbench_and_help_load_no_network_library():
    script = (
        "import sys, runpy\n"
        "import idbench, idbench.metrics\n"
        "sys.argv = ['idbench', '--help']\n"
        "try:\n    from idbench.cli import main; main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'diffusers', 'onnxruntime', 'insightface', 'cv2', 'matplotlib', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=60)


def test_built_ins_come_through_the_same_door_as_third_parties():
    from idbench.registry import detectors, models, recognizers, suites

    for registry, names in (
        (suites, {"multiid-bench", "folder", "synthetic"}),
        (recognizers, {"insightface", "onnx", "facenet", "adaface", "mini"}),
        (detectors, {"insightface", "mtcnn", "mini"}),
        (models, {"images", "sim", "diffusers", "withanyone"}),
    ):
        assert names <= set(registry.names())
        for name in names & {"multiid-bench", "folder", "synthetic", "insightface", "onnx", "mini", "images", "sim"}:
            assert callable(registry.get(name).open)
    assert entry_points(group="idbench.recognizers")


def test_every_error_is_listed_and_drawn():
    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert classes == set(errors.__all__)
    assert all(name in errors.__doc__ for name in classes)
    assert all(issubclass(getattr(errors, name), errors.IdbenchError) for name in classes)
