"""Makes another sheet the primary one, and takes that back: all of it, or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from intent.errors import BadInputError
from intent.rules.checks import find_faults, understand
from intent.rules.csv_files import fingerprint, read_seed, read_seeds
from intent.rules.live.cells import read_cells, with_cells
from intent.rules.live.change_log import (
    PLACE,
    Entry,
    Kind,
    Rows,
    fingerprint_of_all,
    last_publish,
    moment,
    read_log,
    read_rows,
    spell_rows,
    with_entry,
)
from intent.rules.live.model import SheetPlan
from intent.rules.service import refuse_faults
from intent.rules.sheets import SCORE_MODELS, SHEETS
from intent.rules.tables import Reading
from intent.rules.writing import replace_all

KEY, CELLS = "score_model", ("status", "is_primary")
PRIMARY = {"status": "active", "is_primary": "true"}
ARCHIVED = {"status": "archived", "is_primary": "false"}


@dataclass(frozen=True)
class Switch:
    """A change of the primary sheet that is ready to be written."""

    entry: Entry
    before: Rows
    after: Rows
    contents: Mapping[PurePosixPath, bytes]
    expected: Mapping[PurePosixPath, str | None]
    """All rule sheets as they were read: if one differs when it is written, nothing is
    written."""

    def as_json(self) -> dict[str, object]:
        """The same as plain data."""
        return {
            "change": self.entry.change,
            "primary": self.entry.score_model,
            "replaced": self.entry.replaced,
            "before": self.before,
            "after": self.after,
            "files": [str(path) for path in self.contents],
        }


def publish_switch(seeds: Path, plan: SheetPlan, why: str) -> Switch:
    """Prepare what makes a sheet the primary one, and archives the one before.

    Args:
        seeds: the folder of the rule sheets.
        plan: what would change.
        why: the reason, for the log.

    Raises:
        BadInputError: the rule sheets were changed since, or would have faults.
    """
    if plan.seeds != _state(seeds):
        raise BadInputError(
            "The rule sheets were changed while it was planned. Nothing was written. "
            "Build, then publish again."
        )
    content = model_file(seeds)
    rows = read_cells(content, KEY, CELLS)
    return _prepare(
        seeds,
        content,
        before={name: rows[name] for name in (plan.primary, plan.sheet)},
        after={plan.primary: ARCHIVED, plan.sheet: PRIMARY},
        entry=Entry(
            *(now(), Kind.PUBLISH, plan.sheet, plan.primary, why),
            contacts=str(plan.movement.contacts),
            contacts_moved=str(plan.movement.moved),
        ),
    )


def rollback_switch(seeds: Path, anyway: bool = False) -> Switch:
    """Prepare what brings back the state before the last publish.

    Args:
        seeds: the folder of the rule sheets.
        anyway: also if the rule sheets were changed since; these changes stay.

    Raises:
        BadInputError: nothing was published, or the sheets were changed since.
    """
    _, entries = read_log(seeds)
    last = last_publish(entries)
    if last is None:
        raise BadInputError(
            f"There is nothing to bring back: by {PLACE}, no sheet was published that "
            "was not brought back since."
        )
    present = read_seeds(seeds)
    refuse_faults(find_faults(present, understand(present)))
    content = model_file(seeds)
    before = read_rows(last.rows_before)
    rows = read_cells(content, KEY, CELLS)
    is_primary = {name: rows[name]["is_primary"] for name in before if name in rows}
    if is_primary != {last.replaced: "false", last.score_model: "true"}:
        raise BadInputError(
            f"{last.score_model} is no longer what its publish made of it: the primary "
            f"sheet in place of {last.replaced}. Somebody changed score_models by hand "
            "since; change it back by hand, too."
        )
    if not anyway and last.seeds_after != fingerprint_of_all(present.fingerprints):
        raise BadInputError(
            f"The rule sheets were changed since {last.score_model} was published, so "
            "that the state before can't be brought back exactly. With --anyway, the "
            f"primary sheet is {last.replaced} again, and those changes stay."
        )
    return _prepare(
        seeds,
        content,
        before={name: rows[name] for name in before},
        after=before,
        entry=Entry(
            *(now(), Kind.ROLLBACK, last.replaced, last.score_model),
            why=f"Back to what was before {last.changed_at}",
        ),
    )


def write_switch(seeds: Path, switch: Switch) -> None:
    """Write it: all files or none.

    Raises:
        BadInputError: a rule sheet was changed since it was prepared.
        UnavailableError: another change is being written, or the disk says no.
    """
    replace_all(seeds, switch.contents, switch.expected)


def model_file(seeds: Path) -> bytes:
    """The file that says which sheet is the primary one."""
    return (seeds / SCORE_MODELS.path).read_bytes()


def _prepare(
    seeds: Path,
    content: bytes,
    before: Rows,
    after: Rows,
    entry: Entry,
) -> Switch:
    """Put together what is to be written; the entry is told of both states.

    Raises:
        BadInputError: there would be faults afterwards.
    """
    present = read_seeds(seeds)
    changed = with_cells(content, KEY, after)
    wanted = _with_models(present, changed)
    if faults := find_faults(wanted, understand(wanted)):
        first = faults[0]
        raise BadInputError(
            f"The rule sheets can't be switched: in {first.sheet}, {first.value} "
            f"{first.wrong}. Right is: {first.allowed}. Nothing was written."
        )
    log, _ = read_log(seeds)
    entry = replace(
        entry,
        rows_before=spell_rows(before),
        seeds_before=fingerprint_of_all(present.fingerprints),
        seeds_after=fingerprint_of_all(wanted.fingerprints),
    )
    return Switch(
        entry,
        before,
        after,
        {SCORE_MODELS.path: changed, PLACE: with_entry(log, entry)},
        {
            **{sheet.path: present.fingerprints.get(sheet.name) for sheet in SHEETS},
            SCORE_MODELS.path: fingerprint(content),
            PLACE: None if log is None else fingerprint(log),
        },
    )


def _with_models(present: Reading, content: bytes) -> Reading:
    """The rule sheets with another `score_models`."""
    name = SCORE_MODELS.name
    return Reading(
        {**present.tables, name: read_seed(SCORE_MODELS, content)},
        fingerprints={**present.fingerprints, name: fingerprint(content)},
    )


def now() -> str:
    """This moment, as the log spells it."""
    return moment(datetime.now(UTC))


def _state(seeds: Path) -> str:
    return fingerprint_of_all(read_seeds(seeds).fingerprints)


def spelt_changes(switch: Switch) -> Sequence[tuple[str, str, str]]:
    """Of each sheet, what it was and what it becomes, in words."""
    return [
        (name, _standing(switch.before[name]), _standing(cells))
        for name, cells in switch.after.items()
    ]


def _standing(cells: Mapping[str, str]) -> str:
    primary = ", primary" if cells["is_primary"].lower() == "true" else ""
    return cells["status"] + primary
