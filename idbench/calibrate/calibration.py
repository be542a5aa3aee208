"""Everything a calibration found; the page and `calibration.json` are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from idbench.calibrate.checks import Check
from idbench.calibrate.config import CalibrationConfig
from idbench.calibrate.curves import Curve
from idbench.calibrate.examples import Strip
from idbench.calibrate.experiments import Repeated
from idbench.calibrate.separation import Similarities
from idbench.calibrate.views import Seen
from idbench.records.run import NetworkRecord, Provenance, SuiteCounts
from idbench.schema import Record
from idbench.stats import Verification

__all__ = ["CALIBRATION_VERSION", "Calibration"]

CALIBRATION_VERSION = 1
"""Raise it when calibration.json changes its form."""


@dataclass(frozen=True)
class Calibration:
    """Everything a calibration found. Mappings are by recognizer."""

    config: CalibrationConfig
    provenance: Provenance
    pictures: int
    suite: SuiteCounts
    detector: NetworkRecord
    recognizers: dict[str, NetworkRecord]
    checks: list[Check]
    curves: list[Curve]
    repeated: list[Repeated]
    seen: list[Seen]
    verifications: Mapping[str, Verification]
    similarities: Mapping[str, Similarities]
    strips: Mapping[str, Strip]

    @property
    def failed(self) -> list[Check]:
        """Checks that did not pass."""
        return [check for check in self.checks if not check.verdict.passed]

    def as_dict(self) -> dict[str, Any]:
        """For calibration.json."""
        return {
            "schema_version": CALIBRATION_VERSION,
            "passed": len(self.checks) - len(self.failed),
            "failed": len(self.failed),
            "checks": [check.as_dict() for check in self.checks],
            "curves": [curve.as_dict() for curve in self.curves],
            "repeated": [one.as_dict() for one in self.repeated],
            "views": [one.as_dict() for one in self.seen],
            "verification": {name: asdict(one) for name, one in self.verifications.items()},
            "config": self.config.model_dump(mode="json"),
            "pictures": self.pictures,
            "suite": _json(self.suite),
            "detector": _json(self.detector),
            "recognizers": {name: _json(one) for name, one in self.recognizers.items()},
            "provenance": _json(self.provenance),
        }


def _json(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json", exclude_unset=True)
