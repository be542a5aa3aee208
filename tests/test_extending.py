"""Third parties add metrics, recognizers and suites from their own package, without a pull request."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PLUGIN = """
import numpy as np
from idbench.faces.align import Alignment
from idbench.metrics import Metric

SAME_SIGN = Metric("same_sign", "same sign", 0, 1, "higher", "share",
                   compute=lambda view: float((np.sign(view.generated) == np.sign(view.target)).mean()))

class Brightness:
    alignment = Alignment("box", 32)
    def __init__(self, name): self.name = name
    def embed(self, crops): return crops.reshape(len(crops), -1).astype("float32") - 100
    def describe(self): return {"kind": "brightness", "family": "none", "weights": {}, "providers": ["numpy"]}

def open_recognizer(name, location, device): return Brightness(name)
"""
ENTRY_POINTS = """
[idbench.metrics]
same_sign = idbench_plugin:SAME_SIGN
[idbench.recognizers]
brightness = idbench_plugin:open_recognizer
"""


def test_a_package_with_entry_points_takes_part_in_a_run(real_suite: Path, packs: Path, tmp_path: Path):
    (tmp_path / "idbench_plugin.py").write_text(PLUGIN)
    info = tmp_path / "idbench_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: idbench-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    script = (
        "import sys, idbench\n"
        "suite, packs, out = sys.argv[1:]\n"
        "run = idbench.score({}, suite, ['brightness'], out, subsets=('p2',), resamples=100, gallery=0,\n"
        "                    detector=f'insightface:{packs}/mini-a', cache=out + '-cache')\n"
        "table = run.table('brightness')\n"
        "assert table.loc['oracle-target', 'same_sign'] == 1, table\n"
        "assert table.loc['oracle-stranger', 'same_sign'] < 1, table\n"
        "assert run.summary['metrics']['same_sign']['direction'] == 'higher'\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", script, str(real_suite), str(packs), str(tmp_path / "run")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
