"""Has dbt find who converted after past midnights, learns of it, and writes a draft."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from intent.calibrate.choosing import compare, find_draft, split
from intent.calibrate.drafting import refuse_draft, write_draft
from intent.calibrate.edges import Scored, find_edges, intent_scores
from intent.calibrate.fitting import raw_scores
from intent.calibrate.model import (
    Calibration,
    CalibrationRequest,
    EdgeWish,
    Floats,
    Sample,
    Sheet,
)
from intent.calibrate.reading import find_sheet, read_baselines, read_sample
from intent.console import err
from intent.dbt import run_dbt
from intent.errors import BadInputError
from intent.evaluate.request import plan, read_stock
from intent.evaluate.settings import read_vars
from intent.explain.compiled import compiled_queries
from intent.rules.service import valid_tables
from intent.rules.tables import Tables
from intent.settings import Places
from intent.warehouse import open_warehouse
from intent.yaml_files import did_you_mean

MODELS = "path:models/intermediate/evaluation"
"""What contacts did after midnights and what baselines said, in dbt's words."""
MEMORY = "2GB"
"""What DuckDB may take before it goes to disk."""


def calibrate(places: Places, request: CalibrationRequest) -> Calibration:
    """Learn a sheet's numbers from history and write them as a draft.

    Raises:
        BadInputError: there is no such sheet or midnight, or too little to learn from.
        UnavailableError: nothing was built yet, or a place is locked or full.
        IntentError: a model failed.
    """
    settings = read_vars(places.project)
    tables = valid_tables(places.seeds)
    stock = read_stock(places.warehouse)
    days = settings.intent_target.days
    planned = plan(request, stock, days)
    sheet = chosen_sheet(tables, request.sheet or stock.shown_sheet)
    draft = request.draft or f"{sheet.name}_learned"
    refuse_draft(places.seeds, sheet.name, draft)
    refuse_wishes(request.wishes)
    run_dbt(places, ["run", "--select", MODELS], planned.variables, label="midnights")
    queries = compiled_queries(places)
    horizon = request.horizon or max(days)
    with open_warehouse(places.warehouse) as connection:
        connection.execute(f"set memory_limit = '{MEMORY}'")
        sample, share = read_sample(connection, sheet, queries, horizon)
        baselines = read_baselines(connection)
    if share < 1:
        err.print(f"One of {1 / share:.0f} contacts is looked at: that is enough.")
    found = learn_all(
        Stand(sheet, present_edges(tables, sheet.name), sample, share, baselines),
        replace(request, draft=draft, horizon=horizon),
        settings.intent_target.activities,
    )
    if request.writes:
        write_draft(places.seeds, sheet.name, draft, found.numbers, found.edges)
    return replace(found, is_written=request.writes)


@dataclass(frozen=True)
class Stand:
    """What there is to learn from, and what to compare with."""

    sheet: Sheet
    edges: Mapping[str, float]
    """From which score on hot and warm begin."""
    sample: Sample
    share: float
    """Which part of all contacts is in the sample."""
    baselines: Mapping[tuple[str, str], Floats]


def learn_all(
    stand: Stand, request: CalibrationRequest, activities: Sequence[str]
) -> Calibration:
    """Learn the draft's numbers and edges, and say how good it is. Pure."""
    sheet, sample = stand.sheet, stand.sample
    horizon, draft = request.horizon or 0, request.draft or ""
    parts = split(sample, horizon)
    outcome = find_draft(sheet, sample, parts, request.any_sign)
    reported = sample.of(parts.reporting)
    raw = raw_scores(sheet, reported, outcome.learnable, outcome.values)
    now = raw_scores(sheet, reported, [], {})
    others = {(sheet.name, "sheet"): now}
    for key, scores in stand.baselines.items():
        others[key] = scores[parts.reporting]
    return Calibration(
        sheet=sheet.name,
        draft=draft,
        horizon=horizon,
        activities=activities,
        learned_at=sample.of(parts.learning).midnights,
        chosen_at=sample.of(parts.choosing).midnights,
        reported_at=reported.midnights,
        contacts=len(np.unique(sample.contact[parts.learning | parts.choosing])),
        share=stand.share,
        trials=outcome.trials,
        freedom=outcome.freedom,
        numbers=outcome.numbers,
        compared=compare(reported, raw, others, draft),
        edges=find_edges(
            Scored(
                reported,
                intent_scores(raw, sheet.scale),
                intent_scores(now, sheet.scale),
                stand.share,
            ),
            stand.edges,
            request.wishes,
        ),
    )


def chosen_sheet(tables: Tables, name: str) -> Sheet:
    """The sheet of a name.

    Raises:
        BadInputError: there is none, or nothing in it.
    """
    names = sorted(tables["score_models"].texts("score_model"))
    if name not in names:
        raise BadInputError(
            f"--sheet: there is no sheet '{name}'{did_you_mean(name, names)}. There "
            f"are: {', '.join(names)}."
        )
    return find_sheet(tables, name)


def present_edges(tables: Tables, sheet: str) -> dict[str, float]:
    """From which score on hot and warm begin in a sheet.

    Raises:
        BadInputError: it has no bands, as archived ones may.
    """
    edges = {
        str(row.values["band"]): float(str(row.values["enter_at"]))
        for row in tables["score_bands"].rows
        if row.values["score_model"] == sheet
    }
    if not {"hot", "warm"} <= set(edges):
        raise BadInputError(
            f"the sheet {sheet} has no bands. Add its rows to score_bands first."
        )
    return edges


def refuse_wishes(wishes: Sequence[EdgeWish]) -> None:
    """Raise BadInputError for wishes that make no sense."""
    for wish in wishes:
        if wish.capacity is not None and wish.precision is not None:
            raise BadInputError(
                f"--{wish.band}-capacity and --{wish.band}-precision both say where "
                f"{wish.band} begins. Give one of them."
            )
        if wish.capacity is not None and wish.capacity < 1:
            raise BadInputError(
                f"--{wish.band}-capacity: {wish.capacity} contacts are no capacity. "
                "Give 1 or more."
            )
        if wish.precision is not None and not 0 < wish.precision < 1:
            raise BadInputError(
                f"--{wish.band}-precision: {wish.precision:g} is no share of contacts "
                "who convert. Give a number between 0 and 1, such as 0.3."
            )
