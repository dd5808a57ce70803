"""The live smoke test, opt-in: an invented contact in an account of the shop's own.

`make test-live` plays with each destination whose settings are in the environment, and
says which are missing for the others. Take a sandbox: a contact is written, changed and
deleted there. Without accounts the play itself is tested, against the stand-ins.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from intent.sync.destinations import find_adapter
from intent.sync.load import load_syncs
from intent.sync.secrets import setting_states
from intent.sync.spec import Sync
from live_play import PARTS, Fact, Live, Part, play
from standins import find_cases
from standins.kit import StandIn
from sync_shop import PROJECT, SyncShop

SYNCS = (
    "connectif",
    "hubspot",
    "salesforce_contacts",
    "customer_io",
    "marketo",
    "pardot",
    "eloqua",
    "klaviyo",
    "braze",
    "salesmanago",
    "webhook",
)
SECONDS = 90.0
"""How long what was acknowledged may take to be seen."""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SyncShop:
    shop = SyncShop.open(tmp_path / "shop", contacts=2)
    for name, value in shop.environment.items():
        monkeypatch.setenv(name, value)
    return shop


@pytest.mark.live
@pytest.mark.parametrize("name", SYNCS)
def test_an_account(
    name: str,
    shop: SyncShop,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    [sync] = load_syncs(PROJECT / "syncs", [name])
    if missing := missing_settings(sync):
        pytest.skip(f"not set: {', '.join(missing)}")
    facts = play(Live.open(sync, shop, monkeypatch, SECONDS))
    with capsys.disabled():
        print(f"\n{name}:", *(f"  {fact}" for fact in facts), sep="\n")
    assert [str(fact) for fact in facts if fact.holds is False] == []


def missing_settings(sync: Sync) -> list[str]:
    """The settings without which a destination can't be spoken to."""
    states = setting_states(find_adapter(sync.destination).settings)
    missing = [each.variable for each in states if each.is_required and not each.found]
    keys = [each for each in states if each.variable in ONE_OF]
    if keys and not any(each.found for each in keys):
        missing.append(" or ".join(each.variable for each in keys))
    return missing


ONE_OF = ("INTENT_SALESFORCE_CLIENT_SECRET", "INTENT_SALESFORCE_PRIVATE_KEY")


@pytest.fixture
def remote(
    request: pytest.FixtureRequest, shop: SyncShop, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StandIn]:
    """The stand-in of a sync, in place of an account."""
    case = next(case for case in find_cases() if case.sync == request.param)
    [sync] = load_syncs(PROJECT / "syncs", [case.sync])
    for variable in [each for each in os.environ if each.startswith("INTENT_")]:
        if variable not in shop.environment:
            monkeypatch.delenv(variable)
    assert missing_settings(sync)
    with case.stand_in() as remote:
        for variable, value in case.settings(remote.url).items():
            monkeypatch.setenv(variable, value)
        assert missing_settings(sync) == []
        remote.prepare(sync)
        yield remote


@pytest.mark.parametrize(
    ("remote", "name"),
    list(zip(SYNCS, SYNCS, strict=True)),
    ids=SYNCS,
    indirect=["remote"],
)
def test_the_play_with_stand_ins(
    remote: StandIn, name: str, shop: SyncShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    [sync] = load_syncs(PROJECT / "syncs", [name])
    case = next(case for case in find_cases() if case.sync == name)
    if options := case.changes.get("options"):
        sync = sync.model_copy(update={"options": {**sync.options, **options}})
    facts = play(Live.open(sync, shop, monkeypatch, 1.0))
    assert [str(fact) for fact in facts if fact.holds is False] == []
    assert remote.records() == {}
    assert remote.log


@pytest.mark.parametrize("remote", ["hubspot"], indirect=True)
def test_a_play_that_fails_leaves_nobody(
    remote: StandIn, shop: SyncShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(live: Live) -> Iterator[Fact]:
        assert len(remote.records()) == 1
        raise ZeroDivisionError
        yield from live.read()

    monkeypatch.setitem(PARTS, "hubspot", Part(there=fail))
    [sync] = load_syncs(PROJECT / "syncs", ["hubspot"])
    with pytest.raises(ZeroDivisionError):
        play(Live.open(sync, shop, monkeypatch, 1.0))
    assert remote.records() == {}
