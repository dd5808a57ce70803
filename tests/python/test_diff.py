"""`intent diff` on the demo shop: what it says, and what it answers to bad wishes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from io import StringIO

import pytest
from conftest import Shop
from intent.diff import (
    diff_contact,
    diff_everyone,
    print_contact_diff,
    print_everyone_diff,
)
from intent.diff.model import Clock, RuleChange
from intent.diff.rule_changes import rule_changes
from intent.errors import BadInputError
from intent.settings import Places, places
from rich.console import Console

WIDTH = 80
RULE = {
    "scale": 10.0,
    "hot_enter_at": 3.0,
    "hot_exit_below": 2.7,
    "warm_enter_at": 1.0,
    "warm_exit_below": 0.8,
    "activity": "cart_added",
    "audience": None,
    "cap_group": "cart",
    "discharged_by": "purchase",
    "points": 2.0,
    "half_life_days": 7.0,
    "cap": 8.0,
    "daily_limit": 5,
    "group_cap": None,
}


@pytest.fixture(scope="module")
def place(demo_shop: Shop) -> Iterator[Places]:
    """The places of the demo shop, as the command finds them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in demo_shop.environment.items():
            patch.setenv(name, value)
        yield places()


def console() -> Console:
    return Console(width=WIDTH, file=StringIO(), color_system=None)


def lines_of(printed: Console) -> list[str]:
    assert isinstance(printed.file, StringIO)
    return printed.file.getvalue().splitlines()


def test_a_clock_that_nobody_kept_is_counted_anew_and_that_is_said(
    place: Places, demo_shop: Shop
) -> None:
    diff = diff_everyone(place, "2026-06-01", None, None)
    assert not diff.comparison.before.is_kept
    assert diff.movements is None
    [note] = diff.notes
    assert "2026-06-01 is not in the history" in note
    assert "`intent backfill --from 2026-06-01 --to 2026-06-01`" in note
    parts = {each.part: each for each in diff.parts}
    assert parts["rules"].total == 0
    assert parts["corrections"].total == pytest.approx(0, abs=1e-9)
    assert parts["decay"].total < 0 < parts["new_activity"].total
    assert parts["identity"].raised > 0
    total = demo_shop.value(
        "select sum(intent_score) from contact_scores where score_model = 'purchase'"
    )
    assert diff.total_after == pytest.approx(total)
    summed = sum(each.total for each in diff.parts)
    assert summed == pytest.approx(diff.total_after - diff.total_before)


def test_what_is_printed_fits_a_narrow_terminal(place: Places, demo_shop: Shop) -> None:
    everyone, one = console(), console()
    print_everyone_diff(diff_everyone(place, "2026-06-01", None, "loyalty"), everyone)
    hottest = demo_shop.value(
        "select contact_id from contact_intent order by intent_score desc limit 1"
    )
    diff = diff_contact(place, hottest[:8], "2026-05-01", "2026-06-15", None)
    print_contact_diff(diff, one)
    lines = [*lines_of(everyone), *lines_of(one)]
    assert max(map(len, lines)) <= WIDTH
    assert not any("…" in line for line in lines)
    assert hottest in lines
    for part in ("decay", "new_activity", "corrections", "identity", "rules"):
        assert sum(line.startswith(part) for line in lines) == 2


def test_a_contact_has_a_segment_at_clocks_that_nobody_kept(
    place: Places, demo_shop: Shop
) -> None:
    contact = demo_shop.value(
        "select contact_id from contact_intent where segment = 'hot' "
        "order by intent_score desc limit 1"
    )
    diff = diff_contact(place, contact, "2026-01-01", None, None)
    assert diff.after.segment == "hot"
    assert diff.before.segment in {"hot", "warm", "cold"}
    change = diff.after.intent_score - diff.before.intent_score
    assert sum(diff.parts.values()) == pytest.approx(change)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("2026-06-10", "2026-06-01", "--from 2026-06-10 does not lie before --to"),
        ("2026-06-10", "2026-06-10", "Give the earlier day first"),
        ("2026-07-02", None, "--from: 2026-07-02 lies after the clock of the last"),
        ("2026-06-10", "2030-01-01", "--to: 2030-01-01 lies after the clock"),
        ("2020-01-01", None, "--from: 2020-01-01 lies before all events, the first"),
        ("2026-02-30", None, "--from: '2026-02-30' is no day of the calendar"),
        ("2026-06-10", "yesterday", "--to: 'yesterday' is no day of the calendar"),
    ],
)
def test_impossible_clocks_are_told_in_words(
    place: Places, before: str, after: str | None, words: str
) -> None:
    with pytest.raises(BadInputError, match=words.replace("(", r"\(")):
        diff_everyone(place, before, after, None)


def test_unknown_sheets_and_contacts_are_told_in_words(place: Places) -> None:
    with pytest.raises(BadInputError, match="there is no sheet 'sales'"):
        diff_everyone(place, None, None, "sales")
    with pytest.raises(BadInputError, match="No contact is known by what was given"):
        diff_contact(place, "nobody@example.net", None, None, None)


def test_the_command_ends_with_the_code_for_bad_input(demo_shop: Shop) -> None:
    done = demo_shop.intent("diff", "--from", "2026-06-10", "--to", "2026-06-01")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith("Error: --from 2026-06-10 does not lie before")


def test_rules_that_changed_are_told_cell_by_cell() -> None:
    bare = {**RULE, "activity": None, "cap_group": None}
    assert list(rule_changes("main", [RULE], [RULE])) == []
    assert list(rule_changes("main", [], [RULE])) == [RuleChange("main", "a new sheet")]
    assert list(rule_changes("main", [RULE], [])) == [RuleChange("main", "archived")]
    assert list(rule_changes("main", [RULE], [bare])) == [
        RuleChange("main, cart_added", "rule taken away, points 2")
    ]
    later = [
        {**RULE, "scale": 12.0, "hot_exit_below": 2.5, "group_cap": 9.0}
        | {"points": 0.5, "cap": None, "discharged_by": None},
        {**RULE, "scale": 12.0, "audience": "business", "points": 3.0}
        | {"group_cap": 9.0},
    ]
    told = [(each.subject, each.change) for each in rule_changes("main", [RULE], later)]
    assert told == [
        ("main", "scale 10 -> 12"),
        ("main", "hot no longer under 2.7 -> 2.5"),
        ("main, group cart", "cap none -> 9"),
        ("main, cart_added", "points 2 -> 0.5"),
        ("main, cart_added", "cap 8 -> none"),
        ("main, cart_added", "used up by purchase -> none"),
        ("main, cart_added for business", "a new rule, points 3"),
    ]


def test_many_rules_are_cut_short(place: Places) -> None:
    diff = diff_everyone(place, "2026-06-01", None, None)
    changes = [RuleChange(f"main, rule {n}", "points 1 -> 2") for n in range(20)]
    before = Clock(datetime(2026, 6, 1), False, "restated", datetime(2026, 6, 20), 1)
    comparison = replace(diff.comparison, before=before, rule_changes=changes)
    printed = console()
    print_everyone_diff(replace(diff, comparison=comparison), printed)
    assert lines_of(printed)[-1] == "and 8 more"
