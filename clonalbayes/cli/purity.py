"""``--purity FILE|VALUE``: one number for all samples, or a table with columns sample, purity, purity_sd."""

from __future__ import annotations

from pathlib import Path

from clonalbayes.faults import FaultList, fail

COLUMNS = ("sample", "purity", "purity_sd")

type Purities = dict[str, float | tuple[float, float]]


def parse_purity(text: str | None) -> float | Purities | None:
    """Read the value of ``--purity``.

    Parameters
    ----------
    text : str or None
        A number, the path of a table, or None.

    Returns
    -------
    float, dict or None
        One purity for all samples; or by sample a purity, or a pair of purity and standard error.

    Raises
    ------
    InputError
        With every fault of the table. Whether a purity lies in (0, 1] is checked where it is used.
    """
    if text is None:
        return None
    value = _number(text)
    return _read(Path(text)) if value is None else value


def _number(text: str) -> float | None:
    """Turn a text into a number, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def _read(path: Path) -> Purities:
    """Read the table; tabs separate, or commas where the header has no tab."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise fail(
            str(path), f"cannot be read: {error.strerror}", "Give a number or the path of a table."
        ) from None
    except UnicodeDecodeError:
        raise fail(str(path), "not UTF-8 text", "Save the file as UTF-8.") from None
    separator = "\t" if lines and "\t" in lines[0] else ","
    rows = [[cell.strip() for cell in line.split(separator)] for line in lines]
    header = [cell.lower() for cell in rows[0]] if rows else []
    if not {"sample", "purity"} <= set(header) <= set(COLUMNS):
        remedy = "The columns are sample, purity and, if known, purity_sd, separated by tabs or commas."
        raise fail(str(path), "the header is not that of a purity table", remedy, row=1)
    return _rows(str(path), header, rows[1:])


def _rows(file: str, header: list[str], rows: list[list[str]]) -> Purities:
    """Turn the rows below the header into purities by sample."""
    faults = FaultList()
    purities: Purities = {}
    for n, cells in enumerate(rows, start=2):
        if cells == [""]:
            continue
        if len(cells) != len(header):
            faults.add(file, f"{len(cells)} cells under {len(header)} columns", "Correct the row.", row=n)
            continue
        row = dict(zip(header, cells, strict=True))
        if row["sample"] in purities:
            faults.add(
                file,
                "the sample is listed twice",
                "Keep one row.",
                row=n,
                column="sample",
                value=row["sample"],
            )
        values = []
        for column in ("purity", "purity_sd"):
            value = _number(row.get(column, ""))
            if value is None and (column == "purity" or row.get(column)):
                faults.add(
                    file, "not a number", "Give a share of cells.", row=n, column=column, value=row[column]
                )
            values.append(value)
        purity, error = values
        if purity is not None:
            purities[row["sample"]] = purity if error is None else (purity, error)
    faults.raise_if_any()
    if not purities:
        raise fail(file, "the table has no rows", "Add one row a sample.")
    return purities
