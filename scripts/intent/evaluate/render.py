"""Prints an evaluation as a person would want to read it, 80 columns wide."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from intent.evaluate.model import (
    UNDECAYED,
    Drift,
    Estimate,
    Evaluation,
    Scorer,
    Share,
    Sheet,
    State,
)
from intent.evaluate.words import (
    SHIFTED,
    Trust,
    did,
    latest_drift,
    meaning,
    percent,
    population,
    summarise,
)
from intent.explain.render import grid
from intent.report import SEGMENT_COLOURS

RATE_BAR = 24
INPUTS_SHOWN = 8
TRUST_COLOURS = {
    Trust.GOOD: "green",
    Trust.CARE: "yellow",
    Trust.BAD: "red",
    Trust.UNKNOWN: "yellow",
}
DECIMALS = {"roc_auc": 3, "pr_auc": 3, "top_decile_lift": 2}


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Print what scores told, and whether they can be relied on."""
    summary = summarise(evaluation)
    colour = TRUST_COLOURS[summary.trust]
    console.print(Text(f"Sheet {evaluation.sheet}: {summary.title}", f"bold {colour}"))
    for reason in summary.reasons:
        console.print(Text(reason, style=colour))
    for fact in summary.facts:
        console.print(Text(fact))
    console.print(Text(f"\n{measured_words(evaluation)}", style="dim"))
    for table in tables(evaluation):
        console.print()
        console.print(table)
    console.print()
    for line in gate_lines(evaluation):
        console.print(line)


def measured_words(evaluation: Evaluation) -> str:
    """What was looked at."""
    first, last = evaluation.midnights[0], evaluation.midnights[-1]
    number = len(evaluation.midnights)
    midnights = f"{number} midnights from {first} to {last}" if number > 1 else first
    return (
        f"At {midnights}: {evaluation.contacts:,} contacts "
        f"({population(evaluation.target)}), of whom {evaluation.contacts_with:,} "
        f"{did(evaluation.target)} within {evaluation.horizon_days} days of one."
        f"{meaning(evaluation.target)}"
    )


def tables(evaluation: Evaluation) -> Iterator[Table]:
    """All tables, in the order in which they are of interest."""
    yield scorers_table(evaluation)
    yield bands_table(evaluation)
    if evaluation.shown.bins:
        yield calibration_table(evaluation.shown)
    if held := [each for each in evaluation.sheets if each.held_out]:
        yield held_out_table(held)
    if drifted := latest_drift(evaluation):
        yield drift_table(drifted)


def scorers_table(evaluation: Evaluation) -> Table:
    """How well each scorer ranks: means over the midnights, and their spread."""
    table = grid()
    table.add_column("mean ± spread", no_wrap=True)
    for title in ("ROC AUC", "PR AUC", "top tenth", "hot", "hot+warm"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("- undecayed", justify="right", no_wrap=True)
    for scorer in evaluation.scorers:
        table.add_row(
            Text(scorer.name, style="" if scorer.is_sheet else "dim"),
            *(spread_words(scorer, measure) for measure in DECIMALS),
            share_words(scorer.mean("share_caught_hot")),
            share_words(scorer.mean("share_caught_hot_or_warm")),
            beside_words(scorer),
            style="bold" if scorer.name == evaluation.sheet else "",
        )
    return table


def spread_words(scorer: Scorer, measure: str) -> str:
    """A mean and its spread."""
    mean, spread = scorer.mean(measure), scorer.spread(measure)
    if mean is None:
        return "-"
    words = f"{mean:.{DECIMALS[measure]}f}"
    return words if spread is None else f"{words} ±{spread:.2f}"


def share_words(share: float | None) -> str:
    """A share, or a dash."""
    return "-" if share is None else percent(share)


def beside_words(scorer: Scorer) -> Text:
    """By how much a scorer is better than the undecayed baseline; sure or not."""
    beside = scorer.beside_undecayed
    if beside is None:
        return Text("-" if scorer.name != UNDECAYED else "")
    colour = "green" if beside.low > 0 else "red" if beside.high < 0 else ""
    return Text(f"{round(beside.value, 3) + 0.0:+.3f}", style=colour)


def bands_table(evaluation: Evaluation) -> Table:
    """Conversion by band of each sheet, over all midnights together."""
    table = grid()
    table.add_column("sheet", no_wrap=True)
    table.add_column("band", no_wrap=True)
    table.add_column("contacts", justify="right", no_wrap=True)
    table.add_column(did(evaluation.target), justify="right")
    table.add_column("95%", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    rates = (b.conversion.rate for each in evaluation.sheets for b in each.bands)
    most = max(*rates, 1e-9)
    for sheet in evaluation.sheets:
        for number, band in enumerate(sheet.bands):
            share, colour = band.conversion, SEGMENT_COLOURS.get(band.band, "dim")
            table.add_row(
                "" if number else sheet.score_model,
                Text(band.band, style=colour),
                f"{share.of:,}",
                share_words(share.rate) if share.of else "-",
                interval_words(share) if share.of else "",
                Text("█" * round(RATE_BAR * share.rate / most), style=colour),
            )
    return table


def interval_words(share: Share) -> str:
    """The interval of a share in percent."""
    return f"{100 * share.low:.1f} to {100 * share.high:.1f}"


def calibration_table(sheet: Sheet) -> Table:
    """What was to be expected of each score, and what came."""
    table = grid()
    table.add_column(f"{sheet.score_model}: score about", no_wrap=True)
    for title in ("contacts", "expected", "came", "95%"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in sheet.bins:
        is_off = not each.conversion.low <= each.expected_rate <= each.conversion.high
        table.add_row(
            f"{each.mean_score:.1f}",
            f"{each.conversion.of:,}",
            percent(each.expected_rate),
            Text(percent(each.conversion.rate), style="yellow" if is_off else ""),
            interval_words(each.conversion),
        )
    return table


def held_out_table(sheets: list[Sheet]) -> Table:
    """Those held out beside the others: what acting on scores did."""
    table = grid()
    table.add_column("sheet", no_wrap=True)
    table.add_column("band", no_wrap=True)
    for title in ("held out", "the others", "difference", "95%"):
        table.add_column(title, justify="right", no_wrap=True)
    for sheet in sheets:
        for number, each in enumerate(sheet.held_out):
            table.add_row(
                "" if number else sheet.score_model,
                Text(each.band, style=SEGMENT_COLOURS.get(each.band, "")),
                of_words(each.held_out),
                of_words(each.others),
                f"{100 * each.effect.value:+.1f}",
                points_words(each.effect),
            )
    return table


def of_words(share: Share) -> str:
    """A share, and of how many."""
    return f"{percent(share.rate)} of {share.of:,}" if share.of else "-"


def points_words(estimate: Estimate) -> str:
    """The interval of a difference in percentage points."""
    return f"{100 * estimate.low:+.1f} to {100 * estimate.high:+.1f}"


def drift_table(drifted: list[Drift]) -> Table:
    """How far scores, and the inputs that moved most, are from a period ago."""
    table = grid()
    table.add_column("moved since the midnight before", no_wrap=True)
    table.add_column("PSI", justify="right", no_wrap=True)
    table.add_column("KS", justify="right", no_wrap=True)
    scores = [each for each in drifted if each.kind == "score"]
    inputs = [each for each in drifted if each.kind != "score"]
    for each in (*scores, *inputs[:INPUTS_SHOWN]):
        table.add_row(
            f"{'sheet ' if each.kind == 'score' else ''}{each.subject}",
            Text(
                "-" if each.psi is None else f"{each.psi:.3f}",
                style="yellow" if (each.psi or 0) > SHIFTED else "",
            ),
            "-" if each.ks is None else f"{each.ks:.3f}",
        )
    if left := inputs[INPUTS_SHOWN:]:
        table.add_row(f"{len(left)} more inputs, moved less", "", "", style="dim")
    return table


def gate_lines(evaluation: Evaluation) -> Iterator[Text]:
    """What the gate says, and of what."""
    verdict = evaluation.verdict
    if verdict.state is State.ABSTAINED:
        yield Text(f"The gate abstains: {verdict.reason}.", style="yellow")
        return
    passed = verdict.state is State.PASSED
    yield Text(
        f"The gate is {'' if passed else 'not '}passed.",
        style=f"bold {'green' if passed else 'red'}",
    )
    for each in verdict.checks:
        yield Text.assemble(
            ("yes " if each.passed else "no  ", "green" if each.passed else "red"),
            f"{each.sheet}, {each.check}: {each.says}",
        )
