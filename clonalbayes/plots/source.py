"""What every figure reads: a tree or a result folder, its consensus labels, shares of reads and of cells."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from clonalbayes.faults import fail
from clonalbayes.results import POSTERIOR, Result

NOISE, GERMLINE = 0, -1
"""Consensus labels of the components that are no clones."""

Source = xr.DataTree | str | os.PathLike[str] | Result
"""A posterior, or the result folder that holds it (its path, or opened)."""

_OPEN: ContextVar[Mapping[Path, xr.DataTree]] = ContextVar("_OPEN", default={})  # noqa: B039 (never changed)
"""Posteriors that are open: opening one takes a quarter of a second per hundred thousand mutations."""


@contextmanager
def opened(source: Source, *, consensus: bool = True) -> Iterator[xr.DataTree]:
    """Open what a figure is drawn from; a folder's posterior is read as far as it is asked for, then closed.

    A folder that is open already, further out, is not opened again.

    Parameters
    ----------
    source
        A tree of `clonalbayes.fit`, or a result folder.
    consensus
        Whether the figure needs consensus clones; they are computed if the tree has none yet.

    Raises
    ------
    InputError
        If a folder holds no posterior, or one that cannot be read.
    """
    if isinstance(source, xr.DataTree):
        yield _with_consensus(source) if consensus else source
        return
    path = (Path(folder_of(source) or ".") / POSTERIOR).absolute()
    if (held := _OPEN.get().get(path)) is not None:
        yield _with_consensus(held) if consensus else held
        return
    if not path.is_file():
        raise fail(
            str(path.parent), f"holds no {POSTERIOR}", "Name a folder that `clonalbayes fit` has written."
        )
    try:
        stored = xr.open_datatree(path, engine="netcdf4")
    except OSError as error:
        raise fail(str(path), f"cannot be read ({error})", "Run the fit again.") from error
    with stored:
        tree = _with_consensus(stored) if consensus else stored
        token = _OPEN.set({**_OPEN.get(), path: tree})
        try:
            yield tree
        finally:
            _OPEN.reset(token)


def folder_of(source: Source) -> Path | None:
    """Result folder of a source; None of a tree in memory."""
    if isinstance(source, xr.DataTree):
        return None
    return source.folder if isinstance(source, Result) else Path(source).expanduser()


def _with_consensus(tree: xr.DataTree) -> xr.DataTree:
    if "consensus" in tree.children:
        return tree
    from clonalbayes.summaries import summarise

    return summarise(tree)


def group(tree: xr.DataTree, name: str) -> xr.Dataset:
    """A group of the tree as a Dataset, not loaded yet."""
    return tree[name].to_dataset()


def names(values: xr.DataArray) -> list[str]:
    """Names along a dimension, as they were given."""
    return [str(value) for value in values.values]


def labels_of(tree: xr.DataTree) -> np.ndarray:
    """Consensus clone of each mutation [N]: 1..K, 0 noise, -1 germline."""
    return np.asarray(group(tree, "consensus")["clone"].values, np.int64)


def with_trees(tree: xr.DataTree) -> None:
    """Refuse a posterior without trees.

    Raises
    ------
    InputError
        If its model has none.
    """
    if "parent" not in tree["posterior"].data_vars:
        remedy = "Fit a model with trees, such as `--model tree`, or draw another figure."
        raise fail("plot", "the result has no trees", remedy)


def clones_of(tree: xr.DataTree) -> int:
    """Number of consensus clones."""
    return int(group(tree, "consensus")["cellular_prevalence"].sizes["clone"])


def present_labels(labels: np.ndarray) -> list[int]:
    """Labels that occur, in the order of every figure: clones, noise, germline.

    Examples
    --------
    >>> present_labels(np.array([2, 0, 1, -1, 2]))
    [1, 2, 0, -1]
    """
    found = {int(label) for label in labels}
    return sorted(label for label in found if label > 0) + [x for x in (NOISE, GERMLINE) if x in found]


def vaf_of(tree: xr.DataTree) -> xr.DataArray:
    """Share of reads with the variant [mutation, specimen]; NaN where there are no reads."""
    observed = group(tree, "observed_data")
    depth = observed["depth"].values.astype(float)
    alt = observed["alt_count"].values.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        vaf = np.where(depth > 0, alt / depth, np.nan)
    return _table(tree, vaf)


def ccf_of(tree: xr.DataTree) -> xr.DataArray:
    """Point estimate of the cancer cell fraction of each mutation alone [mutation, specimen].

    The VAF divided by the one expected if all tumour cells of the sample carried the mutation, at the mean of
    the purity, the consensus multiplicity and the copy number given. NaN where no cell can show the
    mutation (multiplicity 0, or not defined) and where there are no reads; above 1 where chance put it there.
    """
    held = group(tree, "constant_data")
    purity = group(tree, "posterior")["purity"].mean(("chain", "draw")).values
    copies = np.asarray(group(tree, "consensus")["multiplicity"].values, float)
    normal = held["normal_cn"].values.astype(float)
    total = held["major_cn"].values.astype(float) + held["minor_cn"].values
    if "total_cn" in held:
        total = np.where(held["major_cn"].values < 0, held["total_cn"].values, total)
    if "major_cn_2" in held:
        second, share = held["major_cn_2"].values + held["minor_cn_2"].values, held["cn_fraction"].values
        total = np.where(held["major_cn_2"].values < 0, total, share * total + (1.0 - share) * second)
    total = np.where(total < 0, normal, total)  # no call: as the normal cells
    with np.errstate(invalid="ignore", divide="ignore"):
        carried = purity * copies / (purity * total + (1.0 - purity) * normal)
        if "var_read_prob" in held:
            given = held["var_read_prob"].values
            carried = np.where(np.isfinite(given), given * purity, carried)
        ccf = np.where(carried > 0, vaf_of(tree).values / carried, np.nan)
    return _table(tree, ccf)


def _table(tree: xr.DataTree, values: np.ndarray) -> xr.DataArray:
    posterior = group(tree, "posterior")
    coords = {dim: names(posterior[dim]) for dim in ("mutation", "specimen")}
    return xr.DataArray(values, coords, ("mutation", "specimen"))


def choose(values: list[str], asked: str, what: str) -> int:
    """Position of a name, or a message that lists the valid ones.

    Raises
    ------
    InputError
        If there is no such name.
    """
    if asked not in values:
        some = ", ".join(values[:20]) + (" ..." if len(values) > 20 else "")
        raise fail(what, f"there is no {asked!r}", f"Choose from {some}.")
    return values.index(asked)


def subsample(labels: np.ndarray, limit: int, floor: int, seed: int = 0) -> np.ndarray:
    """Choose mutations to be drawn: at random, but `floor` of every clone where it has as many.

    Parameters
    ----------
    labels
        [N] consensus labels.
    limit
        Mutations to choose; all of them if there are no more.
    floor
        Mutations of each label that are chosen in any case, so that small clones can be seen.
    seed
        Of the choice.

    Returns
    -------
    numpy.ndarray
        Positions in rising order; somewhat more than `limit` where floors demand it.
    """
    if len(labels) <= limit:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        chosen[order[labels[order] == label][:floor]] = True
    rest = order[~chosen[order]]
    chosen[rest[: max(limit - int(chosen.sum()), 0)]] = True
    return np.flatnonzero(chosen)


def dataset(variables: dict[str, Any], coords: dict[str, Any], notes: list[str], **attrs: Any) -> xr.Dataset:
    """Collect what a compute half returns; `notes` is what the reader of the figure must be told."""
    return xr.Dataset(variables, coords, attrs={"note": " ".join(notes), **attrs})
