"""Models that share no class with idbench."""

import os
import time

import numpy as np

from idbench.kinds import ListedModel, ModelKind
from idbench.models.base import Generated
from idbench.models.execution import Execution
from idbench.models.preflight import Blocker, Needs


class Flat:
    """One grey per image; runs in the process that asks."""

    card, needs_truth = None, False

    def __init__(self, name, given):
        self.name, self.parameters = name, {"shade": int(given.get("shade", 9))}

    def describe(self):
        return {"kind": "flat"}

    def load(self, device, offload="none"):
        pass

    def close(self):
        pass

    def generate(self, jobs):
        assert all(job.people[0].references and job.truth is None and not hasattr(job, "target") for job in jobs)
        return [Generated(grey(job.parameters["shade"] + job.seed)) for job in jobs]


class Studio(Flat):
    """Says how it wants to be run, what it needs and what it tells the user. Its shade is the size of the batch."""

    execution = Execution(isolated=True, batch=3, offload="model", devices="one")
    keys = ("STUDIO_KEY",)
    notice = "studio: prompts are written on a board that everybody can read"
    loading = "one studio for all shades"

    def load(self, device, offload="none"):
        self.offload = offload

    def preflight(self, device):
        if os.environ.get("STUDIO_CLOSED"):
            yield Blocker("licence", "studio: the licence ran out; buy another")
        yield Blocker("memory", f"studio: it is tight on {device}", stops=False)

    def needs(self):
        return Needs(memory=(3.0, 1.5))

    def generate(self, jobs):
        assert self.offload == "model" and "OPENAI_API_KEY" not in os.environ
        return [Generated(grey(len(jobs)), version=os.environ.get("STUDIO_KEY")) for _ in jobs]


class Sleeper(Flat):
    """Never answers for seed 1."""

    execution = Execution(isolated=True)

    def generate(self, jobs):
        time.sleep(600 * any(job.seed == 1 for job in jobs))
        return super().generate(jobs)


def grey(shade):
    return np.full((64, 64, 3), shade % 256, np.uint8)


def open_flat(name, location, given):
    return Flat(name, given)


def open_sleeper(name, location, given):
    return Sleeper(name, given)


def listed():
    return [ListedModel("studio:portrait", "a portrait in grey", "1"), ListedModel("studio:group", "a group in grey")]


STUDIO = ModelKind(open=lambda name, location, given: Studio(name, given), form="studio:SETTING", listed=listed)
