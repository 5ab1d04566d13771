"""Simulation-based calibration of the sampler (Talts et al. 2018).

    python validation/sbc.py [--spec tree] [--simulations N] [--minutes M] [--broken NAME | list | chosen]

A patient is drawn from the model itself (`clonalbayes.simulate.simulate_prior`), a chain is run on its reads,
and the truth is ranked among L nearly independent draws of the posterior. Were the sampler exact, each rank
would be uniform on 0..L. Ranked are quantities that do not depend on the clones' labels; ties are broken at
random. Two settings: every mutation called by one read; and by three, with missing counts and less usual copy
numbers.

Rule of acceptance, decided before the first run: for each setting and quantity a chi-square test on 20 bins
of ranks and a Kolmogorov-Smirnov test; the smallest of all p-values, times their number, is at least 0.01. A
correct sampler is refused in at most one run of a hundred. The exit code is 1 if it is refused. Besides, the
draws must be nearly independent: the median effective size of each quantity is at least 70 of 99. Chains that mix
slowly are made longer, and draws of them taken further apart, until the whole chain has an effective size of 100 of
every quantity, up to 16 times (64 where there is but one sample, which mixes slowest). The whole chain is asked
because of 99 draws alone, be they independent, the smallest of 18 estimated sizes is below 60 in three of four
simulations. What is done is written every ten simulations.

With ``--broken`` one kernel is made wrong in memory (see `tests/breakages.py`), and the exit code is 1
if the rule does *not* refuse it. Not every breakage shows: 80 simulations do not refuse "births without
the concentration" (exact enumeration does, `tests/test_kernels_exact.py`) nor "assignment with too much of
each kind"; of the tree model 30 do not refuse "grafted births without the chance of being picked" nor "places
without the chance of absence", 16 not "presence probability without the absent", "truncated draws that are not
corrected" nor "transfers without the Jacobian" (all of which enumeration or the joint-distribution test finds).
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from breakages import BREAKAGES, broken  # noqa: E402
from ranked import draws_of, truth_of  # noqa: E402
from tree_breakages import TREE_BREAKAGES, broken_tree  # noqa: E402

from clonalbayes import specs  # noqa: E402
from clonalbayes.genotypes import compile_priors, compile_reads  # noqa: E402
from clonalbayes.inference import chain as chains  # noqa: E402
from clonalbayes.simulate import CopyState, Design, simulate_prior  # noqa: E402

RESULTS = HERE / "results"
COLOURS = ("#0072B2", "#D55E00", "#009E73")
DRAWS, TUNE, THIN = 99, 250, 5
MAX_STRIDE, MAX_STRIDE_OF_ONE_SAMPLE = 16, 64
ENOUGH, MEDIAN_ENOUGH = 50.0, 70.0
BINS, LEVEL = 20, 0.01
SEED = 2718
_C = CopyState
SETTINGS: dict[str, Design] = {
    "min_alt 1": Design(
        n_mutations=30, n_samples=3, depth=40, min_alt=1,
        classes=(
            (_C(), _C(), _C()), (_C(2, 1), _C(), _C(2, 1)), (_C(1, 0), _C(), _C(1, 0)),
            (_C(2, 0), _C(2, 0), _C()),
        ),
    ),
    "min_alt 3, missing": Design(
        n_mutations=24, n_samples=3, depth=40, min_alt=3, missing=0.2, purity=(0.9, 0.6, 0.3),
        classes=(
            (_C(1, 0, 1), _C(1, 0, 1), _C(1, 0, 1)), (_C(), _C(1, 0), _C(3, 1)), (_C(), _C(), _C()),
            (_C(-1, -1, 2, 3), _C(-1, -1, 2, 3), _C()), (_C(1, 1, 2, -1, 0.4), _C(2, 2), _C()),
        ),
    ),
}  # fmt: skip
TREE_SETTINGS: dict[str, Design] = {
    "tree": Design(
        n_mutations=16, n_samples=3, depth=40, min_alt=1,
        classes=((_C(), _C(), _C()), (_C(2, 1), _C(), _C()), (_C(), _C(), _C())),
    ),
    "tree, no purity": Design(n_mutations=16, n_samples=2, depth=60, min_alt=0, purity_sd=0.0),
    "tree, one sample": Design(n_mutations=16, n_samples=1, depth=60, min_alt=1),
}  # fmt: skip
SETTINGS |= TREE_SETTINGS
"""A setting whose name begins with tree is of the tree model, the others are of the clone model."""

UNCONDITIONED = "ascertainment ignored"
"""A breakage of the data rather than of a kernel: the chains are told that mutations need no alt reads."""

CHOSEN = {
    "clones": (UNCONDITIONED, "concentration without the clones"),
    "tree": ("sparsity without the Dirichlet's constant", "grafts without the number of trees"),
}  # fmt: skip
"""Breakages that are shown in the results, of each model."""

BROKEN_SETTING = {"clones": "min_alt 3, missing", "tree": "tree"}
"""The setting in which broken kernels of each model are run."""


def spec_of(setting: str) -> str:
    """Name of the specification that a setting is of."""
    return "tree" if setting in TREE_SETTINGS else "clones"


@dataclass
class Ranked:
    """One simulation: rank of each quantity, effective size of its draws, seconds, sweeps between draws."""

    setting: str
    ranks: dict[str, int]
    sizes: dict[str, float]
    seconds: float
    apart: int = 0


def effective_size(draws: np.ndarray) -> float:
    """Effective number of draws by Geyer's initial positive sequence, at most their number."""
    n, centred = len(draws), draws - draws.mean()
    if not centred.any():
        return float(n)
    correlation = np.correlate(centred, centred, "full")[n - 1 :] / (centred @ centred)
    pairs = correlation[: n // 2 * 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0)
    kept = pairs[: ends[0]] if len(ends) else pairs
    return float(min(n, n / max(2.0 * kept.sum() - 1.0, 1e-3)))


def run_one(task: tuple[str, int]) -> Ranked:
    """Simulate a patient, sample its posterior, rank the truth."""
    setting, number = task
    started = time.process_time()
    names = list(SETTINGS)
    seeds = np.random.SeedSequence([SEED, names.index(setting), number]).spawn(3)
    spec = specs.load(spec_of(setting))
    simulation = simulate_prior(SETTINGS[setting], spec, seed=seeds[0])
    reads = compile_reads(as_told(simulation.dataset), spec)
    capacity = chains.room_for(len(reads.order), int(spec.constant("max_clones")), None)
    priors = compile_priors(simulation.dataset, spec)
    longest = MAX_STRIDE if SETTINGS[setting].n_samples > 1 else MAX_STRIDE_OF_ONE_SAMPLE
    plan = chains.Plan(reads, priors, TUNE, DRAWS * longest, THIN, capacity)
    chain, stride = chains.Chain(plan, seeds[1]), 1
    while True:
        while len(chain.records.ccf) < DRAWS * stride:
            chain.step()
        every = draws_of(chain, slice(0, DRAWS * stride))
        if stride == longest or min(effective_size(values) for values in every.values()) >= 2.0 * ENOUGH:
            break
        stride *= 2
    draws = {name: values[stride - 1 :: stride] for name, values in every.items()}
    sizes = {name: effective_size(values) for name, values in draws.items()}
    ranks = rank_all(truth_of(simulation), draws, np.random.default_rng(seeds[2]))
    return Ranked(setting, ranks, sizes, time.process_time() - started, stride * THIN)


def rank_all(
    truth: dict[str, float], draws: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[str, int]:
    """Rank of each true value among its draws, ties broken at random."""
    ranks = {}
    for name, value in truth.items():
        tied = np.isclose(draws[name], value, rtol=1e-12, atol=0.0)
        below = int(((draws[name] < value) & ~tied).sum())
        ranks[name] = below + int(rng.integers(tied.sum() + 1))
    return ranks


def as_told(ds: xr.Dataset) -> xr.Dataset:
    """Return the data as the chains see them."""
    return ds


@contextlib.contextmanager
def use_broken(name: str) -> Iterator[None]:
    """Make every chain of this process, and of those forked from it, run on a broken kernel."""
    names = ("sweep", "sweep_joint")
    kept = [getattr(chains, key) for key in names], as_told
    if name == UNCONDITIONED:
        globals()["as_told"] = lambda ds: ds.assign_attrs(min_alt=0)
    else:
        made = broken_tree(name) if name in TREE_BREAKAGES else broken(name)
        for key in names:
            setattr(chains, key, getattr(made, key))
    yield
    for key, function in zip(names, kept[0], strict=True):
        setattr(chains, key, function)
    globals()["as_told"] = kept[1]


def collect(
    simulations: int, cores: int, settings: Sequence[str] = tuple(SETTINGS), minutes: float = np.inf,
    save: Callable[[list[Ranked]], object] = len,
) -> list[Ranked]:  # fmt: skip
    """Run simulations in processes forked from this one, which has compiled the kernels, for `minutes` at most.

    `save` is given what is done after every tenth.
    """
    tasks = [(setting, number) for number in range(simulations) for setting in settings]
    run_one(tasks[0])
    ranked, end = [], time.monotonic() + 60.0 * minutes
    with multiprocessing.get_context("fork").Pool(cores, initializer=os.nice, initargs=(5,)) as pool:
        for one in pool.imap(run_one, tasks):
            ranked.append(one)
            if time.monotonic() > end and len(ranked) % len(settings) == 0:
                break
            if len(ranked) % 10 == 0:
                save(ranked)
                print(f"{len(ranked)} of {len(tasks)} simulations", file=sys.stderr, flush=True)
    return ranked


def table(ranked: list[Ranked]) -> pd.DataFrame:
    """Test every quantity of every setting for uniform ranks.

    Columns: setting, quantity, simulations, mean_rank (as a share of L), chi2, p_chi2, ks, p_ks, ess_median.
    """
    rng = np.random.default_rng(1)
    rows: list[dict[str, Any]] = []
    for setting in dict.fromkeys(r.setting for r in ranked):
        mine = [r for r in ranked if r.setting == setting]
        for name in mine[0].ranks:
            ranks = np.array([r.ranks[name] for r in mine])
            chi2 = stats.chisquare(np.bincount(ranks * BINS // (DRAWS + 1), minlength=BINS))
            ks = stats.kstest((ranks + rng.random(len(ranks))) / (DRAWS + 1), "uniform")
            rows.append({
                "setting": setting, "quantity": name, "simulations": len(mine),
                "mean_rank": ranks.mean() / DRAWS, "chi2": chi2.statistic, "p_chi2": chi2.pvalue,
                "ks": ks.statistic, "p_ks": ks.pvalue,
                "ess_median": np.median([r.sizes[name] for r in mine]),
            })  # fmt: skip
    return pd.DataFrame(rows)


def smallest(tests: pd.DataFrame) -> float:
    """Smallest p-value times the number of tests (Bonferroni), at most 1."""
    p = tests[["p_chi2", "p_ks"]].to_numpy()
    return float(min(1.0, p.min() * p.size))


def verdict(tests: pd.DataFrame) -> tuple[bool, str]:
    """Apply the rule of acceptance; whether the sampler passes, and a line that says why."""
    worst = tests.loc[tests[["p_chi2", "p_ks"]].min(axis=1).idxmin()]
    least = tests.loc[tests["ess_median"].idxmin()]
    p = smallest(tests)
    text = (
        f"smallest p of {2 * len(tests)} tests, corrected: {p:.3g} "
        f"({worst['quantity']}, {worst['setting']}); smallest median effective size: "
        f"{least['ess_median']:.0f} of {DRAWS} ({least['quantity']})"
    )
    return bool(p >= LEVEL and least["ess_median"] >= MEDIAN_ENOUGH), text


def envelope(simulations: int, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Points in [0, 1] and the half width there of a simultaneous band for the ECDF of uniform ranks."""
    rng = np.random.default_rng(2)
    points = np.arange(1, DRAWS + 1) / (DRAWS + 1)
    scale = np.sqrt(points * (1 - points) / simulations)
    uniform = rng.integers(DRAWS + 1, size=(2000, simulations))
    extremes = [(np.abs(ecdf(ranks) - points) / scale).max() for ranks in uniform]
    return points, np.quantile(extremes, level) * scale


def ecdf(ranks: np.ndarray) -> np.ndarray:
    """Share of the ranks below 1, 2, ..., L."""
    return np.cumsum(np.bincount(ranks, minlength=DRAWS + 1))[:-1] / len(ranks)


def draw_figure(ranked: list[Ranked], path: Path) -> None:
    """One panel a quantity: ECDF of the ranks minus the uniform's, with the band that holds 95 % of runs."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    names = list(ranked[0].ranks)
    columns = 5
    figure, axes = plt.subplots(
        -(-len(names) // columns), columns, figsize=(13, 7.5), sharex=True, sharey=True, layout="constrained"
    )
    points, half = envelope(len([r for r in ranked if r.setting == ranked[0].setting]))
    settings = list(dict.fromkeys(r.setting for r in ranked))
    for axis, name in zip(axes.flat, names, strict=False):
        axis.fill_between(points, -half, half, color="0.88", label="95 % of exact samplers")
        axis.axhline(0.0, color="0.6", linewidth=0.7)
        for setting, colour in zip(settings, COLOURS[: len(settings)], strict=True):
            ranks = np.array([r.ranks[name] for r in ranked if r.setting == setting])
            axis.step(points, ecdf(ranks) - points, where="mid", color=colour, linewidth=1.2, label=setting)
        axis.set_title(name.replace("_", " "), fontsize=10)
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    for axis in axes.flat[len(names) - columns : len(names)]:
        axis.tick_params(labelbottom=True)
    axes.flat[0].figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="lower right", frameon=False)
    figure.supxlabel("rank of the truth among the draws, as a share")
    figure.supylabel("share of the simulations, minus the uniform")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def run_broken(names: list[str], simulations: int, cores: int, out: Path, spec: str = "clones") -> int:
    """Show that the rule refuses broken kernels; writes `sbc_broken.tsv` (`sbc_tree_broken.tsv`)."""
    tables, missed = [], []
    for name in names:
        with use_broken(name):
            tests = table(collect(simulations, cores, [BROKEN_SETTING[spec]]))
        caught = smallest(tests) < LEVEL
        missed += [] if caught else [name]
        print(f"{'refused' if caught else 'NOT REFUSED'}: {name}: {verdict(tests)[1]}", flush=True)
        tables.append(tests.assign(broken=name, refused=caught))
        write(pd.concat(tables), out / f"sbc{suffix(spec)}_broken.tsv")
    return 1 if missed else 0


def write(tests: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    tests.to_csv(path, sep="\t", index=False, float_format="%.4g")


def suffix(spec: str) -> str:
    """What the names of a specification's result files end in."""
    return "" if spec == "clones" else f"_{spec}"


def main(argv: list[str] | None = None) -> int:
    """Run from the command line; the exit code says whether the rule of acceptance holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--simulations", type=int, default=200, help="of each setting (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=np.inf, help="begin no simulation after that")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--broken", metavar="NAME", help="a breakage; `list` shows all; `chosen` runs some")
    parser.add_argument("--spec", choices=("clones", "tree"), default="clones", help="model (default: %(default)s)")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, help="by name (default: all)")
    parser.add_argument("--seed", type=int, default=SEED, help="another one for a replicate (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the tables and the figure")
    options = parser.parse_args(argv)
    globals()["SEED"] = options.seed
    if options.broken:
        known = [UNCONDITIONED, *(TREE_BREAKAGES if options.spec == "tree" else BREAKAGES)]
        names = list(CHOSEN[options.spec]) if options.broken == "chosen" else [options.broken]
        if not set(names) <= set(known):
            print("\n".join(known))
            return 0 if options.broken == "list" else 2
        return run_broken(names, options.simulations, options.cores, options.out, options.spec)
    started = time.monotonic()
    settings = options.settings or [name for name in SETTINGS if spec_of(name) == options.spec]
    end = suffix(options.spec)

    def save(ranked: list[Ranked]) -> pd.DataFrame:
        tests = table(ranked)
        write(tests, options.out / f"sbc{end}.tsv")
        write(pd.DataFrame([{"setting": r.setting, **r.ranks} for r in ranked]), options.out / f"sbc_ranks{end}.tsv")
        return tests

    ranked = collect(options.simulations, options.cores, settings, options.minutes, save)
    tests = save(ranked)
    draw_figure(ranked, options.out / f"sbc{end}.png")
    passed, text = verdict(tests)
    print(tests.to_string(index=False, float_format="%.3g"))
    print(f"{'passed' if passed else 'FAILED'}: {text}")
    for setting in settings:
        mine = [r for r in ranked if r.setting == setting]
        slow = np.quantile([min(r.sizes.values()) for r in mine], [0.05, 0.25, 0.5]).round()
        apart = dict(Counter(sorted(r.apart for r in mine)))
        print(f"{setting}: smallest effective size of a simulation, quantiles .05 .25 .5: {slow}; sweeps apart {apart}")
    seconds = time.monotonic() - started, sum(r.seconds for r in ranked)
    print(f"{len(ranked)} simulations, {seconds[0]:.0f} s, {seconds[1]:.0f} CPU s")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
