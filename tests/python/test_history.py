"""The history that builds write day by day, the one that a backfill writes, and why
contacts changed their segment, against the reference scorer.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from builds import Build, build_in_turn
from conftest import PROJECT, Row, Shop, copy_project, variables_of
from history_shop import (
    FEEDS,
    JOINED,
    LATE_NEWS,
    OBJECTOR,
    PEOPLE,
    Told,
    days,
    files_of,
    is_on_time,
    shop_rows,
)
from reference import read_world, score_world

WEEK = days()
NEXT_DAY = WEEK[-1] + timedelta(days=1)
BUILT = [WEEK[number] for number in (0, 1, 3, 5, 8)]
"""Builds run on these days; the next makes up for the midnights of the others."""
LOOKBACK = 90
EDGES = {"hot": (3.0, 2.7), "warm": (1.0, 0.8)}
MODELS = (
    "--select",
    "+segment_daily",
    "+int_segments_since",
    "+contact_intent_changes",
)
CHANGED_RULES = {
    "score_models": ("purchase,active,true,10,", "purchase,active,true,7,"),
    "score_bands": ("loyalty,hot,3.0,2.7,", "loyalty,hot,2.6,2.3,"),
}

Key = tuple[str, str, date]
"""Contact, sheet, midnight."""
Scores = Mapping[tuple[str, str], float]
"""Contact and sheet to score, at one midnight."""


class Shops(NamedTuple):
    """The same shop, built in several ways."""

    lived: Shop
    """As the days went, files landing as they came."""
    at_once: Shop
    """When all had come."""
    earlier: Shop
    """Like `lived`, and then as of a past midnight."""
    changed: Shop
    """Like `lived`, and then a day later by other rules."""


@pytest.fixture(scope="module")
def rows() -> list[Told]:
    return shop_rows()


@pytest.fixture(scope="module")
def shops(rows: list[Told], tmp_path_factory: pytest.TempPathFactory) -> Shops:
    project = copy_project(tmp_path_factory.mktemp("project"))
    shops = Shops(
        *(Shop(tmp_path_factory.mktemp(name), project) for name in Shops._fields)
    )
    build_in_turn(
        [
            *(
                Build(
                    shops.lived,
                    day,
                    MODELS,
                    files=landed(shops.lived, rows, since, day),
                )
                for since, day in zip([None, *BUILT], BUILT, strict=False)
            ),
            Build(
                shops.at_once,
                WEEK[-1],
                files=landed(shops.at_once, rows, None, WEEK[-1]),
            ),
            Build(shops.earlier, WEEK[3], MODELS, copy_of=shops.lived),
            Build(
                shops.changed,
                NEXT_DAY,
                MODELS,
                copy_of=shops.lived,
                files=changed_rules(project),
            ),
        ],
        FEEDS,
    )
    return shops


def landed(
    shop: Shop, rows: list[Told], after: date | None, until: date
) -> dict[Path, str]:
    files = files_of(rows, after, until)
    return {shop.landing / name: text for name, text in files.items()}


def changed_rules(project: Path) -> dict[Path, str]:
    found = {}
    for sheet, (before, after) in CHANGED_RULES.items():
        file = project / "seeds" / "rules" / f"{sheet}.csv"
        text = file.read_text()
        assert text.count(before) == 1
        found[file] = text.replace(before, after)
    return found


@pytest.fixture(scope="module")
def lived(shops: Shops) -> Shop:
    return shops.lived


@pytest.fixture(scope="module")
def restated(shops: Shops, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop that was built at once, and its week written by a backfill."""
    shop = Shop(shops.at_once.copy_to(tmp_path_factory.mktemp("restated")).folder)
    done = backfill(shop, WEEK[0], WEEK[-1], "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["midnights"], told["lived"], told["passes"]) == (8, 1, 1)
    assert "segment_daily" in told["published"]
    return shop


def backfill(
    shop: Shop, first: date, last: date, *options: str
) -> subprocess.CompletedProcess[str]:
    dates = ("--from", first.isoformat(), "--to", last.isoformat())
    return shop.intent("backfill", *dates, *options)


@pytest.fixture(scope="module")
def on_time(restated: Shop) -> set[str]:
    """The contacts of whom no row was late."""
    found = restated.rows("select contact_id, email from contact_intent")
    contacts = {row["contact_id"] for row in found if is_on_time(row["email"])}
    assert len(contacts) > PEOPLE / 2
    return contacts


def scores_at(landing: Path, midnights: list[date]) -> dict[date, Scores]:
    """What the reference finds in the files of a folder."""
    world = read_world(landing, PROJECT / "seeds", FEEDS)
    found: dict[date, Scores] = {}
    for midnight in midnights:
        result = score_world(world, datetime.combine(midnight, datetime.min.time()))
        found[midnight] = {
            (result.contacts[key].contact_id, sheet): score.intent_score
            for (key, sheet), score in result.scores.items()
        }
    return found


@pytest.fixture(scope="module")
def known_today(shops: Shops) -> dict[date, Scores]:
    """By all rows, at the midnights of the week and those before to look back at."""
    back = [WEEK[0] - timedelta(days=number) for number in range(LOOKBACK, 0, -1)]
    return scores_at(shops.at_once.landing, [*back, *WEEK])


@pytest.fixture(scope="module")
def known_then(
    rows: list[Told], tmp_path_factory: pytest.TempPathFactory
) -> dict[date, Scores]:
    """By the rows that had come until the build that wrote the midnight."""
    found: dict[date, Scores] = {}
    for before, day in zip([date.min, *BUILT], BUILT, strict=False):
        shop = Shop(tmp_path_factory.mktemp("known_then"))
        for file, text in landed(shop, rows, None, day).items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        midnights = [each for each in WEEK if before < each <= day]
        found |= scores_at(shop.landing, midnights)
    return found


def history(shop: Shop) -> dict[Key, Row]:
    return by_key(shop.rows("from contact_intent_history"), "as_of_date")


def transitions(shop: Shop) -> dict[Key, Row]:
    rows = shop.rows(
        "select * replace (transitioned_at::date as transitioned_at)"
        " from segment_transitions"
    )
    return by_key(rows, "transitioned_at")


def by_key(rows: list[Row], when: str) -> dict[Key, Row]:
    found = {(row["contact_id"], row["score_model"], row[when]): row for row in rows}
    assert len(found) == len(rows), "a key stands twice"
    return found


def only_of(contacts: set[str], rows: Mapping[Key, Row]) -> dict[Key, Row]:
    return {key: row for key, row in rows.items() if key[0] in contacts}


def test_what_builds_said_day_by_day_a_backfill_says_too(
    lived: Shop, restated: Shop, on_time: set[str]
) -> None:
    said, restates = (
        only_of(on_time, history(lived)),
        only_of(on_time, history(restated)),
    )
    assert said.keys() == restates.keys()
    for key, row in said.items():
        again = restates[key]
        assert abs(row["intent_score"] - again["intent_score"]) < 1e-9, key
        assert row["segment"] == again["segment"], key
        assert row["basis"] == "lived"
        assert again["basis"] == ("lived" if key[2] == WEEK[-1] else "restated")
    moves = only_of(on_time, transitions(lived))
    assert moves == only_of(on_time, transitions(restated))
    assert len(moves) > 15


def test_since_when_contacts_are_in_their_segment_is_the_same_after_a_backfill(
    lived: Shop, restated: Shop, on_time: set[str]
) -> None:
    query = "select contact_id, segment_since from {}"
    told = lived.rows(
        query.format("intent_intermediate.int_segments_since")
        + " where score_model = 'purchase'"
    )
    shown = restated.rows(query.format("contact_intent"))
    assert {
        row["contact_id"]: row["segment_since"]
        for row in told
        if row["contact_id"] in on_time
    } == {
        row["contact_id"]: row["segment_since"]
        for row in shown
        if row["contact_id"] in on_time
    }
    assert len({row["segment_since"] for row in shown}) > 5


def test_late_rows_make_the_whole_difference_between_lived_and_restated(
    lived: Shop,
    restated: Shop,
    known_then: dict[date, Scores],
    known_today: dict[date, Scores],
) -> None:
    check_scores(lived, known_then)
    check_scores(restated, known_today)
    corrections = [
        abs(known_then[midnight].get(key, 0) - score)
        for midnight in WEEK[:-1]
        for key, score in known_today[midnight].items()
    ]
    assert sum(correction > 1e-6 for correction in corrections) > 100


def check_scores(shop: Shop, known: Mapping[date, Scores]) -> None:
    """The history has all scores from 0.05 on, and no others but of contacts."""
    said = history(shop)
    objector = contact_of(shop, OBJECTOR)
    expected = {
        (*key, midnight): score
        for midnight in WEEK
        for key, score in known[midnight].items()
        if key[0] != objector
    }
    for key, score in expected.items():
        if key in said:
            assert abs(said[key]["intent_score"] - score) < 1e-9, key
        else:
            assert score < 0.05, key
    gone = said.keys() - expected.keys()
    assert {said[key]["segment"] for key in gone} <= {None}


def test_segments_are_the_fold_over_the_ninety_midnights_before(
    restated: Shop, known_today: dict[date, Scores]
) -> None:
    said = history(restated)
    held = Counter[str]()
    for midnight in WEEK:
        for key, score in known_today[midnight].items():
            row = said.get((*key, midnight))
            segment = folded(known_today, key, midnight)
            assert (row["segment"] if row else "cold") == segment, (key, midnight)
            held[segment] += segment != "cold" and round(score, 9) < EDGES[segment][0]
    assert min(held["hot"], held["warm"]) > 20


def folded(scores: dict[date, Scores], key: tuple[str, str], midnight: date) -> str:
    """The band of a contact by one midnight after the other."""
    nights = [midnight - timedelta(days=days) for days in range(LOOKBACK, -1, -1)]
    is_in = dict.fromkeys(EDGES, False)
    for night in nights:
        score = round(scores.get(night, {}).get(key, 0.0), 9)
        for band, (enter_at, exit_below) in EDGES.items():
            if score >= enter_at:
                is_in[band] = True
            elif score < exit_below:
                is_in[band] = False
    return next((band for band in EDGES if is_in[band]), "cold")


def test_a_transition_stands_for_each_change_and_for_nothing_else(
    lived: Shop, restated: Shop
) -> None:
    for shop in (lived, restated):
        said = history(shop)
        changes = {
            (contact, sheet, midnight)
            for contact, sheet in {key[:2] for key in said}
            for before, midnight in pairwise(WEEK)
            if segment_of(said, contact, sheet, before)
            != segment_of(said, contact, sheet, midnight)
        }
        moves = transitions(shop)
        assert moves.keys() == changes
        for key, row in moves.items():
            assert row["to_segment"] == segment_of(said, *key)
        assert len(moves) > 25


def segment_of(
    said: Mapping[Key, Row], contact: str, sheet: str, day: date
) -> str | None:
    """The segment by the history; who has no row, is cold or is nobody."""
    row = said.get((contact, sheet, day))
    return row["segment"] if row else "cold"


def test_each_midnight_adds_up(
    lived: Shop, restated: Shop, known_today: dict[date, Scores]
) -> None:
    for shop in (lived, restated):
        check_sums(shop)
        [newest] = shop.rows(
            "select sum(contacts) as contacts,"
            " sum(contacts) filter (segment = 'suppressed') as suppressed,"
            " sum(score_sum) as score_sum from segment_daily"
            f" where score_model = 'purchase' and as_of_date = date '{WEEK[-1]}'"
        )
        scores = [v for (_, s), v in known_today[WEEK[-1]].items() if s == "purchase"]
        assert newest["contacts"] == len(scores) + 1
        assert newest["suppressed"] == 1
        assert abs(newest["score_sum"] - sum(scores)) < 1e-6


def check_sums(shop: Shop) -> None:
    """Contacts rise by entries less exits, which are the transitions.

    Where there was a history of the objector, its moves are counted too, and no more.
    """
    daily = {
        (row["as_of_date"], row["score_model"], row["segment"]): row
        for row in shop.rows("from segment_daily")
    }
    assert len({key[0] for key in daily}) == len(WEEK)
    moved = Counter[Any]()
    unnamed = defaultdict[Any, set[Any]](set)
    for move in transitions(shop).values():
        at = (move["transitioned_at"], move["score_model"])
        moved[*at, move["to_segment"], "entries"] += 1
        moved[*at, move["from_segment"], "exits"] += 1
    for key, row in daily.items():
        if key[2] in ("hot", "warm") and key[0] > WEEK[0]:
            before = daily[key[0] - timedelta(days=1), *key[1:]]
            rise = row["contacts"] - before["contacts"]
            assert rise == row["entries"] - row["exits"], key
            for side in ("entries", "exits"):
                if row[side] != moved[*key, side]:
                    unnamed[key[0], side, row[side] - moved[*key, side]].add(key[1:])
    if "lived" in shop.folder.name:
        assert unnamed.keys() == {(WEEK[4], "entries", 1), (WEEK[6], "exits", 1)}
        assert all(("purchase", "hot") in keys for keys in unnamed.values())
    else:
        assert not unnamed


def test_who_objects_has_no_history_any_more(lived: Shop, restated: Shop) -> None:
    for shop in (lived, restated):
        objector = contact_of(shop, OBJECTOR)
        assert not [key for key in history(shop) if key[0] == objector]
        assert not [key for key in transitions(shop) if key[0] == objector]


def contact_of(shop: Shop, email: str) -> str:
    found = shop.value(
        "select contact_id from intent_intermediate.int_contacts"
        f" where email = '{email}'"
    )
    assert isinstance(found, str)
    return found


def cause_of(shop: Shop, email: str, day: date) -> Row:
    moves = shop.rows(
        "select from_segment, to_segment, cause, top_driver from segment_transitions"
        f" where contact_id = '{contact_of(shop, email)}' and score_model = 'purchase'"
        f" and transitioned_at = date '{day}'"
    )
    assert len(moves) == 1, moves
    return moves[0]


def test_the_cause_of_a_change_is_what_moved_the_score(
    lived: Shop, restated: Shop
) -> None:
    checkouts = {"from_segment": "cold", "top_driver": "checkout_started"}
    # They came when the midnight after them had been written, without them.
    assert cause_of(lived, LATE_NEWS, WEEK[4]) == checkouts | {
        "to_segment": "warm",
        "cause": "correction",
    }
    assert cause_of(restated, LATE_NEWS, WEEK[3]) == checkouts | {
        "to_segment": "warm",
        "cause": "new_activity",
    }
    for shop in (lived, restated):
        assert cause_of(shop, JOINED, WEEK[4]) == {
            "from_segment": "cold",
            "to_segment": "warm",
            "cause": "identity_change",
            "top_driver": "cart_added",
        }
    causes = Counter(row["cause"] for row in transitions(restated).values())
    assert causes["new_activity"] > 5
    assert causes["decay"] > 10
    assert causes["correction"] == causes["rule_change"] == 0


def test_a_past_clock_writes_nothing_and_knows_nothing_later(
    shops: Shops, on_time: set[str], known_today: dict[date, Scores]
) -> None:
    assert history(shops.earlier) == history(shops.lived)
    assert transitions(shops.earlier) == transitions(shops.lived)
    daily = "from segment_daily order by all"
    assert shops.earlier.rows(daily) == shops.lived.rows(daily)
    moved = {
        (contact, sheet): at
        for contact, sheet, at in sorted(transitions(shops.lived))
        if at <= WEEK[3]
    }
    for row in shops.earlier.rows("from intent_intermediate.int_segments_since"):
        key, since = (
            (row["contact_id"], row["score_model"]),
            row["segment_since"].date(),
        )
        assert since <= WEEK[3]
        if key[0] in on_time and key in moved:
            assert since == moved[key]
    for row in shops.earlier.rows("from contact_scores"):
        key = (row["contact_id"], row["score_model"])
        if key[0] in on_time:
            assert row["segment"] == folded(known_today, key, WEEK[3])


def test_other_rules_are_the_cause_of_the_changes_they_make(
    shops: Shops, known_today: dict[date, Scores]
) -> None:
    before, after = history(shops.lived), history(shops.changed)
    assert {key: row for key, row in after.items() if key[2] < NEXT_DAY} == before
    moves = [
        row for key, row in transitions(shops.changed).items() if key[2] == NEXT_DAY
    ]
    causes = Counter((row["score_model"], row["cause"]) for row in moves)
    # More score for all points in one sheet, lower edges in another.
    assert causes["purchase", "rule_change"] > 3
    assert causes["loyalty", "rule_change"] > 3
    assert causes["sample", "rule_change"] == 0
    for row in moves:
        if row["score_model"] == "loyalty" and row["cause"] == "rule_change":
            key = (row["contact_id"], "loyalty")
            assert folded(known_today, key, WEEK[-1]) == row["from_segment"]
    for row in shops.changed.rows("from contact_intent_changes"):
        parts = ("decay", "new_activity", "corrections", "identity", "rules")
        rise = row["score_to"] - row["score_from"]
        assert abs(rise - sum(row[part] for part in parts)) < 1e-9
        assert abs(row["rules"]) < 1e-9 or row["score_model"] == "purchase"


@pytest.mark.parametrize(
    "models",
    [
        ["contact_intent_history"],
        pytest.param(
            # Once before anything was written, and once when all is written anew.
            ["contact_intent_history", "segment_transitions"],
            marks=pytest.mark.proofs,
        ),
    ],
    ids=["once", "twice"],
)
def test_a_backfill_that_is_killed_is_made_up_for(
    shops: Shops, restated: Shop, tmp_path: Path, models: list[str]
) -> None:
    """And one that is repeated changes nothing."""
    shop = Shop(shops.at_once.copy_to(tmp_path).folder)
    for model in models:
        kill_at(shop, rf"OK created sql .*\.{model} ")
        # What is not written in full, counts as missing.
        written = {row["as_of_date"] for row in shop.rows("from segment_daily")}
        assert written == {WEEK[-1]}
        done = backfill(shop, WEEK[0], WEEK[-1])
        assert done.returncode == 0, done.stdout + done.stderr
        assert everything(shop) == everything(restated)


def everything(shop: Shop) -> dict[str, list[Row]]:
    """All that the history says, to the digits that count."""
    return {
        "history": shop.rows(
            "select * replace (round(intent_score, 9) as intent_score)"
            " from contact_intent_history order by all"
        ),
        "transitions": shop.rows("from segment_transitions order by all"),
        "daily": shop.rows(
            "select * exclude (run_id) replace ("
            " round(score_sum, 9) as score_sum, round(score_mean, 9) as score_mean)"
            " from segment_daily order by all"
        ),
    }


def kill_at(shop: Shop, said: str) -> None:
    """Kill a backfill, and all that it runs, when dbt has said something."""
    log = shop.folder / "logs" / "dbt.log"
    log.unlink(missing_ok=True)
    options = ("--from", WEEK[0].isoformat(), "--to", WEEK[-1].isoformat())
    command = [str(Path(sys.executable).with_name("intent")), "backfill", *options]
    environment = shop.made_ready(command, variables_of(options))
    with subprocess.Popen(
        command,
        env={**environment, "DBT_LOG_LEVEL_FILE": "info"},
        cwd=shop.project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        while process.poll() is None:
            if log.exists() and re.search(said, log.read_text()):
                os.killpg(process.pid, signal.SIGKILL)
                break
            time.sleep(0.005)
    assert process.returncode == -signal.SIGKILL
    with suppress(ProcessLookupError):
        while True:  # until the last of the group is gone
            os.killpg(process.pid, 0)
            time.sleep(0.01)
