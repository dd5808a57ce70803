"""The words on the workbook's first sheet, for a marketer who never saw it."""

from collections.abc import Iterator

from intent.rules.sheets import SHEETS

README_SHEET = "Read me"

EXAMPLE = (
    "Starting a checkout is worth 3 points, the cap is 9, the half-life 3 days, and "
    "the score's scale is 11.8. Somebody who started one checkout just now has a score "
    "of 0.97. Three days later half of the points are left, and the score is 0.55. "
    "After twenty checkouts on one day, all counted, it is 2.67, not 20 times as much: "
    "that is the cap at work."
)

TERMS = (
    (
        "points",
        "What doing something once is worth at that moment. More points mean a "
        "stronger sign. Negative points pull the score down. 0 means: don't count it.",
    ),
    (
        "half-life",
        "Interest fades. After half_life_days the points are worth half, after twice "
        "as long a quarter. Short for what is soon forgotten (a page view: 7 days), "
        "long for what lasts (a purchase: 60). Blank: the points never fade.",
    ),
    (
        "cap",
        "The most that one activity can add. Each further time adds less, so that a "
        "hundred page views don't outweigh an order. Blank: no cap. A group of "
        "activities can have a cap of its own: see group_rules.",
    ),
    (
        "daily limit",
        "How many times on one day count. With 3, the fourth checkout of a day adds "
        "nothing. Blank: all count.",
    ),
    (
        "discharged by",
        "What settles it. A full cart is a strong sign until the order: then it is "
        "done, and counts no more. So cart_added is discharged by purchase.",
    ),
    (
        "scale",
        "Turns points into the score from 0 to 5. Points equal to the scale give 3.16. "
        "A larger scale makes every score lower.",
    ),
    (
        "bands",
        "hot, warm and cold. A contact enters at enter_at and leaves under exit_below, "
        "a little lower, so that nobody hops in and out from day to day.",
    ),
    ("an example", EXAMPLE),
)

STEPS = (
    (
        "1. Change",
        "Change cells, add rows below, delete rows. Drop-downs offer what is allowed; "
        "point at a column's name to read what it means. Keep the names of sheets and "
        "columns.",
    ),
    (
        "2. Try first",
        "To try something out, add a score with the status draft to score_models, copy "
        "the rows of its rules and bands, and change those: contacts stay where they "
        "are.",
    ),
    (
        "3. Look",
        "Save, close, and run: intent rules import FILE.xlsx --dry-run. It shows what "
        "would change, or everything that is wrong with its row, and touches nothing.",
    ),
    (
        "4. Bring it back",
        "Run: intent rules import FILE.xlsx. The change goes live with the next build.",
    ),
)


def readme_lines() -> Iterator[tuple[str, str]]:
    """Yield the lines: a title stands alone on the left, else a term and its text."""
    yield "The rules of the intent score", ""
    yield (
        "",
        "The intent score says from 0 to 5 how near a contact is to buying. It comes "
        "from what the contact did, weighed by the rules in this workbook.",
    )
    yield "", ""
    yield "How to change a rule", ""
    yield from STEPS
    yield "", ""
    yield "What the words mean", ""
    yield from TERMS
    yield "", ""
    yield "The sheets", ""
    for sheet in SHEETS:
        yield sheet.name, sheet.description
