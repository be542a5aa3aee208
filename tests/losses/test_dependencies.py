"""The losses can be taken out: they know the alignment template and errors alone."""

from __future__ import annotations

import re
from pathlib import Path

from support.lazy import lazy, needs

pytestmark = needs("torch")

losses = lazy("idbench.losses")


def test_losses_know_only_the_alignment_template_and_errors():
    folder = Path(losses.align_faces.__code__.co_filename).parent
    imported = {
        name for path in folder.glob("*.py") for name in re.findall(r"from (idbench[.\w]*) import", path.read_text())
    }
    assert {name for name in imported if not name.startswith("idbench.losses")} <= {
        "idbench.faces.align",
        "idbench.errors",
    }
    assert "idbench.faces.align" in imported
