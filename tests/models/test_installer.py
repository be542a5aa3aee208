"""What makes environments: uv where it is present, else venv and pip; both are really run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from support.worker_environments import World

from idbench.errors import ConfigError, MissingPackageError
from idbench.models.environments.installer import Pip, Uv, find_installer

BESIDE = str(Path(sys.executable).parent)


@pytest.fixture
def uv(monkeypatch: pytest.MonkeyPatch) -> str:
    found = shutil.which("uv", path=BESIDE) or shutil.which("uv")
    if found is None:
        pytest.skip("uv is not installed")
    monkeypatch.delenv("IDBENCH_INSTALLER", raising=False)
    return found


def test_uv_is_taken_where_it_is_and_pip_where_it_is_not(uv: str, monkeypatch: pytest.MonkeyPatch):
    assert find_installer("", "m") == Uv(sys.executable, None, uv)
    monkeypatch.setattr("idbench.models.environments.installer.shutil.which", lambda name, path: None)
    assert find_installer("", "m") == Pip(sys.executable)
    monkeypatch.setenv("IDBENCH_INSTALLER", "uv")
    with pytest.raises(MissingPackageError, match="pip install uv"):
        find_installer("", "m")


def test_the_user_chooses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("IDBENCH_INSTALLER", "pip")
    assert find_installer("", "m", tmp_path) == Pip(sys.executable, tmp_path / "wheels")
    monkeypatch.setenv("IDBENCH_INSTALLER", "conda")
    with pytest.raises(ConfigError, match="expected pip or uv, found 'conda'"):
        find_installer("", "m")


def test_uv_brings_a_python_that_is_not_here_and_says_so_unless_offline(uv: str, tmp_path: Path):
    found = find_installer("3.99", "m")
    assert isinstance(found, Uv) and found.fetches_python and "Python 3.99" in found.about
    with pytest.raises(MissingPackageError, match=r"needs Python 3\.99"):
        find_installer("3.99", "m", tmp_path)


@pytest.mark.slow
def test_uv_makes_an_environment_from_disk(uv: str, world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IDBENCH_INSTALLER", "uv")
    done = world.setup()
    assert done.returncode == 0 and "by uv, from" in done.stderr, done.stderr
    assert world.lacking() == {} and world.problems() == []
    assert (world.environment / "packages.txt").read_text() == "tinypaint==1.0\n"
    assert (world.environment / "venv" / "bin" / "python").exists()
    log = (world.environment / "setup.log").read_text()
    assert "uv venv" in log and "uv pip install" in log and "--no-index" in log
    made = world.made()
    assert "everything is here" in world.setup().stderr and world.made() == made
    (world.card / "requirements.txt").write_text("nosuchthing==1.0\n")
    last = world.setup().stderr.splitlines()[-1]
    assert "installing the requirements failed" in last and "nosuchthing" in last and world.made() == made
