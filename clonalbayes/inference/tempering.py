"""Parallel tempering: states of one chain at different powers of the likelihood, which change places.

A chain has a ladder of rungs. Rung r draws from prior x likelihood ** heat[r]; heat[0] is 1, the posterior, and
the hotter a rung (the lower its power), the more easily it leaves one tree for another. After every sweep
neighbours propose to change places, accepted with

    min(1, exp((heat[r] - heat[r + 1]) (loglik[r + 1] - loglik[r]))).

References
----------
Geyer (1991), Markov chain Monte Carlo maximum likelihood; Atchade, Roberts & Rosenthal (2011), Towards optimal
scaling of Metropolis-coupled Markov chain Monte Carlo, for the acceptance that the gaps between rungs are tuned to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from clonalbayes.kernels.state import State

OF_THE_RUNG = ("heat", "step_size", "moments", "counters")
"""Fields of a state that stay with the rung: its temperature and what was learned for it."""

TARGET = 0.3
"""Share of exchanges to be accepted: near the optimum of 0.234, on the side of passing often."""

GAP_RANGE = (1e-3, 3.0)


class Ladder:
    """The heats of a chain's rungs, from the posterior's down, and the exchanges between neighbours.

    Parameters
    ----------
    states
        The states, by rung. Their heats are set.

    Attributes
    ----------
    counts : numpy.ndarray
        [2, rungs - 1] exchanges proposed and accepted between rung r and r + 1 since tuning ended.
    """

    def __init__(self, states: Sequence[State]) -> None:
        self.states = states
        self.counts = np.zeros((2, len(states) - 1), np.int64)
        samples = len(states[0].precision)
        cells = max(samples * (len(states[0].parent) - 1), 1)
        # The log likelihood of d well-measured prevalences has variance d / 2.
        self._set([min(1.5 / math.sqrt(0.5 * cells), 1.0)] * (len(states) - 1))

    def _set(self, gaps: Sequence[float]) -> None:
        """Write the heats whose logs are `gaps` apart."""
        for state, below in zip(self.states, np.concatenate([[0.0], np.cumsum(gaps)]), strict=True):
            state.heat[0] = math.exp(-below)

    def exchange(self, logliks: list[float], round_: int, rng: np.random.Generator) -> None:
        """Propose that neighbours change places: pairs from the even rungs and from the odd ones by turns at random.

        Parameters
        ----------
        logliks
            Log likelihood of each rung's state, not tempered; kept in step.
        round_
            Sweeps from 1 while tuning, when the gaps are learned; 0 afterwards.
        rng
            The chain's generator; not used by a chain of one rung.
        """
        if len(self.states) == 1:
            return
        heats = [float(state.heat[0]) for state in self.states]
        gaps = [math.log(heats[r] / heats[r + 1]) for r in range(len(heats) - 1)]
        for r in range(int(rng.integers(2)), len(gaps), 2):
            log_ratio = log_exchange(heats[r], heats[r + 1], logliks[r], logliks[r + 1])
            accepted = math.log(rng.random()) < log_ratio
            if accepted:
                change_places(self.states[r], self.states[r + 1])
                logliks[r], logliks[r + 1] = logliks[r + 1], logliks[r]
            if round_ > 0:
                step = 2.0 / math.sqrt(round_ + 3.0) * (math.exp(min(log_ratio, 0.0)) - TARGET)
                gaps[r] = min(max(gaps[r] * math.exp(step), GAP_RANGE[0]), GAP_RANGE[1])
            else:
                self.counts[:, r] += 1, accepted
        if round_ > 0:
            self._set(gaps)

    def accepted(self) -> np.ndarray:
        """Share of the exchanges between each pair of neighbours that was accepted; NaN before any was proposed."""
        return np.where(self.counts[0] > 0, self.counts[1] / np.maximum(self.counts[0], 1), np.nan)


def log_exchange(heat: float, next_heat: float, loglik: float, next_loglik: float) -> float:
    """Log of the Metropolis ratio by which two rungs change places."""
    return (heat - next_heat) * (next_loglik - loglik)


def change_places(one: State, other: State) -> None:
    """Exchange two states but for what belongs to their rungs."""
    for name in State._fields:
        if name not in OF_THE_RUNG:
            a, b = getattr(one, name), getattr(other, name)
            a[...], b[...] = b.copy(), a.copy()
