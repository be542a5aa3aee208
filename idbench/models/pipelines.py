"""What all adapters on diffusers share: opening a pipeline, putting it on a device, reading faces of references."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from idbench.errors import MissingPackageError, WeightsError
from idbench.faces.types import Float
from idbench.images import RGB
from idbench.models.base import Generated
from idbench.schema import Box

__all__ = ["FaceReader", "ReferenceFace", "Refused", "finished", "one_line", "open_pipeline", "place"]


class Refused(Exception):
    """Why a job gets no image, in one line; the others of its batch do."""


def open_pipeline(class_name: str, folder: Path, dtype: Any, **more: Any) -> Any:
    """A diffusers pipeline from a local folder, on the CPU, without a progress bar of its own.

    Raises `MissingPackageError` or `WeightsError`, one line.
    """
    import diffusers

    maker = getattr(diffusers, class_name, None)
    if maker is None:
        known = [name for name in dir(diffusers) if name.endswith("Pipeline")]
        near = difflib.get_close_matches(class_name, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "a newer one may"
        raise MissingPackageError(f"diffusers {diffusers.__version__} has no {class_name}; {hint}")
    try:
        pipeline = maker.from_pretrained(folder, torch_dtype=dtype, local_files_only=True, use_safetensors=True, **more)
    except MemoryError:
        raise
    except Exception as error:  # damaged files raise anything
        raise WeightsError(f"{class_name} cannot be loaded from {folder} ({one_line(error)})") from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def place(pipeline: Any, device: str, offload: str) -> None:
    """Put a pipeline's networks where they shall be while they are not at work (`idbench.models.base.OFFLOADS`)."""
    if device == "cpu" or offload == "none":
        pipeline.to(device)
    elif offload == "model":
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.enable_sequential_cpu_offload(device=device)


def finished(image: Any) -> Generated:
    """8-bit pixels of an image (height, width, 3) in [0, 1]; a failure where it is not a number."""
    if not np.isfinite(image).all():
        return Generated(None, "the image is not a number everywhere; another dtype may help")
    return Generated(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8))


@dataclass(frozen=True)
class ReferenceFace:
    """The largest face of a reference: its box in `pixels`, which may have black around the photo, and its raw,
    not normalised embedding (d,)."""

    pixels: RGB
    box: Box
    embedding: Float


class FaceReader:
    """Reads references with an InsightFace pack, as models conditioned on ArcFace do.

    On the CPU everywhere: a few faces a case cost nothing beside generating, need no onnxruntime-gpu, and give every
    machine the same embeddings.
    """

    def __init__(self, pack: Path, threshold: float | None = None) -> None:
        from idbench.faces.insightface import open_detector, open_recognizer

        self._detector = open_detector(str(pack), "cpu", threshold)
        self._recognizer = open_recognizer("reference", str(pack), "cpu")

    @property
    def dimensions(self) -> int:
        """Length of an embedding."""
        size = self._recognizer.alignment.size
        return int(self._recognizer.embed(np.zeros((1, size, size, 3), np.uint8)).shape[1])

    def largest(self, photo: RGB) -> ReferenceFace:
        """The largest face of a photo (height, width, 3), looked for in the photo and then with black around it,
        where a face that fills its photo is found. Raises `Refused` for a photo without a face."""
        from idbench.faces.pipeline import pad_to_square

        for pixels in (photo, pad_to_square(photo)):
            found = self._detector.detect(pixels).with_possible_landmarks()
            if len(found):
                sides = found.boxes[:, 2:] - found.boxes[:, :2]
                at = int(sides.prod(axis=1).argmax())
                crop = self._recognizer.alignment.crop(pixels, found.boxes[at], found.landmarks[at])
                x1, y1, x2, y2 = map(float, found.boxes[at])
                return ReferenceFace(pixels, (x1, y1, x2, y2), self._recognizer.embed(crop[None])[0])
        raise Refused("a reference shows no face")


def one_line(error: BaseException) -> str:
    """The beginning of an error, in one line."""
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
