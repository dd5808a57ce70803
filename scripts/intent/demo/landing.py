"""The landing folder: what is ours there, and how it is replaced.

New files are written aside, in a folder that no loader reads, and then renamed one
by one. The marker file lists what is ours; while files are being replaced it lists
old and new ones, so a run that was killed can simply be repeated.
"""

import json
import shutil
from pathlib import Path

from intent.demo.spec import DemoSpec
from intent.errors import BadInputError

MARKER = ".demo"
"""Names the files that the demo wrote, with their sizes in bytes."""
ASIDE = ".demo-new"
HARMLESS = {MARKER, ".gitkeep", ".gitignore"}
"""Files in a landing folder that are no feed."""

Files = set[tuple[str, int]]
"""Files of a folder: path within it and size in bytes."""


class Landing:
    """A landing folder that is about to get a demo."""

    def __init__(self, root: Path, spec: DemoSpec) -> None:
        """Refuse a folder that holds files of others; make room aside."""
        self.root = root
        self.aside = root / ASIDE
        self._marker = root / MARKER
        self._spec = spec
        self._ours = self._read_marker()
        if root.exists() and not root.is_dir():
            raise BadInputError(f"demo: {root} is not a folder")
        if self.aside.exists():  # left by a run that was killed
            shutil.rmtree(self.aside)
        self._refuse_strangers()
        self.aside.mkdir(parents=True)

    def path(self, table: str, name: str) -> Path:
        """Where to write a file of a table such as `web.events`, aside."""
        folder = self.aside / table.replace(".", "/")
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def publish(self) -> None:
        """Put the files written aside in the place of the earlier demo's."""
        new = _files(self.aside)
        self._write_marker(self._ours | new)
        keep = {path for path, _ in new}
        for path, _ in sorted(self._ours):
            if path not in keep:
                (self.root / path).unlink(missing_ok=True)
        for path in sorted(keep):
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.aside / path).replace(target)
        shutil.rmtree(self.aside)
        self._write_marker(new)
        folders = sorted(p for p in self.root.rglob("*") if p.is_dir())
        for folder in reversed(folders):  # inner ones first
            if not any(folder.iterdir()):
                folder.rmdir()

    def discard(self) -> None:
        """Forget what was written aside."""
        shutil.rmtree(self.aside, ignore_errors=True)

    def _read_marker(self) -> Files:
        """The files that an earlier demo wrote."""
        if not self._marker.is_file():
            return set()
        try:
            listed = json.loads(self._marker.read_text())["files"]
            return {(str(path), int(size)) for path, size in listed}
        except (ValueError, KeyError, TypeError) as error:
            raise BadInputError(
                f"demo: {self._marker} can't be read ({error}); empty the folder"
                f" {self.root} if nothing in it is needed, and try again"
            ) from error

    def _write_marker(self, files: Files) -> None:
        """Say which files are ours, for good or none at all."""
        spec = {
            "contacts": self._spec.contacts,
            "days": self._spec.days,
            "until": self._spec.until.isoformat(),
            "seed": self._spec.seed,
        }
        aside = self._marker.with_name(MARKER + ".tmp")
        aside.write_text(json.dumps({"spec": spec, "files": sorted(files)}, indent=1))
        aside.replace(self._marker)

    def _refuse_strangers(self) -> None:
        """Raise if there is a file that no demo wrote."""
        strangers = sorted(_files(self.root) - self._ours)
        if strangers:
            shown = ", ".join(path for path, _ in strangers[:3])
            more = f" and {len(strangers) - 3} more" if len(strangers) > 3 else ""
            raise BadInputError(
                f"demo: {self.root} holds files that the demo did not write: {shown}"
                f"{more}. Choose another landing folder or move them away"
            )


def holds_demo(root: Path) -> bool:
    """Tell if the landing folder holds a demo's files."""
    return (root / MARKER).is_file()


def note_sizes(root: Path) -> None:
    """Take the demo's files for ours still after an erasure has rewritten some."""
    marker = root / MARKER
    if not holds_demo(root):
        return
    content = json.loads(marker.read_text())
    content["files"] = sorted(
        (path, (root / path).stat().st_size)
        for path, _ in content["files"]
        if (root / path).is_file()
    )
    aside = marker.with_name(MARKER + ".tmp")
    aside.write_text(json.dumps(content, indent=1))
    aside.replace(marker)


def clear_demo(root: Path) -> None:
    """Take the demo's files out of the landing folder.

    Raises:
        BadInputError: the folder holds files that the demo did not write.
    """
    if holds_demo(root):
        Landing(root, DemoSpec()).publish()
        (root / MARKER).unlink()


def _files(root: Path) -> Files:
    """All files in a folder, but for harmless ones."""
    return {
        (path.relative_to(root).as_posix(), path.stat().st_size)
        for path in root.rglob("*")
        if path.is_file() and path.name not in HARMLESS | {MARKER + ".tmp"}
    }
