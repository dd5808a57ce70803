"""README and docs: links lead somewhere, what they name is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from intent import cli
from intent.sync.destinations import destination_names, find_adapter
from intent.sync.load import sync_files
from intent.sync.secrets import setting_states
from sync_shop import PROJECT

PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md"]
PAGES += sorted((PROJECT / "docs").rglob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^(```+).*?^\1 *$", re.S | re.M)
HEADING = re.compile(r"^#+ (.*)$", re.M)
COMMAND = re.compile(r"\bintent ((?:[a-z]+ ?)+)((?: *--?[a-z-]+| *[^\s`|#;&()]+)*)")
VARIABLE = re.compile(r"\bINTENT_[A-Z_]+[A-Z]\b")


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> Iterator[str]:
    """The names by which headings can be linked to, as GitHub makes them."""
    for heading in HEADING.findall(CODE.sub("", read(page))):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        yield plain.strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(CODE.sub("", read(page))):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    wrong = []
    for words, rest in COMMAND.findall(read(page)):
        command = typer.main.get_command(cli.app)
        for word in words.split():
            inner = getattr(command, "commands", {}).get(word)
            if inner is None:
                break
            command = inner
        options = {name for each in command.params for name in each.opts}
        wrong += [
            f"intent {words} {option}"
            for option in re.findall(r"(?<=\s)--[a-z-]+", f" {rest}")
            if option not in options
        ]
    assert wrong == []


def test_syncs_and_variables_exist() -> None:
    known = set(sync_files(PROJECT / "syncs"))
    folders = (PROJECT / "scripts", PROJECT / "tests" / "python" / "bench")
    code = "".join(read(file) for each in folders for file in each.rglob("*.py"))
    code += read(PROJECT / "profiles.yml") + read(PROJECT / "dbt_project.yml")
    for name in destination_names():
        for each in setting_states(find_adapter(name).settings):
            code += f" {each.variable} {each.variable}_FILE"
    wrong = []
    for page in PAGES:
        text = read(page)
        for variable in VARIABLE.findall(text):
            if not re.search(rf"\b{variable}\b", code):
                wrong.append(f"{page.name}: {variable}")
        for name in re.findall(r"intent sync (?:setup|check|plan) ([a-z_]+)", text):
            if name not in known:
                wrong.append(f"{page.name}: {name}")
    assert wrong == []


@pytest.mark.parametrize("name", destination_names())
def test_each_destination_has_a_page(name: str) -> None:
    text = read(PROJECT / "docs" / "destinations" / f"{name}.md")
    for each in setting_states(find_adapter(name).settings):
        assert each.variable in text or "tests" in each.description, each.variable
    assert re.search(r"^## What (could not be|was) verified", text, re.M)
    assert f"destinations/{name}.md" in read(PROJECT / "docs" / "sync.md")
