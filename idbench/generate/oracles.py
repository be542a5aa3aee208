"""Oracles: models with a known answer, in every run, so that every table carries its own ruler.

oracle-target      the target given back: copy-paste -1, similarity to the target 1
oracle-reference   the reference given back: copy-paste 1
oracle-paste       the reference face pasted into the target by landmarks: the forgery to be caught
oracle-stranger    another case's target: nobody's face; similarity at chance level
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from idbench.errors import UnreadableImageError
from idbench.faces.align import similarity_transform
from idbench.faces.pipeline import ImageAnalyser
from idbench.generate.producer import Produced
from idbench.images import MAX_JPEG_SIDE, RGB, EncodedImage, decode, encode_jpeg
from idbench.protocols.people import FaceView, case_people
from idbench.records import Case, Generation
from idbench.store import key_of, write_bytes
from idbench.suites import SuiteIndex, case_filename

__all__ = ["PASTE_VERSION", "OracleProducer", "paste_face", "side_by_side"]

PASTE_VERSION = 2
"""Raise it when `paste_face` gives other pixels for the same photos."""


class OracleProducer:
    """The oracles' images; composites are kept in `folder`, pasted faces under a key of who found them."""

    def __init__(self, analyser: ImageAnalyser, index: SuiteIndex, folder: Path) -> None:
        self._analyser = analyser
        self._index = index
        self._folder = folder
        self._recognizer = analyser.recognizers[0].name
        finders = {"detector": analyser.describe_detection(), "recognizer": analyser.recognizers[0].describe()}
        self._paste_key = key_of(finders | {"version": PASTE_VERSION})[:12]

    def produce(self, case: Case) -> Iterator[Produced]:
        """All oracles, each an image or the reason why the suite allows none."""
        makers: dict[str, Callable[[Case], EncodedImage]] = {
            "oracle-target": self._target,
            "oracle-reference": self._reference,
            "oracle-paste": self._paste,
            "oracle-stranger": self._stranger,
        }
        for model, make in makers.items():
            try:
                image = make(case)
            except (UnreadableImageError, LookupError, ValueError) as error:
                reason = str(error.args[0])
                yield Generation(model=model, case=case.id, outcome="generation_failed", error=reason), None
            else:
                yield Generation(model=model, case=case.id, outcome="generated"), image

    def lacking(self) -> set[str]:
        """Cases whose composites are still to be drawn, from their photos."""
        return {case.id for case in self._index.cases if self._to_be_drawn(case)}

    def _to_be_drawn(self, case: Case) -> bool:
        if len(case.people) > 1 and not self._composite("oracle-reference", case)[0].exists():
            return True
        try:
            return not self._pasted(case)[0].exists() and bool(self._faces(case))
        except LookupError:  # then there is nothing to draw, now or ever
            return False

    @staticmethod
    def _target(case: Case) -> EncodedImage:
        if case.target is None:
            raise LookupError("the case has no target")
        return case.target

    def _composite(self, model: str, case: Case, key: str = "") -> tuple[Path, EncodedImage]:
        path = self._folder / model / key / f"{case_filename(case.id)}.jpg"
        return path, EncodedImage(f"{model}/{case.id}", path=path)

    def _pasted(self, case: Case) -> tuple[Path, EncodedImage]:
        return self._composite("oracle-paste", case, self._paste_key)

    def _reference(self, case: Case) -> EncodedImage:
        if len(case.people) == 1:
            return case.people[0].references[0]
        path, image = self._composite("oracle-reference", case)
        if not path.exists():
            photos = [decode(p.references[0].read(), p.references[0].name) for p in case.people]
            write_bytes(path, encode_jpeg(side_by_side(photos)))
        return image

    def _paste(self, case: Case) -> EncodedImage:
        path, image = self._pasted(case)
        if path.exists():
            return image
        target = self._target(case)
        pixels = decode(target.read(), target.name)
        for person, (goal, source) in zip(case.people, self._faces(case), strict=True):
            photo = person.references[0]
            pixels = paste_face(pixels, decode(photo.read(), photo.name), goal.landmarks, source.landmarks)
        write_bytes(path, encode_jpeg(pixels))
        return image

    def _faces(self, case: Case) -> list[tuple[FaceView, FaceView]]:
        """Per person the face in the target and that in the first reference. Raises `LookupError` where one lacks."""
        target = self._analyser.one(self._target(case), people=len(case.people))
        references = [[self._analyser.one(person.references[0], people=1)] for person in case.people]
        people = case_people(target, references, [person.box for person in case.people], self._recognizer)
        pairs = []
        for i, (goal, own) in enumerate(zip(people.targets, people.references, strict=True)):
            if goal is None or not own:
                raise LookupError(f"person {i + 1} has no face in the target or the reference")
            pairs.append((goal, own[0]))
        return pairs

    def _stranger(self, case: Case) -> EncodedImage:
        other = self._index.stranger(case.id)
        target = self._index.entries[other].target if other else None
        if not target:
            raise LookupError("the suite has no other case with a target, as many people and none of the same")
        return EncodedImage(f"oracle-stranger/{other}", digest=target)


def paste_face(target: RGB, reference: RGB, target_landmarks: npt.ArrayLike, reference_landmarks: npt.ArrayLike) -> RGB:
    """A copy of `target` with the reference's face laid over by five landmarks (5, 2), with a soft edge.

    Brightness and colour of the pasted face are shifted to the mean of what it covers; pose, expression
    and light stay the reference's, which is what copy-paste means.
    """
    goal = np.asarray(target_landmarks, np.float64)
    matrix = similarity_transform(reference_landmarks, goal)
    height, width = target.shape[:2]
    face = cv2.warpAffine(reference, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    mask = _face_mask((height, width), goal)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    pasted = target.copy()
    if len(rows):
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        pasted[part] = _blend(target[part], face[part], mask[part])
    return pasted


def _blend(base: RGB, face: RGB, mask: RGB) -> RGB:
    """Lay `face` over `base` where `mask` (0..255) says, its mean colour shifted to that of what it covers."""
    share = mask[..., None].astype(np.float32) / 255
    below, above = base.astype(np.float32), face.astype(np.float32)
    core = mask > 127
    if core.any():
        above += below[core].mean(axis=0) - above[core].mean(axis=0)
    return np.clip(np.rint(share * above + (1 - share) * below), 0, 255).astype(np.uint8)


def _face_mask(shape: tuple[int, int], landmarks: npt.NDArray[np.float64]) -> RGB:
    """Soft ellipse (height, width), 0..255, over a face's landmarks, turned with the eyes."""
    eyes = landmarks[1] - landmarks[0]
    distance = float(np.linalg.norm(eyes))
    centre = (round(float(landmarks[:, 0].mean())), round(float(landmarks[:, 1].mean())))
    axes = (round(1.05 * distance), round(1.35 * distance))
    angle = float(np.degrees(np.arctan2(eyes[1], eyes[0])))
    mask = np.zeros(shape, np.uint8)
    cv2.ellipse(mask, centre, axes, angle, 0, 360, 255, -1)
    blur = max(1, int(0.12 * distance)) * 2 + 1
    return np.asarray(cv2.GaussianBlur(mask, (blur, blur), 0), np.uint8)


def side_by_side(images: Sequence[RGB], height: int = 768) -> RGB:
    """Photos at one height beside each other: what giving back several references looks like.

    Raises `ValueError` if they are too wide for one image.
    """
    widths = [max(1, round(image.shape[1] * height / image.shape[0])) for image in images]
    if sum(widths) > MAX_JPEG_SIDE:
        raise ValueError(f"side by side the references are {sum(widths)} pixels wide, more than {MAX_JPEG_SIDE}")
    scaled = [
        cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        for image, width in zip(images, widths, strict=True)
    ]
    return np.asarray(np.concatenate(scaled, axis=1), dtype=np.uint8)
