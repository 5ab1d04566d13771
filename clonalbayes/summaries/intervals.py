"""Intervals of highest density, and the probability that a clone is present."""

from __future__ import annotations

import numpy as np

from clonalbayes.intervals import MASS as MASS
from clonalbayes.intervals import hdi as hdi
from clonalbayes.intervals import mean as mean


def presence(state: np.ndarray) -> np.ndarray:
    """Posterior probability that a clone is present in a sample; NaN where no draw has the clone.

    Parameters
    ----------
    state
        [D, ...] 0 absent, 1 subclonal, 2 clonal, -1 where the draw has no such clone.

    Examples
    --------
    >>> presence(np.array([[0, -1], [1, -1], [2, -1], [-1, -1]])).round(3).tolist()
    [0.667, nan]
    """
    absent, present = (state == 0).sum(0), (state > 0).sum(0)
    drawn = absent + present
    return np.where(drawn > 0, present / np.maximum(drawn, 1), np.nan)
