"""How many requests an account of a destination may still get today.

What the destination says in its answers holds. Where it says nothing, we count what we
sent in the last 24 hours, which is never too little, whenever its day begins.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from intent.sync.ledger import Ledger
from intent.sync.model import Quota


@dataclass
class Budget:
    """The requests of a day, used and allowed."""

    limit: int | None
    own_limit: int | None
    used: int
    own: int

    @property
    def is_spent(self) -> bool:
        """No request is left."""
        return (self.limit is not None and self.used >= self.limit) or (
            self.own_limit is not None and self.own >= self.own_limit
        )

    def sent(self) -> None:
        """Count a request."""
        self.used += 1
        self.own += 1

    def told(self, quota: Quota) -> None:
        """Take over what the destination says."""
        self.limit = quota.limit
        self.used = quota.used


def read_budget(
    ledger: Ledger,
    account: tuple[str, str],
    limits: tuple[int | None, int | None],
    now: datetime,
) -> Budget:
    """The budget as the ledger knows it.

    Args:
        ledger: where earlier runs noted their requests.
        account: the destination, and its address.
        limits: what the destination allows in a day, and what the sync is to use of it.
        now: the moment (UTC).
    """
    day_ago = now - timedelta(days=1)
    [(own,)] = ledger.rows(
        "select count(*) from requests where destination = ? and account = ?"
        " and sent_at > ?",
        [*account, day_ago],
    )
    told = ledger.rows(
        "select daily_limit from quota where destination = ? and account = ?"
        " and told_at > ? order by told_at desc limit 1",
        [*account, day_ago],
    )
    limit, own_limit = limits
    return Budget(
        limit=told[0][0] if told else limit, own_limit=own_limit, used=own, own=own
    )


def store_quota(
    ledger: Ledger, account: tuple[str, str], quota: Quota, now: datetime
) -> None:
    """Note what the destination last said."""
    with ledger.commit() as connection:
        connection.execute(
            "delete from quota where destination = ? and account = ?", list(account)
        )
        connection.execute(
            "insert into quota values (?, ?, ?, ?, ?)",
            [*account, quota.used, quota.limit, now],
        )
