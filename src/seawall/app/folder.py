"""The files of an app and the digest that names them.

Each file is read once, as bytes; what is hashed is what is parsed. Links, devices and odd names are refused, since a
folder may come from anyone: following a link would show someone else's file in a fault message. Editor leavings and
hidden files are not part of an app. The digest depends on relative paths and bytes alone, so it is the same anywhere.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from seawall.app.faults import Report
from seawall.app.yaml_tree import Mark

APP_FILE = "app.yaml"
_FILES = (APP_FILE, "slo.yaml")
_FOLDERS = ("semantic", "policy", "prompts", "schemas", "actions", "migrations", "golden")
FILES_MAX = 2_000
FILE_BYTES_MAX = 16 * 1_048_576
FOLDER_BYTES_MAX = 64 * 1_048_576
DEPTH_MAX = 6
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LEAVINGS = re.compile(r"\..*|.*~|#.*#|.*\.(sw[a-p]|bak|orig|rej|save|tmp)|.*___jb_[a-z]+___|__pycache__|Thumbs\.db|desktop\.ini")
_MEANT = {
    **{name.replace("yaml", ending): name for name in _FILES for ending in ("yml", "json")},
    **dict.fromkeys(("semantics", "semantic.yaml", "semantic.yml"), "semantic/"),
}
"""What is called like this, in letters of any case, was meant to be called like that."""


@dataclass(frozen=True, slots=True)
class AppFolder:
    """What was read: relative path (forward slashes) → bytes, sorted by path."""

    files: dict[str, bytes]

    def hashes(self) -> dict[str, str]:
        """Relative path → SHA-256 of the bytes."""
        return {path: hashlib.sha256(data).hexdigest() for path, data in self.files.items()}

    def digest(self) -> str:
        """SHA-256 over the sorted (path, SHA-256) pairs, each as one line `hash  path`, as sha256sum prints them."""
        listing = "".join(f"{value}  {path}\n" for path, value in sorted(self.hashes().items()))
        return hashlib.sha256(listing.encode()).hexdigest()

    def semantic(self) -> dict[str, bytes]:
        """The semantic models, by path."""
        return {path: data for path, data in self.files.items() if path.startswith("semantic/")}

    def prompts(self) -> dict[str, bytes]:
        """The prompts, by path."""
        return {path: data for path, data in self.files.items() if path.startswith("prompts/")}


def read_folder(folder: Path, report: Report) -> AppFolder:
    """Every file that belongs to the app. What cannot be read is reported and left out."""
    if not folder.is_dir():
        report.add(
            Mark(APP_FILE), "missing_file", "The app's folder is not there", got=folder.name, fix="Name a folder that holds an app.yaml"
        )
        return AppFolder({})
    reader = _Reader(folder, report)
    for name in sorted(reader.names(PurePosixPath()), key=_first_what_counts):
        meant = _MEANT.get(name.lower()) or _same_but_case(name)
        if name in _FILES or name in _FOLDERS:
            reader.take(PurePosixPath(name), is_folder=name in _FOLDERS)
        elif meant:
            fix = f"Rename it to {meant}" if "." not in name or not meant.endswith("/") else f"Put it into the folder {meant}"
            report.add(Mark(name), "misplaced_file", f"{name} is not read", fix=fix)
    if APP_FILE not in reader.files and not len(report):
        report.add(Mark(APP_FILE), "missing_file", "The folder has no app.yaml", fix="Write one; docs/reference/app.md lists its keys")
    return AppFolder(dict(sorted(reader.files.items())))


def _first_what_counts(name: str) -> tuple[bool, str]:
    """app.yaml and semantic/ before all else, so that too much of it does not hide them."""
    return name not in (APP_FILE, "semantic"), name


def _same_but_case(name: str) -> str:
    small = name.lower()
    return small if small in _FILES else f"{small}/" if small in _FOLDERS else ""


class _Reader:
    def __init__(self, root: Path, report: Report) -> None:
        self._root, self._report = root, report
        self.files: dict[str, bytes] = {}
        self._bytes = 0
        self._full = False

    def take(self, path: PurePosixPath, *, is_folder: bool) -> None:
        mode = self._mode(path)
        if mode is None:
            return
        if stat.S_ISDIR(mode) != is_folder or not (is_folder or stat.S_ISREG(mode)):
            kind = "folder" if is_folder else "file"
            self._refuse(path, f"{path} is not a plain {kind}", fix=f"Put a {kind} there; links are not followed")
        elif is_folder:
            self._take_folder(path)
        else:
            self._take_file(path)

    def _take_folder(self, path: PurePosixPath) -> None:
        if len(path.parts) > DEPTH_MAX:
            self._refuse(path, f"Folders are nested deeper than {DEPTH_MAX}", fix="Flatten them")
            return
        for name in sorted(self.names(path)):
            child = path / name
            if _NAME.fullmatch(name) is None:
                shown = str(child).encode("utf-8", "replace").decode()
                self._refuse(path, f"The name of {shown!r} is not plain", fix="Use letters, digits, dots, dashes and underscores")
            else:
                self.take(child, is_folder=stat.S_ISDIR(self._mode(child) or 0))

    def _take_file(self, path: PurePosixPath) -> None:
        if path.parts[0] in ("semantic", "prompts") and path.suffix != ".yaml":
            if path.suffix.lower() in (".yml", ".json", ".yaml"):
                detail = f"{path} is not read: {'semantic models' if path.parts[0] == 'semantic' else 'prompts'} end in .yaml"
                self._report.add(Mark(str(path)), "misplaced_file", detail, fix=f"Rename it to {path.with_suffix('.yaml').name}")
            return
        data = self._read(path) if not self._full else None
        if data is None:
            return
        self._bytes += len(data)
        self._full = self._bytes > FOLDER_BYTES_MAX or len(self.files) >= FILES_MAX
        if len(data) > FILE_BYTES_MAX or self._full:
            detail = f"An app has at most {FILES_MAX:,} files, {FILE_BYTES_MAX >> 20} MiB in one and {FOLDER_BYTES_MAX >> 20} MiB in all"
            self._report.add(Mark(str(path)), "too_large", detail, fix="Keep data out of the app's folder")
            return
        self.files[str(path)] = data

    def _read(self, path: PurePosixPath) -> bytes | None:
        try:
            handle = os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                return file.read(FILE_BYTES_MAX + 1)
        except OSError as error:
            self._refuse(path, f"{path} cannot be read: {error.strerror}", fix="Give it back its permissions")
            return None

    def names(self, path: PurePosixPath) -> list[str]:
        """The names in a folder, editor leavings and hidden ones left out."""
        try:
            found = os.listdir(self._root / path)  # noqa: PTH208
        except OSError as error:
            self._refuse(path, f"The folder {path} cannot be read: {error.strerror}", fix="Give it back its permissions")
            return []
        return [name for name in found if _LEAVINGS.fullmatch(name) is None]

    def _mode(self, path: PurePosixPath) -> int | None:
        """The kind of a file, links not followed; None when it went away meanwhile."""
        try:
            return (self._root / path).lstat().st_mode
        except OSError:
            return None

    def _refuse(self, path: PurePosixPath, detail: str, *, fix: str) -> None:
        self._report.add(Mark(str(path)), "unreadable_file", detail, fix=fix)
