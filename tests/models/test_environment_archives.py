"""Repositories that come as archives or folders, hostile ones among them."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from support.runs import error_line
from support.worker_environments import World


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_an_archive_says_which_commit_it_is(world: World, kind: str):
    world.archive(kind)
    (world.card / "requirements.txt").write_text("")
    world.write(revision=world.blue)
    refused = world.setup()
    assert refused.returncode == 1 and f"is at {world.red}, the card asks for {world.blue}" in refused.stderr
    world.write(revision=world.red)
    done = world.setup()
    assert done.returncode == 0 and "does not say" not in done.stderr
    assert (world.environment / "repository" / "colours.py").is_file()


def test_a_folder_without_history_is_taken_on_trust_and_that_is_said(world: World):
    shutil.rmtree(world.repository / ".git")
    (world.card / "requirements.txt").write_text("")
    done = world.setup()
    assert done.returncode == 0 and "does not say which commit it is" in done.stderr
    shutil.rmtree(world.environment)
    (world.repository / "data").symlink_to("/etc")
    refused = world.setup()
    assert refused.returncode == 1 and "the link 'data' leads outside" in refused.stderr
    shutil.rmtree(world.repository)
    assert "repository.tar.gz or repository.zip" in error_line(world.setup())


def member(name: str, link: str = "", kind: bytes = tarfile.REGTYPE) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    data = b"" if link else b"owned"
    info.size = len(data)
    return info, data


HOSTILE = {
    "above": [member("../../owned")],
    "link outside": [member("a", "/etc/passwd", tarfile.SYMTYPE)],
    "through a link": [member("a", "../..", tarfile.SYMTYPE), member("a/owned")],
    "hard link": [member("a", "../../../home/secret", tarfile.LNKTYPE)],
    "device": [member("a", kind=tarfile.CHRTYPE)],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_archive_is_refused_and_nothing_lands_outside(world: World, members):
    shutil.rmtree(world.repository)
    with tarfile.open(world.offline / "repository.tar.gz", "w:gz") as packed:
        for info, data in members:
            packed.addfile(info, io.BytesIO(data))
    done = world.setup()
    assert done.returncode == 1 and "cannot be unpacked" in done.stderr and "Traceback" not in done.stderr
    assert "repository" in world.lacking() and not list(world.root.rglob("owned"))


@pytest.mark.parametrize("name", ["../owned", "/tmp/idbench-owned", "a/../../owned", "link"])
def test_a_hostile_zip_is_refused(world: World, name: str):
    shutil.rmtree(world.repository)
    info = zipfile.ZipInfo(name)
    info.external_attr = (0o120777 if name == "link" else 0o100644) << 16
    with zipfile.ZipFile(world.offline / "repository.zip", "w") as packed:
        packed.writestr("fine.py", "")
        packed.writestr(info, "/etc")
    done = world.setup()
    assert done.returncode == 1 and "is a link or leads outside" in done.stderr
    assert not list(world.root.rglob("owned")) and not Path("/tmp/idbench-owned").exists()
    (world.offline / "repository.zip").write_bytes(b"PK\3\4 not really")
    assert "cannot be unpacked" in world.setup().stderr
