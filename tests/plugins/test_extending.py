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
from idbench.models.base import Generated

SAME_SIGN = Metric("same_sign", "same sign", 0, 1, "higher", "share",
                   compute=lambda view: float((np.sign(view.generated) == np.sign(view.target)).mean()))

class Brightness:
    alignment = Alignment("box", 32)
    def __init__(self, name): self.name = name
    def embed(self, crops): return crops.reshape(len(crops), -1).astype("float32") - 100
    def describe(self): return {"kind": "brightness", "family": "none", "weights": {}, "providers": ["numpy"]}

def open_recognizer(name, location, device): return Brightness(name)

class Plain:
    card, isolated, needs_truth = None, False, False
    def __init__(self, name, given): self.name, self.parameters = name, {"shade": int(given.get("shade", 9))}
    def describe(self): return {"kind": "plain"}
    def load(self, device, offload="none"): pass
    def close(self): pass
    def generate(self, jobs):
        assert all(job.people[0].references and job.truth is None and not hasattr(job, "target") for job in jobs)
        shades = [(job.parameters["shade"] + job.seed) % 256 for job in jobs]
        return [Generated(np.full((64, 64, 3), shade, np.uint8)) for shade in shades]

class Apart(Plain):
    isolated = True

def open_plain(name, location, given): return Plain(name, given)
def open_apart(name, location, given): return Apart(name, given)
"""
ENTRY_POINTS = """
[idbench.metrics]
same_sign = idbench_plugin:SAME_SIGN
[idbench.recognizers]
brightness = idbench_plugin:open_recognizer
[idbench.models]
plain = idbench_plugin:open_plain
apart = idbench_plugin:open_apart
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
        "                    detector=f'insightface:{packs}/mini-a', cache=out + '-cache',\n"
        "                    models=('plain:', 'apart:'), set=('apart.shade=99',), seeds=2, device='cpu')\n"
        "made = run.images().query(\"model in ('plain', 'apart')\")\n"
        "assert len(made) and (made['outcome'] == 'generated').all(), made\n"
        "from PIL import Image\n"
        "shades = {(r.model, r.seed): Image.open(r.path).getpixel((0, 0))[0] for r in made.itertuples()}\n"
        "assert shades == {('plain', 0): 9, ('plain', 1): 10, ('apart', 0): 99, ('apart', 1): 100}, shades\n"
        "table = run.table('brightness')\n"
        "assert table.loc['oracle-target', 'same_sign'] == 1, table\n"
        "assert table.loc['oracle-stranger', 'same_sign'] < 1, table\n"
        "assert run.summary['metrics']['same_sign']['direction'] == 'higher'\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", script, str(real_suite), str(packs), str(tmp_path / "run")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
