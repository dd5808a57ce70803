"""A warehouse with the tables of an evaluation, made of invented scores and outcomes.

What the tables say is worked out here, apart from the models and from the command.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

BANDS = (("hot", 3.0, 1), ("warm", 1.0, 2), ("cold", 0.0, 3))
SHEETS = (("purchase", "active", True), ("loyalty", "active", False))
BASELINES = ("recency", "undecayed", "rfm")


@dataclass
class World:
    """Contacts with a hidden liking; scores see it through noise, outcomes follow it.

    `noise` has the noise of each scorer; a sheet's sign -1 turns its scores round.
    """

    contacts: int = 400
    midnights: int = 4
    last: date = date(2026, 5, 6)
    every_days: int = 28
    base_rate: float = 0.3
    strength: float = 1.2
    noise: dict[str, float] = field(default_factory=dict)
    sign: dict[str, int] = field(default_factory=dict)
    held_out: float = 0.0
    effect: float = 0.0
    """How much likelier those are to convert who are not held out."""
    seed: int = 1

    @property
    def days(self) -> list[date]:
        step = timedelta(days=self.every_days)
        return [self.last - n * step for n in reversed(range(self.midnights))]


def make_warehouse(
    file: Path, world: World, sheets: Sequence[tuple[str, str, bool]] = SHEETS
) -> None:
    """Write a warehouse as a build and an evaluation would leave it."""
    with duckdb.connect(str(file)) as connection:
        connection.execute("""
            create schema intent;
            create schema intent_rules;
            create schema intent_intermediate;
            create table intent_intermediate.int_clock as
                select timestamp '2026-06-03' as as_of;
            create table intent_intermediate.int_activity_days as
                select unnest([date '2025-01-01', date '2026-06-02']) as activity_date,
                null::timestamp as known_to;
            create table intent_rules.score_models (
                score_model text, status text, is_primary boolean
            );
            create table intent_rules.score_bands (
                score_model text, band text, enter_at double, rank bigint
            );
        """)
        connection.execute(f'use "{file.stem}".intent')
        connection.executemany(
            "insert into intent_rules.score_models values (?, ?, ?)",
            [list(each) for each in sheets],
        )
        connection.executemany(
            "insert into intent_rules.score_bands values (?, ?, ?, ?)",
            [[name, *band] for name, _, _ in sheets for band in BANDS],
        )
        connection.execute(
            "create table contact_intent as select 'purchase' as score_model,"
            " timestamp '2026-06-03' as as_of"
        )
        insert_outcomes(connection, world, [name for name, _, _ in sheets])
        derive_tables(connection)


def insert_outcomes(
    connection: duckdb.DuckDBPyConnection, world: World, sheets: Sequence[str]
) -> None:
    rng = np.random.default_rng(world.seed)
    liking = rng.normal(size=world.contacts)
    is_held_out = rng.random(world.contacts) < world.held_out
    rate = np.clip(world.base_rate, 1e-40, 1 - 1e-16)
    at = np.log(rate / (1 - rate))
    parts = []
    for day in world.days:
        mood = liking + rng.normal(size=world.contacts) * 0.5
        chance = 1 / (1 + np.exp(-(world.strength * mood + at)))
        chance = chance + np.where(is_held_out, 0, world.effect)
        is_buyer = rng.random(world.contacts) < chance
        waits = np.where(is_buyer, rng.uniform(0, 28, world.contacts), 99)
        for name in (*sheets, *BASELINES):
            seen = mood + rng.normal(size=world.contacts) * world.noise.get(name, 0.5)
            seen *= world.sign.get(name, 1)
            is_sheet = name in sheets
            score = 5 / (1 + np.exp(1.2 - seen)) if is_sheet else np.round(seen * 4)
            parts.append(
                pa.table(
                    {
                        "as_of": [datetime.combine(day, time())] * world.contacts,
                        "scorer": [name] * world.contacts,
                        "kind": ["sheet" if is_sheet else "baseline"] * world.contacts,
                        "contact": np.arange(world.contacts),
                        "score": np.where(is_sheet & (score < 0.4), 0, score),
                        "is_holdout": is_held_out,
                        "wait": waits,
                    }
                )
            )
    everybody = pa.concat_tables(parts)
    connection.from_arrow(everybody).create("everybody")
    connection.execute("""
        create table score_outcomes as
        select
            as_of,
            'c' || contact as contact_id,
            scorer,
            kind,
            score,
            case
                when kind = 'baseline' then null
                when score >= 3 then 'hot'
                when score >= 1 then 'warm'
                else 'cold'
            end as segment,
            is_holdout,
            horizon_days,
            wait < horizon_days as has_converted
        from everybody
        cross join (select unnest([7, 14, 28]) as horizon_days);
        drop table everybody
    """)


def derive_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The other tables, by SQL of their own."""
    connection.execute("""
        create table score_deciles as
        with ranked as (
            select *, ntile(10) over (
                partition by as_of, scorer, horizon_days order by score desc, contact_id
            ) as decile
            from score_outcomes
        )
        select
            as_of, scorer, horizon_days, decile, count(*) as contacts,
            count(*) filter (has_converted) as conversions
        from ranked group by all;

        create table score_quality as
        with ranked as (
            select *,
                rank() over (p order by score) as low,
                count(*) over (p order by score groups current row) as ties
            from score_outcomes
            window p as (partition by as_of, scorer, horizon_days)
        ),
        measured as (
            select
                as_of, scorer, kind, horizon_days, count(*) as contacts,
                count(*) filter (has_converted) as conversions,
                avg(has_converted::int) as base_rate,
                (
                    sum(low + (ties - 1) / 2) filter (has_converted)
                    - conversions * (conversions + 1) / 2
                ) / nullif(conversions * (contacts - conversions), 0) as roc_auc,
                count(*) filter (has_converted and segment = 'hot')
                    / nullif(conversions, 0) as hot,
                count(*) filter (has_converted and segment in ('hot', 'warm'))
                    / nullif(conversions, 0) as hot_or_warm
            from ranked group by all
        )
        select
            as_of, scorer, kind, horizon_days, contacts, conversions, base_rate,
            roc_auc,
            least(1, base_rate * 2) as pr_auc,
            top.rate / nullif(base_rate, 0) as top_decile_lift,
            case when kind = 'sheet' then hot end as share_caught_hot,
            case when kind = 'sheet' then hot_or_warm end as share_caught_hot_or_warm,
            conversions >= 100 and contacts - conversions >= 100 as has_enough
        from measured
        left join (
            select as_of, scorer, horizon_days, conversions / contacts as rate
            from score_deciles where decile = 1
        ) as top using (as_of, scorer, horizon_days);

        create table score_calibration as
        with bins as (
            select
                as_of, scorer as score_model, horizon_days,
                ceil(score * 2) / 2 as score_bin, count(*) as contacts,
                avg(score) as mean_score,
                count(*) filter (has_converted) as conversions
            from score_outcomes where kind = 'sheet' group by all
        )
        select *,
            sum(conversions) over earlier / sum(contacts) over earlier as expected_rate
        from bins
        window earlier as (
            partition by score_model, horizon_days, score_bin order by as_of
            rows between unbounded preceding and 1 preceding
        );

        create table score_drift as
        with days as (
            select distinct as_of, lag(as_of) over (order by as_of) as previous_as_of
            from (select distinct as_of from score_outcomes)
        )
        select
            as_of, previous_as_of, subject, kind,
            0.02 * number * (1 + date_diff('day', timestamp '2026-05-06', as_of) / 999)
                as psi,
            0.01 * number as ks
        from days
        cross join (values
            ('purchase', 'score', 1), ('loyalty', 'score', 2),
            ('product_viewed', 'input', 3), ('cart_added', 'input', 20),
            ('email_clicked', 'input', 8)
        ) as subjects (subject, kind, number)
        where previous_as_of is not null;
    """)
