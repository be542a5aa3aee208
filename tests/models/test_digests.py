"""What decides whether a worker's images are made anew: contents of everything it may use, and no date."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from idbench.errors import ConfigError, WeightsError
from idbench.models import digests, weights
from idbench.models.digests import digest_of_file, files_below, is_cache, is_hidden, named_files
from idbench.models.specs import plan_models

CARD = """
name = "painter"
kind = "worker"
title = "Painter"
summary = "Paints."
[source]
[licence]
code = "MIT"
weights = "none"
[parameters.adapter]
default = ""
meaning = "a file or a folder"
[worker]
"""

USED = [
    *("model.gguf", "model.ckpt", "model.bin.index", "weights", "model.onnx_data", "tokenizer.model", "model.pt"),
    *("deep/er/shard.00001", "config.yaml", "helper.py", "photo.JPG", "vocab.tmp", "uv.lock", "lib/fast.so"),
]
CACHED = [
    *("__pycache__/worker.cpython-311.pyc", ".cache/compiled.bin", ".venv/lib/x.py", ".git/HEAD", ".DS_Store"),
    *("logs/today.txt", "debug.log", "node_modules/left/index.js", "deep/__pycache__/x.pyc", "helper.pyc"),
    *(
        "own/pyvenv.cfg",
        "own/lib/x.py",
        "conda/conda-meta/history",
        "conda/bin/x",
        "runs/a/generations.jsonl",
        "runs/a/x",
    ),
]


@pytest.fixture
def painter(tmp_path: Path) -> Path:
    folder = tmp_path / "painter"
    folder.mkdir()
    (folder / "worker.py").write_text("# paints")
    return write(folder)


def write(folder: Path, more: str = "") -> Path:
    (folder / "card.toml").write_text(CARD + more)
    return folder


def about(folder: Path, *changes: str) -> dict:
    (spec,) = plan_models([str(folder)], [f"painter.{change}" for change in changes])
    return spec.open().describe()


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", USED)
def test_whatever_lies_beside_a_worker_decides(painter: Path, name: str):
    without = about(painter)
    put(painter / name, "one")
    one = about(painter)
    put(painter / name, "two")
    assert len({str(found) for found in (without, one, about(painter))}) == 3
    put(painter / name, "one")
    assert about(painter) == one


@pytest.mark.parametrize("name", CACHED)
def test_caches_logs_environments_and_runs_decide_nothing(painter: Path, name: str):
    for one in CACHED[-6:]:
        put(painter / one, "there already")
    without = about(painter)
    put(painter / name, "written while it ran")
    assert about(painter) == without


def test_links_are_followed_for_what_they_lead_to_and_circles_end(painter: Path, tmp_path: Path):
    blob = put(tmp_path / "blobs" / "0af3", "one")
    put(tmp_path / "far" / "deep" / "x.bin", "one")
    (painter / "model.safetensors").symlink_to(blob)
    (painter / "far").symlink_to(tmp_path / "far", target_is_directory=True)
    (painter / "around").symlink_to(painter, target_is_directory=True)
    (painter / "broken").symlink_to(tmp_path / "nowhere")
    first = about(painter)
    assert {"model.safetensors", "far/deep/x.bin"} <= first["worker"]["files"].keys()
    blob.write_text("two")
    second = about(painter)
    put(tmp_path / "far" / "deep" / "x.bin", "two")
    assert len({str(found) for found in (first, second, about(painter))}) == 3


@pytest.mark.parametrize(
    "command",
    [
        '["python", "../shared/run.py"]',
        '["python", "{shared}/run.py", "--fast"]',
        '["python", "worker.py", "--weights=../shared/run.py"]',
        '["env", "PYTHONPATH=/nowhere:{shared}", "python", "-m", "run"]',
        '["sh", "-c", "cd / && python {shared}/run.py"]',
    ],
)
def test_what_the_command_names_decides_wherever_it_lies(painter: Path, tmp_path: Path, command: str):
    outside = put(tmp_path / "shared" / "run.py", "one")
    write(painter, f"command = {command.format(shared=tmp_path / 'shared')}\n")
    one = about(painter)
    outside.write_text("two")
    assert about(painter) != one


@pytest.mark.parametrize("place", ["../w.gguf", "{root}/w.gguf", "../folder", "{root}/folder"])
def test_what_a_parameter_names_decides_by_content(painter: Path, tmp_path: Path, place: str):
    put(tmp_path / "w.gguf", "one")
    put(tmp_path / "folder" / "deep" / "w", "one")
    change = f"adapter={place.format(root=tmp_path)}"
    one = about(painter, change)
    put(tmp_path / "w.gguf", "two")
    put(tmp_path / "folder" / "deep" / "w", "two")
    assert about(painter, change) != one
    assert "named" not in about(painter), "and what nobody names decides nothing"


def test_a_card_may_list_what_decides_and_then_nothing_else_does(painter: Path, tmp_path: Path):
    put(painter / "weights" / "a.bin", "one")
    put(painter / "notes.txt", "one")
    put(tmp_path / "beside.py", "one")
    write(painter, 'files = ["weights", "../beside.py"]\n')
    seen = [about(painter)]
    put(painter / "notes.txt", "two")
    assert about(painter) == seen[0]
    for changed in ("painter/weights/a.bin", "beside.py", "painter/worker.py"):  # the script is named by the card too
        put(tmp_path / changed, "two")
        seen.append(about(painter))
    assert len(set(map(str, seen))) == 4
    write(painter, 'files = ["absent.bin"]\n')
    with pytest.raises(ConfigError, match=r"worker\.files names 'absent\.bin', not found in "):
        about(painter)


def test_another_script_of_the_same_folder_is_another_worker(painter: Path):
    put(painter / "other.py", "# paints better")
    one = about(painter)
    write(painter, 'script = "other.py"\n')
    assert about(painter) != one


@pytest.mark.parametrize("script", ["../elsewhere.py", "{root}/elsewhere.py", "linked.py", "folder/elsewhere.py"])
def test_a_script_lies_in_its_cards_folder(painter: Path, tmp_path: Path, script: str):
    put(tmp_path / "elsewhere.py", "")
    (painter / "linked.py").symlink_to(tmp_path / "elsewhere.py")
    (painter / "folder").symlink_to(tmp_path, target_is_directory=True)
    write(painter, f'script = "{script.format(root=tmp_path)}"\n')
    with pytest.raises(
        ConfigError, match=r"expected the script in the card's folder .* copy it into the folder"
    ) as error:
        about(painter)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_itself_a_link_or_a_snapshot_of_the_hubs_cache_holds_its_script(painter: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(painter, target_is_directory=True)
    assert about(tmp_path / "link")["worker"]["files"].keys() == {"worker.py"}
    repository = tmp_path / "models--me--painter"
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for name in ("card.toml", "worker.py"):
        put(repository / "blobs" / name, (painter / name).read_text())
        (snapshot / name).symlink_to(Path("../../blobs") / name)
    assert about(snapshot)["worker"]["files"].keys() == {"worker.py"}


def test_names_of_folders_around_a_program_name_no_file_of_it(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "me"))
    for folder in ("home/me/x", "base"):
        (tmp_path / folder).mkdir(parents=True)
    around = [
        "/",
        ".",
        "..",
        "~",
        "~/..",
        str(tmp_path),
        "/dev/null",
        "/proc",
        "a.b",
        "x" * 5000 + "/",
        "\0.",
        "~nobody/.",
    ]
    assert named_files([*around, 3, True, None], tmp_path / "base") == {}
    assert named_files(["~/x"], tmp_path / "base").keys() == {"~/x"}


def test_a_large_file_is_read_once_and_again_when_it_changed_though_its_date_did_not(tmp_path: Path, monkeypatch):
    file = tmp_path / "large.bin"
    file.write_bytes(bytes(digests.REMEMBERED))
    reads = []
    monkeypatch.setattr(digests, "_read", lambda path, real=digests._read: reads.append(path) or real(path))
    first, status = digest_of_file(file), file.stat()
    assert digest_of_file(file) == first and len(reads) == 1
    file.write_bytes(bytes(digests.REMEMBERED - 1) + b"x")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert digest_of_file(file) != first and len(reads) == 2
    (tmp_path / "other.bin").write_bytes(bytes(digests.REMEMBERED))
    os.utime(tmp_path / "other.bin", ns=(status.st_atime_ns, status.st_mtime_ns))
    (tmp_path / "other.bin").replace(file)
    assert digest_of_file(file) == first and len(reads) == 3


def test_what_cannot_be_read_is_one_line(tmp_path: Path):
    with pytest.raises(WeightsError, match=r"absent cannot be read \(No such file or directory\)"):
        digest_of_file(tmp_path / "absent")
    with pytest.raises(WeightsError, match=r"absent cannot be read"):
        files_below(tmp_path / "absent", is_hidden)
    os.mkfifo(tmp_path / "pipe")
    assert files_below(tmp_path, is_cache) == {}


def test_weights_of_one_file_are_digested_with_what_belongs_to_it(tmp_path: Path):
    onnx, index = put(tmp_path / "m.onnx", "x"), tmp_path / "m.bin.index.json"
    put(index, '{"weight_map": {"a": "m-1.bin", "b": "m-2.bin"}}')
    for file, part in ((onnx, "m.onnx_data"), (onnx, "m.onnx.data"), (index, "m-2.bin")):
        seen = [weights.digest(file)]
        for text in ("one", "two"):
            put(tmp_path / part, text)
            seen.append(weights.digest(file))
        assert len(set(seen)) == 3
    assert weights.digest(put(tmp_path / "alone.ckpt", "x")) == digest_of_file(tmp_path / "alone.ckpt")


@pytest.mark.parametrize("form", ["pipeline", "folder"])
@pytest.mark.parametrize(
    "name", ["unet/model.gguf", "unet/pytorch_model.ckpt", "unet/tokenizer.model", "unet/x/noname"]
)
def test_any_file_of_a_folder_of_weights_decides_links_to_folders_included(tmp_path: Path, form: str, name: str):
    folder = tmp_path / "weights"
    put(folder / {"pipeline": "model_index.json", "folder": "config.json"}[form], "{}")
    put(tmp_path / "elsewhere" / name.removeprefix("unet/"), "one")
    (folder / "unet").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    one = weights.digest(folder)
    put(folder / name, "two")
    assert weights.digest(folder) != one
