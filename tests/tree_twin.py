"""The tree model's density in numpy and scipy by its definition, one term after another: slow and obvious.

A state is described by labels [N] (clone from 0, -1 noise, -2 germline), parents [K] (0 the normal root, else
1 + the parent clone), fractions [K + 1, S] with the normal cells first (exact zeros where a clone is absent),
presence [K, S] and, where a sample's reads depend on it, purity [S].

A sample with aberrant copy number has a purity of its own, Normal(1 - normal cells, slack) within (0, 1]; this
condition is put on the prior without making up for its probability.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from exact import GERMLINE, NOISE, called, chance_low, log_pmf, noise_loglik, partition_log_prior
from scipy import stats


@dataclass
class TreeParameters:
    """What is held: per-sample arrays [S], and the numbers of the tree's and the partition's prior."""

    present_prob: np.ndarray
    fraction_concentration: np.ndarray
    precision: np.ndarray
    error_rate: np.ndarray
    cn_clonal: np.ndarray
    observed: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))  # [S, 2] purity and sd; NaN: none
    concentration: float = 1.0
    component: Sequence[float] = (10.0, 0.5, 0.2)
    founder_weight: float = 0.3
    slack: float = 0.01

    def __post_init__(self) -> None:
        if not len(self.observed):
            self.observed = np.full((len(self.precision), 2), np.nan)


# ---- trees


def trees(clones: int) -> Iterator[tuple[int, ...]]:
    """All rooted labelled trees on the root 0 and so many clones, as parents."""
    for parent in itertools.product(range(clones + 1), repeat=clones):
        if is_tree(parent):
            yield parent


def is_tree(parent: Sequence[int]) -> bool:
    """Whether every clone leads to the root."""
    return all(0 in path_to_root(parent, k) for k in range(len(parent)))


def path_to_root(parent: Sequence[int], k: int) -> list[int]:
    """Node numbers (1 + clone) from the parent of clone k upwards, to the root or once round a circle."""
    path: list[int] = []
    node = parent[k]
    while node not in path:
        path.append(node)
        if node == 0:
            break
        node = parent[node - 1]
    return path


def descendants(parent: Sequence[int], k: int) -> list[int]:
    """Clone k and all below it."""
    return [j for j in range(len(parent)) if j == k or k + 1 in path_to_root(parent, j)]


def tree_log_prior(parent: Sequence[int], founder_weight: float) -> float:
    """log of w^(f - 1) / (K + w)^(K - 1), f founders among K clones."""
    clones, founders = len(parent), list(parent).count(0)
    if clones == 0:
        return 0.0
    return (founders - 1) * math.log(founder_weight) - (clones - 1) * math.log(clones + founder_weight)


def depth_of(parent: Sequence[int]) -> int:
    """Most clones on a path from the root; 0 without clones."""
    return max((len(path_to_root(parent, k)) for k in range(len(parent))), default=0)


# ---- one sample


def presence_log_prior(parent: Sequence[int], presence: Sequence[int], present_prob: float) -> float:
    """Of presence [K] in one sample: under a present parent a coin, under an absent one absent."""
    total = 0.0
    for k, there in enumerate(presence):
        above = parent[k] == 0 or presence[parent[k] - 1]
        if not above:
            total += -math.inf if there else 0.0
        else:
            total += math.log(present_prob if there else 1.0 - present_prob)
    return total


def fraction_log_prior(fraction: np.ndarray, presence: Sequence[int], concentration: float) -> float:
    """Dirichlet over normal cells and present clones, fractions [K + 1] of one sample; absent ones are 0."""
    there = np.array([True, *map(bool, presence)])
    if (fraction[~there] != 0.0).any() or (fraction[there] <= 0.0).any() or abs(fraction.sum() - 1.0) > 1e-9:
        return -math.inf
    if there.sum() == 1:
        return 0.0
    return float(stats.dirichlet.logpdf(fraction[there], np.full(int(there.sum()), concentration)))


def prevalences(parent: Sequence[int], fraction: np.ndarray) -> np.ndarray:
    """Cells of each clade, [K, S], from fractions [K + 1, S]."""
    rows = [sum(fraction[1 + j] for j in descendants(parent, k)) for k in range(len(parent))]
    return np.array(rows).reshape(len(parent), fraction.shape[1])


def needs_purity(ds: xr.Dataset, s: int) -> bool:
    """Whether some copy number of the sample is not that of normal cells."""
    major, minor, normal = (ds[name].values[:, s].astype(int) for name in ("major_cn", "minor_cn", "normal_cn"))
    given = ~np.isnan(ds["var_read_prob"].values[:, s]) if "var_read_prob" in ds else np.zeros(len(major), bool)
    usual = (major + minor == normal) & (major == -(-normal // 2))
    return bool((~usual & ~given).any())


def purity_log_density(
    ds: xr.Dataset, p: TreeParameters, s: int, normal: float | np.ndarray, purity: float | np.ndarray
) -> np.ndarray:
    """Of a sample's purity (where the reads need it) and its observation, given the normal cells' fraction."""
    observed, sd = p.observed[s]
    tumour = 1.0 - np.asarray(normal)
    if not needs_purity(ds, s):
        if np.isnan(observed):
            return np.zeros(tumour.shape)
        return stats.norm.logpdf(observed, tumour, math.hypot(sd, p.slack))
    purity = np.asarray(purity)
    total = stats.norm.logpdf(purity, tumour, p.slack)
    if not np.isnan(observed):
        total = total + stats.norm.logpdf(observed, purity, sd)
    return np.where((purity > 0.0) & (purity <= 1.0), total, -np.inf)


# ---- reads


def mean_alt(
    ds: xr.Dataset,
    p: TreeParameters,
    i: int,
    s: int,
    copies: float,
    prevalence: float | np.ndarray,
    purity: float | np.ndarray,
    germline: bool = False,
) -> np.ndarray:
    """Expected share of alt reads of mutation i in sample s, errors included."""
    major, minor, normal = (int(ds[name].values[i, s]) for name in ("major_cn", "minor_cn", "normal_cn"))
    total, share = major + minor, p.cn_clonal[s]
    given = float(ds["var_read_prob"].values[i, s]) if "var_read_prob" in ds else math.nan
    prevalence, purity = np.asarray(prevalence, float), np.asarray(purity, float)
    if not math.isnan(given):
        x = np.full(np.broadcast_shapes(prevalence.shape, purity.shape), given) if germline else given * prevalence
    elif total == normal and major == math.ceil(normal / 2) and copies == 1:
        x = (1.0 + 0.0 * purity if germline else prevalence) / normal
    else:
        copies = share * copies + (1.0 - share)
        total_now = share * total + (1.0 - share) * normal
        mutated = purity * copies + 1.0 - purity if germline else prevalence * copies
        x = mutated / (purity * total_now + (1.0 - purity) * normal)
    x = np.minimum(x, 1.0)
    return x * (1.0 - p.error_rate[s]) + (1.0 - x) * p.error_rate[s]


def reads_log_pmf(ds: xr.Dataset, p: TreeParameters, i: int, s: int, mean: np.ndarray) -> np.ndarray:
    """Log probability of mutation i's reads in sample s; 0 where the count is missing."""
    alt, depth = int(ds["alt_count"].values[i, s]), int(ds["depth"].values[i, s])
    return log_pmf(alt, depth, mean, p.precision[s]) if depth > 0 else np.zeros(np.shape(mean))


def reads_low(ds: xr.Dataset, p: TreeParameters, i: int, s: int, mean: np.ndarray) -> np.ndarray:
    """Chance of too few alt reads of mutation i in sample s to be called there."""
    depth = int(ds["depth"].values[i, s])
    return chance_low(depth, mean, p.precision[s], int(ds.attrs["min_alt"])) if depth > 0 else np.ones(np.shape(mean))


def log_likelihood(
    ds: xr.Dataset,
    p: TreeParameters,
    labels: Sequence[int],
    copies: np.ndarray,
    prevalence: np.ndarray,
    purity: np.ndarray,
    grid: tuple[np.ndarray, np.ndarray],
) -> float:
    """Log likelihood of all reads; `copies` [N, S], `prevalence` [K, S], `purity` [S]."""
    total = 0.0
    for i, label in enumerate(labels):
        if label == NOISE:
            total += noise_loglik(ds, i, grid)
            continue
        missed = 1.0
        for s in range(ds.sizes["specimen"]):
            phi = prevalence[label, s] if label >= 0 else 0.0
            mean = mean_alt(ds, p, i, s, copies[i, s], phi, purity[s], label == GERMLINE)
            total += float(reads_log_pmf(ds, p, i, s, mean))
            if ds.attrs["min_alt"] > 0:
                missed *= float(reads_low(ds, p, i, s, mean))
        if ds.attrs["min_alt"] > 0:
            total -= float(called(missed))
    return total


def log_joint(
    ds: xr.Dataset,
    p: TreeParameters,
    labels: Sequence[int],
    parent: Sequence[int],
    presence: np.ndarray,
    fraction: np.ndarray,
    purity: np.ndarray,
    copies: np.ndarray,
    n_genotypes: Sequence[int],
    grid: tuple[np.ndarray, np.ndarray],
) -> float:
    """Log density of labels, genotypes, tree, presence, fractions, purities and reads, given what is held."""
    if not is_tree(parent):
        return -math.inf
    total = partition_log_prior(list(labels), p) + tree_log_prior(parent, p.founder_weight)  # type: ignore[arg-type]
    for s in range(ds.sizes["specimen"]):
        total += presence_log_prior(parent, presence[:, s], p.present_prob[s])
        total += fraction_log_prior(fraction[:, s], presence[:, s], p.fraction_concentration[s])
        total += float(purity_log_density(ds, p, s, fraction[0, s], purity[s]))
    total -= float(np.log(n_genotypes).sum())
    if total == -math.inf:
        return total
    return total + log_likelihood(ds, p, labels, copies, prevalences(parent, fraction), purity, grid)


def hyper_log_prior(
    p: TreeParameters,
    fraction_median: float,
    present_mean: float,
    median: float = 0.3,
    spread: float = 1.0,
    sigma: float = 0.5,
    strength: float = 4.0,
) -> float:
    """Log prior of a and psi of all samples with what they are drawn around."""
    total = stats.lognorm.logpdf(fraction_median, spread, scale=median)
    total += stats.lognorm.logpdf(p.fraction_concentration, sigma, scale=fraction_median).sum()
    a, b = strength * present_mean, strength * (1.0 - present_mean)
    return float(total + stats.beta.logpdf(p.present_prob, a, b).sum())
