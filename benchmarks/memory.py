"""Peak memory of a whole run against the number of cases: it must stay flat.

python benchmarks/memory.py [--suite SUITE] [--packs FOLDER] [--copies 2 12]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
from pathlib import Path

from scoring import make_copies, ours


def peak_of_a_run(suite: str, outputs: Path, packs: list[Path], copies: int, folder: Path) -> None:
    """Print cases and peak memory of one run in this process."""
    root, images = make_copies(suite, outputs, ["copy-paste", "wrong-person"], folder / "suite", copies)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours(root, images, packs, folder, whole=True)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cases = len((root / "cases.jsonl").read_text().splitlines())
    print(f"{cases:5d} cases: peak {after / 1e3:7.0f} MB, {before / 1e3:.0f} MB before the run", flush=True)


def main() -> None:
    """One run per number of copies, each in a fresh process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--suite", default=os.environ.get("IDBENCH_REAL_SUITE", "../shared/data/real-mini"))
    parser.add_argument("--packs", type=Path, default=Path(os.environ.get("IDBENCH_PACKS", "../shared/models")))
    parser.add_argument("--copies", type=int, nargs="+", default=[2, 12])
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


if __name__ == "__main__":
    main()
