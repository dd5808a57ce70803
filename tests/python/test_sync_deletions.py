"""The ledger forgets an erased contact, and not before it is told everywhere."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from intent.erasure.certificate import DONE, STARTED, Certificate, read_certificate
from intent.erasure.databases import (
    STAYS,
    Finder,
    copy_without,
    find_in_database,
    put_in_place,
)
from intent.erasure.identifiers import Erased, Identifier
from intent.errors import BadInputError
from intent.settings import places
from intent.sync import service
from intent.sync.deletions import (
    ERASED,
    Deletion,
    find_deletions,
    leave_no_trace,
    note_told,
    pending,
    queue_deletions,
    settled,
)
from intent.sync.ledger import Ledger, acked_table, open_ledger
from intent.sync.results import RunResult
from sync_shop import SyncShop, load_sync

NOW, OLD = "a0" * 16, "b1" * 16
"""The contact's id, and one that it had before it was joined."""
EMAIL = "anna@example.net"
BEN = "ben@example.org"
ANNA = Erased(
    frozenset({Identifier("email", EMAIL), Identifier("customer_id", "100011")}),
    contact_ids=frozenset({NOW, OLD}),
)
AT = "timestamp '2026-07-01 08:00:00'"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "ledger.duckdb") as opened:
        yield opened


def acknowledge(ledger: Ledger, sync: str, *rows: tuple[str, str, str | None]) -> None:
    table = acked_table(sync)
    ledger.connection.execute(
        f"create table if not exists {table} "
        "(match_key text, row_id text, remote_id text, phone text)"
    )
    for row in rows:
        ledger.connection.execute(f"insert into {table} values (?, ?, ?, null)", row)


def plan(
    ledger: Ledger, seq: int, op: str, key: str, row_id: str | None = None
) -> None:
    ledger.connection.execute(
        "insert into outbox by name select 'r1' as run_id, 's' as sync, ? as seq, "
        "1 as phase, ? as op, ? as match_key, ? as row_id, '{}' as payload",
        [seq, op, key, row_id],
    )


def send(ledger: Ledger, *seqs: int) -> None:
    ledger.connection.execute(
        f"insert into sent values ('r1', 'q1', null, ?, {AT})", [list(seqs)]
    )


def end(ledger: Ledger, seq: int, state: str, remote_id: str | None = None) -> None:
    ledger.connection.execute(
        "insert into outcomes by name select 'r1' as run_id, ? as seq, ? as state, "
        f"? as remote_id, {AT} as decided_at",
        [seq, state, remote_id],
    )


def found(ledger: Ledger, erased: Erased = ANNA) -> list[Deletion]:
    return list(find_deletions(ledger.connection, "ledger", Finder(erased)))


def test_she_is_found_by_any_name_in_every_sync(ledger: Ledger) -> None:
    acknowledge(ledger, "by_email", ("ANNA@example.net", NOW, "17"), (BEN, "c", "18"))
    acknowledge(ledger, "by_id", (NOW, NOW, None), ("c", "c", None))
    acknowledge(ledger, "before_she_was_joined", ("shared key", OLD, None))
    acknowledge(ledger, "without_a_row", (EMAIL, "another id", None))
    acknowledge(ledger, "of_others", (BEN, "c", EMAIL))
    assert found(ledger) == [
        Deletion("before_she_was_joined", "shared key"),
        Deletion("by_email", "ANNA@example.net", "17"),
        Deletion("by_id", NOW),
        Deletion("without_a_row", EMAIL),
    ]


@pytest.mark.parametrize(
    ("op", "is_sent", "state", "is_told"),
    [
        ("create", True, None, True),  # killed before the answer
        ("create", True, "in doubt", True),
        ("create", True, "acknowledged", True),
        ("event", False, "acknowledged", True),  # of a job, whose rows are elsewhere
        ("create", False, None, False),
        ("create", True, "rejected", False),
        ("update", True, "skipped", False),
        ("create", False, "deferred", False),
        ("leave", True, "acknowledged", False),
    ],
)
def test_what_was_sent_and_not_brought_forward_counts(
    ledger: Ledger, op: str, is_sent: bool, state: str | None, is_told: bool
) -> None:
    plan(ledger, 1, op, EMAIL, NOW)
    plan(ledger, 2, op, BEN, "c")
    if is_sent:
        send(ledger, 1, 2)
    if state:
        end(ledger, 1, state, "17")
        end(ledger, 2, state, "18")
    told = [Deletion("s", EMAIL, "17" if state else None)]
    assert found(ledger) == (told if is_told else [])


def test_one_name_is_one_deletion_with_the_destinations_own_id(ledger: Ledger) -> None:
    acknowledge(ledger, "s", (EMAIL, NOW, None))
    plan(ledger, 1, "update", EMAIL, NOW)
    send(ledger, 1)
    end(ledger, 1, "acknowledged", "17")
    assert found(ledger) == [Deletion("s", EMAIL, "17")]


def fill_with_her(ledger: Ledger) -> None:
    """A row in each table whose texts all mention her, and one of somebody else's."""
    for name, columns in ledger.rows(
        "select table_name, list({'name': column_name, 'type': data_type}) "
        "from duckdb_columns() where schema_name = 'main' and not internal group by 1"
    ):
        for text in (json.dumps({"email": EMAIL, "of": [NOW]}), "{}"):
            values = {
                each["name"]: {
                    "VARCHAR": f"'{text}'",
                    "VARCHAR[]": f"['{text}']",
                    # Her customer number is a number of a row, too.
                    "BIGINT[]": "[100011]",
                    "TIMESTAMP": AT,
                    "DATE": "date '2026-07-01'",
                    "BOOLEAN": "true",
                    "TINYINT": "1",
                }.get(each["type"], "100011")
                for each in columns
            }
            ledger.connection.execute(
                f'insert into "{name}" ({", ".join(values)}) '
                f"values ({', '.join(values.values())})"
            )


def erase(ledger: Ledger, erased: Erased = ANNA) -> None:
    """As `intent forget` does it."""
    anew = ledger.file.with_name("anew.duckdb")
    finder = Finder(erased)
    deletions = found(ledger, erased)
    copy_without(ledger.connection, "ledger", anew, finder)
    queue_deletions(anew, deletions, "e1", "2026-07-01T08:00:00Z")
    queue_deletions(anew, deletions, "e1", "2026-07-01T08:00:00Z")
    put_in_place(anew, ledger.file)


def test_she_is_in_no_table_of_the_ledger_after(ledger: Ledger) -> None:
    fill_with_her(ledger)
    ledger.connection.execute("delete from deletions")
    acknowledge(ledger, "s", (EMAIL, NOW, "17"), (BEN, "c", "18"))
    finder = Finder(ANNA)
    before = find_in_database(ledger.connection, "ledger", finder)
    assert {f"main.{name}" for (name,) in ledger.rows("show tables")} - {
        *before,
        STAYS,
        "main.sent",  # it has but numbers and our own names
    } <= {"main.quota", "main.traces"}
    erase(ledger)
    ledger.close()
    with open_ledger(ledger.file) as anew:
        assert not find_in_database(anew.connection, "ledger", finder)
        assert pending(anew.connection, "s") == [Deletion("s", EMAIL, "17", "e1")]
        assert anew.rows("select match_key from acked_s") == [(BEN,)]
        # What is sent as it stands is whole, or gone; numbers are not taken for hers.
        assert anew.rows("select payload, seq from outbox") == [("{}", 100011)]
        assert ([100011],) in anew.rows("select seqs from sent")


def test_after_the_destination_has_deleted_her_no_byte_names_her(
    ledger: Ledger, tmp_path: Path
) -> None:
    acknowledge(ledger, "s", (EMAIL, NOW, "17"))
    acknowledge(ledger, "t", (EMAIL, NOW, None))
    acknowledge(ledger, "u", ("0031", NOW, None))
    erase(ledger)
    ledger.close()
    Certificate("e1", DONE, "", to_tell={"s": 1, "t": 1, "u": 1}).write(tmp_path)
    with open_ledger(ledger.file) as opened:
        plan(opened, 1, "delete", EMAIL)
        plan(opened, 2, "update", BEN, "c")
        for sync in ("s", "t"):
            with opened.commit() as connection:
                settled(connection, sync, [EMAIL])
            assert not pending(opened.connection, sync)
        note_told(opened.connection, tmp_path)
        assert opened.rows("select seq, match_key from outbox order by seq") == [
            (1, ERASED),
            (2, BEN),
        ]
        leave_no_trace(opened)
    assert EMAIL.encode() not in ledger.file.read_bytes()
    assert [each.name for each in tmp_path.glob("*ledger*")] == ["ledger.duckdb"]
    with open_ledger(ledger.file) as opened:
        assert [each.match_key for each in pending(opened.connection, "u")] == ["0031"]
    certificate = read_certificate(tmp_path, "e1")
    assert certificate
    assert certificate.to_tell == {"u": 1}
    assert certificate.told.keys() == {"s", "t"}
    shown = "\n".join(certificate.lines())
    assert "to tell     u: 1 record;" in shown
    assert "told        s: deleted there by 20" in shown


# ---- through the runner


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SyncShop:
    shop = SyncShop.open(tmp_path, contacts=6)
    for name, value in shop.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("INTENT_FILES_FOLDER", str(tmp_path / "exports"))
    return shop


class Silent:
    def planned(self, rows: int) -> None:
        pass

    def ended(self, rows: int) -> None:
        pass


def run() -> RunResult:
    return service.run(places(), load_sync("files"), Silent())


def erase_contact(shop: SyncShop, number: int) -> str:
    """Erase a contact of the shop from its marts and its ledger."""
    contact = shop.contact(number)
    erased = Erased(
        frozenset({Identifier("email", contact["email"])}),
        contact_ids=frozenset({contact["contact_id"]}),
    )
    shop.remove(f"email = '{contact['email']}'")
    with open_ledger(shop.ledger) as ledger:
        erase(ledger, erased)
    return str(contact["contact_id"])


def deleted(shop: SyncShop) -> list[str]:
    """The keys of all rows that told readers to delete a record."""
    files = (shop.folder / "exports" / "files").glob("*.csv")
    lines = [line for file in sorted(files) for line in file.read_text().splitlines()]
    return [line.split(",")[1].strip('"') for line in lines if '"delete"' in line]


def test_a_run_deletes_whom_it_knows_and_only_once(shop: SyncShop) -> None:
    run()
    anna = erase_contact(shop, 3)
    result = run()
    assert (result.planned, result.acknowledged) == (1, 1)
    assert deleted(shop) == [anna]
    assert run().planned == 0
    assert anna.encode() not in shop.ledger.read_bytes()


def test_whom_a_run_left_long_ago_it_deletes_too(shop: SyncShop) -> None:
    run()
    shop.change("is_exportable = false", "contact_id = md5('contact 3')")
    assert run().acknowledged == 1
    with open_ledger(shop.ledger) as ledger:
        for table in ("outbox", "outcomes", "sent"):
            ledger.connection.execute(f"delete from {table}")  # as after 90 days
        assert ledger.rows(
            'select match_key, remote_id, "field:email" from acked_files '
            "where not has_record"
        ) == [(shop.contact(3)["contact_id"], None, None)]
    assert run().planned == 0
    anna = erase_contact(shop, 3)
    assert run().acknowledged == 1
    assert deleted(shop) == [anna]


def test_who_comes_back_is_created_and_can_leave_again(shop: SyncShop) -> None:
    run()
    for is_exportable in (False, True, False):
        shop.change(f"is_exportable = {is_exportable}", "email like '%03@%'")
        assert run().acknowledged >= 1
    with open_ledger(shop.ledger) as ledger:
        ops = ledger.rows(
            "select op from outbox where match_key = ? and op <> 'event' "
            "order by run_id, seq",
            [shop.contact(3)["contact_id"]],
        )
        assert sorted(op for (op,) in ops) == ["create", "create", "leave", "leave"]


def test_a_run_that_died_adds_up_without_the_erased(shop: SyncShop) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("intent.sync.service.end_run", died)
        with pytest.raises(ZeroDivisionError):
            run()
    anna = erase_contact(shop, 3)
    result = run()
    assert result.state == "done"
    assert deleted(shop) == [anna]
    with open_ledger(shop.ledger) as ledger:
        assert ledger.rows("select state, planned from runs order by rowid") == [
            ("died", 5),
            ("done", result.planned),
        ]


def died(*_: object) -> None:
    raise ZeroDivisionError


def test_nothing_is_sent_while_an_erasure_is_cut_short(shop: SyncShop) -> None:
    begun = Certificate("2026-07-01-abcd", STARTED, "2026-07-01T08:00:00Z")
    begun.write(places().erasures)
    with pytest.raises(BadInputError, match="2026-07-01-abcd was cut short"):
        run()
    assert not deleted(shop)
    begun.status = DONE
    begun.write(places().erasures)
    assert run().acknowledged == 6
