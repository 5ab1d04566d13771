"""Two clones in one sample, one below or beside the other: weights and draws of their presence and fractions.

Clone k is *below* its companion c, or *beside* it, with another parent e. Either way, what c and the clone h above it
have together with k is held, and so is what e has once k is gone. Stand-ins are those of `tree_pieces`, and of
`tree_pair` where k and c share the same cells.
"""

import math

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT
from clonalbayes.kernels.state import State
from clonalbayes.kernels.tree_grove import Grove
from clonalbayes.kernels.tree_hang import draw_place
from clonalbayes.kernels.tree_pair import draw_cut, fill_cut, log_cut
from clonalbayes.kernels.tree_pieces import draw_piece, fill_pieces, log_piece, tie
from clonalbayes.kernels.tree_place import NO_ROOM

# Rows of what surrounds the two clones in each sample
CELLS, SPARE, LOW_K, GONE_K, LOW_C, GONE_C, OTHERS, OPEN_H, OPEN_E = range(9)
# Rows of what the four populations have: presence, fractions, and the heights of c and k there
HAS_C, HAS_K, OWN_C, OWN_K, OWN_H, OWN_E, OF_C, OF_K = range(8)
# Presence of c and k
NEITHER, ONLY_C, ONLY_K, BOTH = range(4)


@kernel
def surroundings(state: State, grove: Grove, k: int, c: int, e: int, around: np.ndarray) -> None:
    """What the two kinds of state have in common, to `around` [9, S].

    Cells of c, h and k's subtree together; cells of e with k gone; prevalence of k's children and number of absent
    ones; the same of c without k; populations present beside k and c; whether h and e are.
    """
    root, h, p = state.ccf.shape[0], state.parent[c], state.parent[k]
    around[:] = 0.0
    for j in range(state.n_clones[0]):
        if j != k and (state.parent[j] == k or state.parent[j] == c):
            low, gone = (LOW_K, GONE_K) if state.parent[j] == k else (LOW_C, GONE_C)
            for s in range(around.shape[1]):
                around[low, s] += state.ccf[j, s]
                around[gone, s] += 1.0 if state.presence[j, s] == ABSENT else 0.0
    for s in range(around.shape[1]):
        around[CELLS, s] = state.fraction[c, s] + state.fraction[h, s]
        if p in (c, h):
            around[CELLS, s] += state.ccf[k, s]
        around[SPARE, s] = state.fraction[e, s] + (state.ccf[k, s] if p == e else 0.0)
        around[OTHERS, s] = grove.populations[s]
        for row in (k, c):
            around[OTHERS, s] -= 1.0 if state.presence[row, s] != ABSENT else 0.0
        around[OPEN_H, s] = 1.0 if h == root or state.presence[h, s] != ABSENT else 0.0
        around[OPEN_E, s] = 1.0 if e == root or state.presence[e, s] != ABSENT else 0.0


@kernel
def has_cells(room: float, low: float) -> bool:
    """Whether a clone with children of prevalence `low` can be present."""
    return room > (NO_ROOM if low > 0.0 else 1e-250)


@kernel
def log_single(state: State, grove: Grove, row: int, s: int, low: float, room: float, at_root: bool) -> float:
    """Log integral over one clone's share of a room; fills the pieces. -inf without room."""
    if not has_cells(room, low):
        return -np.inf
    return fill_pieces(
        grove.nodes[row, s], grove.heights[row, s], grove.n_nodes[row, s], low, room, state.sparsity[s],
        grove.tie[s, 0], grove.tie[s, 1] if at_root else 0.0, grove.pieces,
    )[1]  # fmt: skip


@kernel
def log_whole(state: State, grove: Grove, s: int, whole: float, at_root: bool) -> float:
    """Log density of a population's fraction where neither clone shares it."""
    known = tie(whole, grove.tie[s, 0], grove.tie[s, 1]) if at_root else 0.0
    return (state.sparsity[s] - 1.0) * math.log(whole) + known


@kernel
def log_both(
    state: State, grove: Grove, k: int, c: int, s: int, near: np.ndarray, below: bool, at_root: bool, cut: np.ndarray
) -> tuple[int, float]:  # fmt: skip
    """Pieces of the cut where k and c share the cells of c and h; their number and log integral, -inf without room."""
    room = near[CELLS] - near[LOW_K]
    low_c = near[LOW_C] + (near[LOW_K] if below else 0.0)
    if not has_cells(room, near[LOW_K] + near[LOW_C]):
        return 0, -np.inf
    return fill_cut(state, grove, k, c, s, near[LOW_K], low_c, room, below, at_root, cut)


@kernel
def weigh_together(
    state: State, grove: Grove, k: int, c: int, s: int, near: np.ndarray, below: bool, at_root: bool,
    cut: np.ndarray, logs: np.ndarray,
) -> int:  # fmt: skip
    """Log weight of every presence of c and k in sample s to `logs`, where both share the cells of c and h.

    Their parents are h and c, or h for both. Returns the number of breakpoints of the cut.
    """
    yes, no = math.log(state.psi[s]), math.log1p(-state.psi[s])
    others, n = int(near[OTHERS]), 0
    one = grove.log_share[s, others]
    low_k, low_c = near[LOW_K], near[LOW_C]
    may_c, may_k = near[OPEN_H] > 0.0 and grove.barred[c, s] == 0, near[OPEN_H] > 0.0 and grove.barred[k, s] == 0
    logs[:] = -np.inf
    if low_k == 0.0 and low_c == 0.0:
        logs[NEITHER] = grove.heights[c, s, 0] + grove.heights[k, s, 0]
        if near[OPEN_H] > 0.0:
            logs[NEITHER] += (no if below else 2.0 * no) + log_whole(state, grove, s, near[CELLS], at_root)
    if low_k == 0.0 and may_c:
        logs[ONLY_C] = grove.heights[k, s, 0] + yes + (1.0 + near[GONE_C]) * no + one
        logs[ONLY_C] += log_single(state, grove, c, s, low_c, near[CELLS], at_root)
    if low_c == 0.0 and may_k and not below:
        logs[ONLY_K] = grove.heights[c, s, 0] + yes + (1.0 + near[GONE_K]) * no + one
        logs[ONLY_K] += log_single(state, grove, k, s, low_k, near[CELLS] - low_k, at_root)
    if may_c and may_k:
        n, log_integral = log_both(state, grove, k, c, s, near, below, at_root, cut)
        logs[BOTH] = 2.0 * yes + (near[GONE_C] + near[GONE_K]) * no + one + grove.log_share[s, others + 1]
        logs[BOTH] += log_integral
    return n


@kernel
def weigh_apart(
    state: State, grove: Grove, k: int, c: int, s: int, near: np.ndarray, c_at_root: bool, k_at_root: bool,
    logs: np.ndarray,
) -> None:  # fmt: skip
    """`weigh_together` where k's parent is neither c nor h."""
    yes, no = math.log(state.psi[s]), math.log1p(-state.psi[s])
    others = int(near[OTHERS])
    rooms, lows = (near[CELLS], near[SPARE] - near[LOW_K]), (near[LOW_C], near[LOW_K])
    gone = (near[GONE_C], near[GONE_K])
    opens, at_root, wholes = (near[OPEN_H], near[OPEN_E]), (c_at_root, k_at_root), (near[CELLS], near[SPARE])
    parts = np.full((2, 2), -np.inf)
    for x, row in enumerate((c, k)):
        if lows[x] == 0.0:
            parts[x, 0] = grove.heights[row, s, 0]
            if opens[x] > 0.0:
                parts[x, 0] += no + log_whole(state, grove, s, wholes[x], at_root[x])
        if opens[x] > 0.0 and grove.barred[row, s] == 0:
            parts[x, 1] = yes + gone[x] * no + log_single(state, grove, row, s, lows[x], rooms[x], at_root[x])
    one = grove.log_share[s, others]
    logs[NEITHER] = parts[0, 0] + parts[1, 0]
    logs[ONLY_C] = parts[0, 1] + parts[1, 0] + one
    logs[ONLY_K] = parts[0, 0] + parts[1, 1] + one
    logs[BOTH] = parts[0, 1] + parts[1, 1] + one + grove.log_share[s, others + 1]


@kernel
def weigh(
    state: State, grove: Grove, k: int, c: int, e: int, s: int, near: np.ndarray, below: bool, cut: np.ndarray,
    logs: np.ndarray,
) -> int:  # fmt: skip
    """Log weight of every presence of c and k in sample s to `logs`; the number of breakpoints of the cut."""
    root, h = state.ccf.shape[0], state.parent[c]
    if not below and e != h:
        weigh_apart(state, grove, k, c, s, near, h == root, e == root, logs)
        return 0
    n = weigh_together(state, grove, k, c, s, near, below, h == root, cut, logs)
    if e != h and near[OPEN_E] > 0.0:
        logs += log_whole(state, grove, s, near[SPARE], e == root)
    return n


@kernel
def draw_single(
    state: State, grove: Grove, row: int, s: int, low: float, room: float, at_root: bool, rng: np.random.Generator
) -> tuple[float, float]:
    """A clone's own fraction and what is left of the room."""
    a = state.sparsity[s]
    n = fill_pieces(
        grove.nodes[row, s], grove.heights[row, s], grove.n_nodes[row, s], low, room, a, grove.tie[s, 0],
        grove.tie[s, 1] if at_root else 0.0, grove.pieces,
    )[0]  # fmt: skip
    return draw_piece(grove.pieces, n, room, a, a, rng)


@kernel
def draw_new(
    state: State, grove: Grove, k: int, c: int, e: int, s: int, near: np.ndarray, below: bool, cut: np.ndarray,
    n: int, logs: np.ndarray, rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Presence and fractions in sample s, drawn from the weights in `logs` and the stand-ins."""
    root, h = state.ccf.shape[0], state.parent[c]
    apart = not below and e != h
    has = draw_place(logs, rng)
    new = np.zeros(6)
    new[HAS_C], new[HAS_K] = 1.0 if has & 1 else 0.0, 1.0 if has & 2 else 0.0
    new[OWN_H], new[OWN_E] = near[CELLS], near[SPARE]
    if has == BOTH and not apart:
        room = near[CELLS] - near[LOW_K]
        new[OWN_C], new[OWN_K], new[OWN_H] = draw_cut(
            state, grove, k, s, near[LOW_K], room, below, h == root, cut, n, rng
        )
        return new
    if has & 1:
        new[OWN_C], new[OWN_H] = draw_single(state, grove, c, s, near[LOW_C], near[CELLS], h == root, rng)
    if has & 2:
        whole = near[SPARE] if apart else near[CELLS]
        own, rest = draw_single(state, grove, k, s, near[LOW_K], whole - near[LOW_K], e == root, rng)
        new[OWN_K], new[OWN_E if apart else OWN_H] = own, rest
    return new


@kernel
def gap_single(
    state: State, grove: Grove, row: int, s: int, low: float, own: float, rest: float, at_root: bool
) -> float:
    """Log density of two fractions beside the likelihood, minus that of the stand-in."""
    a = state.sparsity[s]
    n = fill_pieces(
        grove.nodes[row, s], grove.heights[row, s], grove.n_nodes[row, s], low, own + rest, a, grove.tie[s, 0],
        grove.tie[s, 1] if at_root else 0.0, grove.pieces,
    )[0]  # fmt: skip
    known = tie(rest, grove.tie[s, 0], grove.tie[s, 1]) if at_root else 0.0
    return (a - 1.0) * (math.log(own) + math.log(rest)) + known - log_piece(grove.pieces, n, own, rest, a, a)


@kernel
def gap(
    state: State, grove: Grove, k: int, c: int, e: int, s: int, near: np.ndarray, below: bool, cut: np.ndarray,
    n: int, x: np.ndarray,
) -> float:  # fmt: skip
    """Log density of presence and fractions x in sample s beside the likelihood, minus that of the stand-in."""
    root, h = state.ccf.shape[0], state.parent[c]
    apart = not below and e != h
    if x[HAS_C] > 0.0 and x[HAS_K] > 0.0 and not apart:
        value = math.log(x[OWN_C]) + math.log(x[OWN_K]) + math.log(x[OWN_H])
        value *= state.sparsity[s] - 1.0
        if h == root:
            value += tie(x[OWN_H], grove.tie[s, 0], grove.tie[s, 1])
        return value - log_cut(
            state, grove, k, s, near[LOW_K], x[OWN_C], x[OWN_K], x[OWN_H], below, h == root, cut, n
        )
    value = 0.0
    if x[HAS_C] > 0.0:
        value += gap_single(state, grove, c, s, near[LOW_C], x[OWN_C], x[OWN_H], h == root)
    else:
        value -= grove.heights[c, s, 0]
    if x[HAS_K] > 0.0:
        value += gap_single(state, grove, k, s, near[LOW_K], x[OWN_K], x[OWN_E] if apart else x[OWN_H], e == root)
    else:
        value -= grove.heights[k, s, 0]
    return value


@kernel
def as_is(state: State, k: int, c: int, e: int, s: int) -> np.ndarray:
    """Presence and fractions in sample s as they are."""
    x = np.zeros(6)
    x[HAS_C] = 1.0 if state.presence[c, s] != ABSENT else 0.0
    x[HAS_K] = 1.0 if state.presence[k, s] != ABSENT else 0.0
    x[OWN_C], x[OWN_K] = state.fraction[c, s], state.fraction[k, s]
    x[OWN_H], x[OWN_E] = state.fraction[state.parent[c], s], state.fraction[e, s]
    return x


@kernel
def prevalence_of(near: np.ndarray, x: np.ndarray, below: bool) -> tuple[float, float]:
    """Prevalences of c and k."""
    of_k = near[LOW_K] + x[OWN_K] if x[HAS_K] > 0.0 else 0.0
    of_c = near[LOW_C] + x[OWN_C] + (of_k if below else 0.0) if x[HAS_C] > 0.0 else 0.0
    return of_c, of_k
