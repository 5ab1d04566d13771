"""The context of a mutation as data for its clone: from current counts to log probabilities, in one sweep.

A sampler of assignments keeps a `Coupling`, hands it the current counts of substitutions by clone and context,
and adds ``table[clone, context]`` to the log weight of each mutation with a context. Clones come and go: rows
follow the caller's order, and a row without mutations is drawn from the prior.
"""

from __future__ import annotations

import numpy as np

from clonalbayes.signatures import kernels
from clonalbayes.signatures.sampler import make_model, start
from clonalbayes.signatures.settings import Settings
from clonalbayes.signatures.state import Model, State


class Coupling:
    """The signature part of a joint sampler.

    Parameters
    ----------
    reference
        [R, 96] reference profiles.
    names
        [R] their names, which say their roles.
    settings
        Priors and roles.
    clones
        Most clones that there can be.
    seed
        Of the start.
    """

    def __init__(
        self, reference: np.ndarray, names: tuple[str, ...], settings: Settings, clones: int, seed: int = 0
    ) -> None:
        roles = [settings.role(name) for name in names]
        empty = np.zeros((clones, reference.shape[1]), np.int64)
        self.model: Model = make_model(empty, reference, roles, settings, denovo=0)
        self.state: State = start(self.model, 1, np.random.default_rng(seed))
        self._turn = 0

    def table(self, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw exposures and profiles given the counts, and return the contexts' log probabilities.

        One conjugate sweep. The hyperparameters, which change little, take turns.

        Parameters
        ----------
        counts
            [K, 96] substitutions by clone and context; K at most the number of clones there is room for.
        rng
            Source of randomness.

        Returns
        -------
        numpy.ndarray
            [K, 96] log probability of each context in each clone.

        Raises
        ------
        ValueError
            If there are more clones than room.
        """
        K, room = len(counts), self.state.theta.shape[1]
        if room < K:
            raise ValueError(f"{K} clones, and there is room for {room}")
        self.model.counts[0, :K] = counts
        self.model.counts[0, K:] = 0
        state, model = self.state, self.model
        kernels.allocate(state, model, rng)
        kernels.draw_size(state, model, rng)
        self._turn = (self._turn + 1) % 4
        if self._turn == 0:
            kernels.draw_hyper(state, model, rng, repeats=1)
        elif self._turn == 2:
            kernels.draw_profiles(state, model, rng, repeats=1)
        kernels.draw_theta(state, model, rng)
        rate = state.theta[0, :K] @ state.g[0]
        out: np.ndarray = np.log(rate) - np.log(rate.sum(1, keepdims=True))
        return out
