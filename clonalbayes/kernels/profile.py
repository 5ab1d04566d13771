"""The likelihood of a clone as a function of its prevalence, from sufficient statistics.

Given the assignments, a clone's log likelihood in one sample is concave in its ccf and depends on the
reads only through how many members have at least so many alt (ref) reads. Written as runs of equal such
counts, evaluating it costs at most one logarithm per distinct count, for ten mutations as for ten thousand.
"""

import math
from typing import NamedTuple

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ReadData
from clonalbayes.kernels.special import digamma, rise, trigamma
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tables import alt_fraction, row_of


class Terms(NamedTuple):
    """Runs of the members' tail counts in one sample, in segments of one row, cell and kind of read.

    A run (low, high, count) stands for ``count * sum(log(x + j) for low <= j < high)``, where x is the
    expected fraction of the segment's reads times the precision.
    """

    low: np.ndarray
    high: np.ndarray
    times: np.ndarray
    start: np.ndarray  # first run of each segment, and the end
    row: np.ndarray
    cell: np.ndarray
    is_alt: np.ndarray
    segments: np.ndarray  # [1] number of segments in use


def new_terms(n_mutations: int, rows: int, cells_per_sample: int) -> Terms:
    """Room for the runs of all members of all rows in one sample."""
    runs, segments = 2 * n_mutations + 2, 2 * rows * cells_per_sample + 2
    return Terms(
        np.zeros(runs), np.zeros(runs), np.zeros(runs), np.zeros(segments + 1, np.int64),
        np.zeros(segments, np.int64), np.zeros(segments, np.int64), np.zeros(segments, np.uint8), np.zeros(1, np.int64),
    )  # fmt: skip


@kernel
def sort_members(state: State, work: Work) -> None:
    """Rebuild `order`, `start` and `size`: mutations by row, noise left out."""
    capacity = state.ccf.shape[0]
    rows = len(work.size)
    work.size[:] = 0
    for label in state.z:
        row = row_of(label, capacity)
        if row >= 0:
            work.size[row] += 1
    work.start[0] = 0
    for row in range(rows):
        work.start[row + 1] = work.start[row] + work.size[row]
    for i in range(len(state.z)):
        row = row_of(state.z[i], capacity)
        if row >= 0:
            work.order[work.start[row]] = i
            work.start[row] += 1
    for row in range(rows, 0, -1):
        work.start[row] = work.start[row - 1]
    work.start[0] = 0


@kernel
def fill_tails(data: ReadData, state: State, work: Work, row: int, members: np.ndarray) -> None:
    """Tail counts and cell sizes of `row` if its members were `members` (mutation numbers)."""
    alt_tail, ref_tail, sizes = work.alt_tail[row], work.ref_tail[row], work.members[row]
    alt_tail[:] = 0
    ref_tail[:] = 0
    sizes[:] = 0
    for i in members:
        g = data.geno_off[data.cls[i]] + state.g[i]
        for s in range(data.alt_ix.shape[0]):
            cell = data.geno_cell[g, s]
            sizes[cell] += 1
            alt_tail[data.alt_pos[cell] + data.alt_ix[s, i]] += 1
            ref_tail[data.ref_pos[cell] + data.ref_ix[s, i]] += 1
    for cell in range(len(sizes)):
        if sizes[cell] > 0:
            for m in range(data.alt_pos[cell + 1] - 2, data.alt_pos[cell] - 1, -1):
                alt_tail[m] += alt_tail[m + 1]
            for m in range(data.ref_pos[cell + 1] - 2, data.ref_pos[cell] - 1, -1):
                ref_tail[m] += ref_tail[m + 1]


@kernel
def build_tails(data: ReadData, state: State, work: Work) -> None:
    """Sort the members and rebuild the tail counts of every clone and of germline."""
    sort_members(state, work)
    for k in range(state.n_clones[0] + 1):
        row = k if k < state.n_clones[0] else state.ccf.shape[0]
        fill_tails(data, state, work, row, work.order[work.start[row] : work.start[row + 1]])


@kernel
def append_runs(
    terms: Terms, tail: np.ndarray, begin: int, end: int, axis: np.ndarray, off: int, x: int
) -> int:
    """Append the runs of one block of tail counts behind run x; the new number of runs."""
    m = begin + 1
    while m < end and tail[m] > 0:
        count = tail[m]
        terms.low[x] = axis[off + m - 1 - begin]
        while m + 1 < end and tail[m + 1] == count:
            m += 1
        terms.high[x] = axis[off + m - begin]
        terms.times[x] = count
        x += 1
        m += 1
    return x


@kernel
def gather_row(data: ReadData, work: Work, terms: Terms, row: int, s: int) -> None:
    """Append the segments of one row in sample s to `terms`."""
    segment = terms.segments[0]
    x = terms.start[segment]
    for cell in range(data.cell_off[s], data.cell_off[s + 1]):
        if work.members[row, cell] == 0:
            continue
        for kind in range(2):
            if kind == 0:
                x = append_runs(terms, work.alt_tail[row], data.alt_pos[cell], data.alt_pos[cell + 1],
                                data.alt_val, data.alt_off[s], x)  # fmt: skip
            else:
                x = append_runs(terms, work.ref_tail[row], data.ref_pos[cell], data.ref_pos[cell + 1],
                                data.ref_val, data.ref_off[s], x)  # fmt: skip
            terms.row[segment], terms.cell[segment], terms.is_alt[segment] = row, cell, 1 - kind
            segment += 1
            terms.start[segment] = x
    terms.segments[0] = segment


@kernel
def gather_pooled(
    data: ReadData, work: Work, terms: Terms, rows: np.ndarray, s: int, mark: int, one_cell: bool
) -> None:
    """Append segments for several rows that have the same ccf in sample s, as if they were one row `mark`.

    With `one_cell` the cells are pooled too (an absent clone has the error rate in all of them).
    """
    segment = terms.segments[0]
    x = terms.start[segment]
    first = data.cell_off[s]
    alt_width, ref_width = data.alt_off[s + 1] - data.alt_off[s], data.ref_off[s + 1] - data.ref_off[s]
    alt, ref = np.zeros(alt_width, np.int64), np.zeros(ref_width, np.int64)
    for cell in range(first, data.cell_off[s + 1]):
        if cell == first or not one_cell:
            alt[:] = 0
            ref[:] = 0
        for row in rows:
            if work.members[row, cell] > 0:
                alt += work.alt_tail[row, data.alt_pos[cell] : data.alt_pos[cell] + alt_width]
                ref += work.ref_tail[row, data.ref_pos[cell] : data.ref_pos[cell] + ref_width]
        if (one_cell and cell < data.cell_off[s + 1] - 1) or (alt[0] == 0 and ref[0] == 0):
            continue
        for kind in range(2):
            if kind == 0:
                x = append_runs(terms, alt, 0, alt_width, data.alt_val, data.alt_off[s], x)
            else:
                x = append_runs(terms, ref, 0, ref_width, data.ref_val, data.ref_off[s], x)
            terms.row[segment], terms.cell[segment], terms.is_alt[segment] = mark, cell, 1 - kind
            segment += 1
            terms.start[segment] = x
    terms.segments[0] = segment


@kernel
def clear_terms(terms: Terms) -> None:
    """Empty `terms`."""
    terms.segments[0] = 0
    terms.start[0] = 0


@kernel
def single_terms(terms: Terms, cell: int, alt: float, ref: float) -> None:
    """The terms of one mutation alone."""
    terms.segments[0] = 2
    terms.start[0], terms.start[1], terms.start[2] = 0, 1, 2
    for kind in range(2):
        terms.cell[kind], terms.is_alt[kind] = cell, 1 - kind
        terms.low[kind], terms.times[kind] = 0.0, 1.0
    terms.high[0], terms.high[1] = alt, ref


@kernel
def runs_sum(low: np.ndarray, high: np.ndarray, count: np.ndarray, begin: int, end: int, x: float) -> float:
    """Sum over runs of count * sum of log(x + j), low <= j < high."""
    total = 0.0
    for m in range(begin, end):
        if high[m] - low[m] == 1.0:
            total += count[m] * math.log(x + low[m])
        else:
            total += count[m] * rise(x, low[m], high[m])
    return total


@kernel
def profile(terms: Terms, coef: np.ndarray, ccf: float, error: float, precision: float) -> float:
    """Log likelihood of one row's members in the sample at `ccf`, without the depth term."""
    total = 0.0
    for segment in range(terms.segments[0]):
        p = alt_fraction(ccf * coef[terms.cell[segment]], error)
        x = (p if terms.is_alt[segment] else 1.0 - p) * precision
        total += runs_sum(
            terms.low, terms.high, terms.times, terms.start[segment], terms.start[segment + 1], x
        )
    return total


@kernel
def profile_slopes(
    terms: Terms, coef: np.ndarray, ccf: float, error: float, precision: float
) -> tuple[float, float]:
    """First and second derivative of `profile` in ccf (the second is never positive)."""
    first, second = 0.0, 0.0
    for segment in range(terms.segments[0]):
        scale = coef[terms.cell[segment]]
        p = alt_fraction(ccf * scale, error)
        rate = scale * (1.0 - 2.0 * error) * precision
        x = p * precision
        if not terms.is_alt[segment]:
            x = precision - x
            rate = -rate
        d1, d2 = 0.0, 0.0
        for m in range(terms.start[segment], terms.start[segment + 1]):
            low, high, count = terms.low[m], terms.high[m], terms.times[m]
            if high - low <= 6.0:
                while low < high:
                    inv = 1.0 / (x + low)
                    d1 += count * inv
                    d2 -= count * inv * inv
                    low += 1.0
            else:
                d1 += count * (digamma(x + high) - digamma(x + low))
                d2 += count * (trigamma(x + high) - trigamma(x + low))
        first += rate * d1
        second += rate * rate * d2
    return first, second


@kernel
def moment_ccf(terms: Terms, coef: np.ndarray) -> float:
    """Alt reads over expected alt reads at ccf 1, within (0, 1): where a search for the mode starts."""
    alt, expected = 0.0, 0.0
    for segment in range(terms.segments[0]):
        reads = 0.0
        for m in range(terms.start[segment], terms.start[segment + 1]):
            reads += terms.times[m] * (terms.high[m] - terms.low[m])
        expected += reads * coef[terms.cell[segment]]
        if terms.is_alt[segment]:
            alt += reads
    if expected <= 0.0:
        return 0.5
    return min(max(alt / expected, 1e-6), 0.999)


@kernel
def sample_sum(
    terms: Terms,
    coef: np.ndarray,
    germ: np.ndarray,
    ccf: np.ndarray,
    germline_row: int,
    error: float,
    precision: float,
) -> float:
    """Log likelihood of all rows' members in the sample, without the depth terms; `ccf` is a column over rows."""
    total = 0.0
    for segment in range(terms.segments[0]):
        row, cell = terms.row[segment], terms.cell[segment]
        p = alt_fraction(germ[cell] if row == germline_row else ccf[row] * coef[cell], error)
        x = (p if terms.is_alt[segment] else 1.0 - p) * precision
        total += runs_sum(
            terms.low, terms.high, terms.times, terms.start[segment], terms.start[segment + 1], x
        )
    return total
