"""What another package registers is listed and explained as what comes with idbench is."""

from __future__ import annotations

import json

BROKEN = "recognizer 'broken' cannot be loaded: RuntimeError: the licence server does not answer"


def test_recognizers_say_form_family_and_what_is_here(idbench):
    rows = {row["kind"]: row for row in json.loads(idbench("recognizers", "--json").stdout)}
    assert rows["colours"] == {
        "kind": "colours", "form": "colours[:PALETTE]", "what": "compares colours", "family": "colours",
        "here": "two palettes",
    }  # fmt: skip
    assert rows["brightness"]["what"] == "from idbench-studio 1.5" and rows["brightness"]["here"] == "installed"
    assert rows["brightness"].keys() == rows["insightface"].keys()


def test_a_package_that_cannot_be_loaded_says_so_and_stops_nothing_else(idbench, tmp_path):
    rows = {row["kind"]: row for row in json.loads(idbench("recognizers", "--json").stdout)}
    assert rows["broken"]["what"] == "cannot be loaded"
    assert rows["broken"]["here"] == BROKEN
    asked = idbench("run", "--recognizer", "broken", "--out", tmp_path / "run")
    assert asked.returncode == 1 and not (tmp_path / "run").exists()
    assert asked.stderr.splitlines()[-1] == f"idbench: {BROKEN}"


def test_doctor_reports_every_seam(idbench):
    found = json.loads(idbench("doctor", "--json").stdout)
    assert found["recognizers"]["colours"] == "two palettes"
    assert found["recognizers"]["broken"] == BROKEN
    assert found["detectors"]["middle"] == "installed" and found["models"]["studio"] == "installed"
    assert found["suites"]["squares"] == "drawn when read (CC0)"
    assert found["metrics of other packages"] == {"same_sign": "same sign"}


def test_models_and_suites_are_listed_as_they_list_themselves(idbench):
    models = {row["model"]: row for row in json.loads(idbench("models", "list", "--json").stdout)}
    assert models["studio:portrait"] == {"model": "studio:portrait", "people": "1", "what": "a portrait in grey"}
    assert models["flat[:LOCATION]"]["what"] == "from idbench-studio 1.5"
    suites = json.loads(idbench("suites", "list", "--json").stdout)
    assert suites["squares"] == {
        "form": "squares[:COUNT]", "what": "squares of noise", "licence": "CC0", "state": "drawn when read",
    }  # fmt: skip


def test_help_names_them_beside_the_built_in_ones(idbench):
    for command in ("run", "calibrate"):
        text = " ".join(idbench(command, "--help").stdout.split())
        assert "adaface, brightness, broken, colours, facenet, insightface, mini, onnx" in text
        assert "insightface, middle, mini, mtcnn" in text
    assert "flat" in idbench("run", "--help").stdout and "squares" in idbench("run", "--help").stdout


def test_a_suite_of_another_package_opens_by_name_and_by_path(idbench, tmp_path):
    shown = json.loads(idbench("suites", "show", "squares:3", "--json").stdout)
    assert (shown["name"], shown["cases"], shown["licence"]) == ("squares", 3, "CC0")
    (tmp_path / "my.squares").write_text("")
    shown = json.loads(idbench("suites", "show", tmp_path / "my.squares", "--json").stdout)
    assert shown["source"] == str(tmp_path / "my.squares") and shown["cases"] == 1
