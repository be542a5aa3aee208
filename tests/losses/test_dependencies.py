"""The losses can be taken out: they know the alignment template and errors alone."""

from __future__ import annotations

from pathlib import Path

from support.lazy import lazy, needs

pytestmark = needs("torch")

losses = lazy("idbench.losses")


def test_losses_know_only_the_alignment_template_and_errors():
    from test_architecture import package_imports

    assert package_imports("losses") <= {"losses", "faces", "errors"}
    modules = [path.read_text() for path in (Path(losses.align_faces.__code__.co_filename).parent).glob("*.py")]
    assert sum("idbench.faces" in text for text in modules) == 1
    assert "from idbench.faces.align import" in "".join(modules)
