"""A vendor that runs here: how its answers look in the real SDKs' types, and what is asked of it."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from support.images import encoded, noise

from idbench.images import EncodedImage
from idbench.models.base import Generated, Job
from idbench.models.hosted.base import HostedModel
from idbench.models.specs import plan_models
from idbench.records import Person

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
