"""The files of syncs: what is wrong, in which line, and what is right."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from intent.errors import BadInputError
from intent.settings import places
from intent.sync.load import line_of, load_sync, load_syncs
from intent.sync.schema import schema_text
from intent.sync.spec import FieldType, Trigger

SHIPPED = sorted(places().syncs.glob("*.yml"))
HEAD = """\
destination: webhook
object: contacts
match:
  field: email
  column: email
"""
FIELDS = "fields: {segment: {column: segment, trigger: true}}\n"
WHOLE = f"""\
# yaml-language-server: $schema=schema.json
{HEAD}fields:
  intent_segment: {{column: segment, trigger: true}}
  intent_score:
    column: intent_score
    type: number
    trigger: {{moved_by: 0.25}}
  intent_grade: intent_grade
"""


def write(folder: Path, text: str, name: str = "toy.yml") -> Path:
    file = folder / "syncs" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def test_a_sync_is_read(tmp_path: Path) -> None:
    sync = load_sync(write(tmp_path, WHOLE))

    assert sync.name == "toy"
    assert sync.fields["intent_score"].type is FieldType.NUMBER
    assert sync.fields["intent_score"].trigger == Trigger(moved_by=0.25)
    assert sync.fields["intent_grade"].column == "intent_grade"
    assert "email" in sync.columns


FAULTS = {
    "unknown key": (
        HEAD + FIELDS + "modus: upsert",
        r"line 7: modus: unknown key; did you mean mode\? \(allowed: description, ",
    ),
    "unknown key within": (
        HEAD + "fields:\n  a:\n    colum: b\n    trigger: true",
        r"line 8: fields\.a\.colum: unknown key; did you mean column\?",
    ),
    "missing": (HEAD, r"toy\.yml: fields: is missing: The destination's fields"),
    "missing within": (
        HEAD + FIELDS + "segment_changes:\n  event: x",
        r"line 7: segment_changes\.as: is missing",
    ),
    "trigger": (
        HEAD + "fields:\n  a:\n    column: b\n    trigger: often",
        r"line 9: fields\.a\.trigger: should be true or false or keys with values "
        r"\(moved_by\); found often",
    ),
    "within trigger": (
        HEAD + "fields:\n  a:\n    column: b\n    trigger:\n      moved_by: 0",
        r"line 10: fields\.a\.trigger\.moved_by: should be greater than 0; found 0",
    ),
    "type": (
        HEAD + "fields:\n  a: {column: b, type: numbr, trigger: true}",
        r"line 7: fields\.a\.type: should be 'text', 'number'.*found numbr",
    ),
    "of one field": (
        HEAD + "fields:\n  a:\n    column: b\n    decimals: 2\n    trigger: true",
        r"line 7: fields\.a: decimals only goes with type: number",
    ),
    "of the whole": (
        HEAD + "fields: {a: b}",
        r"toy\.yml: line 6: fields: none is a trigger: nothing would ever be sent",
    ),
    "a field twice": (
        HEAD + "fields:\n  email: {column: b, trigger: true}",
        r"line 7: fields\.email: email is the match field",
    ),
    "a mart that is not named": (
        HEAD + "fields:\n  a: {column: b, trigger: true}\n  c: names.d",
        r"line 8: fields\.c: names is not among `also`",
    ),
    "a number for text": (
        HEAD + FIELDS + "segment_changes: {as: lists, lists: {hot: 12}}",
        r"line 7: segment_changes\.lists\.hot: should be text; found 12; put it in "
        "quotes",
    ),
    "norwegian key": (
        HEAD + "fields:\n  no: b",
        r"line 6: fields\.\w+: YAML reads a key here as false; put it in quotes",
    ),
    "column": (
        HEAD + "fields: {a: {column: B c, trigger: true}}",
        r"fields\.a\.column: should be made of small letters, digits and _; found B c",
    ),
    "a list": (HEAD + FIELDS + "also: contacts", "also: should be a list; found cont"),
    "a list in place of keys": (
        HEAD + "fields: [a, b]",
        "line 6: fields: should be keys with values; found a list",
    ),
    "nothing": (HEAD + "fields:", "fields: should be keys with values; found nothing"),
    "in a list": (
        HEAD + FIELDS + "also:\n  - contacts\n  - Accounts",
        r"line 9: also\.1: should be made of small letters",
    ),
    "destination": (
        HEAD.replace("webhook", "webhok") + FIELDS,
        r"line 1: destination: there is no webhok; did you mean webhook\? \(there are",
    ),
    "consent": (
        HEAD + FIELDS + "consent: {exportable: false}",
        r"line 7: consent\.exportable: should be True; found false",
    ),
    "hold-out": (
        HEAD + FIELDS + "consent: {holdout: include}",
        r"line 7: consent\.holdout: should be 'exclude'; found include",
    ),
    "name": (HEAD + FIELDS + "name: x", "line 7: name: unknown key; it follows from"),
    "file": (HEAD + FIELDS + "file: x", "line 7: file: unknown key; it follows from"),
    "twice": (
        HEAD + "fields:\n  a: b\n  a: c",
        r"toy\.yml, line 8, column 3: not valid YAML: the key 'a' stands twice",
    ),
    "twice at the top": (HEAD + FIELDS + "object: x", "line 7.*'object' stands twice"),
    "no YAML": (HEAD + "fields: [", r"line 6, column 10: not valid YAML"),
    "no date": (HEAD + "fields: 2026-02-30", "not valid YAML"),
    "a tag": (HEAD + "fields: !!python/name:os.system", "line 6.*not valid YAML"),
    "control": (HEAD + "fields: \x07", "not valid YAML"),
    "empty": ("", "expected the keys description, "),
    "a text": ("hello", "expected the keys description, "),
}


@pytest.mark.parametrize("case", FAULTS)
def test_files_that_can_not_be_used(tmp_path: Path, case: str) -> None:
    text, message = FAULTS[case]

    with pytest.raises(BadInputError, match=message) as told:
        load_sync(write(tmp_path, text))

    assert str(told.value).startswith("syncs/toy.yml")
    assert "pydantic" not in str(told.value)


def test_all_faults_are_told_in_their_order(tmp_path: Path) -> None:
    text = HEAD + "fields:\n  a: {colum: b}\n  b: {type: x}\nmode: y\nguards: 3"

    with pytest.raises(BadInputError) as told:
        load_sync(write(tmp_path, text))

    lines = str(told.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "line 7",
        "line 8",
        "line 9",
        "line 10",
    ]


@pytest.mark.parametrize("name", ["HubSpot.yml", "hub-spot.yml", "1.yml"])
def test_names_of_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="the file's name should be made of small"):
        load_sync(write(tmp_path, WHOLE, name))


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInputError, match=r"toy\.yml can't be read: it is not UTF-8"):
        load_sync(file)

    file.unlink()
    with pytest.raises(BadInputError, match=r"toy\.yml can't be read: No such file"):
        load_sync(file)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("destination",), 2),
        (("match", "column"), 6),
        (("fields", "intent_score"), 9),
        (("fields", "intent_score", "trigger", "moved_by"), 12),
        (("fields", "intent_score", "labels", "x"), 9),
        (("fields", "gone"), 7),
        (("gone",), None),
        ((), None),
    ],
)
def test_lines_of_keys(tmp_path: Path, path: tuple[str, ...], line: int | None) -> None:
    assert line_of(write(tmp_path, WHOLE), path) == line


def test_a_folder_of_syncs(tmp_path: Path) -> None:
    write(tmp_path, WHOLE, "b.yml")
    folder = write(tmp_path, WHOLE, "a.yaml").parent
    (folder / "schema.json").write_text("{}")

    assert [sync.name for sync in load_syncs(folder)] == ["a", "b"]
    assert [sync.name for sync in load_syncs(folder, ["b"])] == ["b"]


def test_only_the_syncs_that_are_named_must_be_right(tmp_path: Path) -> None:
    folder = write(tmp_path, WHOLE, "good.yml").parent
    write(tmp_path, "fields: 1", "bad.yml")
    write(tmp_path, "fields: 2", "worse.yml")

    assert [sync.name for sync in load_syncs(folder, ["good"])] == ["good"]
    with pytest.raises(BadInputError, match=r"(?s)bad\.yml.*worse\.yml"):
        load_syncs(folder)


def test_syncs_that_do_not_exist(tmp_path: Path) -> None:
    folder = write(tmp_path, WHOLE, "hubspot.yml").parent
    with pytest.raises(BadInputError, match="no sync hubspt; did you mean hubspot"):
        load_syncs(folder, ["hubspt", "hubspot"])
    with pytest.raises(BadInputError, match="The folder of syncs"):
        load_syncs(tmp_path / "none")

    write(tmp_path, WHOLE, "hubspot.yaml")
    with pytest.raises(BadInputError, match="both the sync hubspot; rename one"):
        load_syncs(folder)


def test_the_schema_is_up_to_date() -> None:
    made = schema_text()

    assert (places().syncs / "schema.json").read_text("utf-8") == made, (
        "run: .venv/bin/python -m intent.sync.schema > syncs/schema.json"
    )


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_syncs_that_come_with_the_project(file: Path) -> None:
    schema = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)

    load_sync(file)

    jsonschema.validate(yaml.safe_load(file.read_text("utf-8")), schema)
    first = file.read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=schema.json"


def test_the_schema_finds_faults() -> None:
    schema = json.loads(schema_text())
    good = yaml.safe_load(WHOLE)

    jsonschema.validate(good, schema)
    for key, value in (
        ("modus", "x"),
        ("mode", "upsrt"),
        ("fields", {}),
        ("name", "x"),
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**good, key: value}, schema)
