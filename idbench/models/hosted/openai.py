"""GPT Image models, asked through OpenAI's SDK, which repeats requests itself."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from idbench.kinds import ModelKind
from idbench.models.base import Generated, Job
from idbench.models.hosted.base import Declined, HostedModel, RequestsStopped
from idbench.models.hosted.references import image_format

__all__ = ["MODEL", "OpenAIModel"]

REFUSALS = ("moderation_blocked", "content_policy_violation")
QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")


class OpenAIModel(HostedModel):
    """images.edit with references, images.generate without."""

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
        photos = [_upload(number, data) for number, data in enumerate(references, 1)]
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
        reason = f"{error.code or error.type or 'error'}: {told or error.message}"
        if error.code in REFUSALS:
            return Declined(reason)
        if error.code in QUOTA:
            return RequestsStopped(f"says that the quota is exhausted ({error.code})")
        if error.status_code == 401:  # its message repeats the key, or parts of it
            return RequestsStopped(f"does not accept the key in {self._key_name} (status 401)")
        if error.status_code in (403, 404):
            why = f"{error.status_code}, {reason}"
            return RequestsStopped(f"does not let this account use {self.hosted.model} ({why})")
        return RuntimeError(f"status {error.status_code}, {reason}")

    def _tokens(self, usage: Any) -> dict[str, int]:
        """Where the reply does not tell image from text, output is image."""
        if usage is None:
            return {}
        given, made = usage.input_tokens_details, usage.output_tokens_details
        text = made.text_tokens if made else 0
        tokens = {"text_input": given.text_tokens, "image_input": given.image_tokens}
        return tokens | {"text_output": text, "image_output": usage.output_tokens - text}


def _upload(number: int, data: bytes) -> tuple[str, bytes, str]:
    """File name, content and type of a reference."""
    form = image_format(data)
    return f"person-{number}.{form}", data, f"image/{form}"


def _decoded(text: str | None) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) if text else None
    except (binascii.Error, ValueError):
        return b"?"  # no image either, and reported as such


MODEL = ModelKind(open=OpenAIModel, what="GPT Image models, named by a card", listed=list)
