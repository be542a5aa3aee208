"""A suite is read once per run, and once more at most, for the photos of cases that need work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from support.small_suite import suite

from idbench.config import RunConfig
from idbench.diagnostics import dry_run
from idbench.faces.onnx import OnnxRecognizer
from idbench.images import RGB, EncodedImage
from idbench.records import Case
from idbench.run import execute
from idbench.suites import Suite, with_photos

__all__ = ["suite"]


class Embedded:
    """The same suite as a third party would offer it: only `read`, photos in memory, passes counted."""

    def __init__(self, suite: Suite) -> None:
        self.passes = 0
        self._cases = list(suite.cases())
        self.suite = replace(suite, read=self._read, count=len(self._cases), problems={})

    def _read(self, problems: dict[str, str]) -> Iterator[Case]:
        self.passes += 1
        for case in self._cases:
            yield with_photos(case, lambda photo: EncodedImage(photo.name, data=photo.read()))


@pytest.fixture
def embedded(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Embedded:
    found = Embedded(suite)
    for module in ("idbench.run", "idbench.diagnostics.dry_run"):
        monkeypatch.setattr(f"{module}.open_suite", lambda *_: found.suite)
    return found


def config(out: Path, *models: str, **more: object) -> RunConfig:
    return RunConfig(models=models or ("sim:good", "sim:copier"), out=str(out), resamples=100, **more)


def execute_quietly(asked: RunConfig) -> Path:
    return execute(asked, warn=lambda line: None)


def test_a_suite_that_only_reads_is_read_twice_and_then_once(embedded: Embedded, tmp_path: Path):
    execute_quietly(config(tmp_path / "run"))
    assert embedded.passes == 2, "once for the index, once for photos of cases that need work"
    before = {path: path.read_bytes() for path in (tmp_path / "run").glob("*.parquet")}
    execute_quietly(config(tmp_path / "run"))
    assert embedded.passes == 3 and before == {path: path.read_bytes() for path in before}
    assert not (tmp_path / "run" / ".work").exists()


def test_photos_in_memory_and_in_files_give_the_same_tables(embedded, suite, tmp_path: Path, monkeypatch):
    execute_quietly(config(tmp_path / "memory"))
    monkeypatch.setattr("idbench.run.open_suite", lambda *_: suite)
    execute_quietly(config(tmp_path / "files"))
    for name, aside in (("scores", []), ("images", ["path", "seconds", "peak_memory"]), ("suite", [])):
        memory, files = (
            pd.read_parquet(tmp_path / run / f"{name}.parquet").drop(columns=aside) for run in ("memory", "files")
        )
        pd.testing.assert_frame_equal(memory, files, check_exact=True)
    thumbs = [
        {path.name: path.read_bytes() for path in (tmp_path / run / "thumbs").iterdir()} for run in ("memory", "files")
    ]
    assert thumbs[0] == thumbs[1] and thumbs[0]
    assert ".work" not in (tmp_path / "memory" / "generations.jsonl").read_text()


def test_photos_that_no_cache_holds_are_looked_at_again(embedded: Embedded, tmp_path: Path, monkeypatch):
    """A recognizer that fails on a photo leaves nothing in the cache; the photo is kept while the run lasts."""

    embed, asked = OnnxRecognizer.embed, []

    def fail(self: OnnxRecognizer, crops: RGB) -> object:
        asked.append(len(crops))
        if len(asked) == 1:  # it is tried when it is opened
            return embed(self, crops)
        raise RuntimeError("kernel failed")

    monkeypatch.setattr(OnnxRecognizer, "embed", fail)
    execute_quietly(config(tmp_path / "run", "sim:good", oracles=False))
    scores = pd.read_parquet(tmp_path / "run" / "scores.parquet")
    assert set(scores["outcome"]) == {"undefined"}


def test_a_dry_run_reads_once_and_decodes_nothing(embedded: Embedded, tmp_path: Path, monkeypatch):
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("an image was opened")

    monkeypatch.setattr(Image, "open", refuse)
    planned = dry_run.plan(config(tmp_path / "run"))
    assert embedded.passes == 1 and [one.to_do for one in planned.models] == [4, 4]


def test_a_suite_that_changes_while_it_is_read_stops_the_run(embedded: Embedded, tmp_path: Path):
    cases = embedded._cases
    first = embedded._read

    def changing(problems: dict[str, str]) -> Iterator[Case]:
        if embedded.passes:
            embedded._cases = [replace(case, target=EncodedImage("other", data=b"other")) for case in cases]
        return first(problems)

    embedded.suite = replace(embedded.suite, read=changing)
    with pytest.raises(Exception, match="changed while it was read"):
        execute_quietly(config(tmp_path / "run"))
