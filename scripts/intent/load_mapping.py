"""Mappings: small YAML files that say which of their columns is which of ours."""

import datetime as dt
import difflib
import hashlib
import json
from collections.abc import Iterable
from collections.abc import Mapping as AnyMapping
from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from intent.contracts import RECEIVED_AT, Column, Contract, find_contract
from intent.errors import BadInputError
from intent.yaml_files import did_you_mean, faults_of, nearest, read_yaml

Format = Literal["csv", "parquet", "json"]
Scalar = str | int | float | bool | dt.datetime | dt.date
MAPPING_SUFFIXES = (".yml", ".yaml")
ORIGINS = (
    "column",
    "constant",
    "same_as",
    "latest_of",
    "hash_of",
    "row_number",
    "now",
)
MODIFIERS: dict[str, tuple[str, ...]] = {
    "multiply": ("double", "bigint"),
    "decimal": ("double", "bigint"),
    "unit": ("timestamp",),
    "format": ("timestamp",),
    "prefix": ("text",),
    "whole_number": ("text",),
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceRule(_Model):
    """How the file is written."""

    format: Format | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    encoding: str = "utf-8"
    timezone: str = "UTC"
    timestamp_format: str | None = None
    null_values: tuple[str, ...] | None = None


class ColumnRule(_Model):
    """Where the values of one contract column come from."""

    column: str | None = None
    constant: Scalar | None = None
    same_as: str | None = None
    latest_of: tuple[str, ...] | None = Field(default=None, min_length=1)
    hash_of: tuple[str, ...] | None = Field(default=None, min_length=1)
    row_number: Literal[True] | None = None
    now: Literal[True] | None = None
    multiply: float | None = Field(default=None, allow_inf_nan=False)
    decimal: Literal[",", "."] | None = None
    unit: Literal["s", "ms", "us"] | None = None
    format: str | None = None
    prefix: str | None = None
    whole_number: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        """Let a bare name stand for `{column: name}`."""
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [each for each in ORIGINS if getattr(self, each) is not None]
        if len(origins) != 1:
            raise ValueError(
                f"exactly one of {', '.join(ORIGINS)} is needed; "
                f"found {', '.join(origins) or 'none'}"
            )
        used = self.modifiers
        if used and self.column is None:
            raise ValueError(f"{', '.join(used)} only goes with `column`")
        return self

    @property
    def modifiers(self) -> tuple[str, ...]:
        """The names of the modifiers that are used."""
        unused = (None, False)
        return tuple(
            each
            for each in MODIFIERS
            if not any(getattr(self, each) is nothing for nothing in unused)
        )

    @property
    def refers_to(self) -> tuple[str, ...]:
        """The contract columns that this one is derived from."""
        return self.latest_of or ((self.same_as,) if self.same_as else ())

    @property
    def reads(self) -> tuple[str, ...]:
        """The file's columns that this one is made of."""
        return self.hash_of or ((self.column,) if self.column is not None else ())


class TableRule(_Model):
    """How one contract table is filled from the file."""

    where: dict[str, tuple[Scalar | None, ...]] = Field(default_factory=dict)
    columns: dict[str, ColumnRule] = Field(min_length=1)
    event_names: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _single_values(cls, value: object) -> object:
        """Let a single accepted value stand for a list of one."""
        if not isinstance(value, dict) or not isinstance(value.get("where"), dict):
            return value
        where = {
            name: each if isinstance(each, list) else [each]
            for name, each in value["where"].items()
        }
        return {**value, "where": where}

    @property
    def reads(self) -> set[str]:
        """The file's columns that are read for this table."""
        return set(self.where).union(*(each.reads for each in self.columns.values()))


class Mapping(_Model):
    """A whole mapping file."""

    description: str = ""
    source: SourceRule = SourceRule()
    tables: dict[str, TableRule] = Field(min_length=1)


def shipped_mappings() -> dict[str, Mapping]:
    """The mappings that come with the package, by name."""
    folder = resources.files("intent") / "mappings"
    files = sorted(
        (each for each in folder.iterdir() if each.name.endswith(MAPPING_SUFFIXES)),
        key=lambda each: each.name,
    )
    return {
        Path(each.name).stem: parse_mapping(each.read_text("utf-8"), each.name)
        for each in files
    }


def read_mapping(name_or_path: str) -> tuple[Mapping, str]:
    """Read a mapping that is named, or that stands at a path.

    Returns:
        The mapping, and how to call it in messages.
    """
    path = Path(name_or_path)
    if path.suffix in MAPPING_SUFFIXES or path.is_file():
        try:
            return parse_mapping(path.read_text("utf-8"), str(path)), str(path)
        except (OSError, UnicodeDecodeError) as fault:
            why = getattr(fault, "strerror", None) or "it is not UTF-8 text"
            raise BadInputError(f"Mapping {path} can't be read: {why}.") from fault
    shipped = shipped_mappings()
    if name_or_path in shipped:
        return shipped[name_or_path], name_or_path
    near = difflib.get_close_matches(name_or_path, shipped, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise BadInputError(
        f"No mapping named '{name_or_path}'.{hint} Shipped are: {', '.join(shipped)}. "
        "Your own is given by its path, ending in .yml."
    )


def parse_mapping(text: str, where: str) -> Mapping:
    """Read a mapping's text; `where` names it in messages."""
    document = read_yaml(text, f"Mapping {where}", Mapping)
    try:
        return Mapping.model_validate(document.content)
    except ValidationError as fault:
        lines = faults_of(fault, document, Mapping)
        raise BadInputError(
            f"Mapping {where} can't be used:\n" + "\n".join(f"  {x}" for x in lines)
        ) from None


def check_against_contracts(
    mapping: Mapping, where: str, contracts: dict[str, Contract]
) -> None:
    """Check every name and modifier of a mapping against the contracts.

    Raises:
        BadInputError: with all the faults, each with its key.
    """
    faults = [
        f"tables.{key}.{fault}"
        for key, rule in mapping.tables.items()
        for fault in _table_faults(rule, find_contract(contracts, key))
    ]
    if faults:
        raise BadInputError(
            f"Mapping {where} can't be used:\n" + "\n".join(f"  {x}" for x in faults)
        )


def identity_mapping(contract: Contract, names: Iterable[str], where: str) -> Mapping:
    """The mapping of a file whose columns are named as the contract's are.

    Args:
        contract: the table to fill.
        names: the file's columns.
        where: the file, for messages.

    Raises:
        BadInputError: required columns are not there.
    """
    theirs = {name.strip().lower(): name for name in names}
    columns = {
        each.name: ColumnRule(column=theirs[each.name])
        for each in contract.columns
        if each.name in theirs
    }
    missing = [
        each.name
        for each in contract.columns
        if each.required and each.name not in columns and each.name != RECEIVED_AT
    ]
    if missing or not columns:
        why = _missing_columns(contract, missing, list(theirs.values()))
        raise BadInputError(f"{where} {why}")
    return Mapping(tables={contract.key: TableRule(columns=columns)})


def with_received_at(mapping: Mapping, given: str | None) -> Mapping:
    """Fill in where `received_at` comes from.

    What the command line says wins over the mapping; where neither says it, it is
    the moment of landing: the first moment at which we can say that we knew.
    """
    rule = (
        None
        if given is None
        else ColumnRule(now=True)
        if given == "now"
        else ColumnRule(column=given)
    )

    def filled(table: TableRule) -> TableRule:
        if rule is None and RECEIVED_AT in table.columns:
            return table
        columns = {**table.columns, RECEIVED_AT: rule or ColumnRule(now=True)}
        return table.model_copy(update={"columns": columns})

    tables = {key: filled(table) for key, table in mapping.tables.items()}
    return mapping.model_copy(update={"tables": tables})


def mapping_hash(mapping: Mapping, table: str) -> str:
    """Hash what decides how one table is filled; comments and order don't."""
    content = {
        "source": mapping.source.model_dump(mode="json"),
        "table": table,
        "rule": mapping.tables[table].model_dump(mode="json"),
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def constant_text(value: Scalar) -> str:
    """A constant as the text that a CSV file would hold."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


def _missing_columns(contract: Contract, missing: list[str], theirs: list[str]) -> str:
    """Say which required columns a file lacks, and what to do."""
    if not missing:
        missing = list(contract.names)
    near = [
        f"{name} (nearest here: {', '.join(found)})"
        if (found := nearest(name, theirs))
        else name
        for name in missing
    ]
    return (
        f"lacks columns that {contract.key} needs: {'; '.join(near)}. "
        f"It has: {', '.join(theirs)}. Say which is which in a mapping; "
        "`intent load FILE --propose` writes a first one."
    )


def _table_faults(rule: TableRule, contract: Contract) -> Iterable[str]:
    """Find what a table's rule asks that its contract can't give."""
    if rule.event_names and contract.column("event_name") is None:
        yield "event_names: this table has no event_name"
    if rule.event_names and "event_name" not in rule.columns:
        yield "event_names: columns.event_name is not mapped"
    missing = [
        each.name
        for each in contract.columns
        if each.required and each.name not in rule.columns and each.name != RECEIVED_AT
    ]
    for name in missing:
        yield f"columns: `{name}` is required and not mapped"
    for name, column_rule in rule.columns.items():
        column = contract.column(name)
        if column is None:
            hint = did_you_mean(name, contract.names)
            yield (
                f"columns.{name}: {contract.key} has no such column{hint} "
                f"(it has {', '.join(contract.names)})"
            )
            continue
        for fault in _rule_faults(column_rule, column, rule.columns, contract):
            yield f"columns.{name}: {fault}"


def _rule_faults(
    rule: ColumnRule,
    column: Column,
    mapped: AnyMapping[str, ColumnRule],
    contract: Contract,
) -> Iterable[str]:
    """Find what is wrong with one column's rule."""
    for modifier in rule.modifiers:
        if column.data_type not in MODIFIERS[modifier]:
            kinds = " and ".join(MODIFIERS[modifier])
            yield f"`{modifier}` is for {kinds} columns; this one is {column.data_type}"
    if rule.now and column.data_type != "timestamp":
        yield f"`now` is for timestamp columns; this one is {column.data_type}"
    if (rule.hash_of or rule.row_number) and column.data_type != "text":
        yield f"a made-up id is text; this column is {column.data_type}"
    if isinstance(rule.constant, bool) and column.data_type == "text":
        yield f"YAML reads this constant as {rule.constant}; put it in quotes"
    for name in rule.refers_to:
        other = contract.column(name)
        if other is None or name not in mapped:
            yield f"refers to `{name}`, which is not a mapped column of {contract.key}"
        elif mapped[name].refers_to:
            yield f"refers to `{name}`, which itself refers to another column"
        elif other.data_type != column.data_type:
            yield f"refers to `{name}`, which is {other.data_type}"
