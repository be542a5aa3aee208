"""The benchmark of generation: its published call pattern is what the native network computes, and it runs."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.lazy import lazy, needs

pytestmark = needs("torch", "diffusers")

torch = lazy("torch")


@pytest.fixture(scope="module")
def benchmark() -> Any:
    """A script is no module of any package."""
    path = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "generation.py"
    spec = importlib.util.spec_from_file_location("benchmark_generation", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def smallest(benchmark):
    return replace(benchmark.TINY, double=1, single=1, heads=1, text=8, pixels=64, steps=2, batches=(1, 2))


@pytest.fixture(scope="module")
def network(benchmark, smallest):
    return benchmark.Network(smallest, "cpu", torch.float32)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("people", (1, 2, 3))
@pytest.mark.parametrize("share", (0.3, None))
def test_native_and_published_agree(benchmark, network, people, share):
    found = benchmark.check_agreement(network, benchmark.Case(people, share, siglip_weight=0.3))
    assert found["difference"] < found["effect"] / 1000


def test_they_agree_without_siglip(benchmark, network):
    benchmark.check_agreement(network, benchmark.Case(2, 0.3, siglip_weight=0.0))


def test_disagreement_is_found(benchmark, network, monkeypatch):
    monkeypatch.setattr(benchmark, "_attend", lambda attention, tokens, image, mask: torch.zeros_like(image))
    with pytest.raises(AssertionError, match="expected published and native to differ"):
        benchmark.check_agreement(network, benchmark.Case(2, 0.3, 0.5))


@pytest.mark.parametrize("people", (1, 2, 3, 4, 8))
@pytest.mark.parametrize("share", (0.1, 0.3, 0.6))
def test_boxes_touch_their_share_of_tokens(benchmark, people, share):
    mask = benchmark.Mask.of(benchmark.Case(people, share, 0.0).boxes(512), 512, 512, 1, 1, "cpu")
    assert mask.seen.sum(-1).max() <= 1
    assert mask.seen.float().sum() / 1024 == pytest.approx(share, rel=0.12)


def test_flops_follow_from_the_shapes(benchmark, smallest):
    """One person, no SigLIP, everywhere: two projections and two products with 8 tokens for every image token."""
    case = benchmark.Case(1, None, 0.0)
    found = benchmark.flops(smallest, case) - benchmark.flops(smallest, None)
    blocks, tokens, inner = 2, smallest.tokens, 64 * smallest.heads
    assert found == blocks * tokens * 2 * (2 * smallest.hidden * inner + 2 * 8 * inner)


def test_published_pattern_computes_more(benchmark, smallest):
    case = benchmark.Case(2, 0.3, 0.0)
    assert benchmark.flops(smallest, case, pattern="published") > benchmark.flops(smallest, case)


def test_more_people_than_columns_are_refused(benchmark, capsys):
    with pytest.raises(SystemExit):
        benchmark.main(["--device", "cpu", "--people", "9"])
    assert "expected 1 to 8" in capsys.readouterr().err


@pytest.mark.parametrize("as_json", (True, False))
def test_everything_runs(benchmark, smallest, monkeypatch, capsys, threads, as_json):
    monkeypatch.setattr(benchmark, "TINY", smallest)
    monkeypatch.setattr(benchmark, "OVERHEAD_ON_CPU", smallest)
    arguments = ["--device", "cpu", "--repeats", "1", "--rounds", "1", "--people", "1"]
    benchmark.main([*arguments, "--json"] if as_json else arguments)
    out = capsys.readouterr().out
    if not as_json:
        assert "published" in out and "judged" in out
        return
    found = json.loads(out)
    assert len(found["agreement"]) == len(found["overhead"]) == 4
    assert [(row["arm"], row["batch"]) for row in found["speed"][:3]] == [("plain", 1), ("plain", 2), ("native", 1)]
    assert all(row["images_per_s"] > 0 for row in found["speed"])
    assert found["holds"] == all(row["ratio"] <= 1.25 for row in found["overhead"])
