"""From an input to a result folder: read, fit, summarise, write whole or not at all.

Every fault of the input, of the model and of the target is raised before the sampler starts. While it
runs, a checkpoint lies beside the target; a run that was stopped goes on from there to the same result.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from clonalbayes import __version__, specs
from clonalbayes.faults import fail

if TYPE_CHECKING:
    import xarray as xr

    from clonalbayes.data.patient import Patient
    from clonalbayes.summaries.part import Part

RECORDED = ("numpy", "scipy", "numba", "pandas", "xarray", "netCDF4")
"""Packages whose versions go into ``run.json``: those that a fit computes with."""

MARK = "run.json"
"""The file by which a folder is known to be a result, and may be replaced."""


@dataclass(frozen=True)
class Fitted:
    """What a run made.

    Attributes
    ----------
    folder : Path
        The result folder.
    patient : Patient
        The data, what was left out, and what was assumed.
    tree : xarray.DataTree
        Posterior and consensus.
    seconds : float
        Wall time of the whole run.
    """

    folder: Path
    patient: Patient
    tree: xr.DataTree
    seconds: float

    def __str__(self) -> str:
        """Say in one line what was found, how sure that is, how long it took and where it is."""
        return f"{findings(self.folder)} {self.seconds:.0f} s. {_short(self.folder)}"


@dataclass(frozen=True)
class History:
    """What is known of the patient besides the samples.

    Attributes
    ----------
    origin
        Birth (YYYY-MM-DD), the root of the dated tree; by default that of the data.
    treatments
        Table of courses: treatment, start, end; by default those of the data.
    callable_share
        Share of the genome in which mutations can be called, for the numbers of whole branches.
    dates
        Whether the tree is dated, where the data allow it.
    opportunities
        Table of the sites of each trinucleotide in the sequenced region, where that is not the whole genome.
    """

    origin: str | None = None
    treatments: str | os.PathLike[str] | None = None
    callable_share: float = 1.0
    dates: bool = True
    opportunities: str | os.PathLike[str] | None = None


def run_fit(
    input: str | os.PathLike[str] | Patient,
    out: str | os.PathLike[str],
    *,
    params: str | os.PathLike[str] | None = None,
    purity: float | Mapping[str, float | tuple[float, float]] | None = None,
    min_alt: int | None = None,
    spec: str | Path | specs.Spec | None = None,
    fixed_clusters: bool = False,
    given_tree: str | os.PathLike[str] | None = None,
    history: History | None = None,
    chains: int | None = None,
    draws: int | None = None,
    tune: int | None = None,
    rungs: int | None = None,
    seed: int | None = None,
    cores: int | None = None,
    resume: bool = False,
    force: bool = False,
    progress: bool = True,
    record: Mapping[str, Any] | None = None,
) -> Fitted:
    """Fit the clones of a patient and write the result folder.

    Parameters
    ----------
    input, params, purity, min_alt
        What is read; see `clonalbayes.read`. A Patient is taken as it is.
    out, force
        Result folder to write, and whether it may replace another.
    spec, given_tree
        Model (`clonalbayes.load_spec`; None = `default_model`), and file with the tree of the given clusters.
    history
        Birth and treatments, and whether the tree is dated.
    fixed_clusters, chains, draws, tune, rungs, seed, cores, progress
        As in `clonalbayes.fit`. A seed that is not given is drawn, and recorded in ``run.json``.
    resume, record
        Go on from the checkpoint of a run that was stopped (without one, start); further entries of ``run.json``.

    Returns
    -------
    Fitted
        The posterior and where it was written.

    Raises
    ------
    InputError
        With every fault of the input, the model or the target; nothing has been written then.
    """
    wall, cpu = perf_counter(), process_time()
    spec = None if spec is None else specs.load(spec)
    folder = check_target(Path(out), force=force)
    history = history or History()
    patient, read_as = _patient(input, params, purity, min_alt, history)
    from clonalbayes.data.tree_file import read_tree
    from clonalbayes.inference.fit import default_model, settings_of
    from clonalbayes.results import write

    spec = specs.load(default_model(patient.data)) if spec is None else spec
    asked = {"chains": chains, "draws": draws, "tune": tune, "rungs": rungs}
    settings: dict[str, Any] = settings_of(spec, patient.data, fixed_clusters, asked)
    seed = seed_of(seed, checkpoint_of(folder) if resume else None)
    settings |= {"fixed_clusters": fixed_clusters, "seed": seed, "cores": cores}
    settings |= {} if given_tree is None else {"given_tree": read_tree(given_tree)}
    tree, parts = _posterior(patient, spec, folder, history, settings, resume, progress)
    info = provenance(spec, patient, settings | read_as) | dict(record or {})
    info |= {"wall_seconds": round(perf_counter() - wall, 2), "cpu_seconds": round(process_time() - cpu, 2)}
    write(tree, patient, folder, info, parts)
    checkpoint_of(folder).unlink(missing_ok=True)
    return Fitted(folder, patient, tree, perf_counter() - wall)


def _patient(
    input: str | os.PathLike[str] | Patient,
    params: str | os.PathLike[str] | None,
    purity: float | Mapping[str, float | tuple[float, float]] | None,
    min_alt: int | None,
    history: History,
) -> tuple[Patient, dict[str, Any]]:
    """Read the input, with what is known of the patient; and say for ``run.json`` how it was read."""
    from clonalbayes.data.patient import Patient, read

    if isinstance(input, Patient):
        patient, source = input, input.data.attrs.get("source", "")
    else:
        patient, source = read(input, params=params, purity=purity, min_alt=min_alt), input
    read_as = {"input": str(source), "min_alt": min_alt, "purity": purity, "params": params and str(params)}
    return with_history(patient, history), read_as | {"history": asdict(history)}


def _posterior(
    patient: Patient,
    spec: specs.Spec,
    folder: Path,
    history: History,
    settings: Mapping[str, Any],
    resume: bool,
    progress: bool,
) -> tuple[xr.DataTree, list[Part]]:
    """Fit and summarise, with a checkpoint beside the folder to be."""
    from clonalbayes.inference import fit
    from clonalbayes.summaries import summarise

    folder.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = checkpoint_of(folder)
    drawn = fit(patient.data, spec=spec, progress=progress, checkpoint=checkpoint, resume=resume, **settings)
    tree = summarise(drawn)
    return tree, further_parts(tree, spec, history, settings["seed"])


def further_parts(tree: xr.DataTree, spec: specs.Spec, history: History, seed: int) -> list[Part]:
    """Make what follows from a summarised fit: detection of small clones, signatures, and dates.

    Parameters
    ----------
    tree
        From `clonalbayes.summarise`.
    spec
        The model.
    history
        Whether the tree is dated, and how much of the genome is seen.
    seed
        Of the dates.
    """
    from clonalbayes.summaries.dating import date_fit
    from clonalbayes.summaries.detection import detection_part
    from clonalbayes.summaries.exposures import signature_part

    parts = [detection_part(tree), signature_part(tree, spec)]
    if history.dates:
        parts.append(date_fit(tree, callable_share=history.callable_share, seed=seed))
    return parts


def with_history(patient: Patient, history: History) -> Patient:
    """Put the patient's birth, treatments and opportunities into the data, and check dates before anything is computed.

    Parameters
    ----------
    patient
        The data; what it holds stays where nothing is given.
    history
        What was said of the patient.

    Raises
    ------
    InputError
        If the date, a table or the share cannot be used, or a sample is older than the patient.
    """
    from clonalbayes.data.treatments import add_treatments, check_dates, set_origin
    from clonalbayes.signatures.output import digest_of
    from clonalbayes.signatures.tables import read_opportunities, set_opportunities
    from clonalbayes.timing.tables import check_share, read_treatments

    check_share(history.callable_share)
    data, digests = patient.data, dict(patient.digests)
    if history.origin is not None:
        data = set_origin(data, history.origin)
    if history.treatments is not None:
        path = Path(history.treatments)
        data = add_treatments(data, read_treatments(path))
        digests[path.name] = digest_of(path)
    if history.opportunities is not None:
        path = Path(history.opportunities)
        data = set_opportunities(data, read_opportunities(path))
        digests[path.name] = digest_of(path)
    check_dates(data)
    return replace(patient, data=data, digests=digests)


def checkpoint_of(folder: Path) -> Path:
    """Return the checkpoint of a result folder: a hidden file beside it, gone when the folder is there."""
    return folder.parent / f".{folder.name}.checkpoint"


def seed_of(seed: int | None, checkpoint: Path | None) -> int:
    """Return the seed of a run: the one given, else that of the checkpoint, else a new one.

    Parameters
    ----------
    seed : int or None
        The seed that was asked for.
    checkpoint : Path or None
        The checkpoint that the run goes on from, if it does and if there is one.

    Returns
    -------
    int
        The seed to fit with. A checkpoint that cannot be read is left to `clonalbayes.fit` to complain of.
    """
    if seed is not None:
        return seed
    if checkpoint is not None and checkpoint.exists():
        import numpy as np

        with (
            suppress(OSError, ValueError, KeyError, BadZipFile),
            np.load(checkpoint, allow_pickle=False) as saved,
        ):
            return int(json.loads(saved["marks"].tobytes())["seed"])
    return secrets.randbits(31)


def check_target(folder: Path, *, force: bool) -> Path:
    """Check before anything is computed that a result folder can be written.

    Parameters
    ----------
    folder : Path
        The result folder to be.
    force : bool
        Whether a result folder that exists may be replaced. Anything else is never replaced.

    Returns
    -------
    Path
        The folder, as an absolute path.

    Raises
    ------
    InputError
        If the folder exists, or cannot be made.
    """
    folder = folder.expanduser().absolute()
    if folder.exists():
        if not folder.is_dir():
            raise fail(str(folder), "is a file", "Choose another name for the result folder.")
        if any(folder.iterdir()) and not (folder / MARK).exists():
            remedy = "Choose another name; only result folders are replaced."
            raise fail(str(folder), "exists and is not a result folder", remedy)
        if any(folder.iterdir()) and not force:
            raise fail(
                str(folder), "holds a result already", "Choose another name, or replace it with --force."
            )
    parent = next(place for place in folder.parents if place.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise fail(str(folder), f"cannot be made: {parent} is not writable", "Choose another place.")
    return folder


def provenance(spec: specs.Spec, patient: Patient, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Collect what ``run.json`` says about where a result came from.

    Parameters
    ----------
    spec : Spec
        The resolved model.
    patient : Patient
        The data; its digests and notes are recorded.
    settings : Mapping
        The settings in force, the seed included.

    Returns
    -------
    dict
        Of plain containers, ready for JSON.
    """
    return {
        "clonalbayes": __version__,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {package: metadata.version(package) for package in RECORDED},
        "settings": dict(settings),
        "inputs": dict(patient.digests),
        "notes": list(patient.notes),
        "model": spec.to_dict() | {"digest": spec.digest},
    }


def findings(folder: Path) -> str:
    """Say in one line what a result folder holds, from its tables.

    Parameters
    ----------
    folder : Path
        A result folder.

    Returns
    -------
    str
        Number of clones with the range that holds 95 % of its posterior, what became of the mutations, how
        probable the best tree and a single founder are if the model has trees, and the verdict on convergence.
    """
    mutations = _rows(folder / "mutations.tsv")
    labels = [row["clone"] for row in mutations]
    samples = {row["sample"] for row in _rows(folder / "samples.tsv")}
    n_clones = len(set(labels) - {"noise", "germline"})
    low, high = _range(
        [(int(r["n_clones"]), float(r["probability"])) for r in _rows(folder / "n_clones.tsv")]
    )
    sure = f"95 %: {low}" if low == high else f"95 %: {low}-{high}"
    what = [f"{n} {noun}{'s' * (n != 1)}" for n, noun in ((len(labels), "mutation"), (len(samples), "sample"))]
    counts = f"{' in '.join(what)}, of which {labels.count('noise')} noise"
    if "germline" in labels:
        counts += f" and {labels.count('germline')} germline"
    left_out = len(_rows(folder / "excluded.tsv"))
    if left_out:
        counts += f"; {left_out} left out"
    info = json.loads((folder / MARK).read_text(encoding="utf-8"))
    verdict = info["verdict"].rstrip(".")
    said = f"{_tree_words(info.get('trees', {}))}{verdict[:1].upper()}{verdict[1:]}."
    return f"{n_clones} clone{'s' * (n_clones != 1)} ({sure}) from {counts}. {said}"


def _tree_words(found: Mapping[str, Any]) -> str:
    """Say how sure the tree is; nothing for a model without trees, or a tree without clones."""
    if found.get("p_single_founder") is None:
        return ""
    number, best = found["n_trees"], found["best_probability"]
    tree = "One tree" if number == 1 else f"Best of {number} trees: probability {best:.2g}"
    unsure = len(found["not_identified"])
    open_ = f", {unsure} point{'s' * (unsure != 1)} open (identifiability.tsv)" if unsure else ""
    return f"{tree}{open_}; a single founder: {found['p_single_founder']:.2g}. "


def _range(posterior: list[tuple[int, float]]) -> tuple[int, int]:
    """Return the smallest and largest of the likeliest values that hold 95 % together."""
    held, kept = 0.0, []
    for value, probability in sorted(posterior, key=lambda entry: -entry[1]):
        if held < 0.95:
            kept.append(value)
            held += probability
    return min(kept), max(kept)


def _rows(path: Path) -> list[dict[str, str]]:
    """Read a table of the result folder."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _short(folder: Path) -> str:
    """Write a folder as a person would: from where they are, if it is below."""
    return str(folder.relative_to(Path.cwd())) if folder.is_relative_to(Path.cwd()) else str(folder)
