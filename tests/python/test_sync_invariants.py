"""Whatever happens in whatever order: once it is over, the remote is what the mart is.

Contacts change, leave, return, are merged and renamed; the destination fails, says so
late or never, forgets rows, refuses some; runs are killed at any point, and resumed.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kill_points import ForkServer
from kill_stage import KILLS, Kill, KillStage, set_kill_stage
from standins import faults

CONTACTS = 8
Step = tuple[Any, ...]
numbers = st.integers(0, CONTACTS + 2)
seeds = st.integers(0, 2**16)
FAULTS = (
    faults.answers(500),
    faults.answers(503, "", {"Retry-After": "0"}),
    faults.too_many(0),
    faults.APPLY_DROP,
    faults.APPLY_RESET,
    faults.DROP,
    faults.TRUNCATE,
    faults.html_page(),
    faults.applies_and_answers(504),
)
changes = st.one_of(
    st.tuples(st.just("segment"), numbers, st.sampled_from(["hot", "warm", "cold"])),
    st.tuples(st.just("score"), numbers, st.integers(0, 50)),
    st.tuples(st.just("leave"), numbers),
    st.tuples(st.just("return"), numbers),
    st.tuples(st.just("merge"), numbers),
    st.tuples(st.just("rename"), numbers, st.integers(0, 2)),
    st.tuples(st.just("add")),
    st.tuples(st.just("poison"), numbers),
    st.tuples(st.just("heal"), numbers),
    st.tuples(st.just("omit"), numbers),
    st.tuples(st.just("expire")),
)
runs = st.one_of(
    st.tuples(st.just("run"), st.just(0), seeds, st.sampled_from([0.0, 0.2, 0.6])),
    st.tuples(st.just("run"), st.integers(1, 60), seeds, st.sampled_from([0.0, 0.2])),
    st.tuples(st.just("resume"), st.integers(0, 40), seeds, st.just(0.0)),
)
rounds = st.lists(
    st.tuples(st.lists(changes, min_size=1, max_size=4), runs), min_size=2, max_size=5
)
PLAYED = [kill for kill in KILLS if not kill.trick]


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer() as started:
        yield started


def play(kill: Kill, server: ForkServer, played: Sequence[tuple[Any, Step]]) -> None:
    """Play some rounds of changes and runs, then let all be well."""
    with (
        tempfile.TemporaryDirectory() as folder,
        set_kill_stage(kill, server, Path(folder), CONTACTS) as stage,
    ):
        for changed, (command, kill_at, seed, rate) in played:
            for step in changed:
                change(stage, *step)
            stage.remote.faults.at_rate(rate, seed, FAULTS)
            stage.play(kill_at, command, may_fail=True)
        stage.remote.faults.clear()
        stage.remote.poisons.clear()
        stage.play(command="retry")
        stage.assert_adds_up()
        stage.assert_is_as_the_mart()
        stage.assert_is_quiet()


def change(stage: KillStage, what: str, *of: Any) -> None:
    """Let something change in the shop, or over there."""
    stage.known |= stage.expected().keys()
    number = of[0] if of else 0
    there = stage.shop.rows(
        "select * from intent.contact_intent where contact_id = md5(?)",
        [f"contact {number}"],
    )
    if what == "add":
        stage.shop.add(1, CONTACTS + len(stage.known))
    elif what == "expire":
        stage.remote.expire_tokens()
    if not there or len(of) == 0:
        return
    key = stage.key(number)
    match what:
        case "segment":
            stage.change(number, f"segment = '{of[1]}', segment_since = as_of")
        case "score":
            stage.change(number, f"intent_score = {of[1] / 10}")
        case "leave" | "return":
            is_exportable = str(what == "return").lower()
            stage.change(number, f"is_exportable = {is_exportable}")
        case "merge":
            stage.shop.remove(f"contact_id = md5('contact {number}')")
        case "rename":
            stage.change(number, f"email = 'name{of[1]}-{number}@shop.example'")
        case "poison":
            stage.remote.poison(key)
        case "heal":
            stage.remote.heal(key)
        case "omit":
            stage.remote.omit(key)


@pytest.mark.parametrize("kill", PLAYED, ids=str)
def test_some_histories_end_well(kill: Kill, server: ForkServer) -> None:
    @settings(
        max_examples=3,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(rounds)
    def histories_end_well(played: Sequence[tuple[Any, Step]]) -> None:
        play(kill, server, played)

    histories_end_well()


@pytest.mark.faults
@pytest.mark.parametrize("kill", PLAYED, ids=str)
def test_many_histories_end_well(kill: Kill, server: ForkServer) -> None:
    @settings(
        max_examples=25,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(rounds)
    def histories_end_well(played: Sequence[tuple[Any, Step]]) -> None:
        play(kill, server, played)

    histories_end_well()
