"""Links in place of files and folders."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

from support.images import encoded, noise
from support.perturbed.effects import EXACT, Effect, perturbation
from support.perturbed.world import Entry, File, World


def _path(world: World, file: File, photo: bool) -> str:
    return f"{world.suite if photo else world.images}/{file.name}"


def _a_file(world: World, entry: Entry, rng: random.Random) -> tuple[File, bool]:
    """One that lies on disk, and whether it is a photo of the suite."""
    photos = [] if world.form == "parquet" else [(photo, True) for photo in entry.photos()]
    return rng.choice([*photos, *((image, False) for image in entry.images)])


def _moved(world: World, file: File, photo: bool, place: str, absolute: bool) -> Callable[[Path], None]:
    """Move a file to `place` (below the root), and leave a link."""

    def change(root: Path) -> None:
        path, goal = root / _path(world, file, photo), root / place
        goal.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            shutil.move(path, goal)
            path.symlink_to(goal if absolute else _relative(goal, path.parent))

    return change


def _relative(goal: Path, folder: Path) -> Path:
    up = Path(*[".."] * 20)
    for depth, parent in enumerate([folder, *folder.parents]):
        if goal.is_relative_to(parent):
            return Path(*[".."] * depth) / goal.relative_to(parent)
    return up


@perturbation("links")
def link_inside(world: World, entry: Entry, rng: random.Random) -> Effect:
    file, photo = _a_file(world, entry, rng)
    store = f"{world.suite if photo else world.images}/.store/{rng.randrange(10**9)}"
    world.after.append(_moved(world, file, photo, store, rng.random() < 0.3))
    return Effect({entry.was}, [file], equal=EXACT, detail=file.name)


@perturbation("links")
def link_into_the_other_folder(world: World, entry: Entry, rng: random.Random) -> Effect:
    """An image that lies in the suite's folder, which is named too; a photo of the suite may lead nowhere else."""
    file, photo = _a_file(world, entry, rng)
    store = f"{world.images if photo else world.suite}/.store/x{rng.randrange(10**9)}"
    world.after.append(_moved(world, file, photo, store, rng.random() < 0.5))
    return Effect({entry.was}, [file], equal=None if photo or world.given != world.suite else EXACT, detail=file.name)


@perturbation("links")
def link_outside(world: World, entry: Entry, rng: random.Random) -> Effect:
    file, photo = _a_file(world, entry, rng)
    world.after.append(_moved(world, file, photo, f"elsewhere/{rng.randrange(10**9)}.png", rng.random() < 0.5))
    return Effect({entry.was}, [file], detail=file.name)


@perturbation("links")
def every_image_is_a_link_outside(world: World, entry: Entry, rng: random.Random) -> Effect:
    for one in world.entries:
        for image in one.images:
            world.after.append(_moved(world, image, False, f"elsewhere/{image.name}", True))
    return Effect(set(), names=[world.images])


@perturbation("links")
def link_to_nothing(world: World, entry: Entry, rng: random.Random) -> Effect:
    file, photo = _a_file(world, entry, rng)
    goal = rng.choice(["gone.png", "../gone.png", "/nowhere/gone.png", file.name.rpartition("/")[2]])

    def change(root: Path) -> None:
        path = root / _path(world, file, photo)
        if path.is_file():
            path.unlink()
            path.symlink_to(goal)

    world.after.append(change)
    return Effect({entry.was}, [file], detail=f"{file.name} -> {goal}")


@perturbation("links")
def circle_of_links(world: World, entry: Entry, rng: random.Random) -> Effect:
    file, photo = _a_file(world, entry, rng)

    def change(root: Path) -> None:
        path = root / _path(world, file, photo)
        if path.is_file():
            other = path.with_name("circle" + path.name)
            path.unlink()
            path.symlink_to(other.name)
            other.symlink_to(path.name)

    world.after.append(change)
    return Effect({entry.was}, [file], detail=file.name)


@perturbation("links")
def link_to_a_folder_above(world: World, entry: Entry, rng: random.Random) -> Effect:
    """A folder that holds a link to one above it: whoever follows links would go round for ever."""
    place = rng.choice([world.images, world.suite])
    world.after.append(lambda root: (root / place / "again").symlink_to(".."))
    return Effect(set(), names=["again"], equal=EXACT)


@perturbation("links")
def whole_folder_is_a_link(world: World, entry: Entry, rng: random.Random) -> Effect:
    place = rng.choice([world.images_given, world.given])

    def change(root: Path) -> None:
        shutil.move(root / place, root / "really")
        (root / place).symlink_to(root / "really")

    world.last.append(change)
    return Effect(set(), names=[place], equal=EXACT)


@perturbation("links", "folders")
def case_folder_is_a_link(world: World, entry: Entry, rng: random.Random) -> Effect:
    inside = rng.random() < 0.5
    goal = f"{world.suite}/.store/{entry.id}" if inside else f"elsewhere/{entry.id}"

    def change(root: Path) -> None:
        (root / goal).parent.mkdir(parents=True, exist_ok=True)
        if (root / world.suite / entry.id).is_dir():
            shutil.move(root / world.suite / entry.id, root / goal)
            (root / world.suite / entry.id).symlink_to(root / goal)

    world.after.append(change)
    return Effect({entry.was}, names=[entry.id], equal=EXACT if inside else None)


@perturbation("links")
def snapshot_of_the_hub_cache(world: World, entry: Entry, rng: random.Random) -> Effect:
    """Every file of the suite, or of the images, is a link to `../../blobs`."""
    whole = rng.choice([world.given, world.images_given])
    home = f"hub/datasets--who--{'faces' if whole == world.given else 'images'}"

    def change(root: Path) -> None:
        goal = root / home / "snapshots" / "0a1b2c"
        (root / home / "blobs").mkdir(parents=True)
        goal.parent.mkdir(parents=True)
        shutil.move(root / whole, goal)
        files = [path for path in sorted(goal.rglob("*")) if path.is_file() and not path.is_symlink()]
        for i, path in enumerate(files):
            blob = root / home / "blobs" / f"{i:040x}"
            shutil.move(path, blob)
            path.symlink_to(_relative(blob, path.parent))

    world.last.append(change)
    before, after = whole, f"{home}/snapshots/0a1b2c"
    if before == world.given:
        world.given = after
    if before == world.images_given:
        world.images_given = after
    return Effect(set(), equal=EXACT)


@perturbation("links")
def images_of_no_case_as_links(world: World, entry: Entry, rng: random.Random) -> Effect:
    world.beside["elsewhere/other.png"] = encoded(noise(60, 60), "PNG")
    world.after.append(lambda root: (root / world.images / "other.png").symlink_to(root / "elsewhere" / "other.png"))
    return Effect(set(), names=["other.png"], equal=EXACT)
