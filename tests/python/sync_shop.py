"""A small warehouse made by plain SQL, for tests of what is sent from the marts."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml
from intent.sync.spec import FieldRule, FieldType, Sync

PROJECT = Path(__file__).resolve().parents[2]
AS_OF = "2026-07-01 08:00:00"
Value = str | int | float | bool | None

# As the project's models have them. Contact n is hot, warm and cold in turn, belongs to
# account n // 5, and has nulls where real contacts do.
TABLES = f"""
create schema intent;
create schema intent_intermediate;

create table intent_intermediate.int_clock as
select timestamp '{AS_OF}' as as_of, 20260701080000000 as run_id;

create table intent.contact_intent (
    contact_id varchar, email varchar, account_id varchar, as_of timestamp,
    score_model varchar, intent_score double, segment varchar, state varchar,
    segment_since timestamp, hot_until timestamp, warm_until timestamp,
    score_change_7d double, score_percentile double, buying_stage varchar,
    fit_score double, fit_grade varchar, intent_grade varchar, top_driver_1 varchar,
    top_driver_2 varchar, top_driver_3 varchar, top_interest varchar,
    first_activity_at timestamp, last_activity_at timestamp, last_activity varchar,
    activity_count_30d bigint, is_exportable boolean, is_holdout boolean,
    data_as_of timestamp
);

create table intent.account_intent (
    account_id varchar, score_model varchar, as_of timestamp, contact_count bigint,
    raw_score double, intent_score double, segment varchar, fit_score double,
    top_contact_1 varchar, top_contact_1_share double, top_contact_2 varchar,
    top_contact_2_share double, top_contact_3 varchar, top_contact_3_share double
);

create table intent.feed_health (
    feed varchar, feed_table varchar, arrival_date date, rows_arrived bigint,
    rows_happened bigint, median_rows double, share_of_median double,
    quarantine_share double, unknown_name_share double, newest_event_at timestamp,
    newest_arrival_at timestamp, silent_hours double, status varchar, finding varchar
);

insert into intent.feed_health (feed, feed_table, arrival_date, status)
values ('web', 'page_views', date '{AS_OF[:10]}', 'ok');
"""

CONTACTS = """
insert into intent.contact_intent by name
with numbers as (select unnest(range($first, $first + $count)) as n),
named as (
    select
        n,
        clock.as_of,
        ['hot', 'warm', 'cold'][n % 3 + 1] as segment,
        greatest(0, 4.5 - 2 * (n % 3) - (n % 7) / 10) as intent_score
    from numbers cross join intent_intermediate.int_clock as clock
)
select
    md5('contact ' || n) as contact_id,
    format('person{:06d}@shop.example', n) as email,
    format('00{:010d}', n // 5) as account_id,
    as_of,
    'purchase' as score_model,
    intent_score,
    segment,
    if(segment = 'cold', 'dormant', 'active') as state,
    as_of - to_hours(n % 100) as segment_since,
    if(segment = 'hot', as_of + to_days(n % 40 + 1), null) as hot_until,
    if(segment <> 'cold', as_of + to_days(n % 90 + 50), null) as warm_until,
    (n % 9) / 10 - 0.4 as score_change_7d,
    100 - n % 100 as score_percentile,
    [null, 'awareness', 'consideration', 'decision', 'retention'][n % 5 + 1]
        as buying_stage,
    n % 101 as fit_score,
    [null, 'A', 'B', 'C', 'D'][n % 5 + 1] as fit_grade,
    ['A', 'B', 'C', 'D'][n % 4 + 1]
        || case segment when 'hot' then 1 when 'warm' then 2 else 3 end
        as intent_grade,
    if(segment = 'cold', null, 'purchase') as top_driver_1,
    if(segment = 'hot', 'cart_add', null) as top_driver_2,
    null as top_driver_3,
    ['shoes', 'coats', null][n % 3 + 1] as top_interest,
    as_of - to_days(400) as first_activity_at,
    as_of - to_hours(n % 1000) as last_activity_at,
    'page_view' as last_activity,
    n % 30 as activity_count_30d,
    true as is_exportable,
    null as is_holdout,
    as_of as data_as_of
from named
"""

ACCOUNTS = """
delete from intent.account_intent;
insert into intent.account_intent by name
select
    account_id,
    'purchase' as score_model,
    max(as_of) as as_of,
    count(*) as contact_count,
    sum(intent_score) as raw_score,
    max(intent_score) as intent_score,
    arg_max(segment, intent_score) as segment,
    avg(fit_score) as fit_score,
    arg_max(contact_id, intent_score) as top_contact_1,
    1.0 / count(*) as top_contact_1_share
from intent.contact_intent
group by account_id
"""


@dataclass
class SyncShop:
    """A folder with a warehouse of few marts, and a place for the ledger."""

    folder: Path

    @classmethod
    def open(cls, folder: Path, contacts: int = 10) -> "SyncShop":
        """Make the warehouse, with contacts 0, 1, 2 ..."""
        shop = cls(folder)
        folder.mkdir(parents=True, exist_ok=True)
        shop.do(TABLES)
        shop.add(contacts)
        return shop

    @property
    def warehouse(self) -> Path:
        return self.folder / "intent.duckdb"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.duckdb"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which commands find the shop."""
        return {
            "INTENT_DUCKDB_PATH": str(self.warehouse),
            "INTENT_LEDGER": str(self.ledger),
            "INTENT_LANDING": str(self.folder / "landing"),
            "INTENT_PUBLISHED": str(self.folder / "published"),
            "INTENT_ERASURES": str(self.folder / "erasures"),
        }

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, under a name that its schema does not have as well."""
        with duckdb.connect() as connection:
            connection.execute(f"attach '{self.warehouse}' as shop")
            connection.execute("use shop")
            yield connection

    # What changes there ------------------------------------------------------------

    def do(self, sql: str, values: Mapping[str, Any] | None = None) -> None:
        """Execute statements in the warehouse."""
        with self.connect() as connection:
            connection.execute(sql, values)

    def rows(self, sql: str, values: Iterable[Any] = ()) -> list[dict[str, Any]]:
        """What a query of the warehouse gives."""
        with self.connect() as connection:
            found = connection.execute(sql, list(values))
            names = [column[0] for column in found.description or []]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def add(self, count: int, first: int | None = None) -> None:
        """Add contacts, numbered from a number or on from those that there are."""
        if first is None:
            [found] = self.rows("select count(*) as first from intent.contact_intent")
            first = found["first"]
        self.do(CONTACTS, {"first": first, "count": count})
        self.do(ACCOUNTS)

    def change(self, values: str, where: str = "true") -> None:
        """Change contacts: `change("intent_score = 0.1", "segment = 'hot'")`."""
        self.do(f"update intent.contact_intent set {values} where {where}")
        self.do(ACCOUNTS)

    def remove(self, where: str) -> None:
        """Take contacts away, as after an erasure or a merge."""
        self.do(f"delete from intent.contact_intent where {where}")
        self.do(ACCOUNTS)

    def tick(self, hours: int) -> None:
        """Let the clock of all marts go on."""
        span = f"as_of = as_of + to_hours({hours})"
        for mart in ("intent.contact_intent", "intent_intermediate.int_clock"):
            self.do(f"update {mart} set {span}")
        self.do(ACCOUNTS)

    # What should be there ----------------------------------------------------------

    def contact(self, number: int) -> dict[str, Any]:
        """A contact by its number."""
        [found] = self.rows(
            "select * from intent.contact_intent where contact_id = md5(?)",
            [f"contact {number}"],
        )
        return found

    def expected(self, sync: Sync) -> dict[str, dict[str, Value]]:
        """What the destination should have: the mart by the sync's rules.

        Written from what a sync's file promises, without the SQL of the runner.
        """
        wanted: dict[str, dict[str, Value]] = {}
        for row in self.rows(f"select * from intent.{sync.source}"):
            key = str(row[sync.match.column] or "").strip()
            if sync.match.ignore_case:
                key = key.lower()
            held = row.get("is_holdout", False)
            if key and row.get("is_exportable", True) and not held:
                wanted[key] = {
                    name: value_of(rule, row) for name, rule in sync.fields.items()
                }
        return wanted


def value_of(rule: FieldRule, row: Mapping[str, Any]) -> Value:
    """What a field's rule makes of a row, in the form of `Row.values`."""
    if rule.columns:
        texts = [str(row[name]) for name in rule.columns if row[name] not in (None, "")]
        return rule.joined_by.join(texts)[: rule.truncate] or None
    value = row[rule.column or ""]
    match rule.type if value is not None else None:
        case FieldType.TEXT:
            text = str(value)
            return ((rule.labels or {}).get(text, text))[: rule.truncate]
        case FieldType.NUMBER:
            number = float(value)
            return number if rule.decimals is None else round(number, rule.decimals)
        case FieldType.DATETIME:
            assert isinstance(value, datetime)
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        case FieldType.DATE:
            assert isinstance(value, date)
            return f"{value:%Y-%m-%d}"
        case _:
            plain: Value = value
            return plain


def load_sync(name: str, **changes: Any) -> Sync:
    """A sync of the project, with some of its settings changed."""
    text = (PROJECT / "syncs" / f"{name}.yml").read_text(encoding="utf-8")
    return Sync.model_validate({**yaml.safe_load(text), "name": name, **changes})
