"""The feeds' contracts, as far as scores depend on them.

Columns of type text that no score needs are left out: any value is a text, so they
can't make a row malformed. Columns of any other type are all here.
"""

from dataclasses import dataclass

IDENTIFIER_KINDS = (
    "customer_id",
    "user_id",
    "crm_id",
    "email",
    "phone",
    "anonymous_id",
)
"""Identifiers in their order of precedence: an event belongs to the first present."""

ANONYMOUS_KIND = "anonymous_id"


@dataclass(frozen=True)
class Table:
    """One raw table: its key, its time, its identifiers and its typed columns."""

    feed: str
    name: str
    key: str
    time: str | None
    identifiers: tuple[str, ...]
    """In the order of precedence."""
    timestamps: tuple[str, ...]
    doubles: tuple[str, ...] = ()
    booleans: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    """Other columns of type text that scores depend on."""

    @property
    def columns(self) -> frozenset[str]:
        """All columns to read."""
        typed = (*self.timestamps, *self.doubles, *self.booleans)
        return frozenset((self.key, *self.identifiers, *self.texts, *typed))


TABLES = (
    Table(
        feed="web",
        name="events",
        key="event_id",
        time="event_time",
        identifiers=("user_id", "email", "anonymous_id"),
        timestamps=("event_time", "received_at"),
        doubles=("quantity", "value"),
        texts=("event_name", "order_id", "user_agent", "currency"),
    ),
    Table(
        feed="web",
        name="identifies",
        key="event_id",
        time="event_time",
        identifiers=("user_id", "email", "phone", "anonymous_id"),
        timestamps=("event_time", "received_at"),
    ),
    Table(
        feed="shop",
        name="customers",
        key="customer_id",
        time="created_at",
        identifiers=("customer_id", "email", "phone"),
        timestamps=("created_at", "updated_at", "received_at"),
    ),
    Table(
        feed="shop",
        name="orders",
        key="order_id",
        time="ordered_at",
        identifiers=("customer_id", "email", "phone"),
        timestamps=("ordered_at", "cancelled_at", "updated_at", "received_at"),
        doubles=("order_total",),
        texts=("currency",),
    ),
    Table(
        feed="shop",
        name="order_lines",
        key="order_line_id",
        time=None,
        identifiers=(),
        timestamps=("received_at",),
        doubles=("quantity", "unit_price"),
        texts=("order_id",),
    ),
    Table(
        feed="shop",
        name="returns",
        key="return_id",
        time="returned_at",
        identifiers=("customer_id", "email"),
        timestamps=("returned_at", "received_at"),
        doubles=("amount",),
        booleans=("is_full_return",),
        texts=("order_id",),
    ),
    Table(
        feed="email",
        name="events",
        key="event_id",
        time="event_time",
        identifiers=("customer_id", "email"),
        timestamps=("event_time", "received_at"),
        booleans=("is_machine_open",),
        texts=("event_name", "user_agent"),
    ),
    Table(
        feed="crm",
        name="contacts",
        key="crm_id",
        time="created_at",
        identifiers=("customer_id", "crm_id", "email", "phone"),
        timestamps=("created_at", "updated_at", "received_at"),
        booleans=(
            "objected_to_profiling",
            "email_opt_out",
            "push_opt_out",
            "call_opt_out",
        ),
    ),
)
