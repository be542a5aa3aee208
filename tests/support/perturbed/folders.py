"""What is missing, moved or added in the folders of a suite and of images."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from support.images import encoded, noise
from support.perturbed.effects import EXACT, Effect, perturbation
from support.perturbed.world import Entry, World


@perturbation("folders")
def image_missing(world: World, entry: Entry, rng: random.Random) -> Effect:
    gone = entry.images.pop(rng.randrange(len(entry.images)))
    return Effect({entry.was}, [gone])


@perturbation("folders")
def most_images_missing(world: World, entry: Entry, rng: random.Random) -> Effect:
    for one in world.entries:
        if one is not entry:
            one.images.clear()
    return Effect(set())


@perturbation("folders")
def every_image_missing(world: World, entry: Entry, rng: random.Random) -> Effect:
    for one in world.entries:
        one.images.clear()
    return Effect(set(), names=[world.images])


@perturbation("folders")
def image_beyond(world: World, entry: Entry, rng: random.Random) -> Effect:
    """One case has one image more than the others."""
    seed = rng.choice([2, 7, 42])
    stem = entry.images[0].stem.partition("--")[0]
    name = f"{stem}--{seed}.png"
    world.beside[f"{world.images}/{name}"] = encoded(noise(90, 90), "PNG")
    return Effect({entry.was}, names=[name], detail=name)


@perturbation("folders")
def images_one_folder_down(world: World, entry: Entry, rng: random.Random) -> Effect:
    folder = rng.choice(["results", "run-1", "images", "r001", "2024", "out"])
    for one in world.entries:
        for image in one.images:
            image.name = f"{folder}/{image.name}"
    return Effect(set(), names=[folder], detail=folder)


@perturbation("folders")
def images_two_folders_down(world: World, entry: Entry, rng: random.Random) -> Effect:
    for one in world.entries:
        for image in one.images:
            image.name = f"results/final/{image.name}"
    return Effect(set(), names=["results", "final"])


@perturbation("folders")
def one_image_one_folder_down(world: World, entry: Entry, rng: random.Random) -> Effect:
    image = rng.choice(entry.images)
    image.name = f"{rng.choice(['redo', 'r010', 'final', '7'])}/{image.name}"
    return Effect({entry.was, "r010"}, [image], detail=image.name)


@perturbation("folders")
def images_of_another_model_beside(world: World, entry: Entry, rng: random.Random) -> Effect:
    """In a folder of their own inside, or in the folder itself under names of their own."""
    inside = rng.random() < 0.7
    for one in world.entries:
        for image in one.images:
            name = f"other/{image.name}" if inside else f"other_{image.name}"
            world.beside[f"{world.images}/{name}"] = encoded(noise(90, 90), "PNG")
    return Effect(set(), names=["other"], equal=EXACT)


@perturbation("folders")
def photos_among_the_images(world: World, entry: Entry, rng: random.Random) -> Effect:
    """The folder of a case holds its references too, as published scripts leave them."""
    for name in ("ori.jpg", "ref_1.jpg"):
        world.beside[f"{world.images}/{entry.id}/{name}"] = encoded(noise(90, 90), "JPEG")
    return Effect({entry.was}, equal=EXACT)


@perturbation("folders")
def empty_folders(world: World, entry: Entry, rng: random.Random) -> Effect:
    place = rng.choice([world.images, world.suite, f"{world.suite}/{entry.photos()[0].folder}"])
    world.after.append(lambda root: (root / place / "new").mkdir(parents=True))
    return Effect(set(), equal=EXACT)


@perturbation("folders")
def a_folder_in_place_of_a_file(world: World, entry: Entry, rng: random.Random) -> Effect | None:
    image = rng.choice(entry.images)
    entry.images.remove(image)
    world.after.append(lambda root: (root / world.images / image.name).mkdir(parents=True))
    return Effect({entry.was}, [image])


@perturbation("folders", "manifest", "folders")
def photo_missing(world: World, entry: Entry, rng: random.Random) -> Effect:
    photo = rng.choice(entry.photos())
    world.after.append(lambda root: (root / world.suite / photo.name).unlink(missing_ok=True))
    return Effect({entry.was}, [photo], detail=photo.name)


@perturbation("folders", "parquet")
def photo_is_null(world: World, entry: Entry, rng: random.Random) -> Effect:
    at = rng.randrange(len(entry.people) + 1)
    nothing = rng.choice(
        [None, {"bytes": None, "path": None}, {"bytes": b"", "path": None}, {"bytes": None, "path": "images/x.png"}]
    )
    if at == 0:
        entry.more["GT"] = nothing
    else:
        cells = [{"bytes": one.photos[0].data, "path": None} for one in entry.people]
        cells[at - 1] = nothing
        entry.more["input_images"] = cells
    return Effect({entry.was}, detail=f"{at}: {nothing}")


@perturbation("folders", "folders")
def case_without_meta(world: World, entry: Entry, rng: random.Random) -> Effect:
    world.bare.add(entry.id)
    return Effect({entry.was})


@perturbation("folders", "folders")
def case_one_folder_down(world: World, entry: Entry, rng: random.Random) -> Effect:
    """A case folder lies in a folder beside the others."""

    def move(root: Path) -> None:
        (root / world.suite / "more").mkdir()
        shutil.move(root / world.suite / entry.id, root / world.suite / "more" / entry.id)

    world.after.append(move)
    return Effect({entry.was}, names=["more"])


@perturbation("folders")
def suite_one_folder_down(world: World, entry: Entry, rng: random.Random) -> Effect:
    """What is given is the folder above."""
    world.suite = "suite/published" if world.form != "parquet" else "suite/a/b/c/d"
    return Effect(set(), names=["published", "suite"])


@perturbation("folders", "folders")
def case_folder_by_another_name(world: World, entry: Entry, rng: random.Random) -> Effect:
    name = rng.choice([f"{entry.id} copy", entry.id.upper(), f"case_{entry.id}", f".{entry.id}"])
    world.after.append(lambda root: shutil.move(root / world.suite / entry.id, root / world.suite / name))
    return Effect({entry.was}, names=[name], detail=name)


@perturbation("folders", "folders")
def copied_case_folder(world: World, entry: Entry, rng: random.Random) -> Effect:
    """`r001 copy` beside `r001`: a case of its own, without an image."""
    name = f"{entry.id} copy"
    world.after.append(lambda root: shutil.copytree(root / world.suite / entry.id, root / world.suite / name))
    return Effect({entry.was}, names=[name])


@perturbation("folders", "folders")
def outputs_in_case_folders(world: World, entry: Entry, rng: random.Random) -> Effect:
    name = rng.choice(["out.png", "output_0.jpg", "0.png", "out--7.png"])
    world.beside[f"{world.suite}/{entry.id}/{name}"] = encoded(noise(90, 90), "PNG")
    return Effect({entry.was}, equal=EXACT)


@perturbation("folders", "folders")
def one_more_reference(world: World, entry: Entry, rng: random.Random) -> Effect:
    name = f"ref_{rng.choice([0, len(entry.people) + 1, len(entry.people) + 2, 9, 20240101])}.png"
    world.beside[f"{world.suite}/{entry.id}/{name}"] = encoded(noise(90, 90), "PNG")
    return Effect({entry.was}, names=[name.removesuffix(".png")], detail=name)


@perturbation("folders", "folders")
def images_lie_in_the_suite(world: World, entry: Entry, rng: random.Random) -> Effect:
    """The folder of images is the suite's own: `r001/out.png` beside `r001/ori.png`."""
    for one in world.entries:
        for seed, image in enumerate(one.images):
            image.name = f"{one.id}/{'out' if len(one.images) == 1 else seed}.png"
    world.images = world.images_given = world.suite
    return Effect(set(), equal=EXACT)
