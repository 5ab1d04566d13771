"""Draws of the signature part of one chain, and all chains' as variables of the posterior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clonalbayes.kernels.state import State
from clonalbayes.signatures.contexts import CONTEXTS
from clonalbayes.signatures.joint import Signatures, exposures

if TYPE_CHECKING:
    from clonalbayes.inference.chain import Chain

UPDATE_EVERY = 2
"""Sweeps from one draw of exposures and profiles to the next, but every sweep while clones are looked for: five draws
make an independent one once the chain has found the profiles, some dozens find them. One takes 2.5 ms, whatever the
number of mutations: a seventh of a sweep over ten thousand, a fifth of one over a thousand."""

LEVEL_EVERY = 8
"""Sweeps of tuning from one time that near clones get the same exposures to the next (see `signatures.joint.level`)."""

UNITS = {
    "exposure": ("share of the clone's substitutions", "made by the signature; NaN where the slot is not used"),
    "signature_profile": ("share of the signature's substitutions", "in the context"),
    "profile_strength": ("1", "shape of the gamma factor on each channel of a reference profile"),
}


class ExposureRecords:
    """Exposures, profiles and their strength, draw by draw; exposures are ragged, as the clones are."""

    def __init__(self, signatures: Signatures, draws: int) -> None:
        shape = (draws, len(signatures.names), len(CONTEXTS))
        self.profile, self.strength = np.zeros(shape, np.float32), np.zeros(draws)
        self.exposure: list[np.ndarray] = []

    def add(self, draw: int, state: State) -> None:
        """Store the state as draw number `draw`."""
        self.profile[draw] = state.weight / state.weight.sum(1, keepdims=True)
        self.strength[draw] = state.strength[0]
        self.exposure.append(exposures(state).astype(np.float32))

    def snapshot(self) -> dict[str, np.ndarray]:
        """All draws so far, as arrays."""
        drawn, width = len(self.exposure), self.profile.shape[1]
        return {
            "exposure": np.concatenate([np.zeros((0, width), np.float32), *self.exposure]),
            "exposed": np.array([len(rows) for rows in self.exposure], np.int64),
            "profile": self.profile[:drawn].copy(),
            "strength": self.strength[:drawn].copy(),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Go back to a snapshot."""
        drawn = len(saved["exposed"])
        self.profile[:drawn], self.strength[:drawn] = saved["profile"], saved["strength"]
        self.exposure = np.split(saved["exposure"], np.cumsum(saved["exposed"])[:-1]) if drawn else []


def exposure_variables(
    chains: Sequence[Chain], slots: int
) -> tuple[dict[str, tuple[tuple[str, ...], np.ndarray]], dict[str, list[str]]]:
    """Variables and coordinates of the posterior of the signature part; nothing of a model without it."""
    signatures = chains[0].plan.signatures
    records = [chain.exposures for chain in chains if chain.exposures is not None]
    if signatures is None:
        return {}, {}
    exposure = np.full((len(records), len(records[0].exposure), slots, len(signatures.names)), np.nan, np.float32)
    for c, record in enumerate(records):
        for d, rows in enumerate(record.exposure):
            exposure[c, d, : len(rows)] = rows
    draws = ("chain", "draw")
    values: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        "exposure": ((*draws, "slot", "signature"), exposure),
        "signature_profile": ((*draws, "signature", "context"), np.stack([record.profile for record in records])),
        "profile_strength": (draws, np.stack([record.strength for record in records])),
    }
    return values, {"signature": list(signatures.names), "context": list(CONTEXTS)}
