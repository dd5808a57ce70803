"""pandas, its texts as Arrow strings and categories."""

from pathlib import Path

import numpy as np
import pandas as pd

SECOND_OF_DAY = pd.Timedelta(days=1)


def score(inputs: Path, output: Path) -> None:
    """Score all contacts."""
    as_of = pd.read_parquet(inputs / "clock.parquet")["as_of"].iloc[0]
    rules = pd.read_parquet(inputs / "rules.parquet")
    days = read_days(inputs)
    discharging = rules["discharged_by"].dropna().unique()
    newest = (
        days[days["activity"].isin(discharging)]
        .groupby(["contact_id", "activity"], observed=True, sort=False)["last_at"]
        .max()
        .rename("discharged_at")
        .reset_index()
        .rename(columns={"activity": "discharged_by"})
    )
    rule_columns = ["activity", "rule_group", "rule_number", "discharged_by"]
    counted = days.merge(
        rules[[*rule_columns, "half_life_days", "daily_limit"]],
        on=["activity", "rule_group"],
    ).merge(newest, on=["contact_id", "discharged_by"], how="left")
    age = ((as_of - counted["last_at"]) / SECOND_OF_DAY).clip(lower=0)
    weight = np.power(0.5, age / counted["half_life_days"]).fillna(1.0)
    quantity = np.fmin(counted["quantity"], counted["daily_limit"])
    stands = ~(counted["discharged_at"] >= counted["last_at"])
    counted["decayed"] = quantity * weight * stands
    amounts = (
        counted.groupby(["contact_id", "rule_number"], sort=False)["decayed"]
        .sum()
        .reset_index()
        .merge(rules, on="rule_number")
    )
    amount = amounts["decayed"] * amounts["points"]
    cap = amounts["cap"]
    capped = np.sign(amount) * cap * (1 - np.exp(-amount.abs() / cap))
    amounts["score"] = capped.fillna(amount)
    amounts["group_cap"] = amounts["group_cap"].fillna(np.inf)
    keys = ["contact_id", "score_model", "scale", "cap_group", "group_cap"]
    groups = amounts.groupby(keys, sort=False, dropna=False)["score"].sum()
    groups = groups.reset_index()
    net, group_cap = groups["score"], groups["group_cap"]
    limited = (net > 0) & np.isfinite(group_cap)
    groups["net"] = np.where(limited, group_cap * (1 - np.exp(-net / group_cap)), net)
    keys = ["contact_id", "score_model", "scale"]
    scores = groups.groupby(keys, sort=False)["net"].sum().reset_index()
    scores = scores[scores["net"] > 1e-9]
    scores["intent_score"] = 5 * (1 - np.exp(-scores["net"] / scores["scale"]))
    scores[["contact_id", "score_model", "intent_score"]].to_parquet(output)


def read_days(inputs: Path) -> pd.DataFrame:
    """The daily facts of contacts."""
    events = pd.read_parquet(inputs / "events.parquet")
    contacts = pd.read_parquet(inputs / "contacts.parquet")
    # Whom nobody knows is not counted: left out before what is dear.
    events = events[events["identifier"].isin(contacts["identifier"])]
    codes, identifiers = pd.factorize(events["identifier"])
    events = events.assign(identifier=codes, day=events["occurred_at"].dt.floor("D"))
    events["activity"] = events["activity"].astype("category")
    observed = (
        events.groupby(["identifier", "activity", "day"], observed=True, sort=False)
        .agg(quantity=("quantity", "sum"), last_at=("occurred_at", "max"))
        .reset_index()
    )
    observed["identifier"] = identifiers.take(observed["identifier"])
    observed["activity"] = observed["activity"].astype("str")
    observed = observed.merge(contacts, on="identifier")
    columns = ["contact_id", "rule_group", "activity", "quantity", "last_at"]
    derived = pd.read_parquet(inputs / "derived.parquet")
    return pd.concat([observed[columns], derived[columns]], ignore_index=True)
