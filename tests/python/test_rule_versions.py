"""The rule sheets of each time are kept, so that a change of them can be told."""

from pathlib import Path

import duckdb
from conftest import Shop

EVENTS = """event_id,event_name,event_time,received_at,user_id
1,Product Viewed,2026-06-01T10:00:00Z,2026-06-01T10:00:00Z,u1
"""
RULE = "purchase,cart_added,"
VERSIONS = """
    select
        rule_version,
        count(*) as rules,
        max(points) filter (score_model = 'purchase' and activity = 'cart_added')
            as points
    from intent_intermediate.int_rule_versions
    group by 1
    order by 1
"""


def run(shop: Shop, *arguments: str) -> str:
    """Run what the versions need; give what dbt said if it failed."""
    done = shop.dbt(
        *("build", "--select", "+int_rule_versions", "--exclude", "test_type:data"),
        *("test_type:unit", *arguments),
        variables={"intent_as_of": "2026-06-30", "intent_feeds": ["web"]},
    )
    return done.stdout if done.returncode else ""


def versions(shop: Shop) -> list[tuple[int, int, float]]:
    """Number, count of rules, and the points of a cart, of each version."""
    with duckdb.connect(str(shop.warehouse), read_only=True) as connection:
        return connection.execute(VERSIONS).fetchall()


def set_points(rules: Path, points: str) -> None:
    lines = rules.read_text().splitlines()
    [at] = [n for n, line in enumerate(lines) if line.startswith(RULE)]
    cells = lines[at].split(",")
    cells[3] = points
    lines[at] = ",".join(cells)
    rules.write_text("\n".join(lines) + "\n")


def test_each_change_of_the_sheets_is_a_version(own_shop: Shop) -> None:
    own_shop.land("web/events", "a.csv", EVENTS)
    rules = own_shop.project / "seeds" / "rules" / "activity_rules.csv"

    assert run(own_shop) == ""
    [(number, rules_in_use, points)] = versions(own_shop)
    assert (number, points) == (1, 2)

    # A wrong sheet is never a version, and a rebuild of everything forgets none.
    set_points(rules, "3")
    groups = rules.with_name("group_rules.csv")
    right = groups.read_text()
    groups.write_text(right.replace("purchase,browse,8", "purchase,browse,-8"))
    assert "group_cap must be above 0" in run(own_shop)
    assert len(versions(own_shop)) == 1

    groups.write_text(right)
    assert run(own_shop, "--full-refresh") == ""
    assert versions(own_shop) == [(1, rules_in_use, 2), (2, rules_in_use, 3)]
