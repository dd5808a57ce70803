"""What the rule sheets must obey beyond single cells. One small function each. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from difflib import get_close_matches
from itertools import combinations, pairwise

from intent.rules.conditions import (
    OPERATORS,
    Condition,
    exclude_each_other,
    parse_condition,
)
from intent.rules.parsing import CellError, parse_table
from intent.rules.sheets import (
    ACTIVITY_RULES,
    ATTRIBUTES,
    AUDIENCES,
    BUYING_STAGES,
    DERIVED_SIGNALS,
    EVENT_NAMES,
    FEED_EXPECTATIONS,
    FEED_PREFERENCES,
    FIT_GRADES,
    FIT_RULES,
    HYGIENE_RULES,
    IDENTITY_LIMITS,
    SCORE_BANDS,
    SCORE_MODELS,
    SHEETS,
    words,
)
from intent.rules.tables import Fault, Reading, Row, Table, Tables, all_faults, shown

FEW = 8
ALIKE = 0.5
FALLS = ("order_value_fallen", "purchase_quickened")
RHYTHMS = ("purchase_due", "purchase_expected")
SIGNALS_BY_PARAMETER = {
    "least_change": (*FALLS, "order_value_risen", "purchase_slowed"),
    "most_variation": RHYTHMS,
    "lapses_after": RHYTHMS,
    "days_ahead": ("purchase_expected",),
}
BANDS = SCORE_BANDS.column("band").choices
GRADES = FIT_GRADES.column("fit_grade").choices
STAGES = BUYING_STAGES.column("buying_stage").choices
MOST_AUDIENCES = 60
"""As many can rules be for: a contact's audiences are bits of one whole number."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
READ_BY = {
    "pattern": ("user_agent", "email"),
    "least_count": ("burst", "after_delivery"),
    "within_seconds": ("burst", "after_delivery"),
}
"""The columns of hygiene rules that only some methods read."""

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
            f"one row for each {words(sheet.key)}",
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


def check_hygiene_cells(tables: Tables) -> Iterator[Fault]:
    """A hygiene rule says what its method reads, and nothing else."""
    table = tables[HYGIENE_RULES.name]
    for row in table.rows:
        method = row.values.get("method")
        for column, methods in READ_BY.items():
            if method in methods and not row.texts[column]:
                wrong, allowed = f"is blank, but {method} reads it", "a value"
                yield _fault(table, row, column, wrong, allowed)
            elif method not in (None, *methods) and row.texts[column]:
                wrong, allowed = f"is not read by {method}", "a blank cell"
                yield _fault(table, row, column, wrong, allowed)
        if method == "burst" and _number(row, "least_count") == 1:
            yield _fault(
                table, row, "least_count", "would be all there is", "2 or more"
            )


def check_patterns(tables: Tables) -> Iterator[Fault]:
    """Patterns can match something, but not all; they see small letters."""
    table = tables[HYGIENE_RULES.name]
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
        elif "\\" in pattern:
            yield _fault(
                table,
                row,
                "pattern",
                "has a backslash, which databases read differently",
                "_ in its place",
            )
        elif pattern and not pattern.strip("%_"):
            yield _fault(
                table, row, "pattern", "would match everything", "part of a name"
            )


def check_silences(tables: Tables) -> Iterator[Fault]:
    """A table is late before it is silent, and rests on days that there are."""
    table = tables[FEED_EXPECTATIONS.name]
    for row in table.rows:
        late, silent = row.texts["late_after_hours"], row.texts["silent_after_hours"]
        if bool(late) != bool(silent):
            yield _fault(
                table,
                row,
                "silent_after_hours",
                "stands without the other" if silent else "is blank",
                "late_after_hours and silent_after_hours together, or neither",
            )
        elif _is_under(row, "silent_after_hours", row, "late_after_hours"):
            yield _fault(
                table,
                row,
                "silent_after_hours",
                f"is under the row's late_after_hours, {late}",
                f"a number, {late} or more",
            )
        days = row.texts["quiet_weekdays"]
        if days and not set(days.split(" ")) <= set(WEEKDAYS):
            yield _fault(
                table,
                row,
                "quiet_weekdays",
                "names no weekdays",
                f"some of {' '.join(WEEKDAYS)}, with one blank between",
            )


def check_linked_kinds(tables: Tables) -> Iterator[Fault]:
    """People are told apart by another kind: no row names two of one kind."""
    table = tables[IDENTITY_LIMITS.name]
    for row in table.rows:
        if row.texts["linked_kind"] == row.texts["identifier_kind"] != "":
            yield _fault(
                table,
                row,
                "linked_kind",
                "is the identifier_kind itself",
                "another kind of identifier",
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


def check_conditions(tables: Tables) -> Iterator[Fault]:
    """A condition's operator and value are such as its attribute can be held against.

    Only numbers are near to a range, so only they can be soft.
    """
    for sheet in (AUDIENCES, FIT_RULES):
        table = tables[sheet.name]
        for row, kind in _conditions(tables, table):
            operators = OPERATORS[kind]
            if row.values["operator"] not in operators:
                yield _fault(
                    table,
                    row,
                    "operator",
                    f"can't be asked of the {kind} {row.texts['attribute']}",
                    f"one of {', '.join(operators)}",
                )
                continue
            try:
                _parse(row, kind)
            except CellError as error:
                yield _fault(table, row, "value", error.wrong, error.allowed)
            if kind != "number" and row.values.get("softness") is not None:
                yield _fault(
                    table,
                    row,
                    "softness",
                    f"means nothing for the {kind} {row.texts['attribute']}",
                    "blank; only ranges of numbers are soft",
                )


def check_audience_ties(tables: Tables) -> Iterator[Fault]:
    """Which rule counts for a contact is never a matter of luck.

    Two rules of one score and activity may only be for audiences of equally many
    conditions if nobody can be in both.
    """
    table = tables[ACTIVITY_RULES.name]
    audiences = _audiences(tables)
    rules: dict[tuple[str, str], list[Row]] = {}
    for row in table.rows:
        if row.texts["audience"] in audiences and row.values.get("is_enabled"):
            key = (row.texts["score_model"], row.texts["activity"])
            rules.setdefault(key, []).append(row)
    for rivals in rules.values():
        for one, other in combinations(rivals, 2):
            ours = audiences[one.texts["audience"]]
            theirs = audiences[other.texts["audience"]]
            if (
                one.texts["audience"] != other.texts["audience"]
                and len(ours) == len(theirs)
                and not exclude_each_other(ours, theirs)
            ):
                yield _fault(
                    table,
                    other,
                    "audience",
                    f"ties with row {one.number}, for {one.texts['audience']}: a "
                    "contact can be in both, and both have as many conditions",
                    "audiences that exclude each other, or one with more conditions",
                )


def check_audience_count(tables: Tables) -> Iterator[Fault]:
    """Rules are for as many audiences as the models can tell apart."""
    table = tables[ACTIVITY_RULES.name]
    used = sorted(table.texts("audience") - {""})
    if len(used) > MOST_AUDIENCES:
        yield Fault(
            table.sheet.name,
            None,
            "audience",
            "",
            f"names {len(used)} audiences",
            f"at most {MOST_AUDIENCES}",
        )


def check_all_grades(tables: Tables) -> Iterator[Fault]:
    """Every fit score has a grade, and better grades are entered at more."""
    table = tables[FIT_GRADES.name]
    yield from _all_choices(table, "fit_grade", GRADES)
    rows = {row.texts["fit_grade"]: row for row in table.rows}
    for better, worse in pairwise(row for row in map(rows.get, GRADES) if row):
        if not _is_under(worse, "enter_at", better, "enter_at"):
            yield _fault(
                table,
                worse,
                "enter_at",
                f"is not under that of {better.texts['fit_grade']}",
                "less than the better grade",
            )
    if GRADES[-1] in rows and _number(rows[GRADES[-1]], "enter_at") not in (None, 0):
        yield _fault(
            table,
            rows[GRADES[-1]],
            "enter_at",
            "is not 0: low scores would have no grade",
            f"0 for {GRADES[-1]}",
        )


def check_all_stages(tables: Tables) -> Iterator[Fault]:
    """Every stage has its threshold, and a place of its own among the others."""
    table = tables[BUYING_STAGES.name]
    yield from _all_choices(table, "buying_stage", STAGES)
    yield from _repeats(table, ("precedence",), "a number of its own")


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
    check_hygiene_cells,
    check_patterns,
    check_linked_kinds,
    check_signal_parameters,
    check_silences,
    check_event_details,
    check_conditions,
    check_audience_ties,
    check_audience_count,
    check_all_grades,
    check_all_stages,
)


def _fault(table: Table, row: Row, column: str, wrong: str, allowed: str) -> Fault:
    return Fault(
        table.sheet.name, row.number, column, shown(row.texts[column]), wrong, allowed
    )


def _conditions(tables: Tables, table: Table) -> Iterator[tuple[Row, str]]:
    """Yield the rows that hold a whole condition, with the kind of their attribute."""
    kinds = {
        row.texts["attribute"]: str(row.values["kind"])
        for row in tables[ATTRIBUTES.name].rows
        if "kind" in row.values
    }
    for row in table.rows:
        kind = kinds.get(row.texts["attribute"])
        if kind and {"operator", "value"} <= row.values.keys():
            yield row, kind


def _parse(row: Row, kind: str) -> Condition:
    return parse_condition(
        row.texts["attribute"], kind, row.texts["operator"], row.texts["value"]
    )


def _audiences(tables: Tables) -> dict[str, tuple[Condition, ...]]:
    """Return the conditions of the audiences that were understood wholly."""
    table = tables[AUDIENCES.name]
    audiences: dict[str, list[Condition]] = {}
    for row, kind in _conditions(tables, table):
        with suppress(CellError):
            understood = audiences.setdefault(row.texts["audience"], [])
            understood.append(_parse(row, kind))
    written = Counter(row.texts["audience"] for row in table.rows)
    return {
        name: tuple(conditions)
        for name, conditions in audiences.items()
        if len(conditions) == written[name]
    }


def _all_choices(
    table: Table, column: str, choices: tuple[str, ...]
) -> Iterator[Fault]:
    """Each choice has a row; a misspelt one isn't called missing as well."""
    if not table.is_readable or _has_bad_cell(table, column):
        return
    for choice in choices:
        if choice not in table.texts(column):
            yield Fault(
                table.sheet.name,
                None,
                column,
                "",
                f"has no row {choice}",
                f"the rows {', '.join(choices)}",
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
        if not all(_is_understood(table, row, column) for column in key):
            continue  # already called blank or wrong
        values = tuple(row.values[column] for column in key)
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


def _is_understood(table: Table, row: Row, column: str) -> bool:
    if table.sheet.column(column).required:
        return row.values.get(column) is not None
    return column in row.values


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
