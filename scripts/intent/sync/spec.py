"""What is sent where: a YAML file per sync, checked before anything is done.

The models are also the source of `syncs/schema.json`, by which editors complete and
check the files.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from intent.yaml_files import MisplacedError

NAME = r"^[a-z][a-z0-9_]{0,62}$"
Column = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mode(StrEnum):
    """What a sync may do to records."""

    UPSERT = "upsert"
    """Update those that are there, create the others."""
    UPDATE_ONLY = "update_only"
    """Create nothing."""
    CREATE_ONLY = "create_only"
    """Leave those that are there alone."""
    MIRROR = "mirror"
    """Upsert, and delete what this sync wrote and is no longer to be sent."""


class FieldType(StrEnum):
    """The type that a value is sent as."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    DATE = "date"


class Trigger(_Model):
    """When a change of the value is worth a write."""

    moved_by: float = Field(gt=0, allow_inf_nan=False)
    """At least so much, since it was last acknowledged: points of a number, days of a
    moment. A value that appears or vanishes always counts."""


class FieldRule(_Model):
    """One field of the destination."""

    column: Column | None = Field(
        default=None,
        description="The column that fills it; of a mart in `also`, `mart.column`.",
    )
    columns: tuple[Column, ...] | None = Field(
        default=None, description="Or several, as one text.", min_length=1
    )
    joined_by: str = Field(default="; ", description="What stands between `columns`.")
    type: FieldType = FieldType.TEXT
    trigger: bool | Trigger = Field(
        default=False,
        description="A change of it causes a write. Otherwise it is a passenger, and "
        "is sent along when another field causes one.",
    )
    if_null: Literal["clear", "keep"] = Field(
        default="clear", description="What a null does to the value over there."
    )
    decimals: int | None = Field(default=None, ge=0, le=9)
    truncate: int | None = Field(
        default=None, ge=1, description="Cut longer texts; otherwise they are refused."
    )
    labels: dict[str, str] | None = Field(
        default=None, description="What our values are called over there."
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        """Let a bare name stand for `{column: name}`."""
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.column is None) == (self.columns is None):
            raise ValueError("exactly one of column and columns is needed")
        if self.columns and self.type is not FieldType.TEXT:
            raise ValueError("columns are joined to a text; its type must be text")
        if self.decimals is not None and self.type is not FieldType.NUMBER:
            raise ValueError("decimals only goes with type: number")
        if self.truncate is not None and self.type is not FieldType.TEXT:
            raise ValueError("truncate only goes with type: text")
        if self.labels is not None and self.type is not FieldType.TEXT:
            raise ValueError("labels only goes with type: text")
        if isinstance(self.trigger, Trigger) and self.type not in MEASURED:
            raise ValueError(
                "trigger: {moved_by} only goes with a number, an integer, a date or a "
                "datetime; others are triggers or not"
            )
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that it is made of."""
        return self.columns or ((self.column,) if self.column else ())


MEASURED = (
    FieldType.NUMBER,
    FieldType.INTEGER,
    FieldType.DATE,
    FieldType.DATETIME,
)


class MatchRule(_Model):
    """How a contact finds its record."""

    field: str = Field(min_length=1, description="The destination's field.")
    column: Column = Field(description="Our column. Rows without it are not sent.")
    ignore_case: bool = Field(
        default=False,
        description="Spellings that differ in case only are one key, as with emails.",
    )


class ConsentRule(_Model):
    """Which contacts may leave the warehouse."""

    exportable: Literal[True] = Field(
        default=True,
        description="Only contacts with `is_exportable`. This can't be switched off.",
    )
    holdout: Literal["exclude"] = Field(
        default="exclude",
        description="Contacts with `is_holdout` are never told, so that the effect of "
        "acting on scores can be measured. This can't be switched off.",
    )


class SegmentChangeRule(_Model):
    """How a change of the segment is told, besides the fields."""

    told_as: Literal["events", "lists"] = Field(alias="as")
    column: Column = "segment"
    event: str = Field(
        default="intent_segment_changed", description="With `as: events`, its name."
    )
    lists: dict[str, str] = Field(
        default_factory=dict,
        description="With `as: lists`, the id of the list of each segment that has one",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.told_as == "lists") != bool(self.lists):
            raise ValueError("lists are needed with `as: lists`, and only there")
        return self


class GuardRule(_Model):
    """What a run refuses until told, in shares of the rows that were acknowledged."""

    shrinking: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="So many contacts that were told are no longer to be.",
    )
    downgrades: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="So many contacts fall to a lower segment at once while "
        "`feed_health` is red, or the source shrank.",
    )
    deletions: float = Field(
        default=0.05, ge=0, le=1, description="So many records to be deleted at once."
    )
    at_least: int = Field(
        default=20, ge=0, description="Fewer rows than this trip no guard."
    )


class Sync(_Model):
    """One sync, as its file says."""

    name: str = Field(pattern=NAME, exclude=True, description="The file's name.")
    file: Path | None = Field(default=None, exclude=True)
    description: str = ""
    enabled: bool = Field(
        default=False,
        description="Sent by `intent sync run` and `intent refresh` without being "
        "named. Named, it is sent anyway.",
    )
    destination: str
    object: str = Field(description="The destination's kind of record.")
    source: str = Field(default="contact_intent", pattern=NAME)
    row_id: Column = Field(
        default="contact_id", description="The column that names a row of the source."
    )
    also: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field(
        default=(),
        description="More marts with one row for each `row_id`, whose columns fields "
        "may use.",
    )
    sheet: str | None = Field(
        default=None,
        description="Of a source with a row per rule sheet: which. Default: the one "
        "that contact_intent shows.",
    )
    mode: Mode = Mode.UPSERT
    match: MatchRule
    consent: ConsentRule = ConsentRule()
    fields: dict[str, FieldRule] = Field(
        min_length=1, description="The destination's fields, and what fills each."
    )
    segment_changes: SegmentChangeRule | None = None
    guards: GuardRule = GuardRule()
    resend_after_days: float | None = Field(
        default=None, gt=0, description="Send what has not changed for so long again."
    )
    rows_at_once: int | None = Field(
        default=None, ge=1, description="Fewer rows in a request than allowed."
    )
    requests_a_day: int | None = Field(
        default=None, ge=1, description="The share of the daily quota to use, at most."
    )
    options: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="The destination's own; see docs/sync.md."
    )

    @cached_property
    def kept(self) -> Sequence[str]:
        """The fields that stay as they are over there where they have no value."""
        return [n for n, rule in self.fields.items() if rule.if_null == "keep"]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.match.field in self.fields:
            wrong = f"{self.match.field} is the match field: not in fields"
            raise MisplacedError(("fields", self.match.field), wrong)
        if not any(rule.trigger for rule in self.fields.values()):
            wrong = "none is a trigger: nothing would ever be sent again"
            raise MisplacedError(("fields",), wrong)
        for path, name in self._named_columns():
            mart = name.rpartition(".")[0]
            if mart and mart not in self.also:
                raise MisplacedError(path, f"{mart} is not among `also`")
        return self

    def _named_columns(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """All columns that it reads, and where each stands."""
        yield ("row_id",), self.row_id
        yield ("match", "column"), self.match.column
        for field, rule in self.fields.items():
            yield from ((("fields", field), name) for name in rule.sources)
        if self.segment_changes:
            yield ("segment_changes", "column"), self.segment_changes.column

    @cached_property
    def columns(self) -> Sequence[str]:
        """All columns that it reads, each once."""
        return list(dict.fromkeys(name for _, name in self._named_columns()))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a sync's file."""
    schema = Sync.model_json_schema()
    properties = schema["properties"]
    del properties["name"], properties["file"]
    schema["required"].remove("name")
    fields = properties["fields"]
    short_form = {"type": "string", "description": "The column that fills it."}
    fields["additionalProperties"] = {
        "anyOf": [fields["additionalProperties"], short_form]
    }
    schema["title"] = "A sync of intent_scoring"
    return schema
