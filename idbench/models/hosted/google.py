"""Gemini image models, asked through Google's SDK.

Its own retries ignore the pause that the vendor asks for with status 429, so that status is waited out here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from idbench.kinds import ModelKind
from idbench.models.base import Generated, Job
from idbench.models.hosted.base import MAX_PAUSE, HostedModel, RequestsStopped
from idbench.models.hosted.references import image_format

if TYPE_CHECKING:
    from tenacity import RetryCallState

__all__ = ["MODEL", "GoogleModel", "nearest_ratio"]

REFUSALS = (
    "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION", "MODEL_ARMOR",
    "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
)  # fmt: skip
"""Finish reasons by which the vendor's safety system keeps an image back; others are failures."""

TOO_MANY_REQUESTS = 429
BACKOFF = wait_exponential_jitter(initial=1, max=8)
"""Seconds between requests where the vendor does not say how long to wait."""


class GoogleModel(HostedModel):
    """generate_content, references first, then the prompt."""

    vendor = "Google"

    def _open(self, key: str) -> Any:
        from google import genai
        from google.genai import types

        execution = self.settings.execution
        retries = types.HttpRetryOptions(
            attempts=int(execution["retries"]) + 1, max_delay=8, http_status_codes=[408, 500, 502, 503, 504]
        )
        options = types.HttpOptions(timeout=int(float(execution["timeout"]) * 1000), retry_options=retries)
        return genai.Client(vertexai=False, api_key=key, http_options=options)

    def _ask(self, job: Job, references: Sequence[bytes]) -> Generated:
        from google.genai import errors, types

        values = job.parameters
        shape = nearest_ratio(int(values["width"]), int(values["height"]), self.hosted.aspect_ratios)
        photos = [types.Part.from_bytes(data=data, mime_type=f"image/{image_format(data)}") for data in references]
        image = types.ImageConfig(aspect_ratio=shape, image_size=values["resolution"])
        how = types.GenerateContentConfig(response_modalities=["IMAGE"], image_config=image, seed=job.seed)
        call = self._client.models.generate_content
        try:
            reply = self._retrying()(call, model=self.hosted.model, contents=[*photos, job.prompt], config=how)
        except errors.APIError as error:
            raise self._meant(error) from None
        return self._understood(reply)

    def _retrying(self) -> Retrying:
        """Asks again where there were too many requests, after the pause the vendor asks for."""
        requests = int(self.settings.execution["retries"]) + 1
        retry = retry_if_exception(self._passes)
        return Retrying(retry=retry, stop=stop_after_attempt(requests), wait=_pause, reraise=True)

    def _passes(self, error: BaseException) -> bool:
        """Whether an error goes away within the longest pause."""
        if getattr(error, "code", None) != TOO_MANY_REQUESTS or isinstance(self._meant(error), RequestsStopped):
            return False
        asked = pause_asked(error)
        return asked is None or asked <= MAX_PAUSE

    def _meant(self, error: Any) -> Exception:
        """What an answer with an error status means."""
        details = json.dumps(error.details)
        if error.code == 401 or "API_KEY_INVALID" in details:
            return RequestsStopped(f"does not accept the key in {self._key_name} (status {error.code})")
        if error.code in (403, 404) or error.status == "FAILED_PRECONDITION":
            reason = f"{error.code} {error.status}: {error.message}"
            return RequestsStopped(f"does not let this account use {self.hosted.model} ({reason})")
        if error.code == TOO_MANY_REQUESTS and "PerDay" in details:
            return RequestsStopped("says that the quota of the day is exhausted")
        return RuntimeError(f"status {error.code} {error.status}: {error.message}")

    def _understood(self, reply: Any) -> Generated:
        """A reply's image, or why there is none."""
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
        if not images and reason in REFUSALS:
            return Generated(None, reason, refused=True, cost=cost, version=reply.model_version)
        text = " ".join(part.text for part in parts if part.text)
        return self._made(images[-1] if images else None, f"{reason} {text}", cost, reply.model_version)

    def _tokens(self, usage: Any) -> dict[str, int]:
        """Where the reply does not tell image from text, output is image."""
        if usage is None:
            return {}
        image_in = _count(usage.prompt_tokens_details, "IMAGE")
        made = usage.candidates_token_count or 0
        text = _count(usage.candidates_tokens_details, "TEXT")
        return {
            "text_input": (usage.prompt_token_count or 0) - image_in,
            "image_input": image_in,
            "text_output": text + (usage.thoughts_token_count or 0),
            "image_output": made - text,
        }


def nearest_ratio(width: int, height: int, offered: Sequence[str]) -> str:
    """The offered shape, such as 3:4, whose ratio is nearest to that of width and height."""

    def distance(shape: str) -> float:
        across, down = map(int, shape.split(":"))
        return abs(math.log(width / height * down / across))

    return min(offered, key=distance)


def pause_asked(error: Any) -> float | None:
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


def _pause(state: RetryCallState) -> float:
    """Seconds before the next request."""
    assert state.outcome is not None
    asked = pause_asked(state.outcome.exception())
    return BACKOFF(state) if asked is None else asked


def _named(reason: Any) -> str:
    return str(getattr(reason, "value", reason))


def _count(details: Any, modality: str) -> int:
    """Tokens of one modality among those a reply counts."""
    return sum(one.token_count or 0 for one in details or () if _named(one.modality) == modality)


MODEL = ModelKind(open=GoogleModel, what="Gemini image models, named by a card", listed=list)
