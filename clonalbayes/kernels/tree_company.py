"""Re-hanging a clone in company: the parent that it comes to or leaves is drawn anew with it.

Alone (`tree_hang`) a clone can only go where there is room for it now. In company its new parent makes room, from the
clone above, or its old parent gives room back (`tree_two`). Presence and fractions of the clones concerned are drawn
from stand-ins, sample by sample; what those miss decides on acceptance. Parents are chosen evenly among those that
cost the likelihood less than `LIMIT` nats, and `SLACK` a sample: how many there are, there and back, enters the ratio.
"""

import math

import numpy as np

from clonalbayes.kernels.contexts import log_gate
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT, SUBCLONAL, Priors, ReadData
from clonalbayes.kernels.profile import Terms
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tree_grove import Grove, exact_height, mark_subtree
from clonalbayes.kernels.tree_hang import log_called_now, log_sum, refill_low
from clonalbayes.kernels.tree_local import is_above
from clonalbayes.kernels.tree_pieces import MAX_PIECES, height
from clonalbayes.kernels.tree_place import NO_ROOM
from clonalbayes.kernels.tree_two import (
    HAS_C,
    HAS_K,
    OF_C,
    OF_K,
    OWN_C,
    OWN_E,
    OWN_H,
    OWN_K,
    as_is,
    draw_new,
    gap,
    prevalence_of,
    surroundings,
    weigh,
)  # fmt: skip

COUNT_COMPANY = 30
LIMIT, SLACK = 10.0, 0.05


@kernel
def take_over(
    state: State, grove: Grove, k: int, c: int, e: int, around: np.ndarray, below: bool, x: np.ndarray
) -> None:
    """Hang k below c, or beside it at e, with presence, fractions and heights x [8, S]."""
    h = state.parent[c]
    for s in range(x.shape[1]):
        for row, has in ((c, HAS_C), (k, HAS_K)):
            present = SUBCLONAL if x[has, s] > 0.0 else ABSENT
            grove.populations[s] += (1 if present != ABSENT else 0) - (1 if state.presence[row, s] != ABSENT else 0)
            state.presence[row, s] = present
        state.fraction[c, s], state.fraction[k, s], state.fraction[h, s] = x[OWN_C, s], x[OWN_K, s], x[OWN_H, s]
        if e != h:
            state.fraction[e, s] = x[OWN_E, s]
        state.ccf[c, s], state.ccf[k, s] = prevalence_of(around[:, s], x[:, s], below)
        grove.now[c, s], grove.now[k, s] = x[OF_C, s], x[OF_K, s]
    state.parent[k] = c if below else e


@kernel
def lost_at(grove: Grove, row: int, s: int, x: float) -> float:
    """Nats that the row's likelihood loses in sample s at prevalence x, at least."""
    nodes, heights = grove.nodes[row, s], grove.heights[row, s]
    return heights[grove.best[row, s]] - height(nodes, heights, grove.n_nodes[row, s], min(max(x, 0.0), 1.0))


@kernel
def lost_below(grove: Grove, k: int, c: int, s: int, low_k: float, low_c: float, cells: float) -> float:
    """About the nats that clones k and c lose at least in sample s where k is below c."""
    if cells <= low_k:
        return 0.0 if cells == low_k == 0.0 else np.inf
    best_k, best_c = grove.nodes[k, s, grove.best[k, s]], grove.nodes[c, s, grove.best[c, s]]
    least = np.inf
    for at in (best_k, best_c - low_c, 0.5 * (best_k + best_c - low_c)):
        of_k = min(max(at, low_k), cells)
        of_c = min(max(best_c, low_c + of_k), low_c + cells)
        least = min(least, lost_at(grove, k, s, of_k) + lost_at(grove, c, s, of_c))
    return least


@kernel
def below_it(state: State, k: int, s: int) -> float:
    """Prevalence of clone k's children together; none is 0 whatever moves have left of rounding."""
    together = state.ccf[k, s] - state.fraction[k, s]
    return together if together > NO_ROOM else 0.0


@kernel
def find_companions(state: State, grove: Grove, k: int, inside: np.ndarray, found: np.ndarray) -> int:
    """The clones that k, which is beside them, may come to; their number. Fills `inside` with k's subtree."""
    e, samples = state.parent[k], state.ccf.shape[1]
    mark_subtree(state, k, inside)
    limit, n = LIMIT + SLACK * samples, 0
    low_k = np.zeros(samples)
    for s in range(samples):
        low_k[s] = below_it(state, k, s)
    for c in range(state.n_clones[0]):
        if c == e or inside[c] or is_above(state, c, e):
            continue
        lost, h = 0.0, state.parent[c]
        for s in range(samples):
            cells = state.fraction[c, s] + state.fraction[h, s] + (state.ccf[k, s] if h == e else 0.0)
            low_c = below_it(state, c, s)
            lost += lost_below(grove, k, c, s, low_k[s], low_c, cells)
            if lost > limit:
                break
        if lost <= limit:
            found[n] = c
            n += 1
    return n


@kernel
def find_places(state: State, grove: Grove, k: int, c: int, inside: np.ndarray, found: np.ndarray) -> int:
    """Where k, which is below c, may go to, the normal root as its row; their number. Fills `inside`."""
    root, h, samples = state.ccf.shape[0], state.parent[c], state.ccf.shape[1]
    mark_subtree(state, c, inside)
    limit, n = LIMIT + SLACK * samples, 0
    for j in range(state.n_clones[0] + 1):
        e = root if j == state.n_clones[0] else j
        if e != root and inside[e]:
            continue
        lost = 0.0
        for s in range(samples):
            low = below_it(state, k, s)
            cells = state.fraction[e, s]
            if e == h:
                cells += state.fraction[c, s] + state.ccf[k, s]
            if cells <= low and not cells == low == 0.0:
                lost = np.inf
                break
            lost += lost_at(grove, k, s, min(max(grove.nodes[k, s, grove.best[k, s]], low), cells))
            if lost > limit:
                break
        if lost <= limit:
            found[n] = e
            n += 1
    return n


@kernel
def log_beside_reads(data: ReadData, state: State, work: Work, k: int, c: int) -> float:
    """Log of what k and c weigh beside the tree and their reads: chances of having been called, gates of exposures."""
    total = 0.0
    for row in (k, c):
        total += log_gate(state, work, row, state.presence[row], -1, 0) - log_called_now(data, state, work, row)
    return total


@kernel
def there_and_back(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, k: int, c: int, e: int, s: int,
    near: np.ndarray, below: bool, cut: np.ndarray, now: np.ndarray, new: np.ndarray, rng: np.random.Generator,
) -> float:  # fmt: skip
    """Draw sample s as k moves, to `new` [8]: presence and fractions, heights of c and k; what it is now to `now`.

    Returns the log ratio of prior x likelihood over proposal density, -inf where there is no way there or back.
    """
    logs = np.empty(4)
    n = weigh(state, grove, k, c, e, s, near, below, cut, logs)
    x = as_is(state, k, c, e, s)
    if logs[int(x[HAS_C] + 2.0 * x[HAS_K])] == -np.inf:
        return -np.inf
    now[:6], now[OF_C], now[OF_K] = x, grove.now[c, s], grove.now[k, s]
    ratio = -log_sum(logs) - gap(state, grove, k, c, e, s, near, below, cut, n, x) - now[OF_C] - now[OF_K]
    n = weigh(state, grove, k, c, e, s, near, not below, cut, logs)
    total = log_sum(logs)
    if total == -np.inf:
        return -np.inf
    x = draw_new(state, grove, k, c, e, s, near, not below, cut, n, logs, rng)
    of_c, of_k = prevalence_of(near, x, not below)
    new[:6] = x
    new[OF_C] = exact_height(data, state, work, terms, c, s, of_c)
    new[OF_K] = exact_height(data, state, work, terms, k, s, of_k)
    return ratio + total + gap(state, grove, k, c, e, s, near, not below, cut, n, x) + new[OF_C] + new[OF_K]


@kernel
def rehang_in_company(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, k: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose that clone k leaves its parent, or comes below another clone. Reads curves and tails."""
    root, samples = state.ccf.shape[0], state.ccf.shape[1]
    inside, found = np.empty(root, np.int64), np.empty(root + 1, np.int64)
    below = rng.random() < 0.5
    c = e = state.parent[k]
    if below and c == root:
        return
    n = find_places(state, grove, k, c, inside, found) if below else find_companions(state, grove, k, inside, found)
    if n == 0:
        return
    if below:
        e = found[min(int(rng.random() * n), n - 1)]
    else:
        c = found[min(int(rng.random() * n), n - 1)]
    state.counters[COUNT_COMPANY] += 1
    around, cut = np.empty((9, samples)), np.zeros((4, MAX_PIECES + 1))
    now, new = np.empty((8, samples)), np.empty((8, samples))
    surroundings(state, grove, k, c, e, around)
    ratio = math.log(n) - log_beside_reads(data, state, work, k, c)
    if e == root:
        ratio += math.log(priors.tree[1]) if below else -math.log(priors.tree[1])
    for s in range(samples):
        ratio += there_and_back(
            data, state, work, terms, grove, k, c, e, s, around[:, s], below, cut, now[:, s], new[:, s], rng
        )
        if ratio == -np.inf:
            return
    take_over(state, grove, k, c, e, around, not below, new)
    ratio += log_beside_reads(data, state, work, k, c)
    n = find_companions(state, grove, k, inside, found) if below else find_places(state, grove, k, c, inside, found)
    if (found[:n] == (c if below else e)).any() and math.log(rng.random()) < ratio - math.log(n):
        state.counters[COUNT_COMPANY + 1] += 1
        return
    take_over(state, grove, k, c, e, around, below, now)
    for row in (k, c):
        if work.weak[row]:
            refill_low(data, state, work, row)
