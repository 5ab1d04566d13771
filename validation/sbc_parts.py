"""Simulation-based calibration of the signature model and of the timing model, all simulations at once.

    python validation/sbc_parts.py [--simulations 300] [--models signatures timing times]

Parameters are drawn from the prior and counts from the parameters; one chain per data set is run on the counts, and
the truth is ranked among 99 draws, ties broken at random. Ranked are, of signatures: exposures of a clock signature
and of a candidate, whether the candidate is on in a branch, a channel of a profile, the profiles' strength; of timing:
node times of a tree with four clones, rates, whether the clock is strict, whether it accelerates; once together with
the signatures, from contexts (`timing`), and once alone, from the numbers of mutations by signature (`times`).

Rule of acceptance: the smallest p-value of Kolmogorov-Smirnov tests for uniform ranks, times their number, is at
least 0.01. Then the same with one thing made wrong at a time, which the rule must refuse. The table goes to
`validation/results/sbc_parts.tsv`; rows of models that were not asked for stay.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from clonalbayes.data.treatments import Treatment
from clonalbayes.signatures import kernels, sampler
from clonalbayes.signatures.settings import load
from clonalbayes.signatures.state import Model, State
from clonalbayes.simulate.branches import Branches, simulate_branches
from clonalbayes.timing import kernels as dating
from clonalbayes.timing import sampler as timing
from clonalbayes.timing.calendar import courses_of
from clonalbayes.timing.state import Trees

RESULTS = Path(__file__).resolve().parent / "results"
RANKED, LEVEL = 99, 0.01
BRANCHES, TOTAL = 6, 120
ORIGIN = "2000-01-01"
COURSES = (Treatment("thiopurine", "2002-01-01", "2003-12-31"), Treatment("mercaptopurine", "2006-01-01", ""))
PARENT, BOUND = (0, 1, 1, 3), (1000.0, 1500.0, 3000.0, 3500.0)

type Ranks = dict[str, np.ndarray]


def references(n: int = 3) -> np.ndarray:
    """Made profiles [n, 96]."""
    return np.random.default_rng(3).dirichlet(np.full(96, 0.2), n)


def prior_state(model: Model, chains: int, rng: np.random.Generator) -> State:
    """Draw parameters of the signature model from its prior, one set a chain."""
    R = len(model.reference)
    state = sampler.start(model, chains, rng)
    state.strength = model.strength_prior[0] * np.exp(model.strength_prior[1] * rng.standard_normal(chains))
    a = np.where(model.learned, state.strength[:, None], model.strength)[:, :, None]
    state.g = np.maximum(rng.gamma(np.broadcast_to(a, state.g.shape)) * model.reference / a, 1e-300)
    state.shape = model.shape_prior[0] * np.exp(model.shape_prior[1] * rng.standard_normal((chains, R)))
    state.mean = model.mean_prior[0] * np.exp(model.mean_prior[1] * rng.standard_normal((chains, 1, R)))
    state.use = np.where(model.always, 1.0, rng.beta(*model.use_prior, (chains, R)))
    on = rng.random(state.theta.shape) < state.use[:, None, :]
    drawn = rng.gamma(np.broadcast_to(state.shape[:, None], on.shape)) / state.shape[:, None] * state.mean
    state.theta = np.where(on, np.maximum(drawn, 1e-300), 0.0)
    return state


def quantities(state: State) -> Ranks:
    """What is ranked of the signature model, [D] each."""
    share = state.exposures()
    return {
        "exposure of a clock": share[:, 0, 0],
        "exposure of a candidate": share[:, 1, 2],
        "branches with the candidate": (state.theta[:, :, 2] > 0).sum(1).astype(float),
        "largest channel": state.profiles()[:, 0].max(1),
        "strength": state.strength,
        "ratio of means": state.mean[:, 0, 0] / state.mean[:, 0, 1],
        "shape of a clock": state.shape[:, 0],
    }


def rank_signatures(n: int, seed: int = 1) -> Ranks:
    """Ranks of the truth for n data sets of the signature model."""
    rng = np.random.default_rng(seed)
    empty = np.zeros((BRANCHES, 96), np.int64)
    settings = load("signatures")
    model = sampler.make_model(empty, references(), ["clock", "clock", "other"], settings, denovo=0)
    model = replace(model, use_prior=np.ones((2, 3)))
    truth = prior_state(model, n, rng)
    rate = np.einsum("dkr,drc->dkc", truth.theta, truth.g)
    counts = np.stack(
        [rng.multinomial(TOTAL, rate[:, k] / rate[:, k].sum(1, keepdims=True)) for k in range(BRANCHES)], 1
    )
    model = replace(model, counts=counts)
    exact = quantities(truth)
    state = sampler.start(model, n, rng)
    below = {name: np.zeros(n) for name in exact}
    tied = {name: np.zeros(n) for name in exact}
    for i in range(200 + 4 * RANKED):
        sampler.sweep(state, model, rng)
        if i >= 200 and i % 4 == 0:
            for name, values in quantities(state).items():
                below[name] += values < exact[name]
                tied[name] += values == exact[name]
    return {name: below[name] + np.floor(rng.random(n) * (tied[name] + 1)) for name in exact}


def simulated(n: int, seed: int) -> tuple[list[Branches], Trees]:
    """Draw n data sets of the timing model, and state their trees."""
    settings, names = load("timing", "timing"), ("SBS1", "SBS5", "SBS87")
    args: Any = (PARENT, BOUND, names, references(), settings, COURSES, ORIGIN)
    drawn = [simulate_branches(*args, detected=0.7, seed=1000 * seed + i) for i in range(n)]
    trees = timing.make_trees(
        np.repeat([PARENT], n, 0), np.repeat([BOUND], n, 0), np.full((n, 4), 0.7), names, settings,
        courses_of(COURSES, ORIGIN),
    )  # fmt: skip
    return drawn, trees


def ranks_of(drawn: list[Branches], found: dict[str, np.ndarray], scale: np.ndarray) -> Ranks:
    """Ranks of the truth among draws: times [D, draw, K], rates [D, draw, R], forms [D, draw]."""
    rng = np.random.default_rng(5)
    rate = np.stack([one.rate for one in drawn]) / scale
    pairs = {f"node {k + 1}": (found["time"][:, :, k], np.array([d.clock.time[0, k] for d in drawn])) for k in range(4)}
    pairs |= {f"rate {r + 1}": (found["rate"][:, :, r], rate[:, r]) for r in range(3)}
    for name in ("strict", "accelerated"):
        pairs[name] = (found[name].astype(float), np.array([float(getattr(d.clock, name)[0]) for d in drawn]))
    ranks = {}
    for name, (values, true) in pairs.items():
        equal = (values == true[:, None]).sum(1)
        ranks[name] = (values < true[:, None]).sum(1) + np.floor(rng.random(len(true)) * (equal + 1))
    return ranks


def rank_timing(n: int, seed: int = 1) -> Ranks:
    """Ranks of the truth for n data sets of the timing model, signatures and profiles learned too."""
    drawn, trees = simulated(n, seed)
    counts = np.stack([one.counts for one in drawn])
    settings = load("timing", "timing")
    out = timing.sample(counts, trees, references(), np.ones(3, bool), settings, tune=400, draws=RANKED, thin=5, seed=2)
    return ranks_of(drawn, vars(out), np.ones((n, 3)))


def rank_times(n: int, seed: int = 1) -> Ranks:
    """Ranks of the truth where the signature of every mutation is known: times, rates and forms alone."""
    drawn, trees = simulated(n, seed)
    rng = np.random.default_rng(seed + 7)
    counts = np.stack([one.counts for one in drawn])
    model = timing.make_model(counts, references(), np.ones(3, bool), load("timing", "timing"))
    clock, state = timing.start(trees, model, rng)
    scale = np.stack([one.rate / one.clock.rate[0] for one in drawn])  # sum of each profile's weights, known
    state.g = state.g / state.g.sum(-1, keepdims=True) * scale[:, :, None]
    state.by_branch = np.stack([one.made for one in drawn]).astype(float)
    kept: dict[str, list[np.ndarray]] = {name: [] for name in ("time", "rate", "strict", "accelerated")}
    for i in range(400 + 5 * RANKED):
        power = min(1.0, 0.02 * 50.0 ** (i / 160))
        dating.sweep(clock, replace(trees, power=power) if power < 1.0 else trees, state, rng)
        if i >= 400 and i % 5 == 0:
            for name, values in kept.items():
                values.append(getattr(clock, name).copy())
    return ranks_of(drawn, {name: np.stack(values, 1) for name, values in kept.items()}, scale)


def tests(kind: str, ranks: Ranks) -> pd.DataFrame:
    """A Kolmogorov-Smirnov test a quantity."""
    rng = np.random.default_rng(9)
    rows = []
    for name, values in ranks.items():
        ks = stats.kstest((values + rng.random(len(values))) / (RANKED + 1), "uniform")
        rows.append({
            "model": kind, "quantity": name, "simulations": len(values), "mean_rank": values.mean() / RANKED,
            "ks": ks.statistic, "p": ks.pvalue,
        })  # fmt: skip
    return pd.DataFrame(rows)


@contextmanager
def replaced(place: Any, name: str, value: Callable[..., Any]) -> Iterator[None]:
    """Put something else in a module's place for a while."""
    kept = getattr(place, name)
    setattr(place, name, value)
    yield
    setattr(place, name, kept)


def tripled(state: State, model: Model, rng: np.random.Generator) -> None:
    """Intensities as if every mutation had been seen three times."""
    kept = state.by_branch
    state.by_branch = kept * 3
    original_theta(state, model, rng)
    state.by_branch = kept


def fourfold(clock: Any, trees: Any, x: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """The evidence for times and rates, counted four times."""
    return 4.0 * original_means(clock, trees, x, reach)


original_theta, original_means = kernels.draw_theta, dating.log_means


MODELS: dict[str, tuple[Callable[[int], Ranks], Any, str, Callable[..., Any]]] = {
    "signatures": (rank_signatures, kernels, "draw_theta", tripled),
    "timing": (rank_timing, dating, "log_means", fourfold),
    "times": (rank_times, dating, "log_means", fourfold),
}
"""Model -> its ranks, and what is made wrong in it."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=300)
    parser.add_argument("--models", nargs="+", choices=[*MODELS], default=[*MODELS])
    options = parser.parse_args()
    n, parts, good, seen = options.simulations, [], True, True
    for name in options.models:
        ranks, place, what, wrong = MODELS[name]
        intact = tests(name, ranks(n))
        with replaced(place, what, wrong):
            broken = tests(f"{name}, broken: {what}", ranks(n))
        good &= bool(min(1.0, intact["p"].min() * len(intact)) >= LEVEL)
        seen &= bool(broken["p"].min() * len(broken) < LEVEL)
        parts += [intact, broken]
        print(pd.concat(parts[-2:]).to_string(), flush=True)
    path = RESULTS / "sbc_parts.tsv"
    if path.is_file():
        old = pd.read_csv(path, sep="\t")
        parts = [old[~old["model"].str.split(",").str[0].isin(options.models)], *parts]
    RESULTS.mkdir(exist_ok=True)
    pd.concat(parts).to_csv(path, sep="\t", index=False, float_format="%.4g")
    print(f"accepted: {good}; broken ones refused: {seen}")
    return 0 if good and seen else 1


if __name__ == "__main__":
    sys.exit(main())
