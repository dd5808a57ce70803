"""The project as a package of another: its own tables and sheets, none of ours edited.

The host acme keeps its sales in a table of its own, lands its tracker's files, names
its schemas in its own way, and brings two sheets: 5 points for a purchase and 2 for
what its tracker calls Chair Tried.
"""

import csv
import io
import os
import subprocess
import sys
from math import exp
from pathlib import Path

import duckdb
import pytest
from conftest import PROJECT

FILES = {
    "dbt_project.yml": """
name: acme
version: 1.0.0
profile: acme
vars:
  intent_as_of: 2026-06-01
  intent_scoring:
    intent_feeds: [web, shop]
    intent_connections:
      shop: {models: {orders: acme_orders}}
seeds:
  intent_scoring:
    rules:
      activity_rules: {+enabled: false}
    feeds:
      event_names: {+enabled: false}
""",
    "packages.yml": f"packages: [{{local: {PROJECT}}}]\n",
    "profiles.yml": """
acme:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: acme.duckdb
      schema: analytics
      settings: {TimeZone: UTC}
""",
    "macros/generate_schema_name.sql": """
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ 'acme_' ~ custom_schema_name if custom_schema_name else target.schema }}
{%- endmacro %}
""",
    "models/_sources.yml": "sources: [{name: erp, tables: [{name: sales}]}]\n",
    # Only what it has; the ids are numbers, and the total is no double.
    "models/acme_orders.sql": """
select
    sale_no as order_id,
    client_no as customer_id,
    mail as email,
    sold_at as ordered_at,
    gross as order_total,
    loaded_at as received_at
from {{ source('erp', 'sales') }}
""",
    "models/best.sql": "select * from {{ ref('intent_scoring', 'contact_intent') }}",
    "landing/web/events/tried.csv": """\
event_id,event_name,event_time,received_at,anonymous_id,email
w1,Chair Tried,2026-05-20T10:00:00Z,2026-05-20T10:00:01Z,a1,kim@example.com
""",
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("host")
    rule = {"score_model": "purchase", "is_enabled": "true"}
    sheets = {
        "seeds/activity_rules.csv": sheet(
            "rules/activity_rules.csv",
            [
                {**rule, "activity": "purchase", "points": "5"},
                {**rule, "activity": "form_submitted", "points": "2"},
            ],
        ),
        "seeds/event_names.csv": sheet(
            "feeds/event_names.csv",
            [
                {
                    "feed": "web",
                    "event_name": "Chair Tried",
                    "activity": "form_submitted",
                }
            ],
            adds=True,
        ),
    }
    for name, text in {**FILES, **sheets}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.lstrip("\n"), encoding="utf-8")
    with duckdb.connect(str(folder / "acme.duckdb")) as warehouse:
        warehouse.execute("""
            create schema erp;
            create table erp.sales as select
                1234 as sale_no,
                77 as client_no,
                'Kim@Example.com' as mail,
                timestamptz '2026-05-22 10:00:00+02' as sold_at,
                10.50::decimal(10, 2) as gross,
                timestamptz '2026-05-22 11:00:00+02' as loaded_at
        """)
    dbt(folder, "deps")
    dbt(folder, "build", "--exclude-resource-type", "unit_test")
    return folder


def sheet(name: str, rows: list[dict[str, str]], *, adds: bool = False) -> str:
    """A sheet with the columns of ours, and with our rows too if it adds to them."""
    ours = (PROJECT / "seeds" / name).read_text(encoding="utf-8")
    text = io.StringIO()
    writer = csv.DictWriter(
        text, next(csv.reader(ours.splitlines())), lineterminator="\n"
    )
    if not adds:
        writer.writeheader()
    writer.writerows(rows)
    return ours + text.getvalue() if adds else text.getvalue()


def dbt(folder: Path, *arguments: str, expect: int = 0) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), *arguments],
        cwd=folder,
        # A landing folder of the host's, by a path that starts where dbt runs.
        env={**os.environ, "INTENT_LANDING": "landing", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stdout[-5000:] + done.stderr
    return done.stdout


def ask(host: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(host / "acme.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(sql).fetchall()


def test_own_tables_and_rules_score_the_contacts(host: Path) -> None:
    [[email, score]] = ask(
        host, "select email, intent_score from acme.analytics.contact_intent"
    )
    assert email == "kim@example.com"
    assert score == pytest.approx(5 * (1 - exp(-(5 + 2) / 10)), abs=1e-9)


def test_the_host_reads_the_marts_and_nothing_behind_them(host: Path) -> None:
    assert ask(host, "select email from acme.analytics.best") == [("kim@example.com",)]
    model = host / "models" / "peek.sql"
    model.write_text("select * from {{ ref('intent_scoring', 'int_contacts') }}")
    said = dbt(host, "parse", expect=2)
    assert "int_contacts" in said
    assert "protected" in said
    model.unlink()


def test_own_tables_are_read_into_the_contract(host: Path) -> None:
    [row] = ask(
        host,
        "select order_id, customer_id, ordered_at::varchar, order_total, source_file"
        " from acme.acme_staging.stg_shop__orders",
    )
    hour = "models/orders/2026-05-22 09:00:00"
    assert row == ("1234", "77", "2026-05-22 08:00:00", 10.5, hour)


def test_tables_that_the_host_does_not_bring_are_empty(host: Path) -> None:
    assert ask(host, "select count(*) from acme.acme_staging.stg_shop__returns") == [
        (0,)
    ]


@pytest.mark.proofs
def test_the_next_build_reads_what_is_new(host: Path) -> None:
    with duckdb.connect(str(host / "acme.duckdb")) as warehouse:
        warehouse.execute(
            "insert into erp.sales select 1235, 77, 'kim@example.com',"
            " sold_at, gross, loaded_at from erp.sales"
        )
    dbt(host, "build", "--exclude-resource-type", "unit_test")
    found = ask(
        host,
        "select event_id, disposition from acme.acme_intermediate.int_activities"
        " where feed = 'shop' order by 1",
    )
    assert found == [("1234", "counted"), ("1235", "counted")]


def test_a_column_that_the_contract_asks_for_is_named(host: Path) -> None:
    model = host / "models" / "acme_orders.sql"
    text = FILES["models/acme_orders.sql"]
    model.write_text(text.replace("ordered_at", "sold_at"), encoding="utf-8")
    said = dbt(host, "run", "--select", "acme_orders", "stg_shop__orders", expect=1)
    assert (
        "intent_connections: shop: acme_orders: has no column ordered_at. The contract"
        " of shop.orders asks for it"
    ) in " ".join(said.split())
    model.write_text(text.lstrip("\n"), encoding="utf-8")
