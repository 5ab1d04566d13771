"""The tree's moves against the exact posterior of small problems: frequencies of trees, means of functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from breakages import intact
from enumeration import BURN, COMMON, Report
from enumeration import z_score as batch_score
from exact import NOISE
from tree_exact import Key
from tree_fixtures import BLOCKS, TreeChain, make_chain, plant, prepare, run_blocks
from tree_problems import FREE, GIVEN, TreeProblem

SWEEPS_BETWEEN, SWEEPS_AFTER = 3, 10
"""Sweeps of all moves between starts of `check_kept`, and of the blocks that it checks after each."""

FOCUSES = ("normal", "present clones", "present", "prevalence", "prevalence squared", "fraction")
PROBLEMS: dict[str, TreeProblem] = {
    **{f"given: {name}": problem for name, problem in GIVEN.items()},
    **{f"free: {name}": problem for name, problem in FREE.items()},
}


def z_score(draws: np.ndarray, truth: float) -> float:
    """As of `enumeration`; what never varied may be so rare that a run misses it once in 1e5 times."""
    constant = bool((draws == draws[0]).all()) and abs(draws[0] - truth) < 12.0 / len(draws)
    return 0.0 if constant else batch_score(draws, truth)


def anything(_: Key) -> bool:
    return True


def chains_only(key: Key) -> bool:
    """Trees without a fork: each clone but the last has one child."""
    return len(set(key[1])) == len(key[1])


def one_tree(key: Key) -> bool:
    """The chain in which every clone descends from the one before it."""
    return key[1] == tuple(range(len(key[1])))


def clones_only(key: Key) -> bool:
    return min(key[0]) >= 0


def some_clone(key: Key) -> bool:
    return max(key[0]) >= 0


@dataclass(frozen=True)
class Run:
    """Blocks of a sweep and the labellings with trees among which they move."""

    blocks: tuple[str, ...]
    reaches: Callable[[Key], bool] = anything
    start: tuple[int, ...] = (NOISE,) * 4


RUNS = {
    "rehang": Run(("rehang",)),
    "company, transfer": Run(("company", "transfer")),
    "company, settle, transfer": Run(("company", "settle", "transfer")),
    "regraft": Run(("regraft",)),
    "rehang, transfer": Run(("rehang", "transfer")),
    "regraft, transfer": Run(("regraft", "transfer")),
    "swap": Run(("swap",), chains_only),
    "swap, transfer": Run(("swap", "transfer"), chains_only),
    "settle": Run(("settle",), one_tree),
    "transfer": Run(("transfer",), one_tree),
    "shift": Run(("shift",), one_tree),
    "settle, genotypes, purity": Run(("settle", "genotypes", "purity"), one_tree),
    "all given": Run(("tree", "transfer")),
    "all given, aberrant": Run(("genotypes", "tree", "transfer", "purity")),
    "births": Run(("births",)),
    "births, purity": Run(("births", "purity")),
    "births, tree, transfer": Run(("births", "tree", "transfer")),
    "births, tree, transfer, purity": Run(("births", "tree", "transfer", "purity")),
    "assign, births": Run(("assign", "births")),
    "assign, condense": Run(("assign", "condense")),
    "assign, condense, transfer": Run(("assign", "condense", "transfer")),
    "splits": Run(("splits",), clones_only, (0,) * 4),
    "splits, transfer": Run(("splits", "transfer"), clones_only, (0,) * 4),
    "assign, splits, transfer": Run(("assign", "splits", "transfer"), some_clone, (0,) * 4),
    "all": Run(("assign", "births", "condense", "splits", "tree", "transfer")),
    "all, aberrant": Run(("assign", "births", "condense", "splits", "tree", "transfer", "purity")),
}


@dataclass
class Recorder:
    """Keeps the tree, and functions of every sample with mutation 0's clone, after each sweep."""

    keys: list[Key] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)

    def __call__(self, chain: TreeChain) -> None:
        row, s = int(chain.labels[0]), chain.state
        self.keys.append(chain.key())
        found: list[float] = []
        for t in range(s.ccf.shape[1]):
            inside = row >= 0
            phi = s.ccf[row, t] if inside else 0.0
            found += [
                s.fraction[-1, t],
                float(chain.presence[:, t].sum()),
                float(inside and s.presence[row, t] != 0),
                phi,
                phi * phi,
                s.fraction[row, t] if inside else 0.0,
            ]
        self.values.append(found)


@cache
def truth_of(problem: str) -> tuple[Any, dict[Key, float]]:
    """Enumeration of a problem and its posterior, made once."""
    truth = PROBLEMS[problem].enumeration
    labels = PROBLEMS[problem].labels
    return truth, truth.posterior if labels is None else truth.trees_of(labels)


@cache
def means_of(problem: str, run: str) -> dict[str, float]:
    """Exact means of what `Recorder` keeps."""
    truth, posterior = truth_of(problem)
    keys = [key for key in posterior if RUNS[run].reaches(key)]
    return {
        f"{focus} in {t}": truth.expect(keys, focus, t)
        for t in range(PROBLEMS[problem].samples)
        for focus in FOCUSES
    }


def tree_functions(keys: list[Key]) -> dict[str, np.ndarray]:
    """Functions of labels and tree alone, as columns."""
    return {
        "clones": np.array([len(parent) for _, parent in keys], float),
        "founders": np.array([parent.count(0) for _, parent in keys], float),
        "noise": np.array([labels.count(-1) for labels, _ in keys], float),
        "germline": np.array([labels.count(-2) for labels, _ in keys], float),
    }


def check(kernels: Any, problem: str, run: str, sweeps: int, seed: int, means: bool = True) -> Report:
    """Run blocks of moves on a problem and compare with its enumeration."""
    chosen = RUNS[run]
    _, posterior = truth_of(problem)
    exact = {key: p for key, p in posterior.items() if chosen.reaches(key)}
    total = sum(exact.values())
    exact = {key: p / total for key, p in exact.items()}
    rng = np.random.default_rng(seed)
    chain = make_chain(PROBLEMS[problem])
    if PROBLEMS[problem].labels is None:
        plant(chain, chosen.start[: len(chain.reads.order)])
    else:
        plant(chain, *next(iter(exact)))
    run_blocks(chain, kernels, chosen.blocks, BURN, rng, lambda _: None)
    recorder = Recorder()
    run_blocks(chain, kernels, chosen.blocks, sweeps, rng, recorder)
    return _report(recorder, exact, means_of(problem, run) if means else {})


def check_kept(kernels: Any, problem: str, run: str, starts: int, seed: int) -> Report:
    """Compare with the enumeration after a few sweeps of blocks, started from draws of all the moves as they ship.

    For blocks that mix so slowly alone that batches of one run say little of its error: what the posterior is before
    it must be after, and the draws are then nearly independent whatever the blocks do.
    """
    _, exact = truth_of(problem)
    rng, chain, moved = np.random.default_rng(seed), make_chain(PROBLEMS[problem]), make_chain(PROBLEMS[problem])
    every, recorder, shipped = RUNS["all, aberrant"].blocks, Recorder(), intact()
    run_blocks(chain, shipped, every, BURN, rng, lambda _: None)
    for _ in range(starts):
        run_blocks(chain, shipped, every, SWEEPS_BETWEEN, rng, lambda _: None)
        for field_, values in zip(moved.state, chain.state, strict=True):
            field_[...] = values
        run_blocks(moved, kernels, RUNS[run].blocks, SWEEPS_AFTER, rng, lambda _: None)
        recorder(moved)
    return _report(recorder, exact, means_of(problem, "all"))


def _report(recorder: Recorder, exact: dict[Key, float], means: dict[str, float]) -> Report:
    """What was recorded against the exact frequencies, and means unless there are none."""
    n, counts = len(recorder.keys), Counter(recorder.keys)
    gaps = [abs(counts[key] / n - p) for key, p in exact.items()]
    strange = n - sum(counts[key] for key in exact)
    z = _scores(recorder, exact)
    if means:
        columns = np.array(recorder.values).T
        z |= {name: z_score(column, value) for (name, value), column in zip(means.items(), columns, strict=True)}
    return Report(0.5 * (sum(gaps) + strange / n), max(gaps), z, strange)


def _scores(recorder: Recorder, exact: dict[Key, float]) -> dict[str, float]:
    """z-scores of the common trees and of functions of the tree."""
    chances = np.array(list(exact.values()))
    drawn = tree_functions(recorder.keys)
    z = {name: z_score(drawn[name], float(chances @ v)) for name, v in tree_functions(list(exact)).items()}
    for key, p in exact.items():
        if p >= COMMON:
            z[str(key)] = z_score(np.array([k == key for k in recorder.keys], float), p)
    return z


def weight_gap(kernels: Any, problem: str, moves: int, seed: int) -> float:
    """Largest gap between the weight of a draw that is still proposed and that of the same draw once it stands."""
    rng = np.random.default_rng(seed)
    chain, k = make_chain(PROBLEMS[problem]), kernels
    plant(chain, next(iter(truth_of(problem)[1]))[0])
    prepare(chain, k)
    d, s, w, t, grove, offer = chain.d, chain.s, chain.w, chain.t, chain.grove, chain.offer
    root, worst = chain.state.ccf.shape[0], 0.0
    for _ in range(moves):
        BLOCKS["rehang"](chain, k, rng)
        row = int(rng.integers(chain.clones))
        parent = int(chain.state.parent[row])
        k.children_of(s, row, chain.records[4].children, chain.records[4].absent)
        k.take_offer(s, row, parent, offer)
        others = k.others_present(s, grove, row)
        for sample in range(len(others)):
            k.draw_sample(s, grove, row, sample, offer, others[sample], parent == root, rng)
        proposed = k.missed_new(d, s, w, t, row, offer)
        k.move_clone(s, grove, row, parent, offer)
        k.take_offer(s, row, parent, offer)
        k.as_it_stands(s, row, offer)
        worst = max(worst, abs(proposed - k.missed_now(s, grove, row, offer, parent == root)))
    return worst
