"""Which midnights to learn, choose and report at, and how scorers did there. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from intent.calibrate.fitting import (
    FREEST,
    Interval,
    fit,
    interval,
    learnable,
    raw_scores,
    told_apart,
    written,
)
from intent.calibrate.likelihood import Number
from intent.calibrate.model import (
    Compared,
    Floats,
    Ints,
    Kind,
    Learned,
    Sample,
    Sheet,
    Switches,
    Trial,
)
from intent.errors import BadInputError
from intent.evaluate.statistics import Placed, mean_auc, mean_difference, place

FREEDOMS = (0.1, 0.3, 1.0, 3.0)
"""How far numbers may go, from hardly to freely: all are tried."""
GOOD_ENOUGH = 0.0005
"""Of trials that are so near to the best, the one that changes least is chosen."""
LEAST = 100
"""So many contacts with and without the outcome are learned of, or nothing is."""

Values = dict[tuple[Kind, int | None, str | None], float]


@dataclass(frozen=True)
class Split:
    """Observations to learn from, to choose by, and to report on."""

    learning: Switches
    choosing: Switches
    reporting: Switches


@dataclass(frozen=True)
class Outcome:
    """What came of learning: the draft's numbers, and how they were found."""

    values: Values
    numbers: Sequence[Learned]
    learnable: Sequence[Number]
    trials: Sequence[Trial]
    freedom: float


def split(sample: Sample, horizon: int) -> Split:
    """Part observations by their midnights: a quarter each to choose and to report.

    Nothing is learned of a midnight whose outcomes reach into what is chosen by, nor
    chosen by one that reaches into what is reported on.

    Raises:
        BadInputError: there are too few midnights, or outcomes.
    """
    nights = list(sample.midnights)
    part = max(1, len(nights) // 4)
    reporting = nights[-part:]
    over = timedelta(days=horizon)
    choosing = [each for each in nights if each + over <= reporting[0]][-part:]
    learning = [each for each in nights if choosing and each + over <= choosing[0]]
    if not learning:
        raise BadInputError(
            f"{len(nights)} midnights are too few: numbers are learned at some, chosen "
            f"at later and reported on at still later ones, {horizon} days apart or "
            "more, so that no outcome is known too early. Look at more (--midnights), "
            "or load a longer history."
        )
    places = {night: at for at, night in enumerate(nights)}

    def of(wanted: Sequence[datetime]) -> Switches:
        return np.isin(sample.midnight, [places[each] for each in wanted])

    found = Split(of(learning), of(choosing), of(reporting))
    for what, rows in (
        ("learn from", found.learning),
        ("choose by", found.choosing),
        ("report on", found.reporting),
    ):
        refuse_few(sample, rows, what)
    return found


def refuse_few(sample: Sample, rows: Switches, what: str) -> None:
    """Raise BadInputError if too few contacts converted, or too few didn't."""
    converted = len(np.unique(sample.contact[rows & sample.has_converted]))
    others = len(np.unique(sample.contact[rows & ~sample.has_converted]))
    least = LEAST if what == "learn from" else 1
    if converted >= least and others >= least:
        return
    told = (
        "none"
        if not converted
        else "all"
        if not others
        else f"{converted:,} of {len(np.unique(sample.contact[rows])):,}"
    )
    raise BadInputError(
        f"there is too little to {what}: of the contacts looked at, {told} converted; "
        f"at least {least} must have, and {least} must not. Look at more midnights "
        "(--midnights), a longer --horizon, or set other activities as intent_target "
        "in dbt_project.yml."
    )


def find_draft(
    sheet: Sheet, sample: Sample, parts: Split, any_sign: bool = False
) -> Outcome:
    """Learn the numbers of a sheet; how freely is chosen at later midnights.

    Raises:
        BadInputError: no activity is frequent enough.
    """
    learning = sample.of(parts.learning)
    numbers = learnable(sheet, learning, any_sign)
    if not numbers:
        raise BadInputError(
            f"nothing can be learned: no activity of the sheet {sheet.name} was done "
            "by enough of the contacts looked at. Look at more midnights "
            "(--midnights), or load more feeds."
        )
    chosen_by = sample.of(parts.choosing)
    trials = [Trial(0.0, auc_of(chosen_by, raw_scores(sheet, chosen_by, [], {})))]
    told = told_apart(fit(sheet, learning, numbers, FREEST, keeps_mean=True))
    for freedom in FREEDOMS:
        values = written(fit(sheet, learning, told, freedom))
        raw = raw_scores(sheet, chosen_by, told, values)
        trials.append(Trial(freedom, auc_of(chosen_by, raw)))
    freedom = choose(trials)
    # What is reported on stays unseen; all before it is learned from.
    known = sample.of(parts.learning | parts.choosing)
    numbers = learnable(sheet, known, any_sign)
    free = fit(sheet, known, numbers, FREEST, keeps_mean=True)
    values = {}
    if freedom:
        values = written(fit(sheet, known, told_apart(free), freedom))
    learned = [
        told_of(sheet, number, values, interval(number, low, high))
        for number, low, high in zip(numbers, free.low, free.high, strict=True)
    ]
    return Outcome(values, learned, numbers, trials, freedom)


def key_of(number: Number) -> tuple[Kind, int | None, str | None]:
    """What tells a number from others."""
    return number.kind, number.rule, number.cap_group


def told_of(sheet: Sheet, number: Number, values: Values, found: Interval) -> Learned:
    """What was learned of a number, as it is shown."""
    rule = None if number.rule is None else sheet.rules[number.rule]
    return Learned(
        kind=number.kind,
        name=rule.activity if rule else str(number.cap_group),
        audience=rule.audience if rule else None,
        before=number.present,
        after=values.get(key_of(number), number.present),
        low=found.low,
        high=found.high,
        goes_lower=found.goes_lower,
        goes_higher=found.goes_higher,
        contacts=number.contacts,
    )


def choose(trials: Sequence[Trial]) -> float:
    """How freely: as little as is about as good as the best."""
    best = max(trial.auc for trial in trials)
    return min(trial.freedom for trial in trials if trial.auc >= best - GOOD_ENOUGH)


def placed_by_midnight(
    sample: Sample, scores: Floats
) -> tuple[list[Placed], list[Ints]]:
    """How contacts were ordered at each midnight, and whose the influences are."""
    found: list[Placed] = []
    contacts: list[Ints] = []
    for night in range(len(sample.midnights)):
        rows = sample.midnight == night
        # Differences of rounding are none: the engine rounds scores, too.
        placed = place(np.round(scores[rows], 9), sample.has_converted[rows])
        if placed is not None:
            found.append(placed)
            contacts.append(sample.contact[rows])
    return found, contacts


def auc_of(sample: Sample, scores: Floats) -> float:
    """The mean ROC AUC over the midnights."""
    placed, _ = placed_by_midnight(sample, scores)
    return float(np.mean([each.auc for each in placed]))


def compare(
    sample: Sample, draft: Floats, others: Mapping[tuple[str, str], Floats], name: str
) -> list[Compared]:
    """How a draft and others did at the midnights of a sample.

    Args:
        sample: the observations.
        draft: what the draft scores them.
        others: what other scorers do, by name and kind.
        name: of the draft.
    """
    placed, contacts = placed_by_midnight(sample, draft)
    compared: list[Compared] = []
    for (scorer, kind), scores in {(name, "draft"): draft, **others}.items():
        other, _ = placed_by_midnight(sample, scores)
        auc = mean_auc(other, contacts)
        ahead = mean_difference(placed, other, contacts)
        if auc is not None:
            compared.append(
                Compared(scorer, kind, auc, None if kind == "draft" else ahead)
            )
    return compared
