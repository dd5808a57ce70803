"""Tiny landing folders and seeds, written by hand in tests."""

import csv
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow
import pyarrow.parquet

Row = Mapping[str, object]
Tables = Mapping[tuple[str, str], Sequence[Row]]
"""(feed, table) to rows."""

SEEDS = {
    "rules/score_models.csv": """\
score_model,status,is_primary,scale,description
main,active,true,10,
old,archived,false,10,
""",
    "rules/activities.csv": """\
activity,category,cap_group
product_viewed,purchase,browse
cart_added,purchase,cart
purchase,purchase,purchase
returned,feedback,service
email_opened,engagement,email
""",
    "rules/activity_rules.csv": """\
score_model,activity,points,half_life_days,cap,daily_limit,discharged_by,is_enabled,note
main,product_viewed,1,,,,,true,
main,cart_added,2,,,,purchase,true,
main,purchase,10,,,,,true,
main,returned,-1,,,,,true,
main,email_opened,0,,,,,true,
main,email_clicked,1,,,,,false,
old,product_viewed,1,,,,,true,
""",
    "rules/audiences.csv": "audience,attribute,operator,value,note\n",
    "rules/buying_stages.csv": "buying_stage,precedence,enter_at,note\n",
    "rules/fit_rules.csv": "attribute,operator,value,softness,points,note\n",
    "rules/fit_grades.csv": "fit_grade,enter_at\n",
    "rules/group_rules.csv": "score_model,cap_group,group_cap\n",
    "rules/score_bands.csv": """\
score_model,band,enter_at,exit_below,rank
main,cold,0,0,3
main,hot,3.0,2.7,1
main,warm,1.0,0.8,2
""",
    "rules/derived_signals.csv": """\
activity,least_history,least_change,most_variation,lapses_after,days_ahead,note
purchase_repeated,1,,,,,
""",
    "feeds/event_names.csv": """\
feed,event_name,activity,effect
web,Page Viewed,,
web,Product Viewed,product_viewed,
web,Product Added,cart_added,
web,Order Completed,purchase,
shop,Order Placed,purchase,
shop,Order Returned,returned,takes_order_back
email,Received Email,email_received,
email,Opened Email,email_opened,
email,Clicked Email,email_clicked,
""",
    "feeds/identity_limits.csv": "identifier_kind,linked_kind,people,note\n",
    "feeds/feed_preferences.csv": "feed,preference,note\nweb,2,\nshop,1,\nemail,3,\n",
    "feeds/hygiene_rules.csv": """\
rule,method,feed,activity,pattern,least_count,within_seconds,reason,is_enabled,note
bots,user_agent,,,%bot/%,,,bot_user_agent,true,
curl,user_agent,,,curl/%,,,bot_user_agent,true,
bare,user_agent,email,email_opened,mozilla/5.0,,,mail_privacy_open,true,
scanners,user_agent,,,%scan%,,,link_scanner,true,
a_first_rule,user_agent,,,%scanbot/%,,,a_first_reason,true,
switched_off,user_agent,,,%,,,never,false,
flags,tool_flag,email,email_opened,,,,mail_privacy_open,true,
staff,email,,,%@shop.example,,,internal_account,true,
bursts,burst,web,,,3,10,burst,true,
scans,after_delivery,email,,,2,20,link_scanner,true,
""",
}


def write_seeds(folder: Path) -> Path:
    """Write a small rule sheet, without fading and caps, and the feeds' seeds."""
    for name, text in SEEDS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def write_landing(landing: Path, tables: Tables, kind: str = "ndjson") -> Path:
    """Write each table into one file of a kind: parquet, csv, ndjson or csv.gz, ..."""
    for (feed, table), rows in tables.items():
        write_file(landing / feed / table / f"part.{kind}", rows)
    return landing


def write_file(path: Path, rows: Sequence[Row]) -> None:
    """Write one file, of the kind that its name tells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(_even(rows)), path)
        return
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8", newline="") as file:
        if name.endswith(".csv"):
            writer = csv.DictWriter(file, list(_columns(rows)))
            writer.writeheader()
            writer.writerows(_as_texts(row) for row in rows)
        else:
            file.writelines(json.dumps(_as_texts(row)) + "\n" for row in rows)


def _columns(rows: Iterable[Row]) -> dict[str, None]:
    return dict.fromkeys(name for row in rows for name in row)


def _even(rows: Sequence[Row]) -> list[dict[str, object]]:
    return [{name: row.get(name) for name in _columns(rows)} for row in rows]


def _as_texts(row: Row) -> dict[str, object]:
    return {
        name: value.isoformat() + "Z" if isinstance(value, datetime) else value
        for name, value in row.items()
    }
