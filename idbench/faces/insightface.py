"""InsightFace packs: folders of .onnx files with an SCRFD detector and an ArcFace recognizer."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from idbench.errors import IdbenchError, WeightsError
from idbench.faces.align import Alignment
from idbench.faces.onnx import OnnxRecognizer, Preprocessing
from idbench.faces.runtime import file_digest, providers, session_options, split_spec
from idbench.faces.types import Detections, Float
from idbench.images import RGB
from idbench.kinds import DetectorKind, RecognizerKind

__all__ = ["DETECTOR", "RECOGNIZER", "ScrfdDetector", "models_root", "open_detector", "open_recognizer", "pack_folder"]

LICENCE = "InsightFace models: non-commercial research only"
DETECTION_SIZE = (640, 640)
DETECTION_THRESHOLD = 0.45
MIN_SIDE = 8
NEEDED = {
    "detector": "face detector (an .onnx file with five or more outputs)",
    "recognizer": "ArcFace recognizer (a square input of 112 pixels or more)",
}


def models_root() -> Path:
    """Where named packs are looked for."""
    return Path.home() / ".insightface" / "models"


def pack_folder(location: str) -> Path:
    """The folder of a pack given by name or path. Raises `WeightsError` saying where to put it."""
    if not location:
        raise WeightsError(
            "insightface needs a pack: insightface:PACK or insightface:FOLDER (see 'idbench recognizers')"
        )
    given = Path(location).expanduser()
    for folder in (given, models_root() / location):
        if (found := _pack_in(folder)) is not None:
            return found
    if given.is_dir():
        inner = ", ".join(sorted({path.parent.name for path in given.glob("*/*.onnx")}))
        more = f"; name one of its folders: {inner}" if inner else ""
        raise WeightsError(f"{given} holds no .onnx files; an InsightFace pack has a detector and a recognizer{more}")
    raise WeightsError(
        f"InsightFace pack '{location}' is not here; unpack it to {models_root() / location} "
        f"(packs: github.com/deepinsight/insightface/tree/master/model_zoo; {LICENCE})"
    )


def _pack_in(folder: Path) -> Path | None:
    """The folder, or the only one in it, that holds .onnx files: archives often hold a folder of their own name."""
    if not folder.is_dir():
        return None
    if any(folder.glob("*.onnx")):
        return folder
    inner = {path.parent for path in folder.glob("*/*.onnx")}
    return inner.pop() if len(inner) == 1 else None


@lru_cache(maxsize=8)
def _open_pack(folder: Path, device: str) -> Mapping[str, Sequence[Any]]:
    """The pack's networks by task (detection, recognition, ...), by file name; opened once per process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from insightface.model_zoo import get_model

        networks: dict[str, list[Any]] = {}
        for file in sorted(folder.glob("*.onnx")):
            try:
                network = get_model(str(file), providers=providers(device), sess_options=session_options())
            except IdbenchError:
                raise
            except AssertionError as error:  # InsightFace's way to say that outputs are not those of the task
                raise WeightsError(
                    f"{file}: expected a network of an InsightFace pack with one output, found others; "
                    f"a recognizer with more, such as a norm, is opened alone: onnx:{file}"
                ) from error
            except Exception as error:  # damaged files raise ONNX, protobuf or InsightFace errors
                reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
                raise WeightsError(f"{file} is not a usable network of an InsightFace pack ({reason})") from error
            if network is not None:
                networks.setdefault(network.taskname, []).append(network)
    return networks


def _network(location: str, device: str, task: str, what: str) -> tuple[Path, Any]:
    """The pack's folder and its one network for a task, or the one that `?what=FILE` names.

    Raises `WeightsError` if there is none, or several and none is named.
    """
    path, named = split_spec(location, {"recognizer": str, "detector": str})
    folder = pack_folder(path)
    found = _open_pack(folder, device).get(task, ())
    if what in named:
        found = [one for one in found if Path(one.model_file).name in (named[what], f"{named[what]}.onnx")]
        if not found:
            raise WeightsError(f"{folder} holds no {what} {named[what]}")
    if not found:
        raise WeightsError(f"{folder} holds no {NEEDED[what]}")
    if len(found) > 1:
        files = [Path(one.model_file).name for one in found]
        raise WeightsError(
            f"{folder} holds {len(found)} {what}s ({', '.join(files)}); "
            f"name the one you mean: insightface:{path}?{what}={files[0]}"
        )
    return folder, found[0]


def _fast_scrfd(model: Any) -> Any:
    """InsightFace's SCRFD on RGB input, with its blob made by numpy.

    `cv2.dnn.blobFromImage` takes 17 times as long for the same floats; a test holds the two equal.
    """
    from insightface.model_zoo.scrfd import SCRFD

    class RgbScrfd(SCRFD):  # type: ignore[misc]
        def _prepare_input_blob(self, img: RGB, input_size: tuple[int, int]) -> Float:
            blob = np.empty((1, 3, img.shape[0], img.shape[1]), np.float32)
            np.subtract(img.transpose(2, 0, 1), np.float32(self.input_mean), out=blob[0])
            blob *= np.float32(1.0 / self.input_std)
            return blob

    return RgbScrfd(model_file=model.model_file, session=model.session)


class ScrfdDetector:
    """SCRFD at 640 x 640."""

    name = "scrfd"

    def __init__(self, location: str, device: str = "auto", threshold: float = DETECTION_THRESHOLD) -> None:
        _, model = _network(location, device, "detection", "detector")
        self._file = Path(model.model_file)
        self._model = _fast_scrfd(model)
        if not self._model.use_kps:
            raise WeightsError(f"{self._file} gives no landmarks; a detector with five landmarks is needed")
        self.threshold = threshold
        self._model.prepare(ctx_id=0, det_thresh=threshold, input_size=DETECTION_SIZE)

    def detect(self, pixels: RGB) -> Detections:
        """Faces of one RGB image."""
        height, width = pixels.shape[:2]
        if min(height, width) < MIN_SIDE or min(height, width) * max(DETECTION_SIZE) < max(height, width):
            return Detections.none()
        boxes, landmarks = self._model.detect(pixels)
        usable = np.isfinite(boxes).all(axis=1) & np.isfinite(landmarks).all(axis=(1, 2))
        boxes, landmarks = boxes[usable].astype(np.float32), landmarks[usable].astype(np.float32)
        return Detections(boxes[:, :4], landmarks, boxes[:, 4])

    def describe(self) -> dict[str, Any]:
        """Everything the detections depend on."""
        return {
            "kind": "scrfd",
            "weights": {self._file.name: file_digest(self._file)},
            "size": list(DETECTION_SIZE),
            "threshold": self.threshold,
            "nms": float(self._model.nms_thresh),
            "providers": self._model.session.get_providers(),
            "licence": LICENCE,
        }


def open_detector(location: str, device: str, threshold: float | None) -> ScrfdDetector:
    """The detector of a pack, by name or folder."""
    return ScrfdDetector(location, device, DETECTION_THRESHOLD if threshold is None else threshold)


def open_recognizer(name: str, location: str, device: str) -> OnnxRecognizer:
    """The recognizer of a pack, by name or folder, with the preprocessing the pack's network declares."""
    folder, model = _network(location, device, "recognition", "recognizer")
    about = {"kind": "insightface", "family": "arcface", "pack": folder.name, "licence": LICENCE}
    return OnnxRecognizer(
        name,
        Path(model.model_file),
        Alignment("arcface", int(model.input_size[0])),
        Preprocessing("rgb", (float(model.input_mean),), (float(model.input_std),)),
        device,
        about,
    )


def _here() -> str:
    root = models_root()
    packs = sorted({path.parent.name for path in root.glob("**/*.onnx")}) if root.is_dir() else []
    found = f"packs {', '.join(packs)}" if packs else "no packs"
    return f"{found} in {root} ({LICENCE})"


RECOGNIZER = RecognizerKind(
    open=open_recognizer,
    form="insightface:PACK or FOLDER[?recognizer=FILE]",
    what="ArcFace of an InsightFace pack (buffalo_l, antelopev2, your own folder)",
    family="arcface",
    here=_here,
    detector=lambda location: f"insightface:{location}",
)
DETECTOR = DetectorKind(
    open=open_detector, form="insightface:PACK or FOLDER", what="SCRFD of an InsightFace pack", here=_here
)
