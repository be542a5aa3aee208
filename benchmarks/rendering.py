"""How long a synthetic face takes to draw, and where the time goes, on one core.

    python benchmarks/rendering.py [--faces 40]

Seconds are CPU seconds of this process. The goal is 0.15 s for a face at 256 pixels and the default quality.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np

from idbench.synthetic import Place, Sitter, render, sample_appearance, sample_description, sample_identities


def sitters(count: int) -> list[Sitter]:
    rng = np.random.default_rng(0)
    return [
        Sitter(person, sample_appearance(sample_description(person, rng), rng), Place(0.5, 0.47, 0.55))
        for person in sample_identities(count, rng)
    ]


def seconds_per_face(drawn: list[Sitter], size: int, supersampling: float) -> float:
    began = time.process_time()
    for sitter in drawn:
        render([sitter], width=size, height=size, supersampling=supersampling)
    return (time.process_time() - began) / len(drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=40)
    drawn = sitters(parser.parse_args().faces)
    cv2.setNumThreads(1)
    seconds_per_face(drawn[:2], 256, 1.5)
    default = seconds_per_face(drawn, 256, 1.5)
    print(f"256 px, supersampling 1.5 (default): {default:.3f} s per face; goal 0.15")
    for size, supersampling in ((256, 1.0), (256, 2.0), (128, 1.5), (512, 1.5)):
        print(
            f"{size} px, supersampling {supersampling}: {seconds_per_face(drawn, size, supersampling) / default:.2f} times that"
        )


if __name__ == "__main__":
    main()
