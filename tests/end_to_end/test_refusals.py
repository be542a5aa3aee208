"""Runs that would mean nothing are refused in one line, and nothing is written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.runs import CHEAP, error_line, idbench

from idbench.config import load_config
from idbench.errors import ConfigError, RunError
from idbench.run import execute
from idbench.suites import Suite


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"models": ["sim:goood"]}, "did you mean 'good'?"),
        ({"models": ["sym:good"]}, "did you mean 'sim'?"),
        ({"models": ["sim:good", "sim:good"]}, "two models are called 'good'"),
        ({"models": ["a=sim:good"], "images": {"a": "."}}, "two models are called 'a'"),
        ({"models": ["oracle-x=sim:good"]}, "oracle- are taken"),
        ({"models": ["../x=sim:good"]}, "cannot be a model name"),
        ({"models": ["images:outputs"]}, "--images outputs=outputs"),
        ({"seeds": 0}, "seeds"),
    ],
)
def test_models_that_cannot_be_opened(flags, expected, tmp_path: Path):
    with pytest.raises(Exception, match=expected) as refused:
        execute(load_config(None, CHEAP | {"out": str(tmp_path / "run"), "recognizers": ["onnx:x"]} | flags))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"models": ["sim:good"], "recognizers": ["onnx:x"]}, "synthetic suite only"),
        ({"recognizers": ["mini"]}, "--allow-mini"),
        ({"recognizers": ["my=mini"]}, "--allow-mini"),
        ({"recognizers": ["onnx:x"], "detector": "mini"}, "--allow-mini"),
        ({"models": ["sim:good"], "recognizers": ["mini"], "allow_mini": True}, "synthetic suite only"),
        ({}, "no recognizer given"),
    ],
)
def test_simulated_models_and_mini_are_refused_for_other_suites(suite: Suite, tmp_path: Path, flags, expected: str):
    photos = shutil.copytree(suite.source, tmp_path / "photos")
    with pytest.raises(ConfigError, match=expected) as refused:
        execute(load_config(None, {"suite": str(photos), "out": str(tmp_path / "run")} | flags))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_an_audit_refuses_mini_for_other_suites(suite: Suite):
    assert "--allow-mini" in error_line(idbench("suites", "audit", suite.source, "--recognizer", "mini"))


def test_images_without_a_suite_are_not_scored_on_strangers(tmp_path):
    with pytest.raises(ConfigError, match="no suite given for these images"):
        load_config(None, {"images": {"mine": str(tmp_path)}})
    assert load_config(None, {}).suite == "synthetic"


def test_a_calibration_is_not_overwritten(tmp_path):
    (tmp_path / "calibration.json").write_text("{}")
    with pytest.raises(RunError, match="holds a calibration"):
        execute(load_config(None, {"out": str(tmp_path)}), lambda *_: None, lambda _: None)
