"""The feeds' contracts, read from dbt's sources: the one place they are written."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from intent.errors import BadInputError

DataType = Literal["text", "timestamp", "boolean", "double", "bigint"]
DATA_TYPES: tuple[str, ...] = get_args(DataType)
RECEIVED_AT = "received_at"


@dataclass(frozen=True)
class Column:
    """One column that a feed's table promises."""

    name: str
    data_type: DataType
    required: bool
    description: str


@dataclass(frozen=True)
class Contract:
    """What a table of a feed must look like."""

    feed: str
    table: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> str:
        """The contract's name, such as `web.events`."""
        return f"{self.feed}.{self.table}"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns, in the contract's order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column | None:
        """Return the column of that name, if the contract has it."""
        return next((each for each in self.columns if each.name == name), None)

    @property
    def time_column(self) -> Column | None:
        """The column that says when the thing happened.

        It is the required timestamp that is not the moment of receipt; a table of
        parts, such as order lines, has none.
        """
        return next(
            (
                each
                for each in self.columns
                if each.data_type == "timestamp"
                and each.required
                and each.name != RECEIVED_AT
            ),
            None,
        )


def read_contracts(staging: Path) -> dict[str, Contract]:
    """Read every feed's contract.

    Args:
        staging: the folder with one folder per feed, each with its sources file.

    Returns:
        The contracts by their key, such as `web.events`, sorted.

    Raises:
        BadInputError: no sources file is there, or one is not as it should be.
    """
    files = sorted(staging.glob("*/_*__sources.yml"))
    if not files:
        raise BadInputError(
            f"No contracts in {staging}: expected files such as "
            "web/_web__sources.yml. Run the command inside the project."
        )
    contracts = [contract for file in files for contract in _read_file(file)]
    return {each.key: each for each in sorted(contracts, key=lambda each: each.key)}


def find_contract(contracts: dict[str, Contract], key: str) -> Contract:
    """Return the contract of that key, or say which ones there are."""
    if key in contracts:
        return contracts[key]
    near = difflib.get_close_matches(key.lower(), contracts, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    known = ", ".join(contracts)
    raise BadInputError(f"Unknown table '{key}'.{hint} Known tables: {known}.")


def _read_file(file: Path) -> list[Contract]:
    """Read the contracts of one sources file."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as fault:
        raise BadInputError(f"{file} can't be read: {fault}") from fault
    if not isinstance(content, dict):
        raise BadInputError(f"{file} is not a dbt sources file.")
    return [
        Contract(
            feed=_text(source, "name", file),
            table=_text(table, "name", file),
            columns=tuple(
                _read_column(column, file, _text(table, "name", file))
                for column in table.get("columns") or []
            ),
        )
        for source in content.get("sources") or []
        for table in source.get("tables") or []
    ]


def _read_column(column: dict[str, Any], file: Path, table: str) -> Column:
    """Read one column's promise."""
    name = _text(column, "name", file)
    data_type = column.get("data_type")
    if data_type not in DATA_TYPES:
        raise BadInputError(
            f"{file}: {table}.{name} has data_type {data_type!r}; "
            f"allowed are {', '.join(DATA_TYPES)}."
        )
    meta = (column.get("config") or {}).get("meta") or {}
    return Column(
        name=name,
        data_type=data_type,
        required=bool(meta.get("required", False)),
        description=" ".join(str(column.get("description", "")).split()),
    )


def _text(node: dict[str, Any], key: str, file: Path) -> str:
    """Return a text of the file, which must be there."""
    value = node.get(key)
    if not isinstance(value, str):
        raise BadInputError(f"{file}: an entry without a `{key}`.")
    return value
