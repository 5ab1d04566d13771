"""From draws of a tree to a dated tree: the timing model run on all of them, and the tables that come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clonalbayes.data.treatments import Treatment
from clonalbayes.faults import InputError
from clonalbayes.signatures.settings import Settings, load
from clonalbayes.signatures.tables import Table, as_seen, read_reference
from clonalbayes.summaries import timing, timing_words
from clonalbayes.summaries.branches import branch_rows
from clonalbayes.summaries.part import Part
from clonalbayes.summaries.timing import Dated, to_dataset
from clonalbayes.timing.calendar import courses_of
from clonalbayes.timing.posterior import BranchDraws, TreeDraws, branch_draws, prior_overlap, tree_draws
from clonalbayes.timing.sampler import Given, make_trees, sample
from clonalbayes.timing.state import Trees

NAME = "timing"
"""Entry of ``run.json``."""

MANY_TREES = {"tune": 320, "draws": 25}
"""Schedule where every chain has a tree of its own: the spread is that of the trees more than of the draws."""

THIN = 4
"""Sweeps for each draw of many trees."""

TREES = 32
"""Draws of a fit's trees that are dated unless told."""


def candidates(names: Sequence[str], settings: Settings, treatments: Sequence[Treatment]) -> tuple[str, ...]:
    """Choose the signatures that carry time: those of clocks, and those of treatments that were given."""
    given = {course.name.lower() for course in treatments}
    return tuple(
        name
        for name in names
        if settings.role(name) == "clock"
        or (settings.role(name) == "treatment" and given & set(settings.treatments[name]))
    )


def own_exposures(drawn: TreeDraws, names: tuple[str, ...], seed: int) -> tuple[TreeDraws, Given | None]:
    """Use what a joint fit knows of the signatures of each draw, if it is one.

    Mutations that the draw gives to signatures which carry no time are left out, and those that do start from the
    draw's exposures and profiles; the division among them is drawn again, as it depends on the dates.

    Parameters
    ----------
    drawn
        Draws of the tree.
    names
        Signatures that carry time.
    seed
        Of the division.

    Returns
    -------
    tuple of TreeDraws and Given
        The draws with the counts that are left, and where to start; as given and None without exposures.
    """
    if not set(names) <= set(drawn.signatures):
        return drawn, None
    kept = [drawn.signatures.index(name) for name in names]
    rate = np.einsum("dkq,dqc->dkc", drawn.exposures, drawn.profiles)
    ours = np.einsum("dkq,dqc->dkc", drawn.exposures[:, :, kept], drawn.profiles[:, kept])
    share = np.divide(ours, rate, out=np.ones_like(rate), where=rate > 0.0)
    counts = np.random.default_rng(seed).binomial(drawn.counts, np.clip(share, 0.0, 1.0))
    size = drawn.counts.sum(-1, keepdims=True) * drawn.exposures[:, :, kept]
    return replace(drawn, counts=counts), (size, drawn.profiles[:, kept])


def date_draws(
    drawn: TreeDraws,
    clones: tuple[str, ...],
    origin: str,
    treatments: Sequence[Treatment],
    names: tuple[str, ...],
    reference: Table,
    settings: Settings,
    *,
    schedule: Mapping[str, int] | None = None,
    seed: int = 1,
) -> tuple[Dated, Trees]:
    """Run the timing model on draws of a tree; a tree that stands alone gets several chains.

    Parameters
    ----------
    drawn
        Parents, counts, bounds and detection by draw.
    clones
        [K] names.
    origin
        Date of the root.
    treatments
        Courses.
    names, reference
        Signatures and the table that has their profiles.
    settings
        Priors and roles.
    schedule
        chains, tune, draws in place of the settings', or for many trees of `MANY_TREES`.
    seed
        Of the random numbers.

    Returns
    -------
    tuple of Dated and Trees
        The draws, and the model that they are of.
    """
    one = len(drawn.parent) == 1
    plan = dict(settings.schedule) | ({} if one else MANY_TREES) | dict(schedule or {})
    courses = courses_of(treatments, origin)
    drawn, given = own_exposures(drawn, names, seed)
    copies = -(-plan["chains"] // len(drawn.parent))
    repeat = {name: np.repeat(getattr(drawn, name), copies, 0) for name in ("parent", "counts", "bound", "detected")}
    given = None if given is None else (np.repeat(given[0], copies, 0), np.repeat(given[1], copies, 0))
    trees = make_trees(repeat["parent"], repeat["bound"], repeat["detected"], names, settings, courses)
    draws = sample(
        repeat["counts"], trees, reference.values[[reference.names.index(name) for name in names]],
        np.ones(len(names), bool), settings, tune=plan["tune"], draws=plan["draws"],
        thin=1 if one else THIN, seed=seed, given=given,
    )  # fmt: skip
    roles = tuple(settings.role(name) for name in names)
    bound = np.where(drawn.parent >= 0, drawn.bound, 0.0).max(0)
    dated = Dated(
        clones, drawn.consensus, repeat["parent"], draws, names, roles, tuple(courses), origin, bound, drawn.seen,
        drawn.samples, one,
    )  # fmt: skip
    return dated, trees


def dated_part(dated: Dated, trees: Trees, branches: BranchDraws, settings: Settings, seed: int = 1) -> Part:
    """Make the tables and sentences of a dated tree.

    Parameters
    ----------
    dated, trees
        From `date_draws`.
    branches
        Mutations of the branches by kind.
    settings
        Priors, of which the Bayes factors are told.
    seed
        Of what the table of mutations cannot hold.

    Returns
    -------
    Part
        Tables timing, branches, gates and clock, arrays timing; the entry has findings and the diagnostics' rows.
    """
    spans = np.array([(course.start, course.end) for course in dated.courses]).reshape(-1, 2)
    rows, checked = timing.timing_rows(dated), timing.diagnostic_rows(dated)
    clock = timing.clock_rows(dated, trees.p_strict, trees.p_acceleration)
    found = timing_words.sentences(dated, rows) or ["The tree has no split after its root."]
    entry = {
        "dated": True,
        "findings": found + timing_words.clock_sentences(clock) + timing_words.verdict(checked, dated.one_tree),
        "model": settings.spec.name, "digest": settings.digest, "origin": dated.origin,
        "signatures": list(dated.signatures), "trees": len(dated.parent), "draws": int(dated.draws.time.shape[1]),
        "diagnostics": checked,
    }  # fmt: skip
    tables = {"timing": rows, "branches": branch_rows(branches, dated.clones, dated, seed), "clock": clock}
    if dated.courses:
        tables["gates"] = timing.gate_rows(dated, prior_overlap(trees, spans))
    return Part(NAME, entry, {name: table for name, table in tables.items() if table}, {"timing": to_dataset(dated)})


def date_fit(
    tree: Any,
    *,
    origin: str | None = None,
    treatments: Sequence[Treatment] | None = None,
    settings: Settings | str = "timing",
    trees: int = TREES,
    callable_share: float = 1.0,
    schedule: Mapping[str, int] | None = None,
    seed: int = 1,
) -> Part:
    """Date the trees of a fit, each draw with its own parents, presence and mutations.

    Parameters
    ----------
    tree
        Summarised DataTree of a fit.
    origin
        Date of the root (birth), YYYY-MM-DD; by default that of the data.
    treatments
        Courses; by default those of the data.
    settings
        Specification of the timing model.
    trees
        Draws of the tree to date.
    callable_share
        Share of the genome in which mutations can be called.
    schedule
        chains, tune, draws in place of the settings'.
    seed
        Of the random numbers.

    Returns
    -------
    Part
        Of `dated_part`. Where the tree cannot be dated, the table of branches alone, and findings that say why.
    """
    model = load(settings, "timing")
    start = str(tree["constant_data"].to_dataset().attrs.get("origin_date", "")) if origin is None else origin
    try:
        branches = branch_draws(tree, callable_share=callable_share)
    except InputError as error:
        return _undated(error)
    clones = tuple(str(k + 1) for k in range(branches.parent.shape[1]))
    if not clones:
        return Part(NAME, {"dated": False, "findings": ["There is no clone to date."]})
    try:
        drawn = tree_draws(tree, start, trees=trees, callable_share=callable_share)
    except InputError as error:
        return _undated(error, {"branches": branch_rows(branches, clones, seed=seed)})
    given = drawn.treatments if treatments is None else tuple(treatments)
    reference = as_seen(read_reference(), tree["constant_data"].to_dataset())
    names = candidates(reference.names, model, given)
    dated, model_trees = date_draws(
        drawn, clones, start, given, names, reference, model, schedule=schedule, seed=seed
    )
    return dated_part(dated, model_trees, branches, model, seed)


def _undated(error: InputError, tables: Mapping[str, Any] | None = None) -> Part:
    """Say why a tree is not dated."""
    why = " ".join(f"{fault.message}. {fault.remedy}" for fault in error.faults[:1])
    return Part(NAME, {"dated": False, "findings": [f"The tree is not dated: {why}"]}, tables or {})
