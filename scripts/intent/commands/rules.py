"""`intent rules`: the rule sheets in a spreadsheet, and back."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table as Grid
from rich.text import Text

from intent import console
from intent.errors import BadInputError, ExitCode
from intent.rules.changes import Change, ChangeKind
from intent.rules.service import (
    ImportPlan,
    apply_import,
    check_seeds,
    export_workbook,
    plan_import,
    valid_tables,
)
from intent.rules.sheets import ACTIVITIES, ACTIVITY_RULES, SHEETS
from intent.rules.tables import Fault, Row, Table
from intent.rules.writing import recover
from intent.settings import places

app = typer.Typer(
    no_args_is_help=True,
    help="Look at the rules of the score, tune them in a spreadsheet, bring them back.",
)

Workbook = Annotated[
    Path, typer.Argument(metavar="FILE.xlsx", help="The workbook.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]

NEXT_STEPS = (
    "The next build computes all scores with these rules. See what that does before "
    "it is live, and have the change of the seeds reviewed like any other."
)


@app.command("export")
def export(
    file: Workbook,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the file if it exists.")
    ] = False,
) -> None:
    """Write all rule sheets to one workbook, to be tuned there.

    One sheet per rule sheet, with drop-downs, an explanation on every
    column's name, and a first page that tells what points, half-life and
    cap mean.

    Example: intent rules export rules.xlsx
    """
    tables = export_workbook(seeds_folder(), file, overwrite=force)
    rows = sum(len(table.rows) for table in tables.values())
    console.out.print(
        Text(
            f"{file}: {len(tables)} rule sheets, {rows} rows. Change it, then run: "
            f"intent rules import {file}"
        )
    )


@app.command("import")
def import_(
    file: Workbook,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, write nothing.")
    ] = False,
    as_json: AsJson = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write, don't ask.")] = False,
) -> None:
    """Bring a workbook's rules back into the project.

    Everything is checked first. If anything is wrong, all faults are shown
    with their rows, and nothing is written. Otherwise the changes are shown,
    and written after a yes: all files or none.

    Exit codes: 0 done or nothing to do, 1 answered no, 3 faults or no
    workbook, 4 a file can't be read or written.

    Example: intent rules import rules.xlsx --dry-run
    """
    if as_json and not (dry_run or yes):
        raise typer.BadParameter("--json asks no questions: add --dry-run or --yes.")
    seeds = seeds_folder()
    plan = plan_import(seeds, file)
    is_written = bool(plan.changes) and not dry_run
    if as_json:
        if is_written:
            apply_import(seeds, plan)
        print_json(_plan_json(plan, is_written))
    else:
        _show_plan(plan)
        if is_written:
            if not yes:
                typer.confirm("Write these changes?", abort=True, err=True)
            apply_import(seeds, plan)
            console.out.print(Text(f"Written: {_file_list(plan)}. {NEXT_STEPS}"))
    if plan.faults:
        raise typer.Exit(ExitCode.BAD_INPUT)


@app.command("check")
def check(as_json: AsJson = False) -> None:
    """Check the rule sheets as they are in the project, row by row.

    The same checks as on import, with the files' line numbers. Exit code 3
    if anything is wrong.
    """
    faults = check_seeds(seeds_folder())
    if as_json:
        print_json({"ok": not faults, "faults": [_fault_json(it) for it in faults]})
    elif faults:
        _show_faults(faults, "line")
    else:
        console.out.print(f"All {len(SHEETS)} rule sheets are fine.")
    if faults:
        raise typer.Exit(ExitCode.BAD_INPUT)


@app.command("show")
def show(
    sheet: Annotated[
        str | None,
        typer.Option(
            "--sheet",
            metavar="SCORE_MODEL",
            help="The score to show, such as loyalty. Default: the primary one.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what every activity is worth in a score.

    Example: intent rules show --sheet loyalty
    """
    tables = valid_tables(seeds_folder())
    model = _find_model(tables["score_models"], sheet)
    name = model.texts["score_model"]
    console.out.print(_rules_grid(tables, model))
    console.out.print(Text(_group_caps(tables["group_rules"], name)))
    console.out.print(Text(_bands(tables["score_bands"], name)))


def seeds_folder() -> Path:
    """Return the seeds folder, after finishing what a crashed change left."""
    seeds = places().seeds
    finished = recover(seeds)
    if finished:
        console.err.print(
            Text(f"An interrupted change was finished first: {', '.join(finished)}.")
        )
    return seeds


def _show_plan(plan: ImportPlan) -> None:
    for note in plan.notes:
        console.err.print(Text(f"Note: {note}"))
    if plan.faults:
        _show_faults(plan.faults, "row")
        console.err.print("Nothing was changed.")
    elif plan.changes:
        console.out.print(_changes_grid(plan.changes))
    else:
        console.out.print("The workbook holds the present rules: nothing to change.")


def _show_faults(faults: Sequence[Fault], row_title: str) -> None:
    grid = _grid(_count(len(faults), "fault"))
    for title in ("sheet", row_title, "column"):
        grid.add_column(title, no_wrap=True)
    for title in ("value", "what is wrong", "allowed"):
        grid.add_column(title, overflow="fold")
    for fault in faults:
        grid.add_row(
            *(
                Text(cell)
                for cell in (
                    fault.sheet,
                    "" if fault.row is None else str(fault.row),
                    fault.column or "",
                    fault.value,
                    fault.wrong,
                    fault.allowed,
                )
            )
        )
    console.out.print(grid)


def _changes_grid(changes: Sequence[Change]) -> Grid:
    grid = _grid(_count(len(changes), "change"))
    grid.add_column("sheet", no_wrap=True)
    for title in ("row", "change"):
        grid.add_column(title, overflow="fold")
    for change in changes:
        grid.add_row(
            Text(change.sheet),
            Text(" · ".join(filter(None, change.key))),
            Text(_change_words(change)),
        )
    return grid


def _change_words(change: Change) -> str:
    cells = change.cells or {}
    match change.kind:
        case ChangeKind.REORDERED:
            return "rows in another order"
        case ChangeKind.REWRITTEN:
            return "the file is missing or broken, and written anew"
        case ChangeKind.CHANGED:
            return "\n".join(
                f"{column}: {before or 'blank'} → {after or 'blank'}"
                for column, (before, after) in cells.items()
            )
        case ChangeKind.ADDED | ChangeKind.REMOVED:
            values = ", ".join(
                f"{column} {before or after}"
                for column, (before, after) in cells.items()
                if (before or after) not in change.key
            )
            return f"{change.kind.value}: {values}" if values else change.kind.value


def _file_list(plan: ImportPlan) -> str:
    return ", ".join(str(path) for path in plan.contents)


def _plan_json(plan: ImportPlan, is_written: bool) -> dict[str, object]:
    return {
        "ok": not plan.faults,
        "written": is_written,
        "faults": [_fault_json(fault) for fault in plan.faults],
        "notes": plan.notes,
        "changes": [
            {
                "sheet": change.sheet,
                "change": change.kind.value,
                "key": list(change.key),
                "columns": {
                    column: {"before": before, "after": after}
                    for column, (before, after) in (change.cells or {}).items()
                },
            }
            for change in plan.changes
        ],
    }


def _fault_json(fault: Fault) -> dict[str, object]:
    return {
        "sheet": fault.sheet,
        "row": fault.row,
        "column": fault.column,
        "value": fault.value,
        "wrong": fault.wrong,
        "allowed": fault.allowed,
    }


def print_json(content: object) -> None:
    """Print plain data as JSON."""
    # not through rich, which would break long lines
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def _find_model(models: Table, name: str | None) -> Row:
    for row in models.rows:
        if row.texts["score_model"] == name or (
            name is None and row.values["is_primary"] is True
        ):
            return row
    known = ", ".join(row.texts["score_model"] for row in models.rows)
    raise BadInputError(f"There is no score {name}. There are: {known}.")


def _rules_grid(tables: dict[str, Table], model: Row) -> Grid:
    groups = {
        row.texts["activity"]: row.texts["cap_group"]
        for row in tables[ACTIVITIES.name].rows
    }
    grid = _grid(_model_title(model))
    for title in ("activity", "group"):
        grid.add_column(title, no_wrap=True)
    for title in ("points", "half-life", "cap", "per day"):
        grid.add_column(title, justify="right", no_wrap=True)
    grid.add_column("discharged by")
    for row in tables[ACTIVITY_RULES.name].rows:
        if row.texts["score_model"] == model.texts["score_model"]:
            grid.add_row(
                *(Text(cell) for cell in _rule_cells(row, groups)),
                style="" if row.values["is_enabled"] else "dim",
            )
    return grid


def _rule_cells(row: Row, groups: dict[str, str]) -> tuple[str, ...]:
    texts = row.texts
    half_life = texts["half_life_days"]
    return (
        texts["activity"]
        + ("" if row.values["is_enabled"] else " (off)")
        + (f"\n  for {texts['audience']}" if texts["audience"] else ""),
        groups[texts["activity"]],
        texts["points"],
        f"{half_life} d" if half_life else "never",
        texts["cap"] or "none",
        texts["daily_limit"] or "all",
        texts["discharged_by"],
    )


def _model_title(model: Row) -> str:
    texts = model.texts
    primary = ", primary" if model.values["is_primary"] else ""
    words = f": {texts['description']}" if texts["description"] else ""
    return (
        f"{texts['score_model']}{words} ({texts['status']}{primary}, "
        f"scale {texts['scale']})"
    )


def _group_caps(groups: Table, model: str) -> str:
    caps = [
        f"{row.texts['cap_group']} {row.texts['group_cap']}"
        for row in groups.rows
        if row.texts["score_model"] == model
    ]
    return "Caps of groups: " + (", ".join(caps) or "none")


def _bands(bands: Table, model: str) -> str:
    edges = [
        f"{row.texts['band']} from {row.texts['enter_at']}"
        + (
            f" (until under {row.texts['exit_below']})"
            if row.values["enter_at"]
            else ""
        )
        for row in bands.rows
        if row.texts["score_model"] == model
    ]
    return "Bands: " + ", ".join(edges)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _grid(title: str) -> Grid:
    """Return an empty table that wastes no width."""
    return Grid(
        title=Text(title),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
