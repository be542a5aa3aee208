"""From a suite and generations to tables of scores, one case at a time."""

from idbench.scoring.score import index_and_analyse, score_cases
from idbench.scoring.suite_side import Scoring, SuitePeople

__all__ = ["Scoring", "SuitePeople", "index_and_analyse", "score_cases"]
