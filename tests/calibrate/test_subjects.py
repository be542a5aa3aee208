"""Subjects: cases whose pictures are shared between sweeps."""

from __future__ import annotations

from idbench.calibrate.subjects import choose_subjects
from idbench.calibrate.sweeps import POOL_MODELS, SWEEPS


def test_subjects_share_pictures_between_sweeps():
    subjects = choose_subjects(10, seed=0)
    assert len(subjects.plans) == 40
    models = subjects.models()
    assert all(len(models[model]) == 40 for model in POOL_MODELS)
    failing = next(sweep for sweep in SWEEPS if sweep.name == "failing")
    answers = subjects.answers()
    pictures = {key: drawing.key for key, drawing in answers.items()}
    for model in failing.models[1:]:
        made = {case for _, name, case in answers if name == model}
        assert made < set(subjects.plans), "some fail, the others are as the model without failures drew them"
        assert all(pictures["answer", model, case] == pictures["answer", failing.models[0], case] for case in made)
    for sweep in SWEEPS:
        assert all(len(subjects.plans[case].people) > 1 for case in subjects.cases_of(sweep) if sweep.several)
