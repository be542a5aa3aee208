"""Records as a run writes them, of nothing in particular."""

from __future__ import annotations

from idbench.provenance import collect
from idbench.records.run import RunRecord, SuiteCounts, SuiteRecord

COUNTS = {
    "fingerprint": "0" * 64, "cases": 1, "people": 1, "identities": 1, "clusters": 1, "subsets": {}, "labelled": False,
    "without_target": 0, "with_boxes": 0,
}  # fmt: skip


def suite_counts() -> SuiteCounts:
    return SuiteCounts.model_validate(COUNTS)


def run_record() -> RunRecord:
    """A finished run on a suite that no test has."""
    suite = {"name": "another", "source": "elsewhere", "licence": "none", "rendered": False}
    return RunRecord.model_validate(
        {
            "state": "finished",
            "config": {},
            "suite": SuiteRecord.model_validate(COUNTS | suite),
            "provenance": collect(),
        }
    )
