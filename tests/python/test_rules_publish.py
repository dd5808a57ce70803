"""What a publish writes, what a rollback brings back, and what is refused."""

import csv
import io
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from conftest import PROJECT
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from intent.commands.rules_live import app
from intent.errors import BadInputError, ExitCode, UnavailableError
from intent.rules import writing
from intent.rules.checks import understand
from intent.rules.csv_files import read_seeds
from intent.rules.live.change_log import (
    PLACE,
    Kind,
    fingerprint_of_all,
    last_publish,
    read_log,
)
from intent.rules.live.difference import compare_sheets
from intent.rules.live.findings import Facts, find_oddities
from intent.rules.live.model import Movement, Quality, SheetPlan
from intent.rules.live.plan import find_guards
from intent.rules.live.settings import Guards
from intent.rules.live.switch import publish_switch, rollback_switch, write_switch
from intent.rules.service import check_seeds, valid_tables
from intent.rules.tables import Tables
from typer.testing import CliRunner, Result

MODELS = Path("rules/score_models.csv")
RULES = Path("rules/activity_rules.csv")
runner = CliRunner()


def result_of(*arguments: str, text: str | None = None) -> Result:
    return runner.invoke(app, arguments, input=text)


def refusal(*arguments: str) -> str:
    """What a command says that can't be done."""
    result = result_of(*arguments)
    assert isinstance(result.exception, BadInputError), result.output
    return str(result.exception)


@pytest.fixture
def seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own with the shipped rules, and nothing built."""
    shutil.copytree(PROJECT / "seeds", tmp_path / "seeds")
    shutil.copy(PROJECT / "dbt_project.yml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTENT_DUCKDB_PATH", str(tmp_path / "none.duckdb"))
    monkeypatch.setenv("INTENT_LEDGER", str(tmp_path / "no_ledger.duckdb"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "seeds"


def contents(seeds: Path) -> dict[Path, bytes]:
    """All files of the seeds but the log."""
    found = {
        path.relative_to(seeds): path.read_bytes()
        for path in seeds.rglob("*")
        if path.is_file()
    }
    del found[Path(PLACE)]
    return found


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def plan_of(seeds: Path, sheet: str, primary: str = "purchase") -> SheetPlan:
    """A plan as a build would give, of the rules as they are."""
    return SheetPlan(
        sheet=sheet,
        primary=primary,
        as_of=datetime(2026, 7, 1),
        movement=Movement({("hot", "hot"): 90, ("warm", "hot"): 10}, 1.0, 1.2),
        movers=[],
        quality=[],
        no_quality="",
        writes=[],
        no_writes="",
        findings=[],
        guards=[],
        seeds=fingerprint_of_all(read_seeds(seeds).fingerprints),
    )


def publish(seeds: Path, sheet: str, primary: str = "purchase", why: str = "") -> None:
    write_switch(seeds, publish_switch(seeds, plan_of(seeds, sheet, primary), why))


def standing(seeds: Path) -> dict[str, tuple[str, bool]]:
    return {
        row.texts["score_model"]: (
            row.texts["status"],
            row.values["is_primary"] is True,
        )
        for row in valid_tables(seeds)["score_models"].rows
    }


# There and back ---------------------------------------------------------------------


def test_a_publish_switches_the_primary_sheet_and_archives_the_one_before(
    seeds: Path,
) -> None:
    before = contents(seeds)
    publish(seeds, "sample", why="Simpler, it says")
    assert standing(seeds) == {
        "purchase": ("archived", False),
        "loyalty": ("active", False),
        "sample": ("active", True),
    }
    after = contents(seeds)
    assert {path for path in after if after[path] != before[path]} == {MODELS}
    _, [entry] = read_log(seeds)
    assert (entry.change, entry.score_model, entry.replaced) == (
        *("publish", "sample", "purchase"),
    )
    assert (entry.why, entry.contacts, entry.contacts_moved) == (
        *("Simpler, it says", "100", "10"),
    )


def test_a_rollback_brings_the_files_back_to_the_byte(seeds: Path) -> None:
    before = contents(seeds)
    publish(seeds, "sample")
    result = result_of("rollback", "--yes")
    assert result.exit_code == 0, result.output
    assert "next build" in result.output
    assert contents(seeds) == before
    _, entries = read_log(seeds)
    assert [entry.change for entry in entries] == ["publish", "rollback"]
    assert entries[0].seeds_before == entries[1].seeds_after
    assert "nothing to bring back" in refusal("rollback", "--yes")


def test_rollbacks_go_back_publish_by_publish(seeds: Path) -> None:
    states = [contents(seeds)]
    publish(seeds, "sample")
    states.append(contents(seeds))
    publish(seeds, "loyalty", primary="sample")
    for state in reversed(states):
        assert result_of("rollback", "--yes").exit_code == 0
        assert contents(seeds) == state
    # What was taken back can be published again.
    publish(seeds, "sample")
    assert contents(seeds) == states[1]


BOM, CR = "\ufeff", "\r\n"


@st.composite
def spelt_models(draw: st.DrawFn) -> bytes:
    """The sheet of scores, spelt in any way that is right."""
    columns = ["score_model", "status", "is_primary", "scale", "description"]
    columns = draw(st.permutations(columns))
    switches = {True: ["true", "TRUE", "True"], False: ["false", "FALSE", "False"]}
    rows = [("purchase", "active", True), ("loyalty", "active", False)]
    rows.append(("sample", draw(st.sampled_from(["draft", "active"])), False))
    words = st.text(
        st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=12
    )
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        lineterminator=draw(st.sampled_from(["\n", CR])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )
    writer.writerow(columns)
    for name, status, is_primary in draw(st.permutations(rows)):
        cells = {
            "score_model": name,
            "status": status,
            "is_primary": draw(st.sampled_from(switches[is_primary])),
            "scale": draw(st.sampled_from(["10", "10.0", "1e1", " 20".strip()])),
            "description": draw(words.map(str.strip)),
        }
        writer.writerow([cells[column] for column in columns])
    whole = text.getvalue()
    if draw(st.booleans()):
        whole = whole.rstrip()
    return (draw(st.sampled_from(["", BOM])) + whole).encode()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeds that many examples write to, one after the other."""
    seeds = tmp_path_factory.mktemp("played") / "seeds"
    shutil.copytree(PROJECT / "seeds", seeds)
    return seeds


@settings(max_examples=25, deadline=None)
@given(models=spelt_models(), sheet=st.sampled_from(["loyalty", "sample"]))
def test_however_the_sheet_is_spelt_a_rollback_restores_it(
    played: Path, models: bytes, sheet: str
) -> None:
    (played / MODELS).write_bytes(models)
    assume(not check_seeds(played))  # such as a description that is the word null
    before = contents(played)
    publish(played, sheet)
    assert standing(played)[sheet] == ("active", True)
    assert standing(played)["purchase"] == ("archived", False)
    # No byte but those of four cells: what is quoted, and how lines end, stays.
    changed = (played / MODELS).read_bytes()
    for mark in (b'"', b"\r", b"\n", b",", BOM.encode()):
        assert changed.count(mark) == models.count(mark)
    write_switch(played, rollback_switch(played))
    assert contents(played) == before


# What is refused --------------------------------------------------------------------


def test_changes_since_stop_a_rollback_until_it_is_told(seeds: Path) -> None:
    publish(seeds, "sample")
    edit(seeds / RULES, "sample,purchase,,", "sample,purchase,,1")
    changed = contents(seeds)
    assert "changed since sample was published" in refusal("rollback", "--yes")
    assert contents(seeds) == changed
    assert result_of("rollback", "--anyway", "--yes").exit_code == 0
    assert standing(seeds)["purchase"] == ("active", True)
    assert contents(seeds)[RULES] == changed[RULES]


def test_a_sheet_that_was_switched_by_hand_is_not_rolled_back(seeds: Path) -> None:
    publish(seeds, "sample")
    edit(seeds / MODELS, "sample,active,true", "sample,active,false")
    edit(seeds / MODELS, "loyalty,active,false", "loyalty,active,true")
    assert "by hand" in refusal("rollback", "--anyway", "--yes")


def test_a_rollback_asks(seeds: Path) -> None:
    publish(seeds, "sample")
    published = contents(seeds)
    result = result_of("rollback", text="n\n")
    assert result.exit_code == 1
    assert "archived" in result.output
    assert contents(seeds) == published
    assert result_of("rollback", "--json").exit_code == ExitCode.USAGE


def test_nothing_is_written_over_a_change_in_between(seeds: Path) -> None:
    plan = plan_of(seeds, "sample")
    switch = publish_switch(seeds, plan, "")
    edit(seeds / RULES, "sample,purchase,,", "sample,purchase,,1")
    changed = contents(seeds)
    with pytest.raises(BadInputError, match="changed by somebody else"):
        write_switch(seeds, switch)
    with pytest.raises(BadInputError, match="changed while it was planned"):
        publish_switch(seeds, plan, "")
    assert contents(seeds) == changed
    assert read_log(seeds)[1] == []


def test_a_log_that_was_edited_is_told_of(seeds: Path) -> None:
    publish(seeds, "sample")
    log = seeds / PLACE
    edit(log, ",publish,", ",tidied,")
    assert "row 2 was changed by hand" in refusal("rollback", "--yes")
    edit(log, ",tidied,", ",publish,")
    edit(log, "purchase active true", "purchase")
    assert "does not say what was before" in refusal("rollback", "--yes")
    log.write_text("when,what\n")
    assert "the columns that it had" in refusal("rollback", "--yes")
    log.write_bytes(b"\xff\xfe")
    assert "no CSV file in UTF-8" in refusal("rollback", "--yes")


def test_without_a_log_there_is_nothing_to_bring_back(seeds: Path) -> None:
    (seeds / PLACE).unlink()
    assert "nothing to bring back" in refusal("rollback", "--yes")
    publish(seeds, "sample")
    _, entries = read_log(seeds)
    assert last_publish(entries) == entries[0]
    assert entries[0].change == Kind.PUBLISH


@pytest.mark.parametrize("command", ["plan", "publish"])
def test_names_of_sheets_that_can_not_go_live(seeds: Path, command: str) -> None:
    assert refusal(command, "loyality") == (
        "There is no sheet loyality; did you mean loyalty? There are: purchase, "
        "loyalty, sample."
    )
    assert "is the primary sheet already" in refusal(command, "purchase")
    edit(seeds / MODELS, "sample,draft", "sample,archived")
    assert "set its status" in refusal(command, "sample").lower()


def test_a_plan_needs_to_know_which_draft(seeds: Path) -> None:
    edit(seeds / MODELS, "loyalty,active", "loyalty,draft")
    assert "There are 2 drafts: loyalty, sample" in refusal("plan")
    edit(seeds / MODELS, "loyalty,draft", "loyalty,active")
    edit(seeds / MODELS, "sample,draft", "sample,active")
    assert "There is no draft" in refusal("plan")


def test_nothing_is_known_before_the_first_build(seeds: Path) -> None:
    before = contents(seeds)
    for command in (["plan"], ["plan", "sample"], ["publish", "sample", "--yes"]):
        result = result_of(*command)
        assert isinstance(result.exception, UnavailableError)
        assert "intent build" in str(result.exception)
    assert contents(seeds) == before


def test_faults_of_sheets_and_vars_are_told(seeds: Path) -> None:
    project = seeds.parent / "dbt_project.yml"
    edit(project, "moved: 0.1,", "moved: ten,")
    assert "intent_publish_guards.moved" in refusal("plan")
    edit(project, "moved: ten,", "most: 0.1,")
    assert "most" in refusal("plan")


def commands_after_publish() -> list[list[str]]:
    """What can be asked for once `sample` is the primary sheet."""
    return [
        ["plan", "loyalty"],
        ["publish", "loyalty", "--yes"],
        ["diff", "sample", "loyalty"],
        ["rollback", "--yes"],
        ["rollback", "--anyway", "--yes"],
    ]


def test_rules_for_unknown_activities_are_told(seeds: Path) -> None:
    publish(seeds, "sample")
    edit(seeds / RULES, "sample,purchase,", "sample,purchased,")
    changed = contents(seeds)
    for command in commands_after_publish():
        told = refusal(*command)
        assert "a fault in activity_rules: purchased is no activity" in told, told
        assert "intent rules check" in told, told
    assert contents(seeds) == changed


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\xff\xfe\x00",
        b"score_model,status\npurchase,active\n",
        b'score_model,status,is_primary,scale,description\n"sample,active,true,10,x\n',
    ],
    ids=["empty", "no text", "columns missing", "quote left open"],
)
def test_a_broken_file_of_scores_is_told_of(seeds: Path, broken: bytes) -> None:
    publish(seeds, "sample")
    (seeds / MODELS).write_bytes(broken)
    for command in commands_after_publish():
        assert "score_models" in refusal(*command)
    assert (seeds / MODELS).read_bytes() == broken
    (seeds / MODELS).unlink()
    for command in commands_after_publish():
        assert "score_models" in refusal(*command)


@pytest.mark.parametrize("why", ["two\nlines", "x" * 2000])
def test_a_reason_is_one_line(seeds: Path, why: str) -> None:
    del seeds
    assert "--why" in refusal("publish", "sample", "--why", why)


# Crashes ----------------------------------------------------------------------------

KILLED_AT_STEP = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from intent.rules import writing
from test_rules_publish import publish
steps = int(sys.argv[2])

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
publish(Path(sys.argv[1]), "sample")
"""
WRITES, JOURNAL_WRITE, RENAMES = 2, 2, 2
"""The steps of a publish: it changes the sheet of scores and the log."""


@pytest.mark.parametrize("steps", range(WRITES + JOURNAL_WRITE + RENAMES))
def test_a_killed_publish_is_whole_or_undone(seeds: Path, steps: int) -> None:
    before = contents(seeds)
    done = subprocess.run(
        [
            *(sys.executable, "-c", KILLED_AT_STEP),
            *(str(seeds), str(steps), str(Path(__file__).parent)),
        ],
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == -signal.SIGKILL
    is_committed = steps >= WRITES + JOURNAL_WRITE
    result = result_of("check")
    assert result.exit_code == 0
    assert ("interrupted change was finished" in result.output) is is_committed
    _, entries = read_log(seeds)
    assert len(entries) == is_committed
    assert standing(seeds)["sample"][1] is is_committed
    assert not (seeds / writing.ASIDE).exists()
    if is_committed:
        write_switch(seeds, rollback_switch(seeds))
    assert contents(seeds) == before


# Rule by rule -----------------------------------------------------------------------


def tables_of(seeds: Path) -> Tables:
    return understand(read_seeds(seeds))


def copy_of_purchase(seeds: Path) -> None:
    """Add a draft with the rules of the primary sheet."""
    for path in (seeds / "rules").glob("*.csv"):
        lines = path.read_text().splitlines()
        copied = [
            line.replace("purchase,", "draft_2,", 1)
            for line in lines
            if line.startswith("purchase,") and path.name != "activities.csv"
        ]
        if path.name == MODELS.name:
            copied = ["draft_2,draft,false,10,Readiness to buy"]
        is_by_score = lines[0].startswith("score_model,")
        path.write_text("\n".join(lines + copied * is_by_score) + "\n")


def test_diff_tells_what_differs_rule_by_rule(seeds: Path) -> None:
    copy_of_purchase(seeds)
    assert "have the same rules" in result_of("diff", "purchase", "draft_2").output
    edit(seeds / RULES, "draft_2,wishlist_added,,2,14,", "draft_2,wishlist_added,,3,,")
    edit(seeds / RULES, "draft_2,search_entered,,1.5,7,4,3,,true,\n", "")
    edit(
        seeds / RULES,
        "draft_2,cart_added,,2,7,8,5,purchase,true,",
        "draft_2,cart_added,,2,7,8,5,purchase,true,Why",
    )
    edit(seeds / MODELS, "draft_2,draft,false,10", "draft_2,draft,false,9")
    edit(seeds / "rules/score_bands.csv", "draft_2,hot,3.0", "draft_2,hot,3.2")
    found = {
        (change.sheet, *filter(None, change.key)): (change.kind.value, change.cells)
        for change in compare_sheets(tables_of(seeds), "purchase", "draft_2")
    }
    assert found.keys() == {
        ("score_models",),
        ("activity_rules", "wishlist_added"),
        ("activity_rules", "search_entered"),
        ("score_bands", "hot"),
    }
    assert found["activity_rules", "wishlist_added"] == (
        "changed",
        {"points": ("2", "3"), "half_life_days": ("14", "")},
    )
    assert found["activity_rules", "search_entered"][0] == "removed"
    shown = result_of("diff", "purchase", "draft_2").output
    for words in ("4 differences", "points: 2 → 3", "half_life_days: 14 → blank"):
        assert words in shown
    assert "only in purchase: points 1.5" in shown
    back = result_of("diff", "draft_2", "purchase", "--json").output
    assert '"difference": "added"' in back
    assert "There is no sheet" in refusal("diff", "purchase", "draft_3")
    assert "purchase is named twice" in refusal("diff", "purchase", "purchase")


FACTS = Facts(
    contacts=100,
    hot=20,
    having={},
    needed_by={"cart_added": 15, "purchase": 10},
    members={"repeat_customer": 3},
)


def oddities(seeds: Path, facts: Facts) -> dict[str, tuple[str, ...]]:
    found = find_oddities(tables_of(seeds), "draft_2", "purchase", facts)
    return {each.kind: tuple(each.rules) for each in found}


def test_oddities_of_a_sheet_are_found(seeds: Path) -> None:
    copy_of_purchase(seeds)
    everything = {
        row.texts["activity"]: 1 for row in tables_of(seeds)["activities"].rows
    }
    usual = replace(FACTS, having=everything, needed_by={})
    assert oddities(seeds, usual) == {}
    assert oddities(seeds, replace(usual, needed_by=FACTS.needed_by)) == {
        "carries_hot": ("cart_added",)
    }
    del everything["checkout_started"], everything["order_cancelled"]
    rules = seeds / RULES
    edit(rules, "draft_2,wishlist_added,,2,14,6,", "draft_2,wishlist_added,,2,,1.5,")
    edit(rules, "draft_2,form_submitted,,4,30,8,", "draft_2,form_submitted,,40,0.5,,")
    edit(rules, "draft_2,email_clicked,,2,14,", "draft_2,email_clicked,,2,200,")
    edit(
        rules,
        "draft_2,subscription_started,,3,90,6,",
        "draft_2,subscription_started,,30,90,,",
    )
    edit(
        seeds / "rules/group_rules.csv",
        "draft_2,experience,2",
        "draft_2,experience,0.4",
    )
    edit(rules, "draft_2,cart_added,,2,", "draft_2,cart_added,first_time_customer,2,")
    assert oddities(seeds, usual) == {
        # no contact was ever there, or is in the audience
        "never_fires": ("checkout_started",),
        "empty_audience": ("cart_added for first_time_customer",),
        # 40 points, but the group's cap of 15 is 3.9 of 5; 30 points are 4.75
        "decides_alone": ("subscription_started", "form_submitted"),
        "cap_below_points": ("wishlist_added",),
        "group_cap_below_points": ("site_feedback_given", "usability_tested"),
        "half_life_outside": ("form_submitted (0.5 days)",),
        "half_life_far": ("email_clicked (14 → 200 days)",),
        "never_fades": ("wishlist_added",),
    }


def test_bands_that_nobody_or_everybody_reaches_are_found(seeds: Path) -> None:
    copy_of_purchase(seeds)
    everything = dict.fromkeys(
        (row.texts["activity"] for row in tables_of(seeds)["activities"].rows), 1
    )
    usual = replace(FACTS, having=everything, needed_by={})
    assert oddities(seeds, replace(usual, hot=51)) == {"most_hot": ()}
    assert oddities(seeds, replace(usual, hot=0)) == {"nobody_hot": ()}
    # All points are capped but those of score_raised, in a group without a cap.
    edit(seeds / MODELS, "draft_2,draft,false,10", "draft_2,draft,false,100000")
    edit(seeds / RULES, "draft_2,score_raised,", "draft_2,score_lowered,x")
    path = seeds / RULES
    lines = path.read_text().splitlines()
    path.write_text(
        "\n".join(
            line
            for line in lines
            if not line.startswith(("draft_2,score_", "draft_2,order_"))
        )
        + "\n"
    )
    assert "hot_out_of_reach" in oddities(seeds, replace(usual, hot=0))


# Guards -----------------------------------------------------------------------------


def guards(
    movement: Movement, quality: list[Quality], **limits: float | None
) -> list[str]:
    return [
        each.partition(":")[0]
        for each in find_guards(Guards.model_validate(limits), movement, quality)
    ]


def moving(moved: int, contacts: int) -> Movement:
    return Movement(
        {("hot", "hot"): contacts - moved, ("hot", "cold"): moved}, None, None
    )


def measured(before: float, after: float, days: int = 28) -> Quality:
    return Quality(days, 5, before, after, 0.01, 2.0, 2.0)


def test_guards_stop_beyond_their_limit_and_not_at_it() -> None:
    assert guards(moving(10, 100), [], moved=0.1) == []
    assert guards(moving(11, 100), [], moved=0.1) == ["moved"]
    assert guards(moving(100, 100), [], moved=None) == []
    assert guards(moving(0, 0), [], moved=0.0) == []
    falls = [measured(0.8, 0.81, 7), measured(0.8, 0.77)]
    assert guards(moving(0, 1), falls, worse=0.02) == ["worse"]
    assert guards(moving(0, 1), falls, worse=0.05) == []
    assert guards(moving(0, 1), falls, worse=None) == []
