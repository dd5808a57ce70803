"""A plan says what a publish then does, and a rollback brings back what was."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from shutil import copytree
from statistics import fmean
from typing import Any, NamedTuple

import pytest
from builds import Build, build_in_turn
from conftest import DEMO, PROJECT, Shop, copy_project
from history_shop import FEEDS, days, files_of, shop_rows
from intent.rules.live import standing
from intent.rules.live.change_log import PLACE
from intent.rules.live.render import ID_SHOWN
from intent.rules.live.standing import TOO_LITTLE, read_quality
from intent.rules.live.switch import rollback_switch, write_switch
from intent.warehouse import open_warehouse
from test_rules_publish import publish

END = DEMO.until.isoformat()
SEGMENTS = ("hot", "warm", "cold")
SHOWN = "select * exclude (as_of, data_as_of) from contact_intent order by contact_id"


class Played(NamedTuple):
    """What was seen on the way from a draft to live and back."""

    shop: Shop
    plan: dict[str, Any]
    printed: str
    refused: str
    replanned: str
    due: int
    """What the sync had to send after the build that followed the publish."""
    scores: dict[str, dict[str, Any]]
    """What was shown of each contact at first."""
    published: dict[str, dict[str, Any]]


def shown(shop: Shop) -> dict[str, dict[str, Any]]:
    return {row["contact_id"]: row for row in shop.rows(SHOWN)}


def state(shop: Shop) -> dict[Path, bytes]:
    """All that a plan must leave alone."""
    files = [shop.warehouse, shop.folder / "ledger.duckdb"]
    files += [path for path in (shop.project / "seeds").rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def played(demo_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("live")
    copied = demo_shop.copy_to(folder / "shop")
    shop = Shop(copied.folder, copy_project(folder / "project"))
    copytree(PROJECT / "syncs", shop.project / "syncs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INTENT_FILES_FOLDER", str(folder / "exports"))
        assert shop.intent("sync", "run", "files", "--yes").returncode == 0
        scores, before = shown(shop), state(shop)

        printed = shop.intent("rules", "plan", "loyalty", "--no-writes")
        assert printed.returncode == 7, printed.stderr
        refused = shop.intent("rules", "publish", "loyalty", "--yes", "--no-writes")
        assert refused.returncode == 7
        assert state(shop) == before

        options = ("--allow", "moved", "--yes", "--json", "--movers", "20")
        done = shop.intent("rules", "publish", "loyalty", *options)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["written"], told["primary"]) == (True, "loyalty")
        changed = {name for name, text in state(shop).items() if text != before[name]}
        assert {path.name for path in changed} == {
            *("score_models.csv", "sheet_changes.csv"),
        }
        assert not list(shop.folder.glob(".rules_plan_*"))
        replanned = shop.intent("rules", "plan", "sample")
        assert replanned.returncode == 3
        build(shop)
        published = shown(shop)
        due = json.loads(shop.intent("sync", "plan", "files", "--json").stdout)

        seeds = {path: text for path, text in before.items() if path.suffix == ".csv"}
        assert shop.intent("rules", "rollback", "--yes").returncode == 0
        log = shop.project / "seeds" / PLACE
        assert {p: p.read_bytes() for p in seeds if p != log} == {
            path: text for path, text in seeds.items() if path != log
        }
    return Played(
        shop=shop,
        plan=told["plan"],
        printed=printed.stdout,
        refused=refused.stderr,
        replanned=replanned.stderr,
        due=sum(due["plans"][0]["by_op"].values()),
        scores=scores,
        published=published,
    )


def build(shop: Shop) -> None:
    done = shop.intent("build", "--as-of", END, "--no-publish", tested=False)
    assert done.returncode == 0, done.stderr


def test_contacts_move_as_the_plan_said(played: Played) -> None:
    moves = Counter(
        (row["segment"], played.published[contact]["segment"])
        for contact, row in played.scores.items()
        if row["segment"]
    )
    told = {
        (each["from"], each["to"]): each["contacts"]
        for each in played.plan["movement"]["segments"]
    }
    assert told == {(a, b): moves[a, b] for a in SEGMENTS for b in SEGMENTS}
    moved = sum(count for (a, b), count in moves.items() if a != b)
    assert played.plan["movement"]["moved"] == moved > 0
    assert {row["score_model"] for row in played.published.values()} == {"loyalty"}


def test_movers_are_named_with_reasons_that_add_up(played: Played) -> None:
    movers = played.plan["movers"]
    assert len(movers) == 20
    for mover in movers:
        before = played.scores[mover["contact_id"]]
        after = played.published[mover["contact_id"]]
        assert mover["segment_before"] == before["segment"] != after["segment"]
        assert mover["score_after"] == pytest.approx(after["intent_score"], abs=1e-9)
        change = mover["score_after"] - mover["score_before"]
        assert sum(mover["reasons"].values()) == pytest.approx(change, abs=1e-9)
    assert movers[0]["contact_id"][:ID_SHOWN] in played.printed
    # Nobody is named by more than an id.
    for text in (json.dumps(played.plan), played.printed):
        assert "@" not in text


def test_a_sync_has_to_send_what_the_plan_said(played: Played) -> None:
    [writes] = played.plan["writes"]
    assert (writes["sync"], writes["now"]) == ("files", 0)
    assert writes["then"] == played.due > 0


def test_a_plan_says_how_both_sheets_did_at_past_midnights(
    played: Played, demo_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 94 of the demo's contacts bought within 28 days of a midnight, fewer within 14.
    assert (played.plan["quality"], played.plan["no_quality"]) == ([], TOO_LITTLE)
    monkeypatch.setattr(standing, "LEAST", 94)
    with open_warehouse(demo_shop.warehouse) as connection:
        [quality], why_not = read_quality(connection, "purchase", "loyalty")
    assert (quality.horizon_days, quality.midnights, why_not) == (28, 6, "")
    rows = demo_shop.rows("select * from score_quality where horizon_days = 28")

    def mean(scorer: str, measure: str) -> float:
        return fmean(row[measure] for row in rows if row["scorer"] == scorer)

    assert [quality.roc_auc_before, quality.lift_before] == pytest.approx(
        [mean("purchase", "roc_auc"), mean("purchase", "top_decile_lift")]
    )
    assert [quality.roc_auc_after, quality.lift_after] == pytest.approx(
        [mean("loyalty", "roc_auc"), mean("loyalty", "top_decile_lift")]
    )


def test_guards_and_older_builds_are_told_in_words(played: Played) -> None:
    assert "loyalty was not published, nothing was written" in played.refused
    assert "--allow moved" in played.refused
    assert "moved: " in played.printed
    assert "rule sheets changed since the last build (score_models)" in played.replanned


# The history ------------------------------------------------------------------------

WEEK = days()
MODELS = ("--select", "+segment_daily", "+contact_intent", "sheet_changes")


class Histories(NamedTuple):
    """A shop that publishes and takes it back, and one that never did."""

    switched: Shop
    steady: Shop


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Histories:
    project = copy_project(tmp_path_factory.mktemp("project"))
    shops = Histories(
        *(Shop(tmp_path_factory.mktemp(name), project) for name in Histories._fields)
    )
    seeds, rows = project / "seeds", shop_rows()
    file = seeds / "rules" / "score_models.csv"
    first = file.read_text()
    publish(seeds, "loyalty")
    published = file.read_text()
    write_switch(seeds, rollback_switch(seeds))
    assert file.read_text() == first

    def built(shop: Shop, day: int, after: int | None, models: str) -> Build:
        since = None if after is None else WEEK[after]
        landed: dict[Path, str] = {
            shop.landing / name: text
            for name, text in files_of(rows, since, WEEK[day]).items()
        }
        return Build(shop, WEEK[day], MODELS, files={**landed, file: models})

    build_in_turn(
        [
            built(shops.switched, 0, None, first),
            built(shops.switched, 1, 0, published),
            built(shops.switched, 2, 1, first),
            built(shops.steady, 2, None, first),
        ],
        FEEDS,
    )
    return shops


def sheets_on(shop: Shop, table: str, column: str, day: date) -> set[str]:
    rows = shop.rows(
        f"select distinct score_model from {table} where {column} = date '{day}'"
    )
    return {row["score_model"] for row in rows}


@pytest.mark.proofs
def test_an_archived_sheet_has_a_gap_in_its_history(histories: Histories) -> None:
    shop = histories.switched
    everyone = {"purchase", "loyalty", "sample"}
    history = ("contact_intent_history", "as_of_date")
    assert sheets_on(shop, *history, WEEK[0]) == everyone
    assert sheets_on(shop, *history, WEEK[1]) == everyone - {"purchase"}
    assert sheets_on(shop, *history, WEEK[2]) == everyone
    # Nobody left a segment of the archived sheet: it just says nothing.
    moves = ("segment_transitions", "transitioned_at")
    assert "purchase" not in sheets_on(shop, *moves, WEEK[1])


@pytest.mark.proofs
def test_segments_after_a_rollback_are_as_if_nothing_had_been(
    histories: Histories,
) -> None:
    sql = "select contact_id, score_model, segment, intent_score from contact_intent"
    found, wanted = (
        {row["contact_id"]: row for row in shop.rows(sql)} for shop in histories
    )
    assert found.keys() == wanted.keys()
    for contact, row in wanted.items():
        assert found[contact]["segment"] == row["segment"]
        assert found[contact]["intent_score"] == pytest.approx(
            row["intent_score"], abs=1e-9
        )
    assert {row["score_model"] for row in found.values()} == {"purchase"}


@pytest.mark.proofs
def test_the_warehouse_knows_the_log_and_the_rules_that_held(
    histories: Histories,
) -> None:
    versions = histories.switched.rows(
        "select rule_version, list(distinct score_model order by score_model) as sheets"
        " from intent_intermediate.int_rule_versions group by 1 order by 1"
    )
    assert [(row["rule_version"], row["sheets"]) for row in versions] == [
        (1, ["loyalty", "purchase", "sample"]),
        (2, ["loyalty", "sample"]),
        (3, ["loyalty", "purchase", "sample"]),
    ]
    log = histories.switched.rows(
        "select change, score_model, replaced, contacts_moved"
        " from intent_rules.sheet_changes order by changed_at, change"
    )
    assert [tuple(row.values()) for row in log] == [
        ("publish", "loyalty", "purchase", 10),
        ("rollback", "purchase", "loyalty", None),
    ]


@pytest.mark.proofs
def test_a_sheet_that_is_back_was_brought_by_its_rules(histories: Histories) -> None:
    rows = histories.switched.rows(
        "select from_segment, to_segment, cause, count(*) as contacts"
        " from segment_transitions where score_model = 'purchase'"
        f" and transitioned_at = timestamp '{WEEK[2]}' group by all"
    )
    assert {row["cause"] for row in rows} == {"rule_change"}
    entered = sum(row["contacts"] for row in rows)
    assert entered == histories.switched.value(
        "select count(*) from contact_intent where segment in ('hot', 'warm')"
    )
    # The other sheets' rules stayed as they were.
    others = histories.switched.rows(
        "select distinct cause from segment_transitions"
        " where score_model <> 'purchase' and cause = 'rule_change'"
    )
    assert others == []
