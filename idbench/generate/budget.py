"""What a model that costs money has spent in a run, and whether it is to be asked for more."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from idbench.models.execution import Execution
from idbench.records import Generation

__all__ = ["Budget"]


class Budget:
    """Spending of a model, by its ledger, against its cap.

    An image is expected to cost what the model says, or the dearest answer so far if that is more; the first is asked
    for alone. One whose cost nobody told counts as expected, and so does every attempt of a request that was not
    answered in time: the vendor may have made an image nobody got.

    Parameters
    ----------
    name : of the model, as the ledger has it.
    execution : of the model, with its cap.
    ledger : `generations.jsonl`; what it has of the model is spent.
    """

    def __init__(self, name: str, execution: Execution, ledger: Path) -> None:
        assert execution.spending_cap is not None
        self._cap = execution.spending_cap
        self._expected = execution.expected_cost
        self._attempts = execution.attempts
        self._answered = False
        self._stopped: str | None = None
        self.spent = sum(self._costs(name, ledger).values())
        """US dollars."""

    def _costs(self, name: str, ledger: Path) -> dict[Any, float]:
        """By image, also of those that were made anew later: a line may be repeated, an answer is paid once."""
        lines = ledger.read_bytes().splitlines() if ledger.exists() else []
        mine = [line for line in map(json.loads, lines) if line["model"] == name]
        answer = ("case", "seed", "digest", "seconds", "error")
        return {
            tuple(line.get(key) for key in answer): self._cost(line["outcome"], line.get("cost"), line.get("error"))
            for line in mine
        }

    def _cost(self, outcome: str, cost: float | None, error: str | None) -> float:
        if cost is not None:
            self._answered = True
            self._expected = max(self._expected, cost)
            return cost
        if outcome == "generated":
            return self._expected
        late = any(word in (error or "").lower() for word in ("timeout", "timed out", "time limit"))
        return self._attempts * self._expected if late else 0.0

    def count(self, generation: Generation) -> None:
        """Count what an image cost; one that was not tried for want of further requests ends all asking."""
        self.spent += self._cost(generation.outcome, generation.cost, generation.error)
        if generation.retryable:
            self._stopped = generation.error

    @property
    def room(self) -> int:
        """How many images more are allowed."""
        if self._stopped is not None:
            return 0
        room = max(0, math.floor((self._cap - self.spent) / self._expected + 1e-9))
        return room if self._answered else min(room, 1)

    @property
    def reason(self) -> str | None:
        """Why no image more is allowed; None while one is."""
        return self._stopped or (None if self.room else f"spending cap of ${self._cap:g} reached")
