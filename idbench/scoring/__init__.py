"""From a suite and generations to tables of scores, one case at a time."""

from idbench.scoring.context import Scoring
from idbench.scoring.score import index_and_analyse, score_cases

__all__ = ["Scoring", "index_and_analyse", "score_cases"]
