"""Contexts of mutations as data beside their reads, with the clones' exposures instantiated.

Every clone row has a *tag*, its row of the table of log probabilities of contexts; what the table is drawn from
is the caller's (see `signatures.joint`). The tags that no clone has belong to exposures drawn from the prior.
A clone that comes to be takes one of these free tags with probability proportional to what the contexts of its
mutations say of it, and a clone that goes gives its tag back, so that a move's ratio gains the *mean* over the
free tags (cf. Neal 2000, algorithm 8): tags are exchangeable, and a set of n clones has one of
capacity! / (capacity - n)! equally probable choices of them.

A *gate* makes some exposures less probable where a clone was first sampled before a date: its log factor is
part of the prior of presence. Without contexts the table has no columns, and nothing here costs anything.
"""

import math

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT, GERMLINE, NO_CONTEXT, NOISE, ReadData
from clonalbayes.kernels.state import State, Work


@kernel
def in_use(work: Work) -> bool:
    """Whether contexts are data."""
    return work.context_log.shape[1] > 0


@kernel
def context_row(state: State, label: int) -> int:
    """Row of the table of contexts of a label: a clone's tag, then germline and noise."""
    if label == GERMLINE:
        return state.ccf.shape[0]
    if label == NOISE:
        return state.ccf.shape[0] + 1
    return state.tag[label]


@kernel
def log_context(data: ReadData, state: State, work: Work, i: int, label: int) -> float:
    """Log probability of the context of mutation i under a label."""
    if not in_use(work):
        return 0.0
    return work.context_log[context_row(state, label), data.context[i]]


@kernel
def add_contexts(acc: np.ndarray, table: np.ndarray, context: np.ndarray, low: int) -> None:
    """Add the log probability of the contexts of mutations low .. low + len(acc) - 1."""
    for x in range(len(acc)):
        acc[x] += table[context[low + x]]


@kernel
def tally(data: ReadData, work: Work, members: np.ndarray) -> np.ndarray:
    """Number of members with each context; empty without contexts."""
    counts = np.zeros(work.context_log.shape[1])
    if len(counts) > 0:
        for i in members:
            counts[data.context[i]] += 1.0
        counts[NO_CONTEXT] = 0.0
    return counts


@kernel
def log_tally(state: State, work: Work, counts: np.ndarray, label: int) -> float:
    """Log probability of tallied contexts under a label."""
    total = 0.0
    if len(counts) > 0:
        table = work.context_log[context_row(state, label)]
        for c in range(len(counts)):
            total += counts[c] * table[c]
    return total


@kernel
def weigh_tags(state: State, work: Work, counts: np.ndarray, own: int) -> np.ndarray:
    """Log probability of tallied contexts under the tag of every free row, and of row `own` (-1: none).

    By row, -inf where the tag is another clone's; empty without contexts.
    """
    rows = state.ccf.shape[0] if len(counts) > 0 else 0
    scores = np.full(rows, -np.inf)
    for k in range(rows):
        if k >= state.n_clones[0] or k == own:
            scores[k] = log_tally(state, work, counts, k)
    return scores


@kernel
def weigh_tags_of_one(data: ReadData, state: State, work: Work, i: int, own: int) -> np.ndarray:
    """As `weigh_tags`, of the context of mutation i alone."""
    rows = state.ccf.shape[0] if in_use(work) else 0
    scores = np.full(rows, -np.inf)
    for k in range(rows):
        if k >= state.n_clones[0] or k == own:
            scores[k] = work.context_log[state.tag[k], data.context[i]]
    return scores


@kernel
def log_gate(state: State, work: Work, k: int, presence: np.ndarray, sample: int, value: int) -> float:
    """Log factor on the prior of row k's exposures where it is present as given; in `sample` (-1: none) as `value`."""
    for j in range(work.gate.shape[1]):
        s = work.dated[j]
        if (value if s == sample else presence[s]) != ABSENT:
            return work.gate[state.tag[k], j]
    return 0.0


@kernel
def gate_tags(state: State, work: Work, scores: np.ndarray, presence: np.ndarray) -> None:
    """Add to the scores of tags what their gates say of a clone that is present as given."""
    if work.gate.shape[1] > 0:
        for k in range(len(scores)):
            if scores[k] > -np.inf:
                scores[k] += log_gate(state, work, k, presence, -1, 0)


@kernel
def log_mean(scores: np.ndarray) -> float:
    """Log mean of exp(scores) over the tags that there are; 0 without contexts."""
    if len(scores) == 0:
        return 0.0
    top, total, n = scores.max(), 0.0, 0
    for score in scores:
        if score > -np.inf:
            total += math.exp(score - top)
            n += 1
    return top + math.log(total / n)


@kernel
def take_tag(state: State, scores: np.ndarray, rng: np.random.Generator) -> None:
    """Give the first free row one of the free tags, with probability proportional to exp(scores)."""
    if len(scores) == 0:
        return
    row, top = state.n_clones[0], scores.max()
    target = rng.random() * np.exp(scores - top).sum()
    pick = row
    for k in range(row, len(scores)):
        if scores[k] > -np.inf:
            pick = k
            target -= math.exp(scores[k] - top)
            if target < 0.0:
                break
    exchange_tags(state, row, pick)


@kernel
def exchange_tags(state: State, a: int, b: int) -> None:
    """Exchange the tags of two rows."""
    tag = state.tag[a]
    state.tag[a] = state.tag[b]
    state.tag[b] = tag


@kernel
def context_loglik(data: ReadData, state: State, work: Work) -> float:
    """Log probability of all contexts."""
    total = 0.0
    if in_use(work):
        for i in range(len(state.z)):
            total += work.context_log[context_row(state, state.z[i]), data.context[i]]
    return total


@kernel
def total_gate(state: State, work: Work) -> float:
    """Log factor of all clones' gates."""
    total = 0.0
    for k in range(state.n_clones[0]):
        total += log_gate(state, work, k, state.presence[k], -1, 0)
    return total
