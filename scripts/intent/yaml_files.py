"""YAML files that people write: read strictly, faults told with line and remedy."""

import difflib
import types
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from intent.errors import BadInputError

Path = tuple[str | int, ...]
WANTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "dict_type": "keys with values",
    "mapping_type": "keys with values",
    "tuple_type": "a list",
    "list_type": "a list",
}
"""What is wanted where pydantic says that something else was found."""


class MisplacedError(ValueError):
    """A fault that a model finds in its whole, and that stands at one of its keys."""

    def __init__(self, path: Path, wrong: str) -> None:
        """Say where, from the model on, and what is wrong."""
        super().__init__(wrong)
        self.path = path


class Loader(yaml.SafeLoader):
    """YAML in which the same key twice is a fault, not a silent choice."""

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Any, Any]:
        """Refuse a key that stands twice."""
        seen: set[str] = set()
        keys = (key for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key in keys:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key '{key.value}' stands twice",
                    problem_mark=key.start_mark,
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


@dataclass(frozen=True)
class Document:
    """A YAML file's contents, and where in it each thing stands."""

    content: dict[Any, Any]
    node: yaml.Node | None
    key: str = ""
    """Where it stands in its file, where it is a part of one, such as `options.`"""

    def line_of(self, path: Sequence[str | int]) -> int | None:
        """The line of a key, or of the nearest thing around it; None: of nothing."""
        line, node = None, self.node
        for step in path:
            found = _step(node, step)
            if found is None:
                break
            line, node = found
        return line

    def within(self, key: str) -> "Document":
        """What stands under a key."""
        found = _step(self.node, key)
        content = self.content.get(key)
        inner = content if isinstance(content, dict) else {}
        return Document(inner, found and found[1], f"{self.key}{key}.")


def _step(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    """The line at which a key or item stands, and its value."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        item = node.value[step] if step < len(node.value) else None
        return item and (item.start_mark.line + 1, item)
    return None


def read_yaml(text: str, where: str, model: type[BaseModel]) -> Document:
    """Read a YAML text that is to hold a model's keys; `where` names it in messages.

    Raises:
        BadInputError: it is no YAML, or has no keys.
    """
    try:
        loader = Loader(text)
        node = loader.get_single_node()
        content = loader.construct_document(node) if node else None
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadInputError(
            f"{where}{line}: not valid YAML: {fault.problem}."
        ) from fault
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        # A ValueError: a date such as 2026-02-30, or a number of thousands of digits.
        raise BadInputError(f"{where}: not valid YAML.") from fault
    if not isinstance(content, dict):
        raise BadInputError(
            f"{where}: expected the keys {allowed_keys(model)}; found none."
        )
    return Document(content, node)


def faults_of(
    error: ValidationError, document: Document, model: type[BaseModel]
) -> Sequence[str]:
    """All faults of a file's contents in its order, with line, key and remedy."""
    by_path: dict[Path, list[ErrorDetails]] = {}
    for each in error.errors(include_url=False):
        by_path.setdefault(_path(each, document.content), []).append(each)
    found = [
        (document.line_of(path) or 0, document.key + _told(path, errors, model))
        for path, errors in by_path.items()
        if not _is_beside(path, errors, by_path)
    ]
    return [f"line {line}: {text}" if line else text for line, text in sorted(found)]


def nearest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """The names that look most like `name`."""
    by_lower = {each.lower(): each for each in names}
    close = difflib.get_close_matches(name.lower(), by_lower, n=count, cutoff=0.5)
    return [by_lower[each] for each in close]


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The hint for a name that does not exist; '' if no other is like it."""
    near = nearest(name, names, 1)
    return f"; did you mean {near[0]}?" if near else ""


def allowed_keys(model: type[BaseModel]) -> str:
    """The keys of a model, as they are written."""
    return ", ".join(
        field.alias or name
        for name, field in model.model_fields.items()
        if not field.exclude
    )


def _path(error: ErrorDetails, content: object) -> Path:
    """The keys that lead to a fault; pydantic puts names of types among them."""
    path: list[str | int] = []
    for step in error["loc"]:
        is_key = isinstance(content, dict) and step in content
        is_index = isinstance(content, list) and step in range(len(content))
        if is_key or is_index:
            content = content[step]  # type: ignore[index]
            path.append(step)
    if error["type"] == "missing":
        path.append(error["loc"][-1])
    cause = error.get("ctx", {}).get("error")
    return (*path, *cause.path) if isinstance(cause, MisplacedError) else tuple(path)


def _is_beside(
    path: Path, errors: Sequence[ErrorDetails], all_paths: Iterable[Path]
) -> bool:
    """A value may have several forms, and another one was meant: it is at fault."""
    has_faults_within = any(
        len(other) > len(path) and other[: len(path)] == path for other in all_paths
    )
    return has_faults_within and all(each["type"] in WANTED for each in errors)


def _model_at(kind: Any, path: Path) -> type[BaseModel] | None:
    """The innermost model on the way to a value."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, types.UnionType):
        kinds = get_args(kind)
        return next((found for each in kinds if (found := _model_at(each, path))), None)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        step = path[0] if path else None
        fields = kind.model_fields.items()
        within = [field for name, field in fields if step in (name, field.alias)]
        inner = _model_at(within[0].annotation, path[1:]) if within else None
        return inner or kind
    inner_kinds = [each for each in get_args(kind) if each is not Ellipsis]
    return _model_at(inner_kinds[-1], path[1:]) if inner_kinds and path else None


def _told(path: Path, errors: Sequence[ErrorDetails], model: type[BaseModel]) -> str:
    """One fault, with its key and what is right there."""
    place = ".".join(map(str, path)) or "the file"
    fault = _key_fault(path, errors[0], model) or _value_fault(path, errors, model)
    return f"{place}: {fault}"


def _key_fault(path: Path, error: ErrorDetails, model: type[BaseModel]) -> str | None:
    """What is wrong with a key, if it is the key."""
    owner = _model_at(model, path[:-1]) or model
    if error["loc"][-1:] == ("[key]",):
        return f"YAML reads a key here as {_shown(error['input'])}; put it in quotes"
    if error["type"] == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), allowed_keys(owner).split(", "))
        return f"unknown key{hint} (allowed: {allowed_keys(owner)})"
    if error["type"] == "missing":
        field = owner.model_fields.get(str(path[-1]))
        words = field and field.description
        return f"is missing: {words}" if words else "is missing"
    return None


def _value_fault(
    path: Path, errors: Sequence[ErrorDetails], model: type[BaseModel]
) -> str:
    """What is wrong with a value."""
    error = errors[0]
    found = _shown(error["input"])
    if wanted := [_wanted(each, path, model) for each in errors if _wants(each)]:
        is_bare = error["type"] == "string_type" and not isinstance(
            error["input"], dict | list | None
        )
        hint = "; put it in quotes" if is_bare else ""
        return f"should be {' or '.join(dict.fromkeys(wanted))}; found {found}{hint}"
    if error["type"] == "string_pattern_mismatch":
        return f"should be made of small letters, digits and _; found {found}"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = f"{message[:1].lower()}{message[1:]}"
    says_all = error["type"] == "value_error" or isinstance(error["input"], dict | list)
    return message if says_all else f"{message}; found {found}"


def _wants(error: ErrorDetails) -> bool:
    return error["type"] in WANTED or error["type"] == "model_type"


def _wanted(error: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    if error["type"] != "model_type":
        return WANTED[error["type"]]
    inner = _model_at(model, path)
    return f"keys with values ({allowed_keys(inner)})" if inner else "keys with values"


def _shown(value: object) -> str:
    """What was found, in YAML's words."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "keys"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else str(value)[:60]
