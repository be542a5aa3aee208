"""Environments of workers: made from a local repository and a tiny wheel, killed, changed, and run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.comparing import ledger
from support.in_process import idbench_here
from support.runs import COMMAND, error_line
from support.worker_environments import World, git

from idbench.errors import MissingPackageError
from idbench.models.cards import load_card
from idbench.models.environments.environment import Environment
from idbench.models.environments.installer import find_python
from idbench.suites import synthetic


@pytest.mark.slow
def test_set_up_from_disk_checked_run_by_its_own_python_and_redone_only_where_something_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(synthetic.SIZES, "small", 4)
    problems = world.problems()
    assert [one["kind"] for one in problems] == ["environment", "weights"]
    text = problems[0]["text"]
    for part in ("no virtual environment", f"no repository at {world.red}", f"idbench models setup {world.card}"):
        assert part in text
    run = ["run", "--model", str(world.card), "--subset", "p1", "--no-oracles", "--gallery", "0"]
    run += ["--resamples", "100", "--out", str(world.root / "run")]
    refused = error_line(idbench_here(*run))
    assert "needs an isolated environment" in refused and not (world.root / "run").exists()

    done = world.setup()
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(world.environment)
    placed = world.root / "weights" / "me" / "colours"
    assert f"base: linked from {world.offline / 'weights' / 'me' / 'colours'} to {placed}" in done.stderr
    for part in (
        world.red[:12],
        "requirements.txt",
        "CC0",
        "0.1 GB",
        "GB are free",
        "repository: 1/1",
        "packages: 1/1",
    ):
        assert part in done.stderr
    assert world.problems() == []
    assert git(world.environment / "repository", "rev-parse", "HEAD") == world.red
    log = (world.environment / "setup.log").read_text()
    assert "Successfully installed tinypaint" in log and "--no-index" in log

    done = idbench_here(*run)
    assert done.returncode == 0, done.stderr
    lines = ledger(world.root / "run")
    assert lines and all(line["outcome"] == "generated" for line in lines)
    assert f"python at {world.environment / 'venv'}" in (world.root / "run" / "logs" / "painter-0.log").read_text()
    from PIL import Image

    assert Image.open(lines[0]["path"]).convert("RGB").getpixel((3, 3)) == (200, 30, 30)

    before = world.made()
    assert "everything is here" in world.setup().stderr and world.made() == before
    (world.card / "requirements.txt").write_text("# nothing needed now\n")
    assert world.lacking() == {"venv": "the requirements changed since it was made"}
    assert "the requirements changed" in error_line(idbench_here(*run[:-1], str(world.root / "other")))
    assert world.setup().returncode == 0
    assert world.made()["repository"] == before["repository"] and world.made()["venv"] != before["venv"]
    assert not (world.environment / before["venv"]).exists(), "the old one is gone"
    world.write(revision=world.blue)
    assert world.lacking() == {"repository": f"the repository is at {world.red}, expected {world.blue}"}
    between = world.made()
    assert world.setup().returncode == 0 and world.problems() == []
    assert world.made()["venv"] == between["venv"] and world.made()["repository"] != between["repository"]
    git(world.environment / "repository", "checkout", "-q", world.red)
    assert "the repository is at" in world.lacking()["repository"], "a commit changed by hand is noticed"


@pytest.mark.slow
@pytest.mark.parametrize("moment", [".repository-*", ".venv-*", ".venv-*/bin/pip"])
def test_killed_in_the_middle_the_same_command_goes_on(world: World, moment: str):
    if moment == ".repository-*":  # a git that takes its time
        (world.root / "bin").mkdir()
        slow = world.root / "bin" / "git"
        slow.write_text(f'#!/bin/sh\nsleep 1\nexec {shutil.which("git")} "$@"\n')
        slow.chmod(0o755)
        environment = os.environ | {"PATH": f"{slow.parent}:{os.environ['PATH']}"}
    else:
        environment = dict(os.environ)
    arguments = ["models", "setup", str(world.card), "--yes", "--offline", str(world.offline)]
    child = subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.DEVNULL, env=environment)
    ends = time.monotonic() + 60
    while not list(world.environment.glob(moment)):
        assert child.poll() is None and time.monotonic() < ends, "it was done before it could be killed"
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)  # its children live on
    child.wait()
    expected = {"venv"} if "venv" in moment else {"venv", "repository"}
    assert set(world.lacking()) == expected and world.problems()[0]["kind"] == "environment"
    kept = str((world.environment / "repository").readlink()) if "venv" in moment else None
    done = world.setup()
    assert done.returncode == 0, done.stderr
    assert world.problems() == [] and kept in (None, world.made()["repository"])
    python = world.environment / "venv" / "bin" / "python"
    subprocess.run([python, "-c", "import tinypaint"], check=True, env={"PATH": os.environ["PATH"]})


def test_code_from_elsewhere_is_said_beforehand(world: World):
    (world.card / "requirements.txt").write_text("tinypaint==1.0\ngit+https://example.org/more.git\n")
    assert Environment(load_card(world.card), world.card).addresses == ["git+https://example.org/more.git"]
    said = idbench_here("models", "setup", world.card, input="n\n")
    assert "also code from git+https://example.org/more.git" in said.stdout + said.stderr


def test_from_an_address_exactly_the_commit_is_fetched(world: World):
    (world.card / "requirements.txt").write_text("")
    world.write(address=f"file://{world.repository}")
    card = world.card / "card.toml"
    card.write_text(re.sub(r"\[\[weights\]\].*?\[worker\]", "[worker]", card.read_text(), flags=re.DOTALL))
    done = idbench_here("models", "setup", world.card, input="n\n")
    assert done.returncode == 1 and not world.environment.exists() and "Set up?" in done.stderr
    assert f"file://{world.repository} @ {world.red[:12]}, MIT" in done.stderr
    done = idbench_here("models", "setup", world.card, input="y\n")
    assert done.returncode == 0, done.stderr
    assert (world.environment / "repository" / "colours.py").read_text() == "COLOUR = (200, 30, 30)\n"
    assert world.problems() == []


def test_a_commit_that_is_not_there_is_one_line_with_the_log(world: World):
    world.write(revision="1" * 40)
    done = world.setup()
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "fetching" in last and "failed" in last and str(world.environment / "setup.log") in last and "1" * 40 in last
    assert set(world.lacking()) == {"venv", "repository"}
    world.write(revision="v1.0")
    assert "must be a whole commit" in error_line(world.setup())
    assert [one["kind"] for one in world.problems()] == ["environment", "weights"]


def test_a_requirement_that_cannot_be_had_is_one_line_with_pip_s_last_word(world: World):
    (world.card / "requirements.txt").write_text("no-such-thing-anywhere==3\n")
    done = world.setup()
    assert done.returncode == 1 and "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert "installing the requirements failed: ERROR: No matching distribution" in last and "setup.log" in last
    assert set(world.lacking()) == {"venv"} and not list(world.environment.glob(".venv-*"))
    (world.card / "requirements.txt").unlink()
    assert "no requirements at" in error_line(world.setup())


def test_offline_nothing_gets_to_the_network(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIP_RETRIES", "0")
    (world.card / "requirements.txt").write_text("tinypaint @ http://192.0.2.1/tinypaint-1.0-py3-none-any.whl\n")
    done = world.setup()
    assert done.returncode == 1 and "installing the requirements failed" in done.stderr
    assert "127.0.0.1" in (world.environment / "setup.log").read_text() or "proxy" in done.stderr.lower()


def test_a_version_of_python_that_is_not_here_is_one_line_that_says_what_to_install(world: World, tmp_path: Path):
    world.write(python="3.99")
    refused = error_line(world.setup())
    assert "needs Python 3.99" in refused and "python3.99-venv" in refused and not world.environment.exists()
    world.write(python="2")
    assert "such as 3.10" in error_line(world.setup())


def test_an_interpreter_is_one_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert find_python("", "x") == find_python(here, "x") == Path(sys.executable)
    for name, text in {"shim": "exit 127", "good": "echo 3.98.4"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "python3.98").write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name / "python3.98").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'shim'}:{tmp_path / 'good'}")
    assert find_python("3.98", "x") == find_python("3.98.4", "x") == tmp_path / "good" / "python3.98"
    with pytest.raises(MissingPackageError, match=r"no python3[.]98 on PATH runs"):
        find_python("3.98.1", "x")


def test_weights_of_another_disk_are_copied_and_missing_ones_named(world: World, monkeypatch: pytest.MonkeyPatch):
    from idbench.errors import WeightsError
    from idbench.models.environments.offline_weights import place_weights
    from idbench.models.weights import is_whole

    need = load_card(world.card).need("base")
    tensors = world.offline / "weights" / "me" / "colours" / "model.safetensors"
    whole = tensors.read_bytes()
    tensors.write_bytes(whole[:-1])
    with pytest.raises(WeightsError, match="not whole"):
        place_weights(need, "painter", world.offline)
    tensors.unlink()
    tensors.write_bytes(whole)

    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert "copied from" in place_weights(need, "painter", world.offline) and is_whole(need)
    assert "base: here" in place_weights(need, "painter", world.offline)
    with pytest.raises(WeightsError, match=f"no weights 'base' at {world.offline}"):
        place_weights(need.model_copy(update={"hub": "me/others"}), "painter", world.offline)


def test_an_edited_repository_is_another_worker_and_what_is_written_beside_is_not(world: World):
    card = world.card / "card.toml"
    card.write_text(card.read_text().replace('requirements = "requirements.txt"', ""))
    assert world.setup().returncode == 0
    environment = Environment(load_card(world.card), world.card)
    assert environment.edited() == {}
    (world.environment / "repository" / "results.txt").write_text("written while it ran")
    assert environment.edited() == {}
    (world.environment / "repository" / "colours.py").write_text("COLOUR = (0, 0, 0)\n")
    assert environment.edited().keys() == {"colours.py"}
    (world.environment / "repository" / "colours.py").unlink()
    assert environment.edited() == {"colours.py": ""}


def test_what_was_not_made_here_is_not_deleted(world: World):
    (world.environment / "repository").mkdir(parents=True)
    (world.environment / "repository" / "mine.txt").write_text("x")
    done = world.setup()
    assert done.returncode == 1 and "was not made by 'idbench models setup'" in done.stderr
    assert (world.environment / "repository" / "mine.txt").exists()


def test_models_that_are_no_workers_need_their_weights_only():
    done = idbench_here("models", "setup", "flux1-dev")
    assert done.returncode == 0 and "'idbench models fetch flux1-dev'" in done.stderr and not done.stdout
