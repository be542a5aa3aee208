"""Bad and odd images: each has a recorded outcome, and the rest of the run is finished."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers import encoded, ledger, noise, outcomes, real_cases, run_here, write_manifest, write_suite
from PIL import Image

from idbench.errors import UnreadableImageError
from idbench.faces.analyse import ImageAnalyser, Job
from idbench.faces.opening import open_detector, open_recognizers
from idbench.images import EncodedImage, decode
from idbench.models.oracles import ORACLES
from idbench.protocols.people import usable_faces
from idbench.store import Cache
from idbench.tables import read_tables

UNREADABLE = {"truncated.jpg", "empty.jpg", "text.jpg", "bomb.png", "bomb.gif", "half-header.png", "pipe.jpg"}
NO_FACE = {"noise.png", "one-pixel.png", "thin.png"}
SAME_PICTURE = {"plain.png", "png-named.jpg", "rgba.png", "turned.png", "animated.webp"}
ALIKE = {"gray.png", "gray16.png", "rgb16.png", "la.png", "palette.png", "cmyk.jpg", "turned.jpg", "animated.gif"}
ANY_OUTCOME = {"wide.jpg"}
CROWD = "crowd.jpg"


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, kind: int, rows: bytes) -> bytes:
    """A PNG from raw filtered rows; the header may declare more than there is."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def rgb16(image: Image.Image) -> bytes:
    deep = (np.asarray(image).astype(np.uint16) * 257).astype(">u2")
    return png(image.width, image.height, 16, 2, b"".join(b"\0" + row.tobytes() for row in deep))


def gray16(image: Image.Image) -> bytes:
    deep = np.asarray(image.convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(deep), "PNG")


def turned(image: Image.Image, form: str) -> bytes:
    """Stored lying on its side, with the EXIF tag that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(image.transpose(Image.Transpose.ROTATE_90), form, exif=exif, quality=98)


def with_alpha(image: Image.Image) -> Image.Image:
    layered = image.convert("RGBA")
    layered.putalpha(255)
    return layered


def transparent_palette(image: Image.Image) -> bytes:
    return encoded(image.convert("P", palette=Image.Palette.ADAPTIVE, colors=255), "PNG", transparency=255)


def crowd(image: Image.Image, box: np.ndarray) -> Image.Image:
    """Thirty copies of the face, six by five."""
    x1, y1, x2, y2 = box
    grow = 0.4 * max(x2 - x1, y2 - y1)
    face = image.crop(tuple(int(v) for v in (x1 - grow, y1 - grow, x2 + grow, y2 + grow))).resize((200, 200))
    tiled = Image.new("RGB", (1200, 1000))
    for i in range(30):
        tiled.paste(face, (i % 6 * 200, i // 6 * 200))
    return tiled


def odd_images(photo: Image.Image, box: np.ndarray) -> dict[str, bytes]:
    """File name -> bytes. `photo` shows one large face at `box`."""
    jpeg, plain = encoded(photo, "JPEG", quality=95), encoded(photo, "PNG")
    other = noise(*photo.size)
    wide = Image.new("RGB", (20_000, 400))
    wide.paste(photo.resize((400, 400)), (9_000, 0))
    return {
        "truncated.jpg": jpeg[: len(jpeg) // 2],
        "half-header.png": plain[:20],
        "empty.jpg": b"",
        "text.jpg": b"<script>alert(1)</script> this is no picture\n" * 20,
        "bomb.png": png(60_000, 60_000, 8, 2, bytes(1000)),
        "bomb.gif": b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\x80\0\0" + bytes(6) + b",",
        "noise.png": encoded(noise(320, 240), "PNG"),
        "one-pixel.png": encoded(Image.new("RGB", (1, 1)), "PNG"),
        "thin.png": encoded(Image.new("RGB", (20_000, 2)), "PNG"),
        "wide.jpg": encoded(wide, "JPEG"),
        "plain.png": plain,
        "png-named.jpg": plain,
        "rgba.png": encoded(with_alpha(photo), "PNG"),
        "turned.png": turned(photo, "PNG"),
        "turned.jpg": turned(photo, "JPEG"),
        "animated.webp": encoded(photo, "WEBP", save_all=True, append_images=[other], lossless=True),
        "animated.gif": encoded(photo, "GIF", save_all=True, append_images=[other]),
        "gray.png": encoded(photo.convert("L"), "PNG"),
        "gray16.png": gray16(photo),
        "rgb16.png": rgb16(photo),
        "la.png": encoded(with_alpha(photo).convert("LA"), "PNG"),
        "palette.png": transparent_palette(photo),
        "cmyk.jpg": encoded(photo.convert("CMYK"), "JPEG", quality=95),
        CROWD: encoded(crowd(photo, box), "JPEG", quality=95),
    }


@pytest.fixture(scope="module")
def analyser(packs: Path, tmp_cache: Path) -> ImageAnalyser:
    spec = f"insightface:{packs / 'mini-a'}"
    return ImageAnalyser(open_detector(None, [spec]), open_recognizers([spec]), cache=Cache(tmp_cache))


@pytest.fixture(scope="module")
def case(real_suite: Path):
    return real_cases(real_suite, (1,))[0]


@pytest.fixture(scope="module")
def photo(case) -> Image.Image:
    return Image.fromarray(decode(case.target.read()))


@pytest.fixture(scope="module")
def files(photo: Image.Image, analyser: ImageAnalyser, case) -> dict[str, bytes]:
    faces = analyser.one(case.target).faces
    largest = np.ptp(faces.found.boxes.reshape(-1, 2, 2), axis=1).prod(axis=1).argmax()
    return odd_images(photo, faces.found.boxes[largest])


def case_of(file: str) -> str:
    return file.replace(".", "-")


@pytest.fixture(scope="module")
def scored(files, case, packs, tmp_cache, tmp_path_factory) -> Path:
    """One case per odd image, and one whose image is sound."""
    root = tmp_path_factory.mktemp("odd")
    (root / "suite").mkdir()
    (root / "suite" / "target.jpg").write_bytes(case.target.read())
    (root / "suite" / "reference.jpg").write_bytes(case.people[0].references[0].read())
    (root / "images").mkdir()
    for name, data in files.items():
        (root / "images" / f"{case_of(name)}{Path(name).suffix}").write_bytes(data)
    os.mkfifo(root / "images" / "pipe-jpg.jpg")
    (root / "images" / "folder-jpg.jpg").mkdir()
    rows = [
        {"id": case_of(name), "prompt": "p", "target": "target.jpg", "people": [{"references": ["reference.jpg"]}]}
        for name in [*files, "pipe.jpg", "folder.jpg"]
    ]
    suite = write_manifest(root / "suite", rows)
    return run_here(suite, packs, root / "run", tmp_cache, images={"odd": str(root / "images")}, protocol="both")


def test_every_odd_image_has_a_recorded_outcome(scored: Path, files):
    found = outcomes(scored, "odd")
    assert len(found) == len(files) + 2
    assert {file for file in {*files, "pipe.jpg"} if found[case_of(file)] == "unreadable_image"} == UNREADABLE
    assert {file for file in files if found[case_of(file)] == "no_face"} - ANY_OUTCOME == NO_FACE
    assert found["folder-jpg"] == "missing_image"
    assert all(found[case_of(file)] == "scored" for file in SAME_PICTURE | ALIKE | {CROWD})


def test_no_row_is_dropped_for_an_odd_image(scored: Path, files):
    scores, images, _ = read_tables(scored)
    assert len(images) == (1 + len(ORACLES)) * (len(files) + 2)
    assert (scores.groupby("protocol").size() == len(images)).all()
    recorded = {(line["model"], line["case"]) for line in ledger(scored)}
    assert len(recorded) == len(ledger(scored)) == len(images)


def test_unreadable_images_say_why(scored: Path):
    reasons = {line["case"]: line.get("error") for line in ledger(scored) if line["model"] == "odd"}
    for file in UNREADABLE:
        assert reasons[case_of(file)] and "\n" not in reasons[case_of(file)]
    assert "pixels" in reasons["bomb-png"]
    assert "empty" in reasons["empty-jpg"]


def test_formats_of_the_same_pixels_give_the_same_numbers(scored: Path):
    """RGBA, EXIF-turned, first frame of an animation, PNG under another name: the very same picture."""
    scores = read_tables(scored)[0].query("model == 'odd' and protocol == 'strict'").set_index("case")
    columns = ["sim_gt", "sim_ref", "copy_paste", "x1", "y1", "x2", "y2", "pixel_copy"]
    for file in SAME_PICTURE:
        assert (scores.loc[case_of(file), columns] == scores.loc["plain-png", columns]).all(), file


def test_other_depths_and_colour_models_show_the_same_person(scored: Path):
    scores = read_tables(scored)[0].query("model == 'odd' and protocol == 'strict'").set_index("case")
    for file in ALIKE:
        assert scores.loc[case_of(file), "sim_gt"] > 0.6, file


def test_a_crowd_counts_its_extra_faces(scored: Path):
    row = read_tables(scored)[1].query("model == 'odd'").set_index("case").loc[case_of(CROWD)]
    assert row["faces_found"] >= 25
    assert row["extra_faces"] == row["faces_found"] - 1


def test_sixteen_bit_images_are_scaled_not_clipped(photo: Image.Image):
    luma = np.asarray(photo.convert("L"), np.int16)
    assert np.abs(decode(gray16(photo))[..., 0].astype(np.int16) - luma).max() <= 1
    assert np.abs(decode(rgb16(photo)).astype(np.int16) - np.asarray(photo, np.int16)).max() <= 1


def test_transparency_is_laid_on_white():
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert (decode(encoded(clear, "PNG")) == 255).all()
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([255, 0, 0] * 256)
    assert (decode(encoded(palette, "PNG", transparency=0)) == 255).all()


def test_a_turned_photo_is_stood_upright(photo: Image.Image):
    assert (decode(turned(photo, "PNG")) == np.asarray(photo)).all()


def test_the_first_frame_of_an_animation_counts(photo: Image.Image, files):
    assert (decode(files["animated.webp"]) == np.asarray(photo)).all()


@pytest.mark.parametrize("name", ["bomb.png", "bomb.gif"])
def test_a_decompression_bomb_costs_neither_time_nor_memory(name: str, files, tmp_path: Path):
    (tmp_path / name).write_bytes(files[name])
    script = (
        "import sys, time, resource; from pathlib import Path\n"
        "from idbench.images import decode; from idbench.errors import UnreadableImageError\n"
        "before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()\n"
        "try: decode(Path(sys.argv[1]).read_bytes())\n"
        "except UnreadableImageError as error: pass\n"
        "else: sys.exit('decoded')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, time.monotonic() - began)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path / name], capture_output=True, text=True, check=True)
    kilobytes, seconds = map(float, done.stdout.split())
    assert kilobytes < 50_000 and seconds < 2


@pytest.fixture(scope="module")
def odd_suite(files, case, packs, tmp_cache, tmp_path_factory) -> tuple[Path, Path]:
    """Every odd image once as a target, once as a reference, and once as one of two references."""
    root = tmp_path_factory.mktemp("odd-suite")
    (root / "suite").mkdir()
    (root / "suite" / "target.jpg").write_bytes(case.target.read())
    (root / "suite" / "reference.jpg").write_bytes(case.people[0].references[0].read())
    os.mkfifo(root / "suite" / "pipe.jpg")
    sound = {"references": ["reference.jpg"]}
    rows = []
    for name in [*files, "pipe.jpg", "absent.jpg"]:
        if name in files:
            (root / "suite" / name).write_bytes(files[name])
        odd = {"references": [name]}
        rows += [
            {"id": f"target-{name}", "prompt": "p", "target": name, "people": [sound]},
            {"id": f"reference-{name}", "prompt": "p", "target": "target.jpg", "people": [odd]},
            {"id": f"two-{name}", "prompt": "p", "target": "target.jpg", "people": [sound, odd]},
        ]
    (root / "images").mkdir()
    for row in rows:
        (root / "images" / f"{row['id']}.jpg").write_bytes(case.target.read())
    suite = write_manifest(root / "suite", rows)
    return suite, run_here(suite, packs, root / "run", tmp_cache, images={"m": str(root / "images")}, protocol="both")


@pytest.mark.slow
def test_odd_photos_of_a_suite_are_recorded_and_the_rest_is_scored(odd_suite, files):
    _, run = odd_suite
    counts = json.loads((run / "run.json").read_text())["counts"]
    unreadable = {name.split("/")[-1] for name in counts["suite_photos_unreadable"] if "/target" not in name}
    assert UNREADABLE | {"absent.jpg"} <= unreadable
    found = outcomes(run, "m")
    for name in [*files, "pipe.jpg", "absent.jpg"]:
        usable = name in SAME_PICTURE | ALIKE | {CROWD}
        if name not in ANY_OUTCOME:
            assert found[f"target-{name}"] == ("scored" if usable else "undefined"), name
    scores, images, _ = read_tables(run)
    assert len(images) == (1 + len(ORACLES)) * 3 * (len(files) + 2)
    assert len(scores.query("protocol == 'strict'")) == (1 + len(ORACLES)) * 4 * (len(files) + 2)
    assert set(images["outcome"]) <= {"generated", "generation_failed", "missing_image", "unreadable_image"}


@pytest.mark.slow
def test_an_unreadable_target_is_nobodys_failure(odd_suite):
    _, run = odd_suite
    scores = read_tables(run)[0].query("protocol == 'strict' and model == 'm'").set_index("case")
    assert scores.loc["target-truncated.jpg", "outcome"] == "undefined"
    assert np.isnan(scores.loc["target-truncated.jpg", "sim_gt"])


def test_oracles_of_photos_too_wide_for_a_jpeg_fail_with_a_reason(case, packs, tmp_cache, tmp_path):
    root = tmp_path / "suite"
    root.mkdir()
    (root / "target.jpg").write_bytes(case.target.read())
    (root / "strip.png").write_bytes(encoded(Image.new("RGB", (20_000, 40)), "PNG"))
    people = [{"references": ["target.jpg"]}, {"references": ["strip.png"]}]
    write_manifest(root, [{"id": "a", "prompt": "p", "target": "target.jpg", "people": people}])
    run = run_here(root, packs, tmp_path / "run", tmp_cache)
    line = next(line for line in ledger(run) if line["model"] == "oracle-reference")
    assert line["outcome"] == "generation_failed" and "wide" in line["error"]


def test_missing_and_surplus_files_are_counted(real_suite, packs, tmp_cache, tmp_path):
    cases = real_cases(real_suite, (1, 1, 2))
    suite = write_suite(tmp_path / "suite", cases)
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / f"{cases[0].id}.jpg").write_bytes(cases[0].target.read())
    (folder / "nobody's.jpg").write_bytes(cases[0].target.read())
    (folder / "notes.txt").write_text("no image, no surplus")
    run = run_here(suite, packs, tmp_path / "run", tmp_cache, images={"m": str(folder)}, oracles=False)
    assert outcomes(run, "m") == {c.id: "scored" if c is cases[0] else "missing_image" for c in cases}
    surplus = json.loads((run / "run.json").read_text())["counts"]["surplus_files"]["m"]
    assert surplus == {"count": 1, "first": ["nobody's.jpg"]}
    assert len(read_tables(run)[0]) == sum(len(case.people) for case in cases)


def test_seeds_a_case_lacks_are_missing_images(real_suite, packs, tmp_cache, tmp_path):
    cases = real_cases(real_suite, (1, 1))
    suite = write_suite(tmp_path / "suite", cases)
    folder = tmp_path / "images"
    folder.mkdir()
    for seed in (1, 2, 3):
        (folder / f"{cases[0].id}--{seed}.png").write_bytes(cases[0].target.read())
    (folder / f"{cases[1].id}--2.png").write_bytes(cases[1].target.read())
    run = run_here(suite, packs, tmp_path / "run", tmp_cache, images={"m": str(folder)}, oracles=False)
    scores = read_tables(run)[0]
    found = {(row.case, row.seed): row.outcome for row in scores.itertuples()}
    a, b = (case.id for case in cases)
    assert found == {
        **{(a, seed): "scored" for seed in (1, 2, 3)},
        (b, 1): "missing_image",
        (b, 2): "scored",
        (b, 3): "missing_image",
    }


def test_a_folder_without_any_image_is_scored_as_all_missing(real_suite, packs, tmp_cache, tmp_path):
    suite = write_suite(tmp_path / "suite", real_cases(real_suite, (1,)))
    (tmp_path / "images").mkdir()
    run = run_here(suite, packs, tmp_path / "run", tmp_cache, images={"m": str(tmp_path / "images")}, oracles=False)
    assert set(outcomes(run, "m").values()) == {"missing_image"}


class Stub:
    """The real recognizer, except on the crops that `spoil` answers for."""

    def __init__(self, real, spoil) -> None:
        self.name, self.alignment = real.name, real.alignment
        self._real, self._spoil = real, spoil

    def embed(self, crops):
        return self._spoil(crops, self._real.embed(crops))

    def describe(self):
        return self._real.describe()


def with_stub(packs: Path, spoil, batch: int = 1) -> ImageAnalyser:
    spec = f"insightface:{packs / 'mini-a'}"
    return ImageAnalyser(open_detector(None, [spec]), [Stub(open_recognizers([spec])[0], spoil)], batch=batch)


def test_faces_with_nan_embeddings_are_not_used(files, packs):
    def spoil(crops, vectors):
        vectors = vectors.copy()
        vectors[::2] = np.nan
        return vectors

    faces = with_stub(packs, spoil).one(EncodedImage("crowd", data=files[CROWD])).faces
    assert [face.index for face in usable_faces(faces, "mini-a")] == list(range(1, len(faces), 2))


def test_a_run_with_nan_embeddings_is_finished(real_suite, packs, tmp_path, monkeypatch):
    """The judge fails on every face: no number, no crash, and no face that could be scored."""
    import idbench.run as module

    def judges(specs, device):
        return [Stub(judge, lambda crops, vectors: np.full_like(vectors, np.nan)) for judge in opened(specs, device)]

    opened = module.open_recognizers
    monkeypatch.setattr(module, "open_recognizers", judges)
    suite = write_suite(tmp_path / "suite", real_cases(real_suite, (1, 2)))
    run = run_here(suite, packs, tmp_path / "run", tmp_path / "cache", protocol="both")
    scores = read_tables(run)[0]
    assert "scored" not in set(scores["outcome"])
    assert scores["sim_gt"].isna().all()


@pytest.mark.parametrize("batch", [1, 3])
def test_an_image_that_breaks_a_recognizer_is_recorded_and_the_others_are_not_touched(case, photo, packs, batch):
    def spoil(crops, vectors):
        if (np.abs(crops.astype(int) - crops.mean(axis=(1, 2), keepdims=True)).mean(axis=(1, 2, 3)) < 3).any():
            raise RuntimeError("kernel failed\nsecond line")
        return vectors

    faint = np.asarray(photo, np.float64)
    faint = Image.fromarray((128 + (faint - faint.mean()) / 20).astype(np.uint8))
    analyser = with_stub(packs, spoil, batch)
    reference = case.people[0].references[0]
    jobs = [Job(0, case.target), Job(1, EncodedImage("faint", data=encoded(faint, "PNG"))), Job(2, reference)]
    found = dict(analyser.analyse(jobs))
    assert all(found[i].error is None for i in range(3))
    assert len(found[1].faces) > 0, "the detector must find the faint face for this test to say anything"
    assert np.isnan(found[1].faces.embeddings["mini-a"]).all()
    assert np.isfinite(found[0].faces.embeddings["mini-a"]).all()
    assert np.isfinite(found[2].faces.embeddings["mini-a"]).all()
    assert analyser.judge_failures == {"mini-a": {"faint": "kernel failed"}}


def test_a_damaged_cache_entry_is_computed_again_and_never_unpickled(case, packs, tmp_path):
    import pickle

    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "unpickled"),))

    spec = f"insightface:{packs / 'mini-a'}"

    def analyser() -> ImageAnalyser:
        return ImageAnalyser(open_detector(None, [spec]), open_recognizers([spec]), cache=Cache(tmp_path))

    good = analyser().one(case.target).faces
    bundle = io.BytesIO()
    np.savez(bundle, boxes=np.array([Bomb()], dtype=object), size=np.array([1, 1]))
    foreign = io.BytesIO()
    np.savez(foreign, something=np.zeros(3))
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    entries = sorted((tmp_path / "faces").rglob("*.npz"))
    assert len(entries) == 2
    whole = {entry: entry.read_bytes() for entry in entries}
    for garbage in (
        pickle.dumps(Bomb()), bundle.getvalue(), foreign.getvalue(), array.getvalue(), b"", b"PK\x03\x04",
        next(iter(whole.values()))[:-200],
    ):  # fmt: skip
        for entry in entries:
            entry.write_bytes(garbage)
        again = analyser()
        faces = again.one(case.target).faces
        assert np.array_equal(faces.embeddings["mini-a"], good.embeddings["mini-a"])
        assert np.array_equal(faces.found.boxes, good.found.boxes)
        assert again.analysed == 1
        for entry in entries:
            with np.load(entry, allow_pickle=False) as healed, np.load(io.BytesIO(whole[entry])) as expected:
                assert healed.files == expected.files
    assert not (tmp_path / "unpickled").exists()


def test_reading_stops_at_the_size_limit_and_at_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", tmp_path, tmp_path / "absent.jpg", Path("/dev/zero")):
        began = time.monotonic()
        with pytest.raises(UnreadableImageError):
            EncodedImage("x", path=path).read()
        assert time.monotonic() - began < 1
