"""WithAnyone as a model: references, boxes and weights of a job reach the network as published."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import tiny_pipelines
from support.lazy import needs
from support.tiny_withanyone import random_identity

from idbench.errors import WeightsError
from idbench.images import EncodedImage
from idbench.models.base import Job
from idbench.models.cards import baselines_folder, card_of
from idbench.models.withanyone.adapter import WithAnyone, boxes_on_canvas, id_weight
from idbench.records import Person

pytestmark = needs("torch", "diffusers")


SIDE = {"width": 64, "height": 64}


BOXES = ((10.0, 20.0, 110.0, 140.0), (200.0, 30.0, 290.0, 130.0))


def job(parameters: dict, canvas=(400, 200), boxes=BOXES, **more) -> Job:
    photo = EncodedImage("x", data=b"")
    people = tuple(Person((photo,), box=box) for box in boxes)
    return Job("c1", "two people", people, 0, canvas, parameters, **more)


def test_a_square_image_gets_the_boxes_of_a_square_crop_the_same_in_every_run():
    from idbench.models.withanyone.preprocess import square_crop

    asked = job({"boxes": "auto"})
    found = boxes_on_canvas(asked, 512, 512)
    assert found == square_crop(400, 200, list(BOXES), 512, random.Random("c1"))[1]
    assert found == boxes_on_canvas(replace(asked, seed=9), 512, 512), "every seed has people in the same places"


def test_other_images_and_fit_keep_the_whole_canvas():
    from idbench.models.withanyone.preprocess import fit_boxes

    asked = job({"boxes": "auto"})
    assert boxes_on_canvas(asked, 800, 600) == fit_boxes(BOXES, (400, 200), (800, 600))
    fitted = job({"boxes": "fit"})
    assert boxes_on_canvas(fitted, 512, 512) == fit_boxes(BOXES, (400, 200), (512, 512))


@pytest.mark.parametrize(
    "asked",
    [job({"boxes": "none"}), job({"boxes": "auto"}, canvas=None), job({"boxes": "auto"}, boxes=(BOXES[0], None))],
)
def test_without_places_for_all_people_they_may_stand_anywhere(asked: Job):
    assert boxes_on_canvas(asked, 512, 512) is None


def test_weights_add_up_to_one_unless_asked_otherwise():
    assert id_weight({"id_weight": -1.0, "siglip_weight": 0.3}) == 0.7
    assert id_weight({"id_weight": 0.0, "siglip_weight": 0.3}) == 0
    assert id_weight({"id_weight": 1.2, "siglip_weight": 0.3}) == 1.2


def test_the_card_says_what_was_published():
    card = card_of("withanyone")
    defaults = {key: one.default for key, one in card.parameters.items()}
    assert {key: defaults[key] for key in ("width", "height", "steps", "guidance")} == {
        "width": 512,
        "height": 512,
        "steps": 25,
        "guidance": 4.0,
    }
    assert id_weight(defaults) == 1 and defaults["siglip_weight"] == 0
    assert {encoder.family for encoder in card.face_encoders} == {"arcface"}
    assert [need.role for need in card.needed(defaults)] == ["base", "identity", "siglip", "arcface"]
    assert [need.role for need in card.needed(defaults | {"matting": True})][-1] == "matting"


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> dict[str, str]:
    from diffusers import FluxTransformer2DModel
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("tiny")
    base = tiny_pipelines.build("FluxPipeline", folder / "flux")
    siglip = tiny_pipelines.build_siglip(folder / "siglip")
    config = FluxTransformer2DModel.from_pretrained(base / "transformer").config
    save_file(random_identity(config, arcface=128, siglip=32), folder / "identity.safetensors")
    save_file(random_identity(config, arcface=512, siglip=32), folder / "released.safetensors")
    return {
        "weights.base": str(base),
        "weights.identity": str(folder / "identity.safetensors"),
        "weights.siglip": str(siglip),
        "weights.arcface": str(packs / "mini-a"),
    }


def opened(places: dict[str, str], **given: str) -> WithAnyone:
    quick = {"width": "64", "height": "64", "steps": "2", "dtype": "float32"}
    return WithAnyone("w", str(baselines_folder() / "withanyone"), places | quick | given)


@pytest.fixture(scope="module")
def model(places) -> WithAnyone:
    loaded = opened(places)
    loaded.load("cpu")
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def photos(real_suite: Path) -> list[EncodedImage]:
    return [EncodedImage(p.name, path=p) for p in sorted((real_suite / "outputs" / "oracle").glob("r*.jpg"))[:3]]


def asked(model: WithAnyone, *photos: EncodedImage, seed: int = 0, boxes=None, **changed) -> Job:
    people = tuple(Person((photo,), box=box) for photo, box in zip(photos, boxes or [None] * len(photos), strict=True))
    return Job("c", "people", people, seed, (64, 64) if boxes else None, dict(model.parameters) | changed)


def pixels(model: WithAnyone, *jobs: Job) -> list[np.ndarray]:
    made = model.generate(jobs)
    assert [one.error for one in made] == [None] * len(jobs)
    return [one.pixels.astype(int) for one in made]


def test_a_batch_of_different_cases_gives_what_each_gives_alone(model, photos):
    """Different people, numbers of people, seeds, with and without boxes, in one forward pass per step."""
    jobs = [
        asked(model, photos[0], seed=1),
        asked(model, *photos, seed=2),
        asked(model, *photos[:2], seed=3, boxes=[(0.0, 0.0, 30.0, 40.0), (32.0, 10.0, 60.0, 64.0)]),
        asked(model, seed=4),
    ]
    together = pixels(model, *jobs)
    for one, job in zip(together, jobs, strict=True):
        assert np.abs(one - pixels(model, job)[0]).max() <= 1
    assert all(np.abs(a - b).max() > 3 for i, a in enumerate(together) for b in together[:i])


@pytest.mark.parametrize(
    "change",
    [
        {"siglip_weight": 0.5},
        {"id_weight": 0.0},
        {"guidance": 1.0},
        {"steps": 3},
    ],
)
def test_every_parameter_reaches_the_pixels(model, photos, change):
    before, after = pixels(model, asked(model, photos[0]))[0], pixels(model, asked(model, photos[0], **change))[0]
    assert np.abs(before - after).max() > 1


def test_people_and_their_places_reach_the_pixels(model, photos):
    left, right = [(0.0, 0.0, 32.0, 64.0)], [(32.0, 0.0, 64.0, 64.0)]
    somebody, other = (pixels(model, asked(model, photo, boxes=left))[0] for photo in photos[:2])
    elsewhere = pixels(model, asked(model, photos[0], boxes=right))[0]
    assert np.abs(somebody - other).max() > 1 and np.abs(somebody - elsewhere).max() > 1


def test_references_without_a_face_fail_their_job_alone(model, photos):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (9, 99, 9)).save(buffer, "PNG")
    empty = EncodedImage("green.png", data=buffer.getvalue())
    broken = EncodedImage("broken.png", data=b"no image")
    made = model.generate([asked(model, empty), asked(model, photos[0]), asked(model, photos[0], broken)])
    assert made[0].error == "a reference shows no face" and "broken.png" in made[2].error
    assert made[1].pixels.shape == (64, 64, 3)


def test_a_pack_of_another_length_than_the_weights_want_is_one_line(places):
    other = places | {"weights.identity": places["weights.identity"].replace("identity", "released")}
    with pytest.raises(WeightsError, match=r"embeddings of 512 numbers, .* gives 128; name another") as refused:
        opened(other).load("cpu")
    assert "\n" not in str(refused.value)


def test_matting_shows_siglip_the_person_on_black(places, photos, tmp_path):
    file = left_half_network(tmp_path / "matting.onnx")
    cut = opened(places, matting="true", **{"weights.matting": str(file)})
    cut.load("cpu")
    whole = cut._matting.on_black(Image.new("RGB", (100, 60), (200, 150, 100)))
    assert whole.size == (100, 60) and np.asarray(whole)[:, :40].min() > 90 and np.asarray(whole)[:, 60:].max() < 20
    arc, sig = ({"siglip_weight": weight} for weight in (0.0, 1.0))
    plain = opened(places)
    plain.load("cpu")
    assert np.array_equal(
        pixels(cut, asked(cut, photos[0], **arc))[0], pixels(plain, asked(plain, photos[0], **arc))[0]
    )
    assert (
        np.abs(pixels(cut, asked(cut, photos[0], **sig))[0] - pixels(plain, asked(plain, photos[0], **sig))[0]).max()
        > 1
    )


def left_half_network(file: Path) -> Path:
    """A segmentation network that takes the left half of every image for the foreground; gives logits."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    logits = np.where(np.arange(32) < 16, 20, -20).astype(np.float32) * np.ones((1, 1, 32, 1), np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values", "axes"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "logits"], ["alphas"]),
    ]
    constants = {"axes": np.array([1]), "zero": np.float32([0]), "logits": logits}
    graph = helper.make_graph(
        nodes,
        "left",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("alphas", TensorProto.FLOAT, [1, 1, 32, 32])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), file)
    return file
