"""Moves of the clone fractions with the tree fixed, and of the tree prior's parameters."""

import math

import numpy as np

from clonalbayes.kernels.ascertainment import accept_low, propose_low
from clonalbayes.kernels.contexts import log_gate
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT, Priors, ReadData
from clonalbayes.kernels.profile import Terms
from clonalbayes.kernels.special import log_gamma
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tree_grove import Grove, exact_height
from clonalbayes.kernels.tree_hang import refill_low
from clonalbayes.kernels.tree_pieces import TINY, tie
from clonalbayes.kernels.tree_place import (
    NO_ROOM,
    Offer,
    draw_filled,
    fill_place,
    gap_filled,
    has_room,
    log_absent,
    log_present_factor,
    tie_of_whole,
)  # fmt: skip

COUNT_SETTLE, COUNT_TRANSFER, COUNT_SHIFT = 22, 24, 32
SPARSITY_RANGE = (0.01, 20.0)
LARGE = 0.01  # of the cells: a population that holds more can give some to those above without dying
DESCENDANTS_SHARE = 0.5  # of the transfers go between clones near each other in the tree


@kernel
def sample_offer(state: State, k: int, s: int, offer: Offer) -> bool:
    """What clone k's own parent offers in sample s; False if a needed room is missing."""
    p, root = state.parent[k], state.ccf.shape[0]
    offer.children[s] = 0.0
    offer.absent[s] = 0
    for j in range(state.n_clones[0]):
        if state.parent[j] == k:
            offer.children[s] += state.ccf[j, s]
            if state.presence[j, s] == ABSENT:
                offer.absent[s] += 1
    offer.open[s] = 1 if p == root or state.presence[p, s] != ABSENT else 0
    offer.whole[s] = state.fraction[p, s] + state.ccf[k, s]
    offer.room[s] = state.fraction[p, s] + state.fraction[k, s]
    return not (offer.children[s] > 0.0 and offer.room[s] <= NO_ROOM)


@kernel
def settle(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, offer: Offer, k: int, s: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Truncated draw of clone k's presence and fraction in sample s, its parent giving or taking."""
    p, root = state.parent[k], state.ccf.shape[0]
    if not sample_offer(state, k, s, offer) or offer.open[s] == 0:
        return
    state.counters[COUNT_SETTLE] += 1
    at_root = p == root
    if not has_room(offer, s):
        return
    others = grove.populations[s] - (1 if state.presence[k, s] != ABSENT else 0)
    offer.presence[s], offer.own[s], offer.rest[s] = state.presence[k, s], state.fraction[k, s], state.fraction[p, s]
    absent = log_absent(state, grove, k, s, offer)
    n, present = fill_place(state, grove, k, s, offer, at_root)
    present += log_present_factor(state, grove, k, s, offer, others) - tie_of_whole(grove, s, offer, at_root)
    ratio = -grove.now[k, s]
    if state.presence[k, s] == ABSENT:
        ratio += grove.heights[k, s, 0]
    else:
        ratio -= gap_filled(state, grove, s, offer, n, at_root)
    draw_filled(state, grove, k, s, offer, absent, present, n, at_root, rng)
    if offer.presence[s] == ABSENT and state.presence[k, s] == ABSENT:
        return
    y = offer.children[s] + offer.own[s]
    offer.height[s] = exact_height(data, state, work, terms, k, s, y)
    ratio += offer.height[s] + offer.gap[s]
    ratio += log_gate(state, work, k, state.presence[k], s, offer.presence[s])
    ratio -= log_gate(state, work, k, state.presence[k], -1, 0)
    ratio += state.heat[0] * propose_low(data, state, work, k, s, y, state.error_rate[s], state.precision[s])
    if math.log(rng.random()) < ratio:
        state.counters[COUNT_SETTLE + 1] += 1
        accept_low(work, k, s)
        grove.populations[s] += offer.presence[s] - state.presence[k, s]
        grove.now[k, s] = offer.height[s]
        state.presence[k, s] = offer.presence[s]
        state.fraction[k, s], state.fraction[p, s] = offer.own[s], offer.rest[s]
        state.ccf[k, s] = y


@kernel
def path_between(state: State, i: int, j: int, path: np.ndarray) -> int:
    """Clones that hold i but not j (first) and those that hold j but not i; their numbers, packed as up * 4096 + down.

    `path` gets both lists one after the other.
    """
    root = state.ccf.shape[0]
    up = 0
    x = i
    while x != root and not is_above(state, x, j):
        path[up] = x
        up += 1
        x = state.parent[x]
    down = 0
    x = j
    while x != root and not is_above(state, x, i):
        path[up + down] = x
        down += 1
        x = state.parent[x]
    return up * 4096 + down


@kernel
def is_above(state: State, x: int, j: int) -> bool:
    """Whether x is j or an ancestor of j."""
    root = state.ccf.shape[0]
    while j != root:
        if j == x:
            return True
        j = state.parent[j]
    return x == root


@kernel
def move_cells(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, s: int, i: int, j: int, new_u: float,
    new_v: float, back: float, path: np.ndarray, packed: int, height: np.ndarray, rng: np.random.Generator,
) -> bool:  # fmt: skip
    """Propose that the populations i and j of sample s have the fractions new_u and new_v; whether they have.

    The way back is (new_u new_v / (u v))**back times as likely as the way there. `path`, `packed`: see `path_between`.
    """
    root = state.ccf.shape[0]
    u, v = state.fraction[i, s], state.fraction[j, s]
    ratio = (state.sparsity[s] - 1.0 + back) * (math.log(new_u) + math.log(new_v) - math.log(u) - math.log(v))
    if i == root:
        ratio += tie(new_u, grove.tie[s, 0], grove.tie[s, 1]) - tie(u, grove.tie[s, 0], grove.tie[s, 1])
    if j == root:
        ratio += tie(new_v, grove.tie[s, 0], grove.tie[s, 1]) - tie(v, grove.tie[s, 0], grove.tie[s, 1])
    up, down = packed // 4096, packed % 4096
    change = new_u - u if u < v else v - new_v
    log_u = math.log(rng.random())
    for x in range(up + down):
        k = path[x]
        y = min(max(state.ccf[k, s] + (change if x < up else -change), TINY), 1.0)
        height[x] = exact_height(data, state, work, terms, k, s, y)
        ratio += height[x] - grove.now[k, s]
        ratio += state.heat[0] * propose_low(data, state, work, k, s, y, state.error_rate[s], state.precision[s])
    if log_u >= ratio:
        return False
    for x in range(up + down):
        k = path[x]
        state.ccf[k, s] = min(max(state.ccf[k, s] + (change if x < up else -change), TINY), 1.0)
        grove.now[k, s] = height[x]
        accept_low(work, k, s)
    state.fraction[i, s], state.fraction[j, s] = new_u, new_v
    return True


@kernel
def transfer(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, s: int, i: int, j: int, path: np.ndarray,
    height: np.ndarray, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Move cells of sample s between the populations i and j: a random walk of the logit of their division.

    The prevalences of all clones between the two in the tree move together, which single draws do slowly.
    """
    u, v = state.fraction[i, s], state.fraction[j, s]
    room = u + v
    logit = math.log(u) - math.log(v) + math.exp(rng.uniform(-4.0, 1.5)) * rng.standard_normal()
    if abs(logit) > 600.0:
        return
    state.counters[COUNT_TRANSFER] += 1
    new_u, new_v = room / (1.0 + math.exp(-logit)), room / (1.0 + math.exp(logit))
    if new_u < TINY or new_v < TINY:
        return
    packed = path_between(state, i, j, path)
    if move_cells(data, state, work, terms, grove, s, i, j, new_u, new_v, 1.0, path, packed, height, rng):
        state.counters[COUNT_TRANSFER + 1] += 1


@kernel
def pick_large(state: State, s: int, rng: np.random.Generator) -> int:
    """A population of sample s, picked by its fraction."""
    clones, root = state.n_clones[0], state.ccf.shape[0]
    left = rng.random() - state.fraction[root, s]
    if left < 0.0:
        return root
    for k in range(clones):
        left -= state.fraction[k, s]
        if left < 0.0:
            return k
    return root


@kernel
def width_of(grove: Grove, k: int, s: int) -> float:
    """About the standard deviation of the prevalence of clone k in sample s by its reads alone, from its curve."""
    nodes, best = grove.nodes[k, s], grove.best[k, s]
    beside = best + 1 if best + 1 < grove.n_nodes[k, s] else best - 1
    return 2.0 * abs(nodes[beside] - nodes[best])  # nodes about the mode are half a deviation apart


@kernel
def shift(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, s: int, i: int, j: int, least: float,
    back: float, path: np.ndarray, height: np.ndarray, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Move cells of sample s between the populations i and j, about as many as the reads of the clones between allow.

    Refused where i, or j if it is a clone, would be left with `least` cells or fewer. `back` as of `move_cells`.
    """
    root = state.ccf.shape[0]
    u, v = state.fraction[i, s], state.fraction[j, s]
    state.counters[COUNT_SHIFT] += 1
    packed = path_between(state, i, j, path)
    precision = 1.0 / (u + v) ** 2
    for x in range(packed // 4096 + packed % 4096):
        precision += 1.0 / max(width_of(grove, path[x], s), 1e-9) ** 2
    if (i == root or j == root) and grove.tie[s, 1] > 0.0:
        precision += 1.0 / grove.tie[s, 1] ** 2
    step = math.exp(rng.uniform(-1.0, 1.2)) * rng.standard_normal() / math.sqrt(precision)
    if u + step <= max(least, TINY) or v - step <= (TINY if j == root else max(least, TINY)):
        return
    if move_cells(data, state, work, terms, grove, s, i, j, u + step, v - step, back, path, packed, height, rng):
        state.counters[COUNT_SHIFT + 1] += 1


@kernel
def shift_stacks(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, s: int, path: np.ndarray,
    height: np.ndarray, rng: np.random.Generator,
) -> None:  # fmt: skip
    """`shift` between every large population and the next large one above it, or the normal cells; and two by size.

    A chain of clones that share nearly all cells moves up or down as one, which single draws and walks of the logit do
    slowly. What is large stays so; pairs by size are picked by the product of their fractions.
    """
    root = state.ccf.shape[0]
    for i in range(state.n_clones[0]):
        if state.fraction[i, s] > LARGE:
            j = state.parent[i]
            while j != root and state.fraction[j, s] <= LARGE:
                j = state.parent[j]
            shift(data, state, work, terms, grove, s, i, j, LARGE, 0.0, path, height, rng)
    i, j = pick_large(state, s, rng), pick_large(state, s, rng)
    if i != j and state.fraction[i, s] > 0.0 and state.fraction[j, s] > 0.0:
        shift(data, state, work, terms, grove, s, i, j, 0.0, 1.0, path, height, rng)


@kernel
def pick_pair(state: State, s: int, rng: np.random.Generator) -> tuple[int, int]:
    """Two different populations present in sample s, near each other in the tree or anywhere; (-1, -1): none."""
    clones, root = state.n_clones[0], state.ccf.shape[0]
    i = min(int(rng.random() * clones), clones - 1)
    near = rng.random() < DESCENDANTS_SHARE
    j = min(int(rng.random() * (clones + 1)), clones)
    if near:  # the grandparent
        p = state.parent[i]
        j = clones if p == root else state.parent[p]
        j = clones if j == root else j
    j = root if j == clones else j
    if i == j or state.presence[i, s] == ABSENT or (j != root and state.presence[j, s] == ABSENT):
        return -1, -1
    return i, j


@kernel
def settle_all(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, offer: Offer, transfers: float, shifts: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Truncated draws for every clone and sample, `transfers` times as many transfers; `shifts` of stacks."""
    clones = state.n_clones[0]
    if clones == 0:
        return
    path, height = np.empty(2 * clones + 2, np.int64), np.empty(2 * clones + 2)
    for s in range(state.ccf.shape[1]):
        for k in range(clones):
            settle(data, state, work, terms, grove, offer, k, s, rng)
        for _ in range(int(transfers * clones + rng.random())):
            i, j = pick_pair(state, s, rng)
            if i >= 0:
                transfer(data, state, work, terms, grove, s, i, j, path, height, rng)
        for _ in range(shifts):
            shift_stacks(data, state, work, terms, grove, s, path, height, rng)
    for k in range(clones):
        if work.weak[k]:
            refill_low(data, state, work, k)


@kernel
def fractions_log_density(a: float, log_sum: float, n: int) -> float:
    """Log Dirichlet(a, ..., a) density of the n fractions present in sample s, whose logs sum to `log_sum`."""
    return log_gamma(n * a) - n * log_gamma(a) + (a - 1.0) * log_sum


@kernel
def sum_log_fractions(state: State, s: int) -> tuple[float, int]:
    """Sum of the logs of the fractions present in sample s, and their number."""
    total, n = math.log(state.fraction[state.ccf.shape[0], s]), 1
    for k in range(state.n_clones[0]):
        if state.presence[k, s] != ABSENT:
            total += math.log(state.fraction[k, s])
            n += 1
    return total, n


@kernel
def update_sparsity(state: State, priors: Priors, rng: np.random.Generator) -> None:
    """Random-walk steps for the Dirichlet's concentration of every sample; their scale given them."""
    sigma = priors.tree[3]
    total = 0.0
    for s in range(len(state.sparsity)):
        log_sum, n = sum_log_fractions(state, s)
        for step in (0.25, 0.8):
            old = math.log(state.sparsity[s])
            new = old + step * rng.standard_normal()
            if not math.log(SPARSITY_RANGE[0]) < new < math.log(SPARSITY_RANGE[1]):
                continue
            centre = state.sparsity_scale[0]
            ratio = 0.5 * ((old - centre) ** 2 - (new - centre) ** 2) / sigma**2
            ratio += fractions_log_density(math.exp(new), log_sum, n)
            ratio -= fractions_log_density(math.exp(old), log_sum, n)
            if math.log(rng.random()) < ratio:
                state.sparsity[s] = math.exp(new)
        total += math.log(state.sparsity[s])
    precision = len(state.sparsity) / sigma**2 + 1.0 / priors.tree[5] ** 2
    centre = (total / sigma**2 + priors.tree[4] / priors.tree[5] ** 2) / precision
    state.sparsity_scale[0] = centre + rng.standard_normal() / math.sqrt(precision)


@kernel
def log_beta_psi(state: State, mean: float, strength: float) -> float:
    """Log density of all samples' psi given their mean."""
    a, b = strength * mean, strength * (1.0 - mean)
    total = len(state.psi) * (log_gamma(strength) - log_gamma(a) - log_gamma(b))
    for s in range(len(state.psi)):
        total += (a - 1.0) * math.log(state.psi[s]) + (b - 1.0) * math.log1p(-state.psi[s])
    return total


@kernel
def update_psi(state: State, priors: Priors, rng: np.random.Generator) -> None:
    """Conjugate draw of each sample's probability that a clone whose parent is present is present; their mean."""
    root, strength = state.ccf.shape[0], priors.tree[6]
    for s in range(len(state.psi)):
        yes, no = strength * state.psi_mean[0], strength * (1.0 - state.psi_mean[0])
        for k in range(state.n_clones[0]):
            p = state.parent[k]
            if state.presence[k, s] != ABSENT:
                yes += 1.0
            elif p == root or state.presence[p, s] != ABSENT:
                no += 1.0
        state.psi[s] = min(max(rng.beta(yes, no), 1e-9), 1.0 - 1e-9)
    for step in (0.1, 0.4):
        new = state.psi_mean[0] + step * rng.standard_normal()
        if 1e-3 < new < 1.0 - 1e-3:
            ratio = log_beta_psi(state, new, strength) - log_beta_psi(state, state.psi_mean[0], strength)
            if math.log(rng.random()) < ratio:
                state.psi_mean[0] = new
