"""Split and merge moves for clones (Jain and Neal 2007, with prevalences drawn from envelopes).

Two anchor mutations are picked. If they share a clone, it is split; else their clones are merged. The split
is launched from the anchors by a few rounds of expectation-maximisation that see only the set of members
and the anchors, never their present division, so that the reverse probability can be computed. Genotypes stay.
The share of the first half is an auxiliary variable, uniform in a split and Beta(n1, n2) in a merge: with it
two clones that do not differ merge as easily when one is tiny as when they are equally large.
"""

import math

import numpy as np

from clonalbayes.kernels.ascertainment import members_log_called
from clonalbayes.kernels.births import copy_clone, remove_clone
from clonalbayes.kernels.contexts import log_mean, log_tally, take_tag, tally, weigh_tags
from clonalbayes.kernels.envelope import admissible, new_envelope, visit_row
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.launch import anchor_weights, draw_weighted, launch
from clonalbayes.kernels.layout import CLONAL, ReadData
from clonalbayes.kernels.profile import Terms, clear_terms, fill_tails, gather_row, moment_ccf, profile
from clonalbayes.kernels.special import log_gamma
from clonalbayes.kernels.state import SPARE_CLONES, State, Work
from clonalbayes.kernels.tables import build_row

COUNT_SPLIT, COUNT_MERGE = 8, 10
SPLIT_SHARE = 0.5
SCREEN = -30.0  # log ratios that a bound puts below this are not worked out: such a flow is never seen
OCCAM = 15.0  # nats a sample that a clone's evidence may lie below its likelihood at the best ccf


@kernel
def nearness(state: State, a: int, b: int) -> float:
    """Weight with which clone b is picked as a partner of clone a: falls with the distance of their ccf."""
    distance = 0.0
    for s in range(state.ccf.shape[1]):
        gap = math.sqrt(state.ccf[a, s]) - math.sqrt(state.ccf[b, s])
        distance += gap * gap
    return 1.0 / (0.02 + distance) ** 2


@kernel
def partner_log_prob(state: State, a: int, b: int, skip: int, extra: int) -> float:
    """Log probability of picking b as partner of a among the clones but `skip`, with row `extra` among them."""
    total = 0.0
    for k in range(state.n_clones[0]):
        if k != a and k != skip:
            total += nearness(state, a, k)
    if extra >= 0:
        total += nearness(state, a, extra)
    return math.log(nearness(state, a, b) / total)


@kernel
def divide(
    odds: np.ndarray, share: float, members: np.ndarray, first: int, second: int, side: np.ndarray, draw: bool,
    rng: np.random.Generator,
) -> float:  # fmt: skip
    """Draw (or keep) the side, 0 or 1, of every member; log probability of the division. Anchors are fixed."""
    total = 0.0
    prior = math.log(share) - math.log1p(-share)
    for x in range(len(members)):
        i = members[x]
        if i == first:
            side[x] = 0
        elif i == second:
            side[x] = 1
        else:
            odd = min(max(odds[x] + prior, -40.0), 40.0)
            log_first = -math.log1p(math.exp(-odd))
            if draw:
                side[x] = 0 if math.log(rng.random()) < log_first else 1
            total += log_first if side[x] == 0 else log_first - odd
    return total


@kernel
def log_beta_density(x: float, a: float, b: float) -> float:
    """Log density of Beta(a, b) at x."""
    return (
        (a - 1.0) * math.log(x) + (b - 1.0) * math.log1p(-x) + log_gamma(a + b) - log_gamma(a) - log_gamma(b)
    )


@kernel
def row_evidence(
    data: ReadData, state: State, work: Work, terms: Terms, row: int, members: np.ndarray, draw: bool,
    rng: np.random.Generator,
) -> tuple[float, float]:  # fmt: skip
    """Evidence and shift (see `envelope.visit_row`) of a row if `members` were its members."""
    envelope = new_envelope()
    fill_tails(data, state, work, row, members)
    evidence, shift = 0.0, 0.0
    for s in range(data.alt_ix.shape[0]):
        clear_terms(terms)
        gather_row(data, work, terms, row, s)
        mass, part = visit_row(terms, work.coef, state, row, s, envelope, draw, rng)
        evidence += mass
        shift += part
    return evidence, shift


@kernel
def best_loglik(
    data: ReadData, state: State, work: Work, terms: Terms, row: int, members: np.ndarray
) -> float:
    """Log likelihood of `members` as one clone at moment estimates of its ccf; fills the row's tails."""
    fill_tails(data, state, work, row, members)
    total = 0.0
    for s in range(data.alt_ix.shape[0]):
        clear_terms(terms)
        gather_row(data, work, terms, row, s)
        at = moment_ccf(terms, work.coef)
        total += profile(terms, work.coef, at, state.error_rate[s], state.precision[s])
    return total


@kernel
def row_weight(
    data: ReadData, state: State, work: Work, terms: Terms, row: int, members: np.ndarray, draw: bool,
    rng: np.random.Generator,
) -> float:  # fmt: skip
    """log(prior x likelihood / proposal density) of a clone's prevalences given its members, calls included.

    Builds the row's tables when it draws them.
    """
    evidence, shift = row_evidence(data, state, work, terms, row, members, draw, rng)
    if draw:
        build_row(data, state, work, row)
    if data.min_alt > 0:
        shift -= members_log_called(data, state, work, row, members)
    return evidence + shift


@kernel
def gather(state: State, a: int, b: int, count: int) -> np.ndarray:
    """Mutations of clones a and b, ascending."""
    members = np.empty(count, np.int64)
    x = 0
    for i in range(len(state.z)):
        if state.z[i] == a or state.z[i] == b:
            members[x] = i
            x += 1
    return members


@kernel
def split_prior(state: State, clones: int, n_a: int, n_b: int) -> float:
    """Log prior ratio of a split of one of `clones` clones into n_a and n_b members, and of picking it and back.

    The probabilities of the first anchor, and of the partner in the way back, are left to the caller.
    """
    n = n_a + n_b
    ratio = (
        math.log(state.concentration[0]) + log_gamma(float(n_a)) + log_gamma(float(n_b)) - log_gamma(float(n))
    )
    forward = (SPLIT_SHARE if clones > 1 else 1.0) / (clones * (n - 1.0))
    backward = (1.0 - SPLIT_SHARE if n_a > 1 else 1.0) / ((clones + 1.0) * n_a * n_b)
    return ratio + math.log(backward) - math.log(forward)


@kernel
def try_split(
    data: ReadData, state: State, work: Work, terms: Terms, a: int, rng: np.random.Generator
) -> None:
    """Propose to divide clone a; its halves are built in the two spare rows."""
    state.counters[COUNT_SPLIT] += 1
    clones, n = state.n_clones[0], work.size[a]
    members = gather(state, a, a, n)
    odds, side = np.empty(n), np.empty(n, np.int8)
    total = anchor_weights(data, state, work, members, odds)
    x = draw_weighted(odds, total, rng)
    y = min(int(rng.random() * (n - 1)), n - 2)
    first, second = members[x], members[y if y < x else y + 1]
    log_first = math.log(odds[x] / total)
    launch(data, state, work, members, first, second, odds, rng)
    share = min(max(rng.random(), 1e-9), 1.0 - 1e-9)
    ratio = -divide(odds, share, members, first, second, side, True, rng) - log_first
    halves = (members[side == 0], members[side == 1])
    ratio += log_beta_density(share, float(len(halves[0])), float(len(halves[1])))
    ratio += split_prior(state, clones, len(halves[0]), len(halves[1]))
    counts = tally(data, work, halves[1])
    tags = weigh_tags(state, work, counts, -1)
    ratio += log_mean(tags) - log_tally(state, work, counts, a)
    gain = -best_loglik(data, state, work, terms, a, members)
    for half in range(2):
        gain += best_loglik(data, state, work, terms, clones + half, halves[half])
    if ratio + gain < SCREEN - OCCAM * len(state.purity):
        return
    for half in range(2):
        ratio += row_weight(data, state, work, terms, clones + half, halves[half], True, rng)
    ratio -= row_weight(data, state, work, terms, a, members, False, rng)
    ratio += partner_log_prob(state, clones, clones + 1, a, clones + 1)
    if not (admissible(state, clones, clones, a) and admissible(state, clones + 1, clones + 1, a)):
        ratio = -np.inf
    if math.log(rng.random()) < ratio:
        state.counters[COUNT_SPLIT + 1] += 1
        copy_clone(state, work, clones, a)
        copy_clone(state, work, clones + 1, clones)
        for i in halves[1]:
            state.z[i] = clones
        take_tag(state, tags, rng)
        state.n_clones[0] = clones + 1
        work.size[a], work.size[clones] = len(halves[0]), len(halves[1])


@kernel
def admissible_union(state: State, clones: int, a: int, b: int) -> bool:
    """`admissible` for the spare row `clones` that is to replace a and b: unlike all clones but those two."""
    if admissible(state, clones, clones, -1):
        return True
    for k in range(clones):
        if k != a and k != b and (state.presence[k] == state.presence[clones]).all():
            return False
    return (state.presence[clones] == CLONAL).any()


@kernel
def try_merge(
    data: ReadData, state: State, work: Work, terms: Terms, a: int, b: int, members: np.ndarray,
    first: int, second: int, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose to merge clones a (of the first anchor) and b; the union is built in a spare row."""
    state.counters[COUNT_MERGE] += 1
    clones, n = state.n_clones[0], len(members)
    n_a, n_b = work.size[a], work.size[b]
    side = np.empty(n, np.int8)
    for x in range(n):
        side[x] = 0 if state.z[members[x]] == a else 1
    share = min(max(rng.beta(float(n_a), float(n_b)), 1e-9), 1.0 - 1e-9)
    ratio = -log_beta_density(share, float(n_a), float(n_b)) - split_prior(state, clones - 1, n_a, n_b)
    counts = tally(data, work, members[side == 1])
    ratio += log_tally(state, work, counts, a) - log_mean(weigh_tags(state, work, counts, b))
    gain = best_loglik(data, state, work, terms, clones, members)
    gain -= best_loglik(data, state, work, terms, a, members[side == 0])
    gain -= best_loglik(data, state, work, terms, b, members[side == 1])
    if ratio + gain < SCREEN - OCCAM * (len(state.purity) + 1):  # one more for the partner's probability
        return
    ratio += row_weight(data, state, work, terms, clones, members, True, rng)
    ratio -= row_weight(data, state, work, terms, a, members[side == 0], False, rng)
    ratio -= row_weight(data, state, work, terms, b, members[side == 1], False, rng)
    ratio -= partner_log_prob(state, a, b, -1, -1)
    log_u = math.log(rng.random())
    if not admissible_union(state, clones, a, b):
        return
    if log_u >= ratio:  # the anchor's and the division's log probabilities are never positive
        return
    odds = np.empty(n)
    total = anchor_weights(data, state, work, members, odds)
    ratio += math.log(odds[members == first][0] / total)
    launch(data, state, work, members, first, second, odds, rng)
    ratio += divide(odds, share, members, first, second, side, False, rng)
    if log_u < ratio:
        state.counters[COUNT_MERGE + 1] += 1
        copy_clone(state, work, clones, a)
        work.size[a] = n
        for x in range(n):
            state.z[members[x]] = a
        remove_clone(state, work, b)


@kernel
def nth_member(state: State, clone: int, n: int) -> int:
    """The n-th mutation (from 0) of a clone."""
    for i in range(len(state.z)):
        if state.z[i] == clone:
            if n == 0:
                return i
            n -= 1
    return -1


@kernel
def pick_partner(state: State, a: int, rng: np.random.Generator) -> int:
    """Another clone, near ones more often."""
    total = 0.0
    for k in range(state.n_clones[0]):
        if k != a:
            total += nearness(state, a, k)
    target = rng.random() * total
    last = -1
    for k in range(state.n_clones[0]):
        if k != a:
            last = k
            target -= nearness(state, a, k)
            if target < 0.0:
                break
    return last


@kernel
def split_or_merge(data: ReadData, state: State, work: Work, terms: Terms, rng: np.random.Generator) -> None:
    """One proposal: a clone picked uniformly is split, or merged with a partner. Keeps tables and sizes valid."""
    clones = state.n_clones[0]
    if clones == 0:
        return
    a = min(int(rng.random() * clones), clones - 1)
    n_a = work.size[a]
    splitting = n_a > 1 and (clones == 1 or rng.random() < SPLIT_SHARE)
    if splitting:
        if clones + SPARE_CLONES >= state.ccf.shape[0]:
            return
        try_split(data, state, work, terms, a, rng)
    elif clones > 1:
        b = pick_partner(state, a, rng)
        n_b = work.size[b]
        first = nth_member(state, a, min(int(rng.random() * n_a), n_a - 1))
        second = nth_member(state, b, min(int(rng.random() * n_b), n_b - 1))
        try_merge(data, state, work, terms, a, b, gather(state, a, b, n_a + n_b), first, second, rng)
