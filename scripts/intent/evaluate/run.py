"""Has dbt evaluate past midnights, reads what came of it, and judges it."""

from collections.abc import Sequence
from dataclasses import replace

from intent.console import err
from intent.dbt import run_dbt
from intent.evaluate.gate import judge
from intent.evaluate.model import Evaluation
from intent.evaluate.reading import read_evaluation
from intent.evaluate.request import (
    EvaluationRequest,
    Stock,
    plan,
    read_stock,
    refuse_request,
)
from intent.evaluate.settings import EvaluationVars, read_vars
from intent.publish import publish
from intent.settings import Places

MODELS = "tag:evaluation"
"""All models of evaluations, in dbt's words."""


def evaluate(places: Places, request: EvaluationRequest) -> Evaluation:
    """Evaluate the sheets at past midnights, publish the tables, and judge them.

    Raises:
        BadInputError: there are no such midnights, sheet or horizon, or the vars of the
            project can't be used.
        UnavailableError: nothing was built yet, the warehouse is locked, or the disk
            is full.
        IntentError: a model or test failed. What was published before stays.
    """
    settings = read_vars(places.project)
    stock = read_stock(places.warehouse)
    refuse_request(request, stock, settings.intent_target.days)
    if request.builds:
        build(places, request, stock, settings)
    found = read_evaluation(
        places.warehouse,
        settings.target,
        request.sheet or stock.shown_sheet,
        request.horizon,
    )
    return replace(
        found,
        verdict=judge(found, settings.intent_gate, judged_sheets(found, request.sheet)),
    )


def build(
    places: Places,
    request: EvaluationRequest,
    stock: Stock,
    settings: EvaluationVars,
) -> None:
    """Build and publish the tables of an evaluation."""
    planned = plan(request, stock, settings.intent_target.days)
    if planned.left_out:
        err.print(
            f"{planned.left_out:,} of {request.midnights:,} midnights are left out: "
            "there is nothing before them."
        )
    arguments = ["build", "--exclude-resource-type", "unit_test", "--select", MODELS]
    run_dbt(places, arguments, planned.variables, label="evaluation")
    publish(places)


def judged_sheets(evaluation: Evaluation, sheet: str | None) -> Sequence[str]:
    """The sheets that the gate is about: the one asked for, else all in use.

    A draft moves no contact yet, so it keeps nothing from going on.
    """
    if sheet is not None:
        return [sheet]
    return [each.name for each in evaluation.scorers if each.status == "active"]
