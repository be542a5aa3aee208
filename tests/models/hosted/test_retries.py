"""Requests that are repeated: waits that are asked for, errors that never end, answers that do not come."""

from __future__ import annotations

import time

from support.lazy import needs
from support.vendors import ask, job, opened

pytestmark = needs("openai", "google.genai")


def test_too_many_requests_are_waited_out_as_long_as_asked(vendor, which):
    status, body = which.busy
    vendor.answer = lambda number, asked: (
        (status, {"Retry-After": "2"}, body) if number == 0 else (200, {}, which.image())
    )
    model = opened(which)
    assert ask(model, job(model))[0].pixels is not None
    assert len(vendor.seen) == 2 and vendor.times[1] - vendor.times[0] >= 2


def test_a_wait_that_is_too_long_is_a_failure_now(vendor, which):
    vendor.answer = lambda number, asked: (which.busy[0], {"Retry-After": "3600"}, which.busy[1])
    model = opened(which)
    (made,) = ask(model, job(model))
    assert made.pixels is None and "status 429" in made.error and len(vendor.seen) == 1


def test_errors_that_never_end_are_a_failure_with_a_reason(vendor, which, impatient):
    vendor.answer = lambda number, asked: (which.broken[0], {}, which.broken[1])
    model = opened(which)
    (made,) = ask(model, job(model))
    assert not made.refused and f"status {which.broken[0]}" in made.error and "boom ***" in made.error
    assert len(vendor.seen) == 3, "asked once and twice again"


def test_an_answer_that_does_not_come_is_a_failure(vendor, which, impatient):
    vendor.answer = lambda number, asked: time.sleep(5) or (200, {}, which.image())
    model = opened(which, timeout="1", retries="1")
    began = time.monotonic()
    (made,) = ask(model, job(model))
    assert "Timeout" in made.error and time.monotonic() - began < 4.5 and len(vendor.seen) == 2
