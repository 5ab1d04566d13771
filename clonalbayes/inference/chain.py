"""One chain of the clone model: its state, its generator, what it has recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from clonalbayes.faults import fail
from clonalbayes.genotypes import CompiledReads
from clonalbayes.inference.conditions import Conditions
from clonalbayes.inference.exposures import LEVEL_EVERY, UPDATE_EVERY, ExposureRecords
from clonalbayes.inference.tempering import Ladder
from clonalbayes.kernels import refs
from clonalbayes.kernels.contexts import context_loglik
from clonalbayes.kernels.density import log_prior
from clonalbayes.kernels.layout import NOISE, Priors
from clonalbayes.kernels.profile import new_terms
from clonalbayes.kernels.start import merge_neighbours, start_clones, start_given
from clonalbayes.kernels.state import SPARE_CLONES, State, copy_state, new_state, new_work
from clonalbayes.kernels.sweep import BIRTHS_PER_SWEEP, ENVELOPE_SHARE, SPLITS_PER_SWEEP, sweep
from clonalbayes.kernels.tree_grove import new_grove
from clonalbayes.kernels.tree_place import new_offer
from clonalbayes.kernels.tree_start import FEW, PARTICLES, plant, plant_given
from clonalbayes.kernels.tree_sweep import PASSES, read_curves, sweep_joint, sweep_tree, tree_blocks
from clonalbayes.signatures import joint
from clonalbayes.signatures.joint import Signatures

SPLITS_AT_FIRST = 20
"""Split-merge proposals of a sweep in the first third of tuning, when clones are still to be found."""

TIDY_AT = (3, 8, 20, 40, 80, 140)
"""Sweeps of tuning after which near clones are merged if the posterior gains: what the start's hard
assignments kept apart may no longer differ once assignments are drawn."""

STARTS, SWEEPS_OF_A_START = 2, 8
"""Starts of a chain and sweeps of each, of which it goes on from the best: one that gives a clone a wrong place in the
tree can lose the mutations of another to noise for good."""

CURVES = ("nodes", "heights", "n_nodes", "best")

ROUNDS_TO_ROOT, ROUNDS_GIVEN = 20, 8
"""Passes over the first tree with assignments and parameters held: an absence that only a bad place explains would
else make mutations leave their clone, or the error rate rise. Fewer where mutations cannot leave."""

SCALARS = ("n_clones", "concentration", "lp", "log_likelihood", "n_noise", "n_germline")
PER_SAMPLE = ("precision", "error_rate", "purity", "cn_clonal")
TREE_PER_SAMPLE = ("sparsity", "psi")
RAGGED = ("ccf", "presence", "fraction")
"""Records with one row for every clone of the draw."""


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
    parents
        Given parent of each clone row, `capacity` for the normal root; None to infer the tree.
    conditions
        What the user knows of the answer; None without any.
    rungs
        States that a chain tempers between; 1 = only that of the posterior.
    signatures
        The signature part of a joint model; None where contexts are no data.
    """

    reads: CompiledReads
    priors: Priors
    tune: int
    draws: int
    thin: int
    capacity: int
    labels: np.ndarray | None = None
    parents: np.ndarray | None = None
    conditions: Conditions | None = None
    rungs: int = 1
    signatures: Signatures | None = None

    @property
    def tree(self) -> bool:
        """Whether the model has a tree."""
        return bool(self.priors.tree[0])

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
        self.parent: list[np.ndarray] = []
        self.fraction: list[np.ndarray] = []
        self.tree_scalars = np.zeros((plan.draws, len(TREE_PER_SAMPLE), samples))

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
        self.parent.append(np.where(state.parent[:clones] == len(state.parent), 0, state.parent[:clones] + 1))
        self.fraction.append(state.fraction[:clones].copy())
        self.tree_scalars[draw] = [getattr(state, name) for name in TREE_PER_SAMPLE]


class Rung:
    """One state of a chain, with its scratch space and the power of the likelihood that it is drawn at.

    Parameters
    ----------
    plan
        What the chains share.
    rng
        The chain's generator, which its rungs share.
    """

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self.plan, self.rng = plan, rng
        data = plan.reads.data
        part = plan.signatures
        self.state = new_state(data, plan.capacity, 0 if part is None else len(part.names))
        work = new_work(data, plan.capacity, part is not None, None if part is None else part.dated)
        terms = new_terms(len(plan.reads.order), plan.capacity + 1, int(np.diff(data.cell_off).max()))
        samples = data.alt_ix.shape[0]
        grove, offer = new_grove(samples, plan.capacity if plan.tree else 1), new_offer(samples)
        self.work = work
        self._held = (work, terms, grove, offer)  # the references share these arrays
        self._refs = (
            refs.refer_data(data), refs.refer_state(self.state), refs.refer_work(work), refs.refer_terms(terms)
        )  # fmt: skip
        self._grove, self._offer = refs.refer_grove(grove), refs.refer_offer(offer)
        if plan.conditions is not None:
            work.pinned[plan.conditions.named] = 1

    def begin(self) -> None:
        """Give the state its first values: the best of several starts, where clusters are inferred."""
        if self.plan.labels is not None:
            self._start()
        else:
            fresh, found = copy_state(self.state), []
            for _ in range(STARTS):
                self._take(fresh)
                self._start()
                for t in range(SWEEPS_OF_A_START):
                    loglik = self._blocks(SPLITS_AT_FIRST, t + 1)
                    self._keep_precise()
                found.append((loglik - self.state.n_clones[0] * len(self.state.precision), copy_state(self.state)))
            self._take(max(found, key=lambda start: start[0])[1])

    def _take(self, values: State) -> None:
        """Write the values of a state of the same shape into this one's arrays."""
        for field, new in zip(self.state, values, strict=True):
            field[...] = new

    def _start(self) -> None:
        """One start: parameters near their priors' medians, clones from the data, a tree."""
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
        if self.plan.tree:
            self.plant()

    def plant(self) -> None:
        """Give the clones their first tree, or the one that is given."""
        data, ref, work, terms = self._refs
        grove, offer, priors = self._grove, self._offer, self.plan.priors
        read_curves(data, ref, work, terms, grove)
        if self.plan.parents is None:
            few = FEW if self.plan.labels is None else np.inf
            plant(data, ref, work, terms, grove, priors, offer, PARTICLES, few, self.rng)
        else:
            plant_given(ref, self.plan.parents)
        given = self.plan.parents is not None
        rounds = ROUNDS_TO_ROOT if self.plan.labels is None else ROUNDS_GIVEN
        tree_blocks(data, ref, work, terms, grove, priors, offer, rounds, given, False, self.rng)

    def sweep(self, done: int) -> float:
        """One sweep of the plan's model, after `done` others; the log likelihood after it."""
        plan, (data, ref, work, terms) = self.plan, self._refs
        if plan.signatures is not None:
            self._draw_exposures(plan.signatures, done)
        early = 3 * done < plan.tune
        loglik = self._blocks(SPLITS_AT_FIRST if early else SPLITS_PER_SWEEP, done + 1 if done < plan.tune else 0)
        if early and plan.labels is None:
            self._keep_precise()
        if not plan.tree and done + 1 in TIDY_AT and done + 1 < plan.tune and plan.labels is None:
            merge_neighbours(data, ref, work, terms, self.rng)
        return loglik

    def _blocks(self, splits: int, round_: int) -> float:
        """Every block of moves once; `round_` counts the sweeps while tuning and is 0 afterwards."""
        plan, (data, ref, work, terms) = self.plan, self._refs
        if plan.tree and plan.labels is not None:
            single = bool((plan.reads.data.n_geno == 1).all())
            return sweep_tree(
                data, ref, work, terms, self._grove, plan.priors, self._offer, PASSES, plan.parents is not None,
                single, not single or round_ > 0, round_, self.rng, self._keep,
            )  # fmt: skip
        if plan.tree:
            return sweep_joint(
                data, ref, work, terms, self._grove, plan.priors, self._offer, BIRTHS_PER_SWEEP, splits, round_,
                self.rng, self._keep,
            )  # fmt: skip
        return sweep(
            data, ref, work, terms, plan.priors, BIRTHS_PER_SWEEP, splits, ENVELOPE_SHARE, plan.labels is not None,
            round_, self.rng,
        )  # fmt: skip

    def _keep_precise(self) -> None:
        """Keep each sample's precision at its prior's median at least: a low one would explain a missing clone away."""
        np.maximum(self.state.precision, np.exp(self.plan.priors.precision[0]), out=self.state.precision)

    def _draw_exposures(self, signatures: Signatures, done: int) -> None:
        """Draw exposures and profiles if it is their turn; after an exchange of states their tables are stale.

        Where clusters are inferred the first third of tuning is of the reads alone. Were a clone that the start has
        in two parts given two exposures, they would draw apart, and the parts could not be joined any more.
        """
        if self._reads_alone(done):
            return
        if done == 0 or self._reads_alone(done - 1):
            joint.begin(signatures, self.state, self.work, self.rng)
        searching = done < self.plan.tune and self.plan.labels is None
        if searching or done % UPDATE_EVERY == 0:
            joint.update(signatures, self.state, self.work, self.rng)
            if searching and done % LEVEL_EVERY == 0:
                joint.level(signatures, self.state, self.work)
        elif self.plan.rungs > 1:
            joint.refresh(signatures, self.state, self.work)

    def _reads_alone(self, done: int) -> bool:
        """Whether contexts say nothing yet in the sweep after `done` others."""
        return self.plan.labels is None and 3 * done < self.plan.tune

    def log_contexts(self) -> float:
        """Log probability of the contexts, which no rung tempers; 0 without them."""
        data, ref, work, _ = self._refs
        return float(context_loglik(data, ref, work))

    def log_prior(self) -> float:
        """Log prior density of the state; of the signature part that of the exposures alone.

        The density of the profiles, some hundred numbers each, would drown all else.
        """
        data, ref, work, _ = self._refs
        part = self.plan.signatures
        more = 0.0 if part is None else joint.log_prior_exposures(part, self.state)
        return float(log_prior(data, ref, work, self.plan.priors)) + more

    def _keep(self, block: Callable[[], None], renumbers: bool) -> bool:
        """Run a block of moves under the user's conditions.

        What is barred is a clone's row: moves that give clones other rows know of none, and are undone if need be.
        """
        conditions = self.plan.conditions
        if conditions is None:
            block()
            return True
        if renumbers:
            self._held[2].barred[:] = 0
        kept = conditions.guard(self.state, block)
        conditions.bar(self.state, self._held[2].barred)
        return kept

    def snapshot(self) -> dict[str, np.ndarray]:
        """Copies of what the next sweep depends on, the generator apart."""
        saved = {f"state_{name}": values.copy() for name, values in self.state._asdict().items()}
        if self.plan.tree and self.plan.labels is not None:  # curves are built while tuning only
            saved |= {f"grove_{name}": getattr(self._held[2], name).copy() for name in CURVES}
        return saved

    def restore(self, saved: dict[str, Any], done: int) -> None:
        """Go back to a snapshot that was taken after `done` sweeps."""
        for name, values in self.state._asdict().items():
            values[...] = saved[f"state_{name}"]
        if self.plan.signatures is not None and done > 0 and not self._reads_alone(done - 1):
            joint.refresh(self.plan.signatures, self.state, self.work)
        if self.plan.tree and self.plan.labels is not None:
            for name in CURVES:
                getattr(self._held[2], name)[...] = saved[f"grove_{name}"]


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
        self.exposures = None if plan.signatures is None else ExposureRecords(plan.signatures, plan.draws)
        self.done = 0
        self.rungs = [Rung(plan, self.rng) for _ in range(plan.rungs)]
        self.ladder = Ladder([rung.state for rung in self.rungs])

    @property
    def state(self) -> State:
        """The state that is drawn from the posterior."""
        return self.rungs[0].state

    def step(self) -> None:
        """One sweep of every rung; records a draw where one is due."""
        plan = self.plan
        if self.done == 0:
            for rung in self.rungs:
                rung.begin()
        logliks = [rung.sweep(self.done) for rung in self.rungs]
        self.ladder.exchange(logliks, self.done + 1 if self.done < plan.tune else 0, self.rng)
        self.done += 1
        kept = self.done - plan.tune
        if kept == 1 and plan.conditions is not None and plan.conditions.broken(self.state):
            raise fail(
                "--model", "the chains found no state that meets all constraints of the specification",
                "Drop the one that the reads contradict, or tune longer.",
            )  # fmt: skip
        if kept > 0 and kept % plan.thin == 0:
            loglik = logliks[0] + self.rungs[0].log_contexts()
            lp = loglik + self.rungs[0].log_prior()
            self.records.add(kept // plan.thin - 1, self.state, lp, loglik)
            if self.exposures is not None:
                self.exposures.add(kept // plan.thin - 1, self.state)

    def snapshot(self) -> dict[str, np.ndarray]:
        """Everything that a later `restore` needs, as arrays that may be written while the chain goes on."""
        drawn = len(self.records.ccf)
        records = self.records
        saved: dict[str, np.ndarray] = {"exchanges": self.ladder.counts.copy()}
        for r, rung in enumerate(self.rungs):
            saved |= {f"rung{r}_{name}": values for name, values in rung.snapshot().items()}
        saved["generator"] = np.frombuffer(json.dumps(self.rng.bit_generator.state).encode(), np.uint8)
        saved["done"] = np.array(self.done)
        for name in ("assignment", "genotype", "scalars", "per_sample", "presence_prob", "tree_scalars"):
            saved[name] = getattr(records, name)[:drawn]
        saved["clones"] = np.array([len(rows) for rows in records.ccf], np.int64)
        samples = self.state.ccf.shape[1]
        for name in RAGGED:
            rows = getattr(records, name)
            saved[name] = np.concatenate([np.zeros((0, samples), rows[0].dtype if rows else float), *rows])
        saved["parent"] = np.concatenate([np.zeros(0, np.int64), *records.parent])
        saved |= {} if self.exposures is None else self.exposures.snapshot()
        return saved

    def restore(self, saved: dict[str, Any]) -> None:
        """Go back to a snapshot of a chain of the same plan."""
        self.ladder.counts[...] = saved["exchanges"]
        self.done = int(saved["done"])
        for r, rung in enumerate(self.rungs):
            mark = f"rung{r}_"
            rung.restore({name.removeprefix(mark): v for name, v in saved.items() if name.startswith(mark)}, self.done)
        self.rng.bit_generator.state = json.loads(saved["generator"].tobytes().decode())
        if self.exposures is not None:
            self.exposures.restore(saved)
        for name in ("assignment", "genotype", "scalars", "per_sample", "presence_prob", "tree_scalars"):
            getattr(self.records, name)[: len(saved[name])] = saved[name]
        cuts = np.cumsum(saved["clones"])[:-1]
        if len(saved["clones"]):
            for name in (*RAGGED, "parent"):
                setattr(self.records, name, np.split(saved[name], cuts))


def room_for(n: int, max_clones: int, labels: np.ndarray | None) -> int:
    """Rows for clones: the specification's, no more than mutations, and enough for given clusters."""
    given = 0 if labels is None else int(labels.max(initial=-1)) + 1
    return max(min(max_clones, n), given) + SPARE_CLONES
