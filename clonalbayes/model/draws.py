"""Forward draws of the model's own distributions, compiled; randomness comes from the generator passed in.

The random variables of `partition`, `reads` and `called` use them, whether PyTensor runs them in Python or
compiles them into a larger function.
"""

from __future__ import annotations

import math

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import GERMLINE, NOISE
from clonalbayes.kernels.special import log_gamma

UNPLACED = -3  # label of mutations whose clone found no slot; outside the support
ROUNDS = 20  # of rejection, before a clone that can hardly be seen is drawn by enumeration
NOISE_ROUNDS = 10_000
SMALLEST = 1e-300  # fraction of the cells of a population that is there


@kernel
def draw_index(weights: np.ndarray, n: int, rng: np.random.Generator) -> int:
    """An index below n with probability proportional to its weight."""
    target = rng.random() * weights[:n].sum()
    for j in range(n - 1):
        target -= weights[j]
        if target < 0.0:
            return j
    return n - 1


@kernel
def draw_assignment(
    rng: np.random.Generator, concentration: float, weights: np.ndarray, n: int, slots: int
) -> np.ndarray:
    """Labels [n]: components with integrated-out weights, clones by the Chinese restaurant process.

    Clones sit in random slots; those that find none are `UNPLACED`.
    """
    place = np.full(max(slots, n), UNPLACED)
    place[:slots] = rng.permutation(slots)
    component, sizes, labels = weights.astype(np.float64), np.zeros(n + 1), np.empty(n, np.int64)
    clones = 0
    for i in range(n):
        kind = draw_index(component, 3, rng)
        component[kind] += 1.0
        if kind == 1:
            labels[i] = NOISE
        elif kind == 2:
            labels[i] = GERMLINE
        else:
            sizes[clones] = concentration  # the place of a new clone
            block = draw_index(sizes, clones + 1, rng)
            if block == clones:
                sizes[block] = 0.0
                clones += 1
            sizes[block] += 1.0
            labels[i] = place[block]
    return labels


@kernel
def draw_truncated_normal(
    rng: np.random.Generator, mu: float, sigma: float, lower: float, upper: float
) -> float:
    """A normal draw within the bounds, by rejection: meant for bounds that leave much of the mass."""
    while True:
        x = rng.normal(mu, sigma)
        if lower <= x <= upper:
            return x


@kernel
def draw_uniform_integer(rng: np.random.Generator, lower: int, upper: int) -> int:
    """An integer from lower to upper, both included."""
    return lower + min(int(rng.random() * (upper - lower + 1)), upper - lower)


@kernel
def was_missed(alt: np.ndarray, depth: np.ndarray, min_alt: int) -> bool:
    """Whether a mutation was not called but could have been."""
    return alt.max() < min_alt and depth.max() >= min_alt


@kernel
def draw_reads(
    rng: np.random.Generator, p: np.ndarray, precision: np.ndarray, depth: np.ndarray, min_alt: int
) -> np.ndarray:
    """Beta-binomial alt counts [S] of a mutation that was called; one that never could be just gets reads."""
    alt = np.zeros(len(depth), np.int64)
    for _ in range(ROUNDS):
        for s in range(len(depth)):
            share = rng.beta(p[s] * precision[s], (1.0 - p[s]) * precision[s])
            alt[s] = rng.binomial(depth[s], share) if depth[s] > 0 else 0
        if not was_missed(alt, depth, min_alt):
            return alt
    return draw_seen(rng, p, precision, depth, min_alt)


@kernel
def draw_seen(
    rng: np.random.Generator, p: np.ndarray, precision: np.ndarray, depth: np.ndarray, min_alt: int
) -> np.ndarray:
    """As `draw_reads`, without rejection: the first sample that shows it is drawn before the counts."""
    samples = len(depth)
    first, unseen = np.zeros(samples), 1.0
    for s in range(samples):
        mass = beta_binomial_mass(depth[s], p[s], precision[s])
        first[s] = unseen * mass[min_alt:].sum()
        unseen *= mass[:min_alt].sum()
    shows = draw_index(first, samples, rng)
    alt = np.zeros(samples, np.int64)
    for s in range(samples):
        mass = beta_binomial_mass(depth[s], p[s], precision[s])
        if s < shows:
            mass[min_alt:] = 0.0
        elif s == shows:
            mass[:min_alt] = 0.0
        alt[s] = draw_index(mass, len(mass), rng)
    return alt


@kernel
def beta_binomial_mass(depth: int, p: float, precision: float) -> np.ndarray:
    """Probabilities of 0 .. depth alt reads."""
    a, b = p * precision, (1.0 - p) * precision
    mass = np.empty(depth + 1)
    constant = log_gamma(depth + 1.0) - log_gamma(precision + depth)
    constant += log_gamma(precision) - log_gamma(a) - log_gamma(b)
    for k in range(depth + 1):
        value = constant - log_gamma(k + 1.0) - log_gamma(depth - k + 1.0)
        mass[k] = math.exp(value + log_gamma(a + k) + log_gamma(b + depth - k))
    return mass


@kernel
def draw_noise(
    rng: np.random.Generator, depth: np.ndarray, min_alt: int, noise: tuple, grid: np.ndarray
) -> np.ndarray:
    """Alt counts [S] of an artefact that was called.

    `noise` is a `called.NoiseShape`; `grid` [2, n] has the alt fractions of recurrent artefacts and weights.
    """
    alt = np.zeros(len(depth), np.int64)
    for _ in range(NOISE_ROUNDS):
        recurrent = rng.random() < noise[0]
        centre = grid[0, draw_index(grid[1], grid.shape[1], rng)]
        for s in range(len(depth)):
            if recurrent:
                share = rng.beta(centre * noise[1], (1.0 - centre) * noise[1])
            else:
                share = rng.beta(noise[3], noise[4]) if rng.random() < noise[2] else noise[5]
            alt[s] = rng.binomial(depth[s], share) if depth[s] > 0 else 0
        if not was_missed(alt, depth, min_alt):
            break
    return alt


@kernel
def draw_parents(rng: np.random.Generator, sizes: np.ndarray, weight: float) -> np.ndarray:
    """Parents [slots] of a tree over the slots with members: 0 the root, 1 + slot, -1 without members.

    Its probability is proportional to `weight` to the number of children of the root: Wilson's algorithm
    (loop-erased random walks) on the complete graph whose edges to the root have that weight.
    """
    slots = np.flatnonzero(sizes)
    parent, done = np.full(len(sizes), -1), np.zeros(len(sizes) + 1, np.bool_)
    done[0] = True
    for start in slots:
        node = int(start) + 1
        while not done[node]:
            up = draw_neighbour(rng, slots, node, weight)
            parent[node - 1] = up  # a walk that comes back overwrites its loop
            node = up
        node = int(start) + 1
        while not done[node]:
            done[node] = True
            node = parent[node - 1]
    return parent


@kernel
def draw_neighbour(rng: np.random.Generator, slots: np.ndarray, node: int, weight: float) -> int:
    """A step of the walk from a node (1 + slot): the root by its weight, or any other node."""
    others = len(slots) - 1
    if rng.random() * (weight + others) < weight:
        return 0
    other = int(slots[min(int(rng.random() * others), others - 1)]) + 1
    return int(slots[others]) + 1 if other == node else other


@kernel
def draw_tree_presence(rng: np.random.Generator, parent: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Presence [slots, S]: a coin for each clone under a present parent, with the sample's chance."""
    presence = np.full((len(parent), len(chance)), -1)
    for k in range(len(parent)):
        for s in range(len(chance)):
            node, length = k + 1, 0
            path = np.empty(len(parent), np.int64)  # upwards, to the first that is decided
            while node > 0 and parent[node - 1] >= 0 and presence[node - 1, s] < 0:
                path[length] = node - 1
                length += 1
                node = parent[node - 1]
            there = node == 0 or presence[node - 1, s] == 1
            for j in range(length - 1, -1, -1):
                there = there and rng.random() < chance[s]
                presence[path[j], s] = 1 if there else 0
    return np.maximum(presence, 0)


@kernel
def draw_fractions(rng: np.random.Generator, presence: np.ndarray, concentration: np.ndarray) -> np.ndarray:
    """Fractions [1 + slots, S]: symmetric Dirichlet over the normal cells and the present clones."""
    slots, samples = presence.shape
    fraction = np.zeros((slots + 1, samples))
    for s in range(samples):
        a, logs = concentration[s], np.full(slots + 1, -np.inf)
        for k in range(slots + 1):
            if k == 0 or presence[k - 1, s] == 1:  # Gamma(a) as Gamma(a + 1) U^(1 / a), without underflow
                logs[k] = math.log(rng.standard_gamma(a + 1.0)) + math.log(1.0 - rng.random()) / a
        share = np.exp(logs - logs.max())
        total = share.sum()
        for k in range(slots + 1):
            if logs[k] > -np.inf:
                fraction[k, s] = max(share[k] / total, SMALLEST)
    return fraction
