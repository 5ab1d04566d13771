"""How unlike one sample's errors of one kind are to its errors of another, learned from the normals of a panel.

A sample's factor acts on all its errors; besides, each class of errors has a factor of its own in each sample
(oxidation hits one substitution of one library). Control bases of other classes than the sites of interest
therefore tell the sample's factor only so far. For one class against the other errors of the same normals,

    x_j | x_j + y_j ~ BetaBinomial(share expected from depths and rates, precision),

where a spread k of the log ratio is a precision of 1 / (k^2 m (1 - m)) - 1; k has a half-normal prior and is
integrated on a grid.
"""

from __future__ import annotations

import numpy as np

SPREADS = np.linspace(0.01, 0.8, 60)
"""Grid of the spread."""


def learn_class_spread(alt: np.ndarray, depth: np.ndarray, codes: np.ndarray, scale: float) -> float:
    """Spread of the log factor of one class in one sample, besides the sample's own.

    Parameters
    ----------
    alt, depth
        [I, J] counts of the panel.
    codes
        [I] class of each site.
    scale
        Scale of the half-normal prior.

    Returns
    -------
    float
        Root of the posterior mean of its square; the prior's if there is one class only.
    """
    classes = np.unique(codes)
    seen, reads = (np.array([part[codes == code].sum(0) for code in classes], float) for part in (alt, depth))
    rate = seen.sum(1) / np.maximum(reads.sum(1), 1.0)
    expected = rate[:, None] * reads
    return _spread(seen, seen.sum(0) - seen, expected, expected.sum(0) - expected, scale)


def learn_other_spread(
    alt: np.ndarray, depth: np.ndarray, other: np.ndarray, scale: float
) -> float:
    """Spread between samples of the log ratio of errors to reads of third alleles at the same sites.

    Parameters
    ----------
    alt, depth, other
        [I, J] counts of the panel.
    scale
        Scale of the half-normal prior.
    """
    seen, third, reads = (part.sum(0).astype(float)[None] for part in (alt, other, depth))
    total = max(float(reads.sum()), 1.0)
    return _spread(seen, third, seen.sum() / total * reads, third.sum() / total * reads, scale)


def _spread(x: np.ndarray, y: np.ndarray, expected: np.ndarray, expected_y: np.ndarray, scale: float) -> float:
    """Root mean square of the spread given counts x and y and what they would be without one, [R, J]."""
    from scipy import special

    share = expected / np.maximum(expected + expected_y, 1e-300)
    told = (x + y > 0) & (share > 0.0) & (share < 1.0)
    x, y, share = x[told], y[told], share[told]
    logs = -0.5 * (SPREADS / scale) ** 2
    for at, k in enumerate(SPREADS):
        precision = 1.0 / (k**2 * share * (1.0 - share)) - 1.0
        a, b = share * precision, (1.0 - share) * precision
        logs[at] += (special.betaln(a + x, b + y) - special.betaln(a, b)).sum()
    weight = np.exp(logs - logs.max())
    return float(np.sqrt(weight @ SPREADS**2 / weight.sum()))
