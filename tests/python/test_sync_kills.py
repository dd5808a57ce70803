"""Runs that are killed, at each point where they write to the ledger or the network.

Each is followed by one that is let be: the remote is what the mart is then, nothing was
created twice, each change of a segment was told, and there is nothing left to send.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from kill_points import ForkServer
from kill_stage import CHANGED, FIRST, KILLS, KillStage, set_kill_stage

SAMPLED = 3
"""Points in a short test."""
MOST = 1_000
"""There are never so many points."""


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer() as started:
        yield started


@pytest.fixture
def stage(
    request: pytest.FixtureRequest, server: ForkServer, tmp_path: Path
) -> Iterator[KillStage]:
    with set_kill_stage(request.param, server, tmp_path) as made:
        made.prepare()
        yield made


over_kills = pytest.mark.parametrize("stage", KILLS, ids=str, indirect=True)


def sample(stage: KillStage, points: int, count: int) -> list[int]:
    """Some points, the same for a destination each time."""
    dice = random.Random(str(stage.kill))  # noqa: S311
    return sorted(dice.sample(range(1, points + 1), min(count, points)))


def count_points(stage: KillStage) -> int:
    """How many points a run has that nobody kills."""
    stage.start_anew()
    fate = stage.play()
    assert not fate.was_killed
    assert any(stage.kill.uses in point for point in fate.points)
    stage.assert_is_as_the_mart()
    return len(fate.points)


@over_kills
def test_kills_at_some_points_lose_nothing(stage: KillStage) -> None:
    points = count_points(stage)
    for number in sample(stage, points, SAMPLED):
        stage.start_anew()
        stage.play(number)
        stage.recover(CHANGED)
        stage.assert_is_quiet()


@pytest.mark.faults
@over_kills
def test_kills_at_every_point_lose_nothing(
    stage: KillStage, request: pytest.FixtureRequest
) -> None:
    if str(stage.kill) == "marketo_bulk_events":
        # A known fault, to be mended: killed at some point, with a mart that changed
        # since, the last event that Marketo has is at times not of today's segment.
        request.node.add_marker(pytest.mark.xfail(strict=False))
    for number in range(1, MOST):
        stage.start_anew()
        if not stage.play(number).was_killed:
            break
        stage.recover(CHANGED)
        stage.assert_is_quiet()
    assert number > count_points(stage) / 2


@pytest.mark.faults
@over_kills
def test_kills_before_all_changes_are_undone_lose_nothing(stage: KillStage) -> None:
    for number in range(1, count_points(stage), 4):
        stage.start_anew()
        stage.play(number)
        stage.recover(FIRST)
        stage.assert_is_quiet()


@pytest.mark.faults
@over_kills
def test_kills_of_the_run_that_recovers_lose_nothing(stage: KillStage) -> None:
    points = count_points(stage)
    dice = random.Random(str(stage.kill))  # noqa: S311
    for number in sample(stage, points, 8):
        stage.start_anew()
        stage.play(number)
        stage.play(dice.randint(1, points))
        stage.recover(CHANGED)
        stage.assert_is_quiet()
