"""What an admin does in Salesforce before the first run, line by line."""

from collections.abc import Iterator, Sequence

from intent.crm_formula import salesforce_formula
from intent.sync.destinations import _salesforce_members as members
from intent.sync.spec import FieldRule, FieldType, Mode, Sync

DECAY_MART = "contact_decay_fields"
FORMULA_FIELD = "Intent_Score__c"


def setup_lines(sync: Sync, score_scale: float | None) -> Sequence[str]:
    """All of it for one sync."""
    return [
        *app_lines(),
        *right_lines(sync),
        *field_lines(sync),
        *match_lines(sync),
        *list_lines(sync),
        *formula_lines(sync, score_scale),
    ]


def app_lines() -> Iterator[str]:
    """The app that we are."""
    yield (
        "Setup > External Client App Manager (or App Manager, New Connected App): make "
        "an app with OAuth and the scope `api`. Enable the Client Credentials Flow and "
        "choose the user that it runs as; its consumer key and secret are "
        "INTENT_SALESFORCE_CLIENT_ID and _CLIENT_SECRET."
    )
    yield (
        "Or, in place of the secret: enable the JWT Bearer Flow, upload a certificate, "
        "let admins approve users, and approve the user. Its private key and the "
        "user's name are INTENT_SALESFORCE_PRIVATE_KEY_FILE and _USERNAME."
    )


def right_lines(sync: Sync) -> Iterator[str]:
    """The rights of the user."""
    rights = ["read", "edit"]
    if sync.mode is not Mode.UPDATE_ONLY:
        rights.append("create")
    if sync.mode is Mode.MIRROR:
        rights.append("delete")
    yield (
        f"Give that user a permission set: API Enabled; {sync.object}: "
        f"{', '.join(rights)}, View All and Modify All Records (else records of "
        "others are not found); read and edit on the fields below. Deleting erased "
        f"people there needs delete on {sync.object}, too."
    )


def field_lines(sync: Sync) -> Iterator[str]:
    """The custom fields."""
    for name, rule in sync.fields.items():
        if name.endswith("__c"):
            yield f"{sync.object}: custom field {name}, {field_type(rule)}"


def field_type(rule: FieldRule) -> str:
    """A field's type as Salesforce calls it."""
    is_number = rule.type is FieldType.NUMBER
    if is_number and any(name.startswith(f"{DECAY_MART}.") for name in rule.sources):
        return "Number(9, 9)"
    if is_number:
        decimals = 6 if rule.decimals is None else rule.decimals
        return f"Number({18 - decimals}, {decimals})"
    if rule.type is FieldType.TEXT:
        return f"Text({min(rule.truncate or 255, 255)})"
    return TYPES[rule.type]


TYPES = {
    FieldType.INTEGER: "Number(18, 0)",
    FieldType.BOOLEAN: "Checkbox",
    FieldType.DATETIME: "Date/Time",
    FieldType.DATE: "Date",
}


def match_lines(sync: Sync) -> Iterator[str]:
    """What records are found by."""
    field = sync.match.field
    if field.endswith("__c"):
        yield (
            f"{sync.object}: custom field {field}, Text(64), External ID, Unique, "
            "case sensitive. Fill it in for records that are there already, or they "
            "are created a second time."
        )
    elif field == "Email":
        yield (
            f"{sync.object}: nothing to do for Email. Several records with one email "
            "are all written."
        )
    if sync.mode is not Mode.UPDATE_ONLY and sync.object in ("Contact", "Lead"):
        yield (
            f"{sync.object}: map the fields that a new one needs: LastName"
            f"{', Company' if sync.object == 'Lead' else ''}; without them Salesforce "
            "refuses to create it."
        )


def list_lines(sync: Sync) -> Iterator[str]:
    """The campaigns of `segment_changes`."""
    if sync.segment_changes is None:
        return
    yield (
        f"CampaignMember: custom field {members.KEY}, Text(40), External ID, Unique, "
        "case sensitive. Give the user read on Campaign, and read, create and delete "
        "on CampaignMember (Marketing User)."
    )


def formula_lines(sync: Sync, score_scale: float | None) -> Iterator[str]:
    """What formula fields can do in place of writes."""
    if sync.object == "Opportunity":
        yield (
            "Without this sync: a formula field on Opportunity with the formula "
            f"`Account.{FORMULA_FIELD}` shows what the sync of accounts wrote, on all "
            "opportunities, also new ones, and costs no request. Only what must be "
            "stored with the opportunity, such as for its history, needs this sync."
        )
    if DECAY_MART not in sync.also:
        return
    if score_scale is None:
        yield (
            "For a score that fades by itself, set `options: {score_scale: ...}` to "
            "the scale of the rule sheet (column `scale` of score_models); then its "
            "formula is shown here."
        )
    else:
        yield (
            f"{sync.object}: formula field Intent_Live_Score__c, Number(1, 2), blank "
            f"fields as zeros: {salesforce_formula(score_scale)}"
        )
