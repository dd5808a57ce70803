"""A first mapping for a file, by the names of its columns and the look of its values.

It is a start to be read and mended, not an answer: every guess is marked as one.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from intent.contracts import RECEIVED_AT, Column, Contract
from intent.errors import BadInputError
from intent.load import open_scratch, show_name
from intent.load_mapping import SourceRule
from intent.load_plan import CSV_NULLS
from intent.load_sources import Source, guard, inspect_file, open_source
from intent.load_sql import Conversion, SourceColumn, as_text, raw_sql, value_sql

SAMPLE = 10_000
MOST_EVENT_NAMES = 30
# Other names for the same thing, as common tools' exports have them.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "event_id": ("id", "messageid", "uuid", "eventuuid", "hitid", "insertid"),
    "event_name": ("event", "eventtype", "type", "action", "metric", "name"),
    "event_time": (
        "timestamp",
        "time",
        "ts",
        "datetime",
        "occurredat",
        "originaltimestamp",
        "sentat",
        "createdat",
        "eventtimestamp",
        "date",
    ),
    "received_at": ("receivedtime", "ingestedat", "loadedat", "recordedat"),
    "anonymous_id": ("cookieid", "visitorid", "deviceid", "clientid", "userpseudoid"),
    "user_id": ("userid", "accountid", "uid", "memberid"),
    "email": ("emailaddress", "mail", "useremail", "customeremail", "recipient",
              "requesteremail", "revieweremail", "contactemail"),
    "phone": ("phonenumber", "mobile", "telephone", "tel"),
    "customer_id": ("customer", "customerno", "custid", "client", "clientid",
                    "contactkey", "contactid"),
    "session_id": ("session", "visitid", "gasessionid"),
    "page_path": ("path", "page", "url", "pageurl", "context.page.path"),
    "referrer": ("referer", "source", "context.page.referrer"),
    "search_query": ("query", "searchterm", "search", "keyword"),
    "product_id": ("sku", "item", "itemid", "stockcode", "productsku", "variantid"),
    "product_category": ("category", "itemcategory", "producttype", "department"),
    "order_id": ("order", "orderno", "ordernumber", "invoiceno", "invoice", "basketid"),
    "quantity": ("qty", "count", "units", "pieces"),
    "value": ("amount", "revenue", "price", "total"),
    "currency": ("currencycode", "curr"),
    "user_agent": ("useragent", "ua", "browser", "context.userAgent"),
    "ordered_at": ("orderdate", "ordertime", "placed", "createdat", "placedat",
                   "purchasedat", "timestamp", "invoicedate", "date", "processedat"),
    "order_total": ("total", "totalprice", "grandtotal", "amount", "value", "revenue"),
    "cancelled_at": ("canceledat", "canceldate"),
    "updated_at": ("modifiedat", "lastmodified", "lastmodifieddate", "changedat"),
    "created_at": ("createddate", "signupdate", "registeredat", "creationdate"),
    "order_line_id": ("lineid", "lineitemid", "orderitemid"),
    "unit_price": ("price", "itemprice", "unitprice"),
    "return_id": ("refundid", "rmaid", "creditnoteid"),
    "returned_at": ("returndate", "refundedat", "processedat", "date"),
    "amount": ("refundamount", "value", "total"),
    "reason": ("returnreason", "note"),
    "campaign_id": ("campaign", "flowid", "campaignname"),
    "message_id": ("message", "emailid", "sendid"),
    "url": ("link", "clickedurl"),
    "crm_id": ("id", "contactid", "leadid", "sfid"),
    "account_id": ("account", "companyid", "company"),
    "country": ("countrycode", "billingcountry", "mailingcountry"),
    "dwell_seconds": ("dwelltime", "timeonpage", "duration", "engagementseconds"),
    "campaign": ("utmcampaign", "context.campaign.name", "campaignname"),
    "entry_source": ("utmsource", "context.campaign.source", "trafficsource"),
    "search_phrase": ("utmterm", "context.campaign.term", "keyword"),
    "feature": ("featurename",),
    "form": ("formname", "formid"),
    "form_submission_id": ("submissionid", "conversionid"),
    "subscription_event_id": ("id", "eventid"),
    "subscription_id": ("subscription", "contractid"),
    "interaction_id": ("id", "activityid", "taskid", "engagementid"),
    "occurred_at": ("activitydate", "date", "timestamp", "createddate"),
    "author": ("owner", "ownerid", "createdby", "agent"),
    "expires_at": ("expirydate", "validuntil"),
    "points": ("pointsamount", "pointchange", "amount"),
    "tier": ("viptier", "level", "tiername"),
    "review_id": ("id", "reviewid"),
    "reviewed_at": ("createdat", "reviewdate", "date"),
    "rating": ("score", "stars"),
    "is_testimonial": ("testimonial", "featured"),
    "ticket_id": ("id", "caseid", "casenumber", "ticketnumber"),
    "opened_at": ("createdat", "createddate", "date"),
    "channel": ("via", "origin", "viachannel"),
    "topic": ("subjectcategory", "category", "reason", "type"),
    "rating_id": ("id", "csatid"),
    "rated_at": ("createdat", "date"),
    "score": ("rating", "csat", "nps", "satisfaction"),
    "response_id": ("id", "token", "responsetoken"),
    "answered_at": ("submittedat", "completedat", "enddate", "date"),
    "survey_kind": ("survey", "surveytype", "formtitle", "type"),
    "network": ("platform", "socialnetwork", "source"),
}  # fmt: skip
FORMATS = (
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%Y%m%d",
    "%Y%m%d%H%M%S",
    "%a, %d %b %Y %H:%M:%S %z",
    "%d-%b-%Y %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p",
)


@dataclass(frozen=True)
class Guess:
    """How one contract column might be filled."""

    column: Column
    theirs: str
    options: dict[str, object]
    note: str = ""


def propose(
    path: Path,
    contracts: Sequence[Contract],
    known_names: dict[str, frozenset[str]],
) -> str:
    """Write a first mapping for a file.

    Args:
        path: the file.
        contracts: the tables that it may be for; the best match is taken.
        known_names: the event names that each feed knows.

    Returns:
        The mapping, as YAML with remarks.

    Raises:
        BadInputError: no column looks like one of the contract's.
    """
    file = inspect_file(path, SourceRule())
    with open_scratch() as (scratch, con):
        source = open_source(con, file, SourceRule(), scratch, lambda _: None)
        contract, pairs = best_match(source, contracts, known_names)
        if not pairs:
            raise BadInputError(
                f"{path}: no column looks like one of {contract.key}'s "
                f"({', '.join(contract.names)}). It has: "
                f"{', '.join(each.name for each in source.columns)}."
            )
        names = _their_event_names(source, pairs.get("event_name"))
        source.use({each.name for each in pairs.values()})
        with guard(str(path)):
            con.execute(
                f"CREATE TEMP TABLE sample AS SELECT * FROM source LIMIT {SAMPLE}"
            )
            guesses = [
                _guess(source, contract.column(name), theirs)
                for name, theirs in pairs.items()
            ]
    used = [theirs.name for theirs in pairs.values()]
    unused = [
        each.name
        for each in source.columns
        if not any(f"{name}.".startswith(f"{each.name}.") for name in used)
    ]
    return render(
        contract, guesses, names, known_names.get(contract.feed, frozenset()), unused
    )


def best_match(
    source: Source,
    contracts: Sequence[Contract],
    known_names: dict[str, frozenset[str]],
) -> tuple[Contract, dict[str, SourceColumn]]:
    """Find the contract that a file looks most like, by columns, then event names."""
    all_pairs = {each.key: match_names(source.columns, each) for each in contracts}

    def score(contract: Contract) -> tuple[float, int, int]:
        pairs = all_pairs[contract.key]
        required = [each.name for each in contract.columns if each.required]
        named = sum(1 for each in required if each in pairs)
        known = known_names.get(contract.feed, frozenset())
        names = _their_event_names(source, pairs.get("event_name"))
        alike = sum(1 for each in names if nearest_name(each, known))
        return named / max(len(required), 1), alike, len(pairs)

    best = max(contracts, key=score)
    return best, all_pairs[best.key]


def match_names(
    columns: Sequence[SourceColumn], contract: Contract
) -> dict[str, SourceColumn]:
    """Pair contract columns with a file's by their names, each used once.

    Equal names go first, then names that are equal but for case and underscores,
    then common other names.
    """
    pairs: dict[str, SourceColumn] = {}
    left = {each.name: each for each in columns if each.kind != "nested"}

    def take(name: str, wanted: Sequence[str]) -> None:
        for want in wanted:
            found = next((each for each in left if _plain(each) == want), None)
            if name not in pairs and found is not None:
                pairs[name] = left.pop(found)

    for name in contract.names:
        if name in left:
            pairs[name] = left.pop(name)
    for name in contract.names:
        take(name, [_plain(name)])
    for name in contract.names:
        take(name, [_plain(each) for each in SYNONYMS.get(name, ())])
    return {name: pairs[name] for name in contract.names if name in pairs}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", name.lower())


def _guess(source: Source, column: Column | None, theirs: SourceColumn) -> Guess:
    """Find how a column's values are written, by trying."""
    if column is None:  # The pairs are made of the contract's own names.
        raise AssertionError
    if column.data_type == "timestamp":
        return _guess_time(source, column, theirs)
    if column.data_type in ("double", "bigint") and theirs.kind == "text":
        if _share(source, column, theirs, Conversion()) == 1:
            return Guess(column, theirs.name, {})
        for mark in (",", "."):
            if _share(source, column, theirs, Conversion(decimal=mark)) == 1:
                return Guess(column, theirs.name, {"decimal": mark})
        return Guess(column, theirs.name, {}, "not all values look like numbers")
    if column.name.endswith("_id") and theirs.kind == "text":
        text = as_text(theirs.sql, theirs.kind)
        row = source.con.execute(
            rf"SELECT count({text}), count(*) FILTER "
            rf"(regexp_full_match({text}, '\d+\.0')) FROM sample"
        ).fetchone()
        if row and row[0] == row[1] > 0:
            return Guess(column, theirs.name, {"whole_number": True})
    return Guess(column, theirs.name, {})


def _guess_time(source: Source, column: Column, theirs: SourceColumn) -> Guess:
    if theirs.kind in ("timestamp", "timestamptz"):
        return Guess(column, theirs.name, {})
    if theirs.kind == "text" and _share(source, column, theirs, Conversion()) == 1:
        return Guess(column, theirs.name, {})
    row = source.con.execute(
        f"SELECT median(TRY_CAST({theirs.sql} AS DOUBLE)) FROM sample"
    ).fetchone()
    middle = row[0] if row else None
    # Seconds reach 1e9 in 2001, milliseconds 1e12, microseconds 1e15.
    units = ((1e8, 1e11, "s"), (1e11, 1e14, "ms"), (1e14, 1e17, "us"))
    unit = next((u for low, top, u in units if middle and low <= middle < top), None)
    if unit:
        return Guess(column, theirs.name, {"unit": unit})
    fits = [
        each
        for each in FORMATS
        if theirs.kind == "text"
        and _share(source, column, theirs, Conversion(format=each)) == 1
    ]
    if not fits:
        return Guess(column, theirs.name, {}, "how are these times written? see format")
    note = f"or {fits[1]}: both fit" if len(fits) > 1 else ""
    return Guess(column, theirs.name, {"format": fits[0]}, note)


def _share(
    source: Source, column: Column, theirs: SourceColumn, how: Conversion
) -> float:
    """The share of a column's values that a conversion reads."""
    raw = raw_sql(theirs, column.data_type, CSV_NULLS)
    value = value_sql("r", theirs.kind, column.data_type, how, "UTC")
    row = source.con.execute(
        f"SELECT count({value}) / count(r) FROM (SELECT {raw} AS r FROM sample)"
    ).fetchone()
    return float(row[0]) if row and row[0] is not None else 1.0


def _their_event_names(source: Source, column: SourceColumn | None) -> list[str]:
    if column is None:
        return []
    source.use({column.name})
    rows = source.con.execute(
        f"SELECT {column.sql} FROM source WHERE {column.sql} IS NOT NULL "
        f"GROUP BY ALL ORDER BY count(*) DESC, 1 LIMIT {MOST_EVENT_NAMES}"
    ).fetchall()
    return [str(row[0]) for row in rows]


def render(
    contract: Contract,
    guesses: Sequence[Guess],
    event_names: Sequence[str],
    known: frozenset[str],
    unused: Sequence[str],
) -> str:
    """Write the mapping's YAML."""
    by_name = {each.column.name: each for each in guesses}
    lines = [
        "# A first guess, by names and values: read it, mend it, save it as .yml.",
        "description: Say here what this file is.",
        "tables:",
        f"  {contract.key}:",
        "    columns:",
    ]
    for column in contract.columns:
        guess = by_name.get(column.name)
        if guess:
            lines.append(_column_line(guess))
        elif column.name == RECEIVED_AT:
            lines += _received_at_lines(contract)
        elif column.required:
            lines.append(
                f"      {column.name}: YOUR_COLUMN  # required: {column.description}"
            )
        else:
            lines.append(f"      # {column.name}: {column.description}")
    lines += _event_name_lines(event_names, known)
    if unused:
        lines.append(f"# Not used: {', '.join(' '.join(x.split()) for x in unused)}")
    return "\n".join(lines) + "\n"


def _column_line(guess: Guess) -> str:
    value = {"column": guess.theirs, **guess.options} if guess.options else guess.theirs
    note = f"  # {guess.note}" if guess.note else ""
    return f"      {guess.column.name}: {_flow(value)}{note}"


def _received_at_lines(contract: Contract) -> list[str]:
    time = contract.time_column
    example = f"{{same_as: {time.name}}}" if time else "THEIR_COLUMN"
    return [
        "      # When each row became known. Without it: the moment of landing. For a",
        "      # file of history:",
        f"      # received_at: {example}",
    ]


def _event_name_lines(names: Sequence[str], known: frozenset[str]) -> list[str]:
    strange = [each for each in names if each not in known]
    if not strange:
        return []
    lines = ["    event_names:"]
    for name in strange:
        if show_name(name) != repr(name):
            lines.append(f"      # {show_name(name)}")
            continue
        near = nearest_name(name, known)
        lines.append(
            f"      {_flow(name)}: {_flow(near)}"
            if near
            else f"      # {_flow(name)}: one of {', '.join(sorted(known))}"
        )
    if not any(not each.lstrip().startswith("#") for each in lines[1:]):
        lines[0] = "    # event_names:"
    return lines


def nearest_name(name: str, known: frozenset[str]) -> str | None:
    """The known event name that is most like a name of theirs, in any word order."""

    def words(text: str) -> str:
        spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower()
        # "add_to_cart" and "Product Added": endings differ, so stems are compared.
        stems = (re.sub(r"(ed|ing|s)$", "", each) for each in re.split(r"\W|_", spaced))
        return " ".join(sorted(each for each in stems if each))

    by_words = {words(each): each for each in sorted(known)}
    close = difflib.get_close_matches(words(name), by_words, n=1, cutoff=0.75)
    return by_words[close[0]] if close else None


def _flow(value: object) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=10_000
    )
    return text.removesuffix("\n").removesuffix("\n...")
