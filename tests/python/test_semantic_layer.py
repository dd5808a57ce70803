"""The metrics that BI tools read are valid, run, and say what plain SQL says."""

from datetime import datetime
from typing import cast

import pytest
from conftest import Row, Shop
from dbt_semantic_interfaces.implementations.semantic_manifest import (
    PydanticSemanticManifest,
)
from dbt_semantic_interfaces.validations.semantic_manifest_validator import (
    SemanticManifestValidator,
)
from metricflow.engine.metricflow_engine import (
    MetricFlowEngine,
    MetricFlowQueryRequest,
)
from metricflow.protocols.sql_client import SqlClient, SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import (
    parse_manifest_from_dbt_generated_manifest,
)
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup


class DuckDbDialect:
    """MetricFlow writes SQL for DuckDB; the tests run it themselves."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


@pytest.fixture(scope="module")
def manifest(demo_shop: Shop) -> str:
    file = demo_shop.folder / "target" / "semantic_manifest.json"
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def engine(manifest: str) -> MetricFlowEngine:
    lookup = SemanticManifestLookup(
        parse_manifest_from_dbt_generated_manifest(manifest)
    )
    return MetricFlowEngine(lookup, cast(SqlClient, DuckDbDialect()))


def query(
    shop: Shop, engine: MetricFlowEngine, metrics: list[str], group_by: list[str]
) -> list[Row]:
    request = MetricFlowQueryRequest.create(
        metric_names=metrics, group_by_names=group_by
    )
    return shop.rows(engine.explain(request).sql_statement.sql)


def test_the_manifest_is_valid(manifest: str) -> None:
    validator = SemanticManifestValidator[PydanticSemanticManifest]()
    found = validator.validate_semantic_manifest(
        PydanticSemanticManifest.parse_raw(manifest)
    )
    assert [issue.as_readable_str() for issue in found.all_issues] == []


def test_each_metric_can_be_split_by_all_its_dimensions(
    changing_shop: Shop, engine: MetricFlowEngine
) -> None:
    for metric in engine.list_metrics(include_dimensions=False):
        dimensions = engine.simple_dimensions_for_metrics([metric.name])
        names = [dimension.dunder_name for dimension in dimensions]
        assert query(changing_shop, engine, [metric.name], names), metric.name


def test_contacts_by_segment(demo_shop: Shop, engine: MetricFlowEngine) -> None:
    found = query(demo_shop, engine, ["contacts"], ["contact__segment"])
    assert {row["contact__segment"]: row["contacts"] for row in found} == counts(
        demo_shop, "select segment, count(*) from contact_intent group by 1"
    )


def test_shares_and_means_leave_out_the_suppressed(
    demo_shop: Shop, engine: MetricFlowEngine
) -> None:
    [found] = query(demo_shop, engine, ["hot_share", "average_intent"], [])
    [expected] = demo_shop.rows("""
        select
            avg((segment = 'hot')::int) as hot_share,
            avg(intent_score) as average_intent
        from contact_intent where state <> 'suppressed'
    """)
    assert found == pytest.approx(expected)


def test_who_will_cool_stands_at_the_day_of_it(
    demo_shop: Shop, engine: MetricFlowEngine
) -> None:
    for metric, column, segments in (
        ("contacts_leaving_hot", "hot_until", "('hot')"),
        ("contacts_turning_cold", "warm_until", "('hot', 'warm')"),
    ):
        found = query(demo_shop, engine, [metric], ["metric_time__day"])
        expected = counts(
            demo_shop,
            f"select date_trunc('day', {column}), count(*) from contact_intent"
            f" where segment in {segments} group by 1",
        )
        assert {row["metric_time__day"]: row[metric] for row in found} == expected
        assert expected


def test_without_hot_contacts_the_share_is_nought(
    demo_shop: Shop, engine: MetricFlowEngine
) -> None:
    found = query(
        demo_shop, engine, ["hot_contacts", "hot_share"], ["contact__segment"]
    )
    shares = {row["contact__segment"]: row["hot_share"] for row in found}
    assert shares == {"hot": 1, "warm": 0, "cold": 0, None: None}


def test_the_history_is_of_the_primary_sheet_alone(
    demo_shop: Shop, engine: MetricFlowEngine
) -> None:
    found = query(
        demo_shop,
        engine,
        ["daily_contacts"],
        ["metric_time__day", "segment_day__segment"],
    )
    assert {
        (row["metric_time__day"].date(), row["segment_day__segment"]): row[
            "daily_contacts"
        ]
        for row in found
    } == {
        (row["as_of_date"], row["segment"]): row["contacts"]
        for row in demo_shop.rows("from segment_daily where score_model = 'purchase'")
    }


def test_changes_of_segments_by_day_and_cause(
    changing_shop: Shop, engine: MetricFlowEngine
) -> None:
    [found] = query(
        changing_shop,
        engine,
        ["segment_changes"],
        ["metric_time__day", "transition__cause"],
    )
    assert found == {
        "metric_time__day": datetime(2026, 7, 1),
        "transition__cause": "new_activity",
        "segment_changes": changing_shop.value(
            "select count(*) from contact_scores"
            " where segment = 'hot' and score_model = 'purchase'"
        ),
    }


def test_a_month_is_what_its_last_midnight_is(
    demo_shop: Shop, engine: MetricFlowEngine
) -> None:
    [found] = query(demo_shop, engine, ["daily_hot_share", "daily_average_intent"], [])
    [expected] = demo_shop.rows("""
        select
            sum(contacts) filter (where segment = 'hot')
            / sum(contacts) filter (where segment <> 'suppressed') as daily_hot_share,
            sum(score_sum)
            / sum(contacts) filter (where segment <> 'suppressed')
                as daily_average_intent
        from segment_daily
        where
            score_model = 'purchase'
            and as_of_date = (select max(as_of_date) from segment_daily)
    """)
    assert found == pytest.approx(expected)


def counts(shop: Shop, sql: str) -> dict[object, int]:
    """What a query of pairs of a thing and its number gives."""
    return dict(tuple(row.values()) for row in shop.rows(sql))
