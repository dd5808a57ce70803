"""What tests of the future share: what was known at a clock, scored at a later one."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from conftest import Row, Shop
from reference.identity import is_contact
from reference.live import Amount, live_score
from reference.rules import Sheet
from reference.score import (
    Day,
    contact_id_of,
    days_at,
    derived_days_at,
    orders_at,
    score_days,
)
from reference.values import EPOCH
from reference.world import World

EXITS = {"hot_until": "hot", "warm_until": "warm"}
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def seconds_at(moment: datetime) -> float:
    """Return the seconds since 1970, with fractions."""
    return (moment - EPOCH).total_seconds()


class Known:
    """All of a contact that its scores depend on, as known at one clock."""

    def __init__(self, world: World, members: Sequence[str], clock: datetime) -> None:
        at = seconds_at(clock)
        orders = orders_at(world, members, at)
        self.members = tuple(members)
        self.contact_id = contact_id_of(members[0])
        self.done: dict[str, list[Day]] = days_at(world.facts, members, at)
        self.derived = derived_days_at(world, orders, self.done, at)
        attributes = world.profiles.attributes(members, orders, at)
        self.audiences = {
            name: len(world.profiles.audiences[name])
            for name in world.profiles.audiences_of(attributes)
        }

    def sheets(self, world: World) -> Iterator[Sheet]:
        """Yield the sheets with the rules that hold for the contact."""
        for sheet in world.sheets:
            yield sheet.for_audiences(self.audiences)

    def score(self, sheet: Sheet, moment: datetime) -> float:
        """Score what was known, at a later moment: nothing new is looked for."""
        days = self.done | self.derived
        return score_days(days, sheet, seconds_at(moment))[0].intent_score


def all_known(world: World, clock: datetime) -> Iterator[Known]:
    """Yield the contacts that are scored at a clock."""
    objectors = world.identities.objectors()
    for members in world.identities.components(seconds_at(clock)):
        if is_contact(members) and objectors.isdisjoint(members):
            yield Known(world, members, clock)


def amounts_of(rows: Sequence[Row]) -> dict[tuple[str, str], list[Amount]]:
    """Group rows of contact_decay_state by contact and sheet."""
    found: dict[tuple[str, str], list[Amount]] = {}
    for row in rows:
        amount = Amount(
            amount=row["amount"],
            decay_rate_per_day=row["decay_rate_per_day"],
            cap=row["cap"],
            cap_group=row["cap_group"],
            group_cap=row["group_cap"],
        )
        found.setdefault((row["contact_id"], row["score_model"]), []).append(amount)
    return found


class Cooling:
    """A contact that is hot or warm, and what it has."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.row = rows[0]
        [self.amounts] = amounts_of(rows).values()

    def has_negative_amounts(self) -> bool:
        return any(each.amount < 0 for each in self.amounts)

    def is_in(self, exit_below: float, moment: datetime) -> bool:
        """Tell whether the score at a later moment is not under an exit."""
        days = (moment - self.row["as_of"]) / DAY
        score = live_score(self.amounts, self.row["scale"], days)
        return round(score, 9) >= exit_below

    def check(self, until: datetime, exit_below: float) -> None:
        """Let the clock run on: it leaves in the minute that was told, not before."""
        as_of = self.row["as_of"]
        if until.year == 9999:
            months = (as_of + month * 30 * DAY for month in range(300))
            assert all(self.is_in(exit_below, month) for month in months), self.row
            return
        assert not self.is_in(exit_below, until), self.row
        for back in range(1, min(10, (until - as_of) // MINUTE) + 1):
            assert self.is_in(exit_below, until - back * MINUTE), (self.row, back)
        for hour in range((until - as_of) // HOUR):
            assert self.is_in(exit_below, as_of + hour * HOUR), (self.row, hour)


def check_cooling(shop: Shop) -> list[Cooling]:
    """Check hot_until and warm_until of all contacts; return the contacts."""
    exits = {
        row["band"]: row["exit_below"]
        for row in shop.rows(
            "select band, exit_below from intent_rules.score_bands"
            " where score_model = (select any_value(score_model) from contact_intent)"
        )
    }
    rows = shop.rows(
        "select decay_state.*, hot_until, warm_until"
        " from contact_decay_state as decay_state"
        " inner join contact_intent using (contact_id, score_model)"
        " where segment in ('hot', 'warm') order by contact_id"
    )
    groups = groupby(rows, key=lambda row: row["contact_id"])
    contacts = [Cooling(list(group)) for _, group in groups]
    for contact in contacts:
        for column, band in EXITS.items():
            if contact.row[column] is not None:
                contact.check(contact.row[column], exits[band])
    return contacts
