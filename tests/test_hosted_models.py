"""Hosted models against a vendor that runs here: the real SDKs, every way an answer can go, and the key on no disk."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers import CHEAP, encoded, error_line, idbench, ledger, noise, options

from idbench.errors import ConfigError
from idbench.images import EncodedImage, decode
from idbench.models import hosted
from idbench.models.base import Generated, Job
from idbench.models.carded import settings_of
from idbench.models.cards import baselines_folder, card_of, load_card
from idbench.models.checking import stoppers
from idbench.models.hosted import Budget, HostedModel, Scrubber, nearest_ratio
from idbench.models.opening import plan_models
from idbench.models.processes import Reply
from idbench.records import Person

pytest.importorskip("openai")
pytest.importorskip("google.genai")

KEY = "sk-proj-Very_Secret+0123456789/ABCdef="
IMAGE = encoded(noise(24, 16, 7), "PNG")
FORMS = {KEY, KEY[10:30], base64.b64encode(KEY.encode()).decode(), "Very_Secret%2B0123"}
"""What must be found nowhere: the key, its middle, and ways of writing it."""


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = tuple[int, dict[str, str], Any]


@dataclass
class Vendor:
    """A server on this machine. `answer` says what a request gets, from its number on."""

    address: str
    answer: Callable[[int, Asked], Answer]
    seen: list[Asked] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = Asked(self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(vendor.seen)
                vendor.seen.append(asked)
                vendor.times.append(time.monotonic())
            status, headers, body = vendor.answer(number, asked)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            try:
                self.send_response(status)
                for name, value in ({"Content-Type": "application/json"} | headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                pass  # it waited no longer

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    vendor = Vendor(f"http://127.0.0.1:{server.server_address[1]}", lambda number, asked: (500, {}, {}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("GOOGLE_API_KEY", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{vendor.address}/v1")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", vendor.address)
    yield vendor
    server.shutdown()
    server.server_close()


# what the two vendors answer, as their SDKs' types have it


def openai_image(data: str | None = None) -> Any:
    usage = {"input_tokens": 1100, "input_tokens_details": {"text_tokens": 100, "image_tokens": 1000}}
    usage |= {"output_tokens": 2000, "total_tokens": 3100}
    image = {"b64_json": base64.b64encode(IMAGE).decode() if data is None else data}
    return {"created": 1, "data": [image], "usage": usage, "model": "gpt-image-2-as-served"}


def google_image(data: str | None = None, **candidate: Any) -> Any:
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(IMAGE).decode() if data is None else data}}
    ]
    usage = {"promptTokenCount": 1100, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}]}
    usage["promptTokensDetails"].append({"modality": "IMAGE", "tokenCount": 1000})
    usage |= {"candidatesTokenCount": 1120, "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}]}
    usage |= {"thoughtsTokenCount": 100, "totalTokenCount": 2320}
    made = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"} | candidate
    return {"candidates": [made], "usageMetadata": usage, "modelVersion": "gemini-as-served"}


def openai_error(code: str, message: str = "no", kind: str = "user_error") -> Any:
    return {"error": {"code": code, "message": message, "type": kind, "param": None}}


def google_error(code: int, status: str, message: str = "no", *details: Any) -> Any:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}


VENDORS = {
    "openai": SimpleNamespace(
        card="gpt-image-2", image=openai_image, cost=(100 * 5 + 1000 * 8 + 2000 * 30) / 1e6, version="gpt-image-2-as-served",
        busy=(429, openai_error("rate_limit_exceeded")), wrong_key=(401, openai_error("invalid_api_key", f"Wrong: {KEY}")),
        quota=(429, openai_error("insufficient_quota")), broken=(500, openai_error("server_error", f"boom {KEY}")),
        refusal=(400, openai_error("moderation_blocked", "Your request was rejected by the safety system.")),
        reason="moderation_blocked: Your request was rejected by the safety system.",
    ),
    "google": SimpleNamespace(
        card="gemini-3.1-flash-image", image=google_image, version="gemini-as-served",
        cost=(1100 * 0.5 + 100 * 3 + 1120 * 60) / 1e6,
        busy=(429, google_error(429, "RESOURCE_EXHAUSTED")),
        wrong_key=(400, google_error(400, "INVALID_ARGUMENT", f"API key {KEY} not valid", {"reason": "API_KEY_INVALID"})),
        quota=(429, google_error(429, "RESOURCE_EXHAUSTED", "no", {"violations": [{"quotaId": "RequestsPerDayPerProject"}]})),
        broken=(503, google_error(503, "UNAVAILABLE", f"boom {KEY}")),
        refusal=(200, {"candidates": [{"finishReason": "IMAGE_SAFETY"}]}),
        reason="IMAGE_SAFETY",
    ),
}  # fmt: skip


@pytest.fixture(params=VENDORS)
def which(request: pytest.FixtureRequest) -> SimpleNamespace:
    return VENDORS[request.param]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """SDKs whose first pause is short; what a vendor asks for is still waited for."""
    import google.genai._api_client
    import openai._base_client

    monkeypatch.setattr(openai._base_client, "INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setattr(google.genai._api_client, "_RETRY_INITIAL_DELAY", 0.01)
    monkeypatch.setattr(google.genai._api_client, "_RETRY_JITTER", 0.01)


def opened(which: SimpleNamespace, **given: str) -> HostedModel:
    (spec,) = plan_models(
        [which.card], [f"{which.card}.{key}={value}" for key, value in ({"retries": "2"} | given).items()]
    )
    model = spec.open()
    assert isinstance(model, HostedModel)
    return model


def ask(model: HostedModel, *jobs: Job) -> list[Generated]:
    model.load("cpu")
    try:
        return model.generate(jobs)
    finally:
        model.close()


def job(model: HostedModel, people: int = 1, prompt: str = "Anna smiles", seed: int = 3) -> Job:
    photos = [Person((EncodedImage("photo", data=encoded(noise(40, 30, n), "PNG")),)) for n in range(people)]
    return Job("c", prompt, tuple(photos), seed, parameters=model.parameters)


# one request


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


def test_without_references_openai_generates(vendor):
    vendor.answer = lambda number, asked: (200, {}, openai_image())
    model = opened(VENDORS["openai"], width="1536", quality="low")
    assert ask(model, job(model, people=0))[0].pixels is not None
    assert vendor.seen[0].path == "/v1/images/generations"
    sent = vendor.seen[0].json
    assert (sent["size"], sent["quality"]) == ("1536x1024", "low")


def test_a_batch_is_as_many_requests_at_once_answered_in_order(vendor, which):
    def answer(number: int, asked: Asked) -> Answer:
        time.sleep(0.5)
        return which.refusal[0:1] + ({},) + which.refusal[1:] if b"bad" in asked.body else (200, {}, which.image())

    vendor.answer = answer
    model = opened(which)
    made = ask(model, job(model), job(model, prompt="bad"), job(model))
    assert [one.pixels is not None for one in made] == [True, False, True] and made[1].refused
    assert max(vendor.times) - min(vendor.times) < 0.4


def test_photos_are_sent_upright_reduced_and_without_what_cameras_add():
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    sent = hosted._reference(encoded(noise(60, 30), "JPEG", exif=exif), 40)
    assert decode(sent).shape == (40, 20, 3) and b"camera" not in sent
    assert hosted._form(hosted._reference(encoded(noise(1500, 1500), "PNG"), 2048)) == "jpeg"


@pytest.mark.parametrize(("size", "ratio"), [((1024, 1024), "1:1"), ((768, 1024), "3:4"), ((1920, 1080), "16:9")])
def test_the_nearest_shape_that_is_offered_is_asked_for(size, ratio):
    assert nearest_ratio(*size, card_of("gemini-3-pro-image").hosted.aspect_ratios) == ratio


# what goes wrong


def test_too_many_requests_are_waited_out_as_long_as_asked(vendor, which):
    status, body = which.busy
    vendor.answer = lambda number, asked: (
        (status, {"Retry-After": "2"}, body) if number == 0 else (200, {}, which.image())
    )
    model = opened(which)
    assert ask(model, job(model))[0].pixels is not None
    assert len(vendor.seen) == 2 and vendor.times[1] - vendor.times[0] >= 2


def test_google_says_how_long_to_wait_in_its_details_too(vendor):
    body = google_error(429, "RESOURCE_EXHAUSTED", "no", {"@type": "RetryInfo", "retryDelay": "1.5s"})
    vendor.answer = lambda number, asked: (429, {}, body) if number == 0 else (200, {}, google_image())
    model = opened(VENDORS["google"])
    assert ask(model, job(model))[0].pixels is not None and vendor.times[1] - vendor.times[0] >= 1.5


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


def test_a_refusal_is_no_failure_and_is_not_repeated(vendor, which):
    vendor.answer = lambda number, asked: (which.refusal[0], {}, which.refusal[1])
    model = opened(which)
    (made,) = ask(model, job(model))
    assert made.refused and made.error == which.reason and len(vendor.seen) == 1


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
    assert "cannot be decoded" in made.error and not vendor.seen


@pytest.mark.parametrize("what", ["wrong_key", "quota"])
def test_a_vendor_that_takes_no_more_says_so_without_the_key(vendor, which, impatient, what):
    status, body = getattr(which, what)
    vendor.answer = lambda number, asked: (status, {"x-should-retry": "false"}, body)
    model = opened(which)
    (made,) = ask(model, job(model))
    assert made.error.startswith(hosted.CLOSED) and not made.refused and len(vendor.seen) == 1
    assert ("key in" if what == "wrong_key" else "quota") in made.error
    assert not any(form in made.error for form in FORMS)


# keys


@pytest.mark.parametrize(
    ("value", "expected"), [("", "needs a key in the environment variable"), ("sk 1", "part of no key")]
)
def test_a_missing_or_mistyped_key_stops_a_model_in_one_line(vendor, which, monkeypatch, value, expected):
    model = opened(which)
    for name in model.hosted.keys:
        monkeypatch.setenv(name, value)
    (stopper,) = stoppers(model.card, model.settings)
    assert stopper.kind == "key" and expected in stopper.text and (not value or value not in stopper.text)
    with pytest.raises(ConfigError, match=expected):
        model.load("cpu")


def test_a_run_without_a_key_stops_before_anything_is_done(vendor, which, tmp_path: Path):
    environment = {name: value for name, value in os.environ.items() if not name.endswith("API_KEY")}
    refused = idbench("run", "--model", which.card, "--out", str(tmp_path / "run"), env=environment)
    assert "needs a key" in error_line(refused) and not (tmp_path / "run").exists()
    assert idbench("models", "check", which.card, env=environment).returncode == 1
    assert idbench("models", "check", which.card, env=os.environ).stdout.split() == [f"{which.card}:", "ready"]


def test_the_key_is_taken_out_of_all_text_however_it_is_written(vendor, capsys):
    import sys

    scrubber = Scrubber(["OPENAI_API_KEY"], sys.stderr)
    for form in FORMS - {KEY[10:30], "Very_Secret%2B0123"}:
        print(f"a traceback with {form} in it", file=scrubber)
    said = capsys.readouterr().err
    assert said == "a traceback with *** in it\n" * 2


# cards and budgets


@pytest.mark.parametrize(
    "name", ["gpt-image-2", "gpt-image-2.5-sunburst", "gemini-3.1-flash-image", "gemini-3-pro-image"]
)
def test_cards_say_prices_their_date_and_what_an_image_costs(name):
    card = card_of(name)
    assert card.hosted.prices.source.startswith("https://") and card.hosted.prices.date.year == 2026
    settings = settings_of(card, {"spending_cap": "100", "batch": "8"})
    assert settings.execution["spending_cap"] == 100 and 0 < card.hosted.expected(settings.parameters) < 1
    assert "offload" not in settings.execution


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('dollars_by = "quality"', 'dollars_by = "colour"', "one price for every choice"),
        ("low = 0.006, ", "", "one price for every choice"),
        ('keys = ["OPENAI_API_KEY"]', "keys = []", "hosted.keys"),
        ("[hosted.prices]", "[hosted.price]", "hosted"),
    ],
)
def test_a_card_whose_prices_are_wrong_is_one_line(tmp_path: Path, old: str, new: str, expected: str):
    text = (baselines_folder() / "gpt-image-2" / "card.toml").read_text()
    assert old in text
    (tmp_path / "card.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=expected) as refused:
        load_card(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_budget_counts_every_paid_answer_once(vendor, tmp_path: Path):
    lines = [
        {"model": "gpt-image-2", "case": "a", "seed": 0, "outcome": "generated", "digest": "1", "seconds": 1.0, "cost": 0.2},
        {"model": "gpt-image-2", "case": "a", "seed": 0, "outcome": "generated", "digest": "1", "seconds": 1.0, "cost": 0.2, "path": "moved"},
        {"model": "gpt-image-2", "case": "a", "seed": 0, "outcome": "generated", "digest": "2", "seconds": 1.5, "cost": 0.3},
        {"model": "gpt-image-2", "case": "b", "seed": 0, "outcome": "generated", "digest": "3", "seconds": 1.0},
        {"model": "gpt-image-2", "case": "c", "seed": 0, "outcome": "refused", "seconds": 1.0},
        {"model": "another", "case": "a", "seed": 0, "outcome": "generated", "digest": "4", "seconds": 1.0, "cost": 9.0},
    ]  # fmt: skip
    (tmp_path / "l").write_text("".join(json.dumps(line) + "\n" for line in lines))
    budget = Budget(opened(VENDORS["openai"], spending_cap="1.2", retries="1"), tmp_path / "l")
    assert budget.spent == pytest.approx(0.2 + 0.3 + 0.3), "an untold cost counts as the dearest answer so far"
    assert budget.room == 1 and budget.closed is None
    budget.counted(Reply("generated", cost=0.35))
    assert budget.room == 0 and budget.closed == "spending cap of $1.2 reached"
    budget.counted(Reply("generation_failed", "APITimeoutError: Request timed out."))
    assert budget.spent == pytest.approx(1.15 + 2 * 0.35), "both tries may have been paid for"


def test_the_first_image_is_asked_for_alone(vendor, tmp_path: Path):
    """Nobody knows what one costs until the first is there."""
    budget = Budget(opened(VENDORS["openai"], spending_cap="1"), tmp_path / "none")
    assert budget.room == 1
    budget.counted(Reply("generated", cost=0.25))
    assert budget.room == 3


# whole runs


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def run(cache: Path, out: Path, *models: str, **changes: str) -> Any:
    asked = {"suite": "synthetic:small", "subsets": ["p3"], "recognizers": ["mini"], "model": models, "out": out}
    changed = [f"{model}.{key}={value}" for model in models for key, value in ({"retries": "0"} | changes).items()]
    arguments = options(CHEAP | asked | {"set": changed, "oracles": False})
    done = idbench("run", *arguments, env=os.environ | {"IDBENCH_CACHE": str(cache), "OPENAI_LOG": "debug"})
    incomplete = any(line.get("again") for model in models for line in last(out, model).values())
    assert done.returncode == (3 if incomplete else 0), done.stderr
    assert not any(form in done.stdout + done.stderr for form in FORMS)
    for path in out.rglob("*"):
        written = f"{path}".encode() + (path.read_bytes() if path.is_file() else b"")
        assert not any(form.encode() in written for form in FORMS), path
    return done


def last(out: Path, model: str) -> dict[str, dict[str, Any]]:
    return {line["case"]: line for line in ledger(out) if line["model"] == model}


def test_a_run_records_cost_version_and_refusals_and_leaves_the_key_nowhere(vendor, which, cache, tmp_path: Path):
    def answer(number: int, asked: Asked) -> Answer:
        wanted = [which.refusal, which.broken, (200, b"{"), (200, {})]
        if number < len(wanted):
            return wanted[number][0], {}, wanted[number][1]
        return 200, {}, which.image()

    vendor.answer = answer
    out = tmp_path / "run"
    run(cache, out, which.card)
    lines = list(last(out, which.card).values())
    made = [line for line in lines if line["outcome"] == "generated"]
    assert made and all(line["version"] == which.version and line["cost"] == pytest.approx(which.cost) for line in made)
    assert [line["error"] for line in lines if line["outcome"] == "refused"] == [which.reason]
    assert sum(line["outcome"] == "generation_failed" for line in lines) == 3
    assert not any(line.get("again") for line in lines) and len(lines) == len(vendor.seen)
    about = json.loads((out / "run.json").read_text())["models"][which.card]
    assert about["card"]["hosted"]["prices"]["date"] and about["model"] == card_of(which.card).hosted.model
    asked = len(vendor.seen)
    run(cache, out, which.card)
    assert len(vendor.seen) == asked, "nothing is asked, or paid for, twice"


def test_a_cap_stops_a_model_and_a_higher_one_lets_it_go_on(vendor, cache, tmp_path: Path):
    which = VENDORS["openai"]
    vendor.answer = lambda number, asked: (200, {}, openai_image())
    out = tmp_path / "run"
    done = run(cache, out, which.card, spending_cap="0.30", batch="2")
    lines = last(out, which.card)
    spent = sum(line.get("cost", 0) for line in lines.values())
    assert 0.2 < spent <= 0.31 and len(vendor.seen) == round(spent / which.cost) < len(lines)
    rest = [line for line in lines.values() if line["outcome"] != "generated"]
    assert {(line["error"], line["again"]) for line in rest} == {("spending cap of $0.3 reached", True)}
    assert done.stderr.count("spending cap of $0.3 reached; the next run asks for the rest") == 1
    asked = len(vendor.seen)
    run(cache, out, which.card, spending_cap="0.30")
    assert len(vendor.seen) == asked, "what earlier starts spent counts"
    run(cache, out, which.card, spending_cap="100")
    assert len(vendor.seen) == len(lines)
    assert {line["outcome"] for line in last(out, which.card).values()} == {"generated"}


@pytest.mark.parametrize("what", ["wrong_key", "quota"])
def test_a_vendor_that_takes_no_more_stops_its_model_and_no_other(vendor, cache, tmp_path: Path, what: str):
    first, second = VENDORS["openai"], VENDORS["google"]

    def answer(number: int, asked: Asked) -> Answer:
        if "images" not in asked.path:
            return 200, {}, google_image()
        status, body = getattr(first, what)
        return (200, {}, openai_image()) if number < 2 else (status, {}, body)

    vendor.answer = answer
    out = tmp_path / "run"
    done = run(cache, out, first.card, second.card, batch="2")
    lines = last(out, first.card)
    assert sum(line["outcome"] == "generated" for line in lines.values()) == 2
    rest = [line for line in lines.values() if line["outcome"] != "generated"]
    assert all(line["again"] and line["error"].startswith("asked no further: OpenAI") for line in rest)
    assert sum("images" in asked.path for asked in vendor.seen) == 3, "no batch follows the one that was turned away"
    assert done.stderr.count("asked no further") == 1
    assert {line["outcome"] for line in last(out, second.card).values()} == {"generated"}
    vendor.answer = lambda number, asked: (200, {}, openai_image())
    run(cache, out, first.card)
    assert {line["outcome"] for line in last(out, first.card).values()} == {"generated"}
