"""One request to a hosted model: what is sent, and every way an answer can go."""

from __future__ import annotations

import base64
import time

import numpy as np
import pytest
from support.images import noise
from support.lazy import needs
from support.vendors import FORMS, IMAGE, KEY, Answer, Asked, ask, job, opened

from idbench.images import EncodedImage, decode
from idbench.models.base import Job
from idbench.records import Person

pytestmark = needs("openai", "google.genai")


@pytest.mark.parametrize("people", [1, 2])
def test_prompt_and_first_references_are_sent_and_image_cost_and_version_come_back(vendor, which, people):
    vendor.answer = lambda number, asked: (200, {}, which.image())
    model = opened(which)
    (made,) = ask(model, job(model, people))
    assert made.pixels is not None and (made.pixels == decode(IMAGE)).all()
    assert made.cost == pytest.approx(which.cost) and made.version == which.version
    (asked,) = vendor.seen
    if which.card.startswith("gpt"):
        assert asked.path == "/v1/images/edits" and asked.headers["Content-Type"].startswith("multipart/form-data")
        parts = asked.body.split(asked.headers["Content-Type"].split("boundary=")[1].encode())
        sent = [part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n--") for part in parts if b"filename=" in part]
        for said in (b"Anna smiles", b"1024x1024", b"medium", b"gpt-image-2-2026-04-21"):
            assert any(part.split(b"\r\n\r\n", 1)[-1].startswith(said) for part in parts)
    else:
        assert asked.path.endswith("/models/gemini-3.1-flash-image:generateContent") and KEY not in asked.path
        *images, text = asked.json["contents"][0]["parts"]
        assert text == {"text": "Anna smiles"}
        sent = [base64.urlsafe_b64decode(part["inlineData"]["data"]) for part in images]
        how = asked.json["generationConfig"]
        assert how["imageConfig"] == {"aspectRatio": "1:1", "imageSize": "1K"} and how["seed"] == 3
    assert [decode(data).tolist() for data in sent] == [np.asarray(noise(40, 30, n)).tolist() for n in range(people)]


def test_a_batch_is_as_many_requests_at_once_answered_in_order(vendor, which):
    def answer(number: int, asked: Asked) -> Answer:
        time.sleep(0.5)
        return which.refusal[0:1] + ({},) + which.refusal[1:] if b"unwanted" in asked.body else (200, {}, which.image())

    vendor.answer = answer
    model = opened(which)
    made = ask(model, job(model), job(model, prompt="unwanted"), job(model))
    assert [one.pixels is not None for one in made] == [True, False, True] and made[1].refused
    assert max(vendor.times) - min(vendor.times) < 0.4


def test_a_refusal_is_no_failure_and_is_not_repeated(vendor, which):
    vendor.answer = lambda number, asked: (which.refusal[0], {}, which.refusal[1])
    model = opened(which)
    (made,) = ask(model, job(model))
    assert made.refused and made.error == which.reason and len(vendor.seen) == 1


MALFORMED = [b"", b"{", b"<html>busy</html>", {}, [], {"data": []}, {"candidates": []}, {"data": [{"b64_json": None}]}]


@pytest.mark.parametrize("body", MALFORMED, ids=str)
def test_a_malformed_answer_is_a_failure_in_one_line(vendor, which, body):
    vendor.answer = lambda number, asked: (200, {}, body)
    model = opened(which)
    (made,) = ask(model, job(model))
    assert made.pixels is None and not made.refused and made.error and "\n" not in made.error


@pytest.mark.parametrize(
    "data", ["", "*", base64.b64encode(b"no image").decode(), base64.b64encode(IMAGE[:99]).decode()]
)
def test_an_image_that_is_none_is_a_failure(vendor, which, data):
    vendor.answer = lambda number, asked: (200, {}, which.image(data))
    model = opened(which)
    (made,) = ask(model, job(model))
    assert made.pixels is None and made.error and "\n" not in made.error


def test_a_reference_that_cannot_be_read_costs_nothing(vendor, which):
    model = opened(which)
    broken = Job("c", "p", (Person((EncodedImage("x", data=b"?"),)),), parameters=model.parameters)
    (made,) = ask(model, broken)
    assert "not a format idbench reads" in made.error and not vendor.seen


@pytest.mark.parametrize("what", ["wrong_key", "quota"])
def test_a_vendor_that_takes_no_more_says_so_without_the_key(vendor, which, impatient, what):
    status, body = getattr(which, what)
    vendor.answer = lambda number, asked: (status, {"x-should-retry": "false"}, body)
    model = opened(which)
    (made,) = ask(model, job(model))
    assert made.error.startswith("requests stopped: ") and made.retryable and not made.refused
    assert len(vendor.seen) == 1
    assert ("key in" if what == "wrong_key" else "quota") in made.error
    assert not any(form in made.error for form in FORMS)
