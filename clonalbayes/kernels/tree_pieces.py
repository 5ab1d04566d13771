"""A clone's share of the room at its parent: a stand-in for its conditional density that can be integrated.

With the tree fixed but for one clone, the clone's own fraction u and what is left to its parent, v = R - u,
have density ``exp(h(c + u)) u**(a-1) v**(a-1)``, where h is the log likelihood of the clone's prevalence, c
the prevalence of its children together, R the room and a the Dirichlet's concentration. Below R / 2 the
variable w = u**a takes the singularity away, above it w = v**a; between breakpoints the rest is taken as
log-linear in w. What that misses is corrected where a draw is accepted (`log_piece`).
"""

import math

import numpy as np

from clonalbayes.kernels.jit import kernel

MAX_PIECES = 48
TINY = 1e-300  # smallest fraction of cells that is drawn
TIE_NODES = np.array([-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0])
STEEP = 0.3  # nats that the likelihood may change in the first or last piece before it is divided


@kernel
def height(nodes: np.ndarray, heights: np.ndarray, n: int, x: float) -> float:
    """Height at x of the chords through the first n nodes, which ascend from 0 to 1."""
    low, high = 0, n - 1
    while high - low > 1:
        middle = (low + high) // 2
        if nodes[middle] <= x:
            low = middle
        else:
            high = middle
    return heights[low] + (x - nodes[low]) / (nodes[high] - nodes[low]) * (heights[high] - heights[low])


@kernel
def insert_sorted(at: np.ndarray, n: int, u: float, room: float) -> int:
    """Insert u into the ascending breakpoints at[:n] unless it is (nearly) there; their new number."""
    margin = 1e-9 * room
    if u <= margin or u >= room - margin or n >= MAX_PIECES:
        return n
    j = n - 1
    while j >= 0 and at[j] > u:
        j -= 1
    if u - at[j] <= margin or (j + 1 < n and at[j + 1] - u <= margin):
        return n
    for m in range(n, j + 1, -1):
        at[m] = at[m - 1]
    at[j + 1] = u
    return n + 1


@kernel
def breakpoints(
    nodes: np.ndarray, heights: np.ndarray, n_nodes: int, c: float, room: float, a: float, tie_mean: float,
    tie_sd: float, at: np.ndarray,
) -> int:  # fmt: skip
    """Breakpoints of u in [0, room], ascending; their number."""
    at[0], at[1] = 0.0, room
    n = insert_sorted(at, 2, 0.5 * room, room)
    for j in range(n_nodes):
        if c < nodes[j] < c + room:
            n = insert_sorted(at, n, nodes[j] - c, room)
    if tie_sd > 0.0:
        for offset in TIE_NODES:
            n = insert_sorted(at, n, room - (tie_mean + offset * tie_sd), room)
    if a > 1.5:
        for share in (0.03, 0.1, 0.2, 0.35):
            n = insert_sorted(at, n, share * room, room)
            n = insert_sorted(at, n, (1.0 - share) * room, room)
    first, last = at[1], room - at[n - 2]
    if abs(height(nodes, heights, n_nodes, c + first) - height(nodes, heights, n_nodes, c)) > STEEP:
        n = insert_sorted(at, n, 0.5 * first, room)
        n = insert_sorted(at, n, 0.15 * first, room)
    top = height(nodes, heights, n_nodes, min(c + room, 1.0))
    if abs(height(nodes, heights, n_nodes, c + room - last) - top) > STEEP:
        n = insert_sorted(at, n, room - 0.5 * last, room)
        n = insert_sorted(at, n, room - 0.15 * last, room)
    return n


@kernel
def tie(v: float, mean: float, sd: float) -> float:
    """Log density, up to a constant, of the normal cells' fraction v given what is known of it; 0 without."""
    return -0.5 * ((v - mean) / sd) ** 2 if sd > 0.0 else 0.0


@kernel
def fill_pieces(
    nodes: np.ndarray, heights: np.ndarray, n_nodes: int, c: float, room: float, a: float, tie_mean: float,
    tie_sd: float, pieces: np.ndarray,
) -> tuple[int, float]:  # fmt: skip
    """Breakpoints u, w, log rest and piece masses to `pieces` [4, MAX_PIECES]; their number and the log integral."""
    at, w, g, mass = pieces[0], pieces[1], pieces[2], pieces[3]
    n = breakpoints(nodes, heights, n_nodes, c, room, a, tie_mean, tie_sd, at)
    half, top = 0.5 * room, -np.inf
    log_room = math.log(room)
    for j in range(n):
        u = at[j]
        v = room - u
        near, far = (u, v) if u <= half else (v, u)
        end = j == 0 or j == n - 1
        w[j] = 0.0 if end else math.exp(a * math.log(near))
        g[j] = height(nodes, heights, n_nodes, min(c + u, 1.0)) + tie(v, tie_mean, tie_sd)
        g[j] += (a - 1.0) * (log_room if end else math.log(far))
        top = max(top, g[j])
    total = 0.0
    for j in range(n - 1):
        rise = abs(g[j + 1] - g[j])
        high = max(g[j], g[j + 1])
        mean = math.exp(high - top)
        if rise > 1e-7:
            mean *= -math.expm1(-rise) / rise
        mass[j] = mean * abs(w[j + 1] - w[j])
        total += mass[j]
    return n, top + math.log(total / a)


@kernel
def draw_piece(
    pieces: np.ndarray, n: int, room: float, left: float, right: float, rng: np.random.Generator
) -> tuple[float, float]:
    """A draw (u, v) from filled pieces, whose density has the exponents `left` - 1 at 0 and `right` - 1 at the room."""
    w, g, mass = pieces[1], pieces[2], pieces[3]
    total = 0.0
    for j in range(n - 1):
        total += mass[j]
    target = rng.random() * total
    j = 0
    while j < n - 2 and target >= mass[j]:
        target -= mass[j]
        j += 1
    share, rise = rng.random(), g[j + 1] - g[j]
    if rise > 1e-7:
        share = 1.0 + math.log(share + (1.0 - share) * math.exp(-rise)) / rise
    elif rise < -1e-7:
        share = math.log1p(share * math.expm1(rise)) / rise
    at_w = w[j] + min(max(share, 0.0), 1.0) * (w[j + 1] - w[j])
    below_half = pieces[0, j + 1] <= 0.5 * room * (1.0 + 1e-9)
    near = max(math.exp(math.log(max(at_w, TINY)) / (left if below_half else right)), TINY)
    far = max(room - near, TINY)
    return (near, far) if below_half else (far, near)


@kernel
def log_piece(pieces: np.ndarray, n: int, u: float, v: float, left: float, right: float) -> float:
    """Log density, not normalised, of filled pieces (see `draw_piece`) at (u, v)."""
    at, w, g = pieces[0], pieces[1], pieces[2]
    near, a = (u, left) if u <= v else (v, right)
    at_w = math.exp(a * math.log(near))
    j = 0
    if u <= v:
        while j < n - 2 and w[j + 1] < at_w and at[j + 2] <= 0.5 * at[n - 1] * (1.0 + 1e-9):
            j += 1
    else:
        j = n - 2
        while j > 0 and w[j] < at_w and at[j - 1] >= 0.5 * at[n - 1] * (1.0 - 1e-9):
            j -= 1
    share = (at_w - w[j]) / (w[j + 1] - w[j])
    return g[j] + share * (g[j + 1] - g[j]) + (a - 1.0) * math.log(near)


@kernel
def log_bound(
    nodes: np.ndarray, heights: np.ndarray, n_nodes: int, best: int, c: float, room: float, a: float,
    log_beta: float,
) -> float:  # fmt: skip
    """At least (nearly) the log integral of `fill_pieces`, at a fraction of its cost; `best` is the highest node."""
    x = min(max(nodes[best], c), c + room, 1.0)
    top = heights[best] if x == nodes[best] else height(nodes, heights, n_nodes, x)
    return top + log_beta + (2.0 * a - 1.0) * math.log(room)
