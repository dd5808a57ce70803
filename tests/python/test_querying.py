"""The queries of docs/querying.md run, and its list of metrics is whole."""

import json
import re

import pytest
from conftest import PROJECT, Shop

PAGE = (PROJECT / "docs" / "querying.md").read_text(encoding="utf-8")
QUERIES = {
    # A page's part may have several.
    f"{section.splitlines()[0]} {number}": query
    for section in PAGE.split("\n## ")[1:]
    for number, query in enumerate(re.findall(r"```sql\n(.*?)```", section, re.S))
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_each_query_finds_something(changing_shop: Shop, query: str) -> None:
    assert changing_shop.rows(query)


def test_each_public_mart_is_in_a_query(demo_shop: Shop) -> None:
    marts = demo_shop.rows(
        "select table_name from information_schema.tables where table_schema = 'intent'"
    )
    unused = {row["table_name"] for row in marts} - set(re.findall(r"\w+", PAGE))
    assert unused == set()


def test_all_metrics_are_listed(demo_shop: Shop) -> None:
    file = demo_shop.folder / "target" / "semantic_manifest.json"
    metrics = json.loads(file.read_text(encoding="utf-8"))["metrics"]
    rows = re.findall(r"^\| (`.*?`) \|", PAGE.split("## Metrics")[1], re.M)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert {metric["name"] for metric in metrics} == listed
