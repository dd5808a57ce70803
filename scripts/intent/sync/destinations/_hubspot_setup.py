"""What an admin must create in HubSpot before a sync can write."""

from collections.abc import Mapping, Sequence

from intent.sync.spec import FieldRule, FieldType, Sync

KINDS = {
    FieldType.TEXT: "single-line text",
    FieldType.NUMBER: "number",
    FieldType.INTEGER: "number",
    FieldType.BOOLEAN: "single checkbox",
    FieldType.DATETIME: "date and time picker",
    FieldType.DATE: "date picker",
}
OPTIONS: Mapping[str, Sequence[str]] = {
    "segment": ("hot", "warm", "cold"),
    "buying_stage": ("awareness", "consideration", "decision", "retention"),
    "fit_grade": ("A", "B", "C", "D"),
}
"""Columns whose few values make good options of a dropdown."""
BUILT_IN = ("email", "domain", "hs_object_id")


def steps(sync: Sync) -> Sequence[str]:
    """What to do, a line each."""
    what = sync.object
    one = {"contacts": "Contact", "companies": "Company"}[what]
    scopes = [
        f"crm.objects.{what}.read",
        f"crm.objects.{what}.write",
        f"crm.schemas.{what}.read",
    ]
    if sync.segment_changes:
        scopes += ["crm.lists.read", "crm.lists.write"]
    lines = [
        f"Private app with the scopes {', '.join(scopes)}; its access token goes into "
        "INTENT_HUBSPOT_TOKEN",
        f"{one} property group: Intent (intent)",
    ]
    if sync.match.field not in BUILT_IN:
        lines.append(
            f"{one} property {sync.match.field}: single-line text, with unique values, "
            "which can't be changed later"
        )
    lines += [
        f"{one} property {name} ({label(name)}): {kind(rule)}"
        for name, rule in sync.fields.items()
    ]
    if sync.segment_changes:
        lines += [
            f"Static list of {what} for the segment {segment}: its id is {list_id} in "
            "the sync's file"
            for segment, list_id in sync.segment_changes.lists.items()
        ]
    return lines


def label(name: str) -> str:
    """How a property may be called on pages."""
    return name.replace("_", " ").capitalize()


def kind(rule: FieldRule) -> str:
    """The type of a property, with its options."""
    options = OPTIONS.get((rule.column or "").rpartition(".")[2])
    if rule.type is not FieldType.TEXT or options is None:
        return KINDS[rule.type]
    named = [(rule.labels or {}).get(option, option) for option in options]
    return f"dropdown select of {', '.join(named)}, or single-line text"
