"""Peak memory of a whole run against the number of cases: it must stay flat; and of six images of the largest size.

python benchmarks/memory.py [--suite SUITE] [--packs FOLDER] [--copies 2 12] [--large-side 10000]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from scoring import make_copies, ours

from idbench.faces.pipeline import ImageAnalyser, Job
from idbench.faces.specs import open_detector, open_recognizers
from idbench.images import EncodedImage


def peak_of_a_run(suite: str, outputs: Path, packs: list[Path], copies: int, folder: Path) -> None:
    """Print cases and peak memory of one run in this process."""
    root, images = make_copies(suite, outputs, ["copy-paste", "wrong-person"], folder / "suite", copies)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours(root, images, packs, folder, whole=True)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cases = len((root / "cases.jsonl").read_text().splitlines())
    print(f"{cases:5d} cases: peak {after / 1e3:7.0f} MB, {before / 1e3:.0f} MB before the run", flush=True)


def large_image(path: Path, side: int) -> None:
    """Write a 16-bit grey PNG of `side` x `side` pixels, noise that hardly packs."""
    rows = np.random.default_rng(0).integers(0, 65_536, (100, side), np.uint16)
    Image.fromarray(np.tile(rows, (-(-side // 100), 1))[:side]).save(path, compress_level=1)


def peak_of_large_images(path: Path, pack: Path, workers: int) -> None:
    """Print the peak memory of looking twice at six images in this process."""
    spec = f"insightface:{pack}"
    analyser = ImageAnalyser(open_detector(None, [spec]), open_recognizers([spec]), workers=workers)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    jobs = (Job(i, EncodedImage(f"{i}", path=path), people=1) for i in range(6))
    errors = [analysis.error for _, analysis in analyser.analyse(jobs) if analysis.error]
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"6 large images, {workers} threads: peak {after / 1e3:7.0f} MB, {before / 1e3:.0f} MB before; {errors}",
        flush=True,
    )


def main() -> None:
    """One run per number of copies, each in a fresh process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--suite", default=os.environ.get("IDBENCH_REAL_SUITE", "../shared/data/real-mini"))
    parser.add_argument("--packs", type=Path, default=Path(os.environ.get("IDBENCH_PACKS", "../shared/models")))
    parser.add_argument("--copies", type=int, nargs="+", default=[2, 12])
    parser.add_argument("--large-side", type=int, default=10_000)
    given = parser.parse_args()
    packs = sorted(path for path in given.packs.iterdir() if path.is_dir())[:2]
    for copies in given.copies:
        with tempfile.TemporaryDirectory() as folder:
            arguments = (given.suite, Path(given.suite) / "outputs", packs, copies, Path(folder))
            child = multiprocessing.get_context("spawn").Process(target=peak_of_a_run, args=arguments)
            child.start()
            child.join()
            if child.exitcode:
                raise SystemExit(child.exitcode)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.png"
        for target, arguments in (
            (large_image, (path, given.large_side)),
            (peak_of_large_images, (path, packs[0], 6)),
        ):
            child = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
            child.start()
            child.join()


if __name__ == "__main__":
    main()
