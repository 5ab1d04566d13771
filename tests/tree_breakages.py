"""Deliberately broken kernels of the tree, which its checks must find; see `breakages`."""

from __future__ import annotations

import types

from breakages import patched

# name -> function, what it says, what it is made to say
TREE_BREAKAGES: dict[str, tuple[str, str, str]] = {
    "places without the chance of absence": (
        "tree_place.log_absent",
        "weight + math.log1p(-state.psi[s]) if",
        "weight if",
    ),
    "places without the chance of presence": (
        "tree_place.log_present_factor",
        "math.log(psi) + offer",
        "0.0 * math.log(psi) + offer",
    ),
    "places without the children's absence": (
        "tree_place.log_present_factor",
        "offer.absent[s] * math.log1p(-psi)",
        "0.0",
    ),
    "places without the Dirichlet's constant": (
        "tree_place.log_present_factor",
        "+ grove.log_share[s, others]",
        "+ 0.0",
    ),
    "places without the parent's density": (
        "tree_place.log_present_factor",
        "factor - (a - 1.0) * math.log(offer.whole[s])",
        "factor",
    ),
    "places without the purity": (
        "tree_place.tie_of_whole",
        "return tie(offer.whole[s], grove.tie[s, 0], grove.tie[s, 1]) if at_root else 0.0",
        "return 0.0",
    ),
    "draws that are not corrected": (
        "tree_hang.missed_new",
        "total += offer.height[s] + offer.gap[s]",
        "total += 0.0",
    ),
    "re-hanging without the founders": (
        "tree_hang.weigh_parents",
        "math.log(founder_weight) if p == root else 0.0",
        "0.0",
    ),
    "re-hanging without the calls": (
        "tree_hang.rehang",
        "ratio = log_called_at(",  # without the other of the two it is exact: what is called is likely to be left
        "ratio = 0.0 * log_called_at(",
    ),
    "re-hanging below absent parents": (
        "tree_hang.sample_of_parent",
        "1 if p == state.ccf.shape[0] or state.presence[p, s] != ABSENT else 0",
        "1",
    ),
    "grafts without the number of trees": (
        "tree_graft.log_place_prior",
        "ratio = -clones * math.log(clones + 1.0 + founder_weight)",
        "ratio = 0.0",
    ),
    "grafts without the founders": (
        "tree_graft.log_place_prior",
        "ratio += math.log(founder_weight)",
        "ratio += 0.0",
    ),
    "grafts that count absent children twice": (
        "tree_graft.offered",
        "return offer.absent[s] * math.log1p(-state.psi[s]) if offer.open[s] else 0.0",
        "return 0.0",
    ),
    "grafts without the calls": (
        "tree_moves.regraft",
        "ratio = log_called_at(",  # without the other of the two it is exact: what is called is likely to be left
        "ratio = 0.0 * log_called_at(",
    ),
    "company without the ways back": (
        "tree_company.rehang_in_company",
        "math.log(rng.random()) < ratio - math.log(n)",
        "math.log(rng.random()) < ratio",
    ),
    "company without the founders": (
        "tree_company.rehang_in_company",
        "math.log(priors.tree[1]) if below else -math.log(priors.tree[1])",
        "0.0",
    ),
    "company without the calls": (
        "tree_company.log_beside_reads",
        "- log_called_now(data, state, work, row)",
        "- 0.0",
    ),
    "company that is not corrected": (
        "tree_company.there_and_back",
        "ratio = -log_sum(logs) - gap(state, grove, k, c, e, s, near, below, cut, n, x)",
        "ratio = -log_sum(logs) + grove.heights[c, s, 0] + grove.heights[k, s, 0]",
    ),
    "company without the Dirichlet's constant": (
        "tree_two.weigh_together",
        "logs[BOTH] += log_integral",
        "logs[BOTH] += log_integral - grove.log_share[s, others + 1]",
    ),
    "company without the companion's absence": (
        "tree_two.weigh_together",
        "(no if below else 2.0 * no)",
        "no",
    ),
    "cuts with one power in the middle": ("tree_pair.split_half", "at[j] = at[j + 1] = half", "at[j] = half"),
    "swaps without the way back": (
        "tree_moves.swap",
        "ratio += step_down(state, grove, p, s, offer, old[3:5, s], False, rng)",
        "ratio += 0.0 * step_down(state, grove, p, s, offer, old[3:5, s], False, rng)",
    ),
    "swaps without the presence": (
        "tree_moves.log_local",
        "total = log_presence_prior(state, s) +",
        "total = 0.0 * log_presence_prior(state, s) +",
    ),
    "swaps without the calls": (
        "tree_moves.swap",
        "ratio -= log_called_now(",
        "ratio -= 0.0 * log_called_now(",
    ),
    "truncated draws that are not corrected": (
        "tree_local.settle",
        "ratio += offer.height[s] + offer.gap[s]",
        "ratio += offer.height[s]",
    ),
    "truncated draws without the calls": (
        "tree_local.settle",
        "ratio += state.heat[0] * propose_low(",
        "ratio += 0.0 * propose_low(",
    ),
    "transfers without the Jacobian": ("tree_local.move_cells", "- 1.0 + back) *", "- 1.0) *"),
    "shifts of stacks with the way back of pairs by size": (
        "tree_local.shift_stacks",
        "j, LARGE, 0.0, path",
        "j, LARGE, 1.0, path",
    ),
    "shifts that leave what is large small": (
        "tree_local.shift",
        "if u + step <= max(least, TINY) or v - step <= (TINY if j == root else max(least, TINY)):",
        "if u + step <= TINY or v - step <= TINY:",
    ),
    "error rates without the way back": (
        "tree_faint.redraw",
        "ratio = log_draw(",
        "ratio = 0.0 * log_draw(",
    ),
    "error rates without their prior": (
        "tree_faint.log_others",
        "total += log_prior(",
        "total += 0.0 * log_prior(",
    ),
    "error rates without the reads of other clones": (
        "tree_faint.log_reads",
        "total += height[k]",
        "total += height[k] * (state.ccf[k, s] < FAINT)",
    ),
    "error rates without the calls": (
        "tree_faint.log_reads",
        "total += state.heat[0] * propose_low(",
        "total += 0.0 * propose_low(",
    ),
    "clades that come without their density": (
        "tree_faint.move_clade",
        "ratio = ratio - density if",
        "ratio = ratio if",
    ),
    "clades that go without the presence prior": (
        "tree_faint.log_others",
        "+ log_presence_prior(state, s)",
        "+ 0.0",
    ),
    "transfers that forget the clones between": (
        "tree_local.move_cells",
        "ratio += height[x] - grove.now[k, s]",
        "ratio += 0.0 * height[x]",
    ),
    "grafted births without the chance of being picked": (
        "tree_births.graft_birth",
        "ratio -= log_pick_birth(",
        "ratio -= 0.0 * log_pick_birth(",
    ),
    "grafted births without the genotypes' prior": (
        "tree_births.propose_one",
        "log_sum(evidence) - math.log(float(n_geno))",
        "log_sum(evidence)",
    ),
    "grafted deaths without the place": (
        "tree_births.graft_death",
        "ratio -= weigh_one(",
        "ratio -= 0.0 * weigh_one(",
    ),
    "grafted condensations without the place": (
        "tree_births.graft_condense",
        "< ratio + weight:",
        "< ratio:",
    ),
    "grafted splits without the seat": (
        "tree_splits.graft_split",
        "ratio -= weigh_seated(",
        "ratio -= 0.0 * weigh_seated(",
    ),
    "grafted splits without the partner": (
        "tree_splits.graft_split",
        "ratio += weight + partner_log_prob(state, a, clones, -1, clones)",
        "ratio += weight",
    ),
    "grafts without the calls of a group": (
        "tree_weights.weigh_graft",
        "return place, weight - take_prevalences(",
        "return place, weight - 0.0 * take_prevalences(",
    ),
    "sparsity without the Dirichlet's constant": (
        "tree_local.fractions_log_density",
        "log_gamma(n * a) - n * log_gamma(a) +",
        "0.0 +",
    ),
    "sparsity without its median": (
        "tree_local.update_sparsity",
        "ratio = 0.5 * ((old - centre) ** 2 - (new - centre) ** 2) / sigma**2",
        "ratio = 0.0",
    ),
    "cells rescaled without the Jacobian": (
        "hyper.rescale_cells",
        "return (a * n - 1.0) * math.log(factor)",
        "return (a - 1.0) * n * math.log(factor)",
    ),
    "presence probability without the absent": ("tree_local.update_psi", "no += 1.0", "no += 0.0"),
}

PARAMETERS = ("tree_local.update_", "tree_local.fractions_log_density")
"""Breakages of these parts concern what enumeration holds: the joint-distribution test finds them."""


def broken_tree(name: str) -> types.SimpleNamespace:
    """All kernels by name, with one breakage of the tree's."""
    return patched(TREE_BREAKAGES[name])
