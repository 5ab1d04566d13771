"""The stage that joins drivers, rearrangements and clonotypes into one table of events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .runfile import RunFile
from .stages import Made, Step, write_notes

if TYPE_CHECKING:
    from clonalbayes.variants.events import Events

EVENTS, EVENTS_FILE = "events", "events.tsv"


def events_of(run: RunFile) -> Events | None:
    """Read the events of a run; None if it names none.

    Raises
    ------
    InputError
        With every fault of every file.
    """
    from clonalbayes.variants.events import read_events

    files = run.setting("events", "files", ())
    return read_events(list(files), slop=run.setting("events", "slop", 0)) if files else None


def event_steps(run: RunFile) -> list[Step]:
    """Return the stage of events, if the run file names any."""
    files: tuple[Path, ...] = run.setting("events", "files", ())
    if not files:
        return []

    def make(folder: Path, made: Made) -> str:
        from clonalbayes.variants.events import write_events

        found = events_of(run)
        assert found is not None  # there are files
        write_events(found, folder / EVENTS_FILE)
        write_notes(folder, found.notes)
        kinds = found.table.drop_duplicates("event")["kind"].value_counts()
        return ", ".join(f"{n} {kind}s" if n > 1 else f"1 {kind}" for kind, n in kinds.items())

    settings = {"slop": run.setting("events", "slop", 0)}
    return [Step(EVENTS, f"join the events of {len(files)} files", make, settings, files)]


def put_events(stage: Path | None, result: Path) -> None:
    """Put the table of the stage beside the tree that it belongs to; without one, take away what is there.

    Parameters
    ----------
    stage
        Folder of the stage, if there is one.
    result
        The result folder.
    """
    there = result / EVENTS_FILE
    if stage is None:
        there.unlink(missing_ok=True)
        return
    new = (stage / EVENTS_FILE).read_bytes()
    if not there.is_file() or there.read_bytes() != new:
        part = result / f".{EVENTS_FILE}.part"
        part.write_bytes(new)
        part.replace(there)
