"""Calibration of the error model: ranks of its own draws, and false positives on held-out normals.

    python validation/errors.py [--simulations N] [--panels N]

1. Simulation-based calibration. Hyperparameters, sites and a panel (300 sites of six classes, 16 normals) are drawn
   from the priors of `models/errors.toml`, the model is learned, and four truths are ranked in what it says: the
   mean rate of a class, the rate of a site, the precision, and the noise reads of all sites in a further normal.
   Were it exact, each rank would be uniform. Ties are broken at random.
   Rule of acceptance: Kolmogorov-Smirnov tests; the smallest p-value times their number is at least 0.01. The 95 %
   interval of each holds the truth in 90-99 % of the simulations.
2. Held-out normals. Panels of 32 normals at 40x, 2,318 sites, mean 1.6e-4, log-normal over sites (sd 1), normals that
   differ by a factor of two (0.71-1.41), and ten more normals at 100x with 20,000 control sites: a test at
   1 % that looks for a clone in them should be wrong 0.5-1.5 % of the time, computed with the true rates
   (`validation/exact_power.py`) for each. Beside it the test of a single rate, counted.
   Refused if the mean and twice its standard error over panels lie outside.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special, stats

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from exact_power import at_nominal, reached  # noqa: E402

from clonalbayes import specs  # noqa: E402
from clonalbayes.detection.likelihood import SampleSites  # noqa: E402
from clonalbayes.detection.noise_test import Assumptions, make_test  # noqa: E402
from clonalbayes.detection.single_rate import single_rate_test  # noqa: E402
from clonalbayes.errors import learn_errors  # noqa: E402
from clonalbayes.errors.factors import Control  # noqa: E402
from clonalbayes.errors.grid import concentration, rates  # noqa: E402
from clonalbayes.errors.learn import PRECISIONS  # noqa: E402

RESULTS = HERE / "results"
CLASSES = np.array(["C>A", "C>G", "C>T", "T>A", "T>C", "T>G"], object)
SITES, NORMALS, DEPTH = 300, 16, 40
LEVEL = 0.01


def draw_rates(rng: np.random.Generator, mean: np.ndarray, spread: float, lognormal: bool) -> np.ndarray:
    if lognormal:
        return np.minimum(mean * np.exp(rng.normal(-(spread**2) / 2, spread, len(mean))), 0.2)
    k = np.maximum(concentration(mean, spread), 1e-3)
    return np.clip(rng.beta(mean * k, (1 - mean) * k), 1e-12, 0.2)


def reads(rng: np.random.Generator, depth: np.ndarray, p: np.ndarray, precision: float) -> np.ndarray:
    p = np.minimum(p, 0.5)
    return rng.binomial(depth, rng.beta(np.maximum(p * precision, 1e-12), (1 - p) * precision))


def simulate(seed: int) -> dict[str, float]:
    """Draw everything from the priors, learn, and return the share of the posterior below each truth."""
    spec = specs.load("errors", "errors")
    rng = np.random.default_rng([41, seed])
    scale = spec.value("class_sd", "scale")
    mean = np.log(spec.value("mean_rate", "median")) + spec.value("mean_rate", "sigma") * rng.normal()
    class_means = np.clip(mean + abs(rng.normal(0, scale)) * rng.normal(size=6), np.log(2e-6), np.log(1e-2))
    spread = max(abs(rng.normal(0, spec.value("site_spread", "scale"))), 0.05)
    precision = spec.value("precision", "median") * np.exp(spec.value("precision", "sigma") * rng.normal())
    code = rng.integers(6, size=SITES)
    truth = draw_rates(
        rng, np.exp(class_means[code]), min(spread, 2.8), rng.random() < spec.value("lognormal_sites", "p")
    )
    factors = np.exp(rng.normal(0, 0.2, NORMALS + 1))
    factors /= factors[:NORMALS].mean()
    depth = rng.poisson(DEPTH, (SITES, NORMALS))
    alt = reads(rng, depth, truth[:, None] * factors[:NORMALS], precision)
    model = learn_errors(alt, depth, CLASSES[code])
    sites = model.site_rates()
    return {
        "mean_rate": below_class(model, CLASSES[code[0]], class_means[code[0]]),
        "site_rate": below_rate(rng, sites, truth[0]),
        "precision": below_precision(rng, model, precision),
        "noise_reads": below_noise(rng, sites, truth, factors[NORMALS], precision),
    }


def below_class(model, name: str, truth: float) -> float:
    row = model.classes.index(name)
    total = 0.0
    for node in model.nodes:
        points = node.log_means[row]
        total += node.weight * float(special.ndtr((truth - points.mean()) / max(points.std(), 1e-6)))
    return total


def below_rate(rng: np.random.Generator, sites, truth: float) -> float:
    weights = sum(w[0] for w in sites.weights.values())
    edges = np.log(rates())
    at = np.clip((np.log(truth) - edges[0]) / (edges[1] - edges[0]), 0.0, len(edges) - 1.0)
    cell = round(float(at))
    inside = np.clip(at - cell + 0.5, 0.0, 1.0) if 0 < cell < len(edges) - 1 else rng.random()
    return float(weights[:cell].sum() + inside * weights[cell])


def below_precision(rng: np.random.Generator, model, truth: float) -> float:
    finite = np.array(PRECISIONS[:-1])
    cell = int(np.searchsorted(np.concatenate([np.sqrt(finite[:-1] * finite[1:]), [2e4]]), truth))
    mass = np.array([sum(n.weight for n in model.nodes if n.precision == s) for s in PRECISIONS])
    return float(mass[:cell].sum() + rng.random() * mass[cell])


def below_noise(rng: np.random.Generator, sites, truth: np.ndarray, factor: float, precision: float) -> float:
    """Rank of a held-out normal's noise reads, its factor known, among 400 predicted ones."""
    depth = rng.poisson(DEPTH, SITES)
    seen = reads(rng, depth, truth * factor, precision).sum()
    cv = sites.common_cv(depth.astype(float))
    predicted = np.zeros(400)
    levels = np.exp(stats.norm.ppf((np.arange(8) + 0.5) / 8) * cv)
    for shift in range(8):
        pmf = sites.pmf(depth, np.array([factor * levels[shift]]), 40)[:, 0]
        below = np.cumsum(pmf / pmf.sum(1, keepdims=True), 1)[:, :-1]
        for draw in range(shift, 400, 8):
            predicted[draw] = (rng.random(SITES)[:, None] > below).sum()
    return float((predicted < seen).mean() + rng.random() * (predicted == seen).mean())


def calibrate(number: int) -> pd.DataFrame:
    ranks = pd.DataFrame([simulate(seed) for seed in range(number)])
    rows = []
    for name in ranks:
        p = float(stats.kstest(ranks[name], "uniform").pvalue)
        covered = float(ranks[name].between(0.025, 0.975).mean())
        rows.append(
            {"quantity": name, "simulations": number, "ks_p": p, "mean_rank": ranks[name].mean(), "cover_95": covered}
        )
    table = pd.DataFrame(rows)
    table["accepted"] = np.where((table.ks_p * len(table) >= LEVEL) & table.cover_95.between(0.90, 0.99), "yes", "no")
    return table


def hold_out(number: int) -> pd.DataFrame:
    """False positives of tests at 1 % on normals that the panel does not have."""
    spec = specs.load("detection", "detection")
    wrong: dict[str, list[list[float]]] = {"with control bases": [], "without": [], "single rate": []}
    for seed in range(number):
        rng = np.random.default_rng([43, seed])
        error, other = (1.6e-4 * np.exp(rng.normal(-0.5, 1.0, size)) for size in (2318, 20_000))
        factors = np.exp(rng.uniform(-np.log(2) / 2, np.log(2) / 2, 42))
        depth = rng.poisson(40, (2318, 32))
        model = learn_errors(rng.binomial(depth, error[:, None] * factors[:32]), depth)
        sites, assumed = model.site_rates(), Assumptions.of(spec, model.factor_sd)
        panel_control = int(rng.poisson(other.sum() * 40 * factors[:32].sum()))
        for shares in wrong.values():
            shares.append([])
        for factor in factors[32:]:
            n = rng.poisson(100, 2318)
            reads_ = SampleSites(rng.binomial(n, error * factor), n, np.full(2318, 0.5), sites)
            control = Control.from_totals(
                int(rng.poisson(other.sum() * 100 * factor)), 2_000_000, panel_control, 25_600_000
            )
            for name, bases in (("with control bases", control), ("without", Control())):
                chances = reached(make_test(reads_, bases, assumed), error * factor, float("inf"), (0.0,))
                wrong[name][-1].append(at_nominal(chances))
            single = single_rate_test(int(reads_.alt.sum()), int(n.sum()), model.pooled_rate())
            wrong["single rate"][-1].append(float(single.p_value < 0.01))
    rows = []
    for name, found in wrong.items():
        mean, error = float(np.mean(found)), float(np.mean(found, 1).std(ddof=1) / np.sqrt(number))
        good = mean - 2.0 * error <= 0.015 and (mean + 2.0 * error >= 0.005 or name == "without")
        row = {"test": name, "panels": number, "normals": int(np.size(found)), "wrong": mean, "wrong_se": error}
        rows.append(row | {"accepted": "yes" if good else "no"})
    return pd.DataFrame(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--panels", type=int, default=100)
    options = parser.parse_args()
    start = time.process_time()
    ranks, held = calibrate(options.simulations), hold_out(options.panels)
    for name, table in (("errors_sbc", ranks), ("errors_held_out", held)):
        table.to_csv(RESULTS / f"{name}.tsv", sep="\t", index=False, float_format="%.4g")
        print(table.to_string(index=False, float_format=lambda v: f"{v:.3g}"))
    print(f"{time.process_time() - start:.0f} CPU s")
    return 0 if (ranks.accepted == "yes").all() and (held.accepted[:1] == "yes").all() else 1


if __name__ == "__main__":
    raise SystemExit(main())
