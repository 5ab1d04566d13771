"""From the posterior of a tree, draw by draw, to what the timing model needs: counts, parents, bounds, detection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clonalbayes.data.treatments import Treatment, parse_date, treatments_of
from clonalbayes.faults import FaultList, fail
from clonalbayes.signatures.contexts import count_contexts, index_of
from clonalbayes.timing.calendar import to_days
from clonalbayes.timing.state import Trees, depths, start_times

ROWS = 100
"""Mutations whose depths stand for those of all, for the chance of being called."""

LEAST_DETECTED = 0.02
HARDLY_MISSED = 1e-4
"""Chance of not being called below which more samples need not be looked at."""

SURE = 0.95
"""Share of the draws from which a clone is said to be in a sample."""

KINDS = ("snv", "indel", "mnv", "")


@dataclass(frozen=True, eq=False)
class BranchDraws:
    """Mutations of every branch in some draws, in terms of the consensus clones.

    Attributes
    ----------
    parent
        [D, K] parent from 1, 0 = the root, -1 = the draw lacks the clone.
    kinds
        [D, K, 4] mutations by clone and kind, in the order of `KINDS`.
    detected
        [D, K] share of a branch's mutations that the table can hold.
    consensus
        [K] parent in the consensus tree.
    seen
        [K] groups of samples (or samples, if they have no group) in which the consensus clone is.
    signatures
        [Q] signatures of a joint fit; none of a fit without contexts in its model.
    exposures
        [D, K, Q] share of each branch's substitutions that each of them made.
    """

    parent: np.ndarray
    kinds: np.ndarray
    detected: np.ndarray
    consensus: np.ndarray
    seen: tuple[tuple[str, ...], ...] = ()
    signatures: tuple[str, ...] = ()
    exposures: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0)))


@dataclass(frozen=True, eq=False)
class TreeDraws(BranchDraws):
    """Some draws of a posterior of trees, with what dates them.

    Attributes
    ----------
    counts
        [D, K, 96] substitutions by clone and context.
    bound
        [D, K] day from the origin on which each clade was first sampled, as far as the reads say so.
    treatments
        Courses that the data hold.
    samples
        Groups (or names) of the samples, each with its day from the origin; those without a date are left out.
    profiles
        [D, Q, 96] of the signatures of a joint fit.
    """

    counts: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 96), np.int64))
    bound: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    treatments: tuple[Treatment, ...] = ()
    samples: tuple[tuple[str, float], ...] = ()
    profiles: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 96)))


class _Picked:
    """Evenly spaced draws of a summarised fit."""

    def __init__(self, tree: Any, draws: int) -> None:
        self.tree = tree
        self.held, consensus, posterior = (
            tree[name].to_dataset() for name in ("constant_data", "consensus", "posterior")
        )
        if "parent" not in consensus:
            raise fail("timing", "the fit has no tree", "Fit with a model of trees (--model tree).")
        total = posterior.sizes["chain"] * posterior.sizes["draw"]
        rows = np.unique(np.linspace(0, total - 1, min(draws, total)).astype(int))
        self.parent = _flat(consensus, "parent", "clone")[rows].astype(np.int64)
        everything = _flat(consensus, "presence", "clone", "specimen")
        prior = _flat(posterior, "present_prob", "specimen")
        self.evident = evidence_of_presence(everything, _flat(consensus, "parent", "clone").astype(np.int64), prior)
        self.presence = everything[rows]
        self.phi = np.nan_to_num(_flat(consensus, "cellular_prevalence", "clone", "specimen")[rows])
        assignment = _flat(posterior, "assignment", "mutation")[rows]
        place = clone_of_mutations(assignment, consensus["clone"].values, self.parent.shape[1])
        there = np.take_along_axis(np.pad(self.parent, ((0, 0), (1, 0)), constant_values=-1), place + 1, 1) >= 0
        self.place = np.where(there, place, -1)
        self.consensus = np.asarray(consensus["consensus_parent"].values, np.int64)
        self.signatures: dict[str, Any] = {}
        self.profiles = np.zeros((0, 0, 96))
        if "exposure" in consensus:
            exposures = _flat(consensus, "exposure", "clone", "signature")[rows].astype(float)
            names = tuple(str(name) for name in posterior["signature"].values)
            self.signatures = {"signatures": names, "exposures": np.nan_to_num(exposures)}
            self.profiles = _flat(posterior, "signature_profile", "signature", "context")[rows].astype(float)

    def branches(self, callable_share: float) -> dict[str, Any]:
        """Fields of `BranchDraws`."""
        K = self.parent.shape[1]
        names = [str(name) for name in self.held["kind"].values] if "kind" in self.held else []
        kind = np.array([KINDS.index(n) if n in KINDS else 3 for n in names] or [3] * self.place.shape[1], np.int64)
        kinds = np.stack([np.bincount(r[r >= 0] * 4 + kind[r >= 0], minlength=4 * K).reshape(K, 4) for r in self.place])
        detected = np.clip(detection(self.tree, self.phi) * callable_share, LEAST_DETECTED, 1.0)
        return {
            "parent": self.parent, "kinds": kinds, "detected": detected, "consensus": self.consensus,
            "seen": self._seen(), **self.signatures,
        }  # fmt: skip

    def names(self) -> list[str]:
        """Group of each sample, or its own name if there are no groups."""
        groups = [str(name) for name in self.held["group"].values] if "group" in self.held else []
        return groups if any(groups) else [str(name) for name in self.held["specimen"].values]

    def bounds(self, dates: np.ndarray) -> np.ndarray:
        """First day [D, K] on which each draw's clades were sampled, given those of the samples; inf if there is none.

        Of presences that the reads speak for: of the others the prior's share is left out, draw by draw at random.
        """
        taken = np.random.default_rng(0).random(self.presence.shape) < self.evident
        out: np.ndarray = np.where((self.presence > 0) & taken, dates, np.inf).min(2)
        return out

    def _seen(self) -> tuple[tuple[str, ...], ...]:
        """Groups in which each consensus clone is in nearly all of the draws that have it, as the reads say."""
        names = self.names()
        there = (self.presence > 0).sum(0) >= SURE * np.maximum((self.presence >= 0).sum(0), 1)
        there &= self.evident >= SURE
        return tuple(tuple(dict.fromkeys(n for n, yes in zip(names, row, strict=True) if yes and n)) for row in there)


def branch_draws(tree: Any, *, draws: int = 200, callable_share: float = 1.0) -> BranchDraws:
    """Count the mutations of every branch in draws of a summarised fit.

    Parameters
    ----------
    tree
        DataTree of a fit with trees, with the groups `posterior`, `consensus`, `observed_data` and `constant_data`.
    draws
        How many draws, evenly spaced.
    callable_share
        Share of the genome in which mutations can be called.

    Raises
    ------
    InputError
        If the fit has no tree.
    """
    return BranchDraws(**_Picked(tree, draws).branches(callable_share))


def tree_draws(tree: Any, origin: str, *, trees: int = 32, callable_share: float = 1.0) -> TreeDraws:
    """Take draws of a summarised fit, evenly spaced.

    Parameters
    ----------
    tree
        As for `branch_draws`.
    origin
        Date of the root, YYYY-MM-DD.
    trees
        How many draws.
    callable_share
        Share of the genome in which mutations can be called.

    Returns
    -------
    TreeDraws

    Raises
    ------
    InputError
        If the fit has no tree, or the data lack dates or contexts.
    """
    picked = _Picked(tree, trees)
    held = picked.held
    dates = _days(held, origin)
    contexts = _contexts(held)
    K = picked.parent.shape[1]
    day = picked.bounds(dates)
    return TreeDraws(
        **picked.branches(callable_share),
        profiles=picked.profiles,
        counts=np.stack([count_contexts(contexts, row, K) for row in picked.place]),
        bound=np.where(np.isfinite(day), day, dates[np.isfinite(dates)].max()),
        treatments=tuple(treatments_of(held.set_coords("treatment") if "treatment" in held else held)),
        samples=tuple((n, float(day)) for n, day in zip(picked.names(), dates, strict=True) if np.isfinite(day)),
    )


def evidence_of_presence(presence: np.ndarray, parent: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Share of a clade's presences in a sample that are more than the prior's: max(0, 1 - 1 / Bayes factor).

    A clade that the reads can neither show nor exclude is present in as many draws as its parent's presence makes
    usual, and these draws must not date it before the sample. Let B be the Bayes factor of the reads for presence,
    p its prior probability. A clade that is older than the sample is present with probability p, a younger one never:
    the likelihoods of the two are as 1 + p (B - 1) to 1. That is a bound in a share 1 - 1 / B of the draws with the
    clade, and none in the others.

    Parameters
    ----------
    presence
        [D, K, S] of consensus clones; 0 absent, below 0 where the draw lacks the clone.
    parent
        [D, K] from 1; 0 = the root, which is everywhere.
    prior
        [D, S] probability that a clade is present where its parent is.

    Returns
    -------
    numpy.ndarray
        [K, S]; 1 where the clade is in every draw in which its parent is.
    """
    above = np.take_along_axis(presence, np.maximum(parent, 1)[:, :, None] - 1, 1)
    possible = (presence >= 0) & ((above > 0) | (parent == 0)[:, :, None])
    n = np.maximum(possible.sum(0), 1)
    share = (possible & (presence > 0)).sum(0) / n
    expected = (possible * prior[:, None, :]).sum(0) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        against = (1.0 - share) / share * expected / (1.0 - expected)
    return np.where(share >= 1.0, 1.0, np.clip(1.0 - np.nan_to_num(against, nan=1.0, posinf=1.0), 0.0, 1.0))


def _flat(ds: Any, name: str, *dims: str) -> np.ndarray:
    """Draws of a variable, chain after chain: [chain x draw, *dims]."""
    values = ds[name].transpose("chain", "draw", *dims).values
    out: np.ndarray = values.reshape(-1, *values.shape[2:])
    return out


def _days(held: Any, origin: str) -> np.ndarray:
    """Sampling days [S] from the origin, infinite where there is no date."""
    texts = [str(text) for text in held["date"].values] if "date" in held else []
    if not any(texts):
        raise fail("timing", "no sample has a date", "Add a column date (YYYY-MM-DD) and fit again.")
    if not origin:
        raise fail("timing", "the patient's origin is not known", "Give the date of birth with --origin.")
    faults, out = FaultList(), []
    for name, text in zip(held["specimen"].values, texts, strict=True):
        day = to_days(text, origin) if parse_date(text) else np.inf
        if text and not (day > 0):
            faults.add(
                "--origin", "a sample was taken before the patient's origin", "Correct one.", value=f"{name} {text}"
            )
        out.append(day)
    faults.raise_if_any()
    if not np.isfinite(out).any():
        raise fail("timing", "no date can be read", "Write dates as YYYY-MM-DD.", value=texts[0])
    return np.array(out)


def _contexts(held: Any) -> np.ndarray:
    """Index of every mutation's context, -1 where there is none."""
    if "context" not in held:
        raise fail("timing", "the mutations have no context", "Add it with `clonalbayes contexts`, and fit again.")
    found = index_of(held["context"].values)
    if not (found >= 0).any():
        raise fail("timing", "no mutation has a context", "Add it with `clonalbayes contexts`, and fit again.")
    return found


def clone_of_mutations(assignment: np.ndarray, consensus: np.ndarray, clones: int) -> np.ndarray:
    """Consensus clone of every mutation in every draw.

    Parameters
    ----------
    assignment
        [D, N] slots; below 0 outside the clones.
    consensus
        [N] consensus clone from 1; 0 and below outside the clones.
    clones
        Number of consensus clones.

    Returns
    -------
    numpy.ndarray
        [D, N] clone from 0: each slot stands for the consensus clone with which it shares most mutations, and a
        consensus clone has at most one slot; -1 for mutations in other slots and outside the clones.
    """
    out = np.full(assignment.shape, -1)
    inside = consensus > 0
    for d, row in enumerate(assignment):
        slots = int(row.max(initial=-1)) + 1
        kept = inside & (row >= 0)
        if not slots or not clones:
            continue
        flat = np.bincount((consensus[kept] - 1) * slots + row[kept], minlength=clones * slots)
        shared = flat.reshape(clones, slots)
        owner = np.where(shared.max(0) > 0, shared.argmax(0), -1)
        for k in range(clones):
            mine = np.flatnonzero(owner == k)
            owner[mine[shared[k, mine].argsort()[:-1]]] = -1
        out[d] = np.where(row >= 0, owner[np.maximum(row, 0)], -1)
    return out


def detection(tree: Any, phi: np.ndarray) -> np.ndarray:
    """Chance [D, K] that a mutation of a clone of prevalence phi [D, K, S] is called.

    Calling is `min_alt` alternative reads in at least one sample, at the depths of the data's own mutations; the
    expected share of alternative reads is that of a heterozygous mutation in a diploid region.
    """
    from scipy.special import bdtr

    held, observed = tree["constant_data"].to_dataset(), tree["observed_data"].to_dataset()
    least = int(held.attrs.get("min_alt", tree["posterior"].to_dataset().attrs.get("min_alt", 1)) or 0)
    depth = observed["depth"].transpose("mutation", "specimen").values
    depth = np.maximum(depth[:: max(len(depth) // ROWS, 1)], 0).astype(np.int64)
    if least < 1:
        return np.ones(phi.shape[:2])
    fraction = np.clip(phi / 2.0, 0.0, 1.0)
    missed = np.ones((*phi.shape[:2], len(depth)))
    for s in np.argsort(-fraction.mean((0, 1))):  # where clones are large first: most are soon called for certain
        there = (fraction[:, :, s] > 0.0) & (missed.max(2) > HARDLY_MISSED)
        missed[there] *= bdtr(float(least - 1), np.maximum(depth[:, s], least - 1), fraction[there][:, s, None])
    out: np.ndarray = 1.0 - missed.mean(2)
    return out


def prior_overlap(trees: Trees, spans: np.ndarray, draws: int = 400, seed: int = 0) -> np.ndarray:
    """Prior probability [K, W] that a branch overlaps each span [W, 2], from node times drawn without data."""
    rng = np.random.default_rng(seed)
    parent = np.repeat(trees.parent, -(-draws // len(trees.parent)), 0)
    bound = np.repeat(trees.bound, -(-draws // len(trees.parent)), 0)
    time, deep = np.zeros(parent.shape), depths(parent)
    for level in range(1, int(deep.max(initial=0)) + 1):
        begin = start_times(time, parent)
        time = np.where(deep == level, rng.uniform(begin, np.maximum(bound, begin)), time)
    begin, there = start_times(time, parent), parent >= 0
    inside = (time[:, :, None] > spans[:, 0]) & (begin[:, :, None] < spans[:, 1]) & there[:, :, None]
    out: np.ndarray = inside.sum(0) / np.maximum(there.sum(0), 1)[:, None]
    return out
