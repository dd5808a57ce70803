"""Whether scores told the truth: what contacts did after past midnights."""

from intent.evaluate.model import Evaluation, State
from intent.evaluate.page import write_page
from intent.evaluate.render import print_evaluation
from intent.evaluate.request import EvaluationRequest
from intent.evaluate.run import evaluate

__all__ = [
    "Evaluation",
    "EvaluationRequest",
    "State",
    "evaluate",
    "print_evaluation",
    "write_page",
]
