"""`intent evaluate` as it is typed: what it says, writes and answers to bad wishes."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import duckdb
import pytest
from conftest import PROJECT, Shop
from evaluation_stage import SHEETS, World, make_warehouse
from intent.cli import app
from intent.errors import BadInputError, ExitCode, IntentError, UnavailableError
from intent.evaluate import Evaluation, EvaluationRequest, State, evaluate
from intent.evaluate.model import Target
from intent.evaluate.page import page
from intent.evaluate.render import print_evaluation
from intent.evaluate.request import Stock, plan, refuse_request
from intent.evaluate.settings import read_vars
from intent.evaluate.words import Trust, summarise
from intent.settings import Places
from rich.console import Console
from typer.testing import CliRunner

DAYS = (7, 14, 28)
DRAFT = ("learned", "draft", False)
STOCK = Stock(
    clock=date(2026, 7, 1),
    shown_sheet="purchase",
    sheets=["loyalty", "purchase"],
    first_day=date(2025, 7, 1),
    last_day=date(2026, 6, 30),
)


@dataclass
class Stage:
    """A folder with a warehouse, and the command that looks at it."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "intent.duckdb"

    def set(
        self, world: World, sheets: Sequence[tuple[str, str, bool]] = SHEETS
    ) -> "Stage":
        make_warehouse(self.warehouse, world, sheets)
        return self

    def evaluate(
        self, *, sheet: str | None = None, horizon: int | None = None
    ) -> Evaluation:
        """Evaluate by the project's vars, without dbt."""
        place = Places(
            project=PROJECT,
            warehouse=self.warehouse,
            landing=self.folder,
            published=self.folder / "published",
            ledger=self.folder / "ledger.duckdb",
            erasures=self.folder / "erasures",
        )
        request = EvaluationRequest(horizon=horizon, sheet=sheet, builds=False)
        return evaluate(place, request)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The command's exit code, what it prints, and the fault that it tells."""
        environment = {"INTENT_DUCKDB_PATH": str(self.warehouse), "COLUMNS": "80"}
        done = CliRunner().invoke(app, ["evaluate", *arguments], env=environment)
        if isinstance(done.exception, IntentError):
            return done.exception.exit_code, done.stdout, str(done.exception)
        return done.exit_code, done.stdout, ""


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A shop whose sheets tell the truth, one of them a draft, with a hold-out."""
    noise = {"undecayed": 0.9, "recency": 2.5}
    world = World(held_out=0.2, effect=0.15, noise=noise)
    stage = Stage(tmp_path_factory.mktemp("good"))
    return stage.set(world, (*SHEETS, DRAFT))


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A shop whose primary sheet is turned round, and whose draft is too."""
    world = World(sign={"purchase": -1, "learned": -1})
    return Stage(tmp_path_factory.mktemp("bad")).set(world, (*SHEETS, DRAFT))


def test_a_score_that_tells_the_truth_is_said_to(good: Stage) -> None:
    code, printed, _ = good.run("--no-build", "--gate")
    assert code == ExitCode.OK
    assert printed.startswith("Sheet purchase: You can rely on this score.")
    assert "The gate is passed." in printed
    for words in ("ROC AUC", "PR AUC", "hot", "expected", "held out", "PSI"):
        assert words in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_a_score_that_lies_is_stopped_by_the_gate_alone(bad: Stage) -> None:
    code, printed, fault = bad.run("--no-build", "--gate")
    assert code == ExitCode.GATE
    assert "Sheet purchase: Don't rely on this score yet." in printed
    assert fault.startswith("the gate is not passed:\n- purchase, bands: ")
    assert "- purchase, undecayed: ROC AUC -0." in fault
    assert "- purchase, roc_auc: ROC AUC 0." in fault
    # What a draft says keeps nobody from going on.
    assert "loyalty" not in fault
    assert "learned" not in fault
    without_gate, printed, _ = bad.run("--no-build")
    assert without_gate == ExitCode.OK
    assert "The gate is not passed." in printed


def test_what_failed_is_not_doubted_as_well(bad: Stage) -> None:
    reasons = summarise(bad.evaluate()).reasons
    hot, warm, cold = (each.conversion for each in bad.evaluate().shown.bands)
    assert hot.rate < warm.rate < cold.rate
    assert [reason.split(":")[0] for reason in reasons] == [
        "The bands are not in order",
        "Adding up points that never fade would rank contacts better than this score "
        "does, and by more than chance.",
        "It is under the floor that the project sets",
        reasons[3],
    ]
    assert reasons[3].startswith("Going by who was here last (0.")


def test_a_sheet_that_is_asked_for_is_judged_alone(bad: Stage) -> None:
    assert bad.run("--no-build", "--gate", "--sheet", "loyalty")[0] == ExitCode.OK
    code, printed, fault = bad.run("--no-build", "--gate", "--sheet", "learned")
    assert code == ExitCode.GATE
    assert printed.startswith("Sheet learned: Don't rely")
    assert "- learned, bands: " in fault


def test_machines_are_told_all(good: Stage) -> None:
    told = json.loads(good.run("--no-build", "--json", "--gate")[1])
    assert told["gate"]["state"] == "passed"
    assert {each["check"] for each in told["gate"]["checks"]} == {
        "bands",
        "undecayed",
        "roc_auc",
    }
    names = [each["name"] for each in told["scorers"]]
    assert names == ["purchase", "loyalty", "learned", "recency", "undecayed", "rfm"]
    scorer = told["scorers"][0]
    aucs = [each["roc_auc"] for each in scorer["midnights"]]
    assert len(aucs) == 4
    assert scorer["mean"]["roc_auc"] == pytest.approx(sum(aucs) / 4)
    assert scorer["spread"]["roc_auc"] > 0


def test_figures_are_those_of_the_tables(good: Stage) -> None:
    found = good.evaluate(horizon=14)
    assert found.horizon_days == 14
    with duckdb.connect(str(good.warehouse), read_only=True) as connection:
        for scorer in found.scorers:
            [[auc]] = connection.execute(
                "select avg(roc_auc) from intent.intent.score_quality"
                " where scorer = ? and horizon_days = 14",
                [scorer.name],
            ).fetchall()
            assert scorer.roc_auc is not None
            # Worked out once more, from the scores of all contacts.
            assert scorer.roc_auc.value == pytest.approx(auc, abs=1e-12)
            assert scorer.roc_auc.low < auc < scorer.roc_auc.high
        bands = connection.execute(
            "select scorer, segment, count(*), count(*) filter (has_converted)"
            " from intent.intent.score_outcomes"
            " where kind = 'sheet' and horizon_days = 14 group by 1, 2"
        ).fetchall()
    told = {
        (sheet.score_model, band.band, band.conversion.of, band.conversion.hits)
        for sheet in found.sheets
        for band in sheet.bands
    }
    assert told == set(bands)


def test_a_hold_out_shows_what_acting_did(good: Stage, bad: Stage) -> None:
    everyone = good.evaluate().shown.held_out[-1]
    assert everyone.band == "all"
    assert everyone.effect.low < 0.15 < everyone.effect.high
    assert everyone.effect.low > 0
    assert everyone.held_out.of + everyone.others.of == 400 * 4
    assert "Does acting on it help?" in page(good.evaluate())
    assert bad.evaluate().shown.held_out == []
    assert "Does acting on it help?" not in page(bad.evaluate())


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (World(base_rate=0), "0 contacts bought within 28 days"),
        (World(base_rate=1), "and 0 did not"),
        (World(contacts=40), "Under 100 of each"),
        (World(contacts=40, midnights=1), "Under 100 of each"),
    ],
)
def test_too_little_is_said_and_passes(stage: Stage, world: World, words: str) -> None:
    stage.set(world)
    code, printed, _ = stage.run("--no-build", "--gate")
    printed = " ".join(printed.split())
    assert code == ExitCode.OK
    assert printed.startswith("Sheet purchase: Too early to tell.")
    assert words in printed
    assert "The gate abstains: " in printed
    told = json.loads(stage.run("--no-build", "--gate", "--json")[1])
    assert told["gate"]["state"] == "abstained"
    assert "100 of each are needed" in told["gate"]["reason"]
    refuse_nonsense(stage.evaluate())


def test_one_midnight_is_enough(stage: Stage) -> None:
    found = stage.set(World(midnights=1, contacts=900)).evaluate()
    assert found.verdict.state is State.PASSED
    assert found.shown.bins == []
    assert found.drift == []
    assert "This takes two dates at least" in page(found)
    refuse_nonsense(found)


def test_contacts_who_are_all_alike_are_told_apart_by_nothing(stage: Stage) -> None:
    """As where one activity alone is known, and all did it once."""
    stage.set(World())
    with duckdb.connect(str(stage.warehouse)) as connection:
        connection.execute("""
            update intent.intent.score_outcomes
            set score = 0.5, segment = if(kind = 'sheet', 'cold', null);
            update intent.intent.score_quality set roc_auc = 0.5
        """)
    found = stage.evaluate()
    assert summarise(found).trust is Trust.BAD
    [failure] = {each.check for each in found.verdict.failures}
    assert failure == "roc_auc"
    assert "All contacts are in one band" in " ".join(summarise(found).reasons)
    refuse_nonsense(found)


def test_doubts_are_told_without_failing(stage: Stage) -> None:
    """A better baseline, fewer conversions than before, and scores that moved."""
    stage.set(World(noise={"purchase": 1.0, "undecayed": 1.5, "recency": 0.1}))
    with duckdb.connect(str(stage.warehouse)) as connection:
        connection.execute("""
            update intent.intent.score_calibration set expected_rate = 0.9;
            update intent.intent.score_drift set psi = 0.4 where subject = 'purchase'
        """)
    found = stage.evaluate()
    summary = summarise(found)
    assert found.verdict.state is State.PASSED
    assert (summary.trust, summary.title) == (Trust.CARE, "Useful, with care.")
    reasons = " ".join(summary.reasons)
    assert "Going by who was here last (0." in reasons
    assert "ranks contacts better than this score (0." in reasons
    assert "conversions were to be expected" in reasons
    assert "(PSI 0.40)" in reasons


def refuse_nonsense(found: Evaluation) -> None:
    """Fail if a report shows what is no figure."""
    console = Console(width=80, file=StringIO(), color_system=None)
    print_evaluation(found, console)
    assert isinstance(console.file, StringIO)
    for told in (console.file.getvalue(), text_of(page(found))):
        assert not re.search(r"\b(nan|inf|None)\b", told)


class Reader(HTMLParser):
    """Reads a page: its text, what it asks for, and whether all tags are closed."""

    VOID = ("meta",)

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.asked += [
            (tag, name) for name, _ in attrs if name in ("src", "href", "srcset")
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def read_page(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def text_of(text: str) -> str:
    return " ".join(read_page(text).text)


def test_the_page_needs_nothing_else_and_says_first_what_it_means(good: Stage) -> None:
    code, _, _ = good.run("--no-build", "--html", str(good.folder / "a" / "r.html"))
    assert code == ExitCode.OK
    text = (good.folder / "a" / "r.html").read_text(encoding="utf-8")
    reader = read_page(text)
    assert reader.asked == []
    assert not reader.tags & {"script", "link", "img", "iframe"}
    assert "http" not in text
    assert "url(" not in text
    told = text_of(text)
    headings = (
        "You can rely on this score.",
        "Do hotter contacts buy more often?",
        "whom do you reach?",
        "Is it better than simpler ways",
        "Can a score be read as a chance?",
        "Does acting on it help?",
        "Does something change underneath?",
        "And the other sheets?",
        "The gate: passed",
        "How this was measured",
    )
    places = [told.index(heading) for heading in headings]
    assert places == sorted(places)


def test_each_plot_is_there_for_wide_and_for_narrow_screens(good: Stage) -> None:
    text = page(good.evaluate())
    # Bands of three sheets, gains, lift, ROC AUC, calibration, hold-out.
    for screen in ("wide", "narrow"):
        assert text.count(f"<figure class='{screen}'><svg") == 8
    assert text.count('role="img"') == text.count("aria-label=") == 16


def test_names_can_not_break_the_page(stage: Stage) -> None:
    sheet = ("<b>&'\"", "active", False)
    found = stage.set(World(), (*SHEETS, sheet)).evaluate(sheet=sheet[0])
    text = page(found)
    assert "<b>&'" not in text
    assert "<b>&'\"" in text_of(text)


def test_another_target_has_another_verb(good: Stage) -> None:
    renewals = Target(("subscription_renewed",), None)
    found = replace(good.evaluate(), target=renewals)
    told = text_of(page(found))
    assert "To convert means: subscription renewed." in told
    assert "Counted are all known contacts." in told
    assert "Do hotter contacts convert more often?" in told
    assert "bought" not in told
    refuse_nonsense(found)


def test_figures_that_were_foretold_in_words(good: Stage) -> None:
    found = good.evaluate()
    hot, warm, cold = (each.conversion for each in found.shown.bands)
    facts = summarise(found).facts
    assert facts[0] == (
        f"Within 28 days {hot.rate:.0%} of 100 hot contacts, {warm.rate:.0%} of 100 "
        f"warm ones and {cold.rate:.0%} of 100 cold ones bought."
    ).replace("%", "")
    auc = found.scorer("purchase").roc_auc
    assert auc is not None
    assert f"in {100 * auc.value:.0f} of 100 such pairs" in facts[2]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--sheet", "purchas"], 3, "no sheet 'purchas'; did you mean purchase?"),
        (["--horizon", "30"], 3, "within 30 days are not looked at. There are: 7, 14"),
        (["--last", "2026-05-32"], 3, "--last: '2026-05-32' is no day"),
        (["--no-build", "--last", "2026-05-01"], 3, "Leave out --midnights"),
        (["--midnights", "0"], 3, "--midnights: 0 are no number of midnights"),
        (["--every-days", "0"], 3, "can't be 0 days apart"),
        (["--last", "2026-06-01"], 3, "2026-06-01 is after 2026-05-06, the newest"),
        (["--last", "2025-01-01"], 3, "nothing before 2025-01-02"),
    ],
)
def test_bad_wishes_are_answered_in_words(
    good: Stage, options: list[str], code: int, words: str
) -> None:
    found, printed, fault = good.run(*options)
    assert (found, printed) == (code, "")
    assert words in fault


def test_what_was_not_built_is_said(stage: Stage) -> None:
    code, _, fault = stage.run("--no-build")
    assert code == ExitCode.UNAVAILABLE
    assert "Build it first: `intent build`" in fault
    stage.set(World())
    with duckdb.connect(str(stage.warehouse)) as connection:
        connection.execute("drop table intent.intent.score_quality")
    code, _, fault = stage.run("--no-build")
    assert code == ExitCode.UNAVAILABLE
    assert "no evaluation yet" in fault
    with duckdb.connect(str(stage.warehouse)) as connection:
        connection.execute("drop table intent.intent.contact_intent")
    with pytest.raises(UnavailableError, match="was not built whole"):
        stage.evaluate()


def test_an_evaluation_of_nobody_is_said(stage: Stage) -> None:
    stage.set(World())
    with duckdb.connect(str(stage.warehouse)) as connection:
        connection.execute("delete from intent.intent.score_quality")
    with pytest.raises(BadInputError, match="there is nobody to evaluate"):
        stage.evaluate()


def test_a_sheet_or_horizon_that_was_not_evaluated_is_said(stage: Stage) -> None:
    stage.set(World())
    with duckdb.connect(str(stage.warehouse)) as connection:
        connection.execute("""
            insert into intent.intent_rules.score_models values ('new', 'draft', false);
            delete from intent.intent.score_quality where horizon_days = 7
        """)
    with pytest.raises(BadInputError, match="'new' was not evaluated"):
        stage.evaluate(sheet="new")
    with pytest.raises(BadInputError, match=r"within 7 days were not .*: 14, 28"):
        stage.evaluate(horizon=7)


def test_a_page_that_can_not_be_written_is_said(good: Stage) -> None:
    code, _, fault = good.run("--no-build", "--html", str(good.warehouse / "r.html"))
    assert code == ExitCode.UNAVAILABLE
    assert "can't be written" in fault


@pytest.mark.parametrize(
    ("request_", "last", "midnights", "left_out"),
    [
        # The last day that is known is the 30th, so the 28 days end with it.
        (EvaluationRequest(), date(2026, 6, 3), 12, 0),
        (EvaluationRequest(midnights=13), date(2026, 6, 3), 13, 0),
        # The 13th before is 2025-07-02, the first that has anything before it.
        (EvaluationRequest(midnights=20), date(2026, 6, 3), 13, 7),
        (EvaluationRequest(last=date(2025, 7, 2)), date(2025, 7, 2), 1, 11),
        (EvaluationRequest(midnights=3, every_days=400), date(2026, 6, 3), 1, 2),
    ],
)
def test_midnights_end_with_the_newest_whose_outcomes_are_known(
    request_: EvaluationRequest, last: date, midnights: int, left_out: int
) -> None:
    found = plan(request_, STOCK, DAYS)
    assert (found.last, found.midnights, found.left_out) == (last, midnights, left_out)
    asked = found.variables["intent_evaluation"]
    assert asked == {
        "last": last.isoformat(),
        "midnights": midnights,
        "every_days": request_.every_days,
    }


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ({"first_day": None, "last_day": None}, "knows of no activity"),
        ({"first_day": date(2026, 6, 20)}, "too few days to evaluate"),
        ({"clock": date(2025, 7, 20)}, "too few days to evaluate"),
    ],
)
def test_a_warehouse_without_a_past_is_said(
    days: Mapping[str, date | None], words: str
) -> None:
    stock = Stock(**{**vars(STOCK), **days})
    with pytest.raises(BadInputError, match=words):
        plan(EvaluationRequest(), stock, DAYS)


def test_a_wish_is_checked_before_the_warehouse_is_touched() -> None:
    with pytest.raises(BadInputError, match="Give 1 to 400"):
        refuse_request(EvaluationRequest(midnights=401), STOCK, DAYS)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            "intent_gate: {roc_acu: 0.6}",
            r"line 2: .*roc_acu: unknown key; did you mean",
        ),
        ("intent_gate: {roc_auc: 60}", r"vars.intent_gate.roc_auc: .*less than or"),
        ("intent_gate: {worse_by: a bit}", "worse_by: should be a number"),
        ("intent_target: {days: [0]}", "intent_target.days"),
    ],
)
def test_vars_that_can_not_be_used_are_said(
    tmp_path: Path, told: str, words: str
) -> None:
    (tmp_path / "dbt_project.yml").write_text(f"vars:\n  {told}\n")
    with pytest.raises(BadInputError, match=words):
        read_vars(tmp_path)


def test_vars_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: a_shop\n")
    found = read_vars(tmp_path)
    assert found.intent_gate.measures() == {}
    assert found.target.activities == ("purchase",)


def test_it_evaluates_a_shop(demo_shop: Shop, tmp_path: Path) -> None:
    """All of it, with dbt, on the demo shop."""
    shop = demo_shop.copy_to(tmp_path)
    options = ("--midnights", "3", "--html", str(tmp_path / "r.html"), "--json")
    done = shop.intent("evaluate", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["midnights"] == ["2026-04-08", "2026-05-06", "2026-06-03"]
    assert told["sheet"] == "purchase"
    assert told["horizon_days"] == 28
    assert {each["name"] for each in told["scorers"]} == {
        *("purchase", "loyalty", "sample"),
        *("recency", "undecayed", "rfm"),
    }
    quality = shop.rows(
        "select scorer, avg(roc_auc) as auc from score_quality"
        " where horizon_days = 28 group by 1"
    )
    means = {each["name"]: each["roc_auc"]["value"] for each in told["scorers"]}
    assert means == {row["scorer"]: pytest.approx(row["auc"]) for row in quality}
    bands = shop.rows(
        "select score_model, band, cast(sum(contacts) as bigint) as contacts,"
        " cast(sum(conversions) as bigint) as conversions from band_conversions"
        " where horizon_days = 28 group by 1, 2"
    )
    found = [
        {
            "score_model": sheet["score_model"],
            "band": band["band"],
            "contacts": band["conversion"]["of"],
            "conversions": band["conversion"]["hits"],
        }
        for sheet in told["sheets"]
        for band in sheet["bands"]
        if band["conversion"]["of"]
    ]
    assert sorted(map(str, found)) == sorted(
        str(row) for row in bands if row["contacts"]
    )
    assert (shop.folder / "published" / "score_quality.parquet").is_file()
    assert "Does the score tell the truth?" in (tmp_path / "r.html").read_text()
    late = shop.intent("evaluate", "--last", "2026-06-30")
    assert (late.returncode, late.stdout) == (3, "")
    assert "2026-06-30 is after 2026-06-03, the newest midnight" in late.stderr
