"""The shape of the code: who imports whom, what is loaded when, what is registered."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import idbench
from idbench import errors

PACKAGE = Path(idbench.__file__).parent
ORDER = ["suites", "models", "faces", "metrics", "protocols", "stats"]


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.startswith("idbench")}


def package_imports(folder: str) -> set[str]:
    paths = (
        [PACKAGE / f"{folder}.py"] if (PACKAGE / f"{folder}.py").exists() else list((PACKAGE / folder).rglob("*.py"))
    )
    return {name.split(".")[1] for path in paths for name in imports_of(path) if "." in name}


def test_metrics_know_neither_models_nor_faces_nor_storage():
    assert package_imports("metrics") <= {"metrics", "registry"}


def test_no_stage_imports_a_later_one():
    assert not package_imports("suites") & {
        "models",
        "faces",
        "protocols",
        "stats",
        "scoring",
        "summary",
        "report",
        "run",
    }
    assert not package_imports("faces") & {
        "models",
        "protocols",
        "stats",
        "scoring",
        "summary",
        "report",
        "run",
    }
    assert not package_imports("protocols") & {
        "models",
        "suites",
        "stats",
        "scoring",
        "summary",
        "report",
        "run",
    }
    assert not package_imports("stats") & {"models", "suites", "faces", "scoring", "summary", "report", "run"}
    assert not package_imports("models") & {"protocols", "stats", "scoring", "summary", "report", "run", "generating"}
    assert package_imports("losses") <= {"losses", "faces"}
    assert not package_imports("scoring") & {"summary", "report", "run", "cli"}
    assert not package_imports("summary") & {"faces", "suites", "scoring", "report", "run", "cli"}
    assert not package_imports("report") & {"faces", "suites", "scoring", "run", "cli"}


def test_the_renderer_knows_nothing_of_the_benchmark():
    assert package_imports("synthetic") <= {"synthetic", "records", "images", "errors"}


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
            assert callable(registry.get(name))
    assert entry_points(group="idbench.recognizers")


def test_every_error_is_listed_and_drawn():
    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert classes == set(errors.__all__)
    assert all(name in errors.__doc__ for name in classes)
    assert all(issubclass(getattr(errors, name), errors.IdbenchError) for name in classes)
