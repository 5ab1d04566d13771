"""Expected alt fractions of cells and the log-likelihood tables of clones, read by integer counts.

The innermost functions take plain arrays rather than the records of `layout` and `state`: a call that
passes a record of thirty arrays costs more than the arithmetic it wraps.
"""

import math

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import GERMLINE, NOISE, ReadData
from clonalbayes.kernels.special import rise
from clonalbayes.kernels.state import NEGLIGIBLE, State, Work


@kernel
def alt_fraction(expected: float, error: float) -> float:
    """Expected share of alt reads after sequencing error in both directions."""
    return min(expected, 1.0) * (1.0 - 2.0 * error) + error


@kernel
def refresh_sample(
    data: ReadData, s: int, purity: float, cn_clonal: float, coef: np.ndarray, germ: np.ndarray
) -> None:
    """Expected alt fraction of every cell of sample s per unit of ccf (`coef`) and of a germline variant.

    Tumour cells outside the share `cn_clonal` that has the reported state are taken as normal there: one
    mutated copy of `cell_normal` copies. With the tree, `coef` is per unit of prevalence.
    """
    for cell in range(data.cell_off[s], data.cell_off[s + 1]):
        fixed = data.cell_fixed[cell]
        carriers = 1.0 if data.of_all_cells else purity
        if fixed >= 0.0:
            coef[cell] = carriers * fixed
            germ[cell] = fixed
            continue
        mult, total, normal = data.cell_mult[cell], data.cell_total[cell], data.cell_normal[cell]
        if data.cell_aberrant[cell]:
            mult = cn_clonal * mult + (1.0 - cn_clonal)
            total = cn_clonal * total + (1.0 - cn_clonal) * normal
        copies = purity * total + (1.0 - purity) * normal
        coef[cell] = carriers * mult / copies
        germ[cell] = (purity * mult + (1.0 - purity)) / copies


@kernel
def refresh_cells(data: ReadData, state: State, work: Work) -> None:
    """Rebuild `coef` and `germ` of all samples."""
    for s in range(data.alt_ix.shape[0]):
        refresh_sample(data, s, state.purity[s], state.cn_clonal[s], work.coef, work.germ)


@kernel
def fill_axis(table: np.ndarray, start: int, axis: np.ndarray, low: int, high: int, x: float) -> None:
    """Write log Gamma(x + v) - log Gamma(x) for the axis values v = axis[low:high] to table[start:]."""
    total = 0.0
    table[start] = 0.0
    for m in range(low + 1, high):
        below = axis[m - 1]
        if axis[m] - below == 1.0:
            total += math.log(x + below)
        else:
            total += rise(x, below, axis[m])
        table[start + m - low] = total


@kernel
def fill_low(
    table: np.ndarray,
    start: int,
    axis: np.ndarray,
    low: int,
    high: int,
    p: float,
    precision: float,
    min_alt: int,
) -> None:
    """Chance of fewer than `min_alt` alt reads at every depth of an axis, to table[start:]."""
    a, b = p * precision, (1.0 - p) * precision
    log_zero, below = 0.0, 0.0
    for m in range(low, high):
        depth = axis[m]
        if depth - below == 1.0:
            log_zero += math.log((b + below) / (precision + below))
        elif depth > below:
            log_zero += rise(b, below, depth) - rise(precision, below, depth)
        below = depth
        if log_zero < -80.0:  # a clone that any depth from here on would show
            table[start + m - low : start + high - low] = 0.0
            return
        term = math.exp(log_zero)
        total = term
        for j in range(1, min(min_alt, int(depth) + 1)):
            term *= (depth - j + 1.0) / j * (a + j - 1.0) / (b + depth - j)
            total += term
        table[start + m - low] = min(total, 1.0)


@kernel
def copy_block(table: np.ndarray, pos: np.ndarray, cell: int) -> None:
    """Copy the block of the cell before to `cell`; both lie on the same axis."""
    width = pos[cell + 1] - pos[cell]
    for m in range(width):
        table[pos[cell] + m] = table[pos[cell] - width + m]


@kernel
def build_row(data: ReadData, state: State, work: Work, row: int) -> None:
    """Tables of one row (a clone, or germline in the last row) at its current prevalence."""
    germline = row == state.ccf.shape[0]
    ascertained = data.min_alt > 0
    if ascertained:
        if germline:
            work.rank[row] = np.arange(work.rank.shape[1])
        else:
            work.rank[row] = np.argsort(-(state.ccf[row] * state.purity))
    last = -1.0
    for cell in range(len(data.cell_sample)):
        s = data.cell_sample[cell]
        precision = state.precision[s]
        expected = work.germ[cell] if germline else state.ccf[row, s] * work.coef[cell]
        p = alt_fraction(expected, state.error_rate[s])
        if cell > data.cell_off[s] and p == last:  # as in all cells of a sample that lacks the clone
            copy_block(work.alt_table[row], data.alt_pos, cell)
            copy_block(work.ref_table[row], data.ref_pos, cell)
            if ascertained:
                copy_block(work.low_table[row], data.depth_pos, cell)
            continue
        last = p
        fill_axis(
            work.alt_table[row],
            data.alt_pos[cell],
            data.alt_val,
            data.alt_off[s],
            data.alt_off[s + 1],
            p * precision,
        )
        fill_axis(
            work.ref_table[row], data.ref_pos[cell], data.ref_val, data.ref_off[s], data.ref_off[s + 1],
            (1.0 - p) * precision,
        )  # fmt: skip
        if ascertained:
            fill_low(
                work.low_table[row], data.depth_pos[cell], data.depth_val, data.depth_off[s], data.depth_off[s + 1],
                p, precision, data.min_alt,
            )  # fmt: skip


@kernel
def build_tables(data: ReadData, state: State, work: Work) -> None:
    """Rebuild cells, the tables of every clone and of germline, and the depth terms."""
    refresh_cells(data, state, work)
    for k in range(state.n_clones[0] + 1):
        build_row(data, state, work, k if k < state.n_clones[0] else state.ccf.shape[0])
    depth_table = np.empty(len(data.depth_val))
    work.depth_sum[:] = data.log_choose
    for s in range(data.depth_ix.shape[0]):
        low = data.depth_off[s]
        fill_axis(depth_table, low, data.depth_val, low, data.depth_off[s + 1], state.precision[s])
        for i in range(len(work.depth_sum)):
            work.depth_sum[i] -= depth_table[low + data.depth_ix[s, i]]


@kernel
def row_of(label: int, capacity: int) -> int:
    """Row of a label: the clone itself, `capacity` for germline, -1 for noise."""
    if label == GERMLINE:
        return capacity
    if label == NOISE:
        return -1
    return label


@kernel
def read_tables(
    alt_row: np.ndarray, ref_row: np.ndarray, alt_pos: np.ndarray, ref_pos: np.ndarray, cells: np.ndarray,
    alt_ix: np.ndarray, ref_ix: np.ndarray, i: int,
) -> float:  # fmt: skip
    """Log likelihood of mutation i in a row under the genotype with the given cells, without the depth term."""
    total = 0.0
    for s in range(len(cells)):
        cell = cells[s]
        total += alt_row[alt_pos[cell] + alt_ix[s, i]] + ref_row[ref_pos[cell] + ref_ix[s, i]]
    return total


@kernel
def chance_missed(
    low_row: np.ndarray,
    rank: np.ndarray,
    depth_pos: np.ndarray,
    cells: np.ndarray,
    depth_ix: np.ndarray,
    i: int,
) -> float:
    """Chance that mutation i would not have been called were it in the row; 0 when below NEGLIGIBLE.

    Evaluated from the sample with the highest prevalence onwards, and dropped as soon as it is negligible.
    """
    missed = 1.0
    for s in rank:
        missed *= low_row[depth_pos[cells[s]] + depth_ix[s, i]]
        if missed < NEGLIGIBLE:
            return 0.0
    return missed


@kernel
def log_called(missed: float) -> float:
    """log(1 - missed), bounded where a clone could hardly have been seen at all."""
    return math.log1p(-min(missed, 1.0 - NEGLIGIBLE))
