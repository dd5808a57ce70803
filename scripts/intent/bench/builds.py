"""Builds of the project, each in a process of its own, and what its parts took."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intent.bench.process import Measured, measure

SAME_AS_PEERS = (
    *("int_activity_days", "int_net_points", "int_contact_scores", "contact_scores"),
)
"""The models that make scores of cleaned events; some are views."""


@dataclass(frozen=True)
class Built:
    """A build, and what its parts took by dbt's own account."""

    measured: Measured
    dbt_seconds: float
    """From when dbt had read the project to its end."""
    nodes: dict[str, float]
    """Seconds by node. Two run at a time, so they add up to more than the build."""

    @property
    def start_seconds(self) -> float:
        """What passes before dbt begins: Python, checks, reading the project."""
        return self.measured.seconds - self.dbt_seconds

    def kind_seconds(self, kind: str) -> float:
        """Seconds of all nodes of a kind, such as `model`."""
        return sum(
            taken for name, taken in self.nodes.items() if name.startswith(f"{kind}.")
        )

    def model_seconds(self, names: Iterable[str]) -> float:
        """Seconds of some models."""
        wanted = set(names)
        return sum(
            taken
            for name, taken in self.nodes.items()
            if name.startswith("model.") and name.rpartition(".")[2] in wanted
        )

    def as_json(self) -> dict[str, Any]:
        """The figures as plain data, the slowest nodes first."""
        slowest = sorted(self.nodes.items(), key=lambda item: -item[1])
        return {
            **self.measured.as_json(),
            "dbt_seconds": self.dbt_seconds,
            "nodes": {name: round(taken, 3) for name, taken in slowest},
        }


@dataclass(frozen=True)
class Shop:
    """The places of a shop of the benchmark's own."""

    folder: Path
    landing: Path

    @property
    def warehouse(self) -> Path:
        """The warehouse's file."""
        return self.folder / "intent.duckdb"

    @property
    def target(self) -> Path:
        """The folder in which dbt leaves what it compiled and how long it took."""
        return self.folder / "target"

    @property
    def full_manifest(self) -> Path:
        """What dbt compiled for the full build, kept from builds that follow."""
        return self.folder / "full_manifest.json"

    def environment(self) -> dict[str, str]:
        """The environment in which `intent` finds these places."""
        places = {
            "INTENT_LANDING": self.landing,
            "INTENT_DUCKDB_PATH": self.warehouse,
            "INTENT_PUBLISHED": self.folder / "published",
            "INTENT_LEDGER": self.folder / "ledger.duckdb",
            "INTENT_ERASURES": self.folder / "erasures",
            "INTENT_FILES_FOLDER": self.folder / "sent",
            "DBT_TARGET_PATH": self.target,
            "DBT_LOG_PATH": self.folder / "logs",
        }
        return {name: str(path) for name, path in places.items()}

    def run(self, arguments: Sequence[str]) -> Measured:
        """Run `intent` with arguments."""
        intent = str(Path(sys.executable).with_name("intent"))
        return measure([intent, *arguments], self.environment())

    def build(self, as_of: str, *options: str) -> Built:
        """Build, and read what dbt says about it."""
        measured = self.run(["build", "--as-of", as_of, "--json", *options])
        found = json.loads((self.target / "run_results.json").read_text("utf-8"))
        return Built(
            measured,
            float(found["elapsed_time"]),
            {
                result["unique_id"]: float(result["execution_time"])
                for result in found["results"]
            },
        )
