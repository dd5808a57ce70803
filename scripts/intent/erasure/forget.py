"""Erases a contact, in steps that can be repeated.

Nothing is changed before all was found and agreed to. Then the keyed hashes are written
down, and from that moment on nothing of the contact can come back; then the files, one
by one; last the warehouse, which tells until then who the contact is. So a run that was
cut short is finished by giving the same command again.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from intent.contracts import read_contracts
from intent.demo.landing import note_sizes
from intent.demo.write import TRUTH
from intent.erasure.certificate import (
    DONE,
    PLANNED,
    STARTED,
    Certificate,
    Removal,
    cut_short,
    now,
    read_certificate,
    without_mentions,
)
from intent.erasure.copies import (
    PARQUET,
    clean_folder,
    find_in_folder,
    find_in_parquet,
)
from intent.erasure.databases import (
    Finder,
    Left,
    copy_without,
    find_in_database,
    note_nodes,
    opened,
    put_in_place,
    rows_of_nobody,
)
from intent.erasure.files import ASIDE, holds, sweep, visible_files
from intent.erasure.guard import forget_checked, keep_out_erased, mark_checked
from intent.erasure.identifiers import PERSONAL, Erased, Identifier
from intent.erasure.keyring import Hashes, Keyring, open_keyring, read_hashes
from intent.erasure.resolve import Contact, Identity
from intent.erasure.rows import shapes_of
from intent.erasure.shared import note_shared
from intent.erasure.survey import (
    LandedFile,
    Survey,
    landed_files,
    survey,
    table_of,
)
from intent.errors import BadInputError, IntentError, UnavailableError
from intent.publish import ASIDE as PUBLISHED_ASIDE
from intent.settings import Places
from intent.sync.deletions import Deletion, find_deletions, queue_deletions
from intent.sync.destinations.files import FilesSettings, exports_folder
from intent.sync.secrets import blank_settings

LOADS_AT_WORK = ".partial"
OUR_SCHEMAS = ("raw", "intent")
"""The warehouse's schemas that a build fills, or how their names begin."""


@dataclass(frozen=True)
class Request:
    """Whom to erase, and how."""

    identifiers: tuple[Identifier, ...]
    dry_run: bool = False
    takes_all: bool = False
    """Erase a contact although it may be more than one person."""


@dataclass(frozen=True)
class Outcome:
    """What was done, or would be."""

    certificate: Certificate
    contact_ids: tuple[str, ...]


@dataclass
class Plan:
    """All that was found of a contact."""

    contact: Contact
    landed: Survey
    files: list[LandedFile]
    finder: Finder
    warehouse: dict[str, Left] = field(default_factory=dict)
    ledger: dict[str, Left] = field(default_factory=dict)
    deletions: Sequence[Deletion] = ()
    folders: dict[str, dict[str, Left]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True if there is nothing of it anywhere."""
        found = (self.landed.changes, self.warehouse, self.ledger)
        return not any(found) and not any(self.folders.values())


def forget(
    places: Places,
    request: Request,
    agree: Callable[[Outcome], None],
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Erase whoever has one of the identifiers.

    Args:
        places: where things are.
        request: whom to erase.
        agree: told what was found, before anything is changed; raises to stop.
        say: told what is being done.

    Raises:
        BadInputError: nobody has such an identifier; the key is not the right one; or
            the contact may be several people.
        UnavailableError: a place is locked, missing or full.
        IntentError: something of the contact was found at the end.
    """
    hashes = read_hashes(places.erasures)
    keyring = None if request.dry_run else open_keyring(hashes)
    refuse_loads_at_work(places.landing)
    if keyring is not None:
        for folder in (places.landing, places.refused, places.published):
            sweep(folder)
        remove_drafts(places.erasures, hashes)
        keep_out_erased(places)
    with ExitStack() as stack:
        say("looking who it is")
        warehouse, name = stack.enter_context(opened(places.warehouse, alone=True))
        ledger = None
        if places.ledger.exists():
            ledger = stack.enter_context(opened(places.ledger, alone=True))
        if not cut_short(places.erasures):
            refuse_files_not_counted(warehouse, places.landing)
        kept = rows_kept(places, hashes, keyring, rows_of_nobody(warehouse, name))
        plan = find(places, request, Identity(warehouse, name), kept, say)
        note_nodes(warehouse, name, plan.finder)
        plan.warehouse = find_in_database(warehouse, name, plan.finder)
        if ledger is not None:
            plan.ledger = find_in_database(*ledger, plan.finder)
            plan.deletions = find_deletions(*ledger, plan.finder)
        erasure_id, is_done = erasure_of(request, plan, hashes, keyring, places)
        certificate = describe(plan, places, erasure_id)
        outcome = Outcome(certificate, tuple(sorted(plan.contact.contact_ids)))
        earlier = read_certificate(places.erasures, erasure_id)
        if earlier and is_done:
            return Outcome(earlier, ())
        if earlier:
            certificate.merge(earlier)
        elif not request.takes_all:
            refuse_several(plan.contact)
        if keyring is None:
            return outcome
        agree(outcome)
        run = _Run(places, plan, certificate, keyring, say)
        run.note_hashes(hashes)
        run.clean_files()
        run.clean_ledger(ledger)
        run.clean_dbt()
        run.clean_warehouse(warehouse, name)
    run.verify()
    run.finish()
    return outcome


def find(
    places: Places,
    request: Request,
    identity: Identity,
    kept: set[tuple[str, str]],
    say: Callable[[str], None],
) -> Plan:
    """Find all that there is of a contact, but for the databases.

    `kept` are rows of landing files that are known to be gone.
    """
    contact = identity.find(request.identifiers)
    say("looking through the landing folder")
    files = landed_files(places.landing, shapes_of(read_contracts(places.staging)))
    erased = Erased(contact.identifiers, contact_ids=contact.contact_ids)
    landed = survey(files, erased, identity.known, widens=True)
    finder = Finder(landed.erased, landed.row_keys | kept)
    plan = Plan(contact, landed, files, finder)
    say("looking through what was built")
    for place, folder, used in folders(places, finder):
        if found := find_in_folder(folder, used):
            plan.folders[place] = found
    return plan


def rows_kept(
    places: Places,
    hashes: Hashes,
    keyring: Keyring | None,
    rows: set[tuple[str, str]],
) -> set[tuple[str, str]]:
    """Those of some rows, by file and own key, that are of records erased before.

    A run that was cut short may have taken them out of the landing files already.
    """
    if keyring is None or not hashes.all:
        return set()
    shapes, listed = shapes_of(read_contracts(places.staging)), hashes.all
    return {
        (file, key)
        for file, key in rows
        if (shape := shapes.get(table_of(file))) is not None
        and any(keyring.hash(name, key) in listed for name in shape.records)
    }


def folders(places: Places, finder: Finder) -> list[tuple[str, Path, Finder]]:
    """The folders whose files are tables, with what finds a contact's rows in them."""
    # A refused row is a row of a file of the shop's: all of it is about the contact.
    strict = replace(finder, mentions_remove=True)
    return [
        ("refused", places.refused, strict),
        ("demo_truth", places.landing.parent / TRUTH, finder),
        ("published", places.published, finder),
        ("sync_audit", places.audit, finder),
    ]


def erasure_of(
    request: Request,
    plan: Plan,
    hashes: Hashes,
    keyring: Keyring | None,
    places: Places,
) -> tuple[str, bool]:
    """The erasure that this goes on with if one was cut short; else a new one.

    Returns:
        Its id, and true if it is done and there is nothing left to do.

    Raises:
        BadInputError: there is nothing of such a contact.
    """
    before = []
    if keyring is not None:
        before = hashes.erasure_of(keyring.hash_all(plan.landed.erased.identifiers))
    for each in cut_short(places.erasures):
        if each in before:
            return each, False
        if keyring is not None:
            raise BadInputError(
                f"The erasure {each} of another contact was cut short. Finish that one "
                "first: give its command again."
            )
    if plan.is_empty:
        kinds = ", ".join(sorted({each.kind for each in request.identifiers}))
        if before:
            return before[-1], True
        raise BadInputError(
            f"No contact has that {kinds}: no row of any file or table names it. Is "
            "it spelt right? Another identifier of the same person does as well."
        )
    return f"{now()[:10]}-{os.urandom(4).hex()}", False


def remove_drafts(erasures: Path, hashes: Hashes) -> None:
    """Remove the certificates of runs that were cut short before they began."""
    for each in cut_short(erasures):
        if each not in hashes.by_erasure:
            (erasures / f"{each}.json").unlink()


def refuse_loads_at_work(landing: Path) -> None:
    """Raise UnavailableError if a load is at work: its rows are nowhere yet."""
    if (folder := landing / LOADS_AT_WORK).is_dir():
        raise UnavailableError(
            "`intent load` is at work, or one was killed. Wait for it to end; if none "
            f"is running, remove {folder}."
        )


def refuse_files_not_counted(
    connection: duckdb.DuckDBPyConnection, landing: Path
) -> None:
    """Raise BadInputError if files landed since the last build.

    Who is behind their rows is known when they are built.
    """
    [[is_there]] = connection.execute(
        "select count(*) from duckdb_tables() "
        "where schema_name = 'raw' and table_name = 'counted_files'"
    ).fetchall()
    if not is_there:
        return
    counted = {
        name
        for (name,) in connection.execute(
            "select source_file from raw.counted_files"
        ).fetchall()
    }
    names = {each.relative_to(landing).as_posix() for each in visible_files(landing)}
    if new := sorted(names - counted):
        raise BadInputError(
            f"{len(new)} files landed since the last build, and who is behind their "
            "rows is not known yet. Build first: `intent build`."
        )


def refuse_several(contact: Contact) -> None:
    """Raise BadInputError if a contact may be several people.

    People whom a shared device or address joined look like one contact.
    """
    kinds = Counter(each.kind for each in contact.identifiers if each.kind in PERSONAL)
    several = {kind: count for kind, count in kinds.items() if count > 1}
    if several:
        shown = ", ".join(f"{count} {kind}s" for kind, count in sorted(several.items()))
        raise BadInputError(
            f"That contact has {shown}: it may be more than one person, joined by a "
            "device or an address that they shared. If all of it is one person's, add "
            "--all-of-it."
        )


def describe(plan: Plan, places: Places, erasure_id: str) -> Certificate:
    """The certificate of what is about to be done."""
    erased = plan.landed.erased

    def shown(name: str) -> str:
        return without_mentions(name, erased.mentions)

    removals = [
        Removal("landing", shown(name), each.removed, each.blanked)
        for name, each in sorted(plan.landed.changes.items())
    ]
    tables = {"warehouse": plan.warehouse, "ledger": plan.ledger, **plan.folders}
    for place, found in tables.items():
        removals += [
            Removal(place, shown(name), each.removed, each.blanked)
            for name, each in sorted(found.items())
        ]
    return Certificate(
        erasure_id=erasure_id,
        status=PLANNED,
        requested_at=now(),
        identifiers=dict(Counter(each.kind for each in erased.identifiers)),
        records=dict(Counter(name for name, _ in erased.keys)),
        linked_but_left=dict(plan.contact.left),
        removals=removals,
        to_tell=dict(Counter(each.sync for each in plan.deletions)),
        to_clean_yourself=[shown(each) for each in sources(plan, places)],
    )


def sources(plan: Plan, places: Places) -> list[str]:
    """What the shop must clean itself, as it is not ours to write to."""
    found = [
        f"{table}: the tool that this feed comes from, and the exports of it"
        for table in sorted({table_of(name) for name in plan.landed.changes})
    ]
    found += [
        f"{table}: what fills this table of the warehouse brings the rows back"
        for table in sorted(plan.warehouse)
        if not table.startswith(OUR_SCHEMAS)
    ]
    ours = {each.path for each in plan.files}
    for folder in (places.landing, places.seeds):
        found += [
            f"{file.relative_to(places.project) if folder == places.seeds else file}: "
            "a file that is not ours to rewrite"
            for file in visible_files(folder)
            if file not in ours and holds(file, plan.landed.erased.anywhere)
        ]
    return found + exports(plan)


def exports(plan: Plan) -> list[str]:
    """Files for other tools that name the contact: their manifests vouch for them."""
    config = blank_settings(FilesSettings)
    if config.url:
        return [f"{config.url}: files exported before"] if plan.deletions else []
    folder, finder = exports_folder(config), replace(plan.finder, mentions_remove=True)
    return [
        f"{file}: an exported file; take it away once its reader has read it"
        for file in visible_files(folder)
        if holds(file, plan.landed.erased.anywhere)
        or (file.suffix == PARQUET and find_in_parquet(file, finder).removed)
    ]


class _Run:
    """An erasure that was agreed to."""

    def __init__(
        self,
        places: Places,
        plan: Plan,
        certificate: Certificate,
        keyring: Keyring,
        say: Callable[[str], None],
    ) -> None:
        self.places = places
        self.plan = plan
        self.certificate = certificate
        self.keyring = keyring
        self.say = say
        self.erased = plan.landed.erased
        self.hashes = keyring.hash_all(self.erased.identifiers)

    def note_hashes(self, hashes: Hashes) -> None:
        """Write down what is never to come back, and what is about to be done."""
        # From now on no file is known to be free of all that was erased.
        forget_checked(self.places)
        keys = {self.keyring.hash(*each) for each in self.erased.keys}
        note_shared(
            self.places.erasures, self.plan.contact.shared, self.erased.identifiers
        )
        self.certificate.status = STARTED
        self.certificate.write(self.places.erasures)
        hashes.add(self.certificate.erasure_id, self.hashes | keys, self.keyring)

    def clean_files(self) -> None:
        """Write the landing files and the copies of tables anew."""
        self.say("rewriting files")
        # Nobody builds or publishes now: these are left from runs that were killed.
        shutil.rmtree(self.places.published / PUBLISHED_ASIDE, ignore_errors=True)
        shutil.rmtree(f"{self.places.warehouse}.tmp", ignore_errors=True)
        for file in self.plan.files:
            if file.name in self.plan.landed.changes:
                file.rewritten(self.erased)
        note_sizes(self.places.landing)
        for place, folder, finder in folders(self.places, self.plan.finder):
            clean_folder(folder, self.plan.folders.get(place, {}), finder)

    def clean_ledger(
        self, ledger: tuple[duckdb.DuckDBPyConnection, str] | None
    ) -> None:
        """Write the ledger anew, with the deletions that are to be made elsewhere."""
        if ledger is None or not self.plan.ledger:
            return
        self.say("queueing the deletions")
        anew = self.places.ledger.with_name(f"{ASIDE}{self.places.ledger.name}")
        copy_without(*ledger, anew, self.plan.finder)
        queue_deletions(
            anew,
            self.plan.deletions,
            self.certificate.erasure_id,
            self.certificate.requested_at,
        )
        put_in_place(anew, self.places.ledger)

    def clean_dbt(self) -> None:
        """Remove dbt's own files that hold an identifier; it makes them anew."""
        removed = []
        for folder in dbt_folders(self.places.project):
            for file in visible_files(folder):
                if holds(file, self.erased.anywhere):
                    file.unlink()
                    removed.append(str(file.relative_to(folder.parent)))
        self.certificate.files_removed = sorted(
            {*self.certificate.files_removed, *removed}
        )

    def clean_warehouse(
        self, connection: duckdb.DuckDBPyConnection, database: str
    ) -> None:
        """Write the warehouse anew; the last step, as it says who the contact is."""
        if not self.plan.warehouse:
            return
        self.say("rewriting the warehouse")
        anew = self.places.warehouse.with_name(f"{ASIDE}{self.places.warehouse.name}")
        copy_without(connection, database, anew, self.plan.finder)
        put_in_place(anew, self.places.warehouse)

    def verify(self) -> None:
        """Look for the contact once more, everywhere.

        Raises:
            IntentError: something of it is there.
        """
        self.say("looking once more")
        left = [each.name for each in self.plan.files if each.judged(self.erased)]
        finder, tables = self.plan.finder, 0
        databases = [self.places.warehouse, self.places.ledger]
        for file in databases:
            if file.exists():
                with opened(file, alone=False) as (connection, name):
                    left += find_in_database(connection, name, finder)
                    [[count]] = connection.execute(
                        "select count(*) from duckdb_tables()"
                    ).fetchall()
                    tables += count
        for _, folder, used in folders(self.places, finder):
            left += find_in_folder(folder, used)
        if left:
            shown = [without_mentions(each, self.erased.mentions) for each in left]
            raise IntentError(
                f"Something of the contact was still found in {', '.join(shown)}. Was "
                "it written meanwhile? Give the same command again."
            )
        self.certificate.verified = [
            f"all rows of {len(self.plan.files):,} landing files",
            f"all columns of {tables:,} tables of the warehouse and the ledger",
            "all columns of the refused rows and of what is published",
        ]
        named = replace(self.erased, contact_ids=frozenset())
        if not any(holds(each, named.anywhere) for each in databases if each.exists()):
            self.certificate.verified.append("all bytes of the database files")

    def finish(self) -> None:
        """Note that all is done."""
        mark_checked(self.places, {each.name for each in self.plan.files})
        self.certificate.status = DONE
        self.certificate.finished_at = now()
        self.certificate.write(self.places.erasures)


def dbt_folders(project: Path) -> list[Path]:
    """Where dbt writes compiled SQL and logs."""
    return [
        project / os.environ.get("DBT_TARGET_PATH", "target"),
        project / os.environ.get("DBT_LOG_PATH", "logs"),
    ]
