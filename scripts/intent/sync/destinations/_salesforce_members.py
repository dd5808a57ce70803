"""Lists are campaigns: who is in a segment is a member of its campaign.

A member has a key of ours (an external id on CampaignMember), so that one that we put
there can be taken away without looking for it, and those put there by others stay.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from intent.errors import BadInputError
from intent.sync.destinations._salesforce_query import RECORD_ID
from intent.sync.load import at
from intent.sync.model import Request, Row
from intent.sync.spec import Sync

KEY = "Intent_Member_Key__c"
REFERENCES = {"Contact": "ContactId", "Lead": "LeadId"}
DROPS = 25
"""REST API Developer Guide, Composite: requests in one."""


def check(sync: Sync) -> None:
    """Make sure that lists can be campaigns.

    Raises:
        BadInputError: they can't.
    """
    changes = sync.segment_changes
    if changes is None:
        return
    if changes.told_as == "events":
        raise BadInputError(
            f"{at(sync, 'segment_changes')}: Salesforce has no events to be told as. "
            "Leave segment_changes out and let a record-triggered flow watch the "
            "segment's field, or use `as: lists` with a campaign for each segment."
        )
    if sync.object not in REFERENCES:
        raise BadInputError(
            f"{at(sync, 'segment_changes')}: members of a campaign are contacts or "
            f"leads, and this sync's object is {sync.object}. Leave segment_changes "
            "out."
        )
    for segment, campaign in changes.lists.items():
        if len(campaign) != 18 or not RECORD_ID.match(campaign):
            raise BadInputError(
                f"{at(sync, 'segment_changes', 'lists', segment)}: a campaign's id has "
                "18 letters and digits and begins with 701. It stands in the address "
                "of the campaign's page."
            )


def member_key(row: Row, record_id: str) -> str:
    """The key of a membership: the ids of the campaign and of the record."""
    return f"{row.values['list']}-{record_id}"


def json_member(row: Row, sync: Sync, record_id: str) -> bytes:
    """A membership to be made."""
    return orjson.dumps(
        {
            "attributes": {"type": "CampaignMember"},
            "CampaignId": row.values["list"],
            REFERENCES[sync.object]: record_id,
            KEY: member_key(row, record_id),
        }
    )


def drop(base: str, targets: Sequence[tuple[Row, str]]) -> Request:
    """The request that takes memberships away."""
    requests = [
        {
            "method": "DELETE",
            "url": f"{base}/sobjects/CampaignMember/{KEY}/{member_key(row, record_id)}",
            "referenceId": f"member{place}",
        }
        for place, (row, record_id) in enumerate(targets)
    ]
    body = {"allOrNone": False, "compositeRequest": requests}
    return Request(
        "POST",
        f"{base}/composite",
        content=orjson.dumps(body),
        headers={"content-type": "application/json"},
    )


def drop_results(body: Any) -> list[dict[str, Any]]:
    """The results of a drop as other requests have them; one that was none is done."""
    results = []
    for part in body["compositeResponse"]:
        is_done = part["httpStatusCode"] in (204, 404)
        results.append({"success": is_done, "errors": part["body"] or []})
    return results
