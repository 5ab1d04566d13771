"""From a patient's Dataset to the arrays that the kernels read: genotype states and count axes.

A genotype says how many copies of a mutation its carrying cells have in every sample: one copy, all copies
of the major or all of the minor allele. Only distinct vectors with a copy somewhere are kept. Where only
the total copy number is known, every allelic split is admitted, the same split in all samples that share
the total. Where the tumour cells of a sample are in two states, the total is their average, and the genotypes
are those of either state and of their mixture.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clonalbayes.kernels.layout import EXACT_PURITY, NO_CONTEXT, Priors, ReadData
from clonalbayes.kernels.noise import (
    log_choose,
    mix_noise,
    recurrent_loglik,
    saturated_loglik,
    scattered_loglik,
)  # fmt: skip

if TYPE_CHECKING:
    import xarray as xr

    from clonalbayes.specs import Spec

MAX_GENOTYPES = 24
"""More splits than this are cut to the balanced and the fully unbalanced one of each total."""

GRID_RANGE, GRID_SIZE = (2e-3, 0.7), 40

GERMLINE_NEEDS_PURITY = 0.95
"""Germline variants are told from the trunk only if some sample is less pure than this."""

NO_WEIGHT = 1e-8


DEFAULT_PURITY_FLOOR = 1e-3


@dataclass(frozen=True)
class CompiledReads:
    """`ReadData` with the permutation that led to it.

    Attributes
    ----------
    data
        What kernels read; mutations are ordered by copy-number class.
    order
        [N] position in the Dataset of each of the kernels' mutations.
    multiplicity
        [G, S] mutated copies per carrying cell of each genotype row (NaN where the state is not a copy number).
    """

    data: ReadData
    order: np.ndarray
    multiplicity: np.ndarray


def _split_options(major: int, minor: int, total: int) -> list[tuple[int, int]]:
    if major >= 0:
        return [(major, minor)]
    return [(total - b, b) for b in range(total // 2 + 1)]


def genotype_vectors(states: np.ndarray, second: np.ndarray | None = None) -> np.ndarray:
    """Admissible multiplicity vectors of one copy-number class.

    Parameters
    ----------
    states
        [S, 3] major, minor and total copies per sample; major -1 where only the total is known.
    second
        [S, 3] major and minor copies of the second state of subclonal segments (-1: none), and the share of
        the tumour cells in the first. A mutation then has the copies of either state, or, if it is older
        than both, those of the two on average.

    Returns
    -------
    numpy.ndarray
        [G, S] distinct vectors of mutated copies, the one-copy vector first where it is admissible.

    Examples
    --------
    >>> genotype_vectors(np.array([[1, 1, 2], [2, 0, 2]])).tolist()
    [[1, 1], [1, 2], [1, 0]]
    >>> genotype_vectors(np.array([[-1, -1, 2]])).tolist()
    [[1], [2]]
    >>> genotype_vectors(np.array([[2, 1, 3]]), np.array([[1, 1, 0.6]])).tolist()
    [[1.0], [2.0], [1.6]]
    """
    open_totals = sorted({int(t) for a, _, t in states if a < 0})
    splits = [_split_options(-1, -1, t) for t in open_totals]
    mixed = second is not None and bool((second[:, 0] >= 0).any())
    if np.prod([len(s) for s in splits], initial=1.0) * (7 if mixed else 3) > MAX_GENOTYPES:
        splits = [[s[-1], s[0]] if len(s) > 1 else s for s in splits]
    found: dict[tuple[float, ...], None] = {}
    for choice in itertools.islice(itertools.product(*splits), MAX_GENOTYPES):
        chosen = dict(zip(open_totals, choice, strict=True))
        pairs = [chosen[int(t)] if a < 0 else (int(a), int(b)) for a, b, t in states]
        for vector in _mixed_options(pairs, second) if mixed and second is not None else _options(pairs):
            if any(vector):
                found.setdefault(vector)
    dtype = np.float64 if mixed else np.int64
    return np.array(list(found), dtype=dtype).reshape(len(found), len(states))


def _options(pairs: list[tuple[int, int]]) -> list[tuple[float, ...]]:
    """One copy, all copies of the major allele, all copies of the minor one, in every sample."""
    return [tuple(min(1, a + b) for a, b in pairs), *zip(*pairs, strict=True)]


def _mixed_options(pairs: list[tuple[int, int]], second: np.ndarray) -> list[tuple[float, ...]]:
    """As `_options`, for the first state, for the second one and for all tumour cells on average."""
    there = second[:, 0] >= 0
    first = np.array(pairs, float)
    other = np.where(there[:, None], second[:, :2], first)
    share = np.where(there, second[:, 2], 1.0)[:, None]
    one = np.minimum(np.maximum(first.sum(axis=1), other.sum(axis=1)), 1.0)
    mean = np.round(share * first + (1.0 - share) * other, 6)
    return [tuple(map(float, v)) for v in (one, *first.T, *other.T, *mean.T)]


def _filled_states(ds: xr.Dataset) -> tuple[np.ndarray, ...]:
    """Copy numbers [N, S] with uncalled segments as normal.

    Major, minor, total (the average of both states where there are two), normal, fixed fractions (-1: none),
    and of the second state: major, minor (-1: none) and the share of the first.
    """
    major = ds["major_cn"].values.astype(np.int64)
    minor = ds["minor_cn"].values.astype(np.int64)
    normal = ds["normal_cn"].values.astype(np.int64)
    total = ds["total_cn"].values.astype(np.int64) if "total_cn" in ds else np.full_like(major, -1)
    uncalled = (major < 0) & (total < 0)
    major = np.where(uncalled, (normal + 1) // 2, major)
    minor = np.where(uncalled, normal // 2, minor)
    total = np.where(major >= 0, major + minor, total)
    fixed = ds["var_read_prob"].values if "var_read_prob" in ds else np.full(major.shape, np.nan)
    second = _second_states(ds)
    two = second[0] >= 0
    mean = second[2] * total + (1.0 - second[2]) * (second[0] + second[1])
    total = np.where(two, mean, total) if two.any() else total
    return major, minor, total, normal, np.where(np.isnan(fixed), -1.0, fixed), *second


def _second_states(ds: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Major and minor copies of the second state [N, S], -1 where there is none, and the first one's share."""
    shape = ds["major_cn"].shape
    if "major_cn_2" not in ds:
        none = np.full(shape, -1, np.int64)
        return none, none, np.ones(shape)
    major, minor = (ds[name].values.astype(np.int64) for name in ("major_cn_2", "minor_cn_2"))
    share = ds["cn_fraction"].values
    return major, minor, np.where(major >= 0, share, 1.0)


def _classes(columns: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Class of every mutation (mutations with equal copy number everywhere) and one member of each class."""
    samples = columns[0].shape[1]
    code = np.zeros(len(columns[0]), np.int64)
    for s in range(samples):
        stacked = np.stack([c[:, s].astype(float) for c in columns], axis=1)
        key = np.zeros(len(code), np.int64)
        for column in stacked.T:
            values, inverse = np.unique(column, return_inverse=True)
            key = key * len(values) + inverse
        values, inverse = np.unique(key, return_inverse=True)
        code = code * len(values) + inverse
        _, code = np.unique(code, return_inverse=True)
    _, first = np.unique(code, return_index=True)
    return code, first


def _axes(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index [S, N] of each count on its sample's axis of distinct values (0 always first), offsets, values."""
    index = np.empty(counts.shape, np.uint32)  # unsigned: no test for negative indices in the kernels
    values, offsets = [], [0]
    for s, column in enumerate(counts):
        distinct = np.union1d(np.zeros(1, np.int64), column)
        index[s] = np.searchsorted(distinct, column)
        values.append(distinct.astype(float))
        offsets.append(offsets[-1] + len(distinct))
    return index, np.array(offsets, np.int64), np.concatenate(values)


class _Cells:
    """Numbers the distinct (mutated copies, total, normal, aberrant, fixed) states of every sample."""

    def __init__(self, samples: int) -> None:
        self.tables: list[dict[tuple[float, ...], int]] = [{} for _ in range(samples)]

    def local(self, s: int, state: tuple[float, ...]) -> int:
        return self.tables[s].setdefault(state, len(self.tables[s]))

    def flatten(self) -> tuple[np.ndarray, np.ndarray]:
        offsets = np.concatenate([[0], np.cumsum([len(t) for t in self.tables])]).astype(np.int64)
        rows = [state for table in self.tables for state in table]
        return offsets, np.array(rows, dtype=float).reshape(len(rows), 5)


def compile_reads(ds: xr.Dataset, spec: Spec) -> CompiledReads:
    """Lay out a validated Dataset for the kernels.

    Parameters
    ----------
    ds
        Dims `mutation`, `specimen` (see `clonalbayes.data.schema`).
    spec
        Model specification; its noise component is evaluated here, because it never changes.

    Returns
    -------
    CompiledReads
    """
    depth = np.maximum(ds["depth"].values.astype(np.int64), 0)
    alt = np.where(depth > 0, ds["alt_count"].values.astype(np.int64), 0)
    columns = _filled_states(ds)
    code, first = _classes(columns)
    order = np.argsort(code, kind="stable")
    cells = _Cells(depth.shape[1])
    geno, off, multiplicity = _genotype_table(columns, first, cells)
    cell_off, cell_rows = cells.flatten()
    geno_cell = geno + cell_off[:-1]
    data = _assemble(alt[order].T.copy(), depth[order].T.copy(), code[order], geno_cell, off, cell_off, cell_rows,
                     int(ds.attrs.get("min_alt", 0)), spec)  # fmt: skip
    return CompiledReads(data, order, multiplicity)


def _genotype_table(
    columns: tuple[np.ndarray, ...], first: np.ndarray, cells: _Cells
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Local cell of every genotype [G, S], first row of each class (and the end), multiplicities [G, S]."""
    major, minor, total, normal, fixed, *second = columns
    rows: list[list[int]] = []
    copies: list[np.ndarray] = []
    off = [0]
    for i in first:
        states = np.stack([major[i], minor[i], total[i]], axis=1)
        vectors = genotype_vectors(states, np.stack([column[i] for column in second], axis=1))
        given = fixed[i] >= 0
        vectors = np.unique(np.where(given, 1, vectors), axis=0)[::-1] if given.any() else vectors
        for vector in vectors:
            rows.append([_cell(cells, s, vector[s], major[i, s], total[i, s], normal[i, s], fixed[i, s])
                         for s in range(len(vector))])  # fmt: skip
            copies.append(np.where(given, np.nan, vector))
        off.append(len(rows))
    return np.array(rows, np.int64), np.array(off, np.int64), np.array(copies, float)


def _cell(
    cells: _Cells, s: int, mult: float, major: int, total: float, normal: int, fixed: float
) -> int:
    if fixed >= 0:
        return cells.local(s, (1.0, 2.0, 2.0, 0.0, float(fixed)))
    usual = total == normal and (major < 0 or major == (normal + 1) // 2)
    return cells.local(
        s, (float(mult), float(total), float(normal), 0.0 if usual and mult == 1 else 1.0, -1.0)
    )


def _assemble(
    alt: np.ndarray, depth: np.ndarray, cls: np.ndarray, geno_cell: np.ndarray, geno_off: np.ndarray,
    cell_off: np.ndarray, cell_rows: np.ndarray, min_alt: int, spec: Spec,
) -> ReadData:  # fmt: skip
    """Put the counts on axes and lay out the blocks of the tables."""
    alt_ix, alt_off, alt_val = _axes(alt)
    ref_ix, ref_off, ref_val = _axes(depth - alt)
    depth_ix, depth_off, depth_val = _axes(depth)
    cell_sample = np.repeat(np.arange(len(cell_off) - 1), np.diff(cell_off))
    choose = log_choose(depth, alt)
    scattered = scattered_loglik(
        depth, alt, spec.value("noise_presence", "p"), spec.value("noise_slab", "alpha"),
        spec.value("noise_slab", "beta"), spec.constant("noise_error_rate"), min_alt,
    )  # fmt: skip
    fractions, weights = beta_grid(spec.value("noise_recurrent_fraction", "alpha"),
                                   spec.value("noise_recurrent_fraction", "beta"))  # fmt: skip
    recurrent = recurrent_loglik(
        alt_ix, ref_ix, depth_ix, alt_off, alt_val, ref_off, ref_val, depth_off, depth_val, choose, fractions, weights,
        spec.constant("noise_recurrent_precision"), min_alt,
    )  # fmt: skip
    noise = mix_noise(*scattered, *recurrent, spec.value("noise_recurrent", "p"), min_alt)
    mult, total, normal = (np.ascontiguousarray(cell_rows[:, j]) for j in range(3))
    alt_pos, ref_pos, depth_pos = (_blocks(off, cell_sample) for off in (alt_off, ref_off, depth_off))
    return ReadData(
        alt_ix=alt_ix, ref_ix=ref_ix, depth_ix=depth_ix,
        alt_off=alt_off, alt_val=alt_val, ref_off=ref_off, ref_val=ref_val, depth_off=depth_off, depth_val=depth_val,
        cls=cls.astype(np.int64),
        cls_start=np.concatenate([[0], np.cumsum(np.bincount(cls))]).astype(np.int64),
        n_geno=np.diff(geno_off), geno_off=geno_off[:-1].copy(), geno_cell=geno_cell,
        cell_sample=cell_sample.astype(np.int64), cell_off=cell_off,
        cell_mult=mult, cell_total=total, cell_normal=normal,
        cell_aberrant=cell_rows[:, 3].astype(np.int64), cell_fixed=cell_rows[:, 4].copy(),
        alt_pos=alt_pos, ref_pos=ref_pos, depth_pos=depth_pos,
        log_choose=choose, saturated=saturated_loglik(depth, alt), noise_ll=noise,
        of_all_cells=int(has_tree(spec)), context=np.full(alt.shape[1], NO_CONTEXT), min_alt=min_alt,
    )  # fmt: skip


def beta_grid(alpha: float, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """Discretise Beta(alpha, beta) for the alt fraction of recurrent artefacts.

    Returns
    -------
    tuple of numpy.ndarray
        Fractions, evenly spaced in logarithm, and their weights, which sum to 1.
    """
    fractions = np.geomspace(*GRID_RANGE, GRID_SIZE)
    log_density = alpha * np.log(fractions) + (beta - 1.0) * np.log1p(-fractions)
    weights = np.exp(log_density - log_density.max())
    return fractions, weights / weights.sum()


def _blocks(offsets: np.ndarray, cell_sample: np.ndarray) -> np.ndarray:
    """Start of each cell's block in a table row, and the row's width."""
    widths = np.diff(offsets)[cell_sample]
    return np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)


def compile_priors(ds: xr.Dataset, spec: Spec) -> Priors:
    """The specification's priors as the kernels read them, with the Dataset's purities and error rates.

    A purity without an error gets the specification's, or is taken as known if it is 1 (a file that says so
    has no normal cells to estimate); an error rate in the Dataset replaces the median
    of the prior. Where every sample is nearly pure, a germline variant looks like a mutation of the trunk:
    the germline component gets no weight then.
    """
    samples = ds.sizes["specimen"]
    error = [np.log(spec.value("error_rate", "median")), spec.value("error_rate", "sigma")]
    error_rate = np.tile(np.array(error, float), (samples, 1))
    if "error_rate" in ds and np.isfinite(ds["error_rate"].values).any():
        given = float(np.nanmedian(ds["error_rate"].values))
        error_rate[:, 0] = np.log(min(max(given, 1e-7), 0.02))
    purity = _purity(ds, spec)
    component = np.array(spec.vector("component_weight"))
    if purity[:, 0].min() > GERMLINE_NEEDS_PURITY:
        component[2] = NO_WEIGHT
    share, linked = _share(ds, purity)
    return Priors(
        concentration=np.array(
            [spec.value("concentration", "shape"), spec.value("concentration", "rate")], float
        ),
        presence=np.ones(3) if has_tree(spec) else np.array(spec.vector("presence_prob")),
        precision=np.array(
            [np.log(spec.value("precision", "median")), spec.value("precision", "sigma")], float
        ),
        error_rate=error_rate,
        purity=purity,
        cn_clonal=np.array(
            [spec.value("cn_clonal_fraction", "alpha"), spec.value("cn_clonal_fraction", "beta")]
        ),
        component=component,
        tree=_tree_constants(spec),
        share=_with_slack(share, spec),
        linked=linked,
    )


def has_tree(spec: Spec) -> bool:
    """Whether the specification's prevalences are those of a tree."""
    return spec.blocks["prevalence"] == "tree"


def _purity(ds: xr.Dataset, spec: Spec) -> np.ndarray:
    """[S, 2] mean and standard deviation of each sample's purity; with the tree sd 0 where it is not known."""
    samples = ds.sizes["specimen"]
    sd = np.asarray(ds["purity_sd"].values, float) if "purity_sd" in ds.coords else np.full(samples, np.nan)
    exact = np.isnan(sd) & (ds["purity"].values >= 1.0)
    sd = np.where(exact, 0.0 if has_tree(spec) else EXACT_PURITY, sd)
    sd = np.where(np.isnan(sd), spec.value("purity", "sd"), sd)
    sd = np.where(exact, sd, np.maximum(sd, EXACT_PURITY))
    return np.stack([np.clip(np.asarray(ds["purity"].values, float), DEFAULT_PURITY_FLOOR, 1.0), sd], axis=1)


def _share(ds: xr.Dataset, purity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is known of the tumour cells' share where the reads do not depend on the purity, and where they do.

    They do where cells differ in their copies of a site, or a germline variant's alleles may do so.
    """
    if "major_cn" not in ds:
        return purity.copy(), np.zeros(len(purity), np.int64)
    major, _, total, normal, fixed, second, *_ = _filled_states(ds)
    balanced = np.where(major >= 0, major == (normal + 1) // 2, normal == 1)
    aberrant = (fixed < 0.0) & ((total != normal) | ~balanced | (second >= 0))
    return purity.copy(), aberrant.any(axis=0).astype(np.int64)


def _with_slack(share: np.ndarray, spec: Spec) -> np.ndarray:
    """Add the slack between purity and the tumour cells' share where a purity is known."""
    if has_tree(spec):
        slack = spec.constant("purity_slack")
        share[:, 1] = np.where(share[:, 1] > 0, np.hypot(share[:, 1], slack), 0.0)
    return share


def _tree_constants(spec: Spec) -> np.ndarray:
    """`Priors.tree` of a specification; zeros without a tree."""
    if not has_tree(spec):
        return np.zeros(7)
    return np.array(
        [
            1.0, spec.constant("founder_weight"), spec.constant("purity_slack"),
            spec.value("fraction_concentration", "sigma"),
            np.log(spec.value("fraction_concentration_median", "median")),
            spec.value("fraction_concentration_median", "sigma"), spec.value("present_prob", "concentration"),
        ]
    )  # fmt: skip
