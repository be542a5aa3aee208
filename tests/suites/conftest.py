"""Photos to make suites of."""

from __future__ import annotations

import pytest
from support.suites import real_cases

from idbench.suites import open_suite


@pytest.fixture(scope="session")
def photos(real_suite, tmp_path_factory):
    """Two one-person cases that share no photo, and one of two people, as files."""
    folder = tmp_path_factory.mktemp("photos")
    first, pair = sorted(real_cases(real_suite, (1, 2)), key=lambda case: len(case.people))
    seen = {image.read() for case in (first, pair) for image in case.images()}
    second = next(
        case
        for case in open_suite(str(real_suite)).cases()
        if len(case.people) == 1 and case.target and not seen & {image.read() for image in case.images()}
    )
    cases = [first, second, pair]
    for case in cases:
        (folder / f"{case.id}_target.jpg").write_bytes(case.target.read())
        for i, person in enumerate(case.people):
            (folder / f"{case.id}_ref{i}.jpg").write_bytes(person.references[0].read())
    return folder, cases
