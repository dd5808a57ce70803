"""The project's own models as dbt compiled them, run outside dbt."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import duckdb

RELATION = re.compile(r'"[^"]+"\."[^"]+"\."(?P<name>[^"]+)"')


class CompiledModels:
    """Models read from dbt's manifest, by name."""

    def __init__(self, manifest: Path) -> None:
        """Read the manifest that a build left behind."""
        nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
        models = [node for node in nodes if node["resource_type"] == "model"]
        self._sql = {node["name"]: node.get("compiled_code") or "" for node in models}
        self._kind = {node["name"]: node["config"]["materialized"] for node in models}

    def create(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: list[str],
        instead: Mapping[str, str] | None = None,
    ) -> None:
        """Create models anew in the present database, from each other's new ones.

        Args:
            connection: has the warehouse attached under its own name.
            names: the models, each after those that it reads.
            instead: other relations to read instead of the warehouse's, by name.
        """
        renamed = {**{name: name for name in names}, **(instead or {})}

        def replaced(found: re.Match[str]) -> str:
            return renamed.get(found["name"], found[0])

        for name in names:
            kind = "view" if self._kind[name] == "view" else "table"
            body = RELATION.sub(replaced, self._sql[name])
            connection.execute(f"create or replace {kind} {name} as {body}")
