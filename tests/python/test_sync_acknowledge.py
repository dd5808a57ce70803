"""How the ledger goes forward when runs end, also one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from intent.sync.acknowledge import Ending, end_run
from intent.sync.clock import utc_now
from intent.sync.ledger import Ledger, open_ledger
from intent.sync.model import State
from intent.sync.outbox import Run, hold_doubtful
from intent.sync.spec import Sync

SYNC = Sync.model_validate(
    {
        "name": "toy",
        "destination": "toy",
        "object": "record",
        "match": {"field": "key", "column": "contact_id"},
        "fields": {"segment": {"column": "segment", "trigger": True}},
        "segment_changes": {"as": "events"},
    }
)


@dataclass
class Book:
    """A ledger with runs of one sync."""

    ledger: Ledger

    def plan(self, run_id: str, told: dict[str, str], op: str = "update") -> None:
        """Plan a run that tells keys a segment each."""
        self.ledger.connection.execute(
            "insert into runs by name select ? as run_id, 'toy' as sync,"
            " 'toy' as destination, 'running' as state, ? as started_at,"
            " ? as planned",
            [run_id, utc_now(), len(told)],
        )
        for number, (key, segment) in enumerate(told.items(), 1):
            self.ledger.connection.execute(
                "insert into outbox by name select ? as run_id, 'toy' as sync,"
                " ? as seq, 1 as phase, ? as op, ? as match_key, ? as row_id,"
                " json_object('segment', ?) as payload, ? as told",
                [run_id, number, op, key, f"id of {key}", segment, segment],
            )

    def tell(self, run_id: str, **states: State) -> None:
        """Let rows of a run end."""
        for key, state in states.items():
            self.ledger.connection.execute(
                "insert into sent by name select ? as run_id, '' as request_id,"
                " [seq] as seqs, ? as sent_at from outbox"
                " where run_id = ? and match_key = ?",
                [run_id, utc_now(), run_id, key],
            )
            self.ledger.connection.execute(
                "insert into outcomes by name select run_id, seq, ? as state,"
                " ? as decided_at from outbox where run_id = ? and match_key = ?",
                [state, utc_now(), run_id, key],
            )

    def end(self, run_id: str, is_whole: bool = False) -> None:
        ending = Ending("done", is_whole=is_whole)
        end_run(Run(self.ledger, SYNC, run_id), ending, utc_now())

    def acked(self) -> dict[str, tuple[str, str]]:
        """The segment that was acknowledged for each key, and by which run."""
        return {
            key: (segment, run_id)
            for key, segment, run_id in self.ledger.rows(
                'select match_key, "field:segment", run_id from acked_toy'
                " where has_record order by 1"
            )
        }


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with open_ledger(tmp_path / "ledger.duckdb") as ledger:
        yield Book(ledger)


def test_what_was_in_doubt_for_long_brings_nothing_old_back(book: Book) -> None:
    """Only the row that was settled is taken over, not the others of its run."""
    book.plan("r1", {"anna": "cold", "bert": "cold", "carl": "cold"})
    book.tell(
        "r1", anna=State.ACKNOWLEDGED, bert=State.IN_DOUBT, carl=State.ACKNOWLEDGED
    )
    book.end("r1")
    book.plan("r2", {"anna": "hot"})
    book.tell("r2", anna=State.ACKNOWLEDGED)
    book.end("r2")
    book.plan("r3", {"carl": "unset"}, "leave")
    book.tell("r3", carl=State.ACKNOWLEDGED)
    book.end("r3")
    book.tell("r1", bert=State.ACKNOWLEDGED)
    book.end("r1")

    assert book.acked() == {"anna": ("hot", "r2"), "bert": ("cold", "r1")}
    [counts] = book.ledger.rows(
        "select planned, acknowledged, in_doubt from runs where run_id = 'r1'"
    )
    assert counts == (3, 3, 0)


def test_an_end_that_was_cut_short_is_made_good(book: Book) -> None:
    """Rows of which the outcome was written, but not taken over, before a crash."""
    book.plan("r1", {"anna": "cold", "bert": "cold"})
    book.tell("r1", anna=State.IN_DOUBT, bert=State.IN_DOUBT)
    book.end("r1")
    assert book.acked() == {}
    book.tell("r1", anna=State.ACKNOWLEDGED)  # and the process dies
    book.tell("r1", bert=State.IN_DOUBT)
    book.end("r1")
    assert book.acked() == {"anna": ("cold", "r1")}
    book.tell("r1", bert=State.ACKNOWLEDGED)
    book.end("r1")
    assert book.acked() == {"anna": ("cold", "r1"), "bert": ("cold", "r1")}


def test_a_refused_row_is_not_paused_for_longer_by_a_doubt_of_another(
    book: Book,
) -> None:
    book.plan("r1", {"anna": "cold", "bert": "cold"})
    book.tell("r1", anna=State.REJECTED, bert=State.IN_DOUBT)
    for _ in range(4):
        book.end("r1")
    [(tries, pause)] = book.ledger.rows(
        "select tries, next_try_at - last_at from rejected"
    )
    assert (tries, pause) == (1, timedelta(hours=1))


def test_keys_in_doubt_are_held_until_they_are_settled(book: Book) -> None:
    book.plan("r1", {"anna": "cold", "bert": "cold"})
    book.tell("r1", anna=State.ACKNOWLEDGED, bert=State.IN_DOUBT)
    book.end("r1")
    book.plan("r2", {"anna": "hot", "bert": "hot"})
    hold_doubtful(Run(book.ledger, SYNC, "r2"), utc_now())
    assert book.ledger.rows(
        "select match_key, code from outcomes inner join outbox"
        " using (run_id, seq) where run_id = 'r2'"
    ) == [("bert", "STILL_IN_DOUBT")]
    book.tell("r1", bert=State.ACKNOWLEDGED)
    book.end("r1")
    book.plan("r3", {"bert": "hot"})
    hold_doubtful(Run(book.ledger, SYNC, "r3"), utc_now())
    assert not book.ledger.rows("select 1 from outcomes where run_id = 'r3'")
