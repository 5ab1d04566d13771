"""``clonalbayes run run.toml``: make the stages that have changed, then fit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clonalbayes.faults import fail

from .assembly import read_patient
from .cache import Stages
from .event_stage import EVENTS, put_events
from .filter_keys import filter_keys
from .page import put_page, put_segments
from .plan import stages_folder
from .precheck import model_of, precheck
from .runfile import RunFile, read_run_file
from .stages import DATA, Step, steps_of

FIT_KEYS = ("chains", "draws", "tune", "seed", "cores")
DATING = {"callable_share": ("callable", 1.0), "dates": ("dates", True)}
"""Attribute of `History` -> key of the table `fit` and its default."""

MARK, ENTRY, KEY_FILE = "run.json", "run_file", "fit.key"


@dataclass(frozen=True)
class Outcome:
    """What a run made.

    Attributes
    ----------
    folder
        The result folder.
    made
        Stages, the fit among them, and whether each was made anew.
    says
        One line about the result; empty if the run stopped before the fit.
    page
        The page of the result, if there is a result.
    """

    folder: Path
    made: dict[str, bool]
    says: str
    page: Path | None = None

    def __str__(self) -> str:
        """Say what was found."""
        return self.says


def run(
    path: str | Path,
    *,
    force: bool = False,
    until: str | None = None,
    progress: bool = True,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Go from the description of a patient to its result folder, redoing only what has changed.

    Parameters
    ----------
    path
        The `run.toml`.
    force
        Replace a result folder that another run, or `clonalbayes fit`, has made.
    until
        Stop after this stage.
    progress
        Whether to show the progress of the fit.
    say
        Called with a line about each stage.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        With every fault of the run file, or else of the files that it names.
    """
    described = read_run_file(Path(path), filter_keys())
    _check_owner(described, force)
    precheck(described, thorough=False)
    steps = steps_of(described)
    names = [step.name for step in steps]
    if until is not None and until not in names:
        raise fail("--until", "there is no such stage", f"The stages are: {', '.join(names)}.", value=until)
    stages = Stages(stages_folder(described), say)
    try:
        made = _make(steps, stages, until)
    finally:
        with suppress(OSError):  # a run that ends at its first stage leaves nothing
            stages.folder.rmdir()
    if until is not None:
        return Outcome(described.out, stages.done, "")
    stages.forget(names)
    outcome = _fit(described, stages, made[DATA], progress, say)
    put_events(made.get(EVENTS), described.out)
    put_segments(made[DATA], described.out)
    return replace(outcome, page=put_page(described.out))


def _make(steps: list[Step], stages: Stages, until: str | None) -> dict[str, Path]:
    """Make or keep the stages, up to one of them if it is named; return their folders."""
    made: dict[str, Path] = {}
    for step in steps:
        made[step.name] = stages.make(
            step.name, lambda folder, step=step: step.make(folder, made),  # type: ignore[misc]
            settings=step.settings, inputs=step.inputs, after=step.after,
        )  # fmt: skip
        if step.name == until:
            break
    return made


def _check_owner(described: RunFile, force: bool) -> None:
    """Refuse to replace a result that this run file has not made."""
    mark = described.out / MARK
    if not mark.is_file() or force:
        return
    entry = _read_json(mark).get(ENTRY, {})
    if entry.get("path") != str(described.path):
        remedy = "Choose another output.folder, or replace it with --force."
        raise fail(str(described.out), "holds a result that this run has not made", remedy)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _fit(
    described: RunFile, stages: Stages, folder: Path, progress: bool, say: Callable[[str], None]
) -> Outcome:
    """Fit the data, unless the result is there already."""
    from clonalbayes import __version__, specs
    from clonalbayes.inference.fit import default_model
    from clonalbayes.results import FILES
    from clonalbayes.run import History, checkpoint_of, findings, run_fit
    from clonalbayes.signatures.output import digest_of

    patient = read_patient(folder)
    spec = specs.load(model_of(described) or default_model(patient.data))
    settings = {name: described.setting("fit", name) for name in FIT_KEYS}
    dating = {name: described.setting("fit", *rest) for name, rest in DATING.items()}
    depends = {name: value for name, value in settings.items() if name != "cores"} | dating
    sites = described.setting("fit", "opportunities")
    depends["opportunities"] = None if sites is None else digest_of(sites)
    text = json.dumps([stages.outputs[DATA], spec.digest, depends, __version__], sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()
    there = _read_json(described.out / MARK).get(ENTRY, {}).get("key") == key
    if there and all((described.out / name).is_file() for name in FILES):
        stages.done["fit"] = False
        say("fit: unchanged.")
        return Outcome(described.out, stages.done, findings(described.out))
    key_file = stages.folder / KEY_FILE
    resume = checkpoint_of(described.out).exists() and key_file.exists() and key_file.read_text() == key
    key_file.write_text(key, encoding="utf-8")
    record = {ENTRY: _entry(described, key)}
    fitted = run_fit(
        patient, described.out, spec=spec, resume=resume, force=True, progress=progress, record=record,
        history=History(**dating, opportunities=sites), **settings,
    )  # fmt: skip
    stages.done["fit"] = True
    return Outcome(described.out, stages.done, str(fitted))


def _entry(described: RunFile, key: str) -> dict[str, Any]:
    """Return what `run.json` keeps of the run file."""
    return {
        "path": str(described.path),
        "digest": described.digest,
        "key": key,
        "patient": described.name,
        "sex": described.sex,
        "origin_date": described.origin_date,
        "samples": [{"name": s.name, "date": s.date, "group": s.group} for s in described.samples],
        "treatments": [course._asdict() for course in described.treatments],
    }
