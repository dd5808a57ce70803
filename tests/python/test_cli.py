"""The commands as a newcomer types them."""

import csv
import gzip
import json
import re
from pathlib import Path

import pytest
from conftest import PROJECT, Shop
from intent.cli import app
from intent.errors import UnavailableError
from intent.showcase import read_showcase
from typer.testing import CliRunner


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("first_time"))
    done = shop.intent("demo", "--contacts", "300", "--days", "120")
    assert done.returncode == 0, done.stdout + done.stderr
    (shop.folder / "printed.txt").write_text(done.stdout)
    return shop


def test_the_demo_shows_segments_and_hottest_contacts_with_drivers(demo: Shop) -> None:
    printed = (demo.folder / "printed.txt").read_text()
    for segment, count in segments(demo).items():
        assert any(
            segment in line and f" {count:,} " in line for line in printed.splitlines()
        ), segment
    hottest = demo.rows(
        "select email, top_driver_1 from contact_intent"
        " where email is not null order by intent_score desc limit 3"
    )
    for contact in hottest:
        line = next(line for line in printed.splitlines() if contact["email"] in line)
        assert contact["top_driver_1"] in line
    assert "What to look at next" in printed


def test_the_demo_shows_one_contact_from_many_feeds_and_devices(demo: Shop) -> None:
    printed = (demo.folder / "printed.txt").read_text()
    found = re.search(r"One contact, from (\d) feeds and (\d) devices", printed)
    assert found is not None
    assert int(found[1]) >= 4
    assert int(found[2]) >= 2
    shown = read_showcase(demo.warehouse)
    assert shown is not None
    assert shown.devices == int(found[2])
    known = {
        f"{kind}:{value}"
        for kind, values in shown.identifiers.items()
        for value in values
    }
    told = demo.rows(
        "select identifier from intent_intermediate.int_contact_identifiers"
        f" where contact_id = '{shown.contact_id}'"
    )
    assert known == {row["identifier"] for row in told}
    brought = sum(driver.contribution for driver in shown.drivers)
    assert brought >= shown.intent_score - 1e-9


def test_the_demo_plans_for_each_destination_and_sends_to_files(demo: Shop) -> None:
    printed = (demo.folder / "printed.txt").read_text()
    for file in (PROJECT / "syncs").glob("*.yml"):
        assert re.search(rf"^{file.stem} +[\d,]+ ", printed, re.M), file.stem
    [sent] = (demo.folder / "exports" / "demo").glob("*.csv")
    with sent.open(encoding="utf-8", newline="") as lines:
        told = {row["contact_id"] for row in csv.DictReader(lines)}
    exportable = demo.rows(
        "select contact_id from contact_intent where is_exportable and not"
        " coalesce(is_holdout, false)"
    )
    assert told == {row["contact_id"] for row in exportable}
    assert f"Sent to files: {len(told):,} contacts" in printed


def segments(shop: Shop) -> dict[str, int]:
    rows = shop.rows(
        "select segment, count(*) as contacts from contact_intent"
        " where segment is not null group by 1"
    )
    return {row["segment"]: row["contacts"] for row in rows}


def test_the_demo_publishes(demo: Shop) -> None:
    assert (demo.folder / "published" / "intent_bi.duckdb").is_file()


def test_the_demo_and_a_real_shop_do_not_mix(demo: Shop, tmp_path: Path) -> None:
    shop = demo.copy_to(tmp_path)
    orders = tmp_path / "orders.csv"
    orders.write_text(
        "order_id,customer_id,ordered_at,received_at\n1,7,2026-06-01,2026-06-01\n"
    )
    command = ("load", str(orders), "--to", "shop.orders")
    refused = shop.intent(*command)
    assert refused.returncode == 3
    assert "intent demo --clear" in refused.stderr
    assert shop.intent("demo", "--clear").returncode == 0
    assert shop.intent(*command).returncode == 0
    build = ("build", "--feed", "shop", "--as-of", "2026-07-01")
    built = shop.intent(*build, tested=False)
    assert built.returncode == 0, built.stderr
    assert shop.value("select count(*) from contact_intent") == 1


def test_check_says_that_all_is_well(demo: Shop) -> None:
    done = demo.intent("check")
    assert done.returncode == 0, done.stderr
    assert "can be used" in done.stderr


def test_check_names_what_is_wrong_and_builds_nothing(shop: Shop) -> None:
    shop.land("web/events", "short.csv", "event_id,event_name\n1,Product Viewed\n")
    done = shop.intent("check", "--feed", "web")
    assert done.returncode == 3
    assert done.stderr.startswith("Error: the landing folder")
    for column in ("event_time", "received_at"):
        assert f"web/events/short.csv: the column {column} is missing" in done.stderr
    with pytest.raises(UnavailableError):
        shop.rows("from contact_intent")


def test_every_command_explains_itself() -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["--help"]).stdout
    for command in (
        *("demo", "load", "check", "build", "publish"),
        *("explain", "forget", "rules"),
    ):
        assert command in listed
        done = runner.invoke(app, [command, "--help"])
        assert done.exit_code == 0
        assert len(done.stdout.splitlines()) > 8


def test_the_project_speaks_of_places_that_users_have() -> None:
    files = [*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")]
    assert files
    for file in files:
        for target in links(file):
            assert (file.parent / target).exists(), f"{file.name}: {target}"


def links(file: Path) -> list[str]:
    """The relative links of a Markdown file, without their anchors."""
    targets = [
        part.split(")")[0].split("#")[0] for part in file.read_text().split("](")[1:]
    ]
    return [each for each in targets if each and "://" not in each]


def test_a_file_that_was_cut_off_on_its_way_stops_the_build(shop: Shop) -> None:
    header = "event_id,event_name,event_time,received_at,email\n"
    row = "{},Product Viewed,2026-06-01,2026-06-01,v{}@x.example\n"
    # The last view is one visitor's; the others view more than people can.
    text = header + "".join(row.format(at, at // 10_000) for at in range(1, 50_001))
    whole = gzip.compress(text.encode())
    file = shop.landing / "web" / "events" / "views.csv.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(whole[: len(whole) // 2])
    command = ("build", "--feed", "web", "--as-of", "2026-07-01", "--json")
    done = shop.intent(*command)
    assert done.returncode == 3
    assert "web/events/views.csv.gz: is cut off" in done.stderr
    file.write_bytes(whole)
    done = shop.intent(*command, tested=False)
    assert done.returncode == 0, done.stderr
    assert shop.value("select sum(rows_in) from feed_accounts") == 50_000
    # For machines it prints nothing but JSON.
    report = json.loads(done.stdout)
    assert report["as_of"] == "2026-07-01 00:00:00"
    assert report["segments"] == {"cold": 6}
    assert report["hottest"][0]["drivers"]
