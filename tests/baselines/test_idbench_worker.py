"""The module that workers import."""

from __future__ import annotations

import sys

from idbench.models.cards import baselines_folder


def test_the_worker_side_needs_nothing_of_ours():
    text = (baselines_folder() / "idbench_worker.py").read_text()
    imports = {line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert imports <= set(sys.stdlib_module_names)
    assert len(text.splitlines()) < 160
