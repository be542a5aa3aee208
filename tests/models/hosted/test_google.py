"""What is peculiar to Google."""

from __future__ import annotations

import pytest
from support.lazy import needs
from support.vendors import VENDORS, ask, google_error, google_image, job, opened

from idbench.models.cards import card_of
from idbench.models.hosted.google import nearest_ratio

pytestmark = needs("openai", "google.genai")


@pytest.mark.parametrize(("size", "ratio"), [((1024, 1024), "1:1"), ((768, 1024), "3:4"), ((1920, 1080), "16:9")])
def test_the_nearest_shape_that_is_offered_is_asked_for(size, ratio):
    assert nearest_ratio(*size, card_of("gemini-3-pro-image").hosted.aspect_ratios) == ratio


def test_google_says_how_long_to_wait_in_its_details_too(vendor):
    body = google_error(429, "RESOURCE_EXHAUSTED", "no", {"@type": "RetryInfo", "retryDelay": "1.5s"})
    vendor.answer = lambda number, asked: (429, {}, body) if number == 0 else (200, {}, google_image())
    model = opened(VENDORS["google"])
    assert ask(model, job(model))[0].pixels is not None and vendor.times[1] - vendor.times[0] >= 1.5


def test_a_blocked_prompt_is_a_refusal_and_other_ends_are_failures(vendor):
    model = opened(VENDORS["google"])
    vendor.answer = lambda number, asked: (200, {}, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
    (made,) = ask(model, job(model))
    assert made.refused and made.error == "prompt blocked: PROHIBITED_CONTENT"
    for reason in ("NO_IMAGE", "IMAGE_OTHER", "A_REASON_OF_NEXT_YEAR"):
        reply = google_image(content={"parts": [{"text": "Sorry"}]}, finishReason=reason)
        vendor.answer = lambda number, asked, reply=reply: (200, {}, reply)
        (made,) = ask(model, job(model))
        assert not made.refused and made.error == f"the answer holds no image: {reason} Sorry"
        assert made.cost == pytest.approx(VENDORS["google"].cost), "it is paid for"
