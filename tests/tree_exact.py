"""The exact posterior over trees, and over partitions with trees, of small problems, by enumeration.

What is held is in `tree_twin.TreeParameters`. Fractions are integrated by sticks: the normal cells first, then
the clones one after another, each a Beta share of what is left, by Gauss-Jacobi rules that carry the density's
singularities in their weights. The reads' likelihood is smooth in the shares, so that few nodes are exact to many
digits. A purity that the reads need is a further dimension, by Gauss-Legendre around what the fractions say.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import tree_twin as twin
import xarray as xr
from exact import GERMLINE, called, labellings, multiplicities, noise_loglik, partition_log_prior
from scipy.special import roots_jacobi, roots_legendre
from tree_twin import TreeParameters, descendants

PURITY_NODES, PURITY_WIDTH = 14, 5.0

type Key = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass
class Rule:
    """Nodes of one sample: fractions [M, n + 1] with the normal cells first, purities [M], weights [M]."""

    fraction: np.ndarray
    purity: np.ndarray
    weight: np.ndarray


def beta_rule(n: int, a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in (0, 1) and weights for the mean under Beta(a, b)."""
    x, w = roots_jacobi(n, b - 1.0, a - 1.0)
    return 0.5 * (x + 1.0), w / w.sum()


def stick_rule(clones: int, a: float, first: int, others: int) -> tuple[np.ndarray, np.ndarray]:
    """Fractions [M, clones + 1] and weights [M] for means under the symmetric Dirichlet(a)."""
    axes = [beta_rule(first if j == 0 else others, a, (clones - j) * a) for j in range(clones)]
    fraction, weight, left = np.ones((1, 0)), np.ones(1), np.ones(1)
    for x, w in axes:
        fraction = np.repeat(fraction, len(x), axis=0)
        share = np.tile(x, len(left)) * np.repeat(left, len(x))
        left = np.repeat(left, len(x)) - share
        fraction = np.column_stack([fraction, share])
        weight = np.outer(weight, w).ravel()
    return np.column_stack([fraction, left]), weight


def sample_rule(ds: xr.Dataset, p: TreeParameters, s: int, clones: int, first: int, others: int) -> Rule:
    """Rule of a sample that has so many clones; the purity's density and observation are in the weights."""
    fraction, weight = stick_rule(clones, float(p.fraction_concentration[s]), first, others)
    purity = 1.0 - fraction[:, 0]
    if twin.needs_purity(ds, s):
        x, w = roots_legendre(PURITY_NODES)
        low, high = (np.clip(purity + side * PURITY_WIDTH * p.slack, 0.0, 1.0) for side in (-1.0, 1.0))
        purity = (0.5 * (low + high)[:, None] + 0.5 * (high - low)[:, None] * x).ravel()
        weight = (weight[:, None] * 0.5 * (high - low)[:, None] * w).ravel()
        fraction = np.repeat(fraction, PURITY_NODES, axis=0)
    weight = weight * np.exp(twin.purity_log_density(ds, p, s, fraction[:, 0], purity))
    return Rule(fraction, purity, weight)


def closed_sets(parent: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Sets of clones that can be present together: each with its parent."""
    for there in itertools.product((0, 1), repeat=len(parent)):
        if all(parent[k] == 0 or there[parent[k] - 1] for k in range(len(parent)) if there[k]):
            yield tuple(k for k, v in enumerate(there) if v)


@dataclass
class TreeEnumeration:
    """Posterior masses of one Dataset.

    `first` and `others` are the numbers of nodes of the normal cells' share and of the other sticks.
    """

    ds: xr.Dataset
    p: TreeParameters
    grid: tuple[np.ndarray, np.ndarray]
    first: int = 24
    others: int = 14
    rules: dict[tuple[int, int], Rule] = field(default_factory=dict)
    tables: dict[tuple[object, ...], np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.samples = self.ds.sizes["specimen"]
        self.options = [multiplicities(self.ds, i) for i in range(self.ds.sizes["mutation"])]
        self.noise = [math.exp(noise_loglik(self.ds, i, self.grid)) for i in range(len(self.options))]
        self.conditioned = int(self.ds.attrs["min_alt"]) > 0
        assert self.samples <= 2 or not self.conditioned, "calls tie the samples together"

    def rule(self, s: int, clones: int) -> Rule:
        """The rule of a sample, made once."""
        if (s, clones) not in self.rules:
            self.rules[s, clones] = sample_rule(self.ds, self.p, s, clones, self.first, self.others)
        return self.rules[s, clones]

    def table(
        self, kind: str, s: int, i: int, copies: int, clones: int, columns: tuple[int, ...] | None
    ) -> np.ndarray:
        """Likelihood ("pmf") or chance not to be called ("low") of mutation i at the nodes of a rule.

        `columns` are the fractions that carry it, none for germline.
        """
        key = (kind, s, i, copies, clones, columns)
        if key not in self.tables:
            rule = self.rule(s, clones)
            phi = rule.fraction[:, list(columns or ())].sum(axis=1)
            mean = twin.mean_alt(self.ds, self.p, i, s, copies, phi, rule.purity, columns is None)
            law = twin.reads_log_pmf if kind == "pmf" else twin.reads_low
            value = law(self.ds, self.p, i, s, mean)
            self.tables[key] = np.exp(value) if kind == "pmf" else value
        return self.tables[key]

    def factors(
        self, kind: str, s: int, labels: tuple[int, ...], parent: tuple[int, ...], there: tuple[int, ...], g: list[int]
    ) -> list[np.ndarray]:
        """`table` of every mutation outside noise, in one sample with a set of present clones."""
        found = []
        for i, label in enumerate(labels):
            if label == GERMLINE:
                columns: tuple[int, ...] | None = None
            elif label >= 0:
                columns = tuple(1 + there.index(j) for j in descendants(parent, label) if j in there)
            else:
                continue
            found.append(self.table(kind, s, i, self.options[i][g[i]][s], len(there), columns))
        return found

    def pieces(
        self, s: int, labels: tuple[int, ...], parent: tuple[int, ...], g: list[int], focus: str
    ) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
        """Weights x likelihood at the nodes, and the chances not to be called, of every presence set."""
        for there in closed_sets(parent):
            presence = [int(k in there) for k in range(len(parent))]
            rule = self.rule(s, len(there))
            prior = math.exp(twin.presence_log_prior(parent, presence, self.p.present_prob[s]))
            weight = prior * rule.weight * self.function(focus, rule, labels, parent, there)
            for value in self.factors("pmf", s, labels, parent, there, g):
                weight = weight * value
            yield weight, self.factors("low", s, labels, parent, there, g) if self.conditioned else []

    @staticmethod
    def function(
        focus: str, rule: Rule, labels: tuple[int, ...], parent: tuple[int, ...], there: tuple[int, ...]
    ) -> np.ndarray | float:
        """A function of the state of one sample; of mutation 0's clone, it is 0 if there is none."""
        if focus == "one":
            return 1.0
        if focus == "normal":
            return rule.fraction[:, 0]
        if focus == "present clones":
            return float(len(there))
        if labels[0] < 0:
            return 0.0
        if focus in ("present", "absent"):
            return float((labels[0] in there) == (focus == "present"))
        columns = [1 + there.index(j) for j in descendants(parent, labels[0]) if j in there]
        phi = rule.fraction[:, columns].sum(axis=1)
        own = rule.fraction[:, 1 + there.index(labels[0])] if labels[0] in there else 0.0 * phi
        return {"prevalence": phi, "prevalence squared": phi * phi, "fraction": own}[focus]

    def likelihood(
        self, labels: tuple[int, ...], parent: tuple[int, ...], focus: str = "one", at: int = 0
    ) -> float:
        """P(reads | labels, tree), or the mean of a function of sample `at` under it."""
        total = 0.0
        free = [range(len(o)) if label != -1 else range(1) for o, label in zip(self.options, labels, strict=True)]
        for g in itertools.product(*free):
            parts = [
                list(self.pieces(s, labels, parent, list(g), focus if s == at else "one")) for s in range(self.samples)
            ]
            chance = 1.0 / math.prod(len(r) for r in free)
            if not self.conditioned:
                total += chance * math.prod(sum(float(np.sum(w)) for w, _ in part) for part in parts)
            else:
                total += chance * sum(joint_mass(choice) for choice in itertools.product(*parts))
        return total * math.prod(self.noise[i] for i, label in enumerate(labels) if label == -1)

    def mass(self, labels: tuple[int, ...], parent: tuple[int, ...], focus: str = "one", at: int = 0) -> float:
        """Unnormalised posterior mass of a labelling with a tree."""
        prior = partition_log_prior(list(labels), self.p)  # type: ignore[arg-type]
        prior += twin.tree_log_prior(parent, self.p.founder_weight)
        return math.exp(prior) * self.likelihood(labels, parent, focus, at)

    @cached_property
    def posterior(self) -> dict[Key, float]:
        """Probability of every labelling (clones numbered by first appearance) with every tree."""
        keys = [
            (labels, parent)
            for labels in labellings(self.ds.sizes["mutation"])
            for parent in twin.trees(clones_in(labels))
        ]
        return normalised({key: self.mass(*key) for key in keys})

    def trees_of(self, labels: tuple[int, ...]) -> dict[Key, float]:
        """Probability of every tree, the labels given."""
        return normalised({(labels, parent): self.mass(labels, parent) for parent in twin.trees(clones_in(labels))})

    def expect(self, keys: Sequence[Key], focus: str, at: int) -> float:
        """Posterior mean of a function of sample `at` over the given labellings with trees."""
        return sum(self.mass(*key, focus, at) for key in keys) / sum(self.mass(*key) for key in keys)


def clones_in(labels: Sequence[int]) -> int:
    """Number of clones of labels that number them from 0."""
    return max(max(labels, default=-1), -1) + 1


def joint_mass(choice: Sequence[tuple[np.ndarray, list[np.ndarray]]]) -> float:
    """Integral over one or two samples of weights x likelihood / chance of the calls."""
    weight = choice[0][0] if len(choice) == 1 else choice[0][0][:, None] * choice[1][0]
    for low in zip(*(lows for _, lows in choice), strict=True):
        missed = low[0] if len(low) == 1 else low[0][:, None] * low[1]
        weight = weight * np.exp(-called(missed))
    return float(weight.sum())


def normalised(masses: dict[Key, float]) -> dict[Key, float]:
    """Masses as shares of their sum."""
    total = sum(masses.values())
    return {key: mass / total for key, mass in masses.items()}
