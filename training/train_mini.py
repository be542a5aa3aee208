"""Render people, train mini's three networks on them, judge them on people they never saw.

    python training/train_mini.py --cache FOLDER

writes the networks and their figures to idbench/faces/weights. Needs idbench[torch], onnx and two cores;
see README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import onnxruntime
import torch
from embedder import train_embedder
from finder import train_finder
from held_out import held_out_figures
from networks import export
from pictures import labelled_pictures
from placer import train_placer

from idbench.faces import mini
from idbench.faces.align import ARCFACE_112
from idbench.faces.runtime import file_digest
from idbench.store import default_cache_dir, write_json
from idbench.synthetic import RENDER_VERSION

NETWORKS = ("embedder", "finder", "placer")


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--out", type=Path, default=mini.WEIGHTS, help="folder for the networks and mini.json")
    add("--cache", type=Path, default=default_cache_dir() / "mini-training", help="folder for rendered pictures")
    add("--people", type=int, default=1000, help="identities to learn from")
    add("--photos", type=int, default=12, help="pictures of each")
    add("--finder-steps", type=int, default=1200)
    add("--placer-steps", type=int, default=2500)
    add("--embedder-steps", type=int, default=3000)
    add("--held-out-cases", type=int, default=150, help="cases of people never seen that judge the result")
    add("--seed", type=int, default=0)
    add("--float32", action="store_true", help="train in single precision even if the processor knows bfloat16")
    return parser.parse_args(arguments)


def knows_bfloat16() -> bool:
    """Whether this processor calculates in bfloat16; elsewhere it is slower than single precision."""
    about = Path("/proc/cpuinfo")
    return about.exists() and any(flag in about.read_text() for flag in ("avx512_bf16", "amx_bf16"))


def make_network(name: str, asked: argparse.Namespace) -> dict[str, int]:
    """Train one network on one core and write it. Returns its number of parameters and the seconds it took."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    half = knows_bfloat16() and not asked.float32
    pictures = labelled_pictures(asked.people, asked.photos, asked.seed, asked.cache)
    if name == "finder":
        network, seconds = train_finder(pictures, asked.finder_steps, asked.seed, half)
        export(network, 192, ["chances", "shapes"], asked.out / mini.FINDER, any_size=True)
    elif name == "placer":
        network, seconds = train_placer(pictures, asked.placer_steps, asked.seed, half)
        export(network, mini.WINDOW, ["landmarks"], asked.out / mini.PLACER)
    else:
        network, seconds = train_embedder(pictures, asked.people, asked.embedder_steps, asked.seed, half)
        export(network, ARCFACE_112.size, ["embedding"], asked.out / mini.EMBEDDER)
    return {"parameters": sum(weight.numel() for weight in network.parameters()), "seconds": round(seconds)}


def train(asked: argparse.Namespace) -> dict[str, Any]:
    """Everything from nothing to mini.json.

    The networks learn side by side, each on one core, so that results do not depend on how many there are.
    """
    asked.out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    pictures = len(labelled_pictures(asked.people, asked.photos, asked.seed, asked.cache))
    rendered = time.perf_counter()
    print(f"{pictures} pictures, {rendered - start:.0f} s", file=sys.stderr, flush=True)
    with ProcessPoolExecutor(len(NETWORKS), multiprocessing.get_context("spawn")) as pool:
        made = dict(zip(NETWORKS, pool.map(make_network, NETWORKS, [asked] * len(NETWORKS)), strict=True))
    trained = time.perf_counter()
    sizes = ("people", "photos", "finder_steps", "placer_steps", "embedder_steps", "seed")
    account = {
        "asked": {name: getattr(asked, name) for name in sizes},
        "pictures": pictures,
        "networks": made,
        "seconds": {"rendering": round(rendered - start), "training": round(trained - rendered)},
        "made_with": {
            "render_version": RENDER_VERSION,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnxruntime": onnxruntime.__version__,
            "bfloat16": knows_bfloat16() and not asked.float32,
        },
        "held_out": held_out_figures(asked.out, asked.held_out_cases),
        "sha256": {file.name: file_digest(file) for file in sorted(asked.out.glob("*.onnx"))},
    }
    write_json(asked.out / "mini.json", account)
    return account


if __name__ == "__main__":
    print(json.dumps(train(options()), indent=2))
