"""Files and cases by other names."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

from PIL import Image
from support.images import encoded, noise
from support.perturbed.effects import EXACT, Effect, perturbation
from support.perturbed.world import Entry, File, World

from idbench.suites import case_filename

STEMS: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "swapped case": str.swapcase,
    "decomposed": lambda stem: unicodedata.normalize("NFD", stem),
    "space before": lambda stem: f" {stem}",
    "space behind": lambda stem: f"{stem} ",
    "-seed0": lambda stem: f"{stem}-seed0",
    "_0": lambda stem: f"{stem}_0",
    "_1": lambda stem: f"{stem}_1",
    "_00001_": lambda stem: f"{stem}_00001_",
    "--0": lambda stem: f"{stem}--0",
    "--7": lambda stem: f"{stem}--7",
    "--00": lambda stem: f"{stem}--00",
    "(1)": lambda stem: f"{stem} (1)",
    "copy": lambda stem: f"{stem} - Copy",
    "prefix": lambda stem: f"img_{stem}",
    "model's name": lambda stem: f"m-{stem}-seed42",
    "zero less": lambda stem: stem.replace("00", "0"),
    "zero more": lambda stem: stem.replace("0", "00", 1),
    "ending": lambda stem: f"{stem}_out",
    "reserved": lambda stem: stem + ":0",
    "percent": lambda stem: "".join(f"%{byte:02X}" if byte > 127 else chr(byte) for byte in stem.encode()),
    "dot": lambda stem: f"{stem}.0",
    "twice": lambda stem: f"{stem}.png",
    "mojibake": lambda stem: stem.encode().decode("cp1252"),
    "ascii": lambda stem: unicodedata.normalize("NFD", stem).encode("ascii", "ignore").decode(),
    "counted": lambda stem: "00000",
    "other": lambda stem: "final",
}  # fmt: skip


def _renamed(file: File, how: str) -> str:
    before, file.name = file.name, file.called(stem=STEMS[how](file.stem))
    return before


@perturbation("names")
def image_by_another_name(world: World, entry: Entry, rng: random.Random) -> Effect:
    image, how = rng.choice(entry.images), rng.choice(list(STEMS))
    before = _renamed(image, how)
    same = unicodedata.normalize("NFC", before) == unicodedata.normalize("NFC", image.name)
    others = {one.was for one in world.entries if image.stem.startswith(one.id)}
    return Effect({entry.was, *others}, [image], [before], equal=EXACT if same else None, detail=how)


@perturbation("names")
def accents_composed_otherwise(world: World, entry: Entry, rng: random.Random) -> Effect:
    """File systems and archives compose them as they like: on disk they are not as ids and manifest have them."""
    photos = world.form == "manifest" and rng.random() < 0.5
    for _, file, photo in world.files():
        if photo == photos:
            file.name = unicodedata.normalize("NFD", file.name)
    world.path = lambda name: unicodedata.normalize("NFC", name)
    return Effect(set(), equal=EXACT, detail="photos" if photos else "images")


@perturbation("names")
def all_images_by_other_names(world: World, entry: Entry, rng: random.Random) -> Effect:
    how = rng.choice(list(STEMS))
    before = [_renamed(image, how) for one in world.entries for image in one.images]
    return Effect(set(), names=[world.images, *before], detail=how)


@perturbation("names")
def another_picture_for_the_same_image(world: World, entry: Entry, rng: random.Random) -> Effect:
    """A preview, a grid or an older version beside it: it sorts before or behind."""
    image = rng.choice(entry.images)
    other = File(image.called(suffix=rng.choice([".jpg", ".webp", ".bmp", ".PNG", ".gif", ".tiff"])), b"")
    form = {".jpg": "JPEG", ".webp": "WEBP", ".bmp": "BMP", ".png": "PNG", ".gif": "GIF", ".tiff": "TIFF"}
    other.data = encoded(noise(120, 90), form[other.suffix.lower()])
    entry.images.append(other)
    return Effect({entry.was}, [image, other], detail=other.name)


@perturbation("names")
def second_name_for_the_same_image(world: World, entry: Entry, rng: random.Random) -> Effect:
    """`r001.png` and `r001/out.png`, `r001--0.png` and `r001/0.png`."""
    image = rng.choice(entry.images)
    stem = "out" if "--" not in image.stem else image.stem.rpartition("--")[2]
    other = File(f"{entry.id}/{stem}.png", encoded(noise(120, 90), "PNG"))
    entry.images.append(other)
    return Effect({entry.was}, [image, other])


@perturbation("names")
def copy_of_an_image(world: World, entry: Entry, rng: random.Random) -> Effect | None:
    image, how = rng.choice(entry.images), rng.choice(list(STEMS))
    other = File(image.called(stem=STEMS[how](image.stem)), encoded(noise(90, 90), "PNG"))
    if any(other.name == file.name for _, file, photo in world.files() if not photo):
        return None
    entry.images.append(other)
    others = {one.was for one in world.entries if other.stem.startswith(one.id)}
    return Effect({entry.was, *others}, [image, other], detail=how)


@perturbation("names")
def layout_of_one_folder_per_case(world: World, entry: Entry, rng: random.Random) -> Effect:
    for one in world.entries:
        for image in one.images:
            stem = (
                rng.choice(["out", "output", "output_0", "0", one.id])
                if len(one.images) == 1
                else image.stem.rpartition("--")[2]
            )
            image.name = f"{one.id}/{stem}.png"
    return Effect(set(), equal=EXACT)


@perturbation("names")
def images_named_by_other_rules(world: World, entry: Entry, rng: random.Random) -> Effect:
    """Some by folder, some by file."""
    for image in entry.images:
        seed = image.stem.rpartition("--")[2] if "--" in image.stem else "0"
        image.name = rng.choice([f"{entry.id}/out--{seed}.png", f"{entry.id}/{seed}.png", f"{entry.id}--{seed}.png"])
    return Effect({entry.was}, equal=EXACT)


IDS: dict[str, Callable[[str], str]] = {
    "suffix": lambda one: f"{one}.jpg",
    "png": lambda one: f"{one}.png",
    "seed": lambda one: f"{one}-seed1",
    "_0": lambda one: f"{one}_0",
    "--0": lambda one: f"{one}--0",
    "space": lambda one: f"{one} in red",
    "reserved": lambda one: f'{one}: "what?" <1|2>*',
    "slash": lambda one: f"p1/{one}",
    "backslash": lambda one: f"p1\\{one}",
    "decomposed": lambda one: unicodedata.normalize("NFD", one),
    "emoji": lambda one: f"{one}-🙂",
    "percent": lambda one: f"{one}%2Fx",
    "long": lambda one: f"{one}-" + "é" * 120,
    "dot": lambda one: f".{one}",
    "dots": lambda one: f"{one}..",
    "number": lambda one: str(sum(i * ord(c) for i, c in enumerate(one, 1))),
    "out": lambda one: f"out{sum(i * ord(c) for i, c in enumerate(one, 1))}",
    "con": lambda one: f"con.{one}",
}


@perturbation("names", "manifest", "parquet")
def ids_of_another_kind(world: World, entry: Entry, rng: random.Random) -> Effect:
    """The images follow, by the names that `case_filename` gives."""
    how = rng.choice(list(IDS))
    for one in world.entries:
        one.id = IDS[how](one.id)
        for image in one.images:
            seed = f"--{image.stem.rpartition('--')[2]}" if "--" in image.stem else ""
            image.name = f"{case_filename(one.id)}{seed}.png"
    return Effect(set(), equal=EXACT, detail=how)


@perturbation("names", "manifest", "parquet")
def ids_whose_suffix_the_images_lack(world: World, entry: Entry, rng: random.Random) -> Effect:
    for one in world.entries:
        one.id = f"{one.id}.png"
    return Effect(set(), equal=EXACT)


@perturbation("names", "manifest", "parquet")
def an_id_that_is_another_with_a_number(world: World, entry: Entry, rng: random.Random) -> Effect:
    """`r001` and `r001_1`: nothing may be taken for the other."""
    other = next(one for one in world.entries if one is not entry)
    entry.id = f"{other.id}{rng.choice(['_1', '-1', '--1', '.1', '1', '-seed1', '/1', '/out'])}"
    for image in entry.images:
        seed = f"--{image.stem.rpartition('--')[2]}" if "--" in image.stem else ""
        image.name = f"{case_filename(entry.id)}{seed}.png"
    return Effect({entry.was, other.was}, detail=entry.id)


HIDDEN = (
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    "._r001.png",
    "._meta.json",
    ".r001.png.swp",
    ".gitattributes",
    ".gitkeep",
)
OTHERS = ("notes.txt", "metrics.json", "log.csv", "README.md", "args.yaml", "run.log", "model.safetensors", "LICENSE")


@perturbation("names")
def files_that_are_nothing(world: World, entry: Entry, rng: random.Random) -> Effect:
    """Of file managers, editors and logs: in the folder of images, the suite and the folders of both."""
    places = [world.images, world.suite, *{f"{world.suite}/{photo.folder}" for photo in entry.photos()}]
    for name in rng.sample([*HIDDEN, *OTHERS], 3):
        data = b"\0\5\26\7" if name.startswith("._") else rng.choice([b"", b"{}", b"text"])
        world.beside[f"{rng.choice(places)}/{name}"] = data
    return Effect(set(), equal=EXACT)


@perturbation("names")
def hidden_copy_of_an_image(world: World, entry: Entry, rng: random.Random) -> Effect:
    """What macOS writes beside files on foreign disks, and thumbnails in hidden folders."""
    image = rng.choice(entry.images)
    name = rng.choice(
        [f"._{image.name}", f".thumbnails/{image.name}", f"__MACOSX/._{image.name}", f".ipynb_checkpoints/{image.name}"]
    )
    world.beside[f"{world.images}/{name}"] = encoded(Image.new("RGB", (64, 64)), "PNG")
    return Effect({entry.was}, equal=EXACT, detail=name)


@perturbation("names")
def image_of_no_case(world: World, entry: Entry, rng: random.Random) -> Effect:
    name = rng.choice(["grid.png", "contact sheet.jpg", "r999.png", "preview/grid.png", "0.png"])
    world.beside[f"{world.images}/{name}"] = encoded(noise(60, 60), "PNG")
    return Effect(set(), names=[name], equal=EXACT, said=True, detail=name)


@perturbation("names", "folders")
def photos_by_other_names(world: World, entry: Entry, rng: random.Random) -> Effect:
    """Capitals and separators are understood; other words are named."""
    photo = rng.choice(entry.photos())
    before, number = photo.name, photo.stem.removeprefix("ref_")
    if photo is entry.target:
        photo.name = photo.called(stem=rng.choice(["ORI", "Ori", "target", "original", "gt", "ori_1", "ori (1)"]))
    else:
        photo.name = photo.called(
            stem=rng.choice(
                [
                    f"REF_{number}",
                    f"ref-{number}",
                    f"ref{number}",
                    f"Ref_0{number}",
                    f"reference_{number}",
                    f"person_{number}",
                    f"ref_{number} (1)",
                    f"ref_{number}_crop",
                ]
            )
        )
    same = photo.stem.lower() in ("ori", f"ref_{number}", f"ref-{number}", f"ref{number}", f"ref_0{number}")
    return Effect({entry.was}, [photo], [before], equal=EXACT if same else None, detail=photo.name)


@perturbation("names", "folders")
def second_file_for_a_photo(world: World, entry: Entry, rng: random.Random) -> Effect:
    photo = rng.choice(entry.photos())
    suffix = rng.choice([".jpg", ".bmp", ".webp", ".PNG"])
    form = {".jpg": "JPEG", ".bmp": "BMP", ".webp": "WEBP", ".png": "PNG"}[suffix.lower()]
    name = photo.called(suffix=suffix)
    world.beside[f"{world.suite}/{name}"] = encoded(noise(80, 80), form)
    return Effect({entry.was}, [photo], [name], detail=name)
