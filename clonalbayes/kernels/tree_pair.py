"""The shares of two clones in one room: a stand-in for their joint density that can be integrated.

Clone k and its companion c share V cells with the clone above both. Outside is the cut that c makes, a left and a right
part, v and V - v; inside, k shares one of the parts with who else is in it (`tree_pieces`):

- below c, k shares the left part with c itself; the right part is what is above.
- beside c, the left part is c's; k shares the right part with what is above.

With u**(a-1) for each of the three fractions, the integral over the part of room R that k is in goes like R**(2a-1)
where R is small. So the cut has the density of `tree_pieces` with exponent 2a - 1 on that side.
"""

import math

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.state import State
from clonalbayes.kernels.tree_grove import Grove
from clonalbayes.kernels.tree_pieces import (
    TIE_NODES,
    draw_piece,
    fill_pieces,
    height,
    insert_sorted,
    log_piece,
    tie,
)  # fmt: skip

STRIDE = 2  # every so many nodes of the inner clone's curve are breakpoints of the cut
AT_ENDS = (0.03, 0.1, 0.3)  # shares of the first and last piece at which they are divided


@kernel
def inner_tie(grove: Grove, s: int, below: bool, at_root: bool) -> float:
    """Standard deviation of what is known of the fraction that k shares its part with; 0 if nothing."""
    return grove.tie[s, 1] if at_root and not below else 0.0


@kernel
def cut_breakpoints(
    grove: Grove, k: int, c: int, s: int, low_k: float, low_c: float, room: float, below: bool, at_root: bool,
    at: np.ndarray,
) -> int:  # fmt: skip
    """Breakpoints of the cut in [0, room], ascending; their number."""
    at[0], at[1] = 0.0, room
    n = insert_sorted(at, 2, 0.5 * room, room)
    for j in range(grove.n_nodes[c, s]):
        n = insert_sorted(at, n, grove.nodes[c, s, j] - low_c, room)
    for j in range(1, grove.n_nodes[k, s] - 1, STRIDE):
        u = grove.nodes[k, s, j] - low_k
        n = insert_sorted(at, n, u if below else room - u, room)
    if at_root and grove.tie[s, 1] > 0.0:
        for offset in TIE_NODES:
            n = insert_sorted(at, n, room - (grove.tie[s, 0] + offset * grove.tie[s, 1]), room)
    first, last = at[1], room - at[n - 2]
    for share in AT_ENDS:
        n = insert_sorted(at, n, share * first, room)
        n = insert_sorted(at, n, room - share * last, room)
    return split_half(at, n, 0.5 * room)


@kernel
def split_half(at: np.ndarray, n: int, half: float) -> int:
    """Double the breakpoint in the middle, where one power gives way to the other; their new number."""
    j = n - 1
    while at[j] > half * (1.0 + 1e-9):
        at[j + 1] = at[j]
        j -= 1
    at[j] = at[j + 1] = half
    return n + 1


@kernel
def log_inside(
    state: State, grove: Grove, k: int, s: int, low_k: float, part: float, below: bool, at_root: bool
) -> tuple[int, float]:
    """Fill the pieces of k's share of its part; their number and the log integral."""
    return fill_pieces(
        grove.nodes[k, s], grove.heights[k, s], grove.n_nodes[k, s], low_k, part, state.sparsity[s],
        grove.tie[s, 0], inner_tie(grove, s, below, at_root), grove.pieces,
    )  # fmt: skip


@kernel
def exponents(state: State, s: int, below: bool) -> tuple[float, float]:
    """Exponents (plus one) of the cut's density at its left and its right end."""
    a = state.sparsity[s]
    return (2.0 * a, a) if below else (a, 2.0 * a)


@kernel
def log_smooth(
    state: State, grove: Grove, k: int, s: int, low_k: float, part: float, below: bool, at_root: bool
) -> float:
    """Log integral over k's share of its part, without the power of the part that it goes like where that is small."""
    if part <= 0.0:
        inner = tie(0.0, grove.tie[s, 0], inner_tie(grove, s, below, at_root))
        return grove.log_beta[s] + height(grove.nodes[k, s], grove.heights[k, s], grove.n_nodes[k, s], low_k) + inner
    power = 2.0 * state.sparsity[s] - 1.0
    return log_inside(state, grove, k, s, low_k, part, below, at_root)[1] - power * math.log(part)


@kernel
def fill_cut(
    state: State, grove: Grove, k: int, c: int, s: int, low_k: float, low_c: float, room: float, below: bool,
    at_root: bool, cut: np.ndarray,
) -> tuple[int, float]:  # fmt: skip
    """The pieces of the cut; their number and the log integral over both shares.

    `low_k` and `low_c` are the prevalences of the two clones where they have no cell of the room themselves, `room` is
    V, and `at_root` says that the normal cells are what is above.
    """
    at, w, g, mass = cut[0], cut[1], cut[2], cut[3]
    n = cut_breakpoints(grove, k, c, s, low_k, low_c, room, below, at_root, at)
    left, right = exponents(state, s, below)
    sd = grove.tie[s, 1] if at_root and below else 0.0
    half, top = 0.5 * room, -np.inf
    for j in range(n):
        on_left = (j < n - 1 and at[j + 1] <= half) or at[j] < half  # of the two in the middle the first
        near, far = (at[j], room - at[j]) if on_left else (room - at[j], at[j])
        a, b = (left, right) if on_left else (right, left)
        end = j == 0 or j == n - 1
        w[j] = 0.0 if end else math.exp(a * math.log(near))
        if end:
            near, far = 0.0, room
        v, rest = (near, far) if on_left else (far, near)
        g[j] = height(grove.nodes[c, s], grove.heights[c, s], grove.n_nodes[c, s], min(low_c + v, 1.0))
        g[j] += log_smooth(state, grove, k, s, low_k, v if below else rest, below, at_root)
        g[j] += tie(rest, grove.tie[s, 0], sd) + (b - 1.0) * math.log(far)
        top = max(top, g[j])
    total = 0.0
    for j in range(n - 1):
        rise = abs(g[j + 1] - g[j])
        mean = math.exp(max(g[j], g[j + 1]) - top)
        if rise > 1e-7:
            mean *= -math.expm1(-rise) / rise
        mass[j] = mean * abs(w[j + 1] - w[j]) / (left if at[j + 1] <= half else right) if at[j] < at[j + 1] else 0.0
        total += mass[j]
    return n, top + math.log(total)


@kernel
def draw_cut(
    state: State, grove: Grove, k: int, s: int, low_k: float, room: float, below: bool, at_root: bool,
    cut: np.ndarray, n: int, rng: np.random.Generator,
) -> tuple[float, float, float]:  # fmt: skip
    """Fractions of c, of k and of what is above, from a cut of `n` breakpoints."""
    left, right = exponents(state, s, below)
    v, rest = draw_piece(cut, n, room, left, right, rng)
    part = v if below else rest
    m, _ = log_inside(state, grove, k, s, low_k, part, below, at_root)
    own, other = draw_piece(grove.pieces, m, part, state.sparsity[s], state.sparsity[s], rng)
    return (other, own, rest) if below else (v, own, other)


@kernel
def log_cut(
    state: State, grove: Grove, k: int, s: int, low_k: float, own_c: float, own_k: float, above: float, below: bool,
    at_root: bool, cut: np.ndarray, n: int,
) -> float:  # fmt: skip
    """Log density, not normalised, of the stand-in at the three fractions; its integral is that of `fill_cut`."""
    a = state.sparsity[s]
    left, right = exponents(state, s, below)
    other = own_c if below else above
    part = own_k + other
    m, log_integral = log_inside(state, grove, k, s, low_k, part, below, at_root)
    inside = log_piece(grove.pieces, m, own_k, other, a, a) - log_integral
    v, rest = (part, above) if below else (own_c, part)
    return log_piece(cut, n, v, rest, left, right) + inside
