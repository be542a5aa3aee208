"""GPUs: those that are there and that the user allows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from idbench.models.devices import gpus


@pytest.mark.parametrize(
    ("visible", "device", "expected"),
    [
        ("0,2", "auto", ["0", "2"]),
        ("", "auto", []),
        ("-1", "cuda", []),
        ("1", "cpu", []),
        ("GPU-8a", "cuda", ["GPU-8a"]),
    ],
)
def test_gpus_are_those_the_user_allows(monkeypatch, visible, device, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus(device) == expected


def test_gpus_are_counted_by_the_driver(monkeypatch, tmp_path: Path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: A (UUID: x)'\necho 'GPU 1: B (UUID: y)'\n")
    tool.chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert gpus("auto") == ["0", "1"]
