"""Partition and prevalence moves against exact enumeration, and every broken kernel against the checks.

    python validation/exact.py [--sweeps N] [--only TEXT]

Four mutations in two samples, hyperparameters held: the posterior over all 151 assignments to noise, germline and
clones is summed exactly, prevalences by quadrature (`tests/exact.py`). Each set of moves (`tests/enumeration.py`)
is run on each problem and its frequencies compared.

Rule of acceptance, decided before the first run: the kernels as they ship agree if no labelling's frequency is off by
0.02, no draw is outside what can be reached, and the largest of some sixty z-scores (frequencies of labellings
above one per cent, means of functions of prevalences and genotypes) has a p-value, times their number, of at least
1e-3 divided by the number of runs. A broken kernel is found if one of its checks does not agree. The exit code is 1
if the kernels disagree or a breakage is not found. Figures go to `results/exact.tsv`.
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

from breakages import BREAKAGES, broken, intact  # noqa: E402
from enumeration import BATCHES, PROBLEMS, RUNS, Report, check  # noqa: E402

LARGEST_GAP, LEVEL = 0.02, 1e-3
CHECKS = [(run, problem) for run in RUNS for problem in PROBLEMS if not ("splits" in run and "aberrant" in problem)]
"""Splits alone keep the genotypes, so they are run where there is one genotype."""
CHECKS += [(run, problem) for run in ("all", "assign, splits") for problem in PROBLEMS if "aberrant" in problem]
CHECKS = [(run, problem) for run, problem in CHECKS if run != "prevalences" or "aberrant" not in problem]

# The moves that a breakage concerns, by module, with no more than what they need.
CONCERNS = {
    "births": [("births", "aberrant called"), ("births", "no reads")],
    "envelope": [("births", "subclonal"), ("splits", "called")],
    "prevalence": [("prevalences", "subclonal"), ("prevalences", "no reads")],
    "splitmerge": [("splits", "no reads"), ("splits", "called")],
    "condense": [("assign, condense", "no reads"), ("assign, condense", "aberrant called")],
    "assign": [("assign, prevalences", "aberrant called"), ("assign, births", "aberrant called")],
    "tables": [("assign, births", "aberrant called")],
}
HELD = ("update_presence_prob", "hyper.")
"""Breakages of what is held here: `geweke.py` finds those."""
FAINT = {"envelope without the shift": 10, "joint step without the shift": 10}
"""What chords miss is a few per cent of a density, so these need more sweeps (a factor)."""


def row(kernel: str, run: str, problem: str, sweeps: int, report: Report, seconds: float) -> dict[str, object]:
    """One line of the result: distances, and the p-value of the largest z-score."""
    z, where = report.worst
    p = min(1.0, 2.0 * len(report.z) * float(stats.t.sf(z, BATCHES - 1)))
    agrees = report.largest_gap < LARGEST_GAP and report.strange == 0 and p >= LEVEL / len(CHECKS)
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
        "agrees": agrees,
        "seconds": round(seconds, 1),
    }


def run_checks(name: str, checks: list[tuple[str, str]], sweeps: int, stop_when_found: bool) -> list[dict[str, object]]:
    """Rows of one kernel; a broken one is left alone once it has been found."""
    kernels = broken(name) if name in BREAKAGES else intact()
    rows: list[dict[str, object]] = []
    for run, problem in checks:
        start = time.perf_counter()
        report = check(kernels, problem, run, sweeps, seed=17)
        rows.append(row(name, run, problem, sweeps, report, time.perf_counter() - start))
        print(
            "{kernel:46s} {moves:20s} {problem:16s} TV {total_variation:.4f} gap {largest_gap:.4f} "
            "z {largest_z:6.1f} {agrees}".format(**rows[-1]),
            flush=True,
        )
        if stop_when_found and not rows[-1]["agrees"]:
            break
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sweeps", type=int, default=60_000, help="per check of the kernels as they ship")
    parser.add_argument("--only", default="", help="breakages whose name has this text; `intact` for none")
    options = parser.parse_args()
    rows = run_checks("intact", CHECKS, options.sweeps, False) if options.only in ("", "intact") else []
    wrong = [f"{r['moves']} on {r['problem']}" for r in rows if not r["agrees"]]
    missed = []
    for name, (where, _, _) in BREAKAGES.items():
        held = any(text in where for text in HELD)
        if held or options.only == "intact" or options.only not in name:
            continue
        found = run_checks(name, CONCERNS[where.partition(".")[0]], options.sweeps // 3 * FAINT.get(name, 1), True)
        missed += [name] if found[-1]["agrees"] else []
        rows += found
    if not options.only:
        (HERE / "results").mkdir(exist_ok=True)
        pd.DataFrame(rows).to_csv(HERE / "results" / "exact.tsv", sep="\t", index=False)
    print(f"{len(wrong)} checks disagree {wrong}; {len(missed)} breakages not found {missed}")
    return 1 if wrong or missed else 0


if __name__ == "__main__":
    sys.exit(main())
