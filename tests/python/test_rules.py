"""`intent rules`: what it refuses, what it writes, and what a crash leaves."""

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from itertools import permutations
from pathlib import Path, PurePosixPath
from shutil import copytree
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intent.commands.rules import app
from intent.errors import BadInputError, ExitCode, UnavailableError
from intent.rules import writing
from intent.rules.changes import render
from intent.rules.checks import find_faults, understand
from intent.rules.csv_files import read_seed, read_seeds, write_seed
from intent.rules.parsing import CellError, parse_cell
from intent.rules.readme import EXAMPLE
from intent.rules.service import check_seeds, plan_import
from intent.rules.sheets import (
    ACTIVITIES,
    ACTIVITY_RULES,
    SHEETS,
    Column,
    Kind,
    columns_markdown,
)
from intent.rules.tables import Fault, Reading, to_text
from intent.rules.workbook_reader import load_reading
from intent.rules.workbook_writer import build_workbook
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.worksheet import Worksheet
from typer.testing import CliRunner, Result

PROJECT = Path(__file__).resolve().parents[2]

SMALL = {
    "rules/score_models.csv": """\
        score_model,status,is_primary,scale,description
        purchase,active,true,11.8,Readiness to buy
        loyalty,draft,false,20,
        """,
    "rules/activities.csv": """\
        activity,category,cap_group,signal,buying_stage,measure,is_own_doing,description
        product_viewed,purchase,browse,product views,consideration,views,true,A look
        cart_added,purchase,cart,carts,decision,adds,,"Put in, not bought"
        checkout_started,purchase,cart,checkout,decision,checkouts,false,
        purchase,purchase,purchase,purchases,retention,orders,true,An order
        """,
    "rules/activity_rules.csv": """\
        score_model,activity,audience,points,half_life_days,cap,daily_limit,discharged_by,is_enabled,note
        purchase,product_viewed,,1,7,6,20,,true,
        purchase,cart_added,,2,7,8,5,purchase,true,
        purchase,checkout_started,,3,3,9,3,purchase,false,=SUM(A1)
        purchase,purchase,,-2.5,,,,,true,
        loyalty,purchase,,10,180,40,,,true,
        loyalty,purchase,repeat,5,180,40,,,true,
        loyalty,purchase,rich,7,180,40,,,true,
        """,
    "rules/attributes.csv": """\
        attribute,kind,description
        age,number,In years
        country,text,
        interests,list,Declared
        """,
    "rules/audiences.csv": """\
        audience,attribute,operator,value,note
        young,age,at_most,29,
        repeat,age,at_least,30,
        rich,country,in,CH;LI,
        rich,age,between,30 to 60,Two conditions
        fans,interests,equals,shoes,
        """,
    "rules/buying_stages.csv": """\
        buying_stage,precedence,enter_at,note
        decision,1,1,
        retention,2,0.5,
        consideration,3,2,
        awareness,4,0.25,
        """,
    "rules/fit_rules.csv": """\
        attribute,operator,value,softness,points,note
        age,between,30 to 45,10,20,
        interests,contains,shoe;boot,,5,
        country,in,DE;AT,,-3,
        """,
    "rules/fit_grades.csv": """\
        fit_grade,enter_at
        A,75
        B,50
        C,25.5
        D,0
        """,
    "rules/group_rules.csv": """\
        score_model,cap_group,group_cap
        purchase,browse,8
        """,
    "rules/score_bands.csv": """\
        score_model,band,enter_at,exit_below,rank
        purchase,hot,3.0,2.7,1
        purchase,warm,1.0,0.8,2
        purchase,cold,0,0,3
        loyalty,hot,3.0,2.7,1
        loyalty,warm,1.0,0.8,2
        loyalty,cold,0,0,3
        """,
    "rules/derived_signals.csv": """\
        activity,least_history,least_change,most_variation,lapses_after,days_ahead,note
        purchase_repeated,1,,,,,
        order_value_fallen,3,0.5,,,,
        purchase_due,3,,0.6,2,,
        """,
    "feeds/event_names.csv": """\
        feed,event_name,activity,effect
        web,Product Viewed,product_viewed,
        web,Cart Viewed,,
        """,
    "feeds/feed_preferences.csv": """\
        feed,preference,note
        shop,1,
        web,2,The tracker misses some
        email,3,
        """,
    "feeds/hygiene_rules.csv": """\
        rule,method,feed,activity,pattern,least_count,within_seconds,reason,is_enabled,note
        bots,user_agent,,,%bot/%,,,bot_user_agent,true,
        bursts,burst,web,product_viewed,,15,15,burst,true,
        """,
    "feeds/feed_expectations.csv": """\
        feed,feed_table,late_after_hours,silent_after_hours,quiet_weekdays,compared_weeks,least_rows,least_share_of_median,most_share_of_median,most_quarantine_share,most_unknown_share,note
        web,events,6,24,,6,50,0.4,3,0.1,0.05,
        shop,orders,48,96,sat sun,6,20,,,,,
        """,
    "feeds/identity_limits.csv": """\
        identifier_kind,linked_kind,people,note
        anonymous_id,user_id,1,A family tablet
        email,customer_id,5,
        """,
}

runner = CliRunner()


@pytest.fixture
def seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The seeds of a small project, which the commands find."""
    (tmp_path / "dbt_project.yml").touch()
    folder = tmp_path / "seeds"
    for path, content in SMALL.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(textwrap.dedent(content))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def book(seeds: Path) -> Path:
    """A fresh export."""
    return export(seeds.parent / "rules.xlsx")


def export(path: Path) -> Path:
    result = runner.invoke(app, ["export", str(path)])
    assert result.exit_code == 0, result.output
    return path


def contents(seeds: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(seeds)): path.read_bytes() for path in seeds.rglob("*.csv")
    }


def edit_seed(seeds: Path, path: str, old: str, new: str) -> None:
    text = (seeds / path).read_text()
    assert old in text
    (seeds / path).write_text(text.replace(old, new, 1))


def edit_book(path: Path, edit: Callable[[Workbook], object]) -> None:
    workbook = load_workbook(path)
    edit(workbook)
    workbook.save(path)


def set_cell(path: Path, sheet: str, cell: str, value: object) -> None:
    edit_book(path, lambda book: page(book, sheet).__setitem__(cell, cast(Any, value)))


def page(book: Workbook, sheet: str) -> Worksheet:
    return cast(Worksheet, book[sheet])


def import_json(path: Path, *options: str) -> tuple[int, dict[str, Any]]:
    result = runner.invoke(app, ["import", str(path), "--json", *options])
    assert result.stdout, result.exception
    return result.exit_code, json.loads(result.stdout)


def only_fault(faults: list[Fault]) -> Fault:
    assert len(faults) == 1, faults
    return faults[0]


# --- The rules, one by one, on the seeds ----------------------------------------------


def test_small_seeds_are_valid(seeds: Path) -> None:
    assert check_seeds(seeds) == []


def test_shipped_seeds_are_valid() -> None:
    assert check_seeds(PROJECT / "seeds") == []


MODELS, ACTS, RULES, GROUPS, BANDS, SIGNALS = (
    f"rules/{name}.csv"
    for name in (
        "score_models",
        "activities",
        "activity_rules",
        "group_rules",
        "score_bands",
        "derived_signals",
    )
)
ATTRIBUTES, AUDIENCES, FITS, GRADES, STAGES = (
    f"rules/{name}.csv"
    for name in (
        "attributes",
        "audiences",
        "fit_rules",
        "fit_grades",
        "buying_stages",
    )
)
EVENTS, FEEDS, HYGIENE, EXPECTED, LIMITS = (
    f"feeds/{name}.csv"
    for name in (
        "event_names",
        "feed_preferences",
        "hygiene_rules",
        "feed_expectations",
        "identity_limits",
    )
)
VIEW_RULE = "purchase,product_viewed,,1,7,6,20,,true,"


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        (MODELS, "loyalty,draft", "loyalty,live", (3, "status", "not a known choice")),
        (MODELS, "false,20", "true,20", (3, "is_primary", "second time")),
        (MODELS, "active,true", "active,false", (None, "is_primary", "for no score")),
        (MODELS, "purchase,active", "purchase,draft", (2, "status", "primary")),
        (MODELS, "11.8", "0", (2, "scale", "not above 0")),
        (MODELS, "11.8", "", (2, "scale", "blank")),
        (MODELS, "false,20", "maybe,20", (3, "is_primary", "neither true nor false")),
        (MODELS, "active", " active", (2, "status", "spaces around")),
        (ACTS, "purchase,browse", "buying,browse", (2, "category", "known choice")),
        (ACTS, "consideration", "thinking", (2, "buying_stage", "known choice")),
        (
            ACTS,
            "purchase,purchase,purchase",
            "purchase,purchase,",
            (5, "cap_group", "bl"),
        ),
        (ACTS, "A look", "x\x07y", (2, "description", "unseen character")),
        (ACTS, "A look", '"a\nb"', (2, "description", "line break")),
        (ACTS, "A look", "NULL", (2, "description", "word null")),
        (ACTS, "A look", "x" * 1001, (2, "description", "1001 characters")),
        (RULES, VIEW_RULE, f"{VIEW_RULE}\n{VIEW_RULE}", (3, "audience", "twice")),
        (
            RULES,
            "loyalty,purchase",
            "loyal,purchase",
            (6, "score_model", "score_models"),
        ),
        (
            RULES,
            VIEW_RULE,
            VIEW_RULE.replace("viewed", "saw"),
            (2, "activity", "activi"),
        ),
        (RULES, "viewed,,1", "viewed,,", (2, "points", "blank")),
        (RULES, "viewed,,1", "viewed,,many", (2, "points", "not a number")),
        (RULES, "viewed,,1", "viewed,,NaN", (2, "points", "not a number")),
        (RULES, "viewed,,1", "viewed,,inf", (2, "points", "not a number")),
        (RULES, "viewed,,1", "viewed,,1_0", (2, "points", "not a number")),
        (RULES, "viewed,,1", "viewed,,٣", (2, "points", "not a number")),
        (RULES, "viewed,,1", "viewed,,1e300", (2, "points", "too large")),
        (RULES, "viewed,,1", "viewed,,1000000.5", (2, "points", "too large")),
        (RULES, "viewed,,1", "viewed,,0.1234567891", (2, "points", "9 decimals")),
        (RULES, "viewed,,1", f"viewed,,{'1' * 30}", (2, "points", "too many digits")),
        (RULES, "viewed,,1", 'viewed,,"1,5"', (2, "points", "comma")),
        (RULES, "viewed,,1", 'viewed,,"1.000,5"', (2, "points", "comma")),
        (RULES, "viewed,,1,7", "viewed,,1,0", (2, "half_life_days", "not above 0")),
        (RULES, "viewed,,1,7", "viewed,,1,-7", (2, "half_life_days", "not above 0")),
        (RULES, "7,6,20", "7,0,20", (2, "cap", "not above 0")),
        (RULES, "7,6,20", "7,6,0", (2, "daily_limit", "not above 0")),
        (RULES, "7,6,20", "7,6,2.5", (2, "daily_limit", "not a whole number")),
        (RULES, "5,purchase", "5,order", (3, "discharged_by", "is no activity")),
        (RULES, "5,purchase", "5,cart_added", (3, "discharged_by", "itself")),
        (
            RULES,
            ",,,,,true",
            ",,,,checkout_started,true",
            (5, "discharged_by", "itself"),
        ),
        (RULES, "true,", ",", (2, "is_enabled", "blank")),
        (GROUPS, "browse,8", "browse,8\npurchase,browse,9", (3, "cap_group", "twice")),
        (GROUPS, "browse", "brows", (2, "cap_group", "is no cap_group")),
        (GROUPS, "purchase", "orders", (2, "score_model", "is no score_model")),
        (GROUPS, "8", "0", (2, "group_cap", "not above 0")),
        (BANDS, "loyalty,warm,1.0,0.8,2\n", "", (None, "band", "no row warm")),
        (BANDS, "purchase,warm", "purchase,tepid", (3, "band", "known choice")),
        (BANDS, "purchase,warm", "purchase,hot", (3, "band", "twice")),
        (BANDS, "3.0,2.7", "3.0,3.1", (2, "exit_below", "over the row's enter_at")),
        (BANDS, "3.0,2.7", "5.1,2.7", (2, "enter_at", "over 5")),
        (BANDS, "1.0,0.8", "1.0,-0.1", (3, "exit_below", "under 0")),
        (BANDS, "1.0,0.8", "3.0,0.8", (3, "enter_at", "not under the 3")),
        (BANDS, "1.0,0.8", "2.8,0.8", (2, "exit_below", "skip warm")),
        (BANDS, "0,0,3", "0.1,0,3", (4, "enter_at", "not 0")),
        (BANDS, "0,0,3", "0,0,2", (4, "rank", "twice")),
        (BANDS, "2.7,1", "2.7,9", (3, "rank", "warm before hot")),
        (SIGNALS, "purchase_repeated", "weekend", (2, "activity", "known choice")),
        (SIGNALS, "purchase_due", "purchase_repeated", (4, "activity", "twice")),
        (SIGNALS, "repeated,1", "repeated,0", (2, "least_history", "under 1")),
        (SIGNALS, "repeated,1", "repeated,1.5", (2, "least_history", "whole")),
        (SIGNALS, "repeated,1", "repeated,", (2, "least_history", "blank")),
        (SIGNALS, "repeated,1,", "repeated,1,1", (2, "least_change", "says nothing")),
        (SIGNALS, "fallen,3,0.5", "fallen,3,", (3, "least_change", "is blank for")),
        (SIGNALS, "fallen,3,0.5", "fallen,3,0", (3, "least_change", "not above 0")),
        (SIGNALS, "fallen,3,0.5", "fallen,3,1", (3, "least_change", "by all of it")),
        (SIGNALS, "0.6,2", ",2", (4, "most_variation", "is blank for")),
        (SIGNALS, "0.6,2", "-1,2", (4, "most_variation", "under 0")),
        (SIGNALS, "0.6,2", "0.6,", (4, "lapses_after", "is blank for")),
        (SIGNALS, "0.6,2", "0.6,1", (4, "lapses_after", "not above 1")),
        (ATTRIBUTES, "age,number", "age,whole", (2, "kind", "known choice")),
        (AUDIENCES, "young,age", "young,years", (2, "attribute", "is no attribute")),
        (AUDIENCES, "young,age", "young,", (2, "attribute", "blank")),
        (AUDIENCES, "age,at_most", "age,under", (2, "operator", "known choice")),
        (AUDIENCES, "at_most,29", "at_most,", (2, "value", "blank")),
        (AUDIENCES, "at_most,29", "at_most,DE", (2, "value", "is not a number")),
        (AUDIENCES, "at_most,29", "at_most,29;30", (2, "value", "several values")),
        (AUDIENCES, "at_most,29", "contains,29", (2, "operator", "can't be asked")),
        (AUDIENCES, "in,CH;LI", "at_least,CH", (4, "operator", "of the text country")),
        (AUDIENCES, "in,CH;LI", "in,;", (4, "value", "names no value")),
        (AUDIENCES, "in,CH;LI", "equals,CH;LI", (4, "value", "several values")),
        (AUDIENCES, "in,CH;LI", f"in,{'CH;' * 20}", (4, "value", "holds 21 values")),
        (AUDIENCES, "30 to 60", "60 to 30", (5, "value", "from high to low")),
        (AUDIENCES, "30 to 60", "30-60", (5, "value", "no range")),
        (AUDIENCES, "30 to 60", "30 to many", (5, "value", "is not a number")),
        (RULES, "purchase,rich", "purchase,old", (8, "audience", "is no audience")),
        (RULES, "purchase,rich", "purchase,repeat", (8, "audience", "twice")),
        (RULES, "purchase,rich", "purchase,fans", (8, "audience", "ties with row 7")),
        (FITS, "age,between", "height,between", (2, "attribute", "is no attribute")),
        (FITS, "30 to 45", "45 to 30", (2, "value", "from high to low")),
        (FITS, "30 to 45,10", "30 to 45,0", (2, "softness", "not above 0")),
        (FITS, "boot,,5", "boot,1,5", (3, "softness", "for the list interests")),
        (FITS, "boot,,5", "boot,,", (3, "points", "blank")),
        (GRADES, "B,50\n", "", (None, "fit_grade", "no row B")),
        (GRADES, "B,50", "B,80", (3, "enter_at", "not under that of A")),
        (GRADES, "D,0", "D,1", (5, "enter_at", "not 0")),
        (GRADES, "A,75", "A,101", (2, "enter_at", "over 100")),
        (STAGES, "retention,2,0.5,\n", "", (None, "buying_stage", "no row retention")),
        (STAGES, "retention,2", "retention,1", (3, "precedence", "twice")),
        (STAGES, "retention,2,0.5", "retention,2,0", (3, "enter_at", "not above 0")),
        (EVENTS, "Cart Viewed,", "Product Viewed,", (3, "event_name", "twice")),
        (EVENTS, "Cart Viewed,", "Cart Viewed,cart", (3, "activity", "is no activity")),
        (EVENTS, "Cart Viewed,", ",", (3, "event_name", "blank")),
        (EVENTS, "Cart Viewed,,", "Cart Viewed,,counts", (3, "effect", "choice")),
        (
            EVENTS,
            "Cart Viewed,",
            "Product Viewed: Sale,",
            (3, "event_name", "capitals after the colon"),
        ),
        (FEEDS, "web,2", "shop,2", (3, "feed", "twice")),
        (FEEDS, "web,2", "web,1", (3, "preference", "twice")),
        (FEEDS, "web,2", "web,1.5", (3, "preference", "whole number")),
        (HYGIENE, "%bot/%", "", (2, "pattern", "blank, but user_agent")),
        (HYGIENE, "%bot/%", "%Bot/%", (2, "pattern", "capitals")),
        (HYGIENE, "%bot/%", "%_%", (2, "pattern", "match everything")),
        (HYGIENE, "%bot/%", r"%a\_b%", (2, "pattern", "backslash")),
        (HYGIENE, "%bot/%,", "%bot/%,3", (2, "least_count", "not read by user_agent")),
        (HYGIENE, "bot_user_agent", "Bot agent", (2, "reason", "small letters")),
        (HYGIENE, "bot_user_agent,true,", "bot_user_agent", (2, None, "8 values for")),
        (HYGIENE, "bots,user_agent", "bots,agent", (2, "method", "known choice")),
        (HYGIENE, "burst,web", "burst,wap", (3, "feed", "is no feed")),
        (HYGIENE, "product_viewed", "views", (3, "activity", "is no activity")),
        (HYGIENE, ",15,15,", ",1,15,", (3, "least_count", "would be all")),
        (HYGIENE, ",15,15,", ",,15,", (3, "least_count", "blank, but burst")),
        (HYGIENE, ",15,15,", ",15,3601,", (3, "within_seconds", "over 3600")),
        (HYGIENE, ",,15,15", ",%a%,15,15", (3, "pattern", "not read by burst")),
        (HYGIENE, "bursts,", "bots,", (3, "rule", "twice")),
        (EXPECTED, "6,24", "24,6", (2, "silent_after_hours", "under the row's")),
        (EXPECTED, "6,24", ",24", (2, "silent_after_hours", "without the other")),
        (EXPECTED, "6,24", "6,", (2, "silent_after_hours", "blank")),
        (EXPECTED, "sat sun", "sat,sun", (3, None, "values for 12")),
        (EXPECTED, "sat sun", "Sunday", (3, "quiet_weekdays", "no weekdays")),
        (EXPECTED, "0.4", "1.4", (2, "least_share_of_median", "over 1")),
        (EXPECTED, "web,events", "wap,events", (2, "feed", "is no feed")),
        (EXPECTED, "shop,orders", "web,events", (3, "feed_table", "twice")),
        (LIMITS, "id,user_id", "id,device", (2, "linked_kind", "known choice")),
        (LIMITS, "anonymous_id,", ",", (2, "identifier_kind", "blank")),
        (LIMITS, "email,customer_id", "email,email", (3, "linked_kind", "itself")),
        (LIMITS, "user_id,1", "user_id,0", (2, "people", "under 1")),
        (LIMITS, "user_id,1", "user_id,", (2, "people", "blank")),
        (
            LIMITS,
            "email,customer_id",
            "anonymous_id,user_id",
            (3, "linked_kind", "twice"),
        ),
    ],
)
def test_names_the_fault(
    seeds: Path, path: str, old: str, new: str, expected: tuple[int, str, str]
) -> None:
    edit_seed(seeds, path, old, new)
    row, column, wrong = expected
    # others may follow from it, as where an activity loses its row
    assert [
        fault
        for fault in check_seeds(seeds)
        if (fault.sheet, fault.row, fault.column) == (Path(path).stem, row, column)
        and wrong in fault.wrong
        and fault.allowed
    ]


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (MODELS, "11.8", "0"),
        (MODELS, "false,20", "true,20"),
        (MODELS, "loyalty,draft", "loyalty,live"),
        (RULES, "viewed,,1", "viewed,,"),
        (RULES, "loyalty,purchase", "loyal,purchase"),
        (RULES, "5,purchase", "5,cart_added"),
        (GROUPS, "browse", "brows"),
        (BANDS, "purchase,warm", "purchase,tepid"),
        (BANDS, "3.0,2.7", "3.0,3.1"),
        (BANDS, "1.0,0.8", "3.0,0.8"),
        (BANDS, "1.0,0.8", "2.8,0.8"),
        (BANDS, "2.7,1", "2.7,9"),
        (SIGNALS, "fallen,3,0.5", "fallen,3,"),
        (SIGNALS, "0.6,2", "0.6,1"),
        (AUDIENCES, "at_most,29", "at_most,DE"),
        (AUDIENCES, "at_most,29", "contains,29"),
        (AUDIENCES, "age,at_least", "age,over"),
        (RULES, "purchase,rich", "purchase,old"),
        (RULES, "purchase,rich", "purchase,repeat"),
        (RULES, "purchase,rich", "purchase,fans"),
        (FITS, "age,between", "height,between"),
        (FITS, "30 to 45", "45 to 30"),
        (GRADES, "B,50", "E,50"),
        (GRADES, "B,50", "B,80"),
        (STAGES, "retention,2", "loyal,2"),
        (EVENTS, "Cart Viewed,", "Cart Viewed,cart"),
        (FEEDS, "web,2", "web,1"),
        (LIMITS, "user_id,1", "user_id,0"),
        (LIMITS, "email,customer_id", "email,email"),
    ],
)
def test_one_mistake_is_one_fault(seeds: Path, path: str, old: str, new: str) -> None:
    edit_seed(seeds, path, old, new)
    only_fault(check_seeds(seeds))


def test_activity_names_are_checked(seeds: Path) -> None:
    edit_seed(seeds, ACTS, "cart_added", "Cart added")
    faults = [it for it in check_seeds(seeds) if it.sheet == "activities"]
    assert "small letters" in only_fault(faults).wrong


def test_a_misspelt_name_gets_a_suggestion(seeds: Path) -> None:
    edit_seed(seeds, EVENTS, "Viewed,product_viewed", "Viewed,product_view")
    assert only_fault(check_seeds(seeds)).allowed.endswith("product_viewed, purchase")
    extra = "".join(f"act_{n},social,social,,awareness,,,\n" for n in range(9))
    (seeds / ACTS).write_text((seeds / ACTS).read_text() + extra)
    assert only_fault(check_seeds(seeds)).allowed.endswith("; perhaps product_viewed")


@pytest.mark.parametrize(
    ("one", "other", "is_refused"),
    [
        (("age", "at_most", "29"), ("age", "at_least", "30"), False),
        (("age", "at_most", "30"), ("age", "at_least", "30"), True),
        (("age", "between", "20 to 29"), ("age", "between", "30 to 39"), False),
        (("age", "between", "20 to 30"), ("age", "equals", "30"), True),
        (("age", "in", "1;2"), ("age", "in", "3;4"), False),
        (("age", "in", "1;2"), ("age", "between", "2 to 9"), True),
        (("country", "equals", "DE"), ("country", "equals", "AT"), False),
        (("country", "equals", "DE"), ("country", "in", "AT;de"), True),
        (("country", "equals", "DE"), ("country", "contains", "AT"), True),
        (("interests", "equals", "shoes"), ("interests", "equals", "bags"), True),
        (("age", "at_most", "29"), ("country", "equals", "AT"), True),
    ],
)
def test_rules_that_could_both_count_are_refused(
    seeds: Path,
    one: tuple[str, str, str],
    other: tuple[str, str, str],
    is_refused: bool,
) -> None:
    with (seeds / AUDIENCES).open("a") as file:
        file.write(f"one,{','.join(one)},\nother,{','.join(other)},\n")
    for name in ("one", "other"):
        with (seeds / RULES).open("a") as file:
            file.write(f"purchase,cart_added,{name},1,,,,,true,\n")
    faults = check_seeds(seeds)
    if is_refused:
        fault = only_fault(faults)
        assert (fault.row, fault.column, fault.value) == (10, "audience", "other")
        assert "ties with row 9, for one" in fault.wrong
        edit_seed(seeds, RULES, "other,1,,,,,true", "other,1,,,,,false")
    assert check_seeds(seeds) == []


def test_rules_can_be_for_sixty_audiences(seeds: Path) -> None:
    with (seeds / AUDIENCES).open("a") as file:
        file.writelines(f"born_{n},age,equals,{n},\n" for n in range(61))
    with (seeds / RULES).open("a") as file:
        file.writelines(f"loyalty,cart_added,born_{n},1,,,,,true,\n" for n in range(58))
    assert check_seeds(seeds) == []
    with (seeds / RULES).open("a") as file:
        file.write("loyalty,cart_added,born_58,1,,,,,true,\n")
    assert "names 61 audiences" in only_fault(check_seeds(seeds)).wrong


def test_a_ring_of_discharges_is_refused_in_each_row(seeds: Path) -> None:
    edit_seed(seeds, RULES, "1,7,6,20,,", "1,7,6,20,cart_added,")
    edit_seed(seeds, RULES, "2,7,8,5,purchase", "2,7,8,5,product_viewed")
    assert [(it.row, it.wrong) for it in check_seeds(seeds)] == [
        (2, "is itself discharged by product_viewed"),
        (3, "is itself discharged by cart_added"),
    ]


def test_a_discharge_in_another_sheet_is_no_chain(seeds: Path) -> None:
    edit_seed(seeds, RULES, "10,180,40,,,", "10,180,40,,cart_added,")
    assert check_seeds(seeds) == []


def test_archived_scores_need_no_bands(seeds: Path) -> None:
    edit_seed(seeds, MODELS, "loyalty,draft", "loyalty,archived")
    edit_seed(seeds, BANDS, "loyalty,warm,1.0,0.8,2\n", "")
    assert check_seeds(seeds) == []


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (None, "is missing"),
        (b"", "is empty"),
        (b"\xff\xfe", "not UTF-8"),
        (b"score_model,cap_group\n", "is missing"),
        (b"score_model,cap_group,group_cap,colour\n", "not a column"),
        (b"score_model,cap_group,group_cap,group_cap\n", "stands twice"),
        (b"score_model;cap_group;group_cap\n", "semicolons"),
        (b"score_model,cap_group,group_cap,\n", "has no name"),
        (b'score_model,cap_group,group_cap\n"purchase,browse,8\n', "can't be read"),
    ],
)
def test_names_what_is_wrong_with_a_file(
    seeds: Path, content: bytes | None, wrong: str
) -> None:
    path = seeds / GROUPS
    path.unlink() if content is None else path.write_bytes(content)
    assert wrong in check_seeds(seeds)[0].wrong


def test_a_missing_sheet_makes_no_second_faults(seeds: Path) -> None:
    (seeds / ACTS).unlink()
    assert only_fault(check_seeds(seeds)).sheet == "activities"


def test_reads_what_spreadsheets_save_as_csv(seeds: Path) -> None:
    for path in SMALL:
        text = (seeds / path).read_text().replace("\n", "\r\n")
        (seeds / path).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert check_seeds(seeds) == []


def test_rows_are_numbered_by_the_files_lines(seeds: Path) -> None:
    added = '"a\nb",,,reason_a,true,\n\nbots_2,user_agent,,,%Bot/%'
    edit_seed(seeds, HYGIENE, "%bot/%", added)
    assert [it.row for it in check_seeds(seeds)] == [2, 5]


def test_check_tells_all_faults_at_once(seeds: Path) -> None:
    edit_seed(seeds, MODELS, "11.8", "[bold]none")
    edit_seed(seeds, HYGIENE, "%bot/%", "%Bot/%")
    result = runner.invoke(app, ["check"])
    assert result.exit_code == ExitCode.BAD_INPUT
    assert "2 faults" in result.output
    assert "[bold" in result.output  # shown, not obeyed
    result = runner.invoke(app, ["check", "--json"])
    assert result.exit_code == ExitCode.BAD_INPUT
    assert json.loads(result.stdout) == {
        "ok": False,
        "faults": [
            {
                "sheet": "score_models",
                "row": 2,
                "column": "scale",
                "value": "[bold]none",
                "wrong": "is not a number",
                "allowed": "a number above 0",
            },
            {
                "sheet": "hygiene_rules",
                "row": 2,
                "column": "pattern",
                "value": "%Bot/%",
                "wrong": "has capitals, and so would never match",
                "allowed": "%bot/%",
            },
        ],
    }


def test_check_says_when_all_is_fine(seeds: Path) -> None:
    del seeds
    result = runner.invoke(app, ["check"])
    assert result.exit_code == 0
    assert "fine" in result.output


# --- Cells ----------------------------------------------------------------------------

NUMBER = Column("points", Kind.NUMBER, "")


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (3, "3"),
        (3.0, "3"),
        (0.1 + 0.2, "0.3"),
        (" 3.50 ", "3.5"),
        ("+.5", "0.5"),
        ("1e3", "1000"),
        (-0.0, "0"),
        (1_000_000, "1000000"),
        (1e-9, "0.000000001"),
    ],
)
def test_numbers_are_normalised(cell: object, number: str) -> None:
    value = parse_cell(NUMBER, cell)
    assert value == Decimal(number)
    assert render_number(value) == number


def render_number(value: object) -> str:
    return to_text(cast(Decimal, value))


@pytest.mark.parametrize(
    "cell", [math.nan, math.inf, -math.inf, 10**400, 1e7, True, datetime(2025, 3, 5)]
)
def test_odd_numbers_are_refused(cell: object) -> None:
    with pytest.raises(CellError):
        parse_cell(NUMBER, cell)


@given(st.text(max_size=40) | st.floats() | st.integers() | st.booleans() | st.none())
def test_no_cell_ends_in_a_traceback(cell: object) -> None:
    for kind in Kind:
        with suppress(CellError):
            parse_cell(Column("any", kind, "", required=False), cell)


# --- Export ---------------------------------------------------------------------------


def test_the_workbook_is_made_for_people(book: Path) -> None:
    workbook = load_workbook(book)
    assert workbook.sheetnames == ["Read me", *(sheet.name for sheet in SHEETS)]
    rules = page(workbook, "activity_rules")
    assert [cell.value for cell in rules[1]] == list(ACTIVITY_RULES.column_names)
    assert all(cell.font.bold and cell.comment for cell in rules[1])
    assert rules.freeze_panes == "D2"
    assert rules.auto_filter.ref == "A1:J8"
    assert rules["D2"].value == 1
    assert rules["I2"].value is True
    assert rules["J4"].data_type == "s"  # a note that begins with =
    checked = {
        str(it.sqref).split("2:")[0]: (it.type, it.operator, it.formula1)
        for it in rules.data_validations.dataValidation
    }
    assert checked["A"][0] == checked["B"][0] == checked["H"][0] == "list"
    assert "activities!$A" in str(checked["H"][2])
    assert checked["C"][2] == '"young,repeat,rich,fans"'
    assert checked["E"] == ("decimal", "greaterThan", "0")
    assert checked["G"] == ("whole", "greaterThan", "0")
    assert checked["I"][2] == '"TRUE,FALSE"'
    assert len(rules.conditional_formatting) == 1


def test_export_keeps_what_is_there(seeds: Path, book: Path) -> None:
    before = book.read_bytes()
    result = runner.invoke(app, ["export", str(book)])
    assert isinstance(result.exception, UnavailableError)
    assert "--force" in str(result.exception)
    assert book.read_bytes() == before
    edit_seed(seeds, RULES, "viewed,,1,", "viewed,,4,")
    assert runner.invoke(app, ["export", str(book), "--force"]).exit_code == 0
    assert page(load_workbook(book), "activity_rules")["D2"].value == 4
    assert {it.name for it in book.parent.iterdir()} == {
        "dbt_project.yml",
        "rules.xlsx",
        "seeds",
    }


def test_export_refuses_faulty_seeds(seeds: Path) -> None:
    edit_seed(seeds, RULES, "viewed,,1,", "viewed,,x,")
    result = runner.invoke(app, ["export", "rules.xlsx"])
    assert isinstance(result.exception, BadInputError)
    assert "a fault in activity_rules: x is not" in str(result.exception)
    assert not Path("rules.xlsx").exists()


@pytest.mark.parametrize(
    ("name", "error"),
    [("rules.csv", BadInputError), ("no/such/rules.xlsx", UnavailableError)],
)
def test_export_refuses_places(seeds: Path, name: str, error: type) -> None:
    del seeds
    assert isinstance(runner.invoke(app, ["export", name]).exception, error)


def test_the_read_me_example_is_right() -> None:
    def score(amount: float) -> str:
        capped = 9 * (1 - math.exp(-amount / 9))
        return f"{5 * (1 - math.exp(-capped / 11.8)):.2f}"

    for amount in (3, 1.5, 60):
        assert score(amount) in EXAMPLE


# --- Round trip -----------------------------------------------------------------------


def test_round_trip_changes_no_byte(seeds: Path, book: Path) -> None:
    before = contents(seeds)
    result = runner.invoke(app, ["import", str(book), "--yes"])
    assert result.exit_code == 0
    assert "nothing to change" in result.output
    assert contents(seeds) == before


def test_round_trip_of_the_shipped_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dbt_project.yml").touch()
    seeds = Path(copytree(PROJECT / "seeds", tmp_path / "seeds"))
    monkeypatch.chdir(tmp_path)
    workbook = load_reading(export(tmp_path / "rules.xlsx"))
    present = understand(read_seeds(seeds))
    for sheet in SHEETS:
        table = understand(workbook)[sheet.name]
        assert render(table, present[sheet.name]) == (seeds / sheet.path).read_bytes()


names = st.from_regex(
    r"[a-z][a-z0-9]{0,6}(_[a-z0-9]{1,4}){0,2}", fullmatch=True
).filter(lambda name: name != "null")
texts = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn")), max_size=20
).map(str.strip) | st.sampled_from(
    ['a "quoted", one', "=1+1", "'quoted", "_x0041_", "007", "true", "1.50", "#N/A"]
)
texts = texts.filter(lambda text: text.lower() != "null")


patterns = texts.filter(
    lambda text: text.strip("%_") != "" and text == text.lower() and "\\" not in text
)
NO_COUNTS = (st.just(""), st.just(""))


@st.composite
def numbers(draw: st.DrawFn, lowest: int = -1_000_000) -> str:
    decimals = draw(st.integers(0, 9))
    digits = draw(st.integers(lowest * 10**decimals, 1_000_000 * 10**decimals))
    number = Decimal(digits).scaleb(-decimals)
    return render_number(number)


positive = numbers(lowest=1)
SIGNAL_PARAMETERS = {
    "login_regular": ("", "", "", ""),
    "order_value_risen": ("2.25", "", "", ""),
    "purchase_quickened": ("0.123456789", "", "", ""),
    "purchase_due": ("", "0", "1.5", ""),
    "purchase_expected": ("", "1", "3", "28"),
}


@st.composite
def valid_seeds(draw: st.DrawFn) -> dict[str, bytes]:
    models = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    activities = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    groups = draw(st.lists(names, min_size=1, max_size=2, unique=True))
    settlers, settled = activities[:1], activities[1:]

    def blank_or(strategy: st.SearchStrategy[str]) -> str:
        return draw(st.just("") | strategy)

    def pick(sheet: str, column: str) -> str:
        choices = next(it for it in SHEETS if it.name == sheet).column(column).choices
        return draw(st.sampled_from(choices))

    used_groups = [draw(st.sampled_from(groups)) for _ in activities]
    whole = st.integers(1, 1_000_000).map(str)
    switch = st.sampled_from(["true", "false"])
    feeds = draw(st.lists(names, max_size=3, unique=True))
    shares = st.sampled_from(["0", "0.05", "1"])
    silences = st.sampled_from([("", "", ""), ("6", "6", "sun"), ("0.5", "9", "")])
    looked_at = st.tuples(
        st.sampled_from(["", *feeds]), st.sampled_from(["", *activities])
    )
    asked = st.one_of(
        st.tuples(
            st.sampled_from(["user_agent", "email"]), looked_at, patterns, *NO_COUNTS
        ),
        st.tuples(st.just("tool_flag"), looked_at, st.just(""), *NO_COUNTS),
        st.tuples(
            st.sampled_from(["burst", "after_delivery"]),
            looked_at,
            st.just(""),
            st.integers(2, 1_000_000).map(str),
            st.integers(0, 3600).map(str),
        ),
    ).map(lambda it: (it[0], *it[1], *it[2:]))
    status = ["active"] + [pick("score_models", "status") for _ in models[1:]]
    rows: dict[str, list[list[str]]] = {
        "score_models": [
            [m, status[n], "false" if n else "true", draw(positive), draw(texts)]
            for n, m in enumerate(models)
        ],
        "activities": [
            [
                activity,
                pick("activities", "category"),
                group,
                draw(texts),
                pick("activities", "buying_stage"),
                draw(texts),
                blank_or(switch),
                draw(texts),
            ]
            for activity, group in zip(activities, used_groups, strict=True)
        ],
        "activity_rules": [
            [
                model,
                activity,
                blank_or(st.sampled_from(["born_now", "born_soon"])),
                draw(numbers()),
                blank_or(positive),
                blank_or(positive),
                blank_or(whole),
                blank_or(st.sampled_from(settlers)) if activity in settled else "",
                draw(switch),
                draw(texts),
            ]
            for model in models
            for activity in draw(st.permutations(activities))
        ],
        "attributes": [["born", "number", draw(texts)], ["likes", "list", ""]],
        "audiences": [
            ["born_now", "born", "at_least", "0", draw(texts)],
            ["born_soon", "born", "at_most", "-0.5", draw(texts)],
            ["born_soon", "likes", "contains", "=a ; b", ""],
        ],
        "buying_stages": [
            [stage, str(number), draw(positive), draw(texts)]
            for number, stage in enumerate(
                draw(st.permutations(ACTIVITIES.column("buying_stage").choices)),
                start=1,
            )
        ],
        "fit_rules": [
            ["born", "between", "-1 to 1", blank_or(positive), draw(numbers()), ""],
            ["likes", "in", "a;b", "", draw(numbers()), draw(texts)],
        ],
        "fit_grades": [["A", "99.5"], ["B", "2"], ["C", "1"], ["D", "0"]],
        "group_rules": [
            [model, group, draw(positive)]
            for model in models
            for group in sorted(set(used_groups))
            if draw(st.booleans())
        ],
        "score_bands": [
            [model, *band]
            for model in models
            for band in (
                ("hot", "3.5", "3.25", "1"),
                ("warm", "1", "0.123456789", "2"),
                ("cold", "0", "0", "3"),
            )
        ],
        "derived_signals": [
            [signal, draw(whole), *parameters, draw(texts)]
            for signal, parameters in SIGNAL_PARAMETERS.items()
            if draw(st.booleans())
        ],
        "event_names": [
            [
                draw(names),
                name,
                blank_or(st.sampled_from(activities)),
                blank_or(st.just(pick("event_names", "effect"))),
            ]
            for name in draw(st.lists(texts.filter(bool), max_size=3, unique=True))
        ],
        "feed_preferences": [
            [feed, str(number), draw(texts)]
            for number, feed in enumerate(feeds, start=1)
        ],
        "hygiene_rules": [
            [
                rule,
                *draw(asked),
                draw(names),
                draw(switch),
                draw(texts),
            ]
            for rule in draw(st.lists(names, max_size=3, unique=True))
        ],
        "feed_expectations": [
            [
                feed,
                draw(names),
                *draw(silences),
                str(draw(st.integers(1, 52))),
                draw(whole),
                blank_or(shares),
                blank_or(st.just("2.5")),
                blank_or(shares),
                blank_or(shares),
                draw(texts),
            ]
            for feed in feeds
        ],
        "identity_limits": [
            [kind, linked_kind, draw(whole), draw(texts)]
            for kind, linked_kind in permutations(("email", "phone", "user_id"), 2)
            if draw(st.booleans())
        ],
    }
    return {
        sheet.name: write_seed(sheet.column_names, rows[sheet.name]) for sheet in SHEETS
    }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(valid_seeds())
def test_any_valid_sheets_survive_the_round_trip(seeds: dict[str, bytes]) -> None:
    reading = Reading({it.name: read_seed(it, seeds[it.name]) for it in SHEETS})
    tables = understand(reading)
    assert find_faults(reading, tables) == []
    saved = BytesIO()
    build_workbook(tables, {}).save(saved)
    path = Path(os.environ["PYTEST_ROUND_TRIP"])
    path.write_bytes(saved.getvalue())
    back = load_reading(path)
    tables_back = understand(back)
    assert find_faults(back, tables_back) == []
    for sheet in SHEETS:
        assert render(tables_back[sheet.name]) == seeds[sheet.name]


@pytest.fixture(autouse=True, scope="module")
def _round_trip_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A place for the property test, which can't have one per example."""
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("round_trip") / "rules.xlsx"
        patch.setenv("PYTEST_ROUND_TRIP", str(place))
        yield


# --- Import ---------------------------------------------------------------------------


def test_import_writes_what_changed_and_nothing_else(seeds: Path, book: Path) -> None:
    before = contents(seeds)

    def edit(workbook: Workbook) -> None:
        rules = page(workbook, "activity_rules")
        rules["D2"] = 3.0
        rules["E2"] = None
        rules["I4"] = "TRUE"
        rules.append(["loyalty", "cart_added", "", " 1.50 ", 7, 4, 2, None, True, 2025])
        page(workbook, "feed_preferences").delete_rows(4)
        bands = page(workbook, "score_bands")
        bands["C2"] = 3.2

    edit_book(book, edit)
    code, answer = import_json(book, "--yes")
    assert (code, answer["written"], answer["faults"]) == (0, True, [])
    assert [
        (it["sheet"], it["change"], " ".join(it["key"]).strip(), it["columns"])
        for it in answer["changes"]
        if it["change"] == "changed"
    ] == [
        (
            "activity_rules",
            "changed",
            "purchase product_viewed",
            {
                "points": {"before": "1", "after": "3"},
                "half_life_days": {"before": "7", "after": ""},
            },
        ),
        (
            "activity_rules",
            "changed",
            "purchase checkout_started",
            {"is_enabled": {"before": "false", "after": "true"}},
        ),
        (
            "score_bands",
            "changed",
            "purchase hot",
            {"enter_at": {"before": "3", "after": "3.2"}},
        ),
    ]
    assert [(it["change"], it["key"]) for it in answer["changes"]][2:] == [
        ("added", ["loyalty", "cart_added", ""]),
        ("changed", ["purchase", "hot"]),
        ("removed", ["email"]),
    ]
    wanted = dict(before)
    wanted[RULES] = (
        before[RULES]
        .replace(b"viewed,,1,7,", b"viewed,,3,,")
        .replace(b"false,=SUM", b"true,=SUM")
        + b"loyalty,cart_added,,1.5,7,4,2,,true,2025\n"
    )
    wanted[FEEDS] = before[FEEDS].replace(b"email,3,\n", b"")
    # what didn't change keeps its spelling: 2.7, but also 1.0
    wanted[BANDS] = before[BANDS].replace(b"hot,3.0", b"hot,3.2", 1)
    assert contents(seeds) == wanted
    assert not (seeds / writing.ASIDE).exists()


def test_import_keeps_the_order_of_the_sheet(seeds: Path, book: Path) -> None:
    def swap(workbook: Workbook) -> None:
        sheet = page(workbook, "feed_preferences")
        for column in "ABC":
            first, second = sheet[f"{column}2"], sheet[f"{column}3"]
            first.value, second.value = second.value, first.value

    edit_book(book, swap)
    _, answer = import_json(book, "--yes")
    assert [it["change"] for it in answer["changes"]] == ["reordered"]
    lines = (seeds / FEEDS).read_text().splitlines()
    assert lines[1:3] == ["web,2,The tracker misses some", "shop,1,"]


def test_dry_run_and_no_write_nothing(seeds: Path, book: Path) -> None:
    set_cell(book, "activity_rules", "D2", 3)
    before = contents(seeds)
    result = runner.invoke(app, ["import", str(book), "--dry-run"])
    assert result.exit_code == 0
    assert "points: 1 → 3" in result.output
    for answer in ("n\n", ""):
        result = runner.invoke(app, ["import", str(book)], input=answer)
        assert result.exit_code == 1
    assert contents(seeds) == before
    result = runner.invoke(app, ["import", str(book)], input="y\n")
    assert result.exit_code == 0
    assert contents(seeds) != before


def test_json_asks_no_questions(book: Path) -> None:
    result = runner.invoke(app, ["import", str(book), "--json"])
    assert result.exit_code == ExitCode.USAGE


def test_import_mends_faulty_and_missing_seeds(seeds: Path, book: Path) -> None:
    before = contents(seeds)
    (seeds / GROUPS).unlink()
    edit_seed(seeds, RULES, "viewed,,1,", "viewed,,x,")
    edit_seed(seeds, HYGIENE, "%bot/%", "%bot/%,")
    _, answer = import_json(book, "--yes")
    assert [(it["sheet"], it["change"]) for it in answer["changes"]] == [
        ("activity_rules", "changed"),
        ("group_rules", "rewritten"),
        ("hygiene_rules", "rewritten"),
    ]
    assert contents(seeds) == before


def test_import_tells_of_changes_since_the_export(seeds: Path, book: Path) -> None:
    edit_seed(seeds, RULES, "viewed,,1,", "viewed,,5,")
    _, answer = import_json(book, "--dry-run")
    assert "activity_rules" in answer["notes"][0]
    assert answer["changes"][0]["columns"] == {"points": {"before": "5", "after": "1"}}


def test_import_refuses_seeds_that_changed_since_the_question(
    seeds: Path, book: Path
) -> None:
    set_cell(book, "activity_rules", "D2", 3)
    plan = plan_import(seeds, book)
    edit_seed(seeds, RULES, "viewed,,1,", "viewed,,5,")
    with pytest.raises(BadInputError, match="changed by somebody else"):
        writing.replace_all(seeds, plan.contents, plan.expected)
    assert "viewed,,5," in (seeds / RULES).read_text()


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("activity_rules!D2", "3,5", (2, "points", "comma")),
        ("activity_rules!D3", datetime(2025, 5, 3), (3, "points", "date")),
        ("activity_rules!E3", 1e300, (3, "half_life_days", "too large")),
        ("activity_rules!D3", "=1+1", (3, "points", "without a stored result")),
        ("activity_rules!D3", ArrayFormula("D3", "=A1"), (3, "points", "stored")),
        ("activity_rules!D3", "#REF!", (3, "points", "error of the spreadsheet")),
        ("activity_rules!B3", "cart_\u0430dded", (3, "activity", "is no activity")),
        ("activity_rules!D1", "Point", (1, "Point", "is not a column")),
        ("activity_rules!L4", "look here", (4, "L", "without a name")),
        ("activity_rules!I2", 1, (2, "is_enabled", "neither")),
        ("hygiene_rules!J2", "one\ntwo", (2, "note", "line break")),
        ("hygiene_rules!J2", "one_x000D_two", (2, "note", "line break")),
    ],
)
def test_import_names_the_fault(
    seeds: Path, book: Path, place: str, value: object, expected: tuple[int, str, str]
) -> None:
    sheet, cell = place.split("!")
    set_cell(book, sheet, cell, value)
    before = contents(seeds)
    code, answer = import_json(book, "--yes")
    assert code == ExitCode.BAD_INPUT
    assert not answer["written"]
    fault = answer["faults"][0]
    row, column, wrong = expected
    assert (fault["sheet"], fault["row"], fault["column"]) == (sheet, row, column)
    assert wrong in fault["wrong"]
    assert contents(seeds) == before


def test_import_shows_all_faults_at_once(seeds: Path, book: Path) -> None:
    set_cell(book, "activity_rules", "D2", "3,5")
    set_cell(book, "score_bands", "C3", 9)
    before = contents(seeds)
    result = runner.invoke(app, ["import", str(book), "--yes"])
    assert result.exit_code == ExitCode.BAD_INPUT
    assert "2 faults" in result.output
    assert "Nothing was changed" in result.output
    assert contents(seeds) == before


def test_a_formulas_stored_result_counts(seeds: Path, book: Path) -> None:
    del seeds
    set_cell(book, "activity_rules", "D2", "=1+1")
    with zipfile.ZipFile(book) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    at = next(name for name, part in parts.items() if b"<f>1+1</f>" in part)
    parts[at] = parts[at].replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>")
    parts[at] = parts[at].replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>")
    with zipfile.ZipFile(book, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    _, answer = import_json(book, "--dry-run")
    assert answer["changes"][0]["columns"] == {"points": {"before": "1", "after": "2"}}


def test_spreadsheet_habits_do_no_harm(seeds: Path, book: Path) -> None:
    del seeds

    def live_in(workbook: Workbook) -> None:
        rules = page(workbook, "activity_rules")
        rules["D1"] = " Points "
        rules["E1"] = "Half life days"
        rules["A2"] = "  purchase "
        rules["D2"] = "1.0"
        rules["I2"] = "True"
        rules["J3"] = "   "
        rules.insert_rows(4, amount=2)
        rules["B20"] = " "
        rules.title = "Activity rules"
        workbook.create_sheet("my notes")["A1"] = "ask Kim"
        page(workbook, "event_names").sheet_state = "hidden"

    edit_book(book, live_in)
    code, answer = import_json(book, "--yes")
    assert (code, answer["faults"], answer["changes"]) == (0, [], [])
    assert answer["notes"] == [
        "The sheet event_names is hidden. It was read all the same.",
        "The sheet my notes is no rule sheet and was left alone.",
    ]


def test_rows_keep_the_spreadsheets_numbers(seeds: Path, book: Path) -> None:
    del seeds

    def edit(workbook: Workbook) -> None:
        page(workbook, "activity_rules").insert_rows(3, amount=2)
        page(workbook, "activity_rules")["D5"] = "x"

    edit_book(book, edit)
    assert import_json(book, "--yes")[1]["faults"][0]["row"] == 5


def remove_sheet(book: Workbook) -> None:
    book.remove(book["score_bands"])


def merge(book: Workbook) -> None:
    page(book, "score_bands").merge_cells("A2:A3")


def double(book: Workbook) -> None:
    book.copy_worksheet(page(book, "score_bands")).title = "score bands"


def stretch(book: Workbook) -> None:
    page(book, "score_bands")["A30000"] = "x"


def empty(book: Workbook) -> None:
    page(book, "score_bands").delete_rows(1, 100)


@pytest.mark.parametrize(
    ("edit", "wrong"),
    [
        (remove_sheet, "the sheet is missing"),
        (merge, "the cells A2:A3 are merged"),
        (double, "stands twice: as score_bands and as score bands"),
        (stretch, "the sheet reaches down to row 30000"),
        (empty, "is missing"),
    ],
)
def test_import_names_what_is_wrong_with_a_sheet(
    seeds: Path, book: Path, edit: Callable[[Workbook], None], wrong: str
) -> None:
    edit_book(book, edit)
    before = contents(seeds)
    code, answer = import_json(book, "--yes")
    assert code == ExitCode.BAD_INPUT
    assert {it["sheet"] for it in answer["faults"]} == {"score_bands"}
    assert answer["faults"][0]["wrong"] == wrong
    assert contents(seeds) == before


def zip_of(**parts: bytes) -> bytes:
    saved = BytesIO()
    with zipfile.ZipFile(saved, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name.replace("__", "/"), part)
    return saved.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("none.xlsx", None, UnavailableError, "can't be read"),
        ("rules.csv", b"a,b", BadInputError, "isn't an .xlsx"),
        ("~$rules.xlsx", b"x", BadInputError, "is open"),
        ("text.xlsx", b"a,b", BadInputError, "isn't a workbook"),
        ("empty.xlsx", b"", BadInputError, "isn't a workbook"),
        ("old.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600), BadInputError, "password"),
        ("zip.xlsx", zip_of(readme=b"hi"), BadInputError, "isn't a workbook"),
        (
            "broken.xlsx",
            zip_of(xl__workbook=b"<", **{"[Content_Types].xml": b"<Types"}),
            BadInputError,
            "isn't a workbook",
        ),
    ],
)
def test_import_refuses_other_files(
    seeds: Path, name: str, content: bytes | None, error: type, words: str
) -> None:
    del seeds
    if content is not None:
        Path(name).write_bytes(content)
    result = runner.invoke(app, ["import", name, "--yes"])
    assert isinstance(result.exception, error)
    assert words in str(result.exception)


def test_import_refuses_half_a_workbook(seeds: Path, book: Path) -> None:
    del seeds
    book.write_bytes(book.read_bytes()[:-2000])
    with pytest.raises(BadInputError, match="half saved"):
        load_reading(book)


# --- Crashes --------------------------------------------------------------------------

KILLED_AT_STEP = """
import os, signal, sys
from pathlib import Path
from intent.rules import service, writing

steps = int(sys.argv[3])

def counted(function):
    def step(*arguments):
        global steps
        if steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        steps -= 1
        return function(*arguments)
    return step

writing._write_through = counted(writing._write_through)
writing._rename = counted(writing._rename)
seeds = Path(sys.argv[1])
service.apply_import(seeds, service.plan_import(seeds, Path(sys.argv[2])))
"""
WRITES, JOURNAL_WRITE, RENAMES = 3, 2, 3
"""The steps of an import that changes three files."""


@pytest.mark.parametrize("steps", range(WRITES + JOURNAL_WRITE + RENAMES + 1))
def test_a_killed_import_is_whole_or_undone(
    seeds: Path, book: Path, steps: int
) -> None:
    set_cell(book, "activity_rules", "D2", 3)
    set_cell(book, "group_rules", "C2", 9)
    set_cell(book, "hygiene_rules", "J2", "robots")
    old = contents(seeds)
    new = {
        **old,
        RULES: old[RULES].replace(b"viewed,,1,", b"viewed,,3,"),
        GROUPS: old[GROUPS].replace(b"browse,8", b"browse,9"),
        HYGIENE: old[HYGIENE].replace(b"agent,true,", b"agent,true,robots"),
    }
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_STEP, str(seeds), str(book), str(steps)],
        check=False,
    )
    is_whole_run = steps == WRITES + JOURNAL_WRITE + RENAMES
    assert done.returncode == (0 if is_whole_run else -signal.SIGKILL)
    renamed = max(0, steps - WRITES - JOURNAL_WRITE)
    assert sum(old[path] != text for path, text in contents(seeds).items()) == renamed

    result: Result = runner.invoke(app, ["check"])

    assert result.exit_code == 0
    is_committed = steps >= WRITES + JOURNAL_WRITE
    assert contents(seeds) == (new if is_committed else old)
    assert ("interrupted change was finished" in result.output) == (
        is_committed and not is_whole_run
    )
    assert not (seeds / writing.ASIDE).exists()


PLACE = PurePosixPath(FEEDS)


PREFERENCES = "feed,preference,note\nweb,1,\nshop,2,\n"


def leave_journal(seeds: Path) -> None:
    """Leave what an import that was cut off before its only rename leaves."""
    known = read_seeds(seeds).fingerprints["feed_preferences"]
    journal = writing._write_aside(seeds, {PLACE: PREFERENCES.encode()}, {PLACE: known})
    writing._commit(seeds, journal)


def test_export_and_import_finish_what_a_crash_left(seeds: Path, book: Path) -> None:
    leave_journal(seeds)
    assert runner.invoke(app, ["export", "other.xlsx"]).exit_code == 0
    assert (seeds / FEEDS).read_text() == PREFERENCES
    assert runner.invoke(app, ["import", str(book), "--yes"]).exit_code == 0
    leave_journal(seeds)
    assert import_json(Path("other.xlsx"), "--yes")[1]["changes"] == []


def test_recovery_overwrites_nobodys_change(seeds: Path) -> None:
    leave_journal(seeds)
    edit_seed(seeds, FEEDS, "shop,1", "shop,7")
    changed = contents(seeds)
    result = runner.invoke(app, ["check"])
    assert isinstance(result.exception, BadInputError)
    assert "was changed since" in str(result.exception)
    assert contents(seeds) == changed


def test_recovery_tells_of_a_broken_journal(seeds: Path) -> None:
    leave_journal(seeds)
    (seeds / writing.ASIDE / writing.JOURNAL).write_text("{")
    with pytest.raises(BadInputError, match="Delete the folder"):
        writing.recover(seeds)


def test_two_imports_at_once(seeds: Path) -> None:
    with writing._locked(seeds), pytest.raises(UnavailableError, match="Another"):
        writing.replace_all(seeds, {PLACE: b"x"}, {})


# --- Show, and the docs ---------------------------------------------------------------


def test_show_reads_like_a_table_of_rules(seeds: Path) -> None:
    del seeds
    text = runner.invoke(app, ["show"]).output
    assert "purchase: Readiness to buy (active, primary, scale 11.8)" in text
    assert "checkout_started (off)" in text
    assert "never" in text
    assert "Caps of groups: browse 8" in text
    assert "hot from 3.0 (until under 2.7)" in text
    text = runner.invoke(app, ["show", "--sheet", "loyalty"]).output
    assert "180 d" in text
    assert "checkout_started" not in text


def test_show_names_the_scores_there_are(seeds: Path) -> None:
    del seeds
    result = runner.invoke(app, ["show", "--sheet", "loyal"])
    assert isinstance(result.exception, BadInputError)
    assert "purchase, loyalty" in str(result.exception)


def test_the_docs_hold_every_column() -> None:
    # where this fails: paste what columns_markdown() returns
    assert columns_markdown() in (PROJECT / "docs" / "rules.md").read_text()
