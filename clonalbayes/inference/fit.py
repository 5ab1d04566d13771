"""`fit`: from a Dataset to its posterior, with chains as threads over kernels that release the lock."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clonalbayes.constraints import require_known
from clonalbayes.faults import fail
from clonalbayes.genotypes import compile_priors, compile_reads, has_tree
from clonalbayes.inference import checkpoint as store
from clonalbayes.inference.chain import Chain, Plan, room_for
from clonalbayes.inference.conditions import Conditions
from clonalbayes.signatures import joint
from clonalbayes.signatures.settings import load as load_settings
from clonalbayes.specs import Schedule, Spec, load

if TYPE_CHECKING:
    import xarray as xr

    from clonalbayes.data.patient import Patient

SHORTEST, LONGEST, CELLS_DRAWN = (80, 75), (120, 1000), 20_000
"""Tuning sweeps and draws of a chain with clusters given, at least and at most; clones x samples x draws."""

CHECKPOINT_SECONDS = 10.0
"""Time between checkpoints; a run shorter than that writes none."""


def fit(
    data: xr.Dataset | Patient,
    *,
    spec: str | Path | Spec | None = None,
    chains: int | None = None,
    draws: int | None = None,
    tune: int | None = None,
    rungs: int | None = None,
    seed: int | None = None,
    cores: int | None = None,
    fixed_clusters: bool = False,
    given_tree: Sequence[int] | None = None,
    progress: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
) -> xr.DataTree:
    """Draw from the posterior of the clone model.

    Parameters
    ----------
    data
        A patient, or a Dataset that `clonalbayes.validate` accepts.
    spec
        Model specification: a name, a file or a `Spec`; None = `default_model`.
    chains, draws, tune
        Chains, draws kept of each, sweeps thrown away first; None = `schedule_of` the specification.
    rungs
        States that every chain tempers between (`clonalbayes.inference.tempering`), to cross from one tree to
        another; 1 = none. Needs a tree and clusters that are given.
    seed
        Seed of the run, spawned for the chains; None = drawn, and stored.
    cores
        Chains that run at once; None = all processors. The draws do not depend on it.
    fixed_clusters
        Take the clusters that came with the data as given; mutations outside them are noise.
    given_tree
        Parent of every given cluster, in their order: 0 for the normal root, else the parent's number from 1.
        Fits the prevalences alone.
    progress
        Show a progress bar.
    checkpoint, resume
        File to save the run to every few seconds; go on from it if it exists, to the result the run would have had.

    Returns
    -------
    xarray.DataTree
        Groups posterior, sample_stats, observed_data, constant_data; the settings are posterior's attributes.

    Raises
    ------
    InputError
        If the Dataset has faults, lacks clusters that are to be fixed, or the checkpoint is another run's.
    """
    import xarray as xr

    from clonalbayes.data.schema import validate
    from clonalbayes.inference.posterior import to_tree

    ds = validate(data if isinstance(data, xr.Dataset) else data.data)
    model = load(default_model(ds) if spec is None else spec)
    asked = {"chains": chains, "draws": draws, "tune": tune, "rungs": rungs}
    settings: dict[str, Any] = settings_of(model, ds, fixed_clusters, asked)
    settings |= {"seed": secrets.randbits(31) if seed is None else int(seed), "fixed_clusters": fixed_clusters}
    settings |= {} if given_tree is None else {"given_tree": list(given_tree)}
    runs = _chains(ds, model, settings)
    saver = _Saver(checkpoint, store.fingerprint(ds, model, settings), runs, resume)
    run_chains(runs, cores or os.cpu_count() or 1, saver, progress)
    tree = to_tree(runs, ds)
    tree["posterior"].attrs.update(model=model.name, model_digest=model.digest, **_plain(settings))
    return tree


def _chains(ds: xr.Dataset, model: Spec, settings: dict[str, Any]) -> list[Chain]:
    """Fresh chains of one plan, each with a random stream of its own."""
    plan = make_plan(ds, model, settings)
    return [Chain(plan, seed) for seed in np.random.SeedSequence(settings["seed"]).spawn(settings["chains"])]


def default_model(ds: xr.Dataset) -> str:
    """The specification of a fit that names none: clones and tree, and signatures where mutations have contexts."""
    texts: Any = ds["context"].values if "context" in ds else ()
    return "joint" if any(str(text).strip() for text in texts) else "tree"


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as netCDF attributes, which know no booleans."""
    return {name: int(value) if isinstance(value, bool) else value for name, value in settings.items()}


def schedule_of(spec: Spec, ds: xr.Dataset, fixed_clusters: bool) -> Schedule:
    """The schedule in force where none is asked for.

    With clusters given, the chains of a tree start near where they stay: they tune shortly, the longer the more
    clones there are, and draw the more the less a sweep costs (K clones x S samples), up to 1,000 draws.

    Parameters
    ----------
    spec
        The model.
    ds
        The data.
    fixed_clusters
        Whether the clusters of the data are kept.
    """
    if not (fixed_clusters and has_tree(spec) and "cluster" in ds):
        return spec.schedule
    clones = len(np.unique(np.append(ds["cluster"].values, 0))) - 1
    tune = min(max(2 * clones, SHORTEST[0]), LONGEST[0])
    draws = min(max(CELLS_DRAWN // max(clones * ds.sizes["specimen"], 1), SHORTEST[1]), LONGEST[1])
    return replace(spec.schedule, tune=tune, draws=draws)


def settings_of(
    spec: Spec, ds: xr.Dataset, fixed_clusters: bool, asked: Mapping[str, int | None]
) -> dict[str, int]:
    """What is asked for of chains, draws, tune and rungs, and the schedule where nothing is."""
    schedule = schedule_of(spec, ds, fixed_clusters)
    names = ("chains", "draws", "tune", "rungs")
    return {name: getattr(schedule, name) if asked.get(name) is None else int(asked[name] or 0) for name in names}


def make_plan(ds: xr.Dataset, spec: Spec, settings: dict[str, Any]) -> Plan:
    """Compile a Dataset for the chains.

    Parameters
    ----------
    ds
        A validated Dataset.
    spec
        The model.
    settings
        draws, tune, rungs, fixed_clusters and given_tree.

    Raises
    ------
    InputError
        If clusters are to be fixed and the Dataset has none, if a tree does not fit the clusters, or if constraints
        name what the Dataset does not have.
    """
    require_known(spec.constraints, ds)
    reads = compile_reads(ds, spec)
    labels = None
    if settings["fixed_clusters"]:
        if "cluster" not in ds:
            raise fail(str(ds.attrs.get("source", "data")), "has no clusters to keep fixed",
                       "Give them with --params, or leave --fixed-clusters out.")  # fmt: skip
        _, dense = np.unique(np.append(ds["cluster"].values, 0), return_inverse=True)
        labels = dense[:-1][reads.order].astype(np.int32) - 1
    capacity = room_for(len(reads.order), int(spec.constant("max_clones")), labels)
    parents = _given_parents(settings.get("given_tree"), labels, capacity, spec)
    rungs = int(settings.get("rungs", 1))
    if rungs > 1 and (labels is None or not has_tree(spec)):
        raise fail("--rungs", "only chains whose clusters are given can be tempered",
                   "Add --fixed-clusters, with clusters from --params, or leave --rungs out.")  # fmt: skip
    signatures = joint.Signatures.of(ds, reads.order, load_settings(spec)) if spec.family == "joint" else None
    if signatures is not None:
        reads = replace(reads, data=reads.data._replace(context=signatures.context))
    return Plan(
        reads,
        compile_priors(ds, spec),
        settings["tune"],
        settings["draws"],
        spec.schedule.thin,
        capacity,
        labels,
        parents,
        Conditions.of(spec.constraints, ds, reads.order),
        rungs,
        signatures,
    )


def _given_parents(
    given: Sequence[int] | None, labels: np.ndarray | None, capacity: int, spec: Spec
) -> np.ndarray | None:
    """Rows of the parents of a tree that is given, the normal root being `capacity`."""
    if given is None:
        return None
    if labels is None or not has_tree(spec):
        raise fail("--tree", "a tree needs clusters that are given, and a model with a tree",
                   "Add --fixed-clusters, with clusters from --params, and --model tree.")  # fmt: skip
    parents = np.asarray(given, np.int64)
    clones = int(labels.max(initial=-1)) + 1
    if len(parents) != clones:
        found = f"has {len(parents)} clones, and there are {clones} clusters"
        raise fail("--tree", found, "Give every cluster a parent.")
    for k in range(clones):
        x, steps = k + 1, 0
        while x != 0 and steps <= clones:
            x, steps = (int(parents[x - 1]) if 0 < x <= clones else -1), steps + 1
            if x < 0 or x > clones:
                remedy = "Parents are 0 or a cluster's number."
                raise fail("--tree", f"clone {k + 1} has an ancestor that is no clone", remedy)
        if x != 0:
            raise fail("--tree", f"clone {k + 1} is its own ancestor", "Parents must lead to 0, the normal root.")
    return np.where(parents == 0, capacity, parents - 1)


class _Saver:
    """Snapshots of the chains as they pass, written to one file now and then."""

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        marks: dict[str, str],
        runs: Sequence[Chain],
        resume: bool = False,
    ) -> None:
        self.path = None if path is None else Path(path)
        self.marks, self.runs = marks, runs
        self.wanted = [threading.Event() for _ in runs]
        self.snapshots: list[dict[str, np.ndarray] | None] = [None] * len(runs)
        self.last = time.monotonic()
        if resume and self.path is not None and self.path.exists():
            for run, saved in zip(self.runs, store.load(self.path, self.marks), strict=True):
                run.restore(saved)

    def offer(self, c: int) -> None:
        """Called by chain c between sweeps: leaves a snapshot if one is wanted."""
        if self.wanted[c].is_set():
            self.snapshots[c] = self.runs[c].snapshot()
            self.wanted[c].clear()

    def tick(self, running: Sequence[bool]) -> None:
        """Called by the main thread: asks for snapshots when it is time, and writes them when all are there."""
        if self.path is None:
            return
        for c, snapshot in enumerate(self.snapshots):
            if snapshot is None and not running[c]:
                self.snapshots[c] = self.runs[c].snapshot()
        if all(snapshot is not None for snapshot in self.snapshots):
            store.save(self.path, self.marks, [s for s in self.snapshots if s is not None])
            self.snapshots = [None] * len(self.runs)
            self.last = time.monotonic()
        elif time.monotonic() - self.last > CHECKPOINT_SECONDS:
            for event, snapshot in zip(self.wanted, self.snapshots, strict=True):
                if snapshot is None:
                    event.set()


def run_chains(runs: Sequence[Chain], cores: int, saver: Any, progress: bool) -> None:
    """Run all chains to their end, `cores` at once, with a progress bar and checkpoints.

    Parameters
    ----------
    runs
        The chains, fresh or restored.
    cores
        Threads.
    saver
        Takes snapshots.
    progress
        Whether to show the bar.
    """
    stop = threading.Event()
    started = [False] * len(runs)

    def work(c: int) -> None:
        started[c] = True
        while runs[c].done < runs[c].plan.sweeps and not stop.is_set():
            runs[c].step()
            saver.offer(c)
        started[c] = False

    with _bar(len(runs) * runs[0].plan.sweeps, progress) as show, ThreadPoolExecutor(cores) as pool:
        futures = [pool.submit(work, c) for c in range(len(runs))]
        try:
            while wait(futures, timeout=0.25).not_done:
                show(sum(run.done for run in runs))
                saver.tick(started)
            show(sum(run.done for run in runs))
        finally:
            stop.set()
        for future in futures:
            future.result()


class _bar:  # noqa: N801 (used as a function)
    """A progress bar over sweeps on standard error, or nothing."""

    def __init__(self, total: int, visible: bool) -> None:
        self.total, self.visible = total, visible

    def __enter__(self) -> Callable[[int], None]:
        if not self.visible:
            return lambda done: None
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (TextColumn("sampling"), BarColumn(), TextColumn("{task.completed}/{task.total} sweeps"),
                   TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())  # fmt: skip
        self.progress = Progress(*columns, console=Console(stderr=True))
        self.progress.start()
        task = self.progress.add_task("sampling", total=self.total)
        return lambda done: self.progress.update(task, completed=done)

    def __exit__(self, *error: object) -> None:
        if self.visible:
            self.progress.stop()
