"""Why a contact has its score: now or at a past midnight, before it and after it."""

from intent.explain.explanation import explain
from intent.explain.render import print_explanation

__all__ = ["explain", "print_explanation"]
