"""What the figures mean, in words for those who work with the contacts."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from intent.evaluate.gate import LEAST
from intent.evaluate.model import (
    UNDECAYED,
    Band,
    Bin,
    Drift,
    Evaluation,
    Share,
    Sheet,
    State,
    Target,
)
from intent.evaluate.statistics import difference

BASELINE_WORDS = {
    "recency": "who was here last",
    UNDECAYED: "points that never fade",
    "rfm": "recency, frequency and value",
}
SIMILAR = 0.01
"""ROC AUCs this close are called alike."""
SHIFTED, CHANGED = 0.1, 0.25
"""From which PSI on a distribution is called shifted, and changed."""
OFF = 0.25
"""By how much more or fewer conversions than expected are called off."""


class Trust(StrEnum):
    """How far the shown sheet can be relied on."""

    GOOD = "good"
    CARE = "care"
    BAD = "bad"
    UNKNOWN = "unknown"


TITLES = {
    Trust.GOOD: "You can rely on this score.",
    Trust.CARE: "Useful, with care.",
    Trust.BAD: "Don't rely on this score yet.",
    Trust.UNKNOWN: "Too early to tell.",
}


@dataclass(frozen=True)
class Summary:
    """The first thing to read: may the score be relied on, and why."""

    trust: Trust
    reasons: Sequence[str]
    """What speaks against it; nothing if nothing does."""
    facts: Sequence[str]
    """What happened, in plain words."""

    @property
    def title(self) -> str:
        """The answer in a sentence."""
        return TITLES[self.trust]


def summarise(evaluation: Evaluation) -> Summary:
    """Say what an evaluation means for the sheet that is shown first."""
    facts = list(facts_of(evaluation)) if evaluation.contacts_with else []
    verdict = evaluation.verdict
    if verdict.state is State.ABSTAINED:
        reason = (
            f"{count(evaluation.contacts_with, 'contact')} "
            f"{did(evaluation.target)} within {evaluation.horizon_days} days of the "
            f"dates looked at, and {evaluation.contacts_without:,} did not. Under "
            f"{LEAST} of each, chance decides more than the score does."
        )
        return Summary(Trust.UNKNOWN, [reason], facts)
    failed = {
        each.check: each.says
        for each in verdict.failures
        if each.sheet == evaluation.sheet
    }
    failures = [failure_words(evaluation, *each) for each in failed.items()]
    doubts = list(doubts_of(evaluation, failed))
    trust = Trust.BAD if failures else Trust.CARE if doubts else Trust.GOOD
    return Summary(trust, [*failures, *doubts], facts)


def failure_words(evaluation: Evaluation, check: str, says: str) -> str:
    """A check that was not passed, in plain words; the gate's own are more precise."""
    if check == "bands":
        rates = [
            f"{percent(each.conversion.rate)} of {each.band} contacts"
            for each in present(evaluation.shown.bands)
        ]
        verb = did(evaluation.target)
        return f"The bands are not in order: {listed(rates)} {verb}."
    if check == UNDECAYED:
        return (
            "Adding up points that never fade would rank contacts better than this "
            "score does, and by more than chance."
        )
    return f"It is under the floor that the project sets: {says}."


def facts_of(evaluation: Evaluation) -> Iterator[str]:
    """What happened, in plain words."""
    target, days = evaluation.target, evaluation.horizon_days
    bands = present(evaluation.shown.bands)
    rates = [
        f"{per_hundred(each.conversion.rate)} of 100 {each.band} "
        f"{'ones' if number else 'contacts'}"
        for number, each in enumerate(bands)
    ]
    yield f"Within {days} days {listed(rates)} {did(target)}."
    if caught := caught_words(evaluation):
        yield caught
    scorer = evaluation.scorer(evaluation.sheet)
    if scorer.roc_auc is not None:
        yield pairs_words(evaluation, scorer.roc_auc.value)
    lift = scorer.mean("top_decile_lift")
    if lift is not None:
        yield (
            f"The tenth of contacts with the highest scores {did(target)} {lift:.1f} "
            "times as often as the average contact."
        )


def caught_words(evaluation: Evaluation) -> str:
    """How many of those who did it were hot, or warm, before."""
    bands = evaluation.shown.bands
    hot = [each.conversion for each in bands if each.band == "hot"]
    warm = [each.conversion for each in bands if each.band in ("hot", "warm")]
    everyone = [each.conversion for each in bands]
    if not hot or len(warm) < 2:
        return ""
    size, caught = part_of(hot, everyone)
    size_warm, caught_warm = part_of(warm, everyone)
    return (
        f"The {size} of contacts who were hot made up {caught} of those who then "
        f"{did(evaluation.target)}. Hot and warm together, {size_warm} of contacts, "
        f"made up {caught_warm}."
    )


def part_of(some: Sequence[Share], everyone: Sequence[Share]) -> tuple[str, str]:
    """Which part of all contacts, and of all conversions, some are."""
    contacts = sum(each.of for each in everyone) or 1
    conversions = sum(each.hits for each in everyone) or 1
    return (
        percent(sum(each.of for each in some) / contacts),
        percent(sum(each.hits for each in some) / conversions),
    )


def pairs_words(evaluation: Evaluation, auc: float) -> str:
    """What the ROC AUC means, beside the baselines'."""
    others = [
        f"{words} in {100 * each.roc_auc.value:.0f}"
        for each in evaluation.scorers
        if (words := BASELINE_WORDS.get(each.name)) and each.roc_auc is not None
    ]
    beside = f", going by {listed(others)}" if others else ""
    return (
        f"Take one contact who {did(evaluation.target)} and one who did not: in "
        f"{100 * auc:.0f} of 100 such pairs the score was higher for the one who did. "
        f"Tossing a coin would be right in 50{beside}."
    )


def doubts_of(evaluation: Evaluation, failed: Collection[str]) -> Iterator[str]:
    """What speaks for care, beside the checks that failed."""
    if "bands" not in failed:
        yield from band_doubts(present(evaluation.shown.bands), do(evaluation.target))
    yield from baseline_doubts(evaluation, failed)
    yield from calibration_doubts(evaluation)
    yield from drift_doubts(evaluation)


def band_doubts(bands: Sequence[Band], verb: str) -> Iterator[str]:
    """Bands that are not told apart by more than chance, or that nobody is in."""
    if len(bands) < 2:
        yield "All contacts are in one band, so the bands tell nobody apart."
    for hotter, cooler in pairwise(bands):
        if difference(hotter.conversion, cooler.conversion).low <= 0:
            yield (
                f"That {hotter.band} contacts {verb} more often than {cooler.band} "
                f"ones is not sure: {percent(hotter.conversion.rate)} of "
                f"{hotter.conversion.of:,} beside {percent(cooler.conversion.rate)} of "
                f"{cooler.conversion.of:,} can be chance."
            )


def baseline_doubts(evaluation: Evaluation, failed: Collection[str]) -> Iterator[str]:
    """Simple ways that rank contacts better."""
    own = evaluation.scorer(evaluation.sheet).roc_auc
    if own is None:
        return
    better = [
        f"{BASELINE_WORDS.get(each.name, each.name)} ({each.roc_auc.value:.2f})"
        for each in evaluation.scorers
        if each.kind == "baseline"
        and each.name not in failed
        and each.roc_auc is not None
        and each.roc_auc.value - own.value > SIMILAR
    ]
    if better:
        yield (
            f"Going by {listed(better)} ranks contacts better than this score "
            f"({own.value:.2f})."
        )


def calibration_doubts(evaluation: Evaluation) -> Iterator[str]:
    """More or fewer conversions than the past let expect."""
    expected, came = expected_and_came(evaluation.shown.bins)
    if expected and abs(came / expected - 1) > OFF:
        yield (
            f"By what each score led to before, {expected:,.0f} conversions were to be "
            f"expected, and {came:,} came. The order may be right, the size of the "
            "chances is not."
        )


def expected_and_came(bins: Sequence[Bin]) -> tuple[float, int]:
    """How many conversions were to be expected, and how many came."""
    expected = sum(each.conversion.of * each.expected_rate for each in bins)
    return expected, sum(each.conversion.hits for each in bins)


def drift_doubts(evaluation: Evaluation) -> Iterator[str]:
    """Scores that are spread otherwise than a period ago."""
    for each in latest_drift(evaluation):
        if each.subject == evaluation.sheet and (each.psi or 0) > CHANGED:
            yield (
                f"The scores changed as a whole between {each.previous_as_of} and "
                f"{each.as_of} (PSI {each.psi:.2f}): what held before may hold no more."
            )


def latest_drift(evaluation: Evaluation) -> list[Drift]:
    """The drift up to the last midnight, scores first, then what moved most."""
    found = [
        each for each in evaluation.drift if each.as_of == evaluation.midnights[-1]
    ]
    return sorted(
        found, key=lambda each: (each.kind != "score", -(each.psi or 0), each.subject)
    )


def present(bands: Sequence[Band]) -> list[Band]:
    """The bands that somebody was in, the hottest first."""
    found = (each for each in bands if each.conversion.of)
    return sorted(found, key=lambda each: each.rank)


def did(target: Target) -> str:
    """What contacts did, as a verb in the past."""
    return "bought" if is_purchase(target) else "converted"


def do(target: Target) -> str:
    """The same in the present."""
    return "buy" if is_purchase(target) else "convert"


def meaning(target: Target) -> str:
    """What the verb stands for, where it does not say so itself."""
    if is_purchase(target):
        return ""
    names = " or ".join(name.replace("_", " ") for name in target.activities)
    return f" To convert means: {names}."


def is_purchase(target: Target) -> bool:
    """Whether it is all about buying."""
    return list(target.activities) == ["purchase"]


def population(target: Target) -> str:
    """Which contacts are looked at."""
    if target.active_days is None:
        return "all known contacts"
    return f"contacts who did something in the {target.active_days} days before"


def percent(share: float) -> str:
    """A share in few digits: 48%, 4.8%, 0.48%, under 0.01%."""
    if 0 < share < 0.0001:
        return "under 0.01%"
    decimals = 0 if share >= 0.0995 or share == 0 else 1 if share >= 0.01 else 2
    return f"{share:.{decimals}%}"


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence: one, two and three."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def per_hundred(rate: float) -> str:
    """Of a hundred how many: 49, 4.9, 0.49."""
    return percent(rate).removesuffix("%")


def count(number: int, noun: str) -> str:
    """So many of something."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def other_sheets(evaluation: Evaluation) -> list[Sheet]:
    """The sheets that are not shown first."""
    return [each for each in evaluation.sheets if each.score_model != evaluation.sheet]
