"""Reads from the warehouse what an evaluation built."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from intent.errors import BadInputError, UnavailableError
from intent.evaluate.model import (
    UNDECAYED,
    Band,
    Bin,
    Decile,
    Drift,
    Evaluation,
    HeldOut,
    Horizon,
    MidnightQuality,
    Scorer,
    Share,
    Sheet,
    Target,
)
from intent.evaluate.statistics import (
    Booleans,
    Floats,
    Integers,
    Placed,
    difference,
    mean_auc,
    mean_difference,
    place,
    share_of,
    wilson,
)
from intent.rules.checks import BASELINES
from intent.warehouse import open_warehouse

Connection = duckdb.DuckDBPyConnection
EVERYBODY = "all"


@dataclass(frozen=True)
class Outcomes:
    """Who had which score by a scorer at which midnight, and did it or not.

    Contacts and midnights are numbers from 0 on.
    """

    contacts: Integers
    midnights: Integers
    scores: Floats
    has_converted: Booleans
    ranks: Integers
    """The rank of the band; 0 of a baseline, which has no bands."""
    is_held_out: Booleans

    def at(self, midnight: int) -> Booleans:
        """Which rows are of a midnight."""
        found: Booleans = self.midnights == midnight
        return found


def read_evaluation(
    warehouse: Path, target: Target, sheet: str, horizon: int | None
) -> Evaluation:
    """Read an evaluation, not yet judged; without a horizon that of most days.

    Raises:
        UnavailableError: nothing was evaluated yet, or the warehouse can't be read.
        BadInputError: the evaluation has no contacts, or not that horizon or sheet.
    """
    try:
        with open_warehouse(warehouse) as connection:
            horizons = [
                days
                for (days,) in connection.execute(
                    "select distinct horizon_days from score_quality order by 1"
                ).fetchall()
            ]
            refuse_absent(connection, horizons, horizon, sheet)
            return evaluation(
                connection, target, sheet, horizons[-1] if horizon is None else horizon
            )
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise UnavailableError(
            f"The warehouse {warehouse} has no evaluation yet, or that of another "
            "version. Run `intent evaluate`, without --no-build."
        ) from error


def refuse_absent(
    connection: Connection, horizons: Sequence[int], horizon: int | None, sheet: str
) -> None:
    """Raise BadInputError for what was not evaluated."""
    if not horizons:
        raise BadInputError(
            "there is nobody to evaluate: no contact did anything in the days before "
            "the midnights. See intent_evaluation_active_days in dbt_project.yml, or "
            "give other midnights (--last)."
        )
    if horizon is not None and horizon not in horizons:
        raise BadInputError(
            f"--horizon: outcomes within {horizon} days were not evaluated. There "
            f"are: {', '.join(map(str, horizons))}."
        )
    known = connection.execute(
        "select distinct scorer from score_quality where kind = 'sheet' order by 1"
    ).fetchall()
    if (sheet,) not in known:
        raise BadInputError(
            f"--sheet: the sheet '{sheet}' was not evaluated. Run `intent evaluate`, "
            "without --no-build."
        )


def evaluation(
    connection: Connection, target: Target, sheet: str, horizon: int
) -> Evaluation:
    """Put together what the marts say of one horizon."""
    names = scorer_names(connection)
    outcomes = {name: read_outcomes(connection, name, horizon) for name, _ in names}
    shown = outcomes[sheet]
    scorers = list(read_scorers(connection, horizon, names, outcomes))
    return Evaluation(
        target=target,
        sheet=sheet,
        horizon_days=horizon,
        midnights=[each.as_of for each in scorers[0].midnights],
        contacts=len(np.unique(shown.contacts)),
        contacts_with=len(np.unique(shown.contacts[shown.has_converted])),
        contacts_without=len(np.unique(shown.contacts[~shown.has_converted])),
        scorers=scorers,
        sheets=[
            read_sheet(connection, name, horizon, outcomes[name])
            for name, kind in names
            if kind == "sheet"
        ],
        drift=read_drift(connection),
        horizons=read_horizons(connection, sheet),
    )


def read_sheet(
    connection: Connection, name: str, horizon: int, outcomes: Outcomes
) -> Sheet:
    """Put together what is told of sheets only."""
    bands = read_bands(connection, name)
    return Sheet(
        score_model=name,
        bands=bands_of(bands, outcomes),
        bins=read_bins(connection, name, horizon),
        held_out=held_out_of(bands, outcomes),
    )


def scorer_names(connection: Connection) -> list[tuple[str, str]]:
    """The scorers with their kind: the primary sheet, the others, the baselines."""
    found = connection.execute(
        """
        select quality.scorer, quality.kind
        from (select distinct scorer, kind from score_quality) as quality
        left join intent_rules.score_models as sheets
            on quality.scorer = sheets.score_model
        order by
            quality.kind desc,
            sheets.is_primary desc nulls last,
            sheets.status,
            list_position($baselines, quality.scorer),
            quality.scorer
        """,
        {"baselines": list(BASELINES)},
    ).fetchall()
    return [(scorer, kind) for scorer, kind in found]


def read_outcomes(connection: Connection, scorer: str, horizon: int) -> Outcomes:
    """Read a scorer's scores and outcomes; all scorers have theirs in the same order.

    Who has no score by a baseline stands under all who have.
    """
    columns = connection.execute(
        """
        select
            dense_rank() over (order by outcomes.contact_id) - 1 as contacts,
            dense_rank() over (order by outcomes.as_of) - 1 as midnights,
            coalesce(outcomes.score, '-infinity'::double) as scores,
            outcomes.has_converted,
            coalesce(bands.rank, 0) as ranks,
            coalesce(outcomes.is_holdout, false) as is_held_out
        from score_outcomes as outcomes
        left join intent_rules.score_bands as bands
            on outcomes.scorer = bands.score_model and outcomes.segment = bands.band
        where outcomes.scorer = $scorer and outcomes.horizon_days = $horizon
        order by outcomes.as_of, outcomes.contact_id
        """,
        {"scorer": scorer, "horizon": horizon},
    ).fetchnumpy()
    return Outcomes(
        contacts=np.asarray(columns["contacts"], dtype=np.int64),
        midnights=np.asarray(columns["midnights"], dtype=np.int64),
        scores=np.asarray(columns["scores"], dtype=np.float64),
        has_converted=np.asarray(columns["has_converted"], dtype=np.bool_),
        ranks=np.asarray(columns["ranks"], dtype=np.int64),
        is_held_out=np.asarray(columns["is_held_out"], dtype=np.bool_),
    )


def read_scorers(
    connection: Connection,
    horizon: int,
    names: Sequence[tuple[str, str]],
    outcomes: Mapping[str, Outcomes],
) -> Iterator[Scorer]:
    """Read how well each scorer did."""
    statuses = dict(
        connection.execute(
            "select score_model, status from intent_rules.score_models"
        ).fetchall()
    )
    placed = {name: placed_of(each) for name, each in outcomes.items()}
    for name, kind in names:
        whose = [contacts for contacts, _ in placed[name]]
        own = [each for _, each in placed[name]]
        plain = [each for _, each in placed.get(UNDECAYED, [])]
        yield Scorer(
            name=name,
            kind=kind,
            status=statuses.get(name, "draft") if kind == "sheet" else kind,
            midnights=read_midnights(connection, name, horizon),
            deciles=read_deciles(connection, name, horizon),
            roc_auc=mean_auc(own, whose),
            beside_undecayed=(
                mean_difference(own, plain, whose)
                if plain and name != UNDECAYED
                else None
            ),
        )


def placed_of(outcomes: Outcomes) -> list[tuple[Integers, Placed]]:
    """The AUC at each midnight that has one, with whose the influences are."""
    found = []
    for midnight in np.unique(outcomes.midnights):
        is_at = outcomes.at(midnight)
        placed = place(outcomes.scores[is_at], outcomes.has_converted[is_at])
        if placed is not None:
            found.append((outcomes.contacts[is_at], placed))
    return found


def read_midnights(
    connection: Connection, scorer: str, horizon: int
) -> list[MidnightQuality]:
    """Read how well a scorer did at each midnight."""
    return [
        MidnightQuality(**row)
        for row in rows(
            connection,
            """
            select
                cast(as_of as date) as as_of,
                contacts,
                conversions,
                base_rate,
                roc_auc,
                pr_auc,
                top_decile_lift,
                share_caught_hot,
                share_caught_hot_or_warm,
                has_enough
            from score_quality
            where scorer = $scorer and horizon_days = $horizon
            order by as_of
            """,
            scorer=scorer,
            horizon=horizon,
        )
    ]


def read_deciles(connection: Connection, scorer: str, horizon: int) -> list[Decile]:
    """Read the tenths of a scorer, those of all midnights together."""
    return [
        Decile(**row)
        for row in rows(
            connection,
            """
            with deciles as (
                select
                    decile,
                    cast(sum(contacts) as bigint) as contacts,
                    cast(sum(conversions) as bigint) as conversions
                from score_deciles
                where scorer = $scorer and horizon_days = $horizon
                group by 1
            )
            select
                decile,
                contacts,
                conversions,
                coalesce(
                    conversions / nullif(contacts, 0)
                    / nullif(sum(conversions) over () / sum(contacts) over (), 0),
                    0
                ) as lift,
                coalesce(
                    sum(conversions) over (order by decile)
                    / nullif(sum(conversions) over (), 0),
                    0
                ) as cumulative_share
            from deciles
            order by decile
            """,
            scorer=scorer,
            horizon=horizon,
        )
    ]


def read_bands(connection: Connection, sheet: str) -> list[tuple[str, int]]:
    """The bands of a sheet with their ranks, the hottest first."""
    return connection.execute(
        "select band, rank from intent_rules.score_bands where score_model = ?"
        " order by rank",
        [sheet],
    ).fetchall()


def bands_of(bands: Sequence[tuple[str, int]], outcomes: Outcomes) -> list[Band]:
    """What contacts of each band of a sheet did."""
    return [
        Band(band, rank, share_among(outcomes, outcomes.ranks == rank))
        for band, rank in bands
    ]


def held_out_of(bands: Sequence[tuple[str, int]], outcomes: Outcomes) -> list[HeldOut]:
    """Those held out beside the others: by band, then all; nothing if nobody is."""
    is_held = outcomes.is_held_out
    if not is_held.any():
        return []
    among = {band: outcomes.ranks == rank for band, rank in bands}
    among[EVERYBODY] = np.ones_like(is_held)
    found = []
    for band, is_in in among.items():
        held = share_among(outcomes, is_in & is_held)
        others = share_among(outcomes, is_in & ~is_held)
        found.append(HeldOut(band, held, others, difference(others, held)))
    return found


def share_among(outcomes: Outcomes, among: Booleans) -> Share:
    """The share of conversions among some rows."""
    contacts, converted = outcomes.contacts[among], outcomes.has_converted[among]
    hits = np.bincount(contacts[converted], minlength=contacts.max(initial=-1) + 1)
    return share_of(np.bincount(contacts), hits)


def read_bins(connection: Connection, sheet: str, horizon: int) -> list[Bin]:
    """Read what was to be expected of each score, and what came of it."""
    found = connection.execute(
        """
        select
            sum(contacts * mean_score) / sum(contacts) as mean_score,
            cast(sum(conversions) as bigint) as conversions,
            cast(sum(contacts) as bigint) as contacts,
            sum(contacts * expected_rate) / sum(contacts) as expected_rate
        from score_calibration
        where
            score_model = $sheet
            and horizon_days = $horizon
            and expected_rate is not null
            and contacts > 0
        group by score_bin
        order by mean_score
        """,
        {"sheet": sheet, "horizon": horizon},
    ).fetchall()
    return [
        Bin(mean, Share(hits, of, *wilson(hits, of)), expected)
        for mean, hits, of, expected in found
    ]


def read_drift(connection: Connection) -> list[Drift]:
    """Read how far scores and inputs moved from each midnight to the next."""
    return [
        Drift(**row)
        for row in rows(
            connection,
            """
            select
                cast(as_of as date) as as_of,
                cast(previous_as_of as date) as previous_as_of,
                subject,
                kind,
                psi,
                ks
            from score_drift
            order by kind desc, subject, as_of
            """,
        )
    ]


def read_horizons(connection: Connection, sheet: str) -> list[Horizon]:
    """Read how a sheet did within each number of days, in the mean over midnights."""
    return [
        Horizon(**row)
        for row in rows(
            connection,
            """
            select
                horizon_days as days,
                avg(base_rate) as base_rate,
                avg(roc_auc) as roc_auc,
                avg(top_decile_lift) as top_decile_lift
            from score_quality
            where scorer = $sheet
            group by 1
            order by 1
            """,
            sheet=sheet,
        )
    ]


def rows(connection: Connection, sql: str, **values: object) -> list[dict[str, Any]]:
    """The rows of a query, by the names of its columns."""
    cursor = connection.execute(sql, values or None)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
