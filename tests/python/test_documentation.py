"""Nothing stands in the warehouse undescribed, or without a key that is tested.

Reads what dbt wrote of the demo shop's build, and the columns that came of it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from conftest import PROJECT, Shop
from intent.sync.load import load_syncs

PROJECT_NAME = "intent_scoring"
# What landing adds to the columns of a contract.
LANDED = {"malformed_columns", "source_file"}
RAW_SCHEMA = "raw"

Thing = dict[str, Any]
Columns = dict[tuple[str, str], list[str]]


@pytest.fixture(scope="module")
def manifest(demo_shop: Shop) -> Thing:
    file = demo_shop.folder / "manifest.json"
    found: Thing = json.loads(file.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def built(demo_shop: Shop) -> Columns:
    """The columns of all relations, by schema and name, in their order."""
    found = defaultdict(list)
    for row in demo_shop.rows("""
        select table_schema, table_name, column_name
        from information_schema.columns
        where table_catalog = current_database()
        order by ordinal_position
    """):
        found[row["table_schema"], row["table_name"]].append(row["column_name"])
    return found


def own(manifest: Thing, *kinds: str) -> list[Thing]:
    """What this project itself tells of some kinds, also of what is switched off."""
    groups = ("nodes", "sources", "exposures", "metrics", "semantic_models", "groups")
    things = [thing for group in groups for thing in manifest[group].values()]
    things += [thing for group in manifest["disabled"].values() for thing in group]
    return [
        thing
        for thing in things
        if thing["package_name"] == PROJECT_NAME and thing["resource_type"] in kinds
    ]


def models(manifest: Thing) -> list[Thing]:
    return own(manifest, "model", "snapshot")


def relation(thing: Thing) -> tuple[str, str]:
    return thing["schema"], thing.get("alias") or thing["identifier"]


def none(found: Iterable[str]) -> None:
    """Fail with all that was found, one a line."""
    assert (lines := "\n".join(sorted(found))) == "", f"\n{lines}"


def test_everything_is_described(manifest: Thing) -> None:
    none(name for name, text in descriptions(manifest) if not (text or "").strip())


def descriptions(manifest: Thing) -> Iterator[tuple[str, str | None]]:
    """The description of each thing and each part of it."""
    for thing in own(
        manifest, "model", "snapshot", "seed", "source", "exposure", "metric", "group"
    ):
        yield thing["unique_id"], thing["description"]
        for column in thing.get("columns", {}).values():
            yield f"{thing['unique_id']}: {column['name']}", column["description"]
    for source in own(manifest, "source"):
        yield f"source {source['source_name']}", source["source_description"]
    for model in own(manifest, "semantic_model"):
        yield model["unique_id"], model["description"]
        for part in ("entities", "dimensions", "measures"):
            for item in model[part]:
                yield f"{model['unique_id']}: {item['name']}", item["description"]
    for macro in manifest["macros"].values():
        if macro["package_name"] == PROJECT_NAME:
            yield macro["unique_id"], macro["description"]
            told = {argument["name"]: argument for argument in macro["arguments"]}
            for name in signature(macro):
                text = told[name]["description"] if name in told else None
                yield f"{macro['unique_id']}({name})", text


def signature(macro: Thing) -> list[str]:
    """The names of a macro's arguments; tests and materializations have none."""
    start = rf"{{%-?\s*macro\s+{macro['name']}\((.*?)\)\s*-?%}}"
    found = re.match(start, macro["macro_sql"].strip(), re.S)
    return re.findall(r"(\w+)\s*(?:=[^,]*)?(?:,|$)", found[1]) if found else []


def test_each_table_says_what_a_row_is(manifest: Thing) -> None:
    none(
        thing["unique_id"]
        for thing in own(manifest, "model", "snapshot", "seed")
        if "one row per" not in " ".join(thing["description"].lower().split())
    )


def test_the_described_columns_are_those_in_the_warehouse(
    manifest: Thing, built: Columns
) -> None:
    wrong = []
    for thing in own(manifest, "model", "snapshot", "seed", "source"):
        if thing["config"]["enabled"] and relation(thing) in built:
            there, told = set(built[relation(thing)]), set(thing["columns"])
            if thing["resource_type"] == "source":
                there -= LANDED
            wrong += [f"not described: {thing['name']}.{c}" for c in there - told]
            wrong += [f"not there: {thing['name']}.{c}" for c in told - there]
    none(wrong)


def test_each_relation_is_described(manifest: Thing, built: Columns) -> None:
    things = own(manifest, "model", "snapshot", "seed", "source")
    known = {relation(thing) for thing in things if thing["config"]["enabled"]}
    none(f"{s}.{name}" for s, name in built.keys() - known if s != RAW_SCHEMA)
    none(f"{s}.{name}" for s, name in known - built.keys() if s != RAW_SCHEMA)


def test_each_model_has_a_key_that_is_tested(manifest: Thing) -> None:
    """By tests of dbt's; of a view, a key to be checked here; or it says why not."""
    tested = defaultdict(list)
    for test in own(manifest, "test"):
        if "test_metadata" in test:
            tested[test["attached_node"]].append(
                (test["test_metadata"]["name"], test["column_name"])
            )
    none(
        model["name"]
        for model in models(manifest)
        if not has_key(model, tested[model["unique_id"]])
    )


def has_key(model: Thing, tests: list[tuple[str, str | None]]) -> bool:
    meta = model["config"]["meta"]
    is_view = model["config"]["materialized"] == "view"
    unique = {column for name, column in tests if name == "unique"}
    filled = {column for name, column in tests if name == "not_null"}
    return (
        bool(unique & filled)
        or any(name == "unique_combination" for name, _ in tests)
        or (is_view and "key" in meta)
        or "no_key" in meta
    )


def test_the_keys_of_views_tell_rows_apart(demo_shop: Shop, manifest: Thing) -> None:
    wrong = []
    for model in models(manifest):
        if key := model["config"]["meta"].get("key"):
            row = ", ".join(key)
            filled = " and ".join(f"{column} is not null" for column in key)
            [found] = demo_shop.rows(f"""
                select
                    count(*) as row_count,
                    count(*) filter (where {filled}) as filled_count,
                    count(distinct ({row})) as key_count
                from {model["relation_name"]}
            """)
            if len(set(found.values())) > 1:
                wrong.append(f"{model['name']}: {row}: {found}")
    none(wrong)


def test_marts_are_public_promises_and_nothing_else_is(
    manifest: Thing, built: Columns
) -> None:
    wrong = []
    for model in models(manifest):
        is_mart = model["fqn"][1] == "marts"
        config = model["config"]
        if config["access"] != ("public" if is_mart else "protected"):
            wrong.append(f"{model['name']} is {config['access']}")
        if not config["group"]:
            wrong.append(f"{model['name']} belongs to nobody")
        if is_mart and not config["contract"]["enforced"]:
            wrong.append(f"{model['name']} has no contract")
        if is_mart and list(model["columns"]) != built[relation(model)]:
            wrong.append(f"{model['name']} has its columns in another order")
    none(wrong)


def test_readers_of_the_marts_are_known(manifest: Thing) -> None:
    """Each mart has a reader, and each reader an owner, who is a role."""
    exposures = own(manifest, "exposure")
    read = {name for exposure in exposures for name in exposure["depends_on"]["nodes"]}
    read |= {
        name
        for model in own(manifest, "semantic_model")
        for name in model["depends_on"]["nodes"]
    }
    marts = {
        model["unique_id"]
        for model in models(manifest)
        if model["fqn"][1] == "marts" and model["config"]["enabled"]
    }
    none(marts - read)
    for exposure in exposures:
        assert exposure["owner"]["name"]
        assert not exposure["owner"]["email"]


def test_readers_of_the_marts_tell_what_their_syncs_read(manifest: Thing) -> None:
    """Each destination is a reader of what its syncs say, and of `feed_health`."""
    told = {
        exposure["name"]: {
            node.split(".")[-1] for node in exposure["depends_on"]["nodes"]
        }
        for exposure in own(manifest, "exposure")
    }
    read: dict[str, set[str]] = defaultdict(set)
    for sync in load_syncs(PROJECT / "syncs"):
        # By `also`, one mart is read beside the source; a run asks feed_health first.
        read[f"{sync.destination}_sync"] |= {sync.source, *sync.also, "feed_health"}
    assert {name: told[name] for name in read} == read
