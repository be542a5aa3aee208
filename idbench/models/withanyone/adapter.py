"""WithAnyone as a model: references become embeddings, target boxes become places, a batch becomes one call.

As the published batch script, with these differences: of several faces in a reference the largest is taken, not
the first found; a reference without a face fails the job instead of leaving the case out; where no boxes are
given everybody may stand anywhere, instead of in one of a few fixed boxes; the crop that brings a target's boxes
onto a square canvas is drawn by the job's opaque case, not anew in every run; noise is drawn on the CPU, so that
every GPU begins with the same.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from idbench.errors import ConfigError, UnreadableImageError, WeightsError
from idbench.images import EncodedImage, decode, digest_of
from idbench.kinds import ModelKind
from idbench.models.base import Generated, Job
from idbench.models.card_model import CardModel
from idbench.models.pipelines import FaceReader, Refused, finished, one_line, open_pipeline, place
from idbench.schema import Box

__all__ = ["MODEL", "WithAnyone", "boxes_on_canvas", "id_weight"]

DETECTION_THRESHOLD = 0.4
"""Of faces in references, as published."""

MAX_REMEMBERED = 1024
"""References whose features are kept, so that seeds and sweeps read each photo once; 0.4 MB each."""


def id_weight(parameters: Mapping[str, Any]) -> float:
    """Weight of the ArcFace branch: the one asked for, else what is left of 1 beside the SigLIP branch.

    Raises `ConfigError` for a weight below 0 other than -1, which would take identity away.
    """
    asked = float(parameters["id_weight"])
    if -1 < asked < 0:
        raise ConfigError(f"id_weight: expected 0 or more, or -1 for 1 - siglip_weight, found {asked:g}")
    return asked if asked >= 0 else 1 - float(parameters["siglip_weight"])


def boxes_on_canvas(job: Job, width: int, height: int) -> list[Box] | None:
    """Where the people of a job shall be, in pixels of the image; None lets them stand anywhere.

    `auto` crops a square as the published batch script does if the image is square, and fits the target's whole
    canvas into the image otherwise; `fit` always does the latter.
    """
    from idbench.models.withanyone.preprocess import fit_boxes, square_crop

    boxes = [person.box for person in job.people if person.box is not None]
    if job.parameters["boxes"] == "none" or job.canvas is None or len(boxes) < len(job.people):
        return None
    if job.parameters["boxes"] == "auto" and width == height:
        return square_crop(*job.canvas, boxes, width, random.Random(job.case))[1]
    return fit_boxes(boxes, job.canvas, (width, height))


class WithAnyone(CardModel):
    """FLUX.1 with the identity branch attached."""

    version = 2
    """1: square crops were drawn by the suite's case id, which the model is not told any more."""

    def __init__(self, name: str, location: str, given: Mapping[str, str]) -> None:
        super().__init__(name, location, given)
        self.parameters = {**self.parameters, "id_weight": id_weight(self.parameters)}
        if self.parameters["boxes"] == "none":
            self.card = self.card.model_copy(update={"extra_conditioning": ()})

    def load(self, device: str, offload: str = "none") -> None:
        """Load everything. Raises `MissingPackageError` or `WeightsError`, one line."""
        import torch

        from idbench.models.withanyone.attach import attach
        from idbench.models.withanyone.checkpoint import load_branch
        from idbench.models.withanyone.matting import Matting

        dtype = getattr(torch, str(self.parameters["dtype"]))
        pipeline = open_pipeline("FluxPipeline", self.weights("base"), dtype)
        self._attachment = attach(pipeline.transformer, load_branch(self.weights("identity"), dtype))
        self._faces = FaceReader(self.weights("arcface"), DETECTION_THRESHOLD)
        self._check_sizes()
        self._load_siglip(device, dtype)
        self._matting = Matting(self.weights("matting")) if self.parameters["matting"] else None
        place(pipeline, device, offload)
        if self.parameters["compile"]:
            pipeline.transformer.compile_repeated_blocks()
        self._pipeline = pipeline
        self._remembered: dict[str, tuple[Any, Any]] = {}

    def _check_sizes(self) -> None:
        wanted, found = self._attachment.branch.sizes.arcface, self._faces.dimensions
        if wanted != found:
            raise WeightsError(
                f"{self.card.name}: the identity weights take embeddings of {wanted} numbers, the InsightFace pack at "
                f"{self.weights('arcface')} gives {found}; name another with --set {self.name}.weights.arcface=PATH"
            )

    def _load_siglip(self, device: str, dtype: Any) -> None:
        from transformers import SiglipImageProcessor, SiglipVisionModel

        folder = self.weights("siglip")
        try:
            self._processor = SiglipImageProcessor.from_pretrained(folder, local_files_only=True)
            encoder = SiglipVisionModel.from_pretrained(
                folder, dtype=dtype, local_files_only=True, use_safetensors=True
            )
        except Exception as error:  # damaged files raise anything
            raise WeightsError(f"SigLIP cannot be loaded from {folder} ({one_line(error)})") from error
        self._siglip = encoder.eval().to(device)

    def close(self) -> None:
        """Let go of the networks."""
        for name in ("_pipeline", "_attachment", "_faces", "_siglip", "_processor", "_matting", "_remembered"):
            self.__dict__.pop(name, None)
        gc.collect()

    def generate(self, jobs: Sequence[Job]) -> list[Generated]:
        """One answer per job; a reference that cannot be read or shows no face is a failure with its reason."""
        made: list[Generated | None] = [None] * len(jobs)
        ready: dict[int, Any] = {}
        for i, job in enumerate(jobs):
            try:
                ready[i] = self._people(job)
            except (Refused, UnreadableImageError) as reason:
                made[i] = Generated(None, str(reason))
        if ready:
            for i, image in zip(ready, self._run([jobs[i] for i in ready], list(ready.values())), strict=True):
                made[i] = replace(finished(image), boxes=ready[i].boxes)
        return [one for one in made if one is not None]

    def _run(self, jobs: Sequence[Job], people: Sequence[Any]) -> Any:
        """Images (height, width, 3) in [0, 1], all from one forward pass per step."""
        import torch

        from idbench.models.withanyone.schedule import scheduler

        values = jobs[0].parameters
        width, height = values["width"], values["height"]
        self._pipeline.scheduler = scheduler(width, height)
        weights = {"id_weight": values["id_weight"], "siglip_weight": values["siglip_weight"]}
        # The pipeline computes without gradients by itself; inference mode would not let offloading move weights.
        with self._attachment.people(people, width, height, **weights):
            return self._pipeline(
                prompt=[job.prompt for job in jobs],
                width=width,
                height=height,
                num_inference_steps=values["steps"],
                guidance_scale=values["guidance"],
                generator=[torch.Generator().manual_seed(job.seed) for job in jobs],
                output_type="np",
            ).images

    def _people(self, job: Job) -> Any:
        """The people of a job as the attachment takes them: each by the first reference."""
        import torch

        from idbench.models.withanyone.attach import People

        boxes = boxes_on_canvas(job, job.parameters["width"], job.parameters["height"])
        features = [self._features(person.references[0]) for person in job.people]
        if not features:
            return People(torch.zeros(0, self._attachment.branch.sizes.arcface))
        arcface, siglip = (torch.stack(parts) for parts in zip(*features, strict=True))
        return People(arcface, siglip, boxes)

    def _features(self, reference: EncodedImage) -> tuple[Any, Any]:
        """Raw ArcFace embedding (D,) and SigLIP patch features (T, W) of a reference's largest face."""
        data = reference.read()
        key = digest_of(data)
        if key not in self._remembered:
            if len(self._remembered) == MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = self._read(data, reference.name)
        return self._remembered[key]

    def _read(self, data: bytes, name: str) -> tuple[Any, Any]:
        import torch
        from PIL import Image

        from idbench.models.withanyone.preprocess import face_crop

        try:
            face = self._faces.largest(decode(data, name))
            shown = face_crop(Image.fromarray(face.pixels), face.box)
        except ValueError as error:
            raise Refused(f"{name}: {error}") from error
        if self._matting is not None:
            shown = self._matting.on_black(shown)
        pixels = self._processor(images=shown, return_tensors="pt").pixel_values
        with torch.no_grad():
            siglip = self._siglip(pixels.to(self._siglip.device, self._siglip.dtype)).last_hidden_state[0]
        return torch.from_numpy(face.embedding), siglip.cpu()


MODEL = ModelKind(open=WithAnyone, what="WithAnyone, natively on diffusers", listed=list)
