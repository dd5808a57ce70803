"""What the rule sheets must obey beyond single cells. One small function each. Pure."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from difflib import get_close_matches
from itertools import pairwise

from intent.rules.parsing import parse_table
from intent.rules.sheets import (
    ACTIVITY_RULES,
    DERIVED_SIGNALS,
    EVENT_NAMES,
    FEED_PREFERENCES,
    MACHINE_AGENTS,
    SCORE_BANDS,
    SCORE_MODELS,
    SHEETS,
)
from intent.rules.tables import Fault, Reading, Row, Table, Tables, all_faults, shown

FEW = 8
ALIKE = 0.5
FALLS = ("order_value_fallen", "purchase_quickened")
SIGNALS_BY_PARAMETER = {
    "least_change": (*FALLS, "order_value_risen", "purchase_slowed"),
    "most_variation": ("purchase_due",),
    "lapses_after": ("purchase_due",),
}
BANDS = SCORE_BANDS.column("band").choices

Check = Callable[[Tables], Iterator[Fault]]


def understand(reading: Reading) -> dict[str, Table]:
    """Return the sheets of a reading as far as their cells can be understood."""
    return {name: parse_table(raw) for name, raw in reading.tables.items()}


def find_faults(reading: Reading, tables: Tables) -> list[Fault]:
    """Return everything that is wrong with a reading, in reading order."""
    whole = [fault for check in CHECKS for fault in check(tables)]
    return sorted(
        [*reading.faults, *all_faults(tables.values()), *whole], key=Fault.order
    )


def check_unique(tables: Tables) -> Iterator[Fault]:
    """No two rows of a sheet share their key."""
    for sheet in SHEETS:
        table = tables[sheet.name]
        yield from _repeats(
            table,
            sheet.key,
            f"one row for each {' and '.join(sheet.key)}",
        )


def check_preference_unique(tables: Tables) -> Iterator[Fault]:
    """No two feeds are believed equally."""
    yield from _repeats(
        tables[FEED_PREFERENCES.name], ("preference",), "a number of its own"
    )


def check_references(tables: Tables) -> Iterator[Fault]:
    """What a row names exists."""
    for sheet in SHEETS:
        for column in sheet.columns:
            if column.refers_to is None:
                continue
            target, target_column = column.refers_to
            if not tables[target].is_readable:
                continue  # else every row would be called wrong
            known = tables[target].texts(target_column)
            for row in tables[sheet.name].rows:
                value = row.values.get(column.name)
                if value is not None and value not in known:
                    yield _fault(
                        tables[sheet.name],
                        row,
                        column.name,
                        f"is no {target_column} of the sheet {target}",
                        column.allowed + _suggestion(str(value), known),
                    )


def check_primary(tables: Tables) -> Iterator[Fault]:
    """Exactly one score is primary, and it is active."""
    table = tables[SCORE_MODELS.name]
    if not table.is_readable:
        return
    primary = [row for row in table.rows if row.values.get("is_primary") is True]
    allowed = "true for exactly one score, which is active"
    if not primary and not _has_bad_cell(table, "is_primary"):
        yield Fault(
            table.sheet.name, None, "is_primary", "", "is true for no score", allowed
        )
    for row in primary[1:]:
        yield _fault(
            table,
            row,
            "is_primary",
            f"is true a second time: the first is in row {primary[0].number}",
            allowed,
        )
    for row in primary[:1]:
        if row.values.get("status", "active") != "active":
            yield _fault(table, row, "status", "is the primary score's", "active")


def check_discharge(tables: Tables) -> Iterator[Fault]:
    """What settles an activity is another one, which nothing settles in turn.

    So there are no rings either.
    """
    table = tables[ACTIVITY_RULES.name]
    settled_by = {
        (row.texts["score_model"], row.texts["activity"]): row.texts["discharged_by"]
        for row in table.rows
        if row.texts["discharged_by"]
    }
    for row in table.rows:
        settler = row.texts["discharged_by"]
        in_turn = settled_by.get((row.texts["score_model"], settler))
        if not settler or (settler != row.texts["activity"] and not in_turn):
            continue
        yield _fault(
            table,
            row,
            "discharged_by",
            "is the activity itself"
            if settler == row.texts["activity"]
            else f"is itself discharged by {in_turn}",
            "another activity, which nothing discharges in turn, or blank",
        )


def check_all_bands(tables: Tables) -> Iterator[Fault]:
    """Every score that isn't archived has the bands hot, warm and cold."""
    models, bands = tables[SCORE_MODELS.name], tables[SCORE_BANDS.name]
    if not (models.is_readable and bands.is_readable):
        return
    if _has_bad_cell(bands, "band"):
        return  # the misspelt band would be called missing as well
    for row in models.rows:
        if row.values.get("status") == "archived":
            continue
        model = row.texts["score_model"]
        there = {
            band.texts["band"]
            for band in bands.rows
            if band.texts["score_model"] == model
        }
        for band in BANDS:
            if band not in there:
                yield Fault(
                    bands.sheet.name,
                    None,
                    "band",
                    model,
                    f"has no row {band}",
                    f"the rows {', '.join(BANDS)} for each score",
                )


def check_band_exits(tables: Tables) -> Iterator[Fault]:
    """A band isn't left above the score at which it is entered."""
    table = tables[SCORE_BANDS.name]
    for row in table.rows:
        enter_at, exit_below = _number(row, "enter_at"), _number(row, "exit_below")
        if enter_at is not None and exit_below is not None and exit_below > enter_at:
            yield _fault(
                table,
                row,
                "exit_below",
                f"is over the row's enter_at, {enter_at}",
                f"a number from 0 to {enter_at}",
            )


def check_cold_from_zero(tables: Tables) -> Iterator[Fault]:
    """Every score, down to 0, is in a band."""
    table = tables[SCORE_BANDS.name]
    for row in table.rows:
        if row.texts["band"] == "cold" and _number(row, "enter_at") not in (None, 0):
            yield _fault(
                table,
                row,
                "enter_at",
                "is not 0: low scores would be in no band",
                "0 for cold",
            )


def check_band_ranks(tables: Tables) -> Iterator[Fault]:
    """A score's bands have ranks of their own, the hottest first."""
    table = tables[SCORE_BANDS.name]
    yield from _repeats(table, ("score_model", "rank"), "a number of its own")
    for hotter, colder in _neighbours(table):
        if _is_under(colder, "rank", hotter, "rank"):
            yield _fault(
                table,
                colder,
                "rank",
                f"ranks {colder.texts['band']} before {hotter.texts['band']}",
                "1 for hot, 2 for warm, 3 for cold",
            )


def check_band_edges(tables: Tables) -> Iterator[Fault]:
    """Bands don't overlap, and falling out of one leads into the next.

    If warm were entered above hot's exit, a contact that cools down would drop past
    warm to cold.
    """
    table = tables[SCORE_BANDS.name]
    for hotter, colder in _neighbours(table):
        name, next_name = hotter.texts["band"], colder.texts["band"]
        enter_at, next_enter_at = (
            _number(hotter, "enter_at"),
            _number(colder, "enter_at"),
        )
        if enter_at is None or next_enter_at is None:
            continue
        if next_enter_at >= enter_at:
            yield _fault(
                table,
                colder,
                "enter_at",
                f"is not under the {enter_at} at which {name} is entered",
                f"a number under {enter_at}",
            )
        elif _is_under(hotter, "exit_below", colder, "enter_at"):
            yield _fault(
                table,
                hotter,
                "exit_below",
                f"is under the {next_enter_at} at which {next_name} is entered, so "
                f"who leaves {name} would skip {next_name}",
                f"a number from {next_enter_at} to {enter_at}",
            )


def check_patterns(tables: Tables) -> Iterator[Fault]:
    """Patterns can match: they are held against names in small letters."""
    table = tables[MACHINE_AGENTS.name]
    for row in table.rows:
        pattern = row.texts["pattern"]
        if pattern != pattern.lower():
            yield _fault(
                table,
                row,
                "pattern",
                "has capitals, and so would never match",
                shown(pattern.lower()),
            )


def check_signal_parameters(tables: Tables) -> Iterator[Fault]:
    """A derived signal has the numbers that it needs, and no others."""
    table = tables[DERIVED_SIGNALS.name]
    for row in table.rows:
        signal = row.values.get("activity")
        if signal is None:
            continue
        for parameter, signals in SIGNALS_BY_PARAMETER.items():
            text = row.texts[parameter]
            allowed = table.sheet.column(parameter).allowed
            if signal in signals and text == "":
                yield _fault(table, row, parameter, f"is blank for {signal}", allowed)
            if signal not in signals and text != "":
                yield _fault(
                    table, row, parameter, f"says nothing about {signal}", "a blank"
                )
        change = _number(row, "least_change")
        if signal in FALLS and change is not None and change >= 1:
            yield _fault(
                table, row, "least_change", "is a fall by all of it", "a share under 1"
            )


def check_event_details(tables: Tables) -> Iterator[Fault]:
    """Details can match: they are held against details in small letters."""
    table = tables[EVENT_NAMES.name]
    names = {(row.texts["feed"], row.texts["event_name"]) for row in table.rows}
    for row in table.rows:
        name, colon, detail = row.texts["event_name"].partition(": ")
        if (row.texts["feed"], name) in names and detail != detail.lower():
            yield _fault(
                table,
                row,
                "event_name",
                "has capitals after the colon, and so would never match",
                shown(name + colon + detail.lower()),
            )


CHECKS: tuple[Check, ...] = (
    check_unique,
    check_preference_unique,
    check_references,
    check_primary,
    check_discharge,
    check_all_bands,
    check_band_exits,
    check_cold_from_zero,
    check_band_ranks,
    check_band_edges,
    check_patterns,
    check_signal_parameters,
    check_event_details,
)


def _fault(table: Table, row: Row, column: str, wrong: str, allowed: str) -> Fault:
    return Fault(
        table.sheet.name, row.number, column, shown(row.texts[column]), wrong, allowed
    )


def _has_bad_cell(table: Table, column: str) -> bool:
    return any(column not in row.values for row in table.rows)


def _number(row: Row, column: str) -> Decimal | None:
    value = row.values.get(column)
    return value if isinstance(value, Decimal) else None


def _is_under(row: Row, column: str, other: Row, other_column: str) -> bool:
    number, other_number = _number(row, column), _number(other, other_column)
    return number is not None and other_number is not None and number < other_number


def _repeats(table: Table, key: tuple[str, ...], allowed: str) -> Iterator[Fault]:
    first_row: dict[tuple[object, ...], int] = {}
    for row in table.rows:
        values = tuple(row.values.get(column) for column in key)
        if None in values:
            continue  # already called blank or wrong
        if values in first_row:
            yield _fault(
                table,
                row,
                key[-1],
                f"stands twice: already in row {first_row[values]}",
                allowed,
            )
        else:
            first_row[values] = row.number


def _neighbours(table: Table) -> Iterator[tuple[Row, Row]]:
    """Yield each score's bands in pairs: the hotter, the next colder."""
    bands = {(row.texts["score_model"], row.texts["band"]): row for row in table.rows}
    for model in dict.fromkeys(row.texts["score_model"] for row in table.rows):
        for hotter, colder in pairwise(BANDS):
            if (model, hotter) in bands and (model, colder) in bands:
                yield bands[model, hotter], bands[model, colder]


def _suggestion(value: str, known: set[str]) -> str:
    """Return the few names there are, or of many those that are alike."""
    names = sorted(known - {""})
    if len(names) > FEW:
        names = get_close_matches(value, names, cutoff=ALIKE)
    return f"; perhaps {', '.join(names)}" if names else ""
