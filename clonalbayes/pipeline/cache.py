"""Stages that are redone only when something they depend on has changed.

Each stage has a folder beside the result with its files and `stage.json`: the key, that is the digest of its
settings, of its input files and of the files of the stages before it, and the digests of the files that it
made. A stage whose key is the same and whose files are untouched is kept; if a stage that is made again makes
the same files as before, what follows it is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from clonalbayes import __version__

STAGE = "stage.json"
LARGEST_HASHED = 64 << 20
"""Files that are larger than this are known by size, time of change, and their two ends."""

ENDS = 1 << 20
VERSION = 1
"""Raise it when a stage's code changes what it makes between releases: every release makes stages anew."""

Say = Callable[[str], None]


def fingerprint(path: Path) -> str:
    """Return what tells that a file is the same as before.

    Parameters
    ----------
    path
        A file.

    Returns
    -------
    str
        SHA-256 of the content; of a large file, of its size, its time of change and a megabyte of either end.
    """
    status = path.stat()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if status.st_size <= LARGEST_HASHED:
            while block := file.read(ENDS):
                digest.update(block)
            return digest.hexdigest()
        digest.update(f"{status.st_size} {status.st_mtime_ns} ".encode())
        digest.update(file.read(ENDS))
        file.seek(-ENDS, os.SEEK_END)
        digest.update(file.read(ENDS))
    return digest.hexdigest()


@dataclass
class Stages:
    """The stages of one patient.

    Parameters
    ----------
    folder
        Where they are kept.
    say
        Called with a line about each stage.
    outputs
        Digest of the files of each stage that has been made or kept.
    prints
        Fingerprints of files, so that each is taken once.
    done
        Name of each stage and whether it was made anew.
    """

    folder: Path
    say: Say = print
    outputs: dict[str, str] = field(default_factory=dict)
    prints: dict[Path, str] = field(default_factory=dict)
    done: dict[str, bool] = field(default_factory=dict)

    def key(self, name: str, settings: Mapping[str, Any], inputs: Iterable[Path], after: Iterable[str]) -> str:
        """Return the key of a stage; see `make`."""
        inputs = list(inputs)
        for path in inputs:
            if path not in self.prints:
                self.prints[path] = fingerprint(path)
        parts = {
            "version": [VERSION, __version__],
            "stage": name,
            "settings": settings,
            "inputs": [[path.name, self.prints[path]] for path in inputs],
            "after": {other: self.outputs[other] for other in after},
        }
        return _digest(parts)

    def is_kept(self, name: str, key: str) -> bool:
        """Whether a stage is there with this key and its files are as they were made."""
        folder = self.folder / name
        try:
            record = json.loads((folder / STAGE).read_text(encoding="utf-8"))
            return record["key"] == key and all(
                fingerprint(folder / file) == digest for file, digest in record["files"].items()
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def look(self, name: str, settings: Mapping[str, Any], inputs: Iterable[Path], after: Iterable[str]) -> bool:
        """Whether a stage would be kept; if so, those after it can be looked at too. Parameters as of `make`."""
        if not set(after) <= set(self.outputs) or not self.is_kept(name, self.key(name, settings, inputs, after)):
            return False
        self.outputs[name] = _digest(self._record(name)["files"])
        return True

    def _record(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self.folder / name / STAGE).read_text(encoding="utf-8")))

    def make(
        self,
        name: str,
        make: Callable[[Path], str],
        *,
        settings: Mapping[str, Any] | None = None,
        inputs: Iterable[Path] = (),
        after: Iterable[str] = (),
    ) -> Path:
        """Make a stage, or keep it if nothing it depends on has changed.

        Parameters
        ----------
        name
            Its name, which is also that of its folder.
        make
            Writes its files into the folder that it is given, and returns a line about them.
        settings
            What it depends on besides files: plain containers.
        inputs
            Files that it reads.
        after
            Stages that it reads.

        Returns
        -------
        Path
            Its folder.
        """
        key = self.key(name, settings or {}, inputs, after)
        target = self.folder / name
        self.done[name] = not self.is_kept(name, key)
        if not self.done[name]:
            record = self._record(name)
            self.outputs[name] = _digest(record["files"])
            self.say(f"{name}: unchanged. {record.get('told', '')}")
            return target
        start = perf_counter()
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f".{name}.{os.getpid()}-{secrets.token_hex(4)}.part"
        part.mkdir(parents=True)
        try:
            told = make(part)
            files = {str(p.relative_to(part)): fingerprint(p) for p in sorted(part.rglob("*")) if p.is_file()}
            text = json.dumps({"key": key, "told": told, "files": files}, indent=1)
            (part / STAGE).write_text(text + "\n", encoding="utf-8")
            _replace(part, target)
            self.outputs[name] = _digest(files)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        self.say(f"{name}: {told} ({perf_counter() - start:.1f} s)")
        return target

    def forget(self, names: Iterable[str]) -> None:
        """Remove the folders of stages that are no longer part of the run, and of runs that were stopped."""
        wanted = {str(name) for name in names}
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            left = folder.name.startswith(".") and folder.name.endswith(".part")
            if folder.is_dir() and (left or ((folder / STAGE).is_file() and folder.name not in wanted)):
                shutil.rmtree(folder, ignore_errors=True)


def _digest(value: object) -> str:
    """Return the digest of plain containers."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _replace(part: Path, target: Path) -> None:
    """Rename a complete folder to its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    with suppress(FileNotFoundError):
        target.rename(aside)
    part.rename(target)
    shutil.rmtree(aside, ignore_errors=True)
