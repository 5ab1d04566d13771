"""What a run adds to its result after the fit: copy number along the genome, and the page."""

from __future__ import annotations

import shutil
from pathlib import Path

from clonalbayes.results import REPORT, SEGMENTS


def put_segments(stage: Path, out: Path) -> None:
    """Copy the segments of the data stage into the result, whole or not at all; without any, there is no file.

    Parameters
    ----------
    stage
        Folder of the data stage.
    out
        The result folder.
    """
    source, target = stage / SEGMENTS, out / SEGMENTS
    if not source.is_file():
        target.unlink(missing_ok=True)
        return
    if target.is_file() and target.read_bytes() == source.read_bytes():
        return
    part = out / f".{SEGMENTS}.part"
    shutil.copyfile(source, part)
    part.replace(target)


def put_page(out: Path) -> Path:
    """Write the page of a result, unless there is one that is younger than every other file.

    Parameters
    ----------
    out
        The result folder.

    Returns
    -------
    Path
        The page.
    """
    page = out / REPORT
    others = [path.stat().st_mtime_ns for path in out.iterdir() if path.is_file() and path != page]
    if page.is_file() and page.stat().st_mtime_ns >= max(others, default=0):
        return page
    from clonalbayes.report import write_report

    return write_report(out)
