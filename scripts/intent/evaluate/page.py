"""The report as one page that needs nothing else, to be read by those who sell."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from intent.errors import UnavailableError
from intent.evaluate import charts
from intent.evaluate.gate import LEAST
from intent.evaluate.gate import NAMES as MEASURE_NAMES
from intent.evaluate.model import (
    UNDECAYED,
    Band,
    Drift,
    Estimate,
    Evaluation,
    Scorer,
    Share,
    State,
)
from intent.evaluate.render import interval_words, points_words
from intent.evaluate.style import STYLE
from intent.evaluate.words import (
    BASELINE_WORDS,
    CHANGED,
    SHIFTED,
    did,
    do,
    expected_and_came,
    latest_drift,
    meaning,
    other_sheets,
    percent,
    population,
    summarise,
)

WIDE, NARROW = 720, 328
OTHERS_DRAWN = 4
"""So many other sheets are drawn beside the one that is shown; tables have all."""
INPUTS_SHOWN = 12
Cells = Sequence[str]


def write_page(evaluation: Evaluation, file: Path) -> None:
    """Write the report into a file.

    Raises:
        UnavailableError: it can't be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page(evaluation), encoding="utf-8")
    except OSError as error:
        raise UnavailableError(
            f"--html: {file} can't be written: {error.strerror}. Give another place."
        ) from error


def page(evaluation: Evaluation) -> str:
    """The whole page."""
    title = f"Does the score tell the truth? {evaluation.sheet}"
    sections = (
        answer,
        bands_section,
        reach_section,
        ranking_section,
        calibration_section,
        held_out_section,
        drift_section,
        others_section,
        gate_section,
        method_section,
    )
    body = "".join(section(evaluation) for section in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def answer(evaluation: Evaluation) -> str:
    """What the figures mean, and whether to rely on the score: the first thing read."""
    summary = summarise(evaluation)
    reasons = items(summary.reasons, "reasons")
    facts = items(summary.facts, "facts")
    return (
        f"<header><p class='kicker'>Sheet <b>{escape(evaluation.sheet)}</b></p>"
        "<h1>Does the score tell the truth?</h1>"
        f"<p class='lead'>{escape(looked_at(evaluation))}</p></header>"
        f"<section class='answer {summary.trust}'><h2>{escape(summary.title)}</h2>"
        f"{reasons}{facts}</section>"
    )


def looked_at(evaluation: Evaluation) -> str:
    """What was looked at, in a sentence."""
    first, last = evaluation.midnights[0], evaluation.midnights[-1]
    number = len(evaluation.midnights)
    when = (
        f"On {number} dates from {day(first)} to {day(last)}"
        if number > 1
        else f"On {day(first)}"
    )
    return (
        f"{when}, contacts were scored by what was known at that time. Then we looked "
        f"at who {did(evaluation.target)} in the {evaluation.horizon_days} days after: "
        f"{evaluation.contacts_with:,} of {evaluation.contacts:,} contacts, at least "
        f"once. Counted are {population(evaluation.target)}."
        f"{meaning(evaluation.target)}"
    )


def day(date: object) -> str:
    """A day as people write it: 3 Oct 2025."""
    return f"{date:%d %b %Y}".removeprefix("0")


def bands_section(evaluation: Evaluation) -> str:
    """Conversion by band."""
    verb = did(evaluation.target)
    return section(
        f"Do hotter contacts {do(evaluation.target)} more often?",
        f"Each bar is the share of a band who {verb} within "
        f"{evaluation.horizon_days} days. The thin line is how far chance may have "
        "moved it: where those of two bands don't overlap, they really differ.",
        bands_plot(evaluation.shown.bands, verb),
    )


def bands_plot(bands: Sequence[Band], verb: str) -> str:
    """Conversion by band as bars."""
    return responsive(lambda width: charts.bands_chart(bands, verb, width))


def reach_section(evaluation: Evaluation) -> str:
    """Gains and lift: whom to talk to first."""
    verb = did(evaluation.target)
    if not evaluation.contacts_with:
        return ""
    drawn, classes = drawn_scorers(evaluation)
    scorer = drawn[0]
    return section(
        "If you can only talk to some of them, whom do you reach?",
        f"Read it from below: of all who {verb}, how many were among the top 20% by "
        "score, the top 40%, and so on. The higher the line, the better; the straight "
        "line is picking by chance.",
        legend(evaluation, drawn, classes, chance="by chance")
        + responsive(lambda width: charts.gains_chart(drawn, classes, verb, width))
        + "<h3>The same by tenths</h3>"
        f"<p>How many times as often as the average contact each tenth {verb}. It "
        "should fall from left to right.</p>"
        + responsive(lambda width: charts.lift_chart(scorer.deciles, verb, width)),
    )


def ranking_section(evaluation: Evaluation) -> str:
    """Each way to rank, over time and in the mean."""
    drawn, classes = drawn_scorers(evaluation)
    plot = ""
    if any(each.values("roc_auc") for each in drawn):
        plot = legend(evaluation, drawn, classes, chance="a coin") + responsive(
            lambda width: charts.auc_chart(drawn, classes, width)
        )
    few = any(not each.has_enough for each in drawn[0].midnights)
    return section(
        "Is it better than simpler ways, and does it stay so?",
        f"Of a contact who {did(evaluation.target)} and one who did not, how often "
        "does each way put the right one first? 1.00 is always, 0.50 is a coin. This "
        "is the ROC AUC."
        + (
            f" Hollow dots are dates with under {LEAST} contacts of either kind: "
            "chance moves them much."
            if few
            else ""
        ),
        plot + scorers_table(evaluation),
    )


def scorers_table(evaluation: Evaluation) -> str:
    """All ways to rank with all measures: means over the dates."""
    header = (
        "",
        "ROC AUC",
        "beside points that never fade",
        "PR AUC",
        "top tenth, times the average",
        "caught by hot",
    )
    body = [scorer_cells(evaluation, each) for each in evaluation.scorers]
    return table(header, body) + (
        "<p class='note'>Means over the dates; ± is their spread (standard "
        "deviation), small figures are 95% intervals. The PR AUC of picking by chance "
        f"is {base_rate(evaluation):.3f}.</p>"
    )


def base_rate(evaluation: Evaluation) -> float:
    """The share of all who did it, in the mean over the dates."""
    return evaluation.scorer(evaluation.sheet).mean("base_rate") or 0.0


def scorer_cells(evaluation: Evaluation, scorer: Scorer) -> Cells:
    """A way to rank as a row of cells."""
    auc, beside = scorer.roc_auc, scorer.beside_undecayed
    return (
        scorer_name(evaluation, scorer),
        with_spread(scorer, "roc_auc", 3)
        + (f"<small>{auc.low:.3f} to {auc.high:.3f}</small>" if auc else ""),
        beside_cell(beside),
        with_spread(scorer, "pr_auc", 3),
        with_spread(scorer, "top_decile_lift", 2),
        caught_cell(scorer),
    )


def beside_cell(beside: Estimate | None) -> str:
    """A difference with its interval, or a dash."""
    if beside is None:
        return "-"
    return (
        f"{round(beside.value, 3) + 0.0:+.3f}"
        f"<small>{beside.low:+.3f} to {beside.high:+.3f}</small>"
    )


def caught_cell(scorer: Scorer) -> str:
    """Which share of conversions hot contacts made, and hot and warm ones."""
    hot = scorer.mean("share_caught_hot")
    warm = scorer.mean("share_caught_hot_or_warm")
    if hot is None or warm is None:
        return "-"
    return f"{percent(hot)}<small>{percent(warm)} with warm</small>"


def scorer_name(evaluation: Evaluation, scorer: Scorer) -> str:
    """A way to rank, with what it is."""
    name = escape(scorer.name)
    if scorer.name == evaluation.sheet:
        return f"<b>{name}</b><small>this score</small>"
    kind = scorer.status if scorer.is_sheet else BASELINE_WORDS.get(scorer.name, "")
    words = {"active": "another sheet", "draft": "a draft"}.get(kind, kind)
    return f"{name}<small>{escape(words)}</small>"


def with_spread(scorer: Scorer, measure: str, decimals: int) -> str:
    """A mean and its spread."""
    mean, spread = scorer.mean(measure), scorer.spread(measure)
    if mean is None:
        return "-"
    words = f"{mean:.{decimals}f}"
    return words if spread is None else f"{words} ± {spread:.{decimals}f}"


def share_cell(share: float | None) -> str:
    """A share, or a dash."""
    return "-" if share is None else percent(share)


def calibration_section(evaluation: Evaluation) -> str:
    """What was to be expected of each score, and what came."""
    bins, verb = evaluation.shown.bins, did(evaluation.target)
    title = "Can a score be read as a chance?"
    if not bins:
        words = "This takes two dates at least: an earlier one tells what to expect."
        return section(title, words, "")
    expected, came = expected_and_came(bins)
    off = f" ({came / expected - 1:+.0%})" if expected else ""
    return section(
        title,
        f"A ring is what contacts with such a score had done before, a dot what they "
        f"did then. Where dots are near their rings, a score can be read as a chance. "
        f"Together, {expected:,.0f} were to be expected to have {verb}, and {came:,} "
        f"did{off}.",
        "<p class='legend'><span><i class='ring-key'></i>expected by the past</span>"
        f"<span><i class='dot-key'></i>{escape(verb)}; the line is what chance may do"
        "</span>"
        "</p>" + responsive(lambda width: charts.calibration_chart(bins, verb, width)),
    )


def held_out_section(evaluation: Evaluation) -> str:
    """What acting on the score did; nothing if nobody is held out."""
    held, verb = evaluation.shown.held_out, did(evaluation.target)
    if not held:
        return ""
    everyone = held[-1]
    effect = everyone.effect
    sure = (
        "More than chance: acting on scores helps."
        if effect.low > 0
        else "Less than those held out, by more than chance: what you do may put "
        "contacts off."
        if effect.high < 0
        else "That may be chance: the interval holds 0."
    )
    body = [
        (
            escape(each.band),
            of_cell(each.others),
            of_cell(each.held_out),
            f"{100 * each.effect.value:+.1f}<small>{points_words(each.effect)}</small>",
        )
        for each in held
    ]
    header = ("", "the others", "held out", "difference in points")
    return section(
        "Does acting on it help?",
        "Some contacts are held out: they have a score, but no tool is told of it. So "
        f"the difference is what your calls, mails and ads did. All together: "
        f"{100 * effect.value:+.1f} percentage points ({points_words(effect)}). {sure} "
        "Dates before you began to hold them out show no effect.",
        responsive(lambda width: charts.held_out_chart(held, verb, width))
        + table(header, body),
    )


def of_cell(share: Share) -> str:
    """A share, and of how many."""
    if not share.of:
        return "-"
    return f"{percent(share.rate)}<small>{share.hits:,} of {share.of:,}</small>"


def drift_section(evaluation: Evaluation) -> str:
    """How far scores and inputs moved from date to date."""
    latest = latest_drift(evaluation)
    title = "Does something change underneath?"
    if not latest:
        words = "This takes two dates at least, to compare one with the one before."
        return section(title, words, "")
    subjects = list(dict.fromkeys((each.kind, each.subject) for each in latest))
    inputs = sorted(
        (each for each in subjects if each[0] != "score"),
        key=lambda each: -most_drift(evaluation, each),
    )
    shown = [each for each in subjects if each[0] == "score"] + inputs[:INPUTS_SHOWN]
    left = len(subjects) - len(shown)
    return section(
        title,
        "Each cell compares a date with the one before: 0 is as before. "
        f"<span class='key ok'>up to {SHIFTED}</span> steady, "
        f"<span class='key some'>up to {CHANGED}</span> shifted, "
        f"<span class='key much'>above</span> changed. If an input changes, ask "
        "whether the shop does (a sale, a season) or a feed is broken. If the scores "
        "change, look at this page again soon.",
        drift_table(evaluation, shown)
        + (
            f"<p class='note'>{left} more inputs moved less. The figure is the PSI; "
            "point at it for the KS distance.</p>"
            if left > 0
            else "<p class='note'>The figure is the PSI; point at it for the KS "
            "distance.</p>"
        ),
    )


def most_drift(evaluation: Evaluation, subject: tuple[str, str]) -> float:
    """How far an input moved at most."""
    return max(
        each.psi or 0.0
        for each in evaluation.drift
        if (each.kind, each.subject) == subject
    )


def drift_table(evaluation: Evaluation, subjects: Sequence[tuple[str, str]]) -> str:
    """Scores and inputs down, dates across."""
    found = {(each.kind, each.subject, each.as_of): each for each in evaluation.drift}
    days = sorted({each.as_of for each in evaluation.drift})
    header = ["", *(f"{date:%d %b}".removeprefix("0") for date in days)]
    body = [
        [
            f"{'<b>score</b> ' if kind == 'score' else ''}"
            f"{escape(subject.replace('_', ' '))}",
            *(drift_cell(found.get((kind, subject, date))) for date in days),
        ]
        for kind, subject in subjects
    ]
    return table(header, body, class_="heat")


def drift_cell(drift: Drift | None) -> str:
    """How far one moved, coloured by how far that is."""
    if drift is None or drift.psi is None:
        return "-"
    far = "ok" if drift.psi <= SHIFTED else "some" if drift.psi <= CHANGED else "much"
    ks = "" if drift.ks is None else f"KS {drift.ks:.3f}, "
    told = f"{ks}from {drift.previous_as_of} to {drift.as_of}"
    return f"<span class='key {far}' title='{escape(told)}'>{drift.psi:.2f}</span>"


def others_section(evaluation: Evaluation) -> str:
    """The bands of the other sheets."""
    verb = did(evaluation.target)
    plots = [
        f"<h3>{escape(each.score_model)} "
        f"<small>{escape(evaluation.scorer(each.score_model).status)}</small></h3>"
        + bands_plot(each.bands, verb)
        for each in other_sheets(evaluation)
        if any(band.conversion.of for band in each.bands)
    ]
    if not plots:
        return ""
    return section(
        "And the other sheets?",
        "The same bars for each other rule sheet. A draft is only tried out: nobody "
        "is treated by it yet. Each sheet may be made for another question than this "
        "one.",
        "".join(plots),
    )


def gate_section(evaluation: Evaluation) -> str:
    """What the gate asked, and what it found."""
    verdict = evaluation.verdict
    title = f"The gate: {verdict.state}"
    if verdict.state is State.ABSTAINED:
        return section(title, f"{escape(verdict.reason)}.", "")
    names = {
        "bands": "bands in order",
        UNDECAYED: "as good as points that never fade",
        **{name: f"{words} high enough" for name, words in MEASURE_NAMES.items()},
    }
    lines = "".join(
        f"<li><b class='{'yes' if each.passed else 'no'}'>"
        f"{'yes' if each.passed else 'no'}</b> <b>{escape(each.sheet)}</b>, "
        f"{escape(names.get(each.check, each.check))}"
        f"<small>{escape(each.says)}</small></li>"
        for each in verdict.checks
    )
    return section(
        title,
        "What <code>intent evaluate --gate</code> asks of each sheet in use, so that "
        "nobody is treated by a score that does not tell.",
        f"<ul class='checks'>{lines}</ul>",
    )


def method_section(evaluation: Evaluation) -> str:
    """How it was measured, and figures for those who check."""
    verb = did(evaluation.target)
    scorer = evaluation.scorer(evaluation.sheet)
    days = [
        (
            day(each.as_of),
            f"{each.contacts:,}",
            f"{each.conversions:,}",
            percent(each.base_rate),
            "-" if each.roc_auc is None else f"{each.roc_auc:.3f}",
            "-" if each.top_decile_lift is None else f"{each.top_decile_lift:.2f}",
            share_cell(each.share_caught_hot),
            share_cell(each.share_caught_hot_or_warm),
        )
        for each in scorer.midnights
    ]
    horizons = [
        (
            f"{each.days} days",
            percent(each.base_rate),
            "-" if each.roc_auc is None else f"{each.roc_auc:.3f}",
            "-" if each.top_decile_lift is None else f"{each.top_decile_lift:.2f}",
        )
        for each in evaluation.horizons
    ]
    bands = [
        (
            escape(sheet.score_model),
            escape(band.band),
            f"{band.conversion.of:,}",
            f"{band.conversion.hits:,}",
            percent(band.conversion.rate) if band.conversion.of else "-",
            interval_words(band.conversion) if band.conversion.of else "-",
        )
        for sheet in evaluation.sheets
        for band in sheet.bands
    ]
    header = ("contacts", verb, "share", "ROC AUC", "top tenth", "hot", "hot + warm")
    return section(
        "How this was measured",
        "",
        items(
            (
                "Scores know only what had happened and reached the shop before each "
                "date, by the rules of today. What came after is the outcome only.",
                "A contact is counted once per date. Intervals treat all dates of one "
                f"contact as one, since whoever {verb} once is likelier to again; "
                "those of the plot of chances count each by itself.",
                "Bands go by the scores at which they are entered.",
            ),
            "facts",
        )
        + details("Each date", table(("", *header), days))
        + details(
            "Other numbers of days",
            table(("within", "share", "ROC AUC", "top tenth"), horizons),
        )
        + details(
            "All bands",
            table(("sheet", "band", "contacts", verb, "%", "95%"), bands),
        ),
    )


def drawn_scorers(evaluation: Evaluation) -> tuple[list[Scorer], Mapping[str, str]]:
    """The ways to rank that are drawn, the shown one first, with their colours."""
    shown = evaluation.scorer(evaluation.sheet)
    others = [each for each in evaluation.scorers if each is not shown]
    sheets = [each for each in others if each.is_sheet][:OTHERS_DRAWN]
    baselines = [each for each in others if not each.is_sheet]
    classes = {shown.name: "s0"}
    classes |= {each.name: f"s{number}" for number, each in enumerate(sheets, 1)}
    classes |= {each.name: f"b{number}" for number, each in enumerate(baselines)}
    return [shown, *sheets, *baselines], classes


def legend(
    evaluation: Evaluation,
    scorers: Sequence[Scorer],
    classes: Mapping[str, str],
    chance: str,
) -> str:
    """What each line is."""
    entries = [
        (
            classes[each.name],
            f"{each.name} (this score)"
            if each.name == evaluation.sheet
            else BASELINE_WORDS.get(each.name, each.name),
        )
        for each in scorers
    ]
    return (
        "<p class='legend'>"
        + "".join(
            f"<span><svg width='26' height='10' aria-hidden='true'><line x1='0' y1='5' "
            f"x2='26' y2='5' class='line {class_}'/></svg>{escape(words)}</span>"
            for class_, words in (*entries, ("chance", chance))
        )
        + "</p>"
    )


def responsive(chart: Callable[[float], str]) -> str:
    """A plot for wide screens and one for phones, of which one is seen."""
    return (
        f"<figure class='wide'>{chart(WIDE)}</figure>"
        f"<figure class='narrow'>{chart(NARROW)}</figure>"
    )


def section(title: str, words: str, content: str) -> str:
    """A part of the page; `words` and `content` are HTML."""
    told = f"<p>{words}</p>" if words else ""
    return f"<section><h2>{escape(title)}</h2>{told}{content}</section>"


def items(lines: Iterable[str], class_: str) -> str:
    """A list; nothing of no lines."""
    told = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul class='{class_}'>{told}</ul>" if told else ""


def details(title: str, content: str) -> str:
    """What is there for those who open it."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"


def table(header: Sequence[str], body: Iterable[Cells], class_: str = "") -> str:
    """A table that is moved sideways where it is too wide; cells are HTML."""
    head = "".join(f"<th scope='col'>{each}</th>" for each in header)
    lines = "".join(
        f"<tr><th scope='row'>{cells[0]}</th>"
        + "".join(f"<td>{cell}</td>" for cell in cells[1:])
        + "</tr>"
        for cells in body
    )
    return (
        f"<div class='scroll' tabindex='0'><table class='{class_}'>"
        f"<thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )
