"""How far the context of a mutation helps to place it, on the published case.

    python validation/context.py [--mutations 1000 10000]

The simulated patient has eight samples and fourteen clones. Their prevalences are taken as known, so that what is
compared is the placing of mutations alone: from their reads, and from reads and context together, the clones'
spectra being learned at the same time (`clonalbayes.signatures.couple`). Contexts are drawn from SBS1, SBS5 and, in
clones that saw the drug, SBS87. Reported are the adjusted Rand index of the likeliest clones, the probability of the
true clone of mutations that the reads leave between two clones (largest probability below 0.95), and the error of the
exposures. The table goes to `validation/results/context.tsv`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from clonalbayes.signatures.contexts import count_contexts
from clonalbayes.signatures.couple import Coupling
from clonalbayes.signatures.settings import load
from clonalbayes.signatures.tables import read_reference
from clonalbayes.simulate import lineage_switch

RESULTS = Path(__file__).resolve().parent / "results"
NAMES = ("SBS1", "SBS5", "SBS87")
TREATED = ("progression", "relapse", "relapse1", "relapse2", "myeloid", "myeloid_a", "myeloid_b", "aneuploid")
TUNE, DRAWS = 40, 120


def rand_index(a: np.ndarray, b: np.ndarray) -> float:
    """Adjusted Rand index of two labellings."""
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    pairs, rows, columns = ((x * (x - 1) / 2).sum() for x in (table, table.sum(1), table.sum(0)))
    expected = rows * columns / (len(a) * (len(a) - 1) / 2)
    return float((pairs - expected) / ((rows + columns) / 2 - expected))


def reads_of(simulation: Any, kept: np.ndarray) -> np.ndarray:
    """Log likelihood [N, K] of each mutation's reads in each clone, prevalences and copies known."""
    ds, truth = simulation.dataset, simulation.truth
    alt, depth = (ds[name].values[kept].astype(float) for name in ("alt_count", "depth"))
    purity, error = np.asarray(truth.parameters["purity"]), np.asarray(truth.parameters["error_rate"])
    copies = np.where(truth.multiplicity[kept] > 0, truth.multiplicity[kept], 1.0)
    total = ds["major_cn"].values[kept] + ds["minor_cn"].values[kept]
    cells = purity * total + (1 - purity) * ds["normal_cn"].values[kept]
    out = np.zeros((len(kept), len(truth.ccf)))
    for k, ccf in enumerate(truth.ccf):
        p = np.clip(ccf * purity * copies / cells, 0.0, 1.0)
        p = p * (1 - error) + (1 - p) * error
        out[:, k] = stats.betabinom.logpmf(alt, depth, np.maximum(p * 500, 1e-9), np.maximum((1 - p) * 500, 1e-9)).sum(
            1
        )
    return out


def place(
    reads: np.ndarray, contexts: np.ndarray, coupling: Coupling | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Gibbs sampler of the clones [N]: mean probabilities [N, K] and mean counts [K, 96]."""
    N, K = reads.shape
    z = reads.argmax(1)
    chance, counts = np.zeros((N, K)), np.zeros((K, 96))
    for i in range(TUNE + DRAWS):
        weight = np.log(np.bincount(z, minlength=K) + 0.5)
        score = reads + weight
        if coupling is not None:
            score = score + coupling.table(count_contexts(contexts, z, K), rng)[:, contexts].T
        p = np.exp(score - score.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        z = (p.cumsum(1) < rng.random((N, 1))).sum(1)
        if i >= TUNE:
            chance += p / DRAWS
            counts += count_contexts(contexts, z, K) / DRAWS
    return chance, counts


def exposures(counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mean exposures [K, 3] of whole counts."""
    coupling = Coupling(profiles(), NAMES, load("signatures"), len(counts))
    drawn = []
    for i in range(TUNE + DRAWS):
        coupling.table(np.round(counts).astype(np.int64), rng)
        if i >= TUNE:
            drawn.append(coupling.state.exposures()[0])
    return np.mean(drawn, 0)


def profiles() -> np.ndarray:
    table = read_reference()
    return table.values[[table.names.index(name) for name in NAMES]]


def compare(mutations: int, seed: int) -> list[dict[str, Any]]:
    """Place the mutations of one patient with and without contexts."""
    rng = np.random.default_rng(seed)
    simulation = lineage_switch(mutations, seed=seed)
    truth = simulation.truth
    kept = np.flatnonzero(truth.assignment >= 0)
    clone = truth.assignment[kept]
    share = np.array([(0.06, 0.44, 0.5) if name in TREATED else (0.12, 0.88, 0.0) for name in truth.names])
    share = np.array([rng.dirichlet(60 * row + 1e-6) for row in share])
    spectrum = share @ profiles()
    contexts = (spectrum[clone].cumsum(1) < rng.random((len(clone), 1))).sum(1).clip(max=95)
    reads = reads_of(simulation, kept)
    rows = []
    alone, _ = place(reads, contexts, None, rng)
    between = alone.max(1) < 0.95
    for label in ("reads", "reads and context"):
        coupling = None if label == "reads" else Coupling(profiles(), NAMES, load("signatures"), len(spectrum), seed)
        chance, counts = place(reads, contexts, coupling, rng)
        error = exposures(counts, rng) - share
        rows.append({
            "mutations": mutations, "placed by": label, "rand_index": rand_index(clone, chance.argmax(1)),
            "between_two": int(between.sum()), "p_true_between_two": chance[between, clone[between]].mean(),
            "log_score_between_two": np.log(np.maximum(chance[between, clone[between]], 1e-9)).mean(),
            "exposure_rmse": float(np.sqrt((error**2).mean())),
        })  # fmt: skip
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    rows = [row for n in options.mutations for seed in range(options.seeds) for row in compare(n, seed)]
    frame = pd.DataFrame(rows).groupby(["mutations", "placed by"], sort=False).mean().reset_index()
    RESULTS.mkdir(exist_ok=True)
    frame.to_csv(RESULTS / "context.tsv", sep="\t", index=False, float_format="%.4f")
    print(frame.to_string())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
