"""The signatures of a joint fit by consensus clone: exposures, profiles, matches, and what gates say, as a part."""

from __future__ import annotations

from typing import Any

import numpy as np

from clonalbayes.intervals import mean
from clonalbayes.kernels.layout import NO_CONTEXT
from clonalbayes.signatures.contexts import count_contexts
from clonalbayes.signatures.joint import Signatures, contexts_of
from clonalbayes.signatures.kernels import allocate
from clonalbayes.signatures.report import Report, report, with_genome_shares
from clonalbayes.signatures.sampler import Draws
from clonalbayes.signatures.settings import load
from clonalbayes.signatures.state import Model, State
from clonalbayes.signatures.tables import as_seen, opportunities_of, read_reference
from clonalbayes.specs import Spec
from clonalbayes.summaries.part import Part
from clonalbayes.timing.posterior import evidence_of_presence

NAME = "signatures"
"""Entry of ``run.json``."""

MOST = 400
"""Draws of which tables are made, evenly spaced over each chain."""

EVIDENT = 0.95
"""Evidence of presence from which a clone is said to have been sampled."""

SAYS = 3.0
"""Bayes factor from which the mutations of a branch are said to contradict a gate, or its inverse to bear it out."""


def counterparts(partner: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Exposures [D, K, R] of consensus clones from those of slots [D, M, R]; NaN where a draw lacks the clone."""
    rows = np.arange(len(partner))[:, None]
    out: np.ndarray = np.where((partner >= 0)[:, :, None], exposure[rows, np.maximum(partner, 0)], np.nan)
    return out


def exposure_draws(tree: Any, spec: Spec, seed: int = 0) -> Draws | None:
    """Draws of a summarised joint fit in terms of its consensus clones; None of a fit without contexts.

    Parameters
    ----------
    tree
        From `clonalbayes.summarise`.
    spec
        The model.
    seed
        Of the division of the clones' mutations among signatures, draw by draw.

    Returns
    -------
    Draws or None
        Exposures are NaN where a draw lacks the clone.
    """
    posterior, consensus = tree["posterior"].to_dataset(), tree["consensus"].to_dataset()
    if "exposure" not in posterior:
        return None
    part = signatures_of(tree, spec)
    most = max(MOST // posterior.sizes["chain"], 2)
    picked = np.unique(np.linspace(0, posterior.sizes["draw"] - 1, most).astype(int))
    posterior, consensus = posterior.isel(draw=picked), consensus.isel(draw=picked)
    chains, draws = posterior.sizes["chain"], len(picked)
    slots = consensus["counterpart"].values.reshape(chains * draws, -1)
    counts = substitutions(posterior["assignment"].values.reshape(chains * draws, -1), slots, part.context)
    exposures = consensus["exposure"].values.reshape(chains * draws, *consensus["exposure"].shape[2:]).astype(float)
    profiles = posterior["signature_profile"].values.reshape(chains * draws, *posterior["signature_profile"].shape[2:])
    made = State(*(np.nan_to_num(exposures), profiles.astype(float), *(np.empty(0) for _ in range(5))))
    empty = part.model
    allocate(made, Model(counts, empty.reference, empty.learned, empty.strength, empty.always, empty.closed,
                         empty.use_prior), np.random.default_rng(seed))  # fmt: skip
    split = (chains, draws)
    return Draws(
        branches=tuple(str(k) for k in consensus["clone_id"].values), signatures=part.names,
        reference=empty.reference, known=empty.learned,
        counts=count_contexts(np.where(part.context < NO_CONTEXT, part.context, -1), consensus["clone"].values - 1,
                              counts.shape[1]),
        exposures=exposures.reshape(*split, *exposures.shape[1:]),
        profiles=profiles.reshape(*split, *profiles.shape[1:]),
        allocated=made.by_branch.reshape(*split, *exposures.shape[1:]),
        strength=posterior["profile_strength"].values,
        prior_on=chances(part, consensus["presence"].values.reshape(-1, *consensus["presence"].shape[2:])),
    )  # fmt: skip


def signatures_of(tree: Any, spec: Spec) -> Signatures:
    """State the signature part that a joint fit had; its mutations are in the order of the data."""
    held = tree["constant_data"].to_dataset()
    part = Signatures.of(held, np.arange(held.sizes["mutation"]), load(spec))
    if part is None:
        raise ValueError("exposures without contexts")
    return part


def substitutions(labels: np.ndarray, slots: np.ndarray, context: np.ndarray) -> np.ndarray:
    """Mutations [D, K, 96] of each draw by consensus clone and context, given its slots [D, K]."""
    D, K = slots.shape
    out, kept = np.zeros((D, K, NO_CONTEXT), np.int64), context < NO_CONTEXT
    for d in range(D):
        clone = np.full(max(int(labels[d].max(initial=-1)), int(slots[d].max(initial=-1))) + 2, -1)
        clone[slots[d][slots[d] >= 0]] = np.flatnonzero(slots[d] >= 0)
        at = clone[np.maximum(labels[d, kept], -1)]  # the last entry is of mutations outside the clones
        flat = at[at >= 0] * NO_CONTEXT + context[kept][at >= 0]
        out[d] = np.bincount(flat, minlength=K * NO_CONTEXT).reshape(K, NO_CONTEXT)
    return out


def shut(part: Signatures, presence: np.ndarray) -> np.ndarray:
    """Share of the draws [K, R] in which the gate of a signature is closed for a clone present as given [D, K, S]."""
    there = (presence >= 0).all(2)
    closed = np.array([part.closed(row) for row in presence]).reshape(*there.shape, len(part.names)).astype(float)
    return np.nan_to_num(mean(np.where(there[:, :, None], closed, np.nan)))


def chances(part: Signatures, presence: np.ndarray) -> np.ndarray:
    """Prior probability [K, R] that a signature is on in a clone, its gate as in the draws."""
    a, b = part.model.use_prior
    closed = shut(part, presence)
    return np.where(part.model.always, 1.0, closed * part.model.leak + (1 - closed) * a / (a + b))


def signature_part(tree: Any, spec: Spec) -> Part:
    """What signatures add to the result folder of a fit: exposures, profiles and matches, and what they say.

    Parameters
    ----------
    tree
        From `clonalbayes.summarise`.
    spec
        The model that was fitted.

    Returns
    -------
    Part
        Of a fit without contexts it says why there is nothing.
    """
    draws = exposure_draws(tree, spec)
    if draws is None:
        return Part(NAME, {"findings": [_why_not(tree, spec)]})
    held = tree["constant_data"].to_dataset()
    found = report(draws, as_seen(read_reference(), held))
    part = signatures_of(tree, spec)
    gates = gate_rows(tree, part, found)
    with_context = int((part.context < NO_CONTEXT).sum())
    said = f"The contexts of {with_context} of {len(part.context)} mutations helped to place them ({spec.name} model)."
    entry = {
        "model": spec.name, "candidates": list(part.names), "mutations_with_context": with_context,
        "gates": gates, "diagnostics": found.diagnostics,
        "findings": [said, *found.findings, *gate_findings(gates)],
        "citation": "COSMIC v3.4; Alexandrov et al. 2020, Nature 578:94",
    }  # fmt: skip
    rows = with_genome_shares(found.exposures, draws, opportunities_of(held))
    tables = {"exposures": rows, "signatures": found.profiles, "matches": found.matches}
    return Part(NAME, entry, tables)


def _why_not(tree: Any, spec: Spec) -> str:
    """Say why a fit has no exposures."""
    if (contexts_of(tree["constant_data"].to_dataset()) == NO_CONTEXT).all():
        return "No mutation has a context: add them with `clonalbayes contexts` to see the signatures of the clones."
    return f"The model {spec.name} leaves contexts out: fit with --model joint to see the signatures of the clones."


def gate_rows(tree: Any, part: Signatures, found: Report) -> list[dict[str, Any]]:
    """Evidence of every gate that was closed in some draw.

    branch, signature; p_closed, the share of such draws, and p_sampled, as far as the reads speak for the clone's
    presence before the treatment (`timing.posterior.evidence_of_presence`); p_present and bayes_factor of the
    signature.
    """
    group, prior = tree["consensus"].to_dataset(), tree["posterior"]["present_prob"].values
    presence, parent = (group[name].values.reshape(-1, *group[name].shape[2:]) for name in ("presence", "parent"))
    evident = evidence_of_presence(presence, parent.astype(np.int64), prior.reshape(-1, prior.shape[-1]))
    closed = shut(part, presence)
    sampled = shut(part, np.where(evident >= EVIDENT, presence, np.minimum(presence, 0)))
    rows = {(row["branch"], row["signature"]): row for row in found.exposures}
    ids = [str(k) for k in tree["consensus"]["clone_id"].values]
    return [
        {
            "branch": branch, "signature": name, "p_closed": float(closed[k, r]),
            "p_sampled": float(sampled[k, r]),
            "p_present": float(rows[branch, name]["p_present"]),
            "bayes_factor": float(rows[branch, name]["bayes_factor"]),
        }
        for k, branch in enumerate(ids) for r, name in enumerate(part.names) if closed[k, r] > 0
    ]  # fmt: skip


def gate_findings(rows: list[dict[str, Any]]) -> list[str]:
    """Say of each signature which gates are closed for sure, and which of them the mutations contradict."""
    out = []
    for name in dict.fromkeys(row["signature"] for row in rows):
        shut_ = [row for row in rows if row["signature"] == name and row["p_sampled"] > 0.5]
        if shut_:
            listed = ", ".join(row["branch"] for row in shut_)
            out.append(f"{name}: clones {listed} were sampled before its treatment began, and have it by leak only.")
        out += [
            f"Clone {row['branch']} has {name} against its gate (probability {row['p_present']:.2f}, Bayes factor "
            f"{row['bayes_factor']:.3g}): check the dates, or another process resembles it."
            for row in shut_ if row["bayes_factor"] > SAYS and row["p_present"] > 0.5
        ]  # fmt: skip
    return out

