"""The reference's scores beside the warehouse's: missing, extra and other rows."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

from .score import Result
from .values import moment_of, to_seconds

TOLERANCE = 1e-9

Row = Mapping[str, object]
Key = tuple[object, ...]

SCORE_KEY = ("contact_id", "score_model")
DRIVER_KEY = ("contact_id", "score_model", "activity")


def compare(
    result: Result,
    score_rows: Iterable[Row],
    driver_rows: Iterable[Row],
    *,
    with_segments: bool = True,
) -> list[str]:
    """Return all differences between the reference and the warehouse, as sentences.

    `score_rows` are those of contact_scores, `driver_rows` those of
    contact_intent_drivers, as plain dicts; columns that the reference does not know
    are ignored. Numbers may differ by 1e-9. The reference's segments know no
    look-back: those of scores between an exit and its entry are not compared.
    """
    scores = _score_rows(result, with_segments)
    drivers = _driver_rows(result)
    return [
        *_differences("contact_scores", SCORE_KEY, scores, score_rows),
        *_differences("contact_intent_drivers", DRIVER_KEY, drivers, driver_rows),
    ]


def _score_rows(result: Result, with_segments: bool) -> dict[Key, Row]:
    rows: dict[Key, Row] = {}
    for (contact, sheet), score in result.scores.items():
        row: dict[str, object] = {
            "as_of": result.as_of,
            "raw_score": score.raw_score,
            "intent_score": score.intent_score,
        }
        if with_segments and score.is_settled:
            row["segment"] = score.segment
        rows[result.contacts[contact].contact_id, sheet] = row
    return rows


def _driver_rows(result: Result) -> dict[Key, Row]:
    return {
        (result.contacts[contact].contact_id, sheet, activity): {
            "activity_count": driver.activity_count,
            "last_at": driver.last_at,
            "decayed_amount": driver.decayed_amount,
            "activity_score": driver.activity_score,
            "net_points": driver.net_points,
            "contribution": driver.contribution,
            "driver_rank": driver.driver_rank,
        }
        for (contact, sheet, activity), driver in result.drivers.items()
    }


def _differences(
    table: str, key: tuple[str, ...], expected: dict[Key, Row], actual: Iterable[Row]
) -> Iterator[str]:
    seen: set[Key] = set()
    for row in actual:
        row_key = tuple(row[column] for column in key)
        where = f"{table} {', '.join(map(str, row_key))}"
        if row_key in seen:
            yield f"{where}: stands twice in the warehouse"
        elif row_key not in expected:
            yield f"{where}: only in the warehouse"
        else:
            yield from _column_differences(where, expected[row_key], row)
        seen.add(row_key)
    for row_key in sorted(expected.keys() - seen, key=str):
        yield f"{table} {', '.join(map(str, row_key))}: only in the reference"


def _column_differences(where: str, expected: Row, actual: Row) -> Iterator[str]:
    for column, value in expected.items():
        if column == "as_of" and column not in actual:
            continue
        if not _is_same(value, actual[column]):
            yield (
                f"{where}: {column} is {actual[column]!r} in the warehouse, "
                f"{value!r} in the reference"
            )


def _is_same(expected: object, actual: object) -> bool:
    if actual is None or expected is None:
        return actual is expected
    if isinstance(expected, int | float):
        # Written so that NaN is a difference.
        return abs(float(str(actual)) - expected) <= TOLERANCE
    if isinstance(expected, datetime):
        return isinstance(actual, date) and moment_of(to_seconds(actual) or 0) == (
            expected.replace(microsecond=0)
        )
    return expected == actual
