"""Have the chains converged? Label-free quantities, their R-hat and sample sizes, and a verdict in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from clonalbayes.summaries.convergence import MIN_DRAWS, ess_bulk, ess_tail, rhat
from clonalbayes.summaries.tree_convergence import (
    MAX_ASDSF,
    Agreement,
    Relations,
    agreement,
    tree_quantities,
    unsure_relations,
)
from clonalbayes.summaries.trees import collect, has_trees

MAX_RHAT, MIN_ESS, MIN_TAIL = 1.01, 400.0, 400.0
"""Limits of Vehtari et al. (2021) for four chains."""

APART, OVERLAP = 1.2, 0.2
"""R-hat above which chains are looked at in pairs, and overlap (`least_overlap`) of a pair below which more draws will
not do: the two are in different modes, while a quantity that all of them cross slowly wants longer chains."""

PAIRS, PREVALENCES, UNSURE = 12, 16, 6
"""Pairs of mutations, clones and mutations of uncertain place that are watched."""

MAX_GROWTH = 10
"""No more draws are recommended than this many times those there were."""

CONVERGED = "converged"
LABEL_FREE = ("n_clones", "n_noise", "n_germline", "log_likelihood", "lp", "log_concentration")


def diagnose(tree: xr.DataTree) -> pd.DataFrame:
    """Judge the chains of a fit by quantities that do not depend on the labels of clones.

    Parameters
    ----------
    tree
        From `summarise`.

    Returns
    -------
    pandas.DataFrame
        One row a quantity: quantity, rhat, ess_bulk, ess_tail, verdict. A quantity that never changes has
        converged. The verdicts are few and say what to do next; `verdict` makes one sentence of them. A model
        with trees has one column more, value, and rows that have nothing but that and a verdict.
    """
    trees = collect(tree) if has_trees(tree) else None
    relations = [] if trees is None else unsure_relations(trees)
    rows = []
    for name, draws in quantities(tree, relations):
        values = np.asarray(draws, float)
        r = rhat(values)
        rows.append((name, r, ess_bulk(values), ess_tail(values), not r <= APART and least_overlap(values) < OVERLAP))
    table = pd.DataFrame(rows, columns=["quantity", "rhat", "ess_bulk", "ess_tail", "apart"])
    chains, count = tree["posterior"].sizes["chain"], tree["posterior"].sizes["draw"]
    agreed = None if trees is None else agreement(trees, relations)
    advice = _advice(table, chains, count, tree["posterior"].attrs, agreed)
    table["verdict"] = [advice[kind] for kind in kinds(table, chains, count)]
    said = verdict(table)
    if trees is not None and agreed is not None:
        found = {"n_trees": float(len(trees.parents)), "n_trees_effective": trees.effective}
        rows_of_trees, kind = _tree_rows(agreed, found, advice, _stuck(table, chains, count))
        table = pd.concat([table, rows_of_trees], ignore_index=True)
        said = tree_verdict(said, agreed, kind, advice[kind])
    table = table.drop(columns="apart")
    table.attrs["verdict"] = said
    return table


def least_overlap(draws: np.ndarray) -> float:
    """Overlap of the two chains that overlap least: 1 if they are alike, 0 if all of one is below the other.

    Parameters
    ----------
    draws
        Of one quantity, [chains, draws]. Equal draws count as half below and half above.

    Examples
    --------
    >>> least_overlap(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 3.0]]))
    0.75
    """
    ordered = [np.sort(chain) for chain in draws]
    least = 1.0
    for a in draws:
        for other in ordered:
            below = np.searchsorted(other, a, side="left") + np.searchsorted(other, a, side="right")
            share = float(below.mean()) / (2.0 * len(other))
            least = min(least, 2.0 * share)
    return least


def _stuck(table: pd.DataFrame, chains: int, draws: int) -> str:
    """What is wrong with trees whatever their numbers: a key of the advice, "converged" if nothing is."""
    if draws < MIN_DRAWS or chains < 2:
        return "short" if draws < MIN_DRAWS else "single"
    related = table["quantity"].str.startswith("ancestor[")
    return "apart" if table["apart"][related].any() else CONVERGED


def _tree_rows(
    agreed: Agreement, found: dict[str, float], advice: dict[str, str], stuck: str
) -> tuple[pd.DataFrame, str]:
    """Rows of the diagnosis about the trees as a whole, and the gravest of what is wrong with them."""
    worst = {"clades": agreed.clades, "parents": agreed.parents}
    judged = {f"asdsf[{name}]": "trees" if value > MAX_ASDSF else CONVERGED for name, value in worst.items()}
    judged["ess[trees]"] = "ess" if agreed.ess < MIN_ESS else CONVERGED
    if stuck != CONVERGED:
        judged = dict.fromkeys(judged, stuck)
    values = [*worst.values(), agreed.ess, agreed.ess_min, *found.values()]
    table = pd.DataFrame(
        {
            "quantity": [*judged, "ess[worst relation]", *found],
            **dict.fromkeys(("rhat", "ess_bulk", "ess_tail"), np.nan),
            "verdict": [advice[kind] for kind in judged.values()] + [""] * (len(values) - len(judged)),
            "value": values,
        }
    )
    return table, next((kind for kind in judged.values() if kind != CONVERGED), CONVERGED)


def tree_verdict(said: str, agreed: Agreement, kind: str, judged: str) -> str:
    """Extend the verdict on the chains by one on their trees.

    Parameters
    ----------
    said
        From `verdict`.
    agreed
        How far the chains agree.
    kind, judged
        What is wrong with the trees, and what to do.
    """
    if kind in ("short", "single"):  # said already, of all quantities
        return said
    off = max(agreed.clades, agreed.parents)
    if kind == CONVERGED:
        return f"{said}; the chains agree on the trees (clade frequencies differ by {off:.3f})"
    numbers = f"(frequencies of clades differ by {off:.3f}, {agreed.ess:.0f} effective trees)"
    if judged in said:  # the same is to be done about both
        return f"{said}; so with the trees {numbers}"
    trees = f"trees: {judged} {numbers}"
    return trees if said == CONVERGED else f"{said}; {trees}"


def quantities(tree: xr.DataTree, relations: Relations | None = None) -> Iterator[tuple[str, np.ndarray]]:
    """Name and draws [chain, draw] of each label-free quantity that is watched.

    Parameters
    ----------
    tree
        From `summarise`.
    relations
        Unsure relations of the trees, if there are trees.

    Yields
    ------
    tuple
        Counts and densities, what each sample has, what is watched of the trees, co-clustering of pairs of
        mutations, prevalences of the clones of mutations.
    """
    posterior: Any = tree["posterior"]
    stats: Any = tree["sample_stats"]
    with np.errstate(divide="ignore"):
        concentration = np.log(posterior["concentration"].values)
        for name in LABEL_FREE:
            if name == "lp" and has_trees(tree):
                continue  # the density has poles where a clone's own cells run out: its tails are no news
            if name == "log_concentration":
                yield name, concentration
            else:
                yield name, (posterior if name in posterior else stats)[name].values
        for name in ("precision", "error_rate", "purity", "cn_clonal_fraction"):
            logged = name in ("precision", "error_rate")
            values = np.log(posterior[name].values) if logged else posterior[name].values
            for s, sample in enumerate(posterior["specimen"].values):
                yield f"{'log_' * logged}{name}[{sample}]", values[:, :, s]
    if has_trees(tree):
        yield from tree_quantities(tree, relations or [])
    yield from _co_clustering(tree)
    yield from _prevalences(tree)


def _co_clustering(tree: xr.DataTree) -> Iterator[tuple[str, np.ndarray]]:
    """Whether uncertain mutations are with the surest mutation of their clone."""
    posterior: Any = tree["posterior"]
    group: Any = tree["consensus"]
    labels = posterior["assignment"].values
    names, clone = group["mutation"].values, group["clone"].values
    sure = representatives(clone, group["probability"].values)
    per_clone: dict[int, int] = {}
    taken = 0
    for i in unsure(group):
        k = int(clone[i]) if clone[i] > 0 else int(group["runner_up"].values[i])
        if taken == PAIRS or k not in sure or sure[k] == i or per_clone.get(k, 0) == PAIRS // 4:
            continue
        per_clone[k] = per_clone.get(k, 0) + 1
        taken += 1
        pair = (labels[:, :, i] == labels[:, :, sure[k]]) & (labels[:, :, i] >= 0)
        yield f"together[{names[i]}, {names[sure[k]]}]", pair


def _prevalences(tree: xr.DataTree) -> Iterator[tuple[str, np.ndarray]]:
    """Prevalence of the clone of the surest mutations and of uncertain ones, each where it varies most."""
    posterior: Any = tree["posterior"]
    group: Any = tree["consensus"]
    names, specimens = group["mutation"].values, group["specimen"].values
    sure = representatives(group["clone"].values, group["probability"].values)
    chosen = [sure[k] for k in sorted(sure)[:PREVALENCES]]
    chosen += [i for i in unsure(group)[:UNSURE] if i not in chosen]
    for i in chosen:
        draws = prevalence_of(posterior, i)
        s = int(draws.reshape(-1, draws.shape[2]).var(axis=0).argmax())
        yield f"prevalence[{names[i]}, {specimens[s]}]", draws[:, :, s]


def representatives(clone: np.ndarray, probability: np.ndarray) -> dict[int, int]:
    """Index of the surest mutation of each clone, the first of equals.

    Examples
    --------
    >>> representatives(np.array([1, 1, 0, 2]), np.array([0.8, 0.9, 1.0, 1.0]))
    {1: 1, 2: 3}
    """
    order = np.lexsort((np.arange(len(clone)), -probability))
    found: dict[int, int] = {}
    for k, first in zip(*np.unique(clone[order], return_index=True), strict=True):
        if k > 0:
            found[int(k)] = int(order[first])
    return found


def unsure(group: Any) -> list[int]:
    """Mutations by rising distance of their probability from one half, without those that are certain."""
    probability = group["probability"].values
    order = np.argsort(np.abs(probability - 0.5), kind="stable")
    return [int(i) for i in order[: 40 * PAIRS] if probability[i] < 1.0]


def prevalence_of(posterior: Any, i: int) -> np.ndarray:
    """Prevalence [chain, draw, specimen] of the clone that mutation `i` is in; 0 where it is in none."""
    slot = posterior["assignment"].values[:, :, i].astype(np.intp)
    phi = posterior["cellular_prevalence"].values
    if phi.shape[2] == 0:
        return np.zeros((*slot.shape, phi.shape[3]))
    own = np.take_along_axis(phi, np.maximum(slot, 0)[:, :, None, None], axis=2)[:, :, 0]
    return np.where(slot[:, :, None] >= 0, own, 0.0)


def kinds(table: pd.DataFrame, chains: int, draws: int) -> list[str]:
    """What is wrong with each quantity: one of the keys of the advice.

    Parameters
    ----------
    table
        With rhat, ess_bulk, ess_tail and apart: whether two chains hardly overlap.
    chains, draws
        Size of the run.
    """
    if draws < 4:
        return ["short"] * len(table)
    if chains < 2:
        return ["single"] * len(table)
    found = []
    total = chains * draws
    columns = (table[name] for name in ("rhat", "ess_bulk", "ess_tail", "apart"))
    for r, bulk, tail, apart in zip(*columns, strict=True):
        if r == 1.0 and bulk == tail == total:  # it never changes, and more draws would not show more
            found.append(CONVERGED)
        elif apart:
            found.append("apart")
        elif not r <= MAX_RHAT:
            found.append("rhat")
        elif not bulk >= MIN_ESS:
            found.append("ess")
        else:
            found.append(CONVERGED if tail >= MIN_TAIL else "tail")
    return found


def _advice(
    table: pd.DataFrame, chains: int, draws: int, attrs: Any, agreed: Agreement | None = None
) -> dict[str, str]:
    """Verdict of each kind; the number of draws recommended is one that would do for all quantities."""
    found = np.array(kinds(table, chains, draws))
    tune = 2 * max(int(attrs.get("tune", 500)), 500)
    short = table["ess_bulk"].min() / MIN_ESS, table["ess_tail"].min() / MIN_TAIL
    growth = max(1.2 / max(float(np.nanmin([*short, 1.2])), 1e-9), 2.0 if "rhat" in found else 1.0)
    if agreed is not None:  # frequencies differ by the root of the number of draws
        excess = np.nanmax([agreed.clades, agreed.parents, 0.0]) / MAX_ASDSF
        growth = max(growth, float(np.nanmax([1.2 * excess**2 if excess > 1 else 1.0, 1.2 * MIN_ESS / agreed.ess])))
    longer = f"run with --draws {round_up(draws * min(growth, MAX_GROWTH))}"
    elsewhere = f"--tune {tune} and another --seed"
    if agreed is not None and int(attrs.get("fixed_clusters", 0)) and "given_tree" not in attrs:
        elsewhere = f"--rungs {2 * max(int(attrs.get('rungs', 1)), 4)}, or with another --seed"
    return {
        CONVERGED: CONVERGED,
        "short": "too few draws to judge: run with --draws 1000",
        "single": "one chain cannot show that it has converged: run with --chains 4",
        "apart": f"chains disagree, they found different solutions: run with {elsewhere}, and trust only what "
        "the chains agree on",
        "rhat": f"not converged, chains differ by more than chance: {longer}",
        "ess": f"too few independent draws: {longer}",
        "trees": f"frequencies of clades differ between chains by more than {MAX_ASDSF:g}: {longer}",
        "tail": f"too few draws for the ends of the intervals: {longer}",
    }


def round_up(draws: float) -> int:
    """Round a number of draws up to one that people type.

    Examples
    --------
    >>> round_up(310), round_up(1010), round_up(2100), round_up(12000)
    (500, 1500, 2500, 15000)
    """
    step = 500 if draws <= 10_000 else 5000
    return int(-(-draws // step) * step)


def verdict(table: pd.DataFrame) -> str:
    """Say in one sentence whether the chains have converged, what is worst and what to do.

    Parameters
    ----------
    table
        From `diagnose`.

    Returns
    -------
    str
        "converged", or the gravest verdict with the quantity that it is about.
    """
    bad = table[table["verdict"] != CONVERGED]
    if bad.empty:
        return CONVERGED
    order = {"by": ["rhat", "ess_bulk"], "ascending": [False, True], "na_position": "last"}
    worst = bad.sort_values(**order).iloc[0]
    if np.isnan(worst["rhat"]):
        return str(worst["verdict"])
    others = f", and {len(bad) - 1} of {len(table) - 1} others" if len(bad) > 1 else ""
    if np.isinf(worst["rhat"]):
        return f"{worst['verdict']} ({worst['quantity']}: each chain has a value of its own{others})"
    numbers = f"R-hat {worst['rhat']:.2f}, {worst['ess_bulk']:.0f} effective draws"
    return f"{worst['verdict']} ({worst['quantity']}: {numbers}{others})"
