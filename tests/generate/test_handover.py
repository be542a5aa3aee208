"""What a process is handed of a job: copies under opaque names, and nothing that leads to the suite."""

from __future__ import annotations

import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from support.images import encoded, noise
from support.raw_worker import MADE, log_of, script

from idbench.generate.child import job_from
from idbench.generate.handover import HandedJob, opaque_case, read_back, workplace
from idbench.generate.pool import ProcessPool
from idbench.generate.task import Task
from idbench.images import EncodedImage, decode
from idbench.models.base import Job
from idbench.records import Generation, Person

SUITE = "a-private-suite"


def job(suite: Path, case: str = "anna and ben", seed: int = 0) -> Job:
    """Two people, one with two photos in files that are linked, one with a photo of a parquet row."""
    suite.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((5, 7, 3), 200, np.uint8)).save(suite / "anna.png")
    if not (suite / "anna-2.png").exists():
        (suite / "anna-2.png").symlink_to(suite / "anna.png")
    data = (suite / "anna.png").read_bytes()
    files = tuple(EncodedImage(name, path=suite / name) for name in ("anna.png", "anna-2.png"))
    people = (Person(files, box=(1.0, 2.0, 3.0, 4.5)), Person((EncodedImage("ben, row 7", data=data),), identity="Ben"))
    return Job(case, "p", people, seed, (640, 480), {"steps": 2})


def test_a_job_reaches_the_process_with_everything_but_the_suites_names(tmp_path: Path):
    asked = job(tmp_path / SUITE)
    handed = HandedJob.at(tmp_path / "place" / "3", 3, asked)
    seen = job_from(handed.message)
    assert (seen.prompt, seen.seed, seen.canvas, seen.parameters) == ("p", 0, (640, 480), {"steps": 2})
    assert [person.box for person in seen.people] == [(1.0, 2.0, 3.0, 4.5), None]
    assert [[photo.name for photo in person.references] for person in seen.people] == [["ref_1.png", "ref_2.png"], ["ref_3.png"]]  # fmt: skip
    assert all((decode(photo.read()) == 200).all() for person in seen.people for photo in person.references)
    told = json.dumps(handed.message)
    assert not [word for word in (SUITE, "anna", "ben", "Ben", "identity", "target", asked.case) if word in told]


def test_references_lie_alone_as_copies_and_go_with_the_job(tmp_path: Path):
    asked = job(tmp_path / SUITE)
    handed = HandedJob.at(tmp_path / "place" / "3", 3, asked)
    folder = Path(handed.message["people"][0]["references"][0]).parent
    assert sorted(path.name for path in folder.iterdir()) == ["ref_1.png", "ref_2.png", "ref_3.png"]
    assert not any(path.is_symlink() or path.stat().st_nlink > 1 for path in folder.iterdir())
    assert [path.name for path in folder.parent.iterdir()] == ["references"]
    (folder / "ref_1.png").write_bytes(b"scribbled over")
    handed.forget()
    assert not folder.parent.exists()
    assert (decode((tmp_path / SUITE / "anna.png").read_bytes()) == 200).all()


def test_a_case_is_called_the_same_in_every_run_and_by_nothing_but_what_the_process_sees(tmp_path: Path):
    asked = job(tmp_path / SUITE)
    assert opaque_case(asked) == opaque_case(job(tmp_path / "elsewhere", "another id", seed=5))
    changed = [
        replace(asked, prompt="q"),
        replace(asked, canvas=None),
        replace(asked, people=asked.people[::-1]),
        replace(asked, people=(replace(asked.people[0], box=None), asked.people[1])),
    ]
    assert len({opaque_case(one) for one in [asked, *changed]}) == 5


def tagged_png() -> bytes:
    words = PngImagePlugin.PngInfo()
    words.add(b"tEXt", b"Title\0the secret source", after_idat=True)
    return encoded(noise(40, 30), "PNG", pnginfo=words)


def exif(form: str) -> bytes:
    tags = Image.Exif()
    tags[0x010E] = "the secret source"  # ImageDescription
    tags[0x0112] = 6  # turned by a quarter
    return encoded(noise(40, 30), form, exif=tags)


@pytest.mark.parametrize(
    "data",
    [
        exif("JPEG"),
        encoded(noise(40, 30), "JPEG", comment="the secret source"),
        tagged_png(),
        exif("WEBP"),
        encoded(noise(40, 30), "TIFF", tiffinfo={270: "the secret source"}),
    ],
    ids=["exif", "comment", "png text", "webp", "tiff"],
)
def test_metadata_stays_behind_and_pixels_are_the_same(tmp_path: Path, data: bytes):
    assert b"the secret source" in data
    handed = HandedJob.at(tmp_path / "3", 3, Job("c", "p", (Person((EncodedImage("x", data=data),)),)))
    (copy,) = map(Path, handed.message["people"][0]["references"])
    assert copy.name == "ref_1.png" and b"secret" not in copy.read_bytes()
    assert (decode(copy.read_bytes()) == decode(data)).all()
    assert (np.asarray(Image.open(io.BytesIO(copy.read_bytes()))) == decode(data)).all(), "upright for every library"


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_file_of_nothing_but_pixels_is_copied_byte_for_byte(tmp_path: Path, form: str):
    data = encoded(noise(40, 30), form)
    handed = HandedJob.at(tmp_path / "3", 3, Job("c", "p", (Person((EncodedImage("x", data=data),)),)))
    (copy,) = map(Path, handed.message["people"][0]["references"])
    assert copy.name == {"JPEG": "ref_1.jpg", "PNG": "ref_1.png"}[form] and copy.read_bytes() == data


def test_photos_that_cannot_be_read_are_left_to_the_model(tmp_path: Path):
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    people = tuple(Person((EncodedImage(name, path=tmp_path / name),)) for name in ("broken.jpg", "absent.jpg"))
    handed = HandedJob.at(tmp_path / "3", 3, Job("c", "p", people))
    broken, absent = (Path(person["references"][0]) for person in handed.message["people"])
    assert broken.read_bytes() == b"no image" and not absent.exists()
    assert read_back(f"{absent.name}: No such file; {broken}?", [handed]) == "absent.jpg: No such file; broken.jpg?"


def test_what_a_process_says_is_read_back_once_and_only_where_it_is_clear(tmp_path: Path):
    (tmp_path / "a").mkdir()
    names = ["ref_2.png", "ref_1.png"]  # of the suite: just the other way round
    for name in names:
        noise(4, 4).save(tmp_path / "a" / name)
    person = Person(tuple(EncodedImage(name, path=tmp_path / "a" / name) for name in names))
    one = HandedJob.at(tmp_path / "3", 3, Job("r001", "p", (person,)))
    assert read_back(f"no face in ref_1.png of {one.message['case']}", [one]) == "no face in ref_2.png of r001"
    other = HandedJob.at(tmp_path / "4", 4, Job("r002", "q", (Person(person.references[1:]),)))
    assert read_back("ref_1.png ref_2.png", [one, other]) == "ref_1.png ref_1.png"


SEARCH = """
import pathlib
found, place = [], pathlib.Path(job['people'][0]['references'][0]).parent
for folder in (place, place.parent, place.parent.parent, pathlib.Path(job['output']).parent, pathlib.Path.cwd()):
    found += [str(path) for path in folder.iterdir() if path.resolve() != path.absolute()]
    found += [str(path) for path in folder.rglob('*') if 'the ' + 'target' in path.name]
    found += [str(path) for path in folder.rglob('*') if path.is_file() and b'the ' + b'target' in path.read_bytes()]
found += [part for part in (*os.environ.values(), *sys.argv, json.dumps(job), json.dumps(hello)) if 'a-private-suite' in part]
say(type='outcome', id=job['id'], outcome='generation_failed', error=f"{job['case']}: {found or 'nothing'}")
"""


def test_a_worker_that_looks_for_targets_around_its_references_finds_none(tmp_path: Path, monkeypatch):
    """Photos of the case, the run's directory with the oracles and the user's folder are near; no path leads there."""
    suite = tmp_path / SUITE
    asked = [job(suite, case) for case in ("anna and ben", "carl")]
    (suite / "the target.png").write_bytes(b"the target")
    oracle = tmp_path / "run" / "images" / "oracle-target" / "x.png"
    oracle.parent.mkdir(parents=True)
    oracle.write_bytes(b"the target")
    for variable in ("PWD", "OLDPWD"):
        monkeypatch.setenv(variable, str(suite))
    launch = script(tmp_path / "model", SEARCH)
    made = []
    with (
        workplace(tmp_path / "run" / ".work" / "processes") as place,
        ProcessPool("w", launch, [None], "none", 20, place, tmp_path / "logs") as pool,
    ):
        made += pool.run(iter([[Task(one, tmp_path / "run" / "images" / "w" / "x.png") for one in asked]]))
    assert [record.error for record in made] == ["anna and ben: nothing", "carl: nothing"]
    assert f"case 'carl', seed 0; here it is called {opaque_case(asked[1])}".encode() in log_of(tmp_path)


def test_the_workplace_is_outside_the_run_private_and_cleared_of_what_a_killed_run_left(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    with workplace(tmp_path / "other" / ".work") as other, workplace(tmp_path / "run" / ".work") as left:
        (left / "ref_1.png").write_bytes(b"x")
        with workplace(tmp_path / "run" / ".work") as place:
            assert not left.exists() and other.exists() and place.stat().st_mode & 0o077 == 0
            assert not any("run" in part for part in place.relative_to(tmp_path / "tmp").parts)
    assert not list((tmp_path / "tmp").iterdir())


def test_a_retried_job_is_handed_anew_and_its_image_is_taken(tmp_path: Path):
    once = "if not os.path.exists('died'): open('died', 'w').close(); os.remove(job['people'][0]['references'][0]); os._exit(1)\n"
    launch = script(tmp_path / "model", once + "assert os.path.exists(job['people'][0]['references'][0])\n" + MADE)
    with ProcessPool("w", launch, [None], "none", 20, tmp_path / "scratch", tmp_path / "logs") as pool:
        (made,) = pool.run(iter([[Task(job(tmp_path / SUITE), tmp_path / "out.png")]]))
    assert isinstance(made, Generation) and made.outcome == "generated" and (tmp_path / "out.png").exists()
    assert not list((tmp_path / "scratch").iterdir())
