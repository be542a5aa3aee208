"""A suite of squares."""

import io

import numpy as np
from PIL import Image

from idbench.images import EncodedImage
from idbench.kinds import SuiteKind
from idbench.records import Case, Person
from idbench.suites.base import Suite


def photo(name, seed):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (64, 64, 3), np.uint8)).save(buffer, "PNG")
    return EncodedImage(name, data=buffer.getvalue())


def open_suite(location, subsets):
    file = location.endswith(".squares")
    count = 1 if file else int(location or 5)

    def read(problems):
        for i in range(count):
            person = Person((photo(f"{i}/reference", 2 * i),), f"square {i}")
            yield Case(f"s{i}", "a square", (person,), photo(f"{i}/target", 2 * i + 1))

    return Suite("squares", location if file else "drawn", "CC0", read, count, subsets)


SQUARES = SuiteKind(
    open=open_suite,
    form="squares[:COUNT]",
    what="squares of noise",
    licence="CC0",
    here=lambda: "drawn when read",
    recognises=lambda path: path.suffix == ".squares",
)
