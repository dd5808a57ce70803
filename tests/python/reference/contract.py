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
class Range:
    """What a number must not leave, and the reason for which a row that does is out."""

    column: str
    reason: str
    least: float = 0
    most: float | None = None
    is_needed: bool = False

    def is_left_by(self, number: float | None) -> bool:
        """Tell whether a number is out of the range."""
        if number is None:
            return self.is_needed
        return number < self.least or (
            self.most is not None and not number <= self.most
        )


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
    record_kind: str | None = None
    """Of a table of versions of records: the kind of identifier that names them."""
    texts: tuple[str, ...] = ()
    """Other columns of type text that scores depend on."""
    says: str | None = None
    """What all rows tell, where no column event_name does."""
    is_record: bool = False
    """Its rows are records, which need not be known by name."""
    details: tuple[str, ...] = ()
    """Columns of which the first present is the detail of the event's name."""
    detail_words: tuple[tuple[str, str], ...] = ()
    """(column, word): the word is the detail where the column is present."""
    measure: str | None = None
    """The column that an event counts which is measured."""
    version: tuple[str, ...] = ()
    """Columns of which the first present says when the row was written."""
    declared: tuple[str, ...] = ()
    """Columns that declare what is known of a contact, of whatever type."""
    until: str | None = None
    """The column from whose time on the row counts no more."""
    ranges: tuple[Range, ...] = ()

    @property
    def columns(self) -> frozenset[str]:
        """All columns to read."""
        typed = (*self.timestamps, *self.doubles, *self.booleans)
        texts = (*self.texts, *self.declared)
        return frozenset((self.key, *self.identifiers, *texts, *typed))


STARS = Range("rating", "score_out_of_range", 1, 5)
SATISFACTION = Range("score", "score_out_of_range", 1, 5, is_needed=True)
RECOMMENDATION = Range("score", "score_out_of_range", 0, 10)
MONEY = "negative_amount"
IMPOSSIBLE = "impossible_value"

TABLES = (
    Table(
        feed="web",
        name="events",
        key="event_id",
        time="event_time",
        identifiers=("user_id", "email", "anonymous_id"),
        timestamps=("event_time", "received_at"),
        doubles=("quantity", "value", "dwell_seconds"),
        texts=(
            "event_name",
            "order_id",
            "product_id",
            "user_agent",
            "currency",
            "form",
            "feature",
            "campaign",
            "search_phrase",
            "form_submission_id",
            "product_category",
        ),
        details=("form", "feature"),
        detail_words=(("campaign", "campaign"), ("search_phrase", "search")),
        measure="dwell_seconds",
        ranges=(
            Range("quantity", "negative_quantity"),
            Range("dwell_seconds", "negative_dwell"),
        ),
    ),
    Table(
        feed="web",
        name="identifies",
        key="event_id",
        time="event_time",
        identifiers=("user_id", "email", "phone", "anonymous_id"),
        timestamps=("event_time", "received_at"),
        says="Identify",
        is_record=True,
    ),
    Table(
        feed="shop",
        name="customers",
        key="customer_id",
        time="created_at",
        identifiers=("customer_id", "email", "phone"),
        timestamps=("created_at", "updated_at", "received_at", "birth_date"),
        says="Customer Recorded",
        is_record=True,
        version=("updated_at", "created_at"),
        declared=(
            "country",
            "region",
            "city",
            "language",
            "gender",
            "account_type",
            "birth_date",
        ),
        record_kind="customer_id",
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
        says="Order Placed",
        version=("updated_at", "cancelled_at", "ordered_at"),
        until="cancelled_at",
        ranges=(Range("order_total", MONEY),),
    ),
    Table(
        feed="shop",
        name="order_lines",
        key="order_line_id",
        time=None,
        identifiers=(),
        timestamps=("received_at",),
        doubles=("quantity", "unit_price"),
        texts=("order_id", "product_category"),
        says="Order Line Recorded",
        is_record=True,
        measure="quantity",
        ranges=(Range("quantity", "negative_quantity"),),
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
        texts=("order_id", "reason"),
        says="Order Returned",
        details=("reason",),
        version=("received_at",),
    ),
    Table(
        feed="shop",
        name="subscriptions",
        key="subscription_event_id",
        time="event_time",
        identifiers=("customer_id", "email"),
        timestamps=("event_time", "received_at"),
        doubles=("amount",),
        texts=("event_name",),
        ranges=(Range("amount", MONEY),),
    ),
    Table(
        feed="email",
        name="events",
        key="event_id",
        time="event_time",
        identifiers=("customer_id", "email"),
        timestamps=("event_time", "received_at"),
        booleans=("is_machine_open",),
        texts=("event_name", "user_agent", "message_id"),
    ),
    Table(
        feed="crm",
        name="contacts",
        key="crm_id",
        time="created_at",
        identifiers=("customer_id", "crm_id", "email", "phone"),
        timestamps=("created_at", "updated_at", "received_at", "birth_date"),
        doubles=("income",),
        record_kind="crm_id",
        booleans=(
            "objected_to_profiling",
            "email_opt_out",
            "push_opt_out",
            "call_opt_out",
        ),
        says="Contact Recorded",
        is_record=True,
        version=("updated_at", "created_at"),
        declared=(
            "country",
            "region",
            "city",
            "language",
            "gender",
            "education",
            "job_title",
            "interests",
            "account_type",
            "account_id",
            "income",
            "birth_date",
        ),
        ranges=(Range("income", IMPOSSIBLE),),
    ),
    Table(
        feed="crm",
        name="interactions",
        key="interaction_id",
        time="occurred_at",
        identifiers=("customer_id", "crm_id", "email", "phone"),
        timestamps=("occurred_at", "expires_at", "received_at"),
        doubles=("points",),
        texts=("event_name", "form_submission_id"),
        measure="points",
        until="expires_at",
        ranges=(Range("points", "negative_points"),),
    ),
    Table(
        feed="loyalty",
        name="events",
        key="event_id",
        time="event_time",
        identifiers=("customer_id", "email"),
        timestamps=("event_time", "received_at"),
        doubles=("points",),
        texts=("event_name", "tier"),
        details=("tier",),
        measure="points",
        ranges=(Range("points", "negative_points"),),
    ),
    Table(
        feed="reviews",
        name="reviews",
        key="review_id",
        time="reviewed_at",
        identifiers=("customer_id", "email"),
        timestamps=("reviewed_at", "received_at"),
        doubles=("rating",),
        booleans=("is_testimonial",),
        texts=("product_category",),
        says="Review Written",
        details=("rating",),
        version=("received_at",),
        ranges=(STARS,),
    ),
    Table(
        feed="support",
        name="tickets",
        key="ticket_id",
        time="opened_at",
        identifiers=("customer_id", "email", "phone"),
        timestamps=("opened_at", "updated_at", "received_at"),
        texts=("topic",),
        says="Ticket Opened",
        details=("topic",),
        version=("updated_at", "opened_at"),
    ),
    Table(
        feed="support",
        name="ratings",
        key="rating_id",
        time="rated_at",
        identifiers=("customer_id", "email"),
        timestamps=("rated_at", "received_at"),
        doubles=("score",),
        says="Service Rated",
        details=("score",),
        version=("received_at",),
        ranges=(SATISFACTION,),
    ),
    Table(
        feed="surveys",
        name="responses",
        key="response_id",
        time="answered_at",
        identifiers=("customer_id", "user_id", "email", "anonymous_id"),
        timestamps=("answered_at", "received_at"),
        doubles=("score",),
        texts=("survey_kind",),
        says="Survey Answered",
        details=("survey_kind",),
        ranges=(RECOMMENDATION,),
    ),
    Table(
        feed="social",
        name="events",
        key="event_id",
        time="event_time",
        identifiers=("customer_id", "user_id", "email"),
        timestamps=("event_time", "received_at"),
        texts=("event_name", "network"),
        details=("network",),
    ),
    Table(
        feed="crm",
        name="identifier_links",
        key="event_id",
        time="event_time",
        identifiers=IDENTIFIER_KINDS,
        timestamps=("event_time", "received_at"),
        booleans=("is_withdrawn",),
        says="Identifiers Linked",
        is_record=True,
    ),
)
