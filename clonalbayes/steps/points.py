"""Between a point of the PyMC model and the kernels' state.

A point is a dict of arrays by variable name: mutations in the Dataset's order, clones in slots that may be
empty. The kernels' state has the mutations ordered by copy-number class and the clones in compact rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clonalbayes.genotypes import CompiledReads
from clonalbayes.kernels.layout import CLONAL, SUBCLONAL, Priors
from clonalbayes.kernels.state import SPARE_CLONES, State

VARIABLES = (
    "concentration",
    "assignment",
    "genotype",
    "presence_prob",
    "presence",
    "prevalence_slab",
    "precision",
    "error_rate",
    "purity",
    "cn_clonal_fraction",
)
"""The free variables of the clone model. The kernels update them together."""


@dataclass(frozen=True, eq=False)
class CloneBlock:
    """What a step needs to know of the model that it works in.

    Attributes
    ----------
    reads, priors
        The compiled data and priors, the same that `clonalbayes.fit` uses.
    slots
        Number of slots for clones, the truncation of the Dirichlet process.
    """

    reads: CompiledReads
    priors: Priors
    slots: int

    @property
    def capacity(self) -> int:
        """Rows that the kernels need: the slots, and the spare rows of their proposals."""
        return self.slots + SPARE_CLONES


def used_slots(assignment: np.ndarray) -> np.ndarray:
    """Slots with members, ascending.

    >>> used_slots(np.array([-1, 4, 2, -2, 4])).tolist()
    [2, 4]
    """
    return np.unique(assignment[assignment >= 0])


def to_state(block: CloneBlock, point: Mapping[str, np.ndarray], state: State) -> None:
    """Write a point into the kernels' state; slots with members become rows, in the order of the slots.

    Step sizes and counters stay as they are.
    """
    slots = used_slots(point["assignment"])
    labels = point["assignment"][block.reads.order]
    state.z[:] = np.where(labels >= 0, np.searchsorted(slots, labels), labels)
    state.g[:] = point["genotype"][block.reads.order]
    state.n_clones[0] = len(slots)
    presence = point["presence"][slots]
    state.presence[: len(slots)] = presence
    state.ccf[: len(slots)] = ccf_of(presence, point["prevalence_slab"][slots])
    state.concentration[0] = point["concentration"]
    state.presence_prob[:] = point["presence_prob"]
    state.precision[:] = point["precision"]
    state.error_rate[:] = point["error_rate"]
    state.purity[:] = point["purity"]
    state.cn_clonal[:] = point["cn_clonal_fraction"]


def ccf_of(presence: np.ndarray, slab: np.ndarray) -> np.ndarray:
    """Cancer cell fractions: 0 where absent, 1 where clonal, else the slab's value.

    >>> ccf_of(np.array([0, 1, 2]), np.array([0.3, 0.3, 0.3])).tolist()
    [0.0, 0.3, 1.0]
    """
    return np.where(presence == SUBCLONAL, slab, np.where(presence == CLONAL, 1.0, 0.0))


def to_point(block: CloneBlock, state: State, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Read the kernels' state as values of the variables.

    The density does not know the labels of the slots: of the equivalent labellings the one with the clones
    in the first slots is returned. What the kernels have integrated out is drawn from its prior: the slots
    without members, and the slab where a clone is absent or clonal.
    """
    clones = int(state.n_clones[0])
    assignment, genotype = np.empty(len(state.z), np.int64), np.empty(len(state.z), np.int64)
    assignment[block.reads.order] = state.z
    genotype[block.reads.order] = state.g
    presence = draw_presence(state.presence_prob, block.slots, rng)
    presence[:clones] = state.presence[:clones]
    slab = rng.uniform(size=presence.shape)
    held = presence[:clones] == SUBCLONAL
    slab[:clones][held] = state.ccf[:clones][held]
    return {
        "concentration": state.concentration[0].copy(),
        "assignment": assignment,
        "genotype": genotype,
        "presence_prob": state.presence_prob.copy(),
        "presence": presence,
        "prevalence_slab": slab,
        "precision": state.precision.copy(),
        "error_rate": state.error_rate.copy(),
        "purity": state.purity.copy(),
        "cn_clonal_fraction": state.cn_clonal.copy(),
    }


def draw_presence(presence_prob: np.ndarray, slots: int, rng: np.random.Generator) -> np.ndarray:
    """Presence states [slots, S] from their prior with probabilities [S, 3]."""
    edges = np.cumsum(presence_prob, axis=1)[:, :2]
    target = rng.uniform(size=(slots, len(edges)))
    return (target[:, :, None] >= edges).sum(axis=2)
