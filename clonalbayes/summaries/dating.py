"""From draws of a tree to a dated tree: the timing model run on all of them, as a table or as a group of the fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clonalbayes.data.treatments import Treatment
from clonalbayes.signatures.settings import Settings, load
from clonalbayes.signatures.tables import Table, read_reference
from clonalbayes.summaries.timing import Dated, to_dataset
from clonalbayes.timing.calendar import courses_of
from clonalbayes.timing.posterior import TreeDraws, tree_draws
from clonalbayes.timing.sampler import make_trees, sample
from clonalbayes.timing.state import Trees

DRAWS_PER_TREE, THIN = 25, 4
"""Draws kept of each of many trees, and sweeps for each: their spread is that of the trees more than of the draws."""

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
        chains, tune, draws in place of the settings'.
    seed
        Of the random numbers.

    Returns
    -------
    tuple of Dated and Trees
        The draws, and the model that they are of.
    """
    plan = dict(settings.schedule) | dict(schedule or {})
    courses = courses_of(treatments, origin)
    copies = -(-plan["chains"] // len(drawn.parent))
    repeat = {name: np.repeat(getattr(drawn, name), copies, 0) for name in ("parent", "counts", "bound", "detected")}
    trees = make_trees(repeat["parent"], repeat["bound"], repeat["detected"], names, settings, courses)
    one = len(drawn.parent) == 1
    kept, thin = (plan["draws"], 1) if one else (min(DRAWS_PER_TREE, plan["draws"]), THIN)
    draws = sample(
        repeat["counts"], trees, reference.values[[reference.names.index(name) for name in names]],
        np.ones(len(names), bool), settings, tune=plan["tune"], draws=kept, thin=thin,
        seed=seed,
    )  # fmt: skip
    roles = tuple(settings.role(name) for name in names)
    bound = np.where(drawn.parent >= 0, drawn.bound, 0.0).max(0)
    dated = Dated(clones, drawn.consensus, repeat["parent"], draws, names, roles, tuple(courses), origin, bound)
    return dated, trees


def time_tree(
    tree: Any,
    origin: str,
    *,
    treatments: Sequence[Treatment] | None = None,
    settings: Settings | str = "timing",
    trees: int = TREES,
    callable_share: float = 1.0,
    schedule: Mapping[str, int] | None = None,
    seed: int = 1,
) -> Any:
    """Date the trees of a fit, each draw with its own parents, presence and mutations.

    Parameters
    ----------
    tree
        Summarised DataTree of a fit with trees, whose data have dates and contexts.
    origin
        Date of the root (birth), YYYY-MM-DD.
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
    xarray.Dataset
        The group `timing`: see `clonalbayes.summaries.timing.to_dataset`.

    Raises
    ------
    InputError
        If the fit has no tree, or the data lack dates or contexts.
    """
    model = load(settings, "timing")
    drawn = tree_draws(tree, origin, trees=trees, callable_share=callable_share)
    courses = drawn.treatments if treatments is None else tuple(treatments)
    reference = read_reference()
    clones = tuple(str(k + 1) for k in range(drawn.parent.shape[1]))
    names = candidates(reference.names, model, courses)
    dated, _ = date_draws(drawn, clones, origin, courses, names, reference, model, schedule=schedule, seed=seed)
    return to_dataset(dated)
