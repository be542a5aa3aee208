"""The side of the model's process: memory that runs out, broken devices, and reasons in one line."""

from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np
import pytest

from idbench.generate.child import ModelServer, is_broken_device, is_out_of_memory, reason_of
from idbench.models.base import Generated


class Cramped:
    """A model that fits a number of jobs into memory, more of them the more is offloaded."""

    card, needs_truth = None, False

    def __init__(self, fits: dict[str, int], error: Exception) -> None:
        self.name, self.parameters = "cramped", {}
        self.fits, self.error = fits, error
        self.tried: list[tuple[str, int]] = []

    def load(self, device: str, offload: str = "none") -> None:
        self.offload = offload

    def close(self) -> None:
        self.offload = "closed"

    def describe(self):
        return {}

    def generate(self, jobs):
        self.tried.append((self.offload, len(jobs)))
        if len(jobs) > self.fits[self.offload]:
            raise self.error
        return [Generated(np.zeros((4, 4, 3), np.uint8)) for _ in jobs]


OUT_OF_MEMORY = [RuntimeError("CUDA out of memory. Tried to allocate 20 GiB"), MemoryError()]


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
@pytest.mark.parametrize(
    ("fits", "device", "tried", "made"),
    [
        ({"none": 8}, "cuda", [("none", 5)], 5),
        ({"none": 2}, "cuda", [("none", 5), ("none", 2), ("none", 2), ("none", 1)], 5),
        (
            {"none": 0, "model": 1},
            "cuda",
            [("none", 5), ("none", 2), ("none", 1)] + [("model", 1)] * 5,
            5,
        ),
        (
            {"none": 0, "model": 0, "sequential": 0},
            "cuda",
            [("none", 5), ("none", 2), ("none", 1), ("model", 1)] + [("sequential", 1)] * 5,
            0,
        ),
        ({"none": 0}, "cpu", [("none", 5), ("none", 2)] + [("none", 1)] * 5, 0),
    ],
)
def test_out_of_memory_halves_the_batch_then_offloads_then_is_recorded(fits, device, tried, made, error, tmp_path):
    sent: list[dict] = []
    model = Cramped(fits, error)
    cramped = ModelServer(model, device, "none", sent.append)
    cramped.load()
    cramped.do([message_of(i, tmp_path) for i in range(5)])
    assert model.tried == tried
    answers = [message for message in sent if message["type"] == "outcome"]
    assert [answer["id"] for answer in answers] == list(range(5))
    assert sum(answer["outcome"] == "generated" for answer in answers) == made
    assert all("out of memory" in answer["error"] for answer in answers if answer["outcome"] != "generated")


def message_of(number: int, folder: Path) -> dict:
    about = {"case": f"c{number}", "prompt": "", "people": [], "canvas": None, "seed": 0, "parameters": {}}
    return about | {"id": number, "output": str(folder / f"{number}.png")}


def test_torch_says_that_memory_ran_out_in_ways_that_are_understood():
    torch = pytest.importorskip("torch")
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 60)
    assert is_out_of_memory(refused.value)
    assert not is_out_of_memory(RuntimeError("shapes do not fit")) and not is_out_of_memory(ValueError("memory"))


def test_reasons_are_one_short_line():
    assert reason_of(ValueError("a\n b")) == "ValueError: a b"
    assert reason_of(KeyError()) == "KeyError: no message"
    assert len(reason_of(RuntimeError("x" * 1000))) == 300


class Heavy:
    """Fits with the offload it says; each failed call leaves something large in its frame."""

    card, needs_truth, parameters = None, False, {}

    def __init__(self, loads_with: str = "none", generates_with: str = "none") -> None:
        self.loads_with, self.generates_with = loads_with, generates_with
        self.loads: list[str] = []
        self.left: list[weakref.ref] = []

    def load(self, device: str, offload: str = "none") -> None:
        assert all(ref() is None for ref in self.left), "the failed call's memory is still held"
        self.loads.append(offload)
        self.offload = offload
        if self.order(offload) < self.order(self.loads_with):
            raise RuntimeError("CUDA out of memory.")

    def generate(self, jobs):
        large = np.zeros(1000).view(type("Large", (np.ndarray,), {}))
        self.left.append(weakref.ref(large))
        if self.order(self.offload) < self.order(self.generates_with):
            raise RuntimeError("CUDA out of memory.")
        return [Generated(np.zeros((4, 4, 3), np.uint8)) for _ in jobs]

    def close(self) -> None: ...

    @staticmethod
    def order(offload: str) -> int:
        return ("none", "model", "sequential").index(offload)


@pytest.mark.parametrize(
    ("loads_with", "generates_with", "loads"),
    [
        ("none", "none", ["none"]),
        ("model", "model", ["none", "model"]),
        ("sequential", "none", ["none", "model", "sequential"]),
        ("none", "sequential", ["none", "model", "sequential"]),
    ],
)
def test_memory_that_runs_out_while_loading_or_generating_leads_to_more_offload(
    tmp_path, loads_with, generates_with, loads
):
    sent: list[dict] = []
    model = Heavy(loads_with, generates_with)
    server = ModelServer(model, "cuda", "none", sent.append)
    server.load()
    about = {"case": "c", "prompt": "", "people": [], "canvas": None, "seed": 0, "parameters": {}}
    server.do([about | {"id": 0, "output": str(tmp_path / "0.png")}])
    assert model.loads == loads
    (outcome,) = [message for message in sent if message["type"] == "outcome"]
    assert outcome["outcome"] == "generated" and outcome["offload"] == loads[-1]


@pytest.mark.parametrize(("device", "tried"), [("cpu", ["none"]), ("cuda", ["none", "model", "sequential"])])
def test_a_model_that_fits_no_way_says_so_after_all_were_tried(device, tried):
    class Huge(Heavy):
        def load(self, device: str, offload: str = "none") -> None:
            self.loads.append(offload)
            raise RuntimeError("CUDA out of memory.")

    model = Huge()
    with pytest.raises(RuntimeError, match="out of memory"):
        ModelServer(model, device, "none", lambda message: None).load()
    assert model.loads == tried


@pytest.mark.parametrize(
    ("text", "memory", "broken"),
    [
        ("CUDA error: an illegal memory access was encountered", False, True),
        ("CUDA error: device-side assert triggered", False, True),
        ("CUDA error: out of memory", True, False),
        ("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate", True, False),
        ("[ONNXRuntimeError] Failed to allocate memory for requested buffer", True, False),
        ("mat1 and mat2 shapes cannot be multiplied", False, False),
    ],
)
def test_what_errors_mean_for_the_process(text, memory, broken):
    assert (is_out_of_memory(RuntimeError(text)), is_broken_device(RuntimeError(text))) == (memory, broken)


def test_a_broken_device_ends_the_process(tmp_path):
    class Broken(Heavy):
        def generate(self, jobs):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    server = ModelServer(Broken(), "cuda", "none", lambda message: None)
    server.load()
    with pytest.raises(SystemExit, match="device is broken"):
        server.do([{"id": 0, "case": "c", "prompt": "", "people": [], "canvas": None, "seed": 0, "parameters": {}}])
