"""The parts of the page: what was asked, what is drawn, and what an answer means."""

from __future__ import annotations

from dataclasses import dataclass

from idbench.calibrate.repeats import RESAMPLES

__all__ = ["SECTIONS", "Panel", "Section"]


@dataclass(frozen=True)
class Panel:
    """Curves in one drawing: (sweep, metric, name of the line)."""

    title: str
    series: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Section:
    """One part of the page. `strips` names the sweeps of which an example is shown."""

    name: str
    title: str
    asked: str
    meaning: str
    panels: tuple[Panel, ...] = ()
    strips: tuple[str, ...] = ()


def _both(sweep: str) -> tuple[Panel, ...]:
    """Conditional and failure-aware forms side by side."""
    found, all_ = "people who were found", "failures counted"
    return (
        Panel("similarity to the target", ((sweep, "sim_gt", found), (sweep, "sim_gt_failure_aware", all_))),
        Panel("copy-paste", ((sweep, "copy_paste", found), (sweep, "copy_paste_failure_aware", all_))),
    )


SECTIONS: tuple[Section, ...] = (
    Section(
        "copying",
        "Copying",
        "The model takes a growing share of each person's looks (pose, expression, light, hair, what they wear) from "
        "the reference photo instead of the prompt. Everything else stays, down to the random numbers: the face has a "
        "drift of 0.2, so that even a full copy is not the reference itself and copy-paste stays below 1.",
        "If this passes, a higher copy-paste score means more copying, for this recognizer. "
        "If it fails, do not rank models by copy-paste with it.",
        (
            Panel("copy-paste", (("copying", "copy_paste", "copy-paste"),)),
            Panel(
                "similarity",
                (("copying", "sim_gt", "to the target"), ("copying", "sim_ref", "to the reference")),
            ),
        ),
        ("copying",),
    ),
    Section(
        "turning",
        "Pose alone",
        "Heads are turned by up to 20 degrees beyond what the prompt says, once by a model that copies nothing and "
        "once by one that copies half.",
        "A recognizer that takes pose for identity would call a model a copier because its heads happen to face like "
        "the reference. If this fails, compare pose differences too before you speak of copying.",
        (
            Panel(
                "copy-paste",
                (
                    ("turning, nothing copied", "copy_paste", "nothing copied"),
                    ("turning, half copied", "copy_paste", "half copied"),
                ),
            ),
            Panel(
                "similarity to the target",
                (
                    ("turning, nothing copied", "sim_gt", "nothing copied"),
                    ("turning, half copied", "sim_gt", "half copied"),
                ),
            ),
        ),
        ("turning, nothing copied",),
    ),
    Section(
        "drifting",
        "Identity drift",
        "Each face is moved from the person it should show to a stranger of the same sex; at 1 it is the stranger.",
        "The slope says how much similarity one step of identity is worth to this recognizer. "
        "Where the curve runs flat, the recognizer cannot tell good from better.",
        (
            Panel(
                "similarity",
                (("drifting", "sim_gt", "to the target"), ("drifting", "sim_ref", "to the reference")),
            ),
        ),
        ("drifting",),
    ),
    Section(
        "blending",
        "Blended people",
        "In cases of several people, each face is moved towards the mean of the others. Half-way, where the dial ends, "
        "two people share one face; beyond, each would be more like the other, and that is a swap.",
        "If this passes, the blending metric sees faces that run into each other. "
        "Read it beside similarity: a drifter falls there, and does not rise here.",
        (
            Panel("blending", (("blending", "blending", "blending"),)),
            Panel("similarity to the target", (("blending", "sim_gt", "similarity to the target"),)),
        ),
        ("blending",),
    ),
    Section(
        "swapping",
        "Swapped people",
        "In a growing share of pictures of several people, two of them stand in each other's places.",
        "Faces are assigned to people by similarity, so similarity cannot see who stands where and must not move. "
        "Slot accuracy exists to see it.",
        (
            Panel(
                "slot accuracy and similarity",
                (
                    ("swapping", "slot_accuracy", "slot accuracy"),
                    ("swapping", "sim_gt", "similarity to the target"),
                ),
            ),
        ),
        ("swapping",),
    ),
    Section(
        "failing",
        "Failed images",
        "A growing share of images is not made at all. Those that are made stay the same.",
        "The failure-aware forms must get worse, so that withholding an image never helps. The conditional forms tell "
        "of the people who were found, so they may move only as fewer people let them: within their intervals.",
        _both("failing"),
    ),
    Section(
        "losing",
        "Lost people",
        "In a growing share of images one person is missing.",
        "As with failed images: the failure-aware forms and the share of people found must see it, the conditional "
        "forms must not. Beyond the mark, faces were given to the wrong people.",
        _both("losing"),
        ("losing",),
    ),
    Section(
        "adding",
        "Added people",
        "In a growing share of images a stranger stands in the background.",
        "A stranger is counted as an extra face, and must not be taken for one of the people.",
        (
            Panel("extra faces per image", (("adding", "extra_faces", "extra faces"),)),
            Panel("similarity to the target", (("adding", "sim_gt", "similarity to the target"),)),
        ),
        ("adding",),
    ),
    Section(
        "intervals",
        "Intervals",
        "A pool of scored cases stands for the population, so the true mean is known. Clusters (cases that share "
        "people are one) are drawn from it again and again, and each time the 95 % interval is computed as in a "
        f"report, from {RESAMPLES} resamples.",
        "Intervals that hold the truth less often than they say make differences look surer than they are. "
        "The curve shows from how many clusters on they can be trusted; green is what is asked at the last point. "
        "Failure-aware similarity is that of a model that fails one image in five.",
    ),
    Section(
        "equal",
        "Equal models",
        "Two models with the same dials and other random numbers are compared on clusters drawn from the pool. "
        "A coin decides per cluster which of them is the first, so that they are exactly equal.",
        "5 % of such pairs may be called different: that is what the level says. "
        "More would mean that ranks are given to chance.",
    ),
    Section(
        "power",
        "How small a difference is found",
        "The same comparison, by copy-paste, of the pool's model with others that copy more by a known share.",
        "This asks nothing; it helps to plan. Where a curve reaches 0.8, four of five experiments with that many "
        "clusters find the difference.",
    ),
)
