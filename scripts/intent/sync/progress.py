"""How far a run is: a bar in a terminal, or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from intent.console import err


class Bar:
    """A bar that fills as rows get their outcomes."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        """Take over a task of rich's."""
        self._progress = progress
        self._task = task

    def planned(self, rows: int) -> None:
        """So many rows are to be sent."""
        self._progress.update(self._task, total=rows, description="rows")

    def ended(self, rows: int) -> None:
        """So many more rows have an outcome."""
        self._progress.advance(self._task, rows)


@contextmanager
def bar(label: str) -> Iterator[Bar]:
    """A bar on stderr while the block runs, which leaves nothing behind."""
    columns = (
        TextColumn("[bold]{task.fields[label]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=err, transient=True, disable=not err.is_terminal
    ) as progress:
        task = progress.add_task("looking what changed", total=None, label=label)
        yield Bar(progress, task)
