"""A panel of unmatched normals: its counts, its samples' factors, and what it says about each site's rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clonalbayes.errors.grid import rates, zero_terms

EXPOSURE_STEP = 0.02
"""Sites whose exposures differ by less than this (relative) are one row while hyperparameters are learned."""


class Panel:
    """Read counts of a panel at I sites in J normals, and the normals' factors.

    Parameters
    ----------
    alt, depth
        [I, J] reads; a depth of 0 says nothing.
    carried
        Share and number of alt reads from which a normal carries the variant itself: its reads there are not
        errors and are set aside.

    Attributes
    ----------
    factors : numpy.ndarray
        [J] factor of each normal on the error rate, mean 1.
    factor_sd : float
        Standard deviation of the log factor among normals.
    n_carried : int
        Counts that were set aside.
    """

    def __init__(self, alt: np.ndarray, depth: np.ndarray, carried: tuple[float, int] = (0.1, 4)) -> None:
        out = (alt >= carried[1]) & (alt > carried[0] * depth)
        self.n_carried = int(out.sum())
        self.alt, self.depth = np.where(out, 0, alt), np.where(out, 0, depth)
        self.factors, self.factor_sd = learn_factors(self.alt, self.depth)


def learn_factors(alt: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, float]:
    """Learn each normal's factor on the error rate, shrunk towards 1.

    Parameters
    ----------
    alt, depth : numpy.ndarray
        [I, J] counts.

    Returns
    -------
    tuple
        Factors [J] with mean 1 (weighted by what each sample tells), and the standard deviation of the log
        factor. The factors are Gamma; their coefficient of variation is integrated over a grid.
    """
    from scipy import special

    total = depth.sum(1)
    rate = alt.sum(1) / np.maximum(total, 1)
    seen, expected = alt.sum(0).astype(float), rate @ depth
    known = expected > 0
    if known.sum() < 2:
        return np.ones(alt.shape[1]), 0.5
    cv = np.linspace(0.02, 1.5, 75)
    k = (1.0 / cv**2)[:, None]
    x, e = seen[known], expected[known]
    logs = special.gammaln(k + x) - special.gammaln(k) + k * np.log(k / (k + e)) + x * np.log(e / (k + e))
    weight = _normalised(logs.sum(1) - 0.5 * (cv / 0.5) ** 2)
    factors = np.ones(alt.shape[1])
    factors[known] = weight @ ((k + x) / (k + e))
    factors /= (factors * expected).sum() / expected.sum()
    return factors, float(np.sqrt(np.log1p((weight @ cv) ** 2)))


@dataclass
class Evidence:
    """What counts say about the rates of sites, ready for any grid of rates.

    The log likelihood of a rate r is, up to a constant of the precision,
    -r A - r^2 B / 2 + n_single log r + the terms of the counts above 1.

    Parameters
    ----------
    precision
        alpha + beta of the beta-binomial of one site in one sample.
    first, second
        [R] A and B, summed over the samples.
    n_single
        [R] samples with exactly one alt read.
    constant
        [R] what does not depend on the rate.
    row, count, depth, factor
        The counts above 1, one entry each: its row, alt reads, depth and the sample's factor.
    """

    precision: float
    first: np.ndarray
    second: np.ndarray
    n_single: np.ndarray
    constant: np.ndarray
    row: np.ndarray
    count: np.ndarray
    depth: np.ndarray
    factor: np.ndarray

    def take(self, rows: np.ndarray) -> Evidence:
        """The evidence of some rows, in their order."""
        place = np.full(len(self.first), -1)
        place[rows] = np.arange(len(rows))
        keep = place[self.row] >= 0
        return Evidence(
            self.precision,
            self.first[rows],
            self.second[rows],
            self.n_single[rows],
            self.constant[rows],
            place[self.row[keep]],
            self.count[keep],
            self.depth[keep],
            self.factor[keep],
        )

    def loglik(self) -> np.ndarray:
        """Log likelihood of each rate of the grid, [R, G]."""
        grid = rates()
        out = -np.outer(self.first, grid) - np.outer(self.second, 0.5 * grid**2)
        out += np.outer(self.n_single, np.log(grid)) + self.constant[:, None]
        if len(self.row):
            cells = log_ratio(grid[None], self.count, self.depth, self.factor, self.precision)
            np.add.at(out, self.row, cells)
        return out


def log_ratio(
    grid: np.ndarray, count: np.ndarray, depth: np.ndarray, factor: np.ndarray, precision: float
) -> np.ndarray:
    """Log P(count) - log P(0) of the beta-binomial at the rates factor * grid, [C, G]."""
    from scipy import special

    n, x = depth[:, None].astype(float), count[:, None].astype(float)
    p = np.minimum(grid * factor[:, None], 0.99)
    ways = special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1)
    if np.isinf(precision):
        return np.asarray(ways + x * (np.log(p) - np.log1p(-p)))
    a, b = p * precision, (1.0 - p) * precision
    up = special.gammaln(a + x) - special.gammaln(a)
    return np.asarray(ways + up + special.gammaln(b + n - x) - special.gammaln(b + n))


def evidence(panel: Panel, precision: float) -> Evidence:
    """Gather what a panel says about its sites at one precision.

    Parameters
    ----------
    panel : Panel
        The counts.
    precision : float
        alpha + beta of the beta-binomial of one site in one sample; infinity is the binomial.
    """
    f = panel.factors
    a, b = zero_terms(panel.depth, precision)
    first, second = a @ f, b @ f**2
    single = panel.alt == 1
    constant = np.zeros(len(first))
    rows, cols = np.nonzero(single)
    n = panel.depth[rows, cols].astype(float)
    step = 1.0 if np.isinf(precision) else precision / (precision + np.maximum(n - 1.0, 0.0))
    np.add.at(constant, rows, np.log(n * f[cols] * step))
    np.add.at(first, rows, -f[cols] * step)  # one read fewer that shows no error
    row, col = np.nonzero(panel.alt > 1)
    alt, depth = panel.alt[row, col], panel.depth[row, col]
    return Evidence(precision, first, second, single.sum(1).astype(float), constant, row, alt, depth, f[col])


def condense(data: Evidence, codes: np.ndarray) -> tuple[Evidence, np.ndarray, np.ndarray]:
    """Merge sites of one class that say nearly the same, to learn hyperparameters from fewer rows.

    Parameters
    ----------
    data : Evidence
        One row a site.
    codes : numpy.ndarray
        [I] class of each site, 0..C-1.

    Returns
    -------
    tuple
        Evidence of the merged rows, their classes, and how many sites each stands for. Exposures differ within
        a row by at most `EXPOSURE_STEP`; the constants are summed into the first row, which leaves every
        comparison of hyperparameters as it was.
    """
    plain = np.ones(len(codes), bool)
    plain[data.row] = False
    level = np.round(np.log(np.maximum(data.first, 1e-9)) / EXPOSURE_STEP)
    keys = np.stack([codes, data.n_single, level, np.where(plain, -1, np.arange(len(codes)))], 1)
    _, first, inverse, number = np.unique(keys, axis=0, return_index=True, return_inverse=True, return_counts=True)
    merged = data.take(first)
    inverse = inverse.reshape(-1)
    merged.first = np.bincount(inverse, data.first) / number
    merged.second = np.bincount(inverse, data.second) / number
    total = data.constant.sum()
    merged.constant = np.zeros(len(first))
    merged.constant[0] = total / number[0]
    return merged, codes[first], number


def _normalised(logs: np.ndarray) -> np.ndarray:
    """Turn log weights into weights that add up to 1."""
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())
