"""Mutations in named genes: which site of a simulated patient each one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clonalbayes.simulate.genome import ARMS


@dataclass(frozen=True)
class Driver:
    """A mutation in a named gene.

    Attributes
    ----------
    clone
        Name of the clone on whose branch it arose.
    arm
        Chromosome arm of the gene, such as 17p.
    gene, change
        Names, such as TP53 and p.R248Q.
    """

    clone: str
    arm: str
    gene: str
    change: str


def place_drivers(
    drivers: Sequence[Driver], names: Sequence[str], clone: np.ndarray, arm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Choose a site for each driver on its gene's arm.

    Parameters
    ----------
    drivers
        The drivers.
    names
        Names of the clones.
    clone
        [N] clone of each mutation, negative: none.
    arm
        [N] index into `genome.ARMS`.

    Returns
    -------
    tuple of numpy.ndarray
        The site of each driver, -1 where the arm has too few; and the clones [N], in which mutations have changed
        places where an arm had none of the driver's clone, so that clones keep their sizes.
    """
    clone, sites = clone.copy(), np.full(len(drivers), -1)
    for d, driver in enumerate(drivers):
        k = names.index(driver.clone)
        free = np.setdiff1d(np.flatnonzero(arm == list(ARMS).index(driver.arm)), sites)
        mine = np.setdiff1d(np.flatnonzero(clone == k), sites)
        both = free[clone[free] == k]
        if len(both):
            sites[d] = both[0]
        elif len(free) and len(mine):
            sites[d] = free[0]
            clone[mine[0]], clone[free[0]] = clone[free[0]], k
    return sites, clone
