"""Polars, lazily, by its streaming engine."""

from pathlib import Path

import polars as pl

SECONDS_OF_DAY = 86_400


def score(inputs: Path, output: Path) -> None:
    """Score all contacts."""
    as_of = pl.read_parquet(inputs / "clock.parquet").item()
    rules = pl.read_parquet(inputs / "rules.parquet")
    contacts = pl.scan_parquet(inputs / "contacts.parquet")
    columns = ["contact_id", "rule_group", "activity", "quantity", "last_at"]
    observed = (
        pl.scan_parquet(inputs / "events.parquet")
        .group_by(
            "identifier", "activity", pl.col("occurred_at").dt.date().alias("day")
        )
        .agg(pl.col("quantity").sum(), pl.col("occurred_at").max().alias("last_at"))
        .join(contacts, on="identifier")
        .select(columns)
    )
    derived = pl.scan_parquet(inputs / "derived.parquet").select(columns)
    days = pl.concat([observed, derived.cast(observed.collect_schema())])
    # Read twice: once for what discharges, once for what counts.
    days = days.collect(engine="streaming").lazy()
    discharging = rules["discharged_by"].drop_nulls().unique()
    newest = (
        days.filter(pl.col("activity").is_in(discharging.implode()))
        .group_by("contact_id", pl.col("activity").alias("discharged_by"))
        .agg(pl.col("last_at").max().alias("discharged_at"))
    )
    age = (pl.lit(as_of) - pl.col("last_at")).dt.total_seconds() / SECONDS_OF_DAY
    weight = (0.5 ** (age.clip(0) / pl.col("half_life_days"))).fill_null(1.0)
    counted = (
        pl.when(pl.col("discharged_at") >= pl.col("last_at"))
        .then(0.0)
        .otherwise(pl.min_horizontal("quantity", "daily_limit"))
    )
    used = ["activity", "rule_group", "rule_number", "discharged_by"]
    amounts = (
        days.join(
            rules.lazy().select(*used, "half_life_days", "daily_limit"),
            on=["activity", "rule_group"],
        )
        .join(newest, on=["contact_id", "discharged_by"], how="left")
        .group_by("contact_id", "rule_number")
        .agg((counted * weight).sum().alias("decayed"))
    )
    to_sum = ["score_model", "scale", "cap_group", "group_cap"]
    amount, cap = pl.col("decayed") * pl.col("points"), pl.col("cap")
    capped = (amount.sign() * cap * (1 - (-amount.abs() / cap).exp())).fill_null(amount)
    group_cap, group_score = pl.col("group_cap"), pl.col("score")
    scores = (
        amounts.join(
            rules.lazy().select("rule_number", "points", "cap", *to_sum),
            on="rule_number",
        )
        .group_by("contact_id", *to_sum)
        .agg(capped.sum().alias("score"))
        .with_columns(
            pl.when(group_score > 0)
            .then(group_cap * (1 - (-group_score / group_cap).exp()))
            .otherwise(None)
            .fill_null(group_score)
            .alias("score")
        )
        .group_by("contact_id", "score_model", "scale")
        .agg(pl.col("score").sum().alias("raw_score"))
        .filter(pl.col("raw_score") > 1e-9)
        .select(
            "contact_id",
            "score_model",
            (5 * (1 - (-pl.col("raw_score") / pl.col("scale")).exp())).alias(
                "intent_score"
            ),
        )
    )
    scores.sink_parquet(output, engine="streaming")
