"""The benchmark: its feeds, its peers' scores, and the ratios that it tells."""

import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from conftest import Shop
from intent.bench.bound import run_bound
from intent.bench.builds import Built
from intent.bench.feeds import Feeds, make_feeds
from intent.bench.peers.inputs import largest_difference, write_inputs
from intent.bench.process import Measured, measure, measure_module
from intent.bench.ratios import Row, rows_of
from intent.bench.report import as_markdown
from intent.bench.spec import BenchSpec, events_of
from intent.bench.steps import PEERS, Findings, Peer
from intent.errors import BadInputError, IntentError
from intent.settings import find_project

STAGING = find_project(Path(__file__).parent) / "models" / "staging"


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> BenchSpec:
    return BenchSpec(10_000, tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def feeds(spec: BenchSpec, monkeypatch_module: pytest.MonkeyPatch) -> Feeds:
    # Two shops instead of one, to see them side by side.
    monkeypatch_module.setattr("intent.bench.spec.SHOP_CONTACTS", 60)
    return make_feeds(spec)


@pytest.fixture(scope="module")
def monkeypatch_module() -> pytest.MonkeyPatch:
    return pytest.MonkeyPatch()


@pytest.mark.parametrize(
    ("text", "events"), [("1e6", 1_000_000), ("20000", 20_000), ("1E8", 100_000_000)]
)
def test_a_number_of_events_is_read(text: str, events: int) -> None:
    assert events_of(text) == events


@pytest.mark.parametrize("text", ["many", "", "1e3", "1e99", "nan", "inf", "-1e6"])
def test_another_number_of_events_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="--events"):
        events_of(text)


def test_the_feeds_are_as_many_events_as_asked_for(
    spec: BenchSpec, feeds: Feeds
) -> None:
    assert feeds.landed + feeds.arriving == pytest.approx(spec.events, rel=0.5)
    assert 0 < feeds.arriving < 0.05 * feeds.landed


def test_shops_side_by_side_share_nobody(spec: BenchSpec, feeds: Feeds) -> None:
    assert feeds.landed
    events = f"'{spec.landing}/web/events/*.parquet'"
    for column in ("event_id", "anonymous_id", "user_id", "email", "order_id"):
        shared = duckdb.sql(f"""
            select {column} from read_parquet({events}, filename = true)
            where {column} is not null
            group by 1 having count(distinct filename) > 1
        """).fetchall()
        assert shared == []


def test_what_is_new_was_received_last(spec: BenchSpec, feeds: Feeds) -> None:
    assert feeds.arriving
    for folder, extreme in ((spec.landing, "max"), (spec.arriving, "min")):
        found = duckdb.sql(
            f"select {extreme}(received_at) from '{folder}/email/events/*.parquet'"
        ).fetchone()
        assert found is not None
        assert (found[0].date() < spec.cut) == (folder == spec.landing)


def test_the_bound_writes_each_event_once(
    spec: BenchSpec, feeds: Feeds, tmp_path: Path
) -> None:
    assert feeds.landed
    run_bound(spec.landing, tmp_path / "bound.duckdb", STAGING)
    with duckdb.connect(str(tmp_path / "bound.duckdb")) as connection:
        rows = connection.sql(
            "select count(*), count(distinct event_id) from email_events"
        ).fetchall()
        days = connection.sql(
            "select sum(n) from days where activity = 'Clicked Email'"
        )
        clicks = connection.sql(
            "select count(*) from email_events where event_name = 'Clicked Email'"
        )
        assert days.fetchall() == clicks.fetchall()
    raw = duckdb.sql(
        f"select count(distinct event_id) from '{spec.landing}/email/events/*.parquet'"
    ).fetchall()
    assert rows[0][0] == rows[0][1] == raw[0][0]


@pytest.fixture(scope="module")
def inputs(demo_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    assert write_inputs(demo_shop.warehouse, folder)["scores"] > 0
    return folder


@pytest.mark.parametrize("name", PEERS)
def test_peers_agree(inputs: Path, tmp_path: Path, name: str) -> None:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    _, found = measure_module("peers", [name, inputs, tmp_path / "scores.parquet"], {})
    assert found["largest_difference"] < 1e-9


def test_a_peer_that_leaves_scores_out_does_not_agree(
    inputs: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few.parquet"
    duckdb.sql(
        f"copy (from '{inputs}/scores.parquet' order by intent_score limit 10) "
        f"to '{few}'"
    )
    assert largest_difference(inputs, few) > 1


def test_a_step_that_fails_is_told_in_its_own_words() -> None:
    with pytest.raises(IntentError, match="no such thing"):
        measure(["bash", "-c", "echo no such thing >&2; exit 3"], {})


def test_a_step_is_measured_with_what_it_starts() -> None:
    measured = measure(
        ["bash", "-c", "python3 -c 'x = bytearray(200_000_000); sum(range(10**6))'"], {}
    )
    assert measured.peak_bytes > 150_000_000
    assert measured.cpu_seconds > 0


def built(seconds: float) -> Built:
    nodes = {
        "model.intent_scoring.int_activity_days": 2.0,
        "model.intent_scoring.contact_scores": 1.0,
        "test.intent_scoring.unique": 0.5,
    }
    return Built(Measured(seconds, seconds, 2**30), seconds - 5, nodes)


@pytest.fixture
def findings(tmp_path: Path) -> Findings:
    taken = {"seconds": 1.0, "cpu_seconds": 1.0}
    names = ("group_by", "group_by_contact", "drivers", "hot_until", "sheets_1")
    return Findings(
        spec=BenchSpec(10_000_000, tmp_path),
        feeds=Feeds(9_900_000, 100_000),
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        bound=Measured(50, 50, 2**30),
        full=built(100),
        floor=built(10),
        refresh=built(15),
        event=built(12),
        sending=Measured(3, 3, 2**30),
        scoring={
            **dict.fromkeys(names, taken),
            "sheets_2": {"seconds": 1.2, "cpu_seconds": 1.2},
            "sheets_3": {"seconds": 2.0, "cpu_seconds": 1.5},
        },
        ours=Measured(3, 2, 2**30),
        peers={"pandas": Peer(Measured(60, 60, 2**30), 0.0)},
    )


def ratio(rows: list[Row], what: str, against: str) -> float | None:
    (row,) = [row for row in rows if (row.what, row.against) == (what, against)]
    return row.ratio


def test_ratios_are_told(findings: Findings) -> None:
    rows = rows_of(findings, {1_000_000: {"full": {"seconds": 9, "cpu_seconds": 9}}})
    assert ratio(rows, "full build, raw to marts, all tests", "the bound") == 2
    less_the_floor = "the same, less what the smallest shop takes"
    assert ratio(rows, less_the_floor, "full build") == pytest.approx(0.05)
    assert ratio(rows, "full build", "that at a tenth") == pytest.approx(100 / 9)
    assert ratio(rows, "pandas: cleaned events to scores", "ours") == 20


def test_a_further_sheet_is_what_it_adds(findings: Findings) -> None:
    assert ratio(rows_of(findings, {}), "each further sheet", "the first") == 0.5


def test_the_report_is_a_table(findings: Findings) -> None:
    lines = as_markdown(findings, rows_of(findings, {})).splitlines()
    assert "9,900,000 events, then 100,000 new ones" in lines[0]
    assert len({line.count("|") for line in lines[2:]}) == 1
