"""The gate: may contacts be treated by these scores? Pure decisions.

It abstains under `LEAST` contacts with and `LEAST` without the outcome. Else it asks of
each sheet:

- Are the bands in order? Of each two bands, over all midnights together: does the lower
  one do it more often, by more than chance? That is, the 95% interval of the difference
  lies wholly on the wrong side. So a band of few contacts decides nothing.
- Is it as good as plain counts? It is worse if its mean ROC AUC is more than `worse_by`
  under that of the undecayed baseline, and the 95% interval of the difference lies
  wholly under 0.
- Is each measure that has a floor at or above it, in the mean over the midnights?
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from intent.evaluate.model import (
    UNDECAYED,
    Check,
    Estimate,
    Evaluation,
    Scorer,
    Sheet,
    State,
    Verdict,
)
from intent.evaluate.settings import Floors
from intent.evaluate.statistics import difference

LEAST = 100
NAMES = {
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "top_decile_lift": "lift of the top decile",
    "share_caught_hot": "share of conversions caught by hot",
    "share_caught_hot_or_warm": "share of conversions caught by hot and warm",
}


def judge(evaluation: Evaluation, floors: Floors, sheets: Sequence[str]) -> Verdict:
    """Say whether some sheets may be relied on."""
    if reason := too_little(evaluation):
        return Verdict(State.ABSTAINED, reason=reason)
    checks = [
        check
        for sheet in evaluation.sheets
        if sheet.score_model in sheets
        for check in checks_of(sheet, evaluation.scorer(sheet.score_model), floors)
    ]
    is_passed = all(check.passed for check in checks)
    return Verdict(State.PASSED if is_passed else State.FAILED, checks)


def too_little(evaluation: Evaluation) -> str:
    """Why nothing can be said; '' if it can."""
    did, did_not = evaluation.contacts_with, evaluation.contacts_without
    if did >= LEAST and did_not >= LEAST:
        return ""
    return (
        f"{did:,} contacts did it within {evaluation.horizon_days} days of a midnight, "
        f"and {did_not:,} did not; {LEAST} of each are needed"
    )


def checks_of(sheet: Sheet, scorer: Scorer, floors: Floors) -> Iterator[Check]:
    """All that is asked of a sheet."""
    yield bands_check(sheet)
    if scorer.beside_undecayed is not None:
        yield undecayed_check(scorer, scorer.beside_undecayed, floors.worse_by)
    for measure, floor in floors.measures().items():
        yield floor_check(scorer, measure, floor)


def bands_check(sheet: Sheet) -> Check:
    """Does a hotter band do it at least as often as each that is less so?"""
    bands = sorted(
        (each for each in sheet.bands if each.conversion.of), key=lambda band: band.rank
    )
    faults: list[str] = []
    doubts: list[str] = []
    for hotter, cooler in combinations(bands, 2):
        apart = difference(cooler.conversion, hotter.conversion)
        if apart.value > 0:
            words = (
                f"{cooler.band} converts {cooler.conversion.rate:.1%}, more than "
                f"{hotter.band} with {hotter.conversion.rate:.1%} (by "
                f"{interval(apart, scale=100, decimals=1)} points)"
            )
            (faults if apart.low > 0 else doubts).append(words)
    if faults:
        return Check(sheet.score_model, "bands", False, "; ".join(faults))
    says = ", ".join(f"{band.band} {band.conversion.rate:.1%}" for band in bands)
    if doubts:
        says = f"in order within chance: {'; '.join(doubts)}"
    elif len(bands) == 1:
        says += "; no other band has contacts"
    return Check(sheet.score_model, "bands", True, says)


def undecayed_check(scorer: Scorer, beside: Estimate, worse_by: float) -> Check:
    """Is a sheet as good as the points of the primary sheet that never fade?"""
    is_worse = beside.value < -worse_by and beside.high < 0
    says = (
        f"ROC AUC {interval(beside, signed=True)} beside undecayed points"
        f" (may be {worse_by:g} less)"
    )
    return Check(scorer.name, UNDECAYED, not is_worse, says)


def floor_check(scorer: Scorer, measure: str, floor: float) -> Check:
    """Is the mean of a measure at or above its floor?"""
    mean = scorer.mean(measure)
    if mean is None:
        says = f"{NAMES[measure]} is not known; the floor is {floor:g}"
        return Check(scorer.name, measure, False, says)
    says = f"{NAMES[measure]} {mean:.3f}, the floor is {floor:g}"
    return Check(scorer.name, measure, mean >= floor, says)


def interval(
    estimate: Estimate, *, scale: float = 1, decimals: int = 3, signed: bool = False
) -> str:
    """An estimate with its 95% interval in words."""
    sign = "+" if signed else ""
    value, low, high = (
        f"{round(number * scale, decimals) + 0.0:{sign}.{decimals}f}"
        for number in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value}, 95% {low} to {high}"
