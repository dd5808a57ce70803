"""Takes personal data and secrets out of what people and files are told."""

import html
import json
import re
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import quote, quote_plus

LONGEST = 300
"""Characters of a message that are kept."""
LONGEST_READ = 4_000
"""Characters of a message that are looked at; error pages can be large."""
SHORTEST_TEXT = 3
SHORTEST_NUMBER = 4
"""Shorter values stand in any message by chance."""
SHORTEST_PIECE = 5
"""Of a value, from here on: its words, and its beginning where it was cut."""
LONGEST_IN_WORDS = 200
"""Longer texts are not looked for word by word, or no word would be left."""
GONE = "***"

CONTROLS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff"
    r"\ud800-\udfff]"
)
EMAIL = re.compile(r"([^\s@]+)@([^\s@]+)\.([^\s@.]+)")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+Z?)?")
WORD = re.compile(rf"[^\W_]{{{SHORTEST_PIECE},}}")
PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"[^\s@<>\"'(),;:=]+(?:@|%40|&#64;)[^\s@<>\"'(),;:=&]+",  # addresses of mail
        r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        r"(?=[a-z]*[0-9])(?=[0-9]*[a-z])[a-z0-9]{15,}",  # tokens, ids
        r"\+?\(?[0-9](?:[ ()./-]{0,2}[0-9]){6,}",  # telephones, long numbers
    )
)


def redact(message: str, values: Iterable[object]) -> str:
    """A destination's words, without the values of the row that they are about.

    Args:
        message: what the destination says.
        values: all values of the row, its key, and secrets that are in use.
    """
    text = plain(message)[:LONGEST_READ]
    given = [value for value in values if value is not None]
    texts = [plain(value) for value in given if isinstance(value, str)]
    texts = [each for each in texts if len(each) >= SHORTEST_TEXT]
    quoted = {form for each in texts for form in forms(each)}
    for form in sorted(quoted, key=len, reverse=True):
        text = without(text, form)
    text = without_words(text, texts)
    for number in numbers(given):
        text = re.sub(rf"(?<![0-9]){re.escape(number)}(?![0-9])", GONE, text)
    for pattern in PATTERNS:
        text = pattern.sub(GONE, text)
    return text[:LONGEST].strip()


def mask(value: object, shown: Collection[str] = ()) -> object:
    """A value as it may be shown in a sample, so that nobody is recognised by it.

    Args:
        value: of a row, or its key.
        shown: texts that many rows share, such as the names of segments.
    """
    if not isinstance(value, str) or value in shown or MOMENT.fullmatch(value):
        return value
    if email := EMAIL.fullmatch(value):
        name, host, end = email.groups()
        return f"{name[0]}{GONE}@{host[0]}{GONE}.{end}"
    is_id = len(value) >= 8 and re.fullmatch(r"[\w-]*[0-9][\w-]*", value)
    return f"{value[:3]}{GONE}" if is_id else GONE


def plain(text: str) -> str:
    """A text on one line, without control characters."""
    return " ".join(CONTROLS.sub(" ", text).split())


def forms(value: str) -> Iterator[str]:
    """How a text may be quoted in a message."""
    yield value
    if not (value.isascii() and value.isalnum()):
        yield json.dumps(value)[1:-1]
        yield json.dumps(value, ensure_ascii=False)[1:-1]
        yield html.escape(value)
        yield quote(value)
        yield quote(value, safe="")
        yield quote_plus(value)


def numbers(values: Iterable[object]) -> Iterator[str]:
    """How numbers may be quoted in a message."""
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        texts = [str(value), f"{value:f}", f"{value:.0f}", f"{value:g}"]
        yield from (each for each in texts if len(each) >= SHORTEST_NUMBER)


def without(text: str, value: str) -> str:
    """A text without a value, even if only its beginning was quoted."""
    start = re.compile(re.escape(value[: SHORTEST_PIECE + 1]), re.IGNORECASE)
    kept: list[str] = []
    end = 0
    for match in start.finditer(text):
        if match.start() < end:
            continue
        kept += [text[end : match.start()], GONE]
        end = match.end()
        for theirs, ours in zip(text[end:], value[SHORTEST_PIECE + 1 :], strict=False):
            if theirs.lower() != ours.lower():
                break
            end += 1
    return "".join([*kept, text[end:]])


def without_words(text: str, values: Iterable[str]) -> str:
    """A text without the words of values, such as the parts of a name."""
    words = {
        word
        for value in values
        if len(value) <= LONGEST_IN_WORDS
        for word in WORD.findall(value)
    }
    if not words:
        return text
    any_word = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    whole = rf"(?<![^\W_])(?:{any_word})(?![^\W_])"
    return re.sub(whole, GONE, text, flags=re.IGNORECASE)
