"""The scores once more, in plain Python: what the warehouse is checked against.

It reads the raw landing files and the rule sheets itself and shares no code and no
SQL with the models. It is written to be read next to the design, step by step, and
only then to be quick.
"""

from .compare import compare
from .score import ContactInfo, DriverRow, Result, ScoreRow, score_world
from .world import World, account_rows, read_world

__all__ = [
    "ContactInfo",
    "DriverRow",
    "Result",
    "ScoreRow",
    "World",
    "account_rows",
    "compare",
    "read_world",
    "score_world",
]
