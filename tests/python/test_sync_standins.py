"""The kit of the stand-ins: what it does to a client over a real socket."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import pytest
from standins import faults
from standins.faults import Fault
from standins.kit import Answer, Call, Fields, RateWindow, Route, StandIn


class Notes(StandIn):
    """A remote that keeps notes by name."""

    def __init__(self, latency: float = 0.0) -> None:
        super().__init__(latency)
        self.notes: dict[str, str] = {}

    def routes(self) -> Sequence[Route]:
        return [("PUT", r"/notes/(?P<name>\w+)", self.note)]

    def note(self, call: Call) -> Answer:
        name = call.found["name"]
        self.creations[name] += name not in self.notes
        self.notes[name] = call.json()
        return Answer(200, {"name": name, "note": self.notes[name]})

    def authorise(self, call: Call) -> Answer | None:
        token = call.headers.get("authorization", "")
        held = not self.is_revoked and (not token or self.token_holds(token))
        return None if held else Answer(401, {})

    def keys(self, call: Call) -> Iterable[str]:
        return [call.path.rpartition("/")[2]]

    def records(self, kind: str = "") -> dict[str, Fields]:
        del kind
        return {name: {"note": note} for name, note in self.notes.items()}


@pytest.fixture
def remote() -> Iterator[Notes]:
    with Notes() as running:
        yield running


def put(
    remote: Notes, name: str = "a", token: str = "", timeout: float = 2.0
) -> httpx2.Response:
    headers = {"Authorization": token} if token else {}
    url = f"{remote.url}/notes/{name}"
    return httpx2.put(url, json="hello", headers=headers, timeout=timeout)


def test_answers_and_keeps_a_log(remote: Notes) -> None:
    assert put(remote).json() == {"name": "a", "note": "hello"}
    assert remote.records() == {"a": {"note": "hello"}}
    assert [(one.method, one.path, one.status) for one in remote.log] == [
        ("PUT", "/notes/a", 200)
    ]
    assert httpx2.get(f"{remote.url}/nothing").status_code == 404


@pytest.mark.parametrize(
    ("fault", "applied", "error"),
    [
        (faults.DROP, False, httpx2.RemoteProtocolError),
        (faults.APPLY_DROP, True, httpx2.RemoteProtocolError),
        (faults.RESET, False, httpx2.ReadError),
        (faults.APPLY_RESET, True, httpx2.ReadError),
        (faults.HANG, False, httpx2.ReadTimeout),
        (faults.APPLY_HANG, True, httpx2.ReadTimeout),
        (faults.CUT, True, httpx2.RemoteProtocolError),
    ],
    ids=lambda value: str(value.kind) if isinstance(value, Fault) else "",
)
def test_gives_no_answer(
    remote: Notes, fault: Fault, applied: bool, error: type[Exception]
) -> None:
    remote.faults.add(fault)
    with pytest.raises(error):
        put(remote, timeout=0.3)
    assert bool(remote.records()) is applied
    assert put(remote).status_code == 200
    assert remote.faults.befell == [fault]


def test_gives_answers_that_are_none(remote: Notes) -> None:
    remote.faults.add(faults.TRUNCATE, nth=1)
    remote.faults.add(faults.html_page())
    remote.faults.add(faults.DRIP)
    answers = [put(remote) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    with pytest.raises(ValueError, match=r"JSON|EOF|delimiter|Unterminated"):
        answers[0].json()
    assert answers[1].text.startswith("<!doctype html>")
    assert answers[2].json()["note"] == "hello"
    assert answers[2].elapsed.total_seconds() > 0.5


def test_says_in_every_way_when_to_come_again(remote: Notes) -> None:
    at = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
    for after in (2, at, "soon", None):
        remote.faults.add(faults.too_many(after), path="/notes/")
    answers = [put(remote) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429] * 4
    waits = [answer.headers.get("retry-after") for answer in answers]
    assert (waits[0], waits[2], waits[3]) == ("2", "soon", None)
    assert parsedate_to_datetime(str(waits[1])) == at
    assert not remote.records()


def test_faults_befall_the_nth_request_of_a_path(remote: Notes) -> None:
    remote.faults.add(faults.answers(503), path="/notes/b", nth=2, times=2)
    statuses = [put(remote, name).status_code for name in "abbabb"]
    assert statuses == [200, 200, 503, 200, 503, 200]


def test_faults_befall_a_share_of_requests_the_same_for_a_seed(remote: Notes) -> None:
    draws = []
    for _ in range(2):
        remote.faults.at_rate(0.2, seed=7)
        draws.append([remote.faults.next("GET", "/") for _ in range(500)])
    assert draws[0] == draws[1]
    assert 50 < sum(fault is not None for fault in draws[0]) < 150


def test_counts_rates_by_arrival(remote: Notes) -> None:
    remote.windows = [RateWindow("fast", 3, 2.0)]
    assert [put(remote).status_code for _ in range(4)] == [200, 200, 200, 429]
    time.sleep(2.0)
    assert put(remote).status_code == 200
    assert (remote.violations, remote.windows[0].most) == (1, 3)


def test_lets_no_span_of_time_have_more_than_allowed() -> None:
    window = RateWindow("fast", 2, 10.0)

    def at(moment: float) -> bool:
        return window.take(Call("GET", "/", {}, {}, b"", moment))

    assert [at(0.0), at(9.0), at(9.9), at(10.0), at(11.0)] == [
        True,
        True,
        False,
        True,
        False,
    ]


def test_has_a_quota_of_the_day(remote: Notes) -> None:
    remote.daily_limit = 1
    assert [put(remote).status_code for _ in range(2)] == [200, 429]
    remote.next_day()
    assert put(remote).status_code == 200


def test_expires_and_revokes_tokens(remote: Notes) -> None:
    remote.tokens_last = 2
    token = remote.new_token()
    assert [put(remote, token=token).status_code for _ in range(3)] == [200, 200, 401]
    assert put(remote, token=remote.new_token()).status_code == 200
    remote.revoke()
    assert put(remote, token=remote.new_token()).status_code == 401
    assert (remote.authentications, remote.refusals) == (3, 2)


def test_refuses_connections_while_it_is_down(remote: Notes) -> None:
    remote.pause()
    with pytest.raises(httpx2.ConnectError):
        put(remote)
    remote.go_on()
    assert put(remote).status_code == 200


def test_sees_two_requests_with_one_key_at_a_time() -> None:
    async def both(url: str, *names: str) -> None:
        async with httpx2.AsyncClient(base_url=url) as client:
            sends = [client.put(f"/notes/{name}", json="hello") for name in names]
            await asyncio.gather(*sends)

    with Notes(latency=0.1) as remote:
        asyncio.run(both(remote.url, "a", "b"))
        assert not remote.overlaps
        asyncio.run(both(remote.url, "c", "c", "d"))
        assert remote.overlaps == {"c"}
        assert max(one.in_flight for one in remote.log) == 3
