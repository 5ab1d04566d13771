"""Detection of small clones in seven worlds of sequencing errors.

    python validation/detection.py [--replicates N] [--first R] [--rows FILE] [--worlds A B ...] [--summary]

2,318 sites of a lineage are sequenced at about 100x in a patient's sample, and in a panel of 32 normals (mean
error 1.6e-4; 20,000 control sites of the same kind, of which only totals are used). In the worlds the errors

    A  are the same everywhere                    E  as B, the patient's batch 1.5 times noisier
    B  differ between sites, log-normal sd 1.5    F  as B, overdispersed by site and sample, rho = 1e-3
    C  as B, samples differ, sd 0.3               G  as C, panel at 100x instead of 40x
    D  as B, samples differ, sd 0.7

Each replicate draws a panel, six samples without the lineage and one at each VAF of `DRAWN`.

1. False positives at a nominal 1 %, and the VAF that is found with 90 % probability at a true 1 %: computed with the
   true rates (`validation/exact_power.py`) for the first two samples without the lineage, and averaged. Beside
   it false positives as counted in the first three.
2. How often the 95 % interval of size holds the truth, zero included, counted; `coverage` weighs all sizes alike.
3. The test of a single rate beside it. `best_known_lod90` is the limit of the best test that was known: a Gamma prior
   of site rates with the sample's own control bases, on the same draws (300 replicates, counted).
4. With ``--plan``, in the first replicates of the worlds in `PLANNED`: the limit of detection (95 %, nominal 1 %) that
   `clonalbayes detect --plan` states for this panel, against the one that samples of it have.

Rule of acceptance: false positives 0.5-1.5 %, coverage 92-98 %, limit at most the best test's, a planned limit within
10 % of the one there is. A coverage is refused only if its own 99 % binomial interval lies outside. False positives and
limits are given with standard errors over replicates. The rows of a run are kept with ``--rows`` (appended, so that
replicates can be added), and ``--summary`` only summarises them. The table in `results` is of replicates from 1000 on:
the method was worked out on earlier ones. One replicate of all worlds takes 4.6 CPU s on one core
(OMP_NUM_THREADS=1), a plan 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from exact_power import LEVELS, SIZES, at_nominal, limit, reached  # noqa: E402

from clonalbayes import specs  # noqa: E402
from clonalbayes.detection.likelihood import Likelihood, SampleSites  # noqa: E402
from clonalbayes.detection.noise_test import Assumptions, NoiseTest, make_test  # noqa: E402
from clonalbayes.detection.plan import plan  # noqa: E402
from clonalbayes.detection.single_rate import single_rate_test  # noqa: E402
from clonalbayes.detection.size import SizeProfile, size_scales  # noqa: E402
from clonalbayes.errors.factors import Control  # noqa: E402
from clonalbayes.errors.model import learn_errors  # noqa: E402

RESULT = HERE / "results" / "detection.tsv"
SPEC = specs.load("detection", "detection")
SITES, CONTROLS, DEPTH, NORMALS, MEAN_ERROR = 2318, 20_000, 100, 32, 1.6e-4
DRAWN = (1e-5, 5e-5, 1e-4, 1.5e-4, 2e-4, 3e-4, 5e-4, 1.3e-3, 1e-2)
VAFS = (1e-5, 5e-5, 1e-4, 1.5e-4, 3e-4, 1.3e-3, 1e-2)
N_NULL, N_LOOKED, N_EXACT = 6, 3, 2
PLANNED, N_PLANNED = ("A", "B", "F", "G"), 15
"""Worlds without a common factor, where a plan can be right; replicates that are planned."""

BINOMIAL = float("inf")
"""Precision without overdispersion."""


@dataclass(frozen=True)
class World:
    """One world of errors: sd of sites and of samples (log), batch factor, rho, depth of the panel, known limit."""

    sites: float
    samples: float
    batch: float
    rho: float
    panel: int
    best: float


WORLDS = {
    "A": World(0.0, 0.0, 1.0, 0.0, 40, 1.3e-4),
    "B": World(1.5, 0.0, 1.0, 0.0, 40, 9.9e-5),
    "C": World(1.5, 0.3, 1.0, 0.0, 40, 1.1e-4),
    "D": World(1.5, 0.7, 1.0, 0.0, 40, 1.1e-4),
    "E": World(1.5, 0.1, 1.5, 0.0, 40, 1.3e-4),
    "F": World(1.5, 0.1, 1.0, 1e-3, 40, 9.9e-5),
    "G": World(1.5, 0.3, 1.0, 0.0, 100, 9.2e-5),
}


def depths(rng: np.random.Generator, mean: float, size: object) -> np.ndarray:
    return rng.poisson(rng.gamma(40.0, mean / 40.0, size))


def reads(rng: np.random.Generator, n: np.ndarray, p: np.ndarray, rho: float) -> np.ndarray:
    p = np.minimum(p, 1)
    if rho > 0:
        a = (1 - rho) / rho
        p = rng.beta(np.maximum(p * a, 1e-9), np.maximum((1 - p) * a, 1e-9))
    return rng.binomial(n, p)


def site_rates(rng: np.random.Generator, number: int, sd: float) -> np.ndarray:
    if sd <= 0:
        return np.full(number, MEAN_ERROR)
    return MEAN_ERROR * np.exp(rng.normal(0, sd, number) - sd * sd / 2)


def factor(rng: np.random.Generator, sd: float) -> float:
    return float(np.exp(rng.normal(0, sd) - sd * sd / 2)) if sd > 0 else 1.0


def replicate(name: str, number: int, planned: bool = False) -> list[tuple[object, ...]]:
    """Draw a panel and samples of one world, and analyse them: one row a sample."""
    world = WORLDS[name]
    rng = np.random.default_rng([sorted(WORLDS).index(name), number])
    error, control_error = site_rates(rng, SITES, world.sites), site_rates(rng, CONTROLS, world.sites)
    factors = np.array([factor(rng, world.samples) for _ in range(NORMALS)])
    panel_depth = depths(rng, world.panel, (NORMALS, SITES))
    panel_alt = reads(rng, panel_depth, error[None] * factors[:, None], world.rho)
    panel_control = rng.poisson(control_error.sum() * world.panel * factors.sum())
    model = learn_errors(panel_alt.T, panel_depth.T)
    rates, rate = model.site_rates(), model.pooled_rate()
    rows: list[tuple[object, ...]] = []
    for order, vaf in enumerate([0.0] * N_NULL + list(DRAWN)):
        f = factor(rng, world.samples) * world.batch
        n = depths(rng, DEPTH, SITES)
        x = reads(rng, n, vaf + (1 - vaf) * error * f, world.rho)
        control_alt = rng.poisson(control_error.sum() * DEPTH * f)
        if (vaf and vaf not in VAFS) or (not vaf and order >= N_LOOKED):
            continue
        control = Control.from_totals(control_alt, CONTROLS * DEPTH, panel_control, CONTROLS * world.panel * NORMALS)
        single = single_rate_test(int(x.sum()), int(n.sum()), rate)
        sites = SampleSites(x, n, np.full(SITES, 0.5), rates)
        test = make_test(sites, control, Assumptions.of(SPEC, model.factor_sd))
        p = float("nan") if vaf else test.p_value()
        found = (p, *analyse(test), single.p_value, single.low, single.high)
        rows.append((name, number, "sample", vaf, *found))
        if order < N_EXACT:
            precision = (1.0 - world.rho) / world.rho if world.rho else BINOMIAL
            for size, shares in zip(SIZES, reached(test, error * f, precision), strict=True):
                rows.append((name, number, "exact", size, *shares))
    if name in PLANNED and planned:
        rows.append((name, number, "plan", plan(DEPTH, SITES, model, control_sites=CONTROLS).lod_vaf))
    return rows


def analyse(test: NoiseTest) -> tuple[float, ...]:
    """Bayes factor (log 10), and the VAF's mean and interval."""
    outlier = SPEC.constant("outlier")
    profile = SizeProfile.of(Likelihood(test.sites, test.factor.factors, outlier, test.law), test.factor.weights)
    scales = size_scales(SPEC.value("size_scale", "lower"), SPEC.value("size_scale", "upper"))
    size = [0.5 * value for value in profile.interval()]
    return (profile.log_bayes_factor(scales) / np.log(10), *size)


COLUMNS = ("p", "log10_bf", "mean", "low", "high", "single_p", "single_low", "single_high")
FIRST = ("world", "replicate", "kind", "vaf")


def summarise(rows: list[list[str]]) -> pd.DataFrame:
    """One row a world, and whether the rule of acceptance holds."""
    kinds = {kind: [row for row in rows if row[2] == kind] for kind in ("sample", "exact", "plan")}
    samples = pd.DataFrame([row[:12] for row in kinds["sample"]], columns=[*FIRST, *COLUMNS])
    exact = pd.DataFrame([row[: 4 + len(LEVELS)] for row in kinds["exact"]], columns=[*FIRST, *map(str, LEVELS)])
    plans = pd.DataFrame([row[:4] for row in kinds["plan"]], columns=FIRST)
    tables = [frame.astype(dict.fromkeys(frame.columns[3:], float)) for frame in (samples, exact, plans)]
    return pd.DataFrame([_summary(name, *(t[t.world == name] for t in tables)) for name in sorted(set(samples.world))])


def _summary(name: str, rows: pd.DataFrame, exact: pd.DataFrame, plans: pd.DataFrame) -> dict[str, object]:
    null = rows[rows.vaf == 0]
    by_replicate = np.stack([_mean(part) for _, part in exact.groupby("replicate")])
    mean = by_replicate.mean(0)
    wrong, best = at_nominal(mean), WORLDS[name].best
    resampled = [by_replicate[np.random.default_rng(i).integers(len(by_replicate), size=len(by_replicate))].mean(0)
                 for i in range(200)]  # fmt: skip
    lod = limit(mean, 0.9, 0.01)
    row: dict[str, object] = {"world": name, "replicates": len(by_replicate), "false_positives": wrong}
    row |= {"false_positives_se": float(np.std([at_nominal(m) for m in resampled]))}
    row |= {"nulls_counted": len(null), "false_positives_counted": float((null.p < 0.01).mean())}
    row |= {"single_rate_false_positives": float((null.single_p < 0.01).mean())}
    row |= {"lod90": lod, "lod90_se": float(np.std([limit(m, 0.9, 0.01) for m in resampled]))}
    row |= {"best_known_lod90": best, "single_rate_lod90": counted_limit(rows, "single_p")}
    good = 0.005 <= wrong <= 0.015 and lod <= best
    for vaf, part in rows.groupby("vaf"):
        inside = int(((part.low <= vaf) & (vaf <= part.high)).sum())
        row[f"cover_{vaf:g}"] = inside / len(part)
        good &= _compatible(inside, len(part), 0.92, 0.98)
    row["coverage"] = float(np.mean([share for key, share in row.items() if key.startswith("cover_")]))
    row["present_bf_20_at_0"] = float((null.log10_bf > np.log10(20)).mean())
    row |= {"lod95": limit(mean, 0.95, None), "planned_lod95": float(plans.vaf.mean()) if len(plans) else np.nan}
    if len(plans):
        good &= abs(float(row["planned_lod95"]) / float(row["lod95"]) - 1.0) <= 0.1
    return row | {"accepted": "yes" if good else "no"}


def _mean(part: pd.DataFrame) -> np.ndarray:
    """Mean of the samples of one replicate, [SIZES, LEVELS]."""
    return np.asarray(part.groupby("vaf")[list(map(str, LEVELS))].mean().sort_index())


def counted_limit(rows: pd.DataFrame, column: str) -> float:
    """VAF with 90 % power at the threshold that truly gives 1 % false positives, both counted."""
    threshold = np.quantile(rows[rows.vaf == 0][column], 0.01, method="lower")
    found = rows[rows.vaf > 0].assign(found=rows[column] < threshold).groupby("vaf").found.mean()
    enough = np.flatnonzero(found.to_numpy() >= 0.9)
    if not len(enough):
        return float("nan")
    last = max(int(enough[0]), 1)
    at, power = np.log10(found.index.to_numpy()), found.to_numpy()
    return float(10 ** np.interp(0.9, power[last - 1 : last + 1], at[last - 1 : last + 1]))


def _compatible(count: int, number: int, low: float, high: float) -> bool:
    """Whether the 99 % interval of a share meets a range."""
    upper = 1.0 if count == number else float(stats.beta.ppf(0.995, count + 1, number - count))
    lower = 0.0 if count == 0 else float(stats.beta.ppf(0.005, count, number - count + 1))
    return lower <= high and upper >= low


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--worlds", nargs="+", choices=sorted(WORLDS), default=sorted(WORLDS))
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--summary", action="store_true")
    options = parser.parse_args()
    collected: list[list[str]] = []
    start = time.process_time()
    for number in () if options.summary else range(options.first, options.first + options.replicates):
        for name in options.worlds:
            planned = options.plan and number < options.first + N_PLANNED
            rows = [list(map(str, row)) for row in replicate(name, number, planned)]
            collected += rows
            if options.rows:
                with options.rows.open("a") as out:
                    out.writelines("\t".join(row) + "\n" for row in rows)
    if options.summary:
        collected = [line.rstrip("\n").split("\t") for line in options.rows.open()]
    table = summarise(collected)
    table.to_csv(RESULT, sep="\t", index=False, float_format="%.4g")
    print(table.T.to_string(float_format=lambda v: f"{v:.3g}"))
    print(f"{time.process_time() - start:.0f} CPU s")
    return 0 if (table.accepted == "yes").all() else 1


if __name__ == "__main__":
    raise SystemExit(main())
