"""Deliberately broken kernels of what contexts and gates add, which the checks must find; see `breakages`."""

from __future__ import annotations

import types

from breakages import patched

# name -> function, what it says, what it is made to say
CONTEXT_BREAKAGES: dict[str, tuple[str, str, str]] = {
    "new clones whose exposures are the likeliest for nothing": ("contexts.log_mean", "total / n", "total"),
    "tags that stay when clones move": ("births.remove_clone", "exchange_tags(state, row, last)", "pass"),
    "tags taken whatever the contexts say": ("contexts.take_tag", "exchange_tags(state, row, pick)", "pass"),
    "assignment of noise without contexts": (
        "assign.assign_all",
        "add_contexts(scores[clones + 1, : high - low], noise, data.context, low)",
        "pass",
    ),
    "splits that ignore the contexts where they were": (
        "splitmerge.try_split",
        "ratio += log_mean(tags) - log_tally(state, work, counts, a)",
        "ratio += log_mean(tags)",
    ),
    "condensation that ignores the contexts of noise": (
        "condense.try_condense",
        "ratio += log_mean(tags) - log_tally(state, work, counts, NOISE)",
        "ratio += log_mean(tags)",
    ),
    "grafted splits that ignore the contexts where they were": (
        "tree_splits.graft_split",
        "ratio -= log_tally(state, work, counts, a) +",
        "ratio -= 0.0 * log_tally(state, work, counts, a) +",
    ),
    "grafted merges that ignore the contexts of the other": (
        "tree_splits.graft_merge",
        "ratio += log_tally(state, work, counts, a) - log_mean(tags) -",
        "ratio += log_tally(state, work, counts, a) -",
    ),
    "grafted births that ignore contexts": (
        "tree_births.graft_birth",
        "ratio += weight + log_mean(tags)",
        "ratio += weight",
    ),
    "grafted condensation that ignores the contexts of noise": (
        "tree_births.graft_condense",
        "ratio += log_mean(tags) - log_tally(state, work, counts, NOISE)",
        "ratio += log_mean(tags)",
    ),
    "truncated draws without the gate": (
        "tree_local.settle",
        "ratio += log_gate(state, work, k, state.presence[k], s, offer.presence[s])",
        "ratio += log_gate(state, work, k, state.presence[k], -1, 0)",
    ),
    "re-hanging without the gate": (
        "tree_hang.rehang",
        "ratio += log_gate(state, work, k, offer.presence, -1, 0)",
        "ratio += log_gate(state, work, k, state.presence[k], -1, 0)",
    ),
    "company without the gate": (
        "tree_company.log_beside_reads",
        "total += log_gate(state, work, row, state.presence[row], -1, 0) - log_called_now",
        "total -= log_called_now",
    ),
    "re-grafting without the gate": (
        "tree_moves.regraft",
        "ratio += log_gate(state, work, k, offer.presence, -1, 0)",
        "ratio += log_gate(state, work, k, state.presence[k], -1, 0)",
    ),
    "swaps without the gate": (
        "tree_moves.swap",
        "ratio -= log_gate(state, work, row, state.presence[row], -1, 0)",
        "ratio -= 0.0",
    ),
}


def broken_context(name: str) -> types.SimpleNamespace:
    """All kernels by name, with one breakage of contexts or gates."""
    return patched(CONTEXT_BREAKAGES[name])
