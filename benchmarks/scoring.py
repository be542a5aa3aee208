"""Speed of scoring, side by side in one process on the same photos, networks and cores.

    python benchmarks/scoring.py --suite SUITE --outputs FOLDER --packs FOLDER [--copies 4] [--json]

Arms
    published   the published script's call pattern, rebuilt from its description: for every model and
                recognizer, per case, the generated image is analysed 3 times, the target twice and every
                (padded) reference twice, one image at a time, ONNX Runtime with all cores per network
    cold        idbench from an empty cache: faces, scores, summary, with the same models and recognizers
    whole       the same with oracles, gallery and report
    joining     one more model on a suite already seen, against the published pattern for that model
    networks    ONNX Runtime alone on the distinct images of `cold`, inputs prepared beforehand; the
                faster of one network with all cores and as many networks as cores with one core each

Ratios are what counts; seconds are this machine's. `--copies` re-encodes every photo so that each copy
is an image of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from insightface.app import FaceAnalysis
from PIL import Image

from idbench.config import RunConfig
from idbench.faces.pipeline import pad_to_square
from idbench.images import decode, encode_jpeg
from idbench.platform import usable_cores
from idbench.run import execute
from idbench.suites import open_suite

CORES = usable_cores()


def make_copies(suite: str, outputs: Path, models: list[str], folder: Path, copies: int) -> tuple[Path, dict[str, str]]:
    """A folder suite and model folders in which every photo stands `copies` times, re-encoded."""
    images = {model: folder / model for model in models}
    for path in images.values():
        path.mkdir(parents=True)
    rows = []
    for case in open_suite(suite).cases():
        found = {m: next(outputs.joinpath(m).glob(f"{case.id}.*"), None) for m in models}
        if None in found.values() or case.target is None:
            continue
        for copy in range(copies):
            name = f"{case.id}c{copy}"
            photos = {"target": case.target.read()} | {
                f"ref{i}": p.references[0].read() for i, p in enumerate(case.people)
            }
            for key, data in photos.items():
                (folder / f"{name}_{key}.jpg").write_bytes(_again(data, copy))
            for model, path in found.items():
                (images[model] / f"{name}.jpg").write_bytes(_again(path.read_bytes(), copy))
            people = [{"references": [f"{name}_ref{i}.jpg"], "box": p.box} for i, p in enumerate(case.people)]
            rows.append({"id": name, "prompt": case.prompt, "target": f"{name}_target.jpg", "people": people})
    (folder / "cases.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return folder, {model: str(path) for model, path in images.items()}


def _again(data: bytes, copy: int) -> bytes:
    return encode_jpeg(decode(data), 95 - copy)


def published(suite: Path, images: dict[str, str], packs: list[Path]) -> float:
    """Seconds of the published call pattern."""
    apps = []
    for pack in packs:
        app = FaceAnalysis(str(pack), allowed_modules=["detection", "recognition"], providers=["CPUExecutionProvider"])
        app.prepare(ctx_id=-1, det_thresh=0.45, det_size=(640, 640))
        apps.append(app)
    cases = [json.loads(line) for line in (suite / "cases.jsonl").read_text().splitlines()]
    cv2.setNumThreads(CORES)

    def embed(app: FaceAnalysis, image: Image.Image) -> None:
        app.get(cv2.cvtColor(np.array(image), cv2.COLOR_RGB2BGR))

    start = time.perf_counter()
    for folder in images.values():
        for case in cases:
            generated = Image.open(Path(folder) / f"{case['id']}.jpg")
            target = Image.open(suite / case["target"])
            references = [Image.open(suite / p["references"][0]) for p in case["people"]]
            padded = [Image.fromarray(pad_to_square(np.asarray(image.convert("RGB")))) for image in references]
            for app in apps:
                for image in [generated, target, generated, target, *padded, generated, *padded]:
                    embed(app, image)
    return time.perf_counter() - start


def ours(suite: Path, images: dict[str, str], packs: list[Path], work: Path, whole: bool = False) -> float:
    """Seconds of one idbench run; `whole` with oracles, gallery and report."""
    import idbench.run as stages

    config = RunConfig(
        suite=str(suite), images=images, recognizers=tuple(f"insightface:{pack}" for pack in packs),
        out=str(work / f"run{time.monotonic_ns()}"), cache=str(work / "cache"), clip="off", aesthetic="off", oracles=whole,
    )  # fmt: skip
    kept = stages.make_thumbnails, stages.write_report
    if not whole:
        stages.make_thumbnails = stages.write_report = lambda *arguments: None  # type: ignore[assignment]
    try:
        start = time.perf_counter()
        execute(config)
        return time.perf_counter() - start
    finally:
        stages.make_thumbnails, stages.write_report = kept


def networks(suite: Path, images: dict[str, str], packs: list[Path]) -> float:
    """Seconds ONNX Runtime alone needs for the distinct images, analysed once."""
    folders = [suite, *(Path(folder) for folder in images.values())]
    paths = sorted({path for folder in folders for path in folder.glob("*.jpg")})
    finder = FaceAnalysis(str(packs[0]), providers=["CPUExecutionProvider"])
    finder.prepare(ctx_id=-1, det_thresh=0.45, det_size=(640, 640))
    counts = [len(finder.det_model.detect(decode(path.read_bytes())[..., ::-1])[0]) for path in paths]
    return min(_networks(packs, counts, 1, CORES), _networks(packs, counts, CORES, 1))


def _networks(packs: list[Path], counts: list[int], threads: int, workers: int) -> float:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    files = {kind: [next(pack.glob(f"{kind}*.onnx")) for pack in packs] for kind in ("det", "rec")}
    session = lambda path: onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])  # noqa: E731
    detector, recognizers = session(files["det"][0]), [session(path) for path in files["rec"]]
    photo = np.random.default_rng(0).random((1, 3, 640, 640), np.float32)
    crop = np.random.default_rng(0).random((1, 3, 112, 112), np.float32)

    def one(faces: int) -> None:
        detector.run(None, {detector.get_inputs()[0].name: photo})
        for recognizer in recognizers:
            for _ in range(faces):
                recognizer.run(None, {recognizer.get_inputs()[0].name: crop})

    one(1)
    start = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, counts))
    return time.perf_counter() - start


def measure(
    suite: str, outputs: Path, packs: list[Path], copies: int, models: list[str]
) -> Iterator[tuple[str, float]]:
    """Seconds of every arm, in the order they run."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        root, images = make_copies(suite, outputs, models, work / "suite", copies)
        first = dict(list(images.items())[:2])
        last = dict(list(images.items())[2:])
        ours(root, first, packs, work / "warmup")
        yield "networks", networks(root, first, packs)
        yield "cold", ours(root, first, packs, work / "a")
        yield "joining", ours(root, last, packs, work / "a")
        yield "whole", ours(root, first, packs, work / "b", whole=True)
        yield "published", published(root, first, packs)
        yield "published, one model", published(root, last, packs)


def ratios(seconds: dict[str, float]) -> dict[str, tuple[float, str]]:
    """The figures that matter, each with its target."""
    return {
        "published / cold": (seconds["published"] / seconds["cold"], ">= 5"),
        "published, one model / joining": (seconds["published, one model"] / seconds["joining"], ">= 10"),
        "cold / networks alone": (seconds["cold"] / seconds["networks"], "<= 1.15"),
        "published / whole run": (seconds["published"] / seconds["whole"], ""),
    }


def main() -> None:
    """Run every arm and print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--suite", default=os.environ.get("IDBENCH_REAL_SUITE", "../shared/data/real-mini"))
    parser.add_argument("--outputs", type=Path, help="folder of model folders [default: SUITE/outputs]")
    parser.add_argument("--packs", type=Path, default=Path(os.environ.get("IDBENCH_PACKS", "../shared/models")))
    parser.add_argument("--models", nargs=3, default=["copy-paste", "wrong-person", "natural"])
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    packs = sorted(path for path in given.packs.iterdir() if path.is_dir())[:2]
    seconds: dict[str, float] = {}
    report: Callable[[str], Any] = (lambda line: None) if given.json else print
    for arm, value in measure(
        given.suite, given.outputs or Path(given.suite) / "outputs", packs, given.copies, given.models
    ):
        seconds[arm] = value
        report(f"{arm:<22} {value:7.2f} s")
    found = ratios(seconds)
    for name, (value, goal) in found.items():
        report(f"{name:<32} {value:6.2f}  {goal}")
    if given.json:
        print(json.dumps({"seconds": seconds, "ratios": {name: value for name, (value, _) in found.items()}}))


if __name__ == "__main__":
    main()
