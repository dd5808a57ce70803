"""Several builds by dbt in one process, which reads the project once."""

import json
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from conftest import Shop
from dbt.cli.main import dbtRunner


class Build(NamedTuple):
    """A build, and what is to be done before."""

    shop: Shop
    as_of: date
    selected: Sequence[str] = ()
    copy_of: Shop | None = None
    """The shop becomes a copy of this one first."""
    files: Mapping[Path, str] = {}
    """Text files that are written first."""
    more_variables: Mapping[str, Any] = {}
    statements: Sequence[str] = ()
    """SQL that is run on the warehouse before."""


def build_in_turn(builds: Sequence[Build], feeds: Sequence[str]) -> None:
    """Run builds of one project, without the data's tests, in a process of its own."""
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawned) as pool:
        told = variables_of(builds[0], feeds)
        ready = builds[0].shop.made_ready(["dbt", "parse"], told)
        pool.submit(run_builds, builds, feeds, ready).result()


def run_builds(
    builds: Sequence[Build], feeds: Sequence[str], ready: Mapping[str, str]
) -> None:
    """Run builds, the project being read in an environment that is ready for it."""
    os.environ.update(ready)
    manifest = invoke(dbtRunner(), builds[0], feeds, "parse")
    for build in builds:
        if build.copy_of:
            build.copy_of.copy_to(build.shop.folder)
        for file, text in build.files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        if build.statements:
            with duckdb.connect(str(build.shop.warehouse)) as warehouse:
                for statement in build.statements:
                    warehouse.execute(statement)
        prepare(build.shop)
        runner = dbtRunner(manifest=manifest)
        excluded = ("--exclude-resource-type", "unit_test", "test")
        invoke(runner, build, feeds, "build", *excluded, *build.selected)


def prepare(shop: Shop) -> None:
    """Have dbt work on a shop, and not remember the one before."""
    os.environ.update(shop.environment, DBT_POPULATE_CACHE="true")


def invoke(runner: dbtRunner, build: Build, feeds: Sequence[str], *command: str) -> Any:
    project = str(build.shop.project)
    variables = variables_of(build, feeds)
    done = runner.invoke(
        [
            *command,
            "--quiet",
            *("--project-dir", project, "--profiles-dir", project),
            *("--vars", json.dumps(variables)),
        ]
    )
    if not done.success:
        faults = [each.message for each in getattr(done.result, "results", ())]
        raise RuntimeError(f"{build.as_of}: {done.exception} {faults}")
    return done.result


def variables_of(build: Build, feeds: Sequence[str]) -> dict[str, Any]:
    return {
        "intent_as_of": build.as_of.isoformat(),
        "intent_feeds": list(feeds),
        **build.more_variables,
    }
