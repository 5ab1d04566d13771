"""The sampler's partition and prevalence moves against the exact posterior of small problems.

The hyperparameters are held. A check runs chosen blocks of moves on a problem and compares the frequency of
every labelling, and means of functions of the state, with their exact values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from exact import FUNCTIONS, GERMLINE, NOISE, Enumeration, Parameters
from kernel_fixtures import Chain, dataset, make_chain, partition_of, run_blocks, set_partition

from clonalbayes.genotypes import beta_grid
from clonalbayes.kernels.state import SPARE_CLONES

BATCHES = 40
COMMON = 0.01  # labellings at least as probable are compared one by one
BURN = 200
GRID = beta_grid(1.0, 9.0)

ALT = np.array([[4, 0], [5, 1], [1, 3], [0, 6]])
DEPTH = np.array([[9, 8], [10, 7], [8, 9], [12, 10]])
COMPONENT = (4.0, 3.0, 0.7)  # noise is common, so that moves in and out of it are seen
ABERRANT = {"major": [[2, 1], [1, 1], [2, 1], [1, 1]], "minor": [[1, 0], [1, 1], [1, 0], [1, 1]]}


@dataclass(frozen=True)
class Problem:
    """Reads of four mutations in two samples, and the parameters that are held."""

    ds: xr.Dataset
    presence_prob: tuple[tuple[float, ...], ...] = ((0.2, 0.5, 0.3), (0.3, 0.5, 0.2))
    concentration: float = 0.8

    def chain(self, capacity: int = 10) -> Chain:
        chain = make_chain(
            self.ds,
            capacity,
            concentration=self.concentration,
            presence_prob=np.array(self.presence_prob),
            precision=30.0,
            error_rate=0.02,
            purity=0.8,
            cn_clonal=0.9,
        )
        chain.priors = chain.priors._replace(component=np.array(COMPONENT))
        return chain

    def enumeration(self) -> Enumeration:
        chain = self.chain()
        s = chain.state
        parameters = Parameters(
            self.concentration,
            s.presence_prob,
            s.precision,
            s.error_rate,
            s.purity,
            s.cn_clonal,
            chain.priors.component,
        )
        return Enumeration(self.ds, parameters, GRID)


PROBLEMS = {
    "diploid": Problem(dataset(ALT, DEPTH)),
    "called": Problem(dataset(ALT, DEPTH, min_alt=2)),
    "aberrant": Problem(dataset(ALT, DEPTH, **ABERRANT)),
    "aberrant called": Problem(dataset(ALT, DEPTH, **ABERRANT, min_alt=2)),
    "subclonal": Problem(dataset(2 * ALT, 2 * DEPTH, min_alt=2), ((0.05, 0.9, 0.05), (0.05, 0.9, 0.05))),
    "no reads": Problem(dataset(0 * ALT, 0 * DEPTH), ((0.4, 0.2, 0.4), (0.4, 0.2, 0.4)), 2.0),
}


def anything(_: tuple[int, ...]) -> bool:
    return True


def two_clones(labels: tuple[int, ...]) -> bool:
    return max(labels) == 1


def some_clone(labels: tuple[int, ...]) -> bool:
    return max(labels) >= 0


def given(labels: tuple[int, ...]) -> bool:
    return labels == (0, 1, 1, 0)


def clones_only(labels: tuple[int, ...]) -> bool:
    return min(labels) >= 0


@dataclass(frozen=True)
class Run:
    """Blocks of a sweep, the labellings among which they move, and where they start."""

    blocks: tuple[str, ...]
    reaches: Callable[[tuple[int, ...]], bool] = anything
    start: tuple[int, ...] = (NOISE,) * 4


RUNS = {
    "all": Run(("assign", "births", "condense", "splits", "prevalences")),
    "births": Run(("births",)),
    "births, prevalences": Run(("births", "prevalences")),
    "assign, births": Run(("assign", "births")),
    "assign, prevalences": Run(("assign", "prevalences"), two_clones, (0, 0, 1, 1)),
    "assign, splits": Run(("assign", "splits"), some_clone, (0, 0, 0, 0)),
    "prevalences": Run(("prevalences",), given, (0, 1, 1, 0)),
    "genotypes, prevalences": Run(("genotypes", "prevalences"), given, (0, 1, 1, 0)),
    "assign, condense": Run(("assign", "condense")),
    "splits": Run(("splits",), clones_only, (0, 0, 0, 0)),
    "splits, prevalences": Run(("splits", "prevalences"), clones_only, (0, 0, 0, 0)),
}


@dataclass
class Report:
    """Distances between sampler and truth: total variation, largest gap, and z-scores by name."""

    total_variation: float
    largest_gap: float
    z: dict[str, float]
    strange: int = 0  # draws outside the labellings that can be reached

    @property
    def worst(self) -> tuple[float, str]:
        return max((abs(value), name) for name, value in self.z.items())


@dataclass
class Recorder:
    """Keeps the labelling and functions of mutation 0's clone and genotype after each sweep."""

    labels: list[tuple[int, ...]] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)

    def __call__(self, chain: Chain) -> None:
        z = chain.in_dataset_order(chain.state.z)
        self.labels.append(partition_of(z))
        inside = z[0] >= 0
        ccf = chain.state.ccf[z[0]] if inside else None
        row = [float(FUNCTIONS[name](ccf)) if inside else 0.0 for name in FUNCTIONS if name != "one"]
        self.values.append([*row, *chain.copies[0]])


def exact_means(truth: Enumeration, reached: list[tuple[int, ...]]) -> dict[str, float]:
    """Exact values of what `Recorder` keeps."""
    means = {name: truth.expect(reached, name) for name in FUNCTIONS if name != "one"}
    chance = [truth.expect(reached, genotype=g) for g in range(len(truth.options[0]))]
    copies = np.array(chance) @ np.array(truth.options[0])
    return means | {f"copies in sample {s}": float(value) for s, value in enumerate(copies)}


def label_functions(labels: Sequence[tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Functions of the labelling alone, as columns."""
    table = np.array(labels)
    return {
        "clones": table.max(axis=1) + 1.0,
        "one clone": (table.max(axis=1) == 0).astype(float),
        "noise": (table == NOISE).sum(axis=1).astype(float),
        "germline": (table == GERMLINE).sum(axis=1).astype(float),
        "first two together": ((table[:, 0] == table[:, 1]) & (table[:, 0] >= 0)).astype(float),
    }


def z_score(draws: np.ndarray, truth: float) -> float:
    """Gap in standard errors, by batch means; a gap where nothing varies is infinitely many."""
    batches = draws[: len(draws) // BATCHES * BATCHES].reshape(BATCHES, -1).mean(axis=1)
    gap, error = batches.mean() - truth, batches.std(ddof=1) / BATCHES**0.5
    if error == 0.0:
        return 0.0 if abs(gap) < 1e-9 else float("inf")
    return float(gap / error)


def check(kernels: Any, problem: str, run: str, sweeps: int, seed: int, capacity: int = 10) -> Report:
    """Run blocks of moves on a problem and compare with its enumeration.

    With little capacity the labellings are those of as many clones as there is room for.
    """
    chosen, truth = RUNS[run], PROBLEMS[problem].enumeration()
    masses = {
        labels: p
        for labels, p in truth.posterior.items()
        if chosen.reaches(labels) and max(labels) < capacity - SPARE_CLONES
    }
    total = sum(masses.values())
    exact = {labels: p / total for labels, p in masses.items()}
    rng = np.random.default_rng(seed)
    chain = PROBLEMS[problem].chain(capacity)
    set_partition(chain, np.array(chosen.start)[chain.reads.order], rng)
    run_blocks(chain, kernels, chosen.blocks, BURN, rng, lambda _: None)
    recorder = Recorder()
    run_blocks(chain, kernels, chosen.blocks, sweeps, rng, recorder)
    counts = Counter(recorder.labels)
    gaps = [abs(counts[labels] / sweeps - p) for labels, p in exact.items()]
    strange = sweeps - sum(counts[labels] for labels in exact)
    return Report(0.5 * (sum(gaps) + strange / sweeps), max(gaps), _scores(recorder, truth, exact), strange)


def _scores(recorder: Recorder, truth: Enumeration, exact: dict[tuple[int, ...], float]) -> dict[str, float]:
    means = exact_means(truth, list(exact))
    z = {name: z_score(column, means[name]) for name, column in zip(means, np.array(recorder.values).T, strict=True)}
    columns, chances = label_functions(recorder.labels), np.array(list(exact.values()))
    for name, values in label_functions(list(exact)).items():
        z[name] = z_score(columns[name], float(chances @ values))
    for labels, p in exact.items():
        if p >= COMMON:
            z[str(labels)] = z_score(np.array([v == labels for v in recorder.labels], float), p)
    return z
