"""What is peculiar to OpenAI."""

from __future__ import annotations

from support.lazy import needs
from support.vendors import VENDORS, ask, job, openai_image, opened

pytestmark = needs("openai", "google.genai")


def test_without_references_openai_generates(vendor):
    vendor.answer = lambda number, asked: (200, {}, openai_image())
    model = opened(VENDORS["openai"], width="1536", quality="low")
    assert ask(model, job(model, people=0))[0].pixels is not None
    assert vendor.seen[0].path == "/v1/images/generations"
    sent = vendor.seen[0].json
    assert (sent["size"], sent["quality"]) == ("1536x1024", "low")
