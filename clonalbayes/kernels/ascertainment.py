"""Conditioning on having been called: a mutation is in the table because one sample showed it.

The likelihood of mutation i in a clone is divided by ``1 - prod_s P(alt_is < min_alt)``. A row is *weak*
where that matters for one of its members; for weak rows the chances are kept per sample and mutation, so
that a proposal in one sample costs one pass over the members.
"""

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ReadData
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tables import alt_fraction, chance_missed, fill_low, log_called


@kernel
def members_log_called(data: ReadData, state: State, work: Work, row: int, members: np.ndarray) -> float:
    """Sum over members of the log chance of having been called, from the row's tables."""
    total = 0.0
    low, rank = work.low_table[row], work.rank[row]
    for i in members:
        cells = data.geno_cell[data.geno_off[data.cls[i]] + state.g[i]]
        total += log_called(chance_missed(low, rank, data.depth_pos, cells, data.depth_ix, i))
    return total


@kernel
def fill_low_row(data: ReadData, state: State, work: Work, row: int, prevalence: np.ndarray) -> None:
    """The row's table of chances of having been missed, at the given prevalences [S], for the cells in use."""
    work.rank[row] = np.argsort(-prevalence)
    for cell in range(len(data.cell_sample)):
        if work.members[row, cell] > 0:
            s = data.cell_sample[cell]
            p = alt_fraction(prevalence[s] * work.coef[cell], state.error_rate[s])
            fill_low(
                work.low_table[row], data.depth_pos[cell], data.depth_val, data.depth_off[s], data.depth_off[s + 1],
                p, state.precision[s], data.min_alt,
            )  # fmt: skip


@kernel
def mark_weak(data: ReadData, state: State, work: Work) -> None:
    """Decide for every row whether ascertainment matters; if so store its members' chances in `low`."""
    if data.min_alt == 0:
        return
    for k in range(state.n_clones[0] + 1):
        row = k if k < state.n_clones[0] else state.ccf.shape[0]
        members = work.order[work.start[row] : work.start[row + 1]]
        work.weak[row] = 0
        low, rank = work.low_table[row], work.rank[row]
        for i in members:
            cells = data.geno_cell[data.geno_off[data.cls[i]] + state.g[i]]
            if chance_missed(low, rank, data.depth_pos, cells, data.depth_ix, i) > 0.0:
                work.weak[row] = 1
                break
        if work.weak[row]:
            for i in members:
                cells = data.geno_cell[data.geno_off[data.cls[i]] + state.g[i]]
                for s in range(len(cells)):
                    work.low[s, i] = low[data.depth_pos[cells[s]] + data.depth_ix[s, i]]


@kernel
def propose_low(
    data: ReadData, state: State, work: Work, row: int, s: int, ccf: float, error: float, precision: float
) -> float:
    """Change of the row's log likelihood through conditioning if sample s had these parameters.

    Fills `low_new` for the row's members; `ccf` is ignored for germline. Zero for rows that are not weak.
    """
    if work.weak[row] == 0:
        return 0.0
    germline = row == state.ccf.shape[0]
    for cell in range(data.cell_off[s], data.cell_off[s + 1]):
        if work.members[row, cell] > 0:
            expected = work.germ[cell] if germline else ccf * work.coef[cell]
            fill_low(
                work.low_table[row], data.depth_pos[cell], data.depth_val, data.depth_off[s], data.depth_off[s + 1],
                alt_fraction(expected, error), precision, data.min_alt,
            )  # fmt: skip
    change = 0.0
    for i in work.order[work.start[row] : work.start[row + 1]]:
        cell = data.geno_cell[data.geno_off[data.cls[i]] + state.g[i], s]
        work.low_new[i] = work.low_table[row, data.depth_pos[cell] + data.depth_ix[s, i]]
        others = 1.0
        for t in range(data.alt_ix.shape[0]):
            if t != s:
                others *= work.low[t, i]
        change -= log_called(others * work.low_new[i]) - log_called(others * work.low[s, i])
    return change


@kernel
def accept_low(work: Work, row: int, s: int) -> None:
    """Take over what `propose_low` computed for a weak row."""
    if work.weak[row]:
        for i in work.order[work.start[row] : work.start[row + 1]]:
            work.low[s, i] = work.low_new[i]
