"""One case under all recognizers and models: rows of scores, images and suite, and the ledger's lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from idbench.faces.registration import correlations
from idbench.faces.types import Analysis, Faces
from idbench.generate.ledger import Ledger
from idbench.metrics import cosine, cosine_matrix
from idbench.metrics.registered_copy import registered_copy
from idbench.protocols import paper, strict
from idbench.protocols.people import CasePeople, FaceView, case_people
from idbench.records import Generation, Outcome
from idbench.scoring.sheets import is_sheet
from idbench.scoring.suite_side import Scoring, SuitePeople, SuiteSide
from idbench.suites import SuiteIndex
from idbench.tables import RunTables, box_columns

__all__ = ["CaseScorer"]

Result = tuple[Generation, Analysis]
"""What became of an image, and its faces."""

OUTCOME_OF_GENERATION = {
    "generation_failed": Outcome.GENERATION_FAILED,
    "refused": Outcome.REFUSED,
    "missing_image": Outcome.MISSING_IMAGE,
    "unreadable_image": Outcome.UNREADABLE_IMAGE,
}


class CaseScorer:
    """One case, all recognizers and models: fills the tables and the ledger."""

    def __init__(
        self, side: SuiteSide, index: SuiteIndex, scoring: Scoring, tables: RunTables, suite_people: SuitePeople
    ) -> None:
        self.case, self.side, self.scoring, self.tables = side.case, side, scoring, tables
        entry = index.entries[side.case.id]
        self.identities = [index.identities[entry.id, i] for i in range(entry.size)]
        self.common = {"case": entry.id, "subset": entry.subset, "cluster": index.clusters[entry.id]}
        strange = side.case.id in index.strange_boxes
        boxes = [None if strange else person.box for person in side.case.people]
        self.people = {name: case_people(side.target, side.references, boxes, name) for name in scoring.recognizers}
        self.sheets = suite_people.sheets
        for name, people in self.people.items():
            suite_people.add(name, side, people, self.identities)
        self.embedded = suite_people.embedded
        for analysis in [side.target, *(one for person in side.references for one in person)]:
            self.embedded.add("photos of the suite with faces", analysis, scoring.recognizers)
        self._add_suite_rows()
        self.prompt_vector, self.prompt_cut = None, None
        if scoring.clip is not None and side.case.prompt:
            self.prompt_vector, self.prompt_cut = scoring.clip.encode_text(side.case.prompt)

    def score(self, results: list[Result], ledger: Ledger) -> None:
        """Score every model's images of the case."""
        for model, group in groupby(results, key=lambda result: result[0].model):
            images = list(group)
            for generation, analysis in images:
                ledger.record(generation)
                self.tables.add_faces(analysis)
                self.embedded.add("images with faces", analysis, self.scoring.recognizers)
                self._add_image_row(generation, analysis)
                if any(is_sheet(analysis.faces, people, name) for name, people in self.people.items()):
                    self.sheets.add((model, self.case.id, generation.seed))
                if "paper" in self.scoring.protocols:
                    self._add_paper_rows(generation, analysis)
            if "strict" in self.scoring.protocols:
                self._add_strict_rows(model, images)

    def _add_strict_rows(self, model: str, images: list[Result]) -> None:
        for name, people in self.people.items():
            scored = [
                strict.score_image(
                    analysis.faces, _outcome(generation) or Outcome.SCORED, _as_told(people, generation, analysis), name
                )
                for generation, analysis in images
            ]
            strict.score_seeds(scored)
            for (generation, _), scores in zip(images, scored, strict=True):
                for one in scores:
                    self.tables.scores.add(
                        self.common
                        | {"model": model, "seed": generation.seed, "recognizer": name, "protocol": "strict"}
                        | {"person": one.person, "identity": self.identities[one.person]}
                        | {"outcome": one.outcome.value, "face": one.face.index if one.face else None}
                        | {key: _finite(value) for key, value in one.values.items()}
                        | box_columns(one.face.box if one.face else None)
                    )

    def _add_paper_rows(self, generation: Generation, analysis: Analysis) -> None:
        outcome = _outcome(generation)
        padded = self._paper_values(analysis, self.side.padded)
        plain = self._paper_values(analysis, [person[0] for person in self.side.references])
        for name in self.scoring.recognizers:
            values = padded.get(name, {})
            complete = "sim_ref" in values and "sim_gt" in values
            state = outcome or (Outcome.SCORED if complete else self._paper_failure(analysis, name))
            self.tables.scores.add(
                self.common
                | {
                    "model": generation.model,
                    "seed": generation.seed,
                    "recognizer": name,
                    "protocol": "paper",
                }
                | {"outcome": state.value}
                | {("blending" if key == "rest_gt" else key): value for key, value in values.items()}
                | {f"{key}_unpadded": plain.get(name, {}).get(key) for key in ("sim_ref", "copy_paste")}
            )

    def _paper_failure(self, analysis: Analysis, recognizer: str) -> Outcome:
        faces = analysis.faces
        return Outcome.NO_FACE if faces is not None and faces.first_look == 0 else Outcome.UNDEFINED

    def _paper_values(self, analysis: Analysis, references: Sequence[Analysis]) -> dict[str, dict[str, float]]:
        """What the published loop would append for this image, by recognizer."""
        target = self.side.target.faces if self.side.target else None
        if analysis.faces is None or target is None or not references:
            return {}
        sample = {
            name: paper.Sample(
                analysis.faces.embeddings_of_first_look(name),
                target.embeddings_of_first_look(name),
                [
                    one.faces.embeddings_of_first_look(name) if one.faces else np.empty((0, 1), np.float32)
                    for one in references
                ],
            )
            for name in self.scoring.recognizers
        }
        several = len(self.case.people) > 1
        collected, _, _ = paper.collect([sample], several, tuple(self.scoring.stacked))
        return {name: {k: v[0] for k, v in lists.items() if v} for name, lists in collected.items()}

    def _add_image_row(self, generation: Generation, analysis: Analysis) -> None:
        faces, expected = analysis.faces, len(self.case.people)
        row: dict[str, Any] = self.common | {
            "model": generation.model,
            "seed": generation.seed,
            "outcome": generation.outcome,
            "digest": generation.digest,
            "path": generation.path,
            "error": generation.error,
            "seconds": generation.seconds,
            "peak_memory": generation.peak_memory,
            "faces_expected": expected,
            "missing_people": expected,
        }
        if faces is not None:
            row |= {"width": faces.width, "height": faces.height, "faces_found": len(faces)}
            row |= {
                "extra_faces": max(0, len(faces) - expected),
                "missing_people": max(0, expected - len(faces)),
            }
            row |= self._encodings(faces)
        self.tables.images.add(row)

    def _encodings(self, faces: Faces) -> dict[str, Any]:
        values: dict[str, Any] = {}
        target = self.side.target.faces if self.side.target else None
        if (vector := faces.encodings.get("clip")) is not None:
            if target is not None and "clip" in target.encodings:
                values["clip_i"] = cosine(vector, target.encodings["clip"])
            if self.prompt_vector is not None:
                values |= {
                    "clip_t": cosine(vector, self.prompt_vector),
                    "prompt_cut": int(bool(self.prompt_cut)),
                }
        if (score := faces.encodings.get("aesthetic")) is not None:
            values["aesthetic"] = float(score[0])
        return values

    def _add_suite_rows(self) -> None:
        self.tables.add_faces(self.side.target)
        for analysis in (one for person in self.side.references for one in person):
            self.tables.add_faces(analysis)
        for analysis in self.side.padded:
            self.tables.add_faces(analysis, "padded")
        for name, people in self.people.items():
            for i, target in enumerate(people.targets):
                nearest = _nearest(target, people.references[i])
                first = self.side.references[i][0].faces
                self.tables.suite.add(
                    self.common
                    | {
                        "recognizer": name,
                        "person": i,
                        "identity": self.identities[i],
                        "prompt": self.case.prompt,
                    }
                    | {"target": self.side.target.digest if self.side.target else None}
                    | {
                        "reference": self.side.references[i][0].digest,
                        "references": len(self.side.references[i]),
                    }
                    | {"target_width": people.size[0] if people.size else None}
                    | {"target_height": people.size[1] if people.size else None}
                    | {"reference_width": first.width if first is not None else None}
                    | {"reference_height": first.height if first is not None else None}
                    | {"sim_tr": nearest[1] if nearest else None}
                    | {"registered_copy_tr": _natural_copy(target, people.references[i])}
                    | box_columns(target.box if target else None, "target_")
                    | box_columns(_box_in(first, people.references[i]), "reference_")
                )


def _as_told(people: CasePeople, generation: Generation, analysis: Analysis) -> CasePeople:
    """The people at the places the model was told, where it was; else at the target's, stretched to the image."""
    told = generation.boxes
    if told is None or analysis.faces is None or len(told) != len(people):
        return people
    return replace(people, boxes=told, size=(analysis.faces.width, analysis.faces.height))


def _nearest(target: FaceView | None, references: Sequence[FaceView]) -> tuple[int, float] | None:
    """Position and similarity of the reference most like the target; None where either is missing."""
    if target is None or not references:
        return None
    similarities = cosine_matrix([target.embedding], [r.embedding for r in references])[0]
    return int(similarities.argmax()), float(similarities.max())


def _box_in(photo: Faces | None, faces: Sequence[FaceView]) -> npt.NDArray[Any] | None:
    """The box of the first of a person's faces, where it is in this photo; None where it is in another."""
    if photo is None or not faces or not (photo.found.boxes == faces[0].box).all(axis=1).any():
        return None
    return faces[0].box


def _natural_copy(target: FaceView | None, references: Sequence[FaceView]) -> float | None:
    """How much of a copy of a reference the target seems, which is none."""
    if target is None:
        return None
    return _finite(registered_copy(correlations(target.luma, [face.luma for face in references])))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _outcome(generation: Generation) -> Outcome | None:
    """Why the image has no scores; None where it is there."""
    return OUTCOME_OF_GENERATION.get(generation.outcome)
