"""From a suite and generations to tables of scores, one case at a time.

The suite's photos are analysed first, then every model's images, case by case in suite order. Only
one case's faces are in memory at any moment; what networks computed is kept in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from idbench.encoders.clip import ClipEncoder
from idbench.faces.analyse import ImageAnalyser, Job, View
from idbench.faces.types import Analysis, Faces
from idbench.generations import Ledger, Produced, Producer
from idbench.images import EncodedImage
from idbench.metrics import cosine, cosine_matrix
from idbench.protocols import paper, strict
from idbench.protocols.people import CasePeople, FaceView, case_people
from idbench.records import Case, Generation, Outcome
from idbench.stats import Verification, verification
from idbench.suites import Suite, SuiteIndex, index_case
from idbench.tables import TableWriter, faces_schema, images_schema, scores_schema, suite_schema

__all__ = ["Scoring", "index_and_analyse", "score_cases"]

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, how many steps are done, and how many there are."""


OUTCOME_OF_GENERATION = {
    "generation_failed": Outcome.GENERATION_FAILED,
    "missing_image": Outcome.MISSING_IMAGE,
    "unreadable_image": Outcome.UNREADABLE_IMAGE,
}
NO_IMAGE = EncodedImage("no image", data=b"")
MOST_JUDGED_PEOPLE = 2000
"""Embeddings kept for genuine/impostor calibration; beyond, an even selection."""


@dataclass
class SuiteSide:
    """One case's photos, analysed. `padded` holds the references as the paper protocol sees them."""

    case: Case
    target: Analysis | None
    references: list[list[Analysis]]
    padded: list[Analysis] = field(default_factory=list)


@dataclass
class Scoring:
    """What a scoring pass needs besides the suite: the producers of images, judges and protocols."""

    analyser: ImageAnalyser
    producers: Sequence[Producer]
    protocols: Sequence[str]
    stacked: frozenset[str] = frozenset()
    """Recognizers the paper protocol treats as FaceNet and AdaFace."""
    clip: ClipEncoder | None = None
    false_accept_rate: float = 0.01

    @property
    def recognizers(self) -> list[str]:
        """Names, in the order given."""
        return [recognizer.name for recognizer in self.analyser.recognizers]


def index_and_analyse(suite: Suite, scoring: Scoring, progress: Progress) -> tuple[SuiteIndex, dict[str, str]]:
    """First pass: digest, detect and embed every photo of the suite.

    Returns the index and, for photos that could not be read, the reason by the photo's name.
    """
    index = SuiteIndex()
    total = suite.count

    def jobs() -> Iterator[Job[tuple[str, str]]]:
        for case in suite.cases():
            index.add(index_case(case))
            for job in _suite_jobs(case, "paper" in scoring.protocols):
                yield Job((case.id, job.image.name), job.image, job.view, job.encode)

    unreadable: dict[str, str] = {}
    done: set[str] = set()
    for (case_id, name), analysis in scoring.analyser.analyse(jobs()):
        if analysis.error:
            unreadable[name] = analysis.error
        if case_id not in done:
            done.add(case_id)
            progress("suite photos", len(done), total)
    progress("suite photos", len(done), len(done))
    return index, unreadable


def _suite_jobs(case: Case, with_padding: bool) -> Iterator[Job[None]]:
    if case.target is not None:
        yield Job(None, case.target, "as_is", encode=True)
    for person in case.people:
        for i, image in enumerate(person.references):
            yield Job(None, image, "as_is")
            if with_padding and i == 0:
                yield Job(None, image, "padded")


def score_cases(
    suite: Suite, index: SuiteIndex, scoring: Scoring, ledger: Ledger, run: Path, progress: Progress
) -> dict[str, Verification]:
    """Second pass: produce, analyse and score every model's images; write the run's tables.

    Returns per recognizer how well it tells the suite's people apart.
    """
    with ExitStack() as stack:
        tables = _Tables(stack, run, scoring.recognizers)
        judges = _Judges(scoring.recognizers, index)
        cases: dict[str, Case] = {}
        produced: dict[tuple[str, str, int], Produced] = {}

        def jobs() -> Iterator[Job[tuple[str, str, int]]]:
            for case in suite.cases():
                cases[case.id] = case
                for producer in scoring.producers:
                    for one in producer.produce(case):
                        key = (case.id, one.model, one.seed)
                        produced[key] = one
                        yield Job(key, one.image or NO_IMAGE, encode=True)

        for done, (case_id, group) in enumerate(
            groupby(scoring.analyser.analyse(jobs()), key=lambda item: item[0][0]), start=1
        ):
            case = cases.pop(case_id)
            side = _suite_side(case, scoring)
            results = [(produced.pop(key), analysis) for key, analysis in group]
            _CaseScorer(side, index, scoring, tables, judges).score(results, ledger)
            progress("generated images", done, len(index.entries))
    return judges.verifications(scoring.false_accept_rate)


def _suite_side(case: Case, scoring: Scoring) -> SuiteSide:
    """The case's photos again, now out of the cache."""
    found = iter(
        [scoring.analyser.one(j.image, j.view, j.encode) for j in _suite_jobs(case, "paper" in scoring.protocols)]
    )
    target = next(found) if case.target is not None else None
    side = SuiteSide(case, target, [])
    for person in case.people:
        photos = []
        for i, _ in enumerate(person.references):
            photos.append(next(found))
            if "paper" in scoring.protocols and i == 0:
                side.padded.append(next(found))
        side.references.append(photos)
    return side


class _Tables:
    """The run's tables, open for writing."""

    def __init__(self, stack: ExitStack, run: Path, recognizers: Sequence[str]) -> None:
        self.scores = stack.enter_context(TableWriter(run / "scores.parquet", scores_schema()))
        self.images = stack.enter_context(TableWriter(run / "images.parquet", images_schema()))
        self.suite = stack.enter_context(TableWriter(run / "suite.parquet", suite_schema()))
        self.faces = {
            name: stack.enter_context(TableWriter(run / "faces" / f"{name}.parquet", faces_schema()))
            for name in recognizers
        }
        self._written: set[tuple[str, View]] = set()

    def add_faces(self, analysis: Analysis | None, view: View = "as_is") -> None:
        """Write an image's faces once."""
        if analysis is None or analysis.faces is None or (analysis.digest, view) in self._written:
            return
        self._written.add((analysis.digest, view))
        found = analysis.faces.found
        for name, table in self.faces.items():
            for i in range(len(found)):
                table.add(
                    {"digest": analysis.digest, "view": view, "face": i, "score": float(found.scores[i])}
                    | _box_columns(found.boxes[i])
                    | {
                        "landmarks": found.landmarks[i].ravel(),
                        "embedding": analysis.faces.embeddings[name][i],
                    }
                )


class _Judges:
    """Target and reference embeddings of the suite's people, for calibration."""

    def __init__(self, recognizers: Sequence[str], index: SuiteIndex) -> None:
        people = sorted(index.identities)
        step = max(1, -(-len(people) // MOST_JUDGED_PEOPLE))
        self._chosen = set(people[::step])
        self._labelled = index.labelled
        self._rows: dict[str, list[tuple[Any, Any, str]]] = {name: [] for name in recognizers}

    def add(self, recognizer: str, case_id: str, people: CasePeople, identities: Sequence[str]) -> None:
        """Take the people of one case who have both faces."""
        for i, target in enumerate(people.targets):
            if target is not None and people.references[i] and (case_id, i) in self._chosen:
                row = (target.embedding, people.references[i][0].embedding, identities[i])
                self._rows[recognizer].append(row)

    def verifications(self, false_accept_rate: float) -> dict[str, Verification]:
        """Per recognizer; those without both kinds of pairs are left out."""
        results = {}
        for name, rows in self._rows.items():
            if rows:
                targets, references, identities = (np.array(column) for column in zip(*rows, strict=True))
                if judged := verification(targets, references, identities, false_accept_rate, self._labelled):
                    results[name] = judged
        return results


class _CaseScorer:
    """One case, all recognizers and models: fills the tables and the ledger."""

    def __init__(self, side: SuiteSide, index: SuiteIndex, scoring: Scoring, tables: _Tables, judges: _Judges) -> None:
        self.case, self.side, self.scoring, self.tables = side.case, side, scoring, tables
        entry = index.entries[side.case.id]
        self.identities = [index.identities[entry.id, i] for i in range(entry.size)]
        self.common = {"case": entry.id, "subset": entry.subset, "cluster": index.clusters[entry.id]}
        target = side.target.faces if side.target else None
        boxes = [person.box for person in side.case.people]
        photos = [[analysis.faces for analysis in person] for person in side.references]
        self.people = {name: case_people(target, photos, boxes, name) for name in scoring.recognizers}
        for name, people in self.people.items():
            judges.add(name, entry.id, people, self.identities)
        self._add_suite_rows()
        self.prompt_vector, self.prompt_cut = None, None
        if scoring.clip is not None and side.case.prompt:
            self.prompt_vector, self.prompt_cut = scoring.clip.encode_text(side.case.prompt)

    def score(self, results: list[tuple[Produced, Analysis]], ledger: Ledger) -> None:
        """Score every model's images of the case."""
        for model, group in groupby(results, key=lambda result: result[0].model):
            images = list(group)
            for produced, analysis in images:
                generation = _generation(produced, analysis)
                ledger.record(generation)
                self.tables.add_faces(analysis)
                self._add_image_row(generation, analysis)
                if "paper" in self.scoring.protocols:
                    self._add_paper_rows(generation, analysis)
            if "strict" in self.scoring.protocols:
                self._add_strict_rows(model, images)

    def _add_strict_rows(self, model: str, images: list[tuple[Produced, Analysis]]) -> None:
        for name, people in self.people.items():
            scored = [
                strict.score_image(analysis.faces, _image_outcome(produced, analysis), people, name)
                for produced, analysis in images
            ]
            strict.score_seeds(scored)
            for (produced, _), scores in zip(images, scored, strict=True):
                for one in scores:
                    self.tables.scores.add(
                        self.common
                        | {"model": model, "seed": produced.seed, "recognizer": name, "protocol": "strict"}
                        | {"person": one.person, "identity": self.identities[one.person]}
                        | {"outcome": one.outcome.value, "face": one.face.index if one.face else None}
                        | {key: _finite(value) for key, value in one.values.items()}
                        | _box_columns(one.face.box if one.face else None)
                    )

    def _add_paper_rows(self, generation: Generation, analysis: Analysis) -> None:
        outcome = _generation_outcome(generation)
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
        return Outcome.NO_FACE if faces is not None and len(faces) == 0 else Outcome.UNDEFINED

    def _paper_values(self, analysis: Analysis, references: Sequence[Analysis]) -> dict[str, dict[str, float]]:
        """What the published loop would append for this image, by recognizer."""
        target = self.side.target.faces if self.side.target else None
        if analysis.faces is None or target is None or not references:
            return {}
        sample = {
            name: paper.Sample(
                analysis.faces.embeddings[name],
                target.embeddings[name],
                [one.faces.embeddings[name] if one.faces else np.empty((0, 1), np.float32) for one in references],
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
            "faces_expected": expected,
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
                    | {"sim_tr": nearest[1] if nearest else None}
                    | _box_columns(target.box if target else None, "target_")
                    | _box_columns(people.references[i][0].box if people.references[i] else None, "reference_")
                )


def _nearest(target: FaceView | None, references: Sequence[FaceView]) -> tuple[int, float] | None:
    """Position and similarity of the reference most like the target; None where either is missing."""
    if target is None or not references:
        return None
    similarities = cosine_matrix([target.embedding], [r.embedding for r in references])[0]
    return int(similarities.argmax()), float(similarities.max())


def _box_columns(box: Any, prefix: str = "") -> dict[str, float | None]:
    numbers = [None] * 4 if box is None else [float(v) for v in box]
    return {f"{prefix}{name}": number for name, number in zip(("x1", "y1", "x2", "y2"), numbers, strict=True)}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _generation(produced: Produced, analysis: Analysis) -> Generation:
    """The ledger's line: an image that was produced but cannot be read is an unreadable image."""
    unreadable = produced.image is not None and analysis.faces is None
    image = produced.image
    return Generation(
        model=produced.model,
        case=produced.case,
        seed=produced.seed,
        outcome="unreadable_image" if unreadable else produced.outcome,
        path=str(image.path) if image is not None and image.path is not None else None,
        digest=(analysis.digest or None) if image is not None else None,
        error=analysis.error if unreadable else produced.error,
    )


def _generation_outcome(generation: Generation) -> Outcome | None:
    return OUTCOME_OF_GENERATION.get(generation.outcome)


def _image_outcome(produced: Produced, analysis: Analysis) -> Outcome:
    return _generation_outcome(_generation(produced, analysis)) or Outcome.SCORED
