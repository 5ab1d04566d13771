"""Detection of small clones in seven worlds of sequencing errors.

    python validation/detection.py [--replicates N] [--first R] [--rows FILE] [--worlds A B ...] [--summary]

2,318 sites of a lineage are sequenced at about 100x in a patient's sample, and in a panel of 32 normals (mean
error 1.6e-4; 20,000 control sites of the same kind, of which only totals are used). In the worlds the errors

    A  are the same everywhere                    E  as B, the patient's batch 1.5 times noisier
    B  differ between sites, log-normal sd 1.5    F  as B, overdispersed by site and sample, rho = 1e-3
    C  as B, samples differ, sd 0.3               G  as C, panel at 100x instead of 40x
    D  as B, samples differ, sd 0.7

Each replicate draws a panel, six samples without the lineage and one at each VAF of `VAFS`. Reported are the
share of false positives at a nominal 1 % of the test, the VAF that is found with 90 % probability at a true 1 %
(by interpolation in the logarithm), how often the 95 % interval of size holds the truth (zero included), and
the test of a single rate beside it. The last column is the same limit of the best test that was known: a Gamma
prior of site rates with the sample's own control bases, on the same draws (300 replicates).

Rule of acceptance, with N replicates: false positives 0.5-1.5 %, coverage 92-98 %, limit at most the best
test's. A share is refused only if its own 99 % binomial interval lies outside; a limit, if 99 of 100 resamples of
the replicates are above (`lod90_low` is their first percentile). The rows of a run are kept with ``--rows``
(appended, so that replicates can be added), and ``--summary`` only summarises them.
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
sys.path[:0] = [str(HERE.parent)]

from clonalbayes import specs  # noqa: E402
from clonalbayes.detection.likelihood import Likelihood, SampleSites  # noqa: E402
from clonalbayes.detection.noise_test import Assumptions, make_test  # noqa: E402
from clonalbayes.detection.single_rate import single_rate_test  # noqa: E402
from clonalbayes.detection.size import SizeProfile, size_scales  # noqa: E402
from clonalbayes.errors.factors import Control  # noqa: E402
from clonalbayes.errors.model import learn_errors  # noqa: E402

RESULT = HERE / "results" / "detection.tsv"
SITES, CONTROLS, DEPTH, NORMALS, MEAN_ERROR = 2318, 20_000, 100, 32, 1.6e-4
DRAWN = (1e-5, 5e-5, 1e-4, 1.5e-4, 2e-4, 3e-4, 5e-4, 1.3e-3, 1e-2)
VAFS = (1e-5, 5e-5, 1e-4, 1.5e-4, 1.3e-3, 1e-2)
N_NULL = 6


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


def replicate(name: str, number: int) -> list[tuple[object, ...]]:
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
    for vaf in [0.0] * N_NULL + list(DRAWN):
        f = factor(rng, world.samples) * world.batch
        n = depths(rng, DEPTH, SITES)
        x = reads(rng, n, vaf + (1 - vaf) * error * f, world.rho)
        control_alt = rng.poisson(control_error.sum() * DEPTH * f)
        if vaf and vaf not in VAFS:
            continue
        control = Control.from_totals(control_alt, CONTROLS * DEPTH, panel_control, CONTROLS * world.panel * NORMALS)
        single = single_rate_test(int(x.sum()), int(n.sum()), rate)
        sites = SampleSites(x, n, np.full(SITES, 0.5), rates)
        rows.append(
            (name, number, vaf, *analyse(sites, control, model.factor_sd), single.p_value, single.low, single.high)
        )
    return rows


def analyse(sites: SampleSites, control: Control, tau: float) -> tuple[float, ...]:
    """P value, Bayes factor (log 10), and the VAF's mean and interval."""
    spec = specs.load("detection", "detection")
    assumed = Assumptions.of(spec, tau)
    test = make_test(sites, control, assumed)
    likelihood = Likelihood(sites, test.factor.factors, assumed.outlier, test.law)
    profile = SizeProfile.of(likelihood, test.factor.weights)
    scales = size_scales(spec.value("size_scale", "lower"), spec.value("size_scale", "upper"))
    size = [0.5 * value for value in profile.interval()]
    return (test.p_value(), profile.log_bayes_factor(scales) / np.log(10), *size)


COLUMNS = ("world", "replicate", "vaf", "p", "log10_bf", "mean", "low", "high", "single_p", "single_low", "single_high")


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a world, and whether the rule of acceptance holds."""
    return pd.DataFrame([_summary(name, part) for name, part in rows.groupby("world")])


def _summary(name: str, rows: pd.DataFrame) -> dict[str, object]:
    null = rows[rows.vaf == 0]
    row: dict[str, object] = {"world": name, "replicates": rows.replicate.nunique(), "nulls": len(null)}
    wrong = int((null.p < 0.01).sum())
    row |= {"false_positives": wrong / len(null), "single_rate_false_positives": float((null.single_p < 0.01).mean())}
    good = _compatible(wrong, len(null), 0.005, 0.015)
    limit, single = limit_90(rows, "p"), limit_90(rows, "single_p")
    row |= {"lod90": limit, "single_rate_lod90": single, "best_known_lod90": WORLDS[name].best}
    low = resampled_limit(rows)
    row |= {"lod90_low": low}
    good &= low <= WORLDS[name].best
    for vaf, part in rows.groupby("vaf"):
        inside = int(((part.low <= vaf) & (vaf <= part.high)).sum())
        row[f"cover_{vaf:g}"] = inside / len(part)
        good &= _compatible(inside, len(part), 0.92, 0.98)
    row["present_bf_20_at_0"] = float((null.log10_bf > np.log10(20)).mean())
    return row | {"accepted": "yes" if good else "no"}


def limit_90(rows: pd.DataFrame, column: str) -> float:
    """VAF with 90 % power at the threshold that truly gives 1 % false positives."""
    threshold = np.quantile(rows[rows.vaf == 0][column], 0.01, method="lower")
    found = rows[rows.vaf > 0].assign(found=rows[column] < threshold).groupby("vaf").found.mean()
    at, power = np.log10(found.index.to_numpy()), found.to_numpy()
    reached = np.flatnonzero(power >= 0.9)
    if not len(reached):
        return float("nan")
    first = reached[0]
    return float(
        10 ** (at[0] if first == 0 else np.interp(0.9, power[first - 1 : first + 1], at[first - 1 : first + 1]))
    )


def resampled_limit(rows: pd.DataFrame, number: int = 200) -> float:
    """First percentile of the limit over resamples of the replicates."""
    rng = np.random.default_rng(1)
    parts = dict(list(rows.groupby("replicate")))
    names = list(parts)
    limits = []
    for _ in range(number):
        drawn = rng.integers(len(names), size=len(names))
        limits.append(limit_90(pd.concat([parts[names[i]] for i in drawn], ignore_index=True), "p"))
    return float(np.nanquantile(limits, 0.01))


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
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--summary", action="store_true")
    options = parser.parse_args()
    collected: list[tuple[object, ...]] = []
    start = time.process_time()
    for number in () if options.summary else range(options.first, options.first + options.replicates):
        for name in options.worlds:
            rows = replicate(name, number)
            collected += rows
            if options.rows:
                with options.rows.open("a") as out:
                    out.writelines("\t".join(map(str, row)) + "\n" for row in rows)
    frame = pd.DataFrame(collected, columns=COLUMNS)
    if options.summary:
        frame = pd.read_csv(options.rows, sep="\t", names=COLUMNS)
    table = summarise(frame)
    table.to_csv(RESULT, sep="\t", index=False, float_format="%.4g")
    print(table.T.to_string(float_format=lambda v: f"{v:.3g}"))
    print(f"{time.process_time() - start:.0f} CPU s")
    return 0 if (table.accepted == "yes").all() else 1


if __name__ == "__main__":
    raise SystemExit(main())
