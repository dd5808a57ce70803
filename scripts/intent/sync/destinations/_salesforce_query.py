"""Look-ups, by a query within a request of the Composite API.

A query of its own would stand in the address, and the keys with it, which are personal
data. Salesforce itself recommends the body of a composite request for long queries
(help.salesforce.com, article 000386264). Five queries fit in one request, which counts
as one (REST API Developer Guide, Composite).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from intent.sync.destinations import _salesforce_answers as answers
from intent.sync.destinations._salesforce_values import from_remote
from intent.sync.model import Advice, RemoteRecord, Request, Response, Value, Verdict
from intent.sync.spec import FieldType, Sync

QUERIES = 5
"""REST API Developer Guide, Composite: most queries in one request."""
KEYS = 200
"""In one query: with the longest keys it stays under 100,000 characters, the most that
a query may have (SOQL and SOSL Reference)."""
CONDITIONS = {"Opportunity": "IsClosed = false", "Lead": "IsConverted = false"}
"""Which records of an object are looked at."""
ESCAPED = re.compile(r"[\\'\"\n\r\t\b\f]")
ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
RECORD_ID = re.compile(r"\A[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?\Z")
NOBODY = "000000000000000AAA"
NO_COLUMN = re.compile(r"No such column '(\w+)'")
SEVERAL = "(several records, several values)"


def literal(text: str) -> str:
    """A text as a query has it, whatever is in it."""
    escaped = ESCAPED.sub(lambda found: ESCAPES.get(found[0], f"\\{found[0]}"), text)
    return f"'{escaped}'"


def query(sync: Sync, keys: Sequence[str], fields: Sequence[str]) -> str:
    """The query for the records of some keys."""
    names = dict.fromkeys(["Id", sync.match.field, *fields])
    wanted = ", ".join(map(literal, keys))
    also = CONDITIONS.get(sync.object)
    return (
        f"SELECT {', '.join(names)} FROM {sync.object}"
        f" WHERE {sync.match.field} IN ({wanted}){f' AND {also}' if also else ''}"
    )


def look_up(
    base: str, sync: Sync, keys: Sequence[str], fields: Sequence[str]
) -> Request:
    """The request that reads the records of some keys."""
    if is_reference(sync):  # a query for what can be no id is refused
        keys = [key for key in keys if RECORD_ID.match(key)] or [NOBODY]
    queries = [
        {
            "method": "GET",
            "url": f"{base}/query?q={quote(query(sync, keys[at : at + KEYS], fields))}",
            "referenceId": f"keys{at}",
        }
        for at in range(0, len(keys), KEYS)
    ]
    body = {"allOrNone": False, "compositeRequest": queries}
    return Request(
        "POST",
        f"{base}/composite",
        content=orjson.dumps(body),
        headers={"content-type": "application/json"},
    )


def read(
    sync: Sync, keys: Sequence[str], fields: Sequence[str], response: Response
) -> Mapping[str, RemoteRecord] | Verdict:
    """The records by our keys."""
    if refused := refusal(response):
        return refused
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for part in answers.read(response)["compositeResponse"]:
        status, body = part["httpStatusCode"], part["body"]
        inner = Response(status, response.headers, orjson.dumps(body))
        if refused := refusal(inner):
            return refused
        if not body["done"]:  # more records than one answer holds
            return Verdict(advice=Advice.SPLIT)
        for record in body["records"]:
            rows.setdefault(folded(sync, record[sync.match.field]), []).append(record)
    return {
        key: merged(sync, fields, found)
        for key in keys
        if (found := rows.get(folded(sync, key)))
    }


def refusal(response: Response) -> Verdict | None:
    """What a refused look-up means; its words may quote keys, so they are not told."""
    refused = answers.judge(response, [])
    if refused is None or response.status not in (400, 404):
        return refused
    first = answers.errors_of(response)[0]
    column = NO_COLUMN.search(str(first.get("message", "")))
    what = f" (field {column[1]})" if column else ""
    return Verdict(
        advice=Advice.REFUSED,
        message=f"Salesforce refuses to look records up: {first['errorCode']}{what}. "
        "Are the object's and the fields' names right, and may the user read them?",
    )


def is_reference(sync: Sync) -> bool:
    """The match field holds ids of Salesforce's."""
    return sync.match.field.endswith("Id")


def folded(sync: Sync, key: str) -> str:
    """What keys have in common that are one to Salesforce."""
    if is_reference(sync) and RECORD_ID.match(key):
        return key[:15]  # the last three of 18 only repeat the case of the others
    return key.casefold()


def merged(
    sync: Sync, fields: Sequence[str], found: Sequence[Mapping[str, Any]]
) -> RemoteRecord:
    """The records of one key as one: all their ids, and the values they agree on."""
    values: dict[str, Value] = {}
    for name in fields:
        rule = sync.fields.get(name)
        kind = rule.type if rule else FieldType.TEXT
        told = {from_remote(record.get(name), kind) for record in found}
        values[name] = told.pop() if len(told) == 1 else SEVERAL
    ids = sorted(str(record["Id"]) for record in found)
    return RemoteRecord(remote_id=",".join(ids), values=values)
