"""Plans: what would change if a sheet became the primary one."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from intent.errors import BadInputError
from intent.rules.checks import find_faults, understand
from intent.rules.csv_files import read_seeds
from intent.rules.live.change_log import fingerprint_of_all
from intent.rules.live.findings import Facts, find_oddities, number, rows_of
from intent.rules.live.model import Finding, Guard, Movement, Quality, SheetPlan
from intent.rules.live.settings import Guards, read_guards
from intent.rules.live.standing import (
    read_build,
    read_facts,
    read_movement,
    read_movers,
    read_quality,
)
from intent.rules.live.writes import (
    NO_SYNC,
    NOT_ASKED,
    count_writes,
    relevant_syncs,
)
from intent.rules.service import refuse_faults
from intent.rules.sheets import SCORE_MODELS
from intent.rules.tables import Row, Tables
from intent.settings import Places
from intent.sync.spec import Sync
from intent.warehouse import open_warehouse
from intent.yaml_files import did_you_mean


@dataclass(frozen=True)
class Wanted:
    """What a plan is to be about."""

    sheet: str | None = None
    """None: the only draft."""
    movers: int = 10
    """So many contacts are named."""
    syncs: Sequence[str] = ()
    """Whose writes are counted; none: those that are switched on or ever ran."""
    counts_writes: bool = True


def make_plan(places: Places, wanted: Wanted) -> SheetPlan:
    """Work out what would change. Nothing is written.

    Raises:
        BadInputError: there is no such sheet, it is the primary one, or the rule
            sheets are not those of the last build.
        UnavailableError: nothing was built yet, or a file is in use.
    """
    reading = read_seeds(places.seeds)
    tables = understand(reading)
    refuse_faults(find_faults(reading, tables))
    guards = read_guards(places)
    primary = primary_of(tables)
    sheet = find_sheet(tables, wanted.sheet, primary)
    syncs = relevant_syncs(places, wanted.syncs) if wanted.counts_writes else []
    with open_warehouse(places.warehouse) as connection:
        build = read_build(connection, tables)
        movement = read_movement(connection, primary, sheet)
        movers = read_movers(connection, primary, sheet, wanted.movers)
        quality, no_quality = read_quality(connection, primary, sheet)
        facts = read_facts(connection, sheet)
    writes = count_writes(places, sheet, build.as_of, syncs) if syncs else []
    no_writes = NO_SYNC if wanted.counts_writes else NOT_ASKED
    return SheetPlan(
        sheet=sheet,
        primary=primary,
        as_of=build.as_of,
        movement=movement,
        movers=movers,
        quality=quality,
        no_quality=no_quality,
        writes=writes,
        no_writes="" if writes else no_writes,
        findings=[
            *find_all(tables, sheet, primary, facts, syncs),
            *shown_sheet(build.shown, primary),
        ],
        guards=list(find_guards(guards, movement, quality)),
        seeds=fingerprint_of_all(reading.fingerprints),
    )


def primary_of(tables: Tables) -> str:
    """The primary sheet."""
    return next(
        row.texts["score_model"]
        for row in tables[SCORE_MODELS.name].rows
        if row.values["is_primary"]
    )


def find_sheet(tables: Tables, name: str | None, primary: str) -> str:
    """The sheet that is meant: the named one, or the only draft.

    Raises:
        BadInputError: there is none, or it can't be published.
    """
    models = {row.texts["score_model"]: row for row in tables[SCORE_MODELS.name].rows}
    if name is None:
        return only_draft(models)
    refuse_unknown(tables, name)
    if name == primary:
        raise BadInputError(f"{name} is the primary sheet already.")
    if models[name].values["status"] == "archived":
        raise BadInputError(
            f"{name} is archived, and archived sheets are not scored: nobody knows "
            "what it would change. Set its status in score_models to draft, then "
            "`intent build`."
        )
    return name


def refuse_unknown(tables: Tables, name: str) -> None:
    """Raise BadInputError if there is no such sheet."""
    models = [row.texts["score_model"] for row in tables[SCORE_MODELS.name].rows]
    if name not in models:
        raise BadInputError(
            f"There is no sheet {name}{did_you_mean(name, models) or '.'} There are: "
            f"{', '.join(models)}."
        )


def only_draft(models: dict[str, Row]) -> str:
    """The only draft.

    Raises:
        BadInputError: there are several, or none.
    """
    drafts = [name for name, row in models.items() if row.values["status"] == "draft"]
    if not drafts:
        raise BadInputError(
            "There is no draft. Add a sheet with the status draft to score_models, or "
            "name another one."
        )
    if len(drafts) > 1:
        raise BadInputError(
            f"There are {len(drafts)} drafts: {', '.join(drafts)}. Name the one that "
            "is meant."
        )
    return drafts[0]


def find_all(
    tables: Tables, sheet: str, primary: str, facts: Facts, syncs: Sequence[Sync]
) -> list[Finding]:
    """What is odd about the sheet, and about syncs once it is the primary one."""
    found = find_oddities(tables, sheet, primary, facts)
    archived = [sync.name for sync in syncs if sync.sheet == primary]
    if archived:
        found.append(
            Finding(
                "sync_of_archived",
                f"these syncs name the sheet {primary}: once it is archived, all that "
                "they sent leaves",
                archived,
            )
        )
    [model] = rows_of(tables, SCORE_MODELS.name, sheet)
    scale = number(model, "scale")
    other = [
        sync.name
        for sync in syncs
        if "score_scale" in sync.options and sync.options["score_scale"] != scale
    ]
    if other:
        found.append(
            Finding(
                "sync_of_other_scale",
                f"the scale becomes {scale:g}; set the option score_scale of these "
                "syncs, and the formula over there",
                other,
            )
        )
    return found


def shown_sheet(shown: str, primary: str) -> Iterator[Finding]:
    """A finding if builds show another sheet than the primary one."""
    if shown != primary:
        yield Finding(
            "other_sheet_shown",
            f"the last build was told to show the sheet {shown}; as long as builds "
            "are, contacts don't feel which one is primary",
        )


def find_guards(
    guards: Guards, movement: Movement, quality: Sequence[Quality]
) -> Iterator[str]:
    """What stops a publish, in words that begin with the guard's name."""
    if guards.moved is not None and movement.share > guards.moved:
        yield (
            f"{Guard.MOVED}: {movement.moved:,} of {movement.contacts:,} contacts "
            f"({movement.share:.1%}) change their segment; at most {guards.moved:.1%} "
            "may"
        )
    falls = {
        each.horizon_days: each.roc_auc_before - each.roc_auc_after for each in quality
    }
    worst = max(falls, key=falls.__getitem__, default=None)
    if guards.worse is not None and worst is not None and falls[worst] > guards.worse:
        yield (
            f"{Guard.WORSE}: ROC AUC within {worst} days falls by {falls[worst]:.3f}; "
            f"it may by at most {guards.worse:g}"
        )


def stopping(guards: Sequence[str], allowed: Collection[str]) -> list[str]:
    """The guards that are not allowed."""
    return [each for each in guards if each.partition(":")[0] not in set(allowed)]
