"""Result folders of the signature and timing commands, without the libraries that the tables do not need."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clonalbayes.faults import fail

RUN = "run.json"
NOT_AVAILABLE = "NA"


def check_folder(folder: Path, *, force: bool) -> None:
    """Check that a folder can be written before anything is computed.

    Raises
    ------
    InputError
        If it is a file, or exists and is not to be replaced, or holds something that is no result.
    """
    if folder.exists() and not folder.is_dir():
        raise fail(str(folder), "is a file", "Choose another name for the folder.")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / RUN).is_file():
            raise fail(str(folder), "is not empty and holds no result", "Choose another name.")
        if not force:
            raise fail(str(folder), "holds a result already", "Choose another name, or give --force.")


def write_folder(
    folder: Path,
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
    run_info: Mapping[str, Any],
    arrays: Mapping[str, Any] | None = None,
) -> None:
    """Write tables, arrays and ``run.json`` under temporary names, then rename them.

    Parameters
    ----------
    folder
        Made if it is not there.
    tables
        File stem -> rows.
    run_info
        Versions, settings, findings.
    arrays
        File stem -> xarray Dataset.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    try:
        for name, rows in tables.items():
            part = folder / f".{name}.tsv.part"
            parts.append((part, folder / f"{name}.tsv"))
            write_rows(rows, part)
        for name, data in (arrays or {}).items():
            part = folder / f".{name}.nc.part"
            parts.append((part, folder / f"{name}.nc"))
            data.to_netcdf(part, engine="netcdf4")
        part = folder / f".{RUN}.part"
        parts.append((part, folder / RUN))
        part.write_text(json.dumps(run_info, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    except BaseException:
        for part, _ in parts:
            part.unlink(missing_ok=True)
        raise
    for part, target in parts:
        part.replace(target)


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write rows as tab-separated text: numbers to six figures, NA where there is none."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        if rows:
            writer.writerow(rows[0].keys())
        for row in rows:
            writer.writerow([_text(value) for value in row.values()])


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read what `write_rows` wrote.

    Raises
    ------
    InputError
        If there is no such file.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t"))
    except OSError:
        raise fail(str(path), "cannot be read", "Name a folder that the command has written.") from None


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int):
        return str(value)
    number = float(value)
    return NOT_AVAILABLE if math.isnan(number) else f"{number:.6g}"
