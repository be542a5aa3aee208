"""Every check of a calibration: what is asked of which curve or rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from idbench.calibrate.curves import Curve
from idbench.calibrate.experiments import METHODS, METRICS, SIZE, Repeated
from idbench.calibrate.verdicts import Verdict, covers, falls, nominal, rises, steady, unmoved

__all__ = ["CLAIMS", "Check", "Claim", "check_curves", "check_repeats"]


@dataclass(frozen=True)
class Claim:
    """A metric should behave like this along a sweep. `section` is the part of the page it belongs to."""

    section: str
    sweep: str
    metric: str
    test: Callable[[Curve], Verdict]
    says: str


CLAIMS: tuple[Claim, ...] = (
    Claim("copying", "copying", "copy_paste", rises, "copy-paste rises with copying"),
    Claim("turning", "turning, nothing copied", "copy_paste", steady, "copy-paste ignores pose, nothing copied"),
    Claim("turning", "turning, half copied", "copy_paste", steady, "copy-paste ignores pose, half copied"),
    Claim("drifting", "drifting", "sim_gt", falls, "similarity to the target falls with drift"),
    Claim("drifting", "drifting", "sim_ref", falls, "similarity to the reference falls with drift"),
    Claim("blending", "blending", "blending", rises, "blending rises with blending"),
    Claim("swapping", "swapping", "slot_accuracy", falls, "slot accuracy falls with swaps"),
    Claim("swapping", "swapping", "sim_gt", steady, "similarity to the target does not see swaps"),
    Claim("failing", "failing", "sim_gt_failure_aware", falls, "failures lower failure-aware similarity"),
    Claim("failing", "failing", "copy_paste_failure_aware", rises, "failures raise failure-aware copy-paste"),
    Claim("failing", "failing", "sim_gt", unmoved, "failures leave similarity of found people alone"),
    Claim("failing", "failing", "copy_paste", unmoved, "failures leave copy-paste of found people alone"),
    Claim("losing", "losing", "found", falls, "people found fall with lost people"),
    Claim("losing", "losing", "sim_gt_failure_aware", falls, "lost people lower failure-aware similarity"),
    Claim("losing", "losing", "sim_gt", unmoved, "lost people leave similarity of found people alone"),
    Claim("losing", "losing", "copy_paste", unmoved, "lost people leave copy-paste of found people alone"),
    Claim("adding", "adding", "extra_faces", rises, "extra faces are counted"),
    Claim("adding", "adding", "sim_gt", steady, "strangers leave similarity to the target alone"),
)


@dataclass(frozen=True)
class Check:
    """One claim, as one recognizer answers it."""

    section: str
    says: str
    recognizer: str
    verdict: Verdict

    def as_dict(self) -> dict[str, Any]:
        """For calibration.json."""
        return {"section": self.section, "check": self.says, "recognizer": self.recognizer} | asdict(self.verdict)


def check_curves(curves: Sequence[Curve], recognizers: Sequence[str]) -> list[Check]:
    """Every claim about curves, for every recognizer."""
    known = {(c.recognizer, c.sweep, c.metric): c for c in curves}
    return [
        Check(claim.section, claim.says, name, claim.test(_curve(known, name, claim)))
        for claim in CLAIMS
        for name in recognizers
    ]


def _curve(known: dict[tuple[str, str, str], Curve], recognizer: str, claim: Claim) -> Curve:
    """The curve, without points where the metric was measured nowhere."""
    return known.get((recognizer, claim.sweep, claim.metric)) or Curve(recognizer, claim.sweep, "", claim.metric, ())


def check_repeats(repeated: Sequence[Repeated]) -> list[Check]:
    """Coverage and equal models at the size that is checked; power asks nothing."""
    return [_check_rate(one) for one in repeated if one.clusters == SIZE and one.kind != "power"]


def _check_rate(one: Repeated) -> Check:
    about = METRICS[one.metric]
    if one.kind == "coverage":
        return Check(
            "intervals", f"{METHODS[one.what]} intervals hold the true {about}", one.recognizer, covers(one.rate)
        )
    return Check("equal", f"equal models are seldom told apart by {about}", one.recognizer, nominal(one.rate))
