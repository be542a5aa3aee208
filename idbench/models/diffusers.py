"""Models that a diffusers pipeline and a card make up; what is particular about one stands in its card, `[pipeline]`.

Every person is shown by their first reference, so a model is given as many images as there are people. Noise is
drawn on the CPU, each job's from its own seed: every device and every batch begins with the same.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from idbench.errors import ConfigError, MissingPackageError, UnreadableImageError, WeightsError
from idbench.images import RGB, decode
from idbench.kinds import ModelKind
from idbench.models.base import Generated, Job
from idbench.models.card_model import CardModel
from idbench.models.cards import nearest
from idbench.models.pipelines import FaceReader, Refused, finished, one_line, open_pipeline, place
from idbench.schema import Record, problem_of

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MODEL", "DiffusersModel", "Pipeline", "grid"]

BASE, ADAPTER, FACES = "base", "adapter", "faces"
"""Roles of weights: the pipeline, an IP-Adapter, and the InsightFace pack whose embeddings it takes."""

Pixels = Annotated[int, Field(ge=1)]


class Pipeline(Record):
    """`[pipeline]` of a card: how its jobs become calls of a diffusers pipeline."""

    class_name: str = Field(alias="class", description="name of the class in diffusers")
    references: Literal["none", "list", "grid", "embedding"] = Field(
        description="not shown, all in a list, side by side in one image, or as face embeddings for an IP-Adapter"
    )
    keyword: str = Field("", description="the argument that takes them")
    batched: bool = Field(False, description="whether one call takes several prompts, each with its own noise")
    placeholder: str = Field("", description="what stands for reference {n}, from 1, before the prompt")
    shortest: Pixels | None = Field(None, description="smaller references are enlarged: pixels of the shorter side")
    longest: Pixels | None = Field(None, description="larger references are reduced: pixels of the longer side")
    multiple: Pixels = Field(1, description="sides of references are cut to multiples of this many pixels")
    arguments: dict[str, str] = Field(default_factory=dict, description="our parameter -> argument of the call")
    area: str = Field("", description="the argument that takes width x height")
    constants: dict[str, Any] = Field(default_factory=dict, description="argument -> what is always given")
    settings: dict[str, str] = Field(default_factory=dict, description="our parameter -> method called with it")
    loading: dict[str, Any] = Field(default_factory=dict, description="more arguments of from_pretrained")

    @model_validator(mode="after")
    def _complete(self) -> Pipeline:
        if (self.references == "none") != (not self.keyword):
            raise ValueError(f"references = '{self.references}' and keyword = '{self.keyword}' do not fit")
        if self.batched and self.references != "none":  # diffusers repeats or joins the references of a whole batch
            raise ValueError("references are shown to one job at a time; batched must be false")
        return self


class DiffusersModel(CardModel):
    """One diffusers pipeline, as its card says. Raises `ConfigError` if the card's `[pipeline]` is no valid one."""

    def __init__(self, name: str, location: str, given: Mapping[str, str]) -> None:
        super().__init__(name, location, given)
        try:
            self.plan = Pipeline.model_validate(self.card.pipeline)
        except ValidationError as error:
            raise ConfigError(
                f"card '{self.card.name}', pipeline: {problem_of(error, Pipeline.model_fields)}"
            ) from error
        self._check_parameters()
        self._pipeline: Any = None
        self._faces: FaceReader | None = None

    def _check_parameters(self) -> None:
        """Every parameter of the card reaches the pipeline, and what is always needed is there."""
        used = {*self.plan.arguments, *self.plan.settings, "dtype", *(("width", "height") if self.plan.area else ())}
        for what, names in (
            ("has no parameter", {"width", "height", "dtype"} - self.card.parameters.keys()),
            (
                "passes on no parameter called",
                {*self.plan.arguments, *self.plan.settings} - self.card.parameters.keys(),
            ),
            ("does not pass on its parameter", self.card.parameters.keys() - used),
        ):
            if names:
                raise ConfigError(f"card '{self.card.name}', pipeline: it {what} '{min(names)}'")

    def _check_call(self, pipeline: Any) -> None:
        """Arguments the card names exist in the pipeline's call: many pipelines swallow unknown ones."""
        known = inspect.signature(type(pipeline).__call__).parameters
        passed = {*self.plan.arguments.values(), *self.plan.constants, self.plan.keyword, self.plan.area} - {""}
        for name in sorted(passed - known.keys()):
            raise ConfigError(
                f"card '{self.card.name}', pipeline: {self.plan.class_name} takes no argument '{name}'; "
                f"{nearest(name, known)}"
            )

    def load(self, device: str, offload: str = "none") -> None:
        """Load the pipeline. Raises `MissingPackageError` or `WeightsError`, one line."""
        self.require()
        import torch

        dtype = getattr(torch, str(self.parameters["dtype"]))
        pipeline = open_pipeline(self.plan.class_name, self.weights(BASE), dtype, **self.plan.loading)
        self._check_call(pipeline)
        if self.plan.references == "embedding":
            _load_adapter(pipeline, self.weights(ADAPTER))
            self._faces = FaceReader(self.weights(FACES))
        place(pipeline, device, offload)
        self._pipeline = pipeline

    def close(self) -> None:
        """Let go of the networks."""
        self._pipeline = self._faces = None
        gc.collect()

    def generate(self, jobs: Sequence[Job]) -> list[Generated]:
        """One answer per job. References that cannot be read or show no face where one is needed, and images that
        are no numbers, are answers with a reason."""
        made: dict[int, Generated] = {}
        ready: dict[int, tuple[str, Any]] = {}
        for index, job in enumerate(jobs):
            try:
                ready[index] = self._shown(job)
            except (Refused, UnreadableImageError) as reason:
                made[index] = Generated(None, str(reason))
        together = [list(ready)] if self.plan.batched and ready else [[index] for index in ready]
        for group in together:
            images = self._run([jobs[index] for index in group], [ready[index] for index in group])
            made.update(zip(group, images, strict=True))
        return [made[index] for index in range(len(jobs))]

    def _shown(self, job: Job) -> tuple[str, Any]:
        """A job's prompt and references as the pipeline takes them. Raises `Refused` or `UnreadableImageError`."""
        if self.plan.references == "none":
            return job.prompt, None
        photos = [decode(person.references[0].read(), person.references[0].name) for person in job.people]
        placeholders = [self.plan.placeholder.format(n=number) for number in range(1, len(photos) + 1)]
        return " ".join([*filter(None, placeholders), job.prompt]), self._references(photos)

    def _references(self, photos: Sequence[RGB]) -> Any:
        """References in the card's form; embeddings are one tensor (people, numbers)."""
        if self._faces is not None:
            import torch

            faces = torch.stack([torch.as_tensor(self._faces.largest(photo).embedding) for photo in photos])
            return torch.nn.functional.normalize(faces, dim=1)
        images = [_sized(photo, self.plan) for photo in photos]
        return images if self.plan.references == "list" else grid(images)

    def _run(self, jobs: Sequence[Job], shown: Sequence[tuple[str, Any]]) -> list[Generated]:
        """Call the pipeline once, for several jobs if it is batched, else for the one."""
        import torch

        values = jobs[0].parameters
        for parameter, method in self.plan.settings.items():
            getattr(self._pipeline, method)(values[parameter])
        call = self.plan.constants | {keyword: values[name] for name, keyword in self.plan.arguments.items()}
        if self.plan.area:
            call[self.plan.area] = values["width"] * values["height"]
        noise = [torch.Generator().manual_seed(job.seed) for job in jobs]
        prompt, references = shown[0]
        if self.plan.batched:
            call |= {"prompt": [prompt for prompt, _ in shown], "generator": noise}
        else:
            call |= {"prompt": prompt, "generator": noise[0]}
        if self.plan.references == "embedding":
            faces = references[None].to(self._pipeline.dtype)
            call[self.plan.keyword] = [torch.cat([torch.zeros_like(faces), faces])]  # without and with guidance
        elif self.plan.references != "none":
            call[self.plan.keyword] = references
        with _drawing_from(jobs[0].seed):
            images = self._pipeline(**call, output_type="np").images
        return [finished(image) for image in images]


def grid(images: Sequence[Image]) -> Image:
    """One image with all images side by side, at the height of the lowest."""
    from PIL import Image

    height = min(image.height for image in images)
    scaled = [image.resize((max(1, round(image.width * height / image.height)), height)) for image in images]
    whole = Image.new("RGB", (sum(image.width for image in scaled), height))
    left = 0
    for image in scaled:
        whole.paste(image, (left, 0))
        left += image.width
    return whole


def _sized(photo: RGB, plan: Pipeline) -> Image:
    """A reference of a size the pipeline takes: scaled as a whole, then cut at its edges to whole multiples."""
    from PIL import Image, ImageOps

    height, width = photo.shape[:2]
    scale = max(1.0, (plan.shortest or 0) / min(width, height))
    scale = min(scale, (plan.longest or np.inf) / max(width, height))
    sides = [max(plan.multiple, int(side * scale + 0.5) // plan.multiple * plan.multiple) for side in (width, height)]
    image = Image.fromarray(photo)
    return image if image.size == tuple(sides) else ImageOps.fit(image, (sides[0], sides[1]), Image.Resampling.LANCZOS)


@contextmanager
def _drawing_from(seed: int) -> Iterator[None]:
    """Some pipelines also draw from torch's global generators: these begin at the seed, and are put back."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _load_adapter(pipeline: Any, file: Path) -> None:
    """Give a pipeline an IP-Adapter that takes face embeddings."""
    import torch
    from diffusers.utils import USE_PEFT_BACKEND

    try:
        if not USE_PEFT_BACKEND and any("lora" in key for key in torch.load(file, weights_only=True)["ip_adapter"]):
            raise MissingPackageError(f"{file.name} has low-rank weights, which need peft: pip install peft")
        pipeline.load_ip_adapter(file.parent, subfolder="", weight_name=file.name, image_encoder_folder=None)
    except MissingPackageError:
        raise
    except Exception as error:  # as above
        raise WeightsError(f"{file} is no IP-Adapter for {type(pipeline).__name__} ({one_line(error)})") from error


MODEL = ModelKind(open=DiffusersModel, what="diffusers pipelines, described by a card", listed=list)
