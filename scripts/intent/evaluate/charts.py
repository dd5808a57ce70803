"""The plots of a report. Each is a function of its width, as phones are narrow."""

from collections.abc import Mapping, Sequence
from datetime import date

from intent.evaluate import svg
from intent.evaluate.model import Band, Bin, Decile, HeldOut, Scorer, Share
from intent.evaluate.svg import Frame, Point
from intent.evaluate.words import percent, present

ROW = 46
BAR = 20
NARROW = 480
COIN = 0.5


def bands_chart(bands: Sequence[Band], verb: str, width: float) -> str:
    """How many of each band did it, as bars with intervals."""
    rows = [
        (each.band, each.conversion, f"band {each.band}", "") for each in present(bands)
    ]
    return share_bars(rows, verb, width)


def held_out_chart(held_out: Sequence[HeldOut], verb: str, width: float) -> str:
    """Those held out beside the others, by band."""
    rows = []
    for each in held_out:
        rows.append((each.band, each.others, f"band {each.band}", "the others"))
        rows.append(("", each.held_out, "held", "held out"))
    return share_bars(rows, verb, width)


def share_bars(
    rows: Sequence[tuple[str, Share, str, str]], verb: str, width: float
) -> str:
    """Shares as lying bars with intervals: name, share, class, and who that is."""
    most = max((share.high for _, share, _, _ in rows if share.of), default=1.0)
    ticks = svg.nice_ticks(most, count=3 if width < NARROW else 5)
    frame = Frame(
        width,
        ROW * len(rows) + 30,
        (0, ticks[-1]),
        (0, 1),
        left=52,
        right=18,
        top=6,
        bottom=24,
    )
    base = frame.height - frame.bottom
    parts = [
        svg.line((frame.at_x(value), frame.top), (frame.at_x(value), base), "rule")
        for value in ticks
    ]
    parts.append(svg.x_axis(frame, [(value, f"{100 * value:g}%") for value in ticks]))
    for number, (name, share, class_, who) in enumerate(rows):
        top = frame.top + ROW * number + 16
        whom = f"{who}: " if who else ""
        told = (
            f"{whom}{percent(share.rate)} {verb} ({share.hits:,} of {share.of:,})"
            if share.of
            else f"{whom}nobody"
        )
        length = frame.at_x(share.rate) - frame.left
        parts += [
            svg.text(told, frame.left + 2, top - 4, class_="told"),
            svg.text(name, frame.left - 8, top + 15, anchor="end", class_="name"),
            svg.bar((frame.left, top), length, BAR, f"bar {class_}", told),
        ]
        if share.of:
            low, high = frame.at_x(share.low), frame.at_x(share.high)
            parts.append(svg.whisker((low, top + BAR / 2), (high, top + BAR / 2)))
    label = "; ".join(f"{name} {percent(share.rate)}" for name, share, _, _ in rows)
    return svg.drawing(frame, f"Share who {verb}: {label}", parts)


def gains_chart(
    scorers: Sequence[Scorer], classes: Mapping[str, str], verb: str, width: float
) -> str:
    """Which share of conversions the contacts with the highest scores made."""
    frame = Frame(width, min(width, 400), (0, 1), (0, 1), right=24, bottom=46)
    tenths = [each / 10 for each in range(0, 11, 2)]
    ticks = [(each, f"{each:.0%}") for each in tenths]
    parts = [
        svg.y_axis(frame, ticks),
        svg.x_axis(frame, ticks, "of all contacts, the highest scores first"),
        svg.line(
            (frame.at_x(0), frame.at_y(0)), (frame.at_x(1), frame.at_y(1)), "chance"
        ),
    ]
    # The first is the one that is shown: it is drawn last, above the others.
    for scorer in reversed(scorers):
        class_ = classes[scorer.name]
        shares = gains_of(scorer.deciles)
        points = [(frame.at_x(part), frame.at_y(share)) for part, share in shares]
        parts.append(svg.polyline(points, class_))
        if scorer is scorers[0]:
            parts += [
                svg.dot(
                    point,
                    f"dot {class_}",
                    f"the top {part:.0%} made {percent(share)} of those who {verb}",
                )
                for point, (part, share) in zip(points[1:-1], shares[1:-1], strict=True)
            ]
    label = f"Share of those who {verb}, by share of contacts from the top"
    return svg.drawing(frame, label, parts)


def gains_of(deciles: Sequence[Decile]) -> list[Point]:
    """The share of contacts down to each tenth, and the conversions they made."""
    everyone = sum(each.contacts for each in deciles) or 1
    found, contacts = [(0.0, 0.0)], 0
    for each in deciles:
        contacts += each.contacts
        found.append((contacts / everyone, each.cumulative_share))
    return found


def lift_chart(deciles: Sequence[Decile], verb: str, width: float) -> str:
    """How much more often than the average each tenth did it."""
    most = max((each.lift for each in deciles), default=1.0)
    ticks = svg.nice_ticks(max(most, 1.0), count=4)
    frame = Frame(width, 280, (0.5, 10.5), (0, ticks[-1]), bottom=46)
    step = (frame.at_x(1) - frame.at_x(0)) * 0.72
    labels = [
        (
            float(each.decile),
            "top" if each.decile == 1 else f"{each.decile}",
        )
        for each in deciles
    ]
    parts = [
        svg.y_axis(frame, [(value, f"{value:g}x") for value in ticks]),
        svg.x_axis(frame, labels, "tenths of the contacts, by score"),
    ]
    y = frame.at_y(1)
    parts.append(svg.line((frame.left, y), (width - frame.right, y), "chance"))
    parts.append(
        svg.text("average", width - frame.right, y - 5, anchor="end", class_="t halo")
    )
    for each in deciles:
        x, y = frame.at_x(each.decile) - step / 2, frame.at_y(each.lift)
        height = frame.height - frame.bottom - y
        told = (
            f"tenth {each.decile}: {each.lift:.2f} times the average "
            f"({each.conversions:,} of {each.contacts:,} {verb})"
        )
        parts.append(svg.bar((x, y), step, height, "bar s0", told))
        parts.append(
            svg.text(
                f"{each.lift:.1f}",
                x + step / 2,
                y - 5,
                anchor="middle",
                class_="told halo",
            )
        )
    label = ", ".join(f"{each.lift:.1f}" for each in deciles)
    return svg.drawing(
        frame, f"Lift by tenth, the highest scores first: {label}", parts
    )


def auc_chart(
    scorers: Sequence[Scorer], classes: Mapping[str, str], width: float
) -> str:
    """How well each scorer ranked at each midnight."""
    days = sorted({each.as_of for scorer in scorers for each in scorer.midnights})
    values = [value for scorer in scorers for value in scorer.values("roc_auc")]
    ticks = svg.nice_ticks(max([COIN, *values]), min([COIN, *values]), count=5)
    span = (float(days[0].toordinal()), float(days[-1].toordinal()))
    if span[0] == span[1]:
        span = (span[0] - 1, span[1] + 1)
    frame = Frame(width, 320, span, (ticks[0], ticks[-1]), right=36, bottom=26)
    coin = frame.at_y(COIN)
    parts = [
        svg.y_axis(frame, [(value, f"{value:.2f}") for value in ticks]),
        svg.x_axis(frame, day_ticks(days, 3 if width < NARROW else 6)),
        svg.line((frame.left, coin), (width - frame.right, coin), "chance"),
    ]
    for scorer in reversed(scorers):
        class_ = classes[scorer.name]
        known = [each for each in scorer.midnights if each.roc_auc is not None]
        points = [
            (frame.at_x(each.as_of.toordinal()), frame.at_y(each.roc_auc or 0))
            for each in known
        ]
        parts.append(svg.polyline(points, class_))
        is_shown = scorer is scorers[0]
        for point, each in zip(points, known, strict=True):
            told = (
                f"{scorer.name}, {each.as_of}: {each.roc_auc:.3f} "
                f"({each.conversions:,} of {each.contacts:,})"
            )
            few = "" if each.has_enough else " few"
            parts.append(
                svg.dot(point, f"dot {class_}{few}", told, 4 if is_shown else 2.5)
            )
    return svg.drawing(frame, "ROC AUC of each way to rank, over time", parts)


def day_ticks(days: Sequence[date], count: int) -> list[tuple[float, str]]:
    """Some of the days, evenly apart, the last among them."""
    step = max(1, -(-len(days) // count))
    shown = list(reversed(days))[::step]
    return [(float(day.toordinal()), f"{day:%b %Y}") for day in reversed(shown)]


def calibration_chart(bins: Sequence[Bin], verb: str, width: float) -> str:
    """What was to be expected of each score, and what came."""
    most = max(
        max(each.conversion.high, each.expected_rate)
        for each in bins
        if each.conversion.of
    )
    ticks = svg.nice_ticks(most, count=4)
    frame = Frame(width, 320, (-0.15, 5.15), (0, ticks[-1]), bottom=46)
    parts = [
        svg.y_axis(frame, [(value, f"{100 * value:g}%") for value in ticks]),
        svg.x_axis(frame, [(float(n), f"{n}") for n in range(6)], "score"),
    ]
    expected = [
        (frame.at_x(each.mean_score), frame.at_y(each.expected_rate)) for each in bins
    ]
    parts.append(svg.polyline(expected, "expected"))
    for each, at in zip(bins, expected, strict=True):
        x, share = at[0], each.conversion
        parts.append(
            svg.whisker((x, frame.at_y(share.low)), (x, frame.at_y(share.high)))
        )
        told = (
            f"score about {each.mean_score:.1f}: expected "
            f"{percent(each.expected_rate)}, {percent(share.rate)} {verb} "
            f"({share.hits:,} of {share.of:,})"
        )
        parts.append(svg.dot(at, "ring", told, 5))
        parts.append(svg.dot((x, frame.at_y(share.rate)), "dot s0", told))
    label = "; ".join(
        f"score {each.mean_score:.1f}: expected {percent(each.expected_rate)}, came "
        f"{percent(each.conversion.rate)}"
        for each in bins
    )
    return svg.drawing(frame, label, parts)
