"""One chain of the clone model: its state, its generator, what it has recorded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from clonalbayes.genotypes import CompiledReads
from clonalbayes.kernels import refs
from clonalbayes.kernels.density import log_prior
from clonalbayes.kernels.layout import NOISE, Priors
from clonalbayes.kernels.profile import new_terms
from clonalbayes.kernels.start import merge_neighbours, start_clones, start_given
from clonalbayes.kernels.state import SPARE_CLONES, State, new_state, new_work
from clonalbayes.kernels.sweep import BIRTHS_PER_SWEEP, ENVELOPE_SHARE, SPLITS_PER_SWEEP, sweep

SPLITS_AT_FIRST = 20
"""Split-merge proposals of a sweep in the first third of tuning, when clones are still to be found."""

TIDY_AT = (3, 8, 20, 40, 80, 140)
"""Sweeps of tuning after which near clones are merged if the posterior gains: what the start's hard
assignments kept apart may no longer differ once assignments are drawn."""

SCALARS = ("n_clones", "concentration", "lp", "log_likelihood", "n_noise", "n_germline")
PER_SAMPLE = ("precision", "error_rate", "purity", "cn_clonal")


@dataclass(frozen=True)
class Plan:
    """What all chains of a fit share.

    Attributes
    ----------
    reads, priors
        The compiled data and priors.
    tune, draws, thin
        Sweeps thrown away first, draws kept, sweeps per draw.
    capacity
        Rows for clones.
    labels
        Given clusters as clone rows and -1 (noise), in the kernels' order; None to infer them.
    """

    reads: CompiledReads
    priors: Priors
    tune: int
    draws: int
    thin: int
    capacity: int
    labels: np.ndarray | None = None

    @property
    def sweeps(self) -> int:
        """Sweeps of one chain."""
        return self.tune + self.draws * self.thin


class Records:
    """Draws of one chain; prevalences are ragged, because the number of clones varies."""

    def __init__(self, plan: Plan) -> None:
        n, samples = len(plan.reads.order), plan.reads.data.alt_ix.shape[0]
        label = np.int8 if plan.capacity <= 127 else np.int16
        self.assignment = np.zeros((plan.draws, n), label)
        self.genotype = np.zeros((plan.draws, n), np.int8)
        self.scalars = np.zeros((plan.draws, len(SCALARS)))
        self.per_sample = np.zeros((plan.draws, len(PER_SAMPLE), samples))
        self.presence_prob = np.zeros((plan.draws, samples, 3))
        self.ccf: list[np.ndarray] = []
        self.presence: list[np.ndarray] = []

    def add(self, draw: int, state: State, lp: float, loglik: float) -> None:
        """Store the state as draw number `draw`."""
        clones = int(state.n_clones[0])
        self.assignment[draw] = state.z
        self.genotype[draw] = state.g
        noise, germline = int((state.z == NOISE).sum()), int((state.z < NOISE).sum())
        self.scalars[draw] = clones, state.concentration[0], lp, loglik, noise, germline
        self.per_sample[draw] = [getattr(state, name) for name in PER_SAMPLE]
        self.presence_prob[draw] = state.presence_prob
        self.ccf.append(state.ccf[:clones].copy())
        self.presence.append(state.presence[:clones].copy())


class Chain:
    """A chain that can be stepped, saved and restored.

    Parameters
    ----------
    plan
        What the chains share.
    seed
        The chain's own branch of the run's seed.
    """

    def __init__(self, plan: Plan, seed: np.random.SeedSequence) -> None:
        self.plan = plan
        self.rng = np.random.Generator(np.random.PCG64(seed))
        self.records = Records(plan)
        self.done = 0
        data = plan.reads.data
        self.state = new_state(data, plan.capacity)
        work = new_work(data, plan.capacity)
        terms = new_terms(len(plan.reads.order), plan.capacity + 1, int(np.diff(data.cell_off).max()))
        self._held = (work, terms)  # the references share these arrays
        self._refs = (
            refs.refer_data(data), refs.refer_state(self.state), refs.refer_work(work), refs.refer_terms(terms)
        )  # fmt: skip

    def begin(self) -> None:
        """Give the state its first values."""
        state, priors = self.state, self.plan.priors
        spread = self.rng.normal(0.0, 0.3, (2, len(state.precision)))
        state.precision[:] = np.exp(priors.precision[0] + spread[0])
        state.error_rate[:] = np.minimum(np.exp(priors.error_rate[:, 0] + spread[1]), 0.02)
        state.purity[:] = priors.purity[:, 0]
        state.cn_clonal[:] = priors.cn_clonal[0] / priors.cn_clonal.sum()
        data, ref, work, terms = self._refs
        if self.plan.labels is None:
            start_clones(data, ref, work, terms, self.rng)
        else:
            state.z[:] = self.plan.labels
            state.n_clones[0] = self.plan.labels.max(initial=-1) + 1
            start_given(data, ref, work, terms, self.rng)

    def step(self) -> None:
        """One sweep; records a draw where one is due."""
        plan = self.plan
        if self.done == 0:
            self.begin()
        tuning = self.done < plan.tune
        data, ref, work, terms = self._refs
        loglik = sweep(
            data, ref, work, terms, plan.priors, BIRTHS_PER_SWEEP,
            SPLITS_AT_FIRST if 3 * self.done < plan.tune else SPLITS_PER_SWEEP, ENVELOPE_SHARE,
            plan.labels is not None, self.done + 1 if tuning else 0, self.rng,
        )  # fmt: skip
        self.done += 1
        if self.done in TIDY_AT and self.done < plan.tune and plan.labels is None:
            merge_neighbours(data, ref, work, terms, self.rng)
        kept = self.done - plan.tune
        if kept > 0 and kept % plan.thin == 0:
            lp = loglik + log_prior(data, ref, work, plan.priors)
            self.records.add(kept // plan.thin - 1, self.state, lp, loglik)

    def snapshot(self) -> dict[str, np.ndarray]:
        """Everything that a later `restore` needs, as arrays that may be written while the chain goes on."""
        drawn = len(self.records.ccf)
        records = self.records
        saved: dict[str, np.ndarray] = {f"state_{k}": v.copy() for k, v in self.state._asdict().items()}
        saved["generator"] = np.frombuffer(json.dumps(self.rng.bit_generator.state).encode(), np.uint8)
        saved["done"] = np.array(self.done)
        for name in ("assignment", "genotype", "scalars", "per_sample", "presence_prob"):
            saved[name] = getattr(records, name)[:drawn]
        saved["clones"] = np.array([len(rows) for rows in records.ccf], np.int64)
        samples = self.state.ccf.shape[1]
        saved["ccf"] = np.concatenate([np.zeros((0, samples)), *records.ccf])
        saved["presence"] = np.concatenate([np.zeros((0, samples), np.int8), *records.presence])
        return saved

    def restore(self, saved: dict[str, Any]) -> None:
        """Go back to a snapshot of a chain of the same plan."""
        for name, values in self.state._asdict().items():
            values[...] = saved[f"state_{name}"]
        self.rng.bit_generator.state = json.loads(saved["generator"].tobytes().decode())
        self.done = int(saved["done"])
        for name in ("assignment", "genotype", "scalars", "per_sample", "presence_prob"):
            getattr(self.records, name)[: len(saved[name])] = saved[name]
        cuts = np.cumsum(saved["clones"])[:-1]
        if len(saved["clones"]):
            self.records.ccf = np.split(saved["ccf"], cuts)
            self.records.presence = np.split(saved["presence"], cuts)


def room_for(n: int, max_clones: int, labels: np.ndarray | None) -> int:
    """Rows for clones: the specification's, no more than mutations, and enough for given clusters."""
    given = 0 if labels is None else int(labels.max(initial=-1)) + 1
    return max(min(max_clones, n), given) + SPARE_CLONES
