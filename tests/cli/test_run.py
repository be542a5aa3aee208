"""What a user types after `idbench run`: mistakes end in one line and the promised exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.command_line import refused, run_main
from support.comparing import assert_same_numbers
from support.in_process import idbench_here
from support.records import run_record
from support.runs import NOTE, error_line, flags, idbench, options, run_here

from idbench.suites import synthetic


@pytest.fixture(scope="module")
def pack(packs: Path) -> str:
    return f"insightface:{packs / 'mini-a'}"


@pytest.fixture
def says(monkeypatch, capsys, suite, pack, tmp_path):
    """The one line that `idbench run` says, a sound command changed by what is given."""

    def one_line(*more: str | Path, **changed: str | Path | None) -> str:
        sound = {"suite": suite, "recognizer": pack, "out": tmp_path / "run", "clip": "off", "aesthetic": "off"}
        given = [part for k, v in (sound | changed).items() if v is not None for part in (f"--{k}", str(v))]
        line = refused(monkeypatch, capsys, "run", "--quiet", *given, *more)
        assert not (tmp_path / "run").is_dir() or not list((tmp_path / "run").glob("*.parquet"))
        return line

    return one_line


def test_an_error_of_a_real_process_is_one_line_and_exit_code_one(suite, tmp_path):
    done = idbench("run", "--suite", suite, "--recognizer", "insightfce:x", "--out", tmp_path / "run")
    assert "did you mean 'insightface'?" in error_line(done)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("multi-bench", "did you mean 'multiid-bench'?"),
        ("nothing like it", "known: "),
        ("./absent/suite", "does not exist"),
        ("/absent", "does not exist"),
        ("multiid-bench", "idbench suites fetch multiid-bench"),
        ("folder:/absent", "cases.jsonl"),
        ("", "suite"),
    ],
)
def test_a_suite_that_is_not_there(says, monkeypatch, tmp_path, name, expected):
    monkeypatch.chdir(tmp_path)
    assert expected in says(suite=name)


def test_a_folder_that_holds_no_suite(says, tmp_path):
    assert "expected cases.jsonl" in says(suite=tmp_path)


def test_an_unknown_subset_names_the_known_ones(says, suite):
    assert "no subset 'p9'" in says("--subset", "p9")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("insightfase:buffalo", "did you mean 'insightface'?"),
        ("insightface:no-such-pack", ".insightface/models/no-such-pack"),
        ("insightface", "insightface:PACK"),
        ("onnx:absent.onnx", "absent.onnx"),
        ("onnx:absent.onnx?colour=rgb", "color"),
        ("=", "no recognizer"),
        ("", "no recognizer"),
        ("insightface:nul\x01", "is not here"),
    ],
)
def test_a_recognizer_that_cannot_be_opened(says, monkeypatch, tmp_path, spec, expected):
    monkeypatch.chdir(tmp_path)
    assert expected in says(recognizer=spec)


def test_a_pack_without_networks_and_a_damaged_one(says, packs, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no .onnx files" in says(recognizer=f"insightface:{tmp_path / 'empty'}")
    (tmp_path / "cut").mkdir()
    for path in (packs / "mini-a").glob("*.onnx"):
        (tmp_path / "cut" / path.name).write_bytes(path.read_bytes()[:5000])
    assert "is not a usable" in says(recognizer=f"insightface:{tmp_path / 'cut'}")


def test_two_recognizers_with_one_name(says, pack):
    assert "two recognizers are called 'mini-a'" in says("--recognizer", pack)


def test_no_recognizer_at_all(says):
    assert "name at least one, such as --recognizer" in says(recognizer=None)


def test_an_unknown_detector(says):
    assert "did you mean 'mtcnn'?" in says(detector="mtcn")


def test_a_missing_image_folder_and_a_file_in_its_place(says, suite, tmp_path):
    assert f"no folder at {tmp_path / 'absent'}" in says(images=f"m={tmp_path / 'absent'}")
    assert "no folder at" in says(images=f"m={suite / 'cases.jsonl'}")


def test_nothing_to_score(says):
    assert "nothing to score" in says("--no-oracles")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("protocol", "strickt"), ("interval", "normal"), ("device", "tpu"), ("resamples", "5"), ("level", "1.5"),
        ("workers", "0"), ("batch", "0"), ("gallery", "-1"), ("false-accept-rate", "0"), ("detection-threshold", "nan"),
        ("statistics-seed", "-1"),
    ],
)  # fmt: skip
def test_values_out_of_range(says, option, value):
    assert f"--{option}: expected " in says(**{option: value})


def test_out_or_cache_on_a_file(says, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert str(tmp_path / "file") in says(out=tmp_path / "file")
    assert str(tmp_path / "file") in says(out=tmp_path / "file" / "deeper")
    assert str(tmp_path / "file") in says(cache=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_run_directory_of_another_suite_is_refused(says, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(run_record().model_dump_json(exclude_unset=True))
    assert "holds a run on another suite" in says()


@pytest.mark.parametrize("text", ["", "[1]", "not json", "null", '{"suite": 3}', "\x00"])
def test_a_run_record_that_is_none_is_refused(says, tmp_path, text):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(text)
    assert "run.json is not a run record" in says()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("suite = ", "Invalid value"),
        ("[images\n", "config.toml"),
        ("suites = 'x'\n", "did you mean 'suite'?"),
        ("recognizers = 'insightface:x'\n", "recognizers"),
        ("images = ['a']\n", "images"),
        ("resamples = 'many'\n", "resamples"),
        ("images = {m = 3}\n", "images.m"),
        ("\udcff", "config.toml"),
    ],
)
def test_config_files_that_are_none(says, tmp_path, text, expected):
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert expected in says("--config", path, recognizer=None)


def test_a_config_file_that_is_not_there(says, tmp_path):
    assert "absent.toml" in says("--config", tmp_path / "absent.toml")
    assert str(tmp_path) in says("--config", tmp_path)


@pytest.mark.parametrize(
    ("name", "data"),
    [("scores.parquet", None), ("images.parquet", None), ("scores.parquet", b"x"), ("suite.parquet", b"")],
)
def test_a_report_of_damaged_tables_is_refused(monkeypatch, capsys, suite, packs, tmp_cache, tmp_path, name, data):
    run = run_here(suite, packs, tmp_path / "run", tmp_cache, oracles=True)
    (run / name).unlink()
    if data is not None:
        (run / name).write_bytes(data)
    assert str(run) in refused(monkeypatch, capsys, "report", run)
    run_here(suite, packs, run, tmp_cache)
    assert run_main(monkeypatch, capsys, "report", run)[0] == 0


@pytest.mark.slow
def test_a_config_file_equals_the_flags(suite, packs, tmp_cache, tmp_path):
    shutil.copytree(suite, tmp_path / "images")
    shutil.copy(tmp_path / "images" / "r001" / "target.jpg", tmp_path / "images" / "r001.jpg")
    wanted = flags(suite, packs, tmp_path / "run", tmp_cache, images={"m": str(tmp_path / "images")}, protocol="both")
    by_flags = idbench("run", "--quiet", *options(wanted))
    assert (by_flags.returncode, [line for line in by_flags.stderr.splitlines() if not line.startswith(NOTE)]) == (
        0,
        [],
    )
    assert by_flags.stdout.splitlines()[-1] == str(tmp_path / "run" / "report.html")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run").rename(tmp_path / "by flags")
    images = wanted.pop("images")
    lines = [f"{key} = {json.dumps(value)}" for key, value in wanted.items()]
    (tmp_path / "config.toml").write_text("\n".join([*lines, "[images]", f"m = {json.dumps(images['m'])}"]))
    by_file = idbench("run", "--config", tmp_path / "config.toml", "--json")
    assert by_file.returncode == 0
    assert json.loads(by_file.stdout) == json.loads((tmp_path / "run" / "summary.json").read_text())
    assert json.loads((tmp_path / "run" / "run.json").read_text())["config"] == record["config"]
    assert_same_numbers(tmp_path / "run", tmp_path / "by flags")


@pytest.mark.parametrize("fault", ["its network gives zeros for any face", None])
def test_a_recognizer_that_measures_nothing_is_exit_code_three(monkeypatch, tmp_path, fault):
    """Known when it is opened, or only by what it gave: nothing for any photo."""
    monkeypatch.setitem(synthetic.SIZES, "small", 2)
    monkeypatch.setattr("idbench.faces.pipeline.fault_of", lambda recognizer: fault)
    if fault is None:
        monkeypatch.setattr(
            "idbench.faces.onnx.OnnxRecognizer.embed", lambda _, crops: np.full((len(crops), 8), np.nan)
        )
    cheap = ["--resamples", "100", "--gallery", "0", "--cache", tmp_path / "cache", "--out", tmp_path / "run"]
    done = idbench_here("run", "--quiet", "--suite", "synthetic:small", "--no-oracles", "--model", "sim:good", *cheap)
    assert done.returncode == 3
    assert f"idbench: note: mini measured nothing: {fault or 'it gave no usable vector for any of'}" in done.stderr
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "finished"
