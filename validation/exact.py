"""The moves against exact enumeration, and every broken kernel against the checks.

    python validation/exact.py [--spec tree] [--sweeps N] [--only TEXT]

Hyperparameters are held and posteriors of tiny problems are summed exactly; sets of moves are run on each problem and
their frequencies compared.

- The clone model: four mutations in two samples, all 151 assignments to noise, germline and clones, prevalences by
  quadrature (`tests/exact.py`, `tests/enumeration.py`).
- The tree model: two to four clones given, or three to four mutations that fall into clones, noise and germline
  freely, in one or two samples: all labellings with all trees, presence patterns one by one and fractions by
  quadrature (`tests/tree_exact.py`), on the problems of `tests/tree_problems.py` (reads or none, spikes, several
  founders, purities, calls, aberrant copy number) by the moves of `tests/tree_check.py`.

Rule of acceptance, decided before the first run: the kernels as they ship agree if no frequency is off by 0.02, no
draw is outside what can be reached, and the largest z-score (frequencies above one per cent, means of functions of
the state) has a p-value, times their number, of at least 1e-3 divided by the number of runs. A broken kernel is found
if one of its checks does not agree. What enumeration holds, the parameters of the samples and of the priors, is for
the joint-distribution test: of the tree model such breakages are run against it here (moves `joint`; found below
1e-4), of the clone model in `geweke.py`. What stand-ins of the likelihood miss is too little to be seen in
frequencies: there the weight of a draw must be the same before and after it has been taken (moves `weights`, largest
gap below 1e-9). Error rates that step with faint clones are held against an enumeration at every rate (moves `error
rates`; `tests/test_tree_faint.py`). The kernels as they ship are run on all checks of breakages, too, for as many
sweeps. The exit code is 1 if the kernels disagree or a breakage is not found. Figures go to `results/exact.tsv`
(`exact_tree.tsv`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests"), str(HERE)]

import enumeration  # noqa: E402
import geweke  # noqa: E402
import tree_check  # noqa: E402
from breakages import BREAKAGES, broken, intact  # noqa: E402
from enumeration import BATCHES, PROBLEMS, RUNS, Report  # noqa: E402
from joint import p_value, z_scores  # noqa: E402
from test_tree_faint import PROBLEMS as FAINT_PROBLEMS  # noqa: E402
from test_tree_faint import scores  # noqa: E402
from test_tree_kernels import ALONE, GIVEN, LARGE, TOGETHER  # noqa: E402
from tree_breakages import TREE_BREAKAGES, broken_tree  # noqa: E402

LARGEST_GAP, LEVEL = 0.02, 1e-3
ALL_BROKEN = "broken"
JOINT, WEIGHTS, ERRORS = "joint", "weights", "error rates"
JOINT_DRAWS, MOVES, ROUNDING = 8000, 500, 1e-9

type Check = tuple[str, str]
"""Moves and a problem; JOINT and a case of `geweke.py`; or WEIGHTS and a problem."""


@dataclass(frozen=True)
class Subject:
    """A model: what its kernels are checked by, and what can be broken in them.

    `concerns` has checks by the beginning of a breakage's place, `faint` factors on the sweeps of breakages that need
    more, `held` pieces of the places that nothing here looks at.
    """

    checks: list[Check]
    concerns: dict[str, list[Check]]
    breakages: dict[str, tuple[str, str, str]]
    broken: Callable[[str], Any]
    check: Callable[..., Report]
    sweeps: int
    faint: dict[str, int]
    held: tuple[str, ...] = ()

    def concerns_of(self, name: str) -> list[Check]:
        """The checks that a breakage has to pass; none for what is held."""
        where = self.breakages[name][0]
        if any(piece in where for piece in self.held):
            return []
        return next(checks for start, checks in self.concerns.items() if where.startswith(start))

    @property
    def all_concerns(self) -> dict[Check, int]:
        """The checks of all breakages, each once, with the largest factor on their sweeps."""
        found: dict[Check, int] = {}
        for name in self.breakages:
            for check in self.concerns_of(name):
                found[check] = max(found.get(check, 1), self.faint.get(name, 1))
        return found


def clone_checks() -> list[Check]:
    """Splits alone keep the genotypes, and prevalences the labels: both are run where there is one genotype."""
    every = [(run, problem) for run in RUNS for problem in PROBLEMS]
    return [
        (run, problem)
        for run, problem in every
        if "aberrant" not in problem or run == "assign, splits" or not ("splits" in run or run == "prevalences")
    ]


CLONES = Subject(
    clone_checks(),
    {
        "births": [("births", "aberrant called"), ("births", "no reads")],
        "envelope": [("births", "subclonal"), ("splits", "called")],
        "prevalence": [("prevalences", "subclonal"), ("prevalences", "no reads")],
        "splitmerge": [("splits", "no reads"), ("splits", "called")],
        "condense": [("assign, condense", "no reads"), ("assign, condense", "aberrant called")],
        "assign": [("assign, prevalences", "aberrant called"), ("assign, births", "aberrant called")],
        "tables": [("assign, births", "aberrant called")],
    },
    BREAKAGES,
    broken,
    enumeration.check,
    60_000,
    {"envelope without the shift": 10, "joint step without the shift": 10},  # a few per cent of a density
    ("update_presence_prob", "hyper."),
)
TREE = Subject(
    [("all given", problem) for problem in GIVEN]
    + [("all", f"free: {name}") for name in (*TOGETHER, *LARGE)]
    + [("all given, aberrant", "given: three, aberrant"), ("all, aberrant", "free: aberrant"), *ALONE]
    + [(ERRORS, problem) for problem in FAINT_PROBLEMS],
    {
        "tree_place.tie_of_whole": [("regraft, transfer", "given: three, purity")],
        "tree_place": [("settle", "given: three, sparse")],
        "tree_hang.missed_new": [(WEIGHTS, "given: three")],
        "tree_hang.rehang": [("rehang, transfer", "given: three, hardly called")],
        "tree_hang.sample_of_parent": [("rehang, transfer", "given: three, sparse")],
        "tree_hang": [("rehang, transfer", "given: three")],
        "tree_company.log_beside_reads": [("company, transfer", "given: three, hardly called")],
        "tree_company": [("company, transfer", "given: three")],
        "tree_two": [("company, transfer", "given: three, sparse")],
        "tree_pair": [("company, transfer", "given: three")],
        "tree_graft": [("births", "free: founders few")],
        "tree_moves.regraft": [("regraft, transfer", "given: three, hardly called")],
        "tree_moves.log_local": [("swap, transfer", "given: three, sparse")],
        "tree_moves": [("swap, transfer", "given: three, hardly called"), ("swap, transfer", "given: three, called")],
        "tree_local.update_": [(JOINT, "no reads")],
        "tree_local.fractions_log_density": [(JOINT, "no reads")],
        "tree_local.move_cells": [("transfer", "given: three")],
        "tree_local.shift": [("shift", "given: three")],
        "tree_faint.redraw": [(ERRORS, "two faint below one")],
        "tree_faint.log_reads": [(ERRORS, "two faint below one"), (ERRORS, "called")],
        "tree_faint.log_others": [(ERRORS, "all faint"), (ERRORS, "two faint below one")],
        "tree_faint": [(ERRORS, "all faint")],
        "tree_local": [("settle", "given: three, hardly called"), ("settle", "given: three, called")],
        "tree_births.propose_one": [("births, tree, transfer, purity", "free: aberrant")],
        "tree_births.graft_condense": [("assign, condense, transfer", "free: reads")],
        "tree_births.graft_death": [("births", "free: reads")],
        "tree_births": [("births", "free: no reads")],
        "tree_splits": [("splits, transfer", "free: reads")],
        "tree_weights": [("assign, condense, transfer", "free: called")],
        "hyper": [("all given, aberrant", "given: three, aberrant")],
    },
    TREE_BREAKAGES,
    broken_tree,
    tree_check.check,
    40_000,
    {  # seen faintly
        "re-hanging below absent parents": 4,
        "cells rescaled without the Jacobian": 4,
        "company without the companion's absence": 4,
        "error rates without their prior": 4,
        "clades that go without the presence prior": 4,
    },
)
MODELS = {"clones": CLONES, "tree": TREE}


@cache
def joint_truth(spec: str, case: str) -> tuple[Any, dict[str, np.ndarray]]:
    """Frame and forward draws of a case of the joint-distribution test."""
    layout = geweke.frame_of(spec, case)
    return layout, geweke.MODELS[spec][0].forward(layout, JOINT_DRAWS, np.random.default_rng(21))


def row(kernel: str, check: Check, sweeps: int, report: Report, runs: int) -> dict[str, object]:
    """One line of the result: distances, and the p-value of the largest z-score."""
    z, where = report.worst
    p = min(1.0, 2.0 * len(report.z) * float(stats.t.sf(z, BATCHES - 1)))
    return {
        "kernel": kernel,
        "moves": check[0],
        "problem": check[1],
        "sweeps": sweeps,
        "total_variation": round(report.total_variation, 4),
        "largest_gap": round(report.largest_gap, 4),
        "strange": report.strange,
        "largest_z": round(z, 2),
        "z_of": where,
        "p": f"{p:.2g}",
        "agrees": report.largest_gap < LARGEST_GAP and report.strange == 0 and p >= LEVEL / runs,
    }


def joint_row(spec: str, kernel: str, kernels: Any, case: str) -> dict[str, object]:
    """The same of the joint-distribution test, which has no frequencies."""
    layout, truth = joint_truth(spec, case)
    z = z_scores(truth, geweke.MODELS[spec][0].backward(layout, kernels, JOINT_DRAWS, np.random.default_rng(23)))
    where, p = max(z, key=lambda name: abs(z[name])), p_value(z)
    return {
        "kernel": kernel, "moves": JOINT, "problem": case, "sweeps": JOINT_DRAWS, "largest_z": round(abs(z[where]), 2),
        "z_of": where, "p": f"{p:.2g}", "agrees": p >= geweke.FOUND,
    }  # fmt: skip


def weight_row(kernel: str, kernels: Any, problem: str) -> dict[str, object]:
    """The same of the weights of draws."""
    gap = tree_check.weight_gap(kernels, problem, MOVES, seed=17)
    return {
        "kernel": kernel, "moves": WEIGHTS, "problem": problem, "sweeps": MOVES, "largest_gap": gap,
        "agrees": gap < ROUNDING,
    }  # fmt: skip


def errors_row(kernel: str, kernels: Any, problem: str, sweeps: int) -> dict[str, object]:
    """The same of the moves of error rates, by means over an enumeration at every error rate."""
    z = scores(kernels, problem, ("clades", "errors", "settle"), sweeps, seed=17)
    report = Report(np.nan, 0.0, z, 0)
    found = row(kernel, (ERRORS, problem), sweeps, report, len(TREE.checks))
    return found | {"total_variation": "", "largest_gap": "", "strange": ""}


def run_checks(spec: str, name: str, checks: list[Check], sweeps: int) -> list[dict[str, object]]:
    """Rows of one kernel; a broken one is left alone once it has been found."""
    subject, rows = MODELS[spec], []
    kernels = subject.broken(name) if name in subject.breakages else intact()
    for run, problem in checks:
        start = time.process_time()
        if run == JOINT:
            rows.append(joint_row(spec, name, kernels, problem))
        elif run == WEIGHTS:
            rows.append(weight_row(name, kernels, problem))
        elif run == ERRORS:
            rows.append(errors_row(name, kernels, problem, sweeps))
        else:
            means = {} if spec == "clones" else {"means": not any(text in problem for text in ("four", "one sample"))}
            report = subject.check(kernels, problem, run, sweeps, seed=17, **means)
            rows.append(row(name, (run, problem), sweeps, report, len(subject.checks)))
        seconds = time.process_time() - start
        seen = f"gap {rows[-1].get('largest_gap', '')} z {rows[-1].get('largest_z', '')} {rows[-1]['agrees']}"
        print(f"{name:52s} {run:30s} {problem:26s} {seen} {seconds:.0f} s", flush=True)
        if name in subject.breakages and not rows[-1]["agrees"]:
            break
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spec", choices=MODELS, default="clones", help="model (default: %(default)s)")
    parser.add_argument("--sweeps", type=int, help="per check of the kernels as they ship")
    parser.add_argument("--only", default="", help="breakages whose name has this text; `intact`, `broken`")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the table")
    options = parser.parse_args()
    subject = MODELS[options.spec]
    sweeps, rows = options.sweeps or subject.sweeps, []
    if options.only in ("", "intact"):
        rows = run_checks(options.spec, "intact", subject.checks, sweeps)
    if not options.only or options.only == ALL_BROKEN:
        for check, factor in subject.all_concerns.items():
            rows += run_checks(options.spec, "intact", [check], sweeps // 3 * factor)
    wrong, missed = [f"{r['moves']} on {r['problem']}" for r in rows if not r["agrees"]], []
    for name in subject.breakages if options.only != "intact" else ():
        checks = subject.concerns_of(name) if options.only == ALL_BROKEN or options.only in name else []
        if checks:
            found = run_checks(options.spec, name, checks, sweeps // 3 * subject.faint.get(name, 1))
            missed += [name] if found[-1]["agrees"] else []
            rows += found
    options.out.mkdir(exist_ok=True)
    end = ("" if options.spec == "clones" else f"_{options.spec}") + ("_part" if options.only else "")
    pd.DataFrame(rows).to_csv(options.out / f"exact{end}.tsv", sep="\t", index=False)
    print(f"{len(wrong)} checks disagree {wrong}; {len(missed)} breakages not found {missed}")
    return 1 if wrong or missed else 0


if __name__ == "__main__":
    sys.exit(main())
