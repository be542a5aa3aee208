"""Models that run at their vendor's and are asked over the network, for money: OpenAI's and Google's, by their SDKs.

A batch is as many requests at once. Requests that fail in passing are repeated, with growing pauses or those the vendor
asks for, a bounded number of times; refusals never are. When the vendor takes no more requests from this account, or
the spending cap is reached, the rest is left to another run. A key comes from the environment and stays there: whatever
a process says goes through `Scrubber`.

A proxy is named by the SDKs' own environment variables, OPENAI_BASE_URL and GOOGLE_GEMINI_BASE_URL.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import math
import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TextIO
from urllib.parse import quote

from idbench.errors import ConfigError, UnreadableImageError
from idbench.images import RGB, decode, encode_jpeg, encode_png
from idbench.models.base import Generated, Job
from idbench.models.card_model import CardModel
from idbench.models.execution import Execution
from idbench.models.preflight import require
from idbench.records.cards import Hosted

__all__ = ["GoogleModel", "HostedModel", "OpenAIModel", "Scrubber", "open_google", "open_openai"]

LONGEST_PAUSE = 120.0
"""Seconds; a vendor that asks for more has us fail instead."""

LARGEST_PNG = 3 << 20
"""Bytes; a larger reference is sent as JPEG, since vendors limit requests."""

OPENAI_REFUSALS = ("moderation_blocked", "content_policy_violation")
OPENAI_QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
GOOGLE_REFUSALS = (
    "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION", "MODEL_ARMOR",
    "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
)  # fmt: skip
"""Finish reasons by which a vendor's safety system keeps an image back; others are failures."""


class Declined(Exception):
    """The vendor's safety system refused; its reason."""


class Closed(Exception):
    """The vendor takes no more requests from this account, or for this model; its reason."""


class Scrubber(io.TextIOBase):
    """Takes keys out of text; as a stream, out of what is written to another one."""

    def __init__(self, names: Sequence[str], stream: TextIO | None = None) -> None:
        keys = {value for name in names if (value := os.environ.get(name, "").strip())}
        forms = {form for key in keys for form in (key, quote(key, safe=""), base64.b64encode(key.encode()).decode())}
        self._forms = sorted(forms, key=len, reverse=True)
        self.stream = stream

    def clean(self, text: str) -> str:
        """The text with *** in the place of keys."""
        for form in self._forms:
            text = text.replace(form, "***")
        return text

    def write(self, text: str) -> int:
        """Write the text without keys."""
        if self.stream is not None:
            self.stream.write(self.clean(text))
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        if self.stream is not None:
            self.stream.flush()


class HostedModel(CardModel):
    """Base of hosted models: everything but how a vendor is asked. Raises `ConfigError` without `[hosted]`."""

    vendor = ""

    def __init__(self, name: str, location: str, given: Mapping[str, str]) -> None:
        super().__init__(name, location, given)
        if self.card.hosted is None:
            raise ConfigError(f"card '{self.card.name}': kind {self.card.kind} needs a table [hosted]")
        self.hosted: Hosted = self.card.hosted
        self._client: Any = None
        self._key_name = self.hosted.keys[0]
        self._scrubber = Scrubber(self.hosted.keys)

    @property
    def loading(self) -> dict[str, Any]:
        """Parameters go into every request: all models of a card share a process."""
        return {"execution": dict(self.settings.execution)}

    @property
    def execution(self) -> Execution:
        """In one process, whose time limit covers all attempts and pauses: what is killed is paid for all the same."""
        how = self.settings.execution
        attempts = int(how["retries"]) + 1
        return Execution(
            isolated=True,
            batch=int(how["batch"]),
            devices="one",
            time_limit=(float(how["timeout"]) + LONGEST_PAUSE) * attempts + 60,
            spending_cap=float(how["spending_cap"]),
            expected_cost=self.hosted.expected(self.parameters),
            attempts=attempts,
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """Environment variables with the vendor's key."""
        return self.hosted.keys

    @property
    def notice(self) -> str:
        """What leaves this machine."""
        return f"{self.name}: prompts and references are sent to its vendor over the network"

    def describe(self) -> dict[str, Any]:
        """As of every model with a card, and what the vendor calls it."""
        return super().describe() | {"model": self.hosted.model}

    def load(self, device: str, offload: str = "none") -> None:
        """Open the vendor's SDK. Raises `MissingPackageError`, or `ConfigError` without a key, one line."""
        require(self.card, self.settings)
        self._key_name = next(name for name in self.hosted.keys if os.environ.get(name, "").strip())
        self._scrubber = Scrubber(self.hosted.keys, sys.stderr)
        sys.stdout = sys.stderr = self._scrubber  # both are the log, see `idbench.generate.child`
        self._client = self._open(os.environ[self._key_name].strip())

    def close(self) -> None:
        """Let go of the SDK."""
        if sys.stderr is self._scrubber:
            sys.stdout = sys.stderr = self._scrubber.stream
        self._client = None

    def generate(self, jobs: Sequence[Job]) -> list[Generated]:
        """One answer per job, all asked for at once. Nothing is raised for one job: the others are paid for."""
        with ThreadPoolExecutor(len(jobs)) as pool:
            return list(pool.map(self._answer, jobs))

    def _answer(self, job: Job) -> Generated:
        try:
            side = int(job.parameters["reference_side"])
            return self._ask(job, [_reference(person.references[0].read(), side) for person in job.people])
        except Declined as reason:
            return Generated(None, self._line(reason), refused=True)
        except Closed as reason:
            return Generated(None, self._line(f"requests stopped: {self.vendor} {reason}"), retryable=True)
        except UnreadableImageError as reason:
            return Generated(None, self._line(reason))
        except Exception as error:  # SDKs raise anything, pydantic's errors among it
            return Generated(None, self._line(f"{type(error).__name__}: {error}"))

    def _line(self, reason: object) -> str:
        """A reason in one line without keys."""
        return " ".join(self._scrubber.clean(str(reason)).split())[:300]

    def _made(self, data: bytes | None, otherwise: str, cost: float | None, version: str | None) -> Generated:
        """An answer: its image, or why there is none, and what it cost either way."""
        if not data:
            return Generated(None, self._line(f"the answer holds no image: {otherwise}"), cost=cost, version=version)
        try:
            return Generated(decode(data, "the answer's image"), cost=cost, version=version)
        except UnreadableImageError as error:
            return Generated(None, self._line(error), cost=cost, version=version)

    def _cost_of(self, usage: Any) -> float | None:
        """US dollars of a reply's usage; None where it does not hold what the vendor documents: the image counts."""
        try:
            return self._paid(usage)
        except (AttributeError, TypeError, ValueError):
            return None

    def _paid(self, usage: Any) -> float | None:
        """US dollars of a reply's usage."""
        raise NotImplementedError

    def _cost(self, tokens: Mapping[str, int]) -> float | None:
        """US dollars of tokens by kind, as `Prices` names them; None where the vendor counts none."""
        if not any(tokens.values()):
            return None
        millionths: float = sum(count * getattr(self.hosted.prices, kind) for kind, count in tokens.items())
        return round(millionths / 1e6, 6)

    def _open(self, key: str) -> Any:
        """The SDK's client."""
        raise NotImplementedError

    def _ask(self, job: Job, references: Sequence[bytes]) -> Generated:
        """Ask for one image. Raises `Declined`, `Closed`, or what the SDK raises."""
        raise NotImplementedError


class OpenAIModel(HostedModel):
    """GPT Image models: images.edit with references, images.generate without."""

    vendor = "OpenAI"

    def _open(self, key: str) -> Any:
        from openai import OpenAI

        execution = self.settings.execution
        return OpenAI(api_key=key, timeout=execution["timeout"], max_retries=int(execution["retries"]))

    def _ask(self, job: Job, references: Sequence[bytes]) -> Generated:
        import openai

        values = job.parameters
        size = f"{values['width']}x{values['height']}"
        asked = {"model": self.hosted.model, "prompt": job.prompt, "size": size, "quality": values["quality"]}
        photos = [(f"person-{n}.{_form(data)}", data, f"image/{_form(data)}") for n, data in enumerate(references, 1)]
        images = self._client.images
        try:
            reply = images.edit(image=photos, **asked) if photos else images.generate(**asked)
        except openai.APIStatusError as error:
            raise self._meant(error) from None
        data = (getattr(reply, "data", None) or [None])[0]
        usage = getattr(reply, "usage", None)
        version = getattr(reply, "model", None)
        return self._made(_decoded(getattr(data, "b64_json", None)), "no data", self._cost_of(usage), version)

    def _meant(self, error: Any) -> Exception:
        """What an answer with an error status means."""
        told = error.body.get("message") if isinstance(error.body, dict) else None
        said = f"{error.code or error.type or 'error'}: {told or error.message}"
        if error.code in OPENAI_REFUSALS:
            return Declined(said)
        if error.code in OPENAI_QUOTA:
            return Closed(f"says that the quota is exhausted ({error.code})")
        if error.status_code == 401:  # its message repeats the key, or parts of it
            return Closed(f"does not accept the key in {self._key_name} (status 401)")
        if error.status_code in (403, 404):
            return Closed(f"does not let this account use {self.hosted.model} ({error.status_code}, {said})")
        return RuntimeError(f"status {error.status_code}, {said}")

    def _paid(self, usage: Any) -> float | None:
        """US dollars of the reply's usage; where it does not tell image from text, output is image."""
        if usage is None:
            return None
        given, made = usage.input_tokens_details, usage.output_tokens_details
        text = made.text_tokens if made else 0
        tokens = {"text_input": given.text_tokens, "image_input": given.image_tokens}
        return self._cost(tokens | {"text_output": text, "image_output": usage.output_tokens - text})


class GoogleModel(HostedModel):
    """Gemini image models: generate_content, references first, then the prompt."""

    vendor = "Google"

    def _open(self, key: str) -> Any:
        from google import genai
        from google.genai import types

        execution = self.settings.execution
        # Its retries do not heed what the vendor asks for, so 429 is left to `_patiently`.
        retries = types.HttpRetryOptions(
            attempts=int(execution["retries"]) + 1, max_delay=8, http_status_codes=[408, 500, 502, 503, 504]
        )
        options = types.HttpOptions(timeout=int(float(execution["timeout"]) * 1000), retry_options=retries)
        return genai.Client(vertexai=False, api_key=key, http_options=options)

    def _ask(self, job: Job, references: Sequence[bytes]) -> Generated:
        from google.genai import types

        values = job.parameters
        shape = nearest_ratio(int(values["width"]), int(values["height"]), self.hosted.aspect_ratios)
        photos = [types.Part.from_bytes(data=data, mime_type=f"image/{_form(data)}") for data in references]
        image = types.ImageConfig(aspect_ratio=shape, image_size=values["resolution"])
        how = types.GenerateContentConfig(response_modalities=["IMAGE"], image_config=image, seed=job.seed)
        call = self._client.models.generate_content
        reply = self._patiently(lambda: call(model=self.hosted.model, contents=[*photos, job.prompt], config=how))
        return self._understood(reply)

    def _patiently(self, call: Callable[[], Any]) -> Any:
        """Call, and again where there were too many requests, after the pause the vendor asks for."""
        from google.genai import errors

        left = int(self.settings.execution["retries"])
        for attempt in range(left + 1):
            try:
                return call()
            except errors.APIError as error:
                pause = _pause_asked(error)
                pause = pause if pause is not None else min(8.0, 2.0**attempt) * random.uniform(0.75, 1.25)
                meant = self._meant(error)
                if error.code != 429 or isinstance(meant, Closed) or attempt == left or pause > LONGEST_PAUSE:
                    raise meant from None
                time.sleep(pause)
        raise AssertionError("unreachable")

    def _meant(self, error: Any) -> Exception:
        """What an answer with an error status means."""
        details = json.dumps(error.details)
        if error.code == 401 or "API_KEY_INVALID" in details:
            return Closed(f"does not accept the key in {self._key_name} (status {error.code})")
        if error.code in (403, 404) or error.status == "FAILED_PRECONDITION":
            said = f"{error.code} {error.status}: {error.message}"
            return Closed(f"does not let this account use {self.hosted.model} ({said})")
        if error.code == 429 and "PerDay" in details:
            return Closed("says that the quota of the day is exhausted")
        return RuntimeError(f"status {error.code} {error.status}: {error.message}")

    def _understood(self, reply: Any) -> Generated:
        """A reply's image. Raises `Declined` where it was kept back."""
        cost = self._cost_of(reply.usage_metadata)
        blocked = reply.prompt_feedback and reply.prompt_feedback.block_reason
        if blocked:
            reason = f"prompt blocked: {_named(blocked)}"
            return Generated(None, reason, refused=True, cost=cost, version=reply.model_version)
        candidate = (reply.candidates or [None])[0]
        if candidate is None:
            return self._made(None, "no candidates", cost, reply.model_version)
        reason = _named(candidate.finish_reason)
        parts = (candidate.content.parts if candidate.content else None) or []
        images = [part.inline_data.data for part in parts if part.inline_data and not part.thought]
        if not images and reason in GOOGLE_REFUSALS:
            return Generated(None, reason, refused=True, cost=cost, version=reply.model_version)
        text = " ".join(part.text for part in parts if part.text)
        return self._made(images[-1] if images else None, f"{reason} {text}", cost, reply.model_version)

    def _paid(self, usage: Any) -> float | None:
        """US dollars of the reply's usage; where it does not tell image from text, output is image."""
        if usage is None:
            return None
        image_in = _tokens(usage.prompt_tokens_details, "IMAGE")
        made = usage.candidates_token_count or 0
        text = _tokens(usage.candidates_tokens_details, "TEXT")
        thought = usage.thoughts_token_count or 0
        return self._cost(
            {
                "text_input": (usage.prompt_token_count or 0) - image_in,
                "image_input": image_in,
                "text_output": text + thought,
                "image_output": made - text,
            }
        )


def open_openai(name: str, location: str, given: Mapping[str, str]) -> OpenAIModel:
    """The model of a card in a folder, with the user's changes."""
    return OpenAIModel(name, location, given)


def open_google(name: str, location: str, given: Mapping[str, str]) -> GoogleModel:
    """The model of a card in a folder, with the user's changes."""
    return GoogleModel(name, location, given)


def nearest_ratio(width: int, height: int, offered: Sequence[str]) -> str:
    """The offered shape, such as 3:4, whose ratio is nearest to that of width and height."""

    def distance(shape: str) -> float:
        across, down = map(int, shape.split(":"))
        return abs(math.log(width / height * down / across))

    return min(offered, key=distance)


def _reference(data: bytes, side: int) -> bytes:
    """A photo as it is sent: upright, reduced to a longer side of `side` pixels, and nothing but pixels."""
    pixels = _reduced(decode(data, "a reference"), side)
    png = encode_png(pixels)
    return png if len(png) <= LARGEST_PNG else encode_jpeg(pixels)


def _reduced(pixels: RGB, side: int) -> RGB:
    import cv2

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    reduced: RGB = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return reduced


def _form(data: bytes) -> str:
    return "png" if data.startswith(b"\x89PNG") else "jpeg"


def _decoded(text: str | None) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) if text else None
    except (binascii.Error, ValueError):
        return b"?"  # which is no image either, and is said to be none


def _named(reason: Any) -> str:
    return str(getattr(reason, "value", reason))


def _tokens(details: Any, modality: str) -> int:
    """Tokens of one modality among those a reply counts."""
    return sum(one.token_count or 0 for one in details or () if _named(one.modality) == modality)


def _pause_asked(error: Any) -> float | None:
    """Seconds to wait that an answer of Google's asks for, by Retry-After or RetryInfo; None if it does not."""
    headers = getattr(error.response, "headers", None) or {}
    body = error.details if isinstance(error.details, dict) else {}
    inside = body.get("error", body)
    infos = inside.get("details", ()) if isinstance(inside, dict) else ()
    asked = [headers.get("retry-after"), *(one.get("retryDelay") for one in infos if isinstance(one, dict))]
    for value in filter(None, asked):
        try:
            return max(0.0, float(str(value).removesuffix("s")))
        except ValueError:
            continue
    return None
