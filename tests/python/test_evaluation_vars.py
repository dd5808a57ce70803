"""What dbt says of vars of the evaluation that can't be: in words, before it builds."""

import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import pytest
from builds import prepare
from conftest import Shop
from dbt.cli.main import dbtRunner


class Case(NamedTuple):
    """A macro that reads a var, the var's value, and what is said of it."""

    macro: str
    value: object
    words: str


VARS = {
    "evaluation_asked": "intent_evaluation",
    "evaluation_target": "intent_target",
    "evaluation_active_days": "intent_evaluation_active_days",
    "stop_on_unknown_targets": "intent_target",
}
SHEETS = {
    "activities": "intent_rules.activities",
    "derived_signals": "intent_rules.derived_signals",
}
GOOD = [
    Case("evaluation_asked", {"last": "2026-06-03", "every_days": 7}, ""),
    Case("evaluation_target", {"activities": ["purchase"], "days": [28, 7]}, ""),
    Case("stop_on_unknown_targets", {"activities": ["purchase"], "days": [7]}, ""),
]
BAD = [
    Case("evaluation_asked", True, "Give some of last, midnights and every_days"),
    Case("evaluation_asked", {"lst": 1}, "Give some of last, midnights and every_days"),
    Case("evaluation_asked", {"last": "tomorrow"}, "last is 'tomorrow'"),
    Case("evaluation_asked", {"midnights": 0}, "midnights is '0'. Give a whole number"),
    Case("evaluation_asked", {"every_days": 2.5}, "every_days is '2.5'"),
    Case("evaluation_target", "purchase", "Give activities, and days"),
    Case("evaluation_target", {"activities": [], "days": [7]}, "Give activities"),
    Case("evaluation_target", {"activities": ["purchase"]}, "Give activities"),
    Case("evaluation_target", {"activities": ["purchase"], "days": [0]}, "1 to 730"),
    Case("evaluation_active_days", 0, "Give a whole number above 0"),
    Case(
        "stop_on_unknown_targets",
        {"activities": ["purchase", "purchse"], "days": [7]},
        "'purchse' is no activity of the sheet activities. Give some of: ",
    ),
    Case(
        "stop_on_unknown_targets",
        {"activities": ["purchase_due"], "days": [7]},
        "'purchase_due' is derived from other activities",
    ),
]
CASES = [*GOOD, *BAD]


def ask(shop: Shop, cases: Sequence[Case]) -> list[str]:
    """What dbt complains of in each case; nothing if all is well."""
    prepare(shop)
    project = ["--project-dir", str(shop.project), "--profiles-dir", str(shop.project)]
    manifest: Any = dbtRunner().invoke(["parse", "--quiet", *project]).result
    return [complaints(manifest, project, case) for case in cases]


def complaints(manifest: Any, project: Sequence[str], case: Case) -> str:
    heard: list[str] = []

    def hear(event: Any) -> None:
        if event.info.level == "error":
            heard.append(event.info.msg)

    arguments = SHEETS if case.macro == "stop_on_unknown_targets" else {}
    given = {"intent_evaluation": {}, VARS[case.macro]: case.value}
    done = dbtRunner(manifest=manifest, callbacks=[hear]).invoke(
        [
            *("run-operation", "--quiet", case.macro, *project),
            *("--args", json.dumps(arguments), "--vars", json.dumps(given)),
        ]
    )
    assert done.success == (not heard)
    return " ".join(" ".join(heard).split())


@pytest.fixture(scope="module")
def said(demo_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    shop = demo_shop.copy_to(tmp_path_factory.mktemp("vars") / "shop")
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawned) as pool:
        return dict(enumerate(pool.submit(ask, shop, CASES).result()))


@pytest.mark.parametrize("number", range(len(CASES)))
def test_what_cannot_be_is_said(said: dict[int, str], number: int) -> None:
    if CASES[number].words:
        assert CASES[number].words in said[number]
    else:
        assert said[number] == ""
