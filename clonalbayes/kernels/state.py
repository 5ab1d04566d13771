"""The state of one chain and the scratch space that is rebuilt from it.

`State` is the whole of what a checkpoint must hold (with the generator's state); `Work` is a cache: each
kernel's docstring says which of its parts it reads and which it rebuilds.
"""

from typing import NamedTuple

import numpy as np

from clonalbayes.kernels.layout import ABSENT, NO_CONTEXT, ReadData


class State(NamedTuple):
    """Clones occupy the rows 0 .. n_clones[0] - 1, always compact. K rows, S samples, N mutations."""

    z: np.ndarray  # [N] clone row, or NOISE, or GERMLINE
    g: np.ndarray  # [N] genotype within the mutation's class
    n_clones: np.ndarray  # [1]
    ccf: np.ndarray  # [K, S]; 0 where absent, 1 where clonal
    presence: np.ndarray  # [K, S] ABSENT, SUBCLONAL or CLONAL
    concentration: np.ndarray  # [1]
    presence_prob: np.ndarray  # [S, 3]
    precision: np.ndarray  # [S]
    error_rate: np.ndarray  # [S]
    purity: np.ndarray  # [S]
    cn_clonal: np.ndarray  # [S]
    step_size: np.ndarray  # [5, S] random-walk scales, adapted while tuning
    moments: np.ndarray  # [4, S, 2] mean and variance of each parameter, learned while tuning
    counters: np.ndarray  # [N_COUNTERS] proposals and acceptances by move
    parent: np.ndarray  # [K] row of each clone's parent; K (the row behind the clones) is the normal root
    fraction: np.ndarray  # [K + 1, S] cells of exactly this clone, the normal cells last; 0 where absent
    sparsity: np.ndarray  # [S] concentration of the Dirichlet over the fractions
    sparsity_scale: np.ndarray  # [1] log of its median over samples
    psi: np.ndarray  # [S] probability that a clone whose parent is present is present
    psi_mean: np.ndarray  # [1]
    heat: np.ndarray  # [1] power of the likelihood; 1 but in the hotter rungs of a tempered chain
    tag: np.ndarray  # [K] row of `intensity` of each clone row, a permutation; see `contexts`
    intensity: np.ndarray  # [K, R] of each signature by tag; 0 where it is off. R = 0 without contexts
    weight: np.ndarray  # [R, C] profiles, not normalised
    strength: np.ndarray  # [1] of the profiles' priors
    intensity_mean: np.ndarray  # [R]
    intensity_shape: np.ndarray  # [R]
    use: np.ndarray  # [R] probability that a signature is on in a clone whose gate is open
    spectrum: np.ndarray  # [2, C] probabilities of the contexts of germline and noise


N_COUNTERS = 40
SPARE_CLONES = 2  # rows K, K + 1 behind the occupied ones hold what split, merge and birth propose
NEGLIGIBLE = 1e-9  # a chance of having been missed below this is taken as none


class Work(NamedTuple):
    """Tables and sufficient statistics; rows are the K clone rows, then germline."""

    alt_table: np.ndarray  # [K + 1, alt width] log rise of the alt counts
    ref_table: np.ndarray  # [K + 1, ref width]
    alt_tail: np.ndarray  # [K + 1, alt width] members with a count at or above each axis value
    ref_tail: np.ndarray
    members: np.ndarray  # [K + 1, T] members of the row in each cell
    size: np.ndarray  # [K + 1]
    order: np.ndarray  # [N] mutations sorted by row
    start: np.ndarray  # [K + 2] first member of each row in `order`
    coef: np.ndarray  # [T] expected alt fraction per unit of ccf
    germ: np.ndarray  # [T] expected alt fraction of a germline variant
    low_table: np.ndarray  # [K + 1, depth width] chance of fewer than min_alt alt reads by depth
    rank: np.ndarray  # [K + 1, S] samples by falling prevalence of the row
    low: np.ndarray  # [S, N] chance of fewer than min_alt alt reads, filled for members of weak rows
    low_new: np.ndarray  # [N] the same for one sample under a proposal
    weak: np.ndarray  # [K + 1] 1 where ascertainment matters for the row's likelihood
    depth_count: np.ndarray  # [depth axis] mutations outside noise at each depth
    depth_sum: np.ndarray  # [N] depth term of the beta-binomial over samples
    log_weight: np.ndarray  # [K + 1]
    context_log: np.ndarray  # [K + 2, C + 1] log probability of contexts by tag, of germline, of noise; 0 without one
    gate: np.ndarray  # [K, D] log factor of a tag's exposures where its clone is first in dated sample d; D = 0 without
    dated: np.ndarray  # [D] samples with a date, by date
    pinned: np.ndarray  # [N] 1 for mutations that conditions name: they change places by guarded moves only


def new_state(data: ReadData, capacity: int, signatures: int = 0) -> State:
    """An empty state with room for `capacity` clones (all mutations noise, neutral hyperparameters)."""
    samples, n = data.alt_ix.shape
    contexts = NO_CONTEXT if signatures else 0
    return State(
        z=np.full(n, -1, np.int32),
        g=np.zeros(n, np.int32),
        n_clones=np.zeros(1, np.int64),
        ccf=np.zeros((capacity, samples)),
        presence=np.full((capacity, samples), ABSENT, np.int8),
        concentration=np.ones(1),
        presence_prob=np.full((samples, 3), 1.0 / 3.0),
        precision=np.full(samples, 500.0),
        error_rate=np.full(samples, 1e-3),
        purity=np.ones(samples),
        cn_clonal=np.full(samples, 0.95),
        step_size=np.tile(np.array([[0.2], [0.2], [0.005], [0.02], [0.01]]), (1, samples)),
        moments=np.tile(np.array([0.0, 1.0]), (4, samples, 1)),
        counters=np.zeros(N_COUNTERS, np.int64),
        parent=np.full(capacity, capacity, np.int64),
        fraction=np.concatenate([np.zeros((capacity, samples)), np.ones((1, samples))]),
        sparsity=np.full(samples, 0.3),
        sparsity_scale=np.full(1, np.log(0.3)),
        psi=np.full(samples, 0.5),
        psi_mean=np.full(1, 0.5),
        heat=np.ones(1),
        tag=np.arange(capacity),
        intensity=np.ones((capacity, signatures)),
        weight=np.ones((signatures, contexts)),
        strength=np.ones(1),
        intensity_mean=np.ones(signatures),
        intensity_shape=np.ones(signatures),
        use=np.full(signatures, 0.5),
        spectrum=np.full((2, contexts), 1.0 / max(contexts, 1)),
    )


def copy_state(state: State) -> State:
    """A deep copy."""
    return State(*(field.copy() for field in state))


def new_work(data: ReadData, capacity: int, contexts: bool = False, dated: np.ndarray | None = None) -> Work:
    """Scratch space for `capacity` clones; nothing in it is valid yet.

    `dated` are the samples with a date, by date, where exposures have gates.
    """
    order = np.zeros(0, np.int64) if dated is None else dated
    samples, n = data.alt_ix.shape
    rows, cells = capacity + 1, len(data.cell_sample)
    ascertained = data.min_alt > 0
    return Work(
        alt_table=np.zeros((rows, data.alt_pos[-1])),
        ref_table=np.zeros((rows, data.ref_pos[-1])),
        alt_tail=np.zeros((rows, data.alt_pos[-1]), np.int32),
        ref_tail=np.zeros((rows, data.ref_pos[-1]), np.int32),
        members=np.zeros((rows, cells), np.int32),
        size=np.zeros(rows, np.int64),
        order=np.zeros(n, np.int64),
        start=np.zeros(rows + 1, np.int64),
        coef=np.zeros(cells),
        germ=np.zeros(cells),
        low_table=np.zeros((rows, data.depth_pos[-1] if ascertained else 0)),
        rank=np.zeros((rows, samples), np.int64),
        low=np.zeros((samples, n if ascertained else 0)),
        low_new=np.zeros(n),
        weak=np.zeros(rows, np.uint8),
        depth_count=np.zeros(len(data.depth_val), np.int64),
        depth_sum=np.zeros(n),
        log_weight=np.zeros(rows),
        context_log=np.zeros((capacity + 2, NO_CONTEXT + 1 if contexts else 0)),
        gate=np.zeros((capacity, len(order))),
        dated=order,
        pinned=np.zeros(n, np.uint8),
    )
