"""The records that stages exchange. On disk they are pydantic models that refuse unknown fields.

cases        what a suite holds, in memory only
generations  one record per generated image, and the outcomes of images and scores
cards        the facts of model cards
run          `run.json`: what was asked, and where every number comes from
summary      `summary.json`: every number of the report

Cases and generations are imported from here; the others, which need more, from their modules.
"""

from idbench.records.cases import Case, Person
from idbench.records.generations import FAILURES, ORACLES, Generation, GenerationOutcome, Outcome

__all__ = ["FAILURES", "ORACLES", "Case", "Generation", "GenerationOutcome", "Outcome", "Person"]
