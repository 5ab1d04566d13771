"""What a user knows of the answer, kept by the chains: the posterior is that of the states in which it holds.

A block of moves that leaves its target invariant and is its own way back (a random order, or the same move
several times) stays exact on the part of the space where the conditions hold, if what leads out of it is undone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clonalbayes.kernels.state import State

if TYPE_CHECKING:
    import xarray as xr

    from clonalbayes.constraints import Constraint

KEPT = ("z", "g", "n_clones", "ccf", "presence", "parent", "fraction", "counters")
"""What blocks that may be undone change."""


@dataclass(frozen=True)
class Conditions:
    """Constraints in the kernels' numbers.

    Attributes
    ----------
    precede
        [n, 2] mutations: the first one's clone is the second's or above it.
    together
        [n, 2] mutations in one clone.
    absent
        [n, 2] mutation, and a sample that lacks its clone.
    """

    precede: np.ndarray
    together: np.ndarray
    absent: np.ndarray

    @classmethod
    def of(cls, constraints: Sequence[Constraint], ds: xr.Dataset, order: np.ndarray) -> Conditions | None:
        """Conditions of a specification on a Dataset whose mutations the kernels have in `order`; None without any.

        Parameters
        ----------
        constraints
            Of the specification; their names are known to the Dataset.
        ds
            The data.
        order
            [N] position in the Dataset of each of the kernels' mutations.
        """
        if not constraints:
            return None
        place = {str(ds["mutation"].values[i]): j for j, i in enumerate(order)}
        sample = {str(name): s for s, name in enumerate(ds["specimen"].values)}
        precede = [[place[m] for m in c.mutations] for c in constraints if c.kind == "must_precede"]
        together = [
            [place[c.mutations[0]], place[other]]
            for c in constraints if c.kind == "same_clone" for other in c.mutations[1:]
        ]  # fmt: skip
        absent = [
            [place[c.mutations[0]], sample[name]] for c in constraints if c.kind == "absent_in" for name in c.samples
        ]
        return cls(*(np.array(rows, np.int64).reshape(-1, 2) for rows in (precede, together, absent)))

    @property
    def named(self) -> np.ndarray:
        """Mutations that the conditions speak of."""
        return np.unique(np.concatenate([self.precede.ravel(), self.together.ravel(), self.absent[:, 0]]))

    def broken(self, state: State) -> int:
        """Number of conditions that a state does not meet; a mutation outside the clones meets none."""
        z, root = state.z, len(state.parent)
        count = 0
        for i, j in self.precede:
            x = int(z[j])
            while x not in (z[i], root) and x >= 0:
                x = int(state.parent[x])
            count += z[i] < 0 or x != z[i]
        for i, j in self.together:
            count += z[i] < 0 or z[i] != z[j]
        for i, s in self.absent:
            count += z[i] < 0 or state.presence[z[i], s] != 0
        return int(count)

    def guard(self, state: State, block: Callable[[], None]) -> bool:
        """Run a block of moves; undo it if it breaks more conditions than were broken before.

        Returns
        -------
        bool
            Whether the block was kept. If not, what was derived from the state is stale.
        """
        before = self.broken(state)
        saved = [getattr(state, name).copy() for name in KEPT]
        block()
        if self.broken(state) <= before:
            return True
        for name, values in zip(KEPT, saved, strict=True):
            getattr(state, name)[...] = values
        return False

    def bar(self, state: State, barred: np.ndarray) -> None:
        """Mark the clones and samples [R, S] in which presence would break a condition."""
        barred[:] = 0
        for i, s in self.absent:
            if state.z[i] >= 0:
                barred[state.z[i], s] = 1
