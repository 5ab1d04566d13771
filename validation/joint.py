"""The joint model against its steps: how far contexts help to place mutations, and what that costs.

    python validation/joint.py PREFIX [PREFIX ...] --out OUT [--chains N --tune N --draws N]

PREFIX.tsv holds reads with a column `context`, PREFIX.truth.json the clone of every mutation (`assignment`) and the
exposures of every clone (`signatures`). Each case is fitted by the tree model, whose consensus clones then go to the
signature model (stepwise), and by the joint model. Reported of both: the adjusted Rand index of the consensus; of the
mutations that either model leaves between two clones (largest probability below 0.95) the mean probability of the
true clone, the mean log score and the Brier score; error, coverage and R-hat of the exposures; CPU seconds of the fit
alone. A clone of a draw stands for the true clone that most of its mutations come from. Writes OUT/joint.tsv, a case
at a time.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

import clonalbayes
from clonalbayes.intervals import central
from clonalbayes.signatures.contexts import count_contexts, index_of
from clonalbayes.signatures.joint import candidates
from clonalbayes.signatures.report import rhat
from clonalbayes.signatures.sampler import sample
from clonalbayes.signatures.settings import load as load_settings
from clonalbayes.signatures.tables import read_reference
from clonalbayes.specs import load
from clonalbayes.summaries import summarise
from clonalbayes.summaries.exposures import exposure_draws

RESULTS = Path(__file__).resolve().parent / "results"
SHOWN = 0.05
"""Mean share from which convergence is judged: of one that is 0 in all chains but one R-hat says nothing."""

FLOOR = 1e-3
"""Least probability in a log score: draws are few."""


def rand_index(a: np.ndarray, b: np.ndarray) -> float:
    """Adjusted Rand index of two labellings."""
    (_, a), (_, b) = (np.unique(x, return_inverse=True) for x in (a, b))
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    pairs, rows, columns = ((x * (x - 1) / 2).sum() for x in (table, table.sum(1), table.sum(0)))
    expected = rows * columns / (len(a) * (len(a) - 1) / 2)
    return float((pairs - expected) / ((rows + columns) / 2 - expected))


def places(labels: np.ndarray, truth: np.ndarray, clones: int) -> np.ndarray:
    """Probability [N, clones + 1] of every true clone for every mutation, from labels [D, N]; the last is none of them.

    `truth` has the true clone, -1 for what is no clone's.
    """
    out = np.zeros((labels.shape[1], clones + 1))
    for row in labels:
        slots = int(row.max()) + 1
        kept = (row >= 0) & (truth >= 0)
        shared = np.bincount(row[kept] * clones + truth[kept], minlength=slots * clones).reshape(slots, clones)
        stands = np.append(shared.argmax(1), clones)
        out[np.arange(len(row)), stands[np.where(row >= 0, row, -1)]] += 1.0 / len(labels)
    return out


def fit(ds: Any, model: str, plan: dict[str, int], seed: int) -> tuple[Any, float]:
    """Fit a model; its summarised posterior and the CPU seconds of the fit."""
    start = process_time()
    tree = clonalbayes.fit(ds, spec=model, seed=seed, progress=False, cores=1, **plan)
    used = process_time() - start
    return summarise(tree), used


def found_exposures(tree: Any, ds: Any, seed: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Draws [chain, draw, K, R] of the exposures of the consensus clones, and the signatures' names."""
    if "exposure" in tree["posterior"]:
        draws = exposure_draws(tree, load("joint"))
        assert draws is not None
        return draws.exposures, draws.signatures
    settings, table = load_settings("signatures"), read_reference()
    names = candidates(table.names, settings, ())
    clone = tree["consensus"]["clone"].values - 1
    K = tree["consensus"].sizes["clone"]
    counts = count_contexts(index_of(ds["context"].values), clone, K)
    profiles = table.values[[table.names.index(name) for name in names]]
    drawn = sample(counts, tuple(map(str, range(K))), profiles, names, settings, seed=seed)
    return drawn.exposures, drawn.signatures


def exposure_scores(
    tree: Any, ds: Any, truth: np.ndarray, wanted: list[dict[str, float]], seed: int
) -> dict[str, float]:
    """Root mean square error of the exposures of true clones; coverage and R-hat of those of consensus clones.

    A true clone's are the mean of those of the consensus clones that its mutations are in. Over the signatures of
    the truth; R-hat is the largest, of clones that all draws have and of shares that are not nearly always 0.
    """
    draws, names = found_exposures(tree, ds, seed)
    flat = draws.reshape(-1, *draws.shape[2:])
    mean, (low, high) = np.nanmean(flat, 0), central(flat)
    clone = tree["consensus"]["clone"].values - 1
    used = sorted({name for row in wanted for name in row})
    rows = [names.index(name) for name in used]
    right = np.array([[share.get(name, 0.0) for name in used] for share in wanted])
    kept = (clone >= 0) & (truth >= 0)
    table = np.zeros((len(mean), len(wanted)))
    np.add.at(table, (clone[kept], truth[kept]), 1)
    seen = table.sum(0) > 0
    found = (table.T @ mean[:, rows])[seen] / table.sum(0)[seen, None]
    held = table.sum(1) > 0
    own = right[table.argmax(1)][held]
    inside = (low[held][:, rows] - 1e-3 <= own) & (own <= high[held][:, rows] + 1e-3)
    return {
        "exposure_rmse": float(np.sqrt(np.mean((found - right[seen]) ** 2))),
        "exposure_coverage": float(np.mean(inside)),
        "exposure_rhat": max(rhat(draws[:, :, k, r]) for k in range(draws.shape[2]) for r in rows
                             if np.isfinite(draws[:, :, k, r]).all() and mean[k, r] > SHOWN),
    }  # fmt: skip


def compare(prefix: Path, plan: dict[str, int], seed: int) -> list[dict[str, Any]]:
    """Fit one case by both ways and score them."""
    ds = clonalbayes.read(prefix.with_name(prefix.name + ".tsv")).data
    known = json.loads(prefix.with_name(prefix.name + ".truth.json").read_text(encoding="utf-8"))
    names = list(known["signatures"])
    origin = [known["assignment"][str(m)] for m in ds["mutation"].values]
    truth = np.array([names.index(name) if name in names else -1 for name in origin])
    rows, fits = [], {model: fit(ds, model, plan, seed) for model in ("tree", "joint")}
    chances = {
        model: places(tree["posterior"]["assignment"].values.reshape(-1, len(truth)).astype(int), truth, len(names))
        for model, (tree, _) in fits.items()
    }
    between = (truth >= 0) & (np.minimum(*(chance.max(1) for chance in chances.values())) < 0.95)
    for model, (tree, used) in fits.items():
        chance = chances[model]
        true = chance[between, truth[between]]
        wanted = np.eye(len(names) + 1)[truth[between]]
        found = tree["consensus"]["clone"].values
        rows.append({
            "case": prefix.name, "mutations": len(truth), "model": model,
            "clones": tree["consensus"].sizes["clone"], "n_clones_mean": float(tree["posterior"]["n_clones"].mean()),
            "rand_index": rand_index(found[truth >= 0], truth[truth >= 0]), "between_two": int(between.sum()),
            "p_true": float(true.mean()), "log_score": float(np.log(np.maximum(true, FLOOR)).mean()),
            "brier": float(((chance[between] - wanted) ** 2).sum(1).mean()),
            "p_true_all": float(chance[truth >= 0, truth[truth >= 0]].mean()),
            **exposure_scores(tree, ds, truth, list(known["signatures"].values()), seed), "cpu_s": used,
        })  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=RESULTS)
    for name in ("chains", "tune", "draws"):
        parser.add_argument(f"--{name}", type=int)
    options = parser.parse_args()
    plan = {name: value for name in ("chains", "tune", "draws") if (value := getattr(options, name)) is not None}
    clonalbayes.fit(clonalbayes.read(options.cases[0].with_name(options.cases[0].name + ".tsv")).data, spec="joint",
                    chains=1, tune=2, draws=1, progress=False)  # compiles  # fmt: skip
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed, case in enumerate(options.cases, 1):
        rows += compare(case, plan, seed)
        pd.DataFrame(rows).to_csv(options.out / "joint.tsv", sep="\t", index=False, float_format="%.4g")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
