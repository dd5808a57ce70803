"""No value of a row, and no secret, in what people and files are told."""

import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from intent.sync.redact import GONE, LONGEST, mask, plain, redact

ROW = [
    "anna.schmidt@example.com",
    "Viewed a pricing page; opened mail",
    'Jürgen "X" Weiß',
    "hot",
    4.25,
    1234567,
    True,
    None,
]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            'Property values were not valid: [{"message":"hot was not one of the '
            'allowed options: [cold, warm]","name":"intent_segment"}]',
            'Property values were not valid: [{"message":"*** was not one of the '
            'allowed options: [cold, warm]","name":"intent_segment"}]',
        ),
        ("ANNA.Schmidt@Example.com exists", "*** exists"),
        ("anna.schmidt@exam... is too long", "*** is too long"),
        ("Contact Schmidt exists", "Contact *** exists"),
        ("other.person@shop.example exists", "*** exists"),
        ("<other%40shop.example>", "<***>"),
        ("email=anna.schmidt%40example.com&x=1", "email=***&x=1"),
        ('J\\u00fcrgen \\"X\\" Wei\\u00df', "***"),
        ("Jürgen &quot;X&quot; Weiß", "***"),
        ("score 4.25 of 14.25, 4.255", "score *** of 14.25, 4.255"),
        ("call +49 171 2345678 or (030) 901820", "call *** or ***"),
        ("Existing ID: 128374650123", "Existing ID: ***"),
        ("no job 750R0000000zlh9IAA", "no job ***"),
        (
            "token pat-na1-01234567-89ab-cdef-0123-456789abcdef",
            "token pat-na1-***",
        ),
        ("Bearer 00D0f1e2d3c4b5a697886f5e4d", "Bearer ***"),
        (
            "INVALID_FIELD: No such column 'intent_score_change_7d__c' of Contact",
            "INVALID_FIELD: No such column 'intent_score_change_7d__c' of Contact",
        ),
        (
            "/crm/v3/objects/contacts/batch/upsert allows 100 inputs",
            "/crm/v3/objects/contacts/batch/upsert allows 100 inputs",
        ),
        ("two\r\nlines\x1b[31m\x00 \u202eand colours", "two lines [31m and colours"),
        ("", ""),
    ],
)
def test_what_is_left_of_a_message(message: str, told: str) -> None:
    assert redact(message, ROW) == told


def test_long_messages_are_cut() -> None:
    assert len(redact("no such page " * 100_000, ROW)) <= LONGEST


def test_a_value_is_not_saved_by_the_cut() -> None:
    for length in range(LONGEST - 30, LONGEST + 5):
        told = redact("-" * length + "anna.schmidt@example.com", ROW)
        assert "ann" not in told


def quotations(value: str) -> list[str]:
    return [
        value,
        value.upper(),
        json.dumps(value),
        json.dumps(value, ensure_ascii=False),
        html.escape(value),
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
    ]


TEXTS = st.text(st.characters(exclude_characters="*", codec="utf-8"), min_size=3)


@given(
    TEXTS.filter(lambda text: len(plain(text)) >= 3),
    st.lists(TEXTS, max_size=3),
    st.text(),
    st.text(),
    st.integers(0, 7),
)
def test_no_text_survives(
    canary: str, others: list[str], before: str, after: str, form: int
) -> None:
    clean = plain(canary)
    assume(len(clean.upper()) == len(clean) and clean.upper().lower() == clean.lower())
    assume(clean.lower() not in plain(f"{before} {after}").lower())
    quoted = quotations(clean)[form]

    told = redact(f"{before} {quoted} {after}", [*others, canary])

    assert clean not in told
    assert quoted.strip('"') not in told
    assert len(told) <= LONGEST


@given(st.text("abcdefgh ", min_size=12, max_size=60), st.integers(6, 60))
def test_no_beginning_survives(value: str, cut: int) -> None:
    clean = plain(value)
    assume(len(clean) >= 12)

    assert clean[:cut][:6] not in redact(f"'{clean[:cut]}...' is wrong", [value])


@given(
    st.integers(1000, 10**15)
    | st.floats(0.0001, 1e9, allow_nan=False).filter(lambda number: number != 0)
)
def test_no_number_survives(number: float) -> None:
    assume(len(str(number)) >= 4)

    told = redact(f"value {number} is wrong", [number])

    assert told == "value *** is wrong"


@given(st.lists(st.none() | st.booleans() | st.floats() | st.integers() | st.text()))
def test_no_row_is_too_strange(values: list[object]) -> None:
    redact("a message", values)
    for value in values:
        mask(value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("anna.schmidt@example.com", "a***@e***.com"),
        ("anna@mail.example.co.uk", "a***@m***.uk"),
        ("cust-13209", "cus***"),
        ("16f6ced9cf41aaf9301cfdedc8b8fb02", "16f***"),
        ("Anna", GONE),
        ("Viewed a page 5 times", GONE),
        ("12345", GONE),
        ("+491712345678", GONE),
        ("hot", "hot"),
        ("2026-07-01", "2026-07-01"),
        ("2026-07-01T08:00:00Z", "2026-07-01T08:00:00Z"),
        (4.25, 4.25),
        (3, 3),
        (True, True),
        (None, None),
        ("", GONE),
        ("@", GONE),
        ("a@b", GONE),
    ],
)
def test_what_is_shown_of_a_value(value: object, shown: object) -> None:
    assert mask(value, {"hot", "warm"}) == shown


@given(st.emails(), st.emails())
def test_an_address_is_not_told_by_its_mask(one: str, other: str) -> None:
    masked = str(mask(one))

    assert one not in masked
    assert len(masked) <= len("a***@e***.") + 63
    same = one[0] == other[0] and one.split("@")[1] == other.split("@")[1]
    assert not same or mask(other) == masked
