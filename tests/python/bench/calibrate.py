"""How well a learned sheet tells who buys, beside baselines and boosted trees.

On real shops' data, forward in time: both the sheet and the trees know what was done
before a midnight, learn at earlier midnights and are tried at later ones.

    INTENT_REAL_DATA=folder .venv/bin/python tests/python/bench/calibrate.py
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
import lightgbm
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest import Shop
from intent.calibrate.choosing import Split, find_draft, split
from intent.calibrate.fitting import raw_scores
from intent.calibrate.model import Floats, Sample, Switches
from intent.calibrate.reading import read_baselines, read_sample
from intent.calibrate.run import MODELS, chosen_sheet
from intent.evaluate.statistics import place
from intent.rules.service import valid_tables
from parsed import Parsed

SHEET = "loyalty"
QUERIES = ("calibrated_days", "explained_audiences")
RESAMPLES = 1000
SEEDS = 5
TREES = {
    "objective": "binary",
    "metric": "auc",
    "learning_rate": 0.03,
    "num_leaves": 7,
    "min_data_in_leaf": 100,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.6,
    "num_threads": 1,
    "verbose": -1,
}
WINDOWS = (7, 14, 28, 56, 90, 180, 365)


@dataclass(frozen=True)
class DataSet:
    """A shop's data, and when it is looked at."""

    name: str
    feeds: Sequence[str]
    as_of: str
    last: str
    horizon: int
    midnights: int = 12


DATA_SETS = (
    DataSet("online_retail", ("shop",), "2011-12-10", "2011-11-11", 28),
    DataSet("cdnow", ("shop",), "1998-07-01", "1998-06-02", 28),
    DataSet("complete_journey", ("shop", "email"), "2018-01-01", "2017-12-04", 7),
)


def features_query(events: Path) -> str:
    """What the trees know: recency, frequency, value and windows."""
    age = "date_diff('second', e.event_time, s.as_of) / 86400.0"
    bought = "e.event_type = 'purchase'"
    windows = ",\n".join(
        f"""
        count(*) filter ({bought} and {age} <= {days}) as n{days},
        sum(e.value) filter ({bought} and {age} <= {days}) as v{days},
        count(distinct e.event_time::date) filter ({bought} and {age} <= {days})
            as d{days}
        """
        for days in WINDOWS
    )
    return f"""
    with events as (
        select
            *,
            date_diff('day', lag(event_time) over (
                partition by contact_key, event_type order by event_time, event_id
            ), event_time) as gap,
            lag(value) over (
                partition by contact_key, event_type order by event_time, event_id
            ) as value_before
        from '{events}'
    )
    select
        s.observation,
        min({age}) filter ({bought}) as recency,
        max({age}) filter ({bought}) as tenure,
        min({age}) as any_recency,
        count(*) filter ({bought}) as n,
        count(distinct e.event_time::date) filter ({bought}) as days,
        sum(e.value) filter ({bought}) as value,
        avg(e.value) filter ({bought}) as mean_value,
        max(e.value) filter ({bought}) as max_value,
        min(e.value) filter ({bought}) as min_value,
        stddev_pop(e.value) filter ({bought}) as value_spread,
        arg_max(e.value, e.event_time) filter ({bought}) as last_value,
        avg(e.gap) filter ({bought} and e.gap > 0) as mean_gap,
        stddev_pop(e.gap) filter ({bought} and e.gap > 0) as gap_spread,
        min(e.gap) filter ({bought} and e.gap > 0) as least_gap,
        max(e.gap) filter ({bought}) as most_gap,
        arg_max(e.gap, e.event_time) filter ({bought}) as last_gap,
        count(*) filter (not {bought}) as others,
        count(*) filter (not {bought} and {age} <= 28) as others_28,
        min({age}) filter (not {bought}) as others_recency,
        {windows},
        month(any_value(s.as_of)) as month
    from observations as s
    inner join intent_intermediate.int_evaluation_subjects as subjects
        on s.subject_id = subjects.subject_id
    inner join intent_intermediate.int_identifier_contacts as i
        on
            subjects.contact_id = i.contact_id
            and i.identifier like 'customer_id:%'
            and i.valid_from <= s.as_of
    inner join events as e
        on
            replace(i.identifier, 'customer_id:', '') = e.contact_key
            and e.event_time < s.as_of
    group by 1
    order by 1
    """


def with_ratios(found: Mapping[str, NDArray[Any]]) -> Floats:
    """The features as a matrix, with how due the next order is."""
    columns = {
        name: np.ma.filled(np.ma.asarray(column).astype(float), np.nan)
        for name, column in found.items()
        if name != "observation"
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        columns["due"] = columns["recency"] / columns["mean_gap"]
        columns["until_due"] = columns["mean_gap"] - columns["recency"]
        columns["rate"] = columns["n"] / columns["tenure"]
    return np.column_stack(list(columns.values()))


def chances_by_trees(features: Floats, sample: Sample, parts: Split) -> Floats:
    """What boosted trees say, learned and stopped at the midnights of the sheet."""
    converted = sample.has_converted
    known = parts.learning | parts.choosing

    def learn(
        seed: int, rows: Switches, rounds: int, **others: Any
    ) -> lightgbm.Booster:
        whole = lightgbm.Dataset(features[rows], converted[rows])
        return lightgbm.train({**TREES, "seed": seed}, whole, rounds, **others)

    found = np.zeros(sample.count)
    for seed in range(SEEDS):
        first = learn(
            *(seed, parts.learning, 1500),
            valid_sets=[
                lightgbm.Dataset(features[parts.choosing], converted[parts.choosing])
            ],
            callbacks=[lightgbm.early_stopping(50, verbose=False)],
        )
        trees = learn(seed, known, max(10, first.best_iteration))
        found += np.asarray(trees.predict(features)) / SEEDS
    return found


@dataclass(frozen=True)
class Line:
    """How a scorer did, and by how much the sheet is better."""

    scorer: str
    auc: float
    ahead: float
    low: float
    high: float


def mean_auc(scores: Floats, sample: Sample, rows: NDArray[np.int64]) -> float:
    """The mean AUC over the midnights of some rows, which may repeat."""
    aucs = []
    for night in range(len(sample.midnights)):
        own = rows[sample.midnight[rows] == night]
        placed = place(np.round(scores[own], 9), sample.has_converted[own])
        if placed is not None:
            aucs.append(placed.auc)
    return float(np.mean(aucs))


def compare(sample: Sample, scores: Mapping[str, Floats], draft: str) -> list[Line]:
    """The AUC of scorers, with paired intervals by drawing contacts again and again."""
    rng = np.random.default_rng(1)
    order = np.argsort(sample.contact, kind="stable")
    contacts = sample.contact[order]
    first = np.flatnonzero(np.append(True, contacts[1:] != contacts[:-1]))
    sizes = np.diff(np.append(first, len(order)))
    everyone = np.arange(sample.count)
    drawn: dict[str, list[float]] = {name: [] for name in scores}
    for _ in range(RESAMPLES):
        picked = rng.integers(0, len(first), len(first))
        lengths = sizes[picked]
        within = np.arange(lengths.sum()) - np.repeat(
            np.cumsum(lengths) - lengths, lengths
        )
        rows = order[np.repeat(first[picked], lengths) + within]
        for name, values in scores.items():
            drawn[name].append(mean_auc(values, sample, rows))
    lines = []
    for name, values in scores.items():
        auc = mean_auc(values, sample, everyone)
        own = mean_auc(scores[draft], sample, everyone)
        ahead = np.array(drawn[draft]) - np.array(drawn[name])
        low, high = np.percentile(ahead, [2.5, 97.5])
        lines.append(Line(name, auc, own - auc, float(low), float(high)))
    return lines


def build(data_set: DataSet, data: Path, shop: Shop) -> None:
    """Load and build a data set, and what was done after its midnights."""
    events = data / data_set.name / "events.parquet"
    feeds = [f"--feed={feed}" for feed in data_set.feeds]
    midnights = {
        "last": data_set.last,
        "midnights": data_set.midnights,
        "every_days": 28,
    }
    for done in (
        shop.intent("load", str(events), "--mapping", data_set.name),
        shop.intent("build", "--no-publish", *feeds, "--as-of", data_set.as_of),
        shop.dbt("run", "--select", MODELS, variables={"intent_evaluation": midnights}),
        shop.dbt("compile", "--select", *QUERIES),
    ):
        if done.returncode:
            sys.exit(done.stdout + done.stderr)


def try_out(data_set: DataSet, data: Path, shop: Shop) -> list[Line]:
    """The sheet, the baselines and the trees on a data set."""
    tables = valid_tables(shop.project / "seeds")
    sheet = chosen_sheet(tables, SHEET)
    [folder] = shop.folder.glob("target/compiled/*/analyses")
    queries = {name: (folder / f"{name}.sql").read_text("utf-8") for name in QUERIES}
    with duckdb.connect(str(shop.warehouse), read_only=True) as connection:
        sample, _ = read_sample(connection, sheet, queries, data_set.horizon)
        baselines = read_baselines(connection)
        found = connection.execute(
            features_query(data / data_set.name / "events.parquet")
        ).fetchnumpy()
    features = with_ratios(found)
    parts = split(sample, data_set.horizon)
    started = perf_counter()
    outcome = find_draft(sheet, sample, parts)
    took = perf_counter() - started
    scores = {
        "learned sheet": raw_scores(sheet, sample, outcome.learnable, outcome.values),
        "present sheet": raw_scores(sheet, sample, [], {}),
        **{name: values for (name, _), values in baselines.items()},
        "boosted trees": chances_by_trees(features, sample, parts),
    }
    reported = sample.of(parts.reporting)
    print(
        f"\n{data_set.name}: {sample.count:,} observations, "
        f"{features.shape[1]} features, learned in {took:.0f} s; "
        f"reported at {[str(night)[:10] for night in reported.midnights]}"
    )
    for number in outcome.numbers:
        if number.is_changed:
            change = f"{number.before:g} to {number.after:g}"
            print(f"  {number.name} {number.kind}: {change} ({number.interval})")
    return compare(
        reported,
        {name: values[parts.reporting] for name, values in scores.items()},
        "learned sheet",
    )


def print_lines(lines: Sequence[Line]) -> None:
    """A table that documents can take."""
    print("| scorer | mean ROC AUC | learned sheet is better by (95%) |")
    print("|---|---|---|")
    for line in lines:
        ahead = f"{line.ahead:+.4f} ({line.low:+.4f} to {line.high:+.4f})"
        print(f"| {line.scorer} | {line.auc:.4f} | {ahead} |")


def main() -> None:
    """Try out all data sets, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of data sets; all if none is named")
    parser.add_argument("--shops", type=Path, help="keep what is built in this folder")
    told = parser.parse_args()
    data = Path(os.environ.get("INTENT_REAL_DATA") or sys.exit("set INTENT_REAL_DATA"))
    with tempfile.TemporaryDirectory() as scratch:
        Shop.stand_ins, Shop.parsed = Path(scratch), Parsed(Path(scratch))
        for data_set in DATA_SETS:
            if told.names and data_set.name not in told.names:
                continue
            shop = Shop((told.shops or Path(scratch)) / data_set.name)
            if not shop.warehouse.exists():
                shop.folder.mkdir(parents=True, exist_ok=True)
                build(data_set, data, shop)
            print_lines(try_out(data_set, data, shop))


if __name__ == "__main__":
    main()
