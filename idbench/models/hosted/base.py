"""What hosted models share: requests in parallel, reasons in one line without keys, costs by the card's price list.

A batch is as many requests at once. Requests that fail in passing are repeated a bounded number of times, after growing
pauses or those the vendor asks for; refusals never are. When the vendor takes no more requests from this account, or
the spending cap is reached, the rest is left to another run. A key comes from the environment and stays there: whatever
a process says goes through `Scrubber`.

A proxy is named by the SDKs' own environment variables, OPENAI_BASE_URL and GOOGLE_GEMINI_BASE_URL.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from idbench.errors import ConfigError, UnreadableImageError
from idbench.images import decode
from idbench.models.base import Generated, Job
from idbench.models.card_model import CardModel
from idbench.models.execution import Execution
from idbench.models.hosted.references import to_send
from idbench.models.hosted.scrubber import Scrubber
from idbench.models.preflight import Blocker
from idbench.records.cards import Hosted

__all__ = ["MAX_PAUSE", "Declined", "HostedModel", "RequestsStopped"]

MAX_PAUSE = 120.0
"""Seconds; where a vendor asks for a longer pause, the request has failed instead."""


class Declined(Exception):
    """The vendor's safety system refused; its reason."""


class RequestsStopped(Exception):
    """The vendor takes no more requests from this account, or for this model; its reason."""


class HostedModel(CardModel):
    """Base of hosted models: everything but how a vendor is asked. Raises `ConfigError` without `[hosted]`."""

    vendor = ""
    extra = "hosted"

    def __init__(self, name: str, location: str, given: Mapping[str, str]) -> None:
        super().__init__(name, location, given)
        if self.card.hosted is None:
            raise ConfigError(f"card '{self.card.name}': kind {self.card.kind} needs a table [hosted]")
        self.hosted: Hosted = self.card.hosted
        self.notice = f"{name}: prompts and references are sent to its vendor over the network"
        self._client: Any = None
        self._key_name = self.hosted.keys[0]
        self._scrubber = Scrubber(self.hosted.keys)

    @property
    def keys(self) -> tuple[str, ...]:
        """Environment variables with keys that its process may see."""
        return self.hosted.keys

    @property
    def execution(self) -> Execution:
        """In one process, which the vendor's time limit, all tries and pauses spent, must not cut short: what is
        killed is paid for all the same."""
        chosen = self.settings.execution
        attempts = int(chosen["retries"]) + 1
        return Execution(
            isolated=True,
            batch=int(chosen["batch"]),
            devices="one",
            time_limit=(float(chosen["timeout"]) + MAX_PAUSE) * attempts + 60,
            spending_cap=float(chosen["spending_cap"]),
            expected_cost=self.hosted.expected(self.parameters),
            attempts=attempts,
        )

    @property
    def loading(self) -> dict[str, Any]:
        """Parameters go into every request: all models of a card share a process."""
        return {"execution": dict(self.settings.execution)}

    def blockers(self) -> Iterator[Blocker]:
        """The vendor's SDK, and a key."""
        yield from super().blockers()
        yield from self._key_blockers()

    def _key_blockers(self) -> Iterator[Blocker]:
        """A key must be in the environment, and be one: what holds other characters is a slip."""
        name = self._key_in_environment()
        if name is None:
            text = f"{self.card.name} needs a key in the environment variable {' or '.join(self.keys)}"
            yield Blocker("key", text)
        elif not re.fullmatch(r"[!-~]+", os.environ[name].strip()):
            yield Blocker("key", f"{self.card.name}: {name} holds characters that are part of no key, such as blanks")

    def _key_in_environment(self) -> str | None:
        return next((name for name in self.keys if os.environ.get(name, "").strip()), None)

    def describe(self) -> dict[str, Any]:
        """As of every model with a card, and what the vendor calls it."""
        return super().describe() | {"model": self.hosted.model}

    def load(self, device: str, offload: str = "none") -> None:
        """Open the vendor's SDK. Raises `MissingPackageError`, or `ConfigError` without a key, one line."""
        self.require()
        self._key_name = self._key_in_environment() or self._key_name
        self._scrubber = Scrubber(self.keys, sys.stderr)
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
            return self._ask(job, [to_send(person.references[0].read(), side) for person in job.people])
        except Declined as reason:
            return Generated(None, self._line(reason), refused=True)
        except RequestsStopped as reason:
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
            tokens = self._tokens(usage)
        except (AttributeError, TypeError, ValueError):
            return None
        if not any(tokens.values()):
            return None
        millionths: float = sum(count * getattr(self.hosted.prices, kind) for kind, count in tokens.items())
        return round(millionths / 1e6, 6)

    def _tokens(self, usage: Any) -> dict[str, int]:
        """Tokens that a reply's usage counts, by kind as `Prices` names them; empty where it counts none."""
        raise NotImplementedError

    def _open(self, key: str) -> Any:
        """The SDK's client."""
        raise NotImplementedError

    def _ask(self, job: Job, references: Sequence[bytes]) -> Generated:
        """Ask for one image. Raises `Declined`, `RequestsStopped`, or what the SDK raises."""
        raise NotImplementedError
