"""The tree's moves against exact enumeration, and every broken kernel of the tree against the checks.

    python validation/exact_tree.py [--sweeps N] [--only TEXT]

Two to four clones given, or three to four mutations that fall into clones, noise and germline freely, in one or two
samples, hyperparameters held: the posterior over all labellings with all trees is summed exactly, presence patterns
one by one and fractions by quadrature (`tests/tree_exact.py`). Sets of moves (`tests/tree_check.py`) are run on each
problem (`tests/tree_problems.py`: reads or none, spikes, several founders, purities, calls, aberrant copy number) and
their frequencies compared.

Rule of acceptance, decided before the first run: the kernels as they ship agree if no labelling's or tree's frequency
is off by 0.02, no draw is outside what can be reached, and the largest z-score (frequencies above one per cent, means
of functions of prevalence, presence, purity) has a p-value, times their number, of at least 1e-3 divided by the number
of runs. A broken kernel is found if one of its checks does not agree. The exit code is 1 if the kernels disagree or a
breakage is not found. Figures go to `results/exact_tree.tsv`.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import pandas as pd
from scipy import stats

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from breakages import intact  # noqa: E402
from enumeration import BATCHES, Report  # noqa: E402
from test_tree_kernels import ALONE, GIVEN, LARGE, TOGETHER  # noqa: E402
from tree_breakages import PARAMETERS, TREE_BREAKAGES, broken_tree  # noqa: E402
from tree_check import check  # noqa: E402

LARGEST_GAP, LEVEL = 0.02, 1e-3
CHECKS = [("all given", problem) for problem in GIVEN] + [("all", f"free: {name}") for name in (*TOGETHER, *LARGE)]
CHECKS += [("all given, aberrant", "given: three, aberrant"), ("all, aberrant", "free: aberrant"), *ALONE]

# The moves that a breakage concerns, by module, with no more than what they need.
CONCERNS = {
    "tree_place": [("settle", "given: three, sparse"), ("regraft, transfer", "given: three, purity")],
    "tree_hang": [("rehang, transfer", "given: three, called"), ("rehang, transfer", "given: three, sparse")],
    "tree_graft": [("births", "free: founders few"), ("births", "free: no reads")],
    "tree_moves": [("swap, transfer", "given: three, called"), ("regraft", "given: three, called")],
    "tree_local": [("settle", "given: three, called"), ("transfer", "given: three")],
    "tree_births": [
        ("births, tree, transfer, purity", "free: aberrant"),
        ("assign, condense, transfer", "free: reads"),
    ],
    "tree_splits": [("splits, transfer", "free: reads"), ("splits, transfer", "free: no reads")],
    "tree_weights": [("assign, condense, transfer", "free: called"), ("assign, splits, transfer", "free: called")],
}


def row(kernel: str, run: str, problem: str, sweeps: int, report: Report, seconds: float) -> dict[str, object]:
    """One line of the result: distances, and the p-value of the largest z-score."""
    z, where = report.worst
    p = min(1.0, 2.0 * len(report.z) * float(stats.t.sf(z, BATCHES - 1)))
    return {
        "kernel": kernel,
        "moves": run,
        "problem": problem,
        "sweeps": sweeps,
        "total_variation": round(report.total_variation, 4),
        "largest_gap": round(report.largest_gap, 4),
        "largest_z": round(z, 2),
        "z_of": where,
        "p": f"{p:.2g}",
        "agrees": report.largest_gap < LARGEST_GAP and report.strange == 0 and p >= LEVEL / len(CHECKS),
        "seconds": round(seconds, 1),
    }


def run_checks(name: str, checks: list[tuple[str, str]], sweeps: int) -> list[dict[str, object]]:
    """Rows of one kernel; a broken one is left alone once it has been found."""
    kernels = broken_tree(name) if name in TREE_BREAKAGES else intact()
    rows: list[dict[str, object]] = []
    for run, problem in checks:
        start = time.process_time()
        means = not any(text in problem for text in ("four", "one sample"))
        report = check(kernels, problem, run, sweeps, seed=17, means=means)
        rows.append(row(name, run, problem, sweeps, report, time.process_time() - start))
        print(
            "{kernel:50s} {moves:26s} {problem:24s} TV {total_variation:.4f} gap {largest_gap:.4f} "
            "z {largest_z:6.1f} {agrees}".format(**rows[-1]),
            flush=True,
        )
        if name in TREE_BREAKAGES and not rows[-1]["agrees"]:
            break
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sweeps", type=int, default=40_000, help="per check of the kernels as they ship")
    parser.add_argument("--only", default="", help="breakages whose name has this text; `intact` for none")
    options = parser.parse_args()
    rows = run_checks("intact", CHECKS, options.sweeps) if options.only in ("", "intact") else []
    wrong = [f"{r['moves']} on {r['problem']}" for r in rows if not r["agrees"]]
    missed = []
    for name, (where, _, _) in TREE_BREAKAGES.items():
        if where.startswith(PARAMETERS) or options.only == "intact" or options.only not in name:
            continue
        found = run_checks(name, CONCERNS[where.partition(".")[0]], options.sweeps // 2)
        missed += [name] if found[-1]["agrees"] else []
        rows += found
    if not options.only:
        (HERE / "results").mkdir(exist_ok=True)
        pd.DataFrame(rows).to_csv(HERE / "results" / "exact_tree.tsv", sep="\t", index=False)
    print(f"{len(wrong)} checks disagree {wrong}; {len(missed)} breakages not found {missed}")
    return 1 if wrong or missed else 0


if __name__ == "__main__":
    sys.exit(main())
