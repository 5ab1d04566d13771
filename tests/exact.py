"""Slow and obvious twins of the kernels: the joint density by its definition, and posteriors by enumeration.

Everything here works on the Dataset's own rows and columns with `scipy.stats`, and shares no code with the
kernels. Integrals over prevalences are Gauss-Legendre sums over a grid with the two atoms at its ends.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import xarray as xr
from scipy import stats
from scipy.special import gammaln

NOISE, GERMLINE = -1, -2
NODES = 48
NEGLIGIBLE = 1e-9  # what the model calls a negligible chance of having been missed
CONSTANTS = {  # the noise component of models/clones.toml
    "presence": 0.5,
    "slab": (1.0, 3.0),
    "error": 5e-4,
    "recurrent": 0.3,
    "fraction": (1.0, 9.0),
    "precision": 200.0,
}


@dataclass
class Parameters:
    """What the samples share: per-sample arrays, and the numbers of the partition's prior."""

    concentration: float
    presence_prob: np.ndarray  # [S, 3]
    precision: np.ndarray  # [S]
    error_rate: np.ndarray
    purity: np.ndarray
    cn_clonal: np.ndarray
    component: Sequence[float] = (10.0, 0.5, 0.2)


def multiplicities(ds: xr.Dataset, i: int) -> list[tuple[int, ...]]:
    """Distinct vectors of mutated copies of mutation i with a copy somewhere (allelic splits known)."""
    major, minor = (ds[name].values[i].astype(int) for name in ("major_cn", "minor_cn"))
    options = {tuple(np.minimum(major + minor, 1)), tuple(major), tuple(minor)}
    return sorted(tuple(int(v) for v in option) for option in options if any(option))


def mean_alt(
    ds: xr.Dataset,
    p: Parameters,
    i: int,
    s: int,
    copies: float,
    ccf: float | np.ndarray,
    normal_carry: bool = False,
) -> float | np.ndarray:
    """Expected share of alt reads of mutation i in sample s, errors included (`normal_carry`: germline)."""
    major, minor, normal = (int(ds[name].values[i, s]) for name in ("major_cn", "minor_cn", "normal_cn"))
    tumour, share, purity = major + minor, p.cn_clonal[s], p.purity[s]
    given = float(ds["var_read_prob"].values[i, s]) if "var_read_prob" in ds else math.nan
    if not math.isnan(given):
        return _with_errors(given * (1.0 if normal_carry else purity * np.asarray(ccf)), p.error_rate[s])
    if not (tumour == normal and major == math.ceil(normal / 2) and copies == 1):
        copies = share * copies + (1.0 - share) * 1.0
        tumour = share * tumour + (1.0 - share) * normal
    mutated = purity * copies * np.asarray(1.0 if normal_carry else ccf) + (1.0 - purity) * float(
        normal_carry
    )
    return _with_errors(mutated / (purity * tumour + (1.0 - purity) * normal), p.error_rate[s])


def _with_errors(x: float | np.ndarray, error: float) -> float | np.ndarray:
    x = np.minimum(x, 1.0)
    return x * (1.0 - error) + (1.0 - x) * error


def log_pmf(alt: int, depth: int, mean: float | np.ndarray, precision: float) -> np.ndarray:
    """Beta-binomial log probability."""
    mean = np.asarray(mean)
    return stats.betabinom.logpmf(alt, depth, mean * precision, (1.0 - mean) * precision)


def chance_low(depth: int, mean: float | np.ndarray, precision: float, min_alt: int) -> np.ndarray:
    """Chance of fewer than `min_alt` alt reads."""
    mean = np.asarray(mean)
    return stats.betabinom.cdf(min_alt - 1, depth, mean * precision, (1.0 - mean) * precision)


def called(missed: np.ndarray | float) -> np.ndarray:
    """Log chance of having been called, with the model's treatment of the extremes."""
    missed = np.asarray(missed)
    return np.where(missed < NEGLIGIBLE, 0.0, np.log1p(-np.minimum(missed, 1.0 - NEGLIGIBLE)))


def carrier_loglik(
    ds: xr.Dataset,
    p: Parameters,
    i: int,
    copies: Sequence[float],
    ccf: Sequence[float | np.ndarray],
    normal_carry: bool = False,
) -> np.ndarray:
    """Log likelihood of mutation i in a clone (or germline), given that it was called; ccf may broadcast."""
    total, missed = np.zeros(()), np.ones(())
    min_alt = int(ds.attrs["min_alt"])
    for s in range(ds.sizes["specimen"]):
        alt, depth = int(ds["alt_count"].values[i, s]), max(int(ds["depth"].values[i, s]), 0)
        mean = mean_alt(ds, p, i, s, copies[s], ccf[s], normal_carry)
        if depth > 0:
            total = total + log_pmf(alt, depth, mean, p.precision[s])
        if min_alt > 0:
            missed = missed * (chance_low(depth, mean, p.precision[s], min_alt) if depth > 0 else 1.0)
    return total - called(missed) if min_alt > 0 else total


def noise_loglik(ds: xr.Dataset, i: int, grid: tuple[np.ndarray, np.ndarray]) -> float:
    """Log likelihood of mutation i as an artefact: scattered, or recurrent at a fraction of the grid."""
    min_alt, c = int(ds.attrs["min_alt"]), CONSTANTS
    depth = np.maximum(ds["depth"].values[i].astype(int), 0)
    alt = np.where(depth > 0, ds["alt_count"].values[i], 0)
    fractions, weights = grid

    def likelihood(event: str) -> float:
        x = alt if event == "pmf" else np.full(len(depth), min_alt - 1)
        shown = getattr(stats.betabinom, event)(x, depth, *c["slab"])
        silent = getattr(stats.binom, event)(x, depth, c["error"])
        a, b = fractions[:, None] * c["precision"], (1.0 - fractions[:, None]) * c["precision"]
        recurrent = getattr(stats.betabinom, event)(x, depth, a, b).prod(axis=1) @ weights
        scattered = np.prod(c["presence"] * shown + (1.0 - c["presence"]) * silent)
        return float((1.0 - c["recurrent"]) * scattered + c["recurrent"] * recurrent)

    return math.log(likelihood("pmf")) - (math.log1p(-likelihood("cdf")) if min_alt > 0 else 0.0)


def partition_log_prior(labels: Sequence[int], p: Parameters) -> float:
    """Dirichlet-multinomial over the three kinds, and the Chinese restaurant's density within clones."""
    kinds = np.array([sum(v >= 0 for v in labels), labels.count(NOISE), labels.count(GERMLINE)])
    weight = np.asarray(p.component)
    total = (
        gammaln(weight.sum())
        - gammaln(weight.sum() + kinds.sum())
        + (gammaln(weight + kinds) - gammaln(weight)).sum()
    )
    sizes = [labels.count(k) for k in {v for v in labels if v >= 0}]
    total += len(sizes) * math.log(p.concentration) + sum(gammaln(n) for n in sizes)
    return float(total + gammaln(p.concentration) - gammaln(p.concentration + kinds[0]))


def admissible(presence: np.ndarray) -> bool:
    """Whether every clone is somewhere and no two all-atom clones agree. `presence` is [K, S]."""
    atoms = [tuple(row) for row in presence if not (row == 1).any()]
    return len(set(atoms)) == len(atoms) and all((row > 0).any() for row in presence)


def log_joint(
    ds: xr.Dataset,
    p: Parameters,
    labels: Sequence[int],
    copies: np.ndarray,
    n_genotypes: Sequence[int],
    presence: np.ndarray,
    ccf: np.ndarray,
    grid: tuple[np.ndarray, np.ndarray],
) -> float:
    """Log density of assignments, genotypes, presence, ccf and reads, given the parameters.

    `labels`, `copies` [N, S] and `n_genotypes` are in the Dataset's order; `presence` and `ccf` are [K, S].
    """
    if not admissible(presence):
        return -math.inf
    total = partition_log_prior(list(labels), p)
    for k, s in itertools.product(range(len(presence)), range(ds.sizes["specimen"])):
        total += math.log(p.presence_prob[s, presence[k, s]])
    return total - float(np.log(n_genotypes).sum()) + log_likelihood(ds, p, labels, copies, ccf, grid)


def log_likelihood(
    ds: xr.Dataset,
    p: Parameters,
    labels: Sequence[int],
    copies: np.ndarray,
    ccf: np.ndarray,
    grid: tuple[np.ndarray, np.ndarray],
) -> float:
    """Log likelihood of all reads given assignments, genotypes and ccf."""
    total = 0.0
    for i, label in enumerate(labels):
        if label == NOISE:
            total += noise_loglik(ds, i, grid)
        else:
            row = ccf[label] if label >= 0 else np.ones(ds.sizes["specimen"])
            total += float(carrier_loglik(ds, p, i, copies[i], row, label == GERMLINE))
    return total


def labellings(n: int) -> Iterator[tuple[int, ...]]:
    """All assignments of n mutations to noise, germline and unlabelled clones."""

    def extend(head: tuple[int, ...], clones: int) -> Iterator[tuple[int, ...]]:
        if len(head) == n:
            yield head
            return
        for label in (NOISE, GERMLINE, *range(clones + 1)):
            yield from extend((*head, label), max(clones, label + 1))

    return extend((), 0)


FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "one": lambda ccf: np.ones(ccf.shape[1:]),
    "ccf": lambda ccf: ccf[0],
    "ccf squared": lambda ccf: ccf[0] ** 2,
    "subclonal": lambda ccf: np.where((ccf[0] > 0.0) & (ccf[0] < 1.0), ccf[0], 0.0),
    "clonal": lambda ccf: (ccf[0] == 1.0).astype(float),
    "absent": lambda ccf: (ccf[1] == 0.0).astype(float),
}
"""Functions of the ccf [S, ...] of mutation 0's clone, in the first sample (absence: second)."""


@dataclass
class Enumeration:
    """The exact posterior of a small problem with fixed parameters, over all labellings."""

    ds: xr.Dataset
    p: Parameters
    grid: tuple[np.ndarray, np.ndarray]
    cache: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, samples = self.ds.sizes["mutation"], self.ds.sizes["specimen"]
        x, w = np.polynomial.legendre.leggauss(NODES)
        self.nodes = np.concatenate([[0.0], (x + 1.0) / 2.0, [1.0]])
        axes = np.meshgrid(*[self.nodes] * samples, indexing="ij")
        self.ccf = np.stack(axes)
        per_sample = [np.concatenate([[q[0]], q[1] * w / 2.0, [q[2]]]) for q in self.p.presence_prob]
        self.weight = np.ones(())
        for s, values in enumerate(per_sample):
            self.weight = self.weight * values.reshape([-1 if t == s else 1 for t in range(samples)])
        self.options = [multiplicities(self.ds, i) for i in range(n)]
        # [genotype][grid] likelihoods of each mutation, the genotypes' uniform prior included
        self.clone = [
            [np.exp(carrier_loglik(self.ds, self.p, i, g, axes)) / len(o) for g in o]
            for i, o in enumerate(self.options)
        ]
        ones = np.ones(samples)
        self.germline = [
            [float(np.exp(carrier_loglik(self.ds, self.p, i, g, ones, True))) / len(o) for g in o]
            for i, o in enumerate(self.options)
        ]
        self.noise = [
            [math.exp(noise_loglik(self.ds, i, self.grid)) / len(o)] * len(o)
            for i, o in enumerate(self.options)
        ]

    def block(self, members: tuple[int, ...], focus: str, genotype: int | None) -> np.ndarray:
        """Mass of a clone with these members: not all atoms, then each all-atom presence vector but absence.

        `focus` names a function of ccf to be integrated along; `genotype` restricts mutation 0.
        """
        key = (members, focus, genotype)
        if key not in self.cache:
            mass = self.weight * FUNCTIONS[focus](self.ccf)
            for i in members:
                mass = mass * (sum(self.clone[i]) if genotype is None or i > 0 else self.clone[i][genotype])
            corners = itertools.product(*[(0, -1)] * mass.ndim)
            atoms = np.array([mass[corner] for corner in corners])
            self.cache[key] = np.concatenate([[mass.sum() - atoms.sum()], atoms[1:]])
        return self.cache[key]

    def mass(self, labels: tuple[int, ...], focus: str = "one", genotype: int | None = None) -> float:
        """Unnormalised posterior mass of a labelling; clones that agree in all atoms are left out."""
        total = math.exp(partition_log_prior(list(labels), self.p))
        for i, label in enumerate(labels):
            chosen = self.germline[i] if label == GERMLINE else self.noise[i]
            if label < 0:
                total *= sum(chosen) if genotype is None or i > 0 else chosen[genotype]
        blocks = [tuple(i for i, v in enumerate(labels) if v == k) for k in range(max(labels) + 1)]
        masses = [self.block(b, focus if 0 in b else "one", genotype if 0 in b else None) for b in blocks]
        joint = 0.0
        for choice in itertools.product(*[range(len(m)) for m in masses]):
            atoms = [c for c in choice if c > 0]
            if len(set(atoms)) == len(atoms):
                joint += math.prod(m[c] for m, c in zip(masses, choice, strict=True))
        return total * joint

    @cached_property
    def posterior(self) -> dict[tuple[int, ...], float]:
        """Probability of every labelling."""
        masses = {labels: self.mass(labels) for labels in labellings(self.ds.sizes["mutation"])}
        total = sum(masses.values())
        return {labels: mass / total for labels, mass in masses.items()}

    def expect(self, labels: list[tuple[int, ...]], focus: str = "one", genotype: int | None = None) -> float:
        """Posterior mean over labellings of a function of the ccf of mutation 0's clone, 0 if it has none.

        With `genotype`, the chance of this genotype of mutation 0.
        """
        kept = [v for v in labels if focus == "one" or v[0] >= 0]
        return sum(self.mass(v, focus, genotype) for v in kept) / sum(self.mass(v) for v in labels)
