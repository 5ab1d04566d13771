"""The joint-distribution test of the whole sweep (Geweke 2004), and every broken kernel against it.

    python validation/geweke.py [--spec tree] [--draws N] [--only intact TEXT ...]

Eight mutations in two samples, two of them in a class with a gain and a loss. Forward, state and reads are drawn
from the model by rejection; backward, sweeps of the sampler alternate with new reads given the state
(`tests/joint.py`). Both draw from the same distribution, so all means must agree. Three cases: every mutation in the
table; only those called by one read; no reads at all, where the posterior is the prior. With ``--spec tree`` it is the
tree model's sweep (`tests/tree_joint.py`, seven mutations) with the kernels that are broken there.

Rule of acceptance, decided before the first run: in each case the smallest p-value of the quantities, 66 or 84 (means
and mean squares, z-scores by 40 batch means), times their number, is at least 1e-3. A broken kernel is found if it is
below 1e-4 in one of the cases. The exit code is 1 if the kernels are refused or a breakage is not found. Figures go to
`results/geweke.tsv` (`geweke_tree.tsv`), also where `--only` leaves some kernels out: all lines of what has been run.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from breakages import BREAKAGES, broken, intact  # noqa: E402
from joint import CLONES, Layout, p_value, z_scores  # noqa: E402
from tree_breakages import TREE_BREAKAGES, broken_tree  # noqa: E402
from tree_joint import TREE  # noqa: E402

MODELS = {"clones": (CLONES, BREAKAGES, broken), "tree": (TREE, TREE_BREAKAGES, broken_tree)}
"""The simulator of each model, what can be broken in it and how."""

CASES = ("called", "no reads", "reads")
LEVEL, FOUND = 1e-3, 1e-4
FAINT = ("envelope without the shift", "joint step without the shift")
"""What chords miss is a few per cent of a density; these are for `exact.py` and the tests of births."""


def rows_of(kernel: str, case: str, truth: dict[str, np.ndarray], chain: dict[str, np.ndarray]) -> pd.DataFrame:
    """One line a quantity."""
    z = z_scores(truth, chain)
    names = list(z)
    return pd.DataFrame(
        {
            "kernel": kernel,
            "case": case,
            "quantity": names,
            "forward": [truth[n].mean().round(5) for n in names],
            "backward": [chain[n].mean().round(5) for n in names],
            "z": [round(z[n], 2) for n in names],
            "p_of_case": f"{p_value(z):.2g}",
        }
    )


def frame_of(spec: str, case: str) -> Layout:
    """The reads' frame of a case."""
    simulator = MODELS[spec][0]
    return simulator.layout(int(case == "called"), 0 * simulator.depth if case == "no reads" else None)


def find(
    spec: str, name: str, frames: dict[str, tuple[Layout, dict[str, np.ndarray]]], draws: int
) -> tuple[pd.DataFrame, bool]:
    """Run a broken kernel case by case until it is found; its largest z-score in each."""
    simulator, _, breaks = MODELS[spec]
    kernels, rows = breaks(name), []
    for case, (layout, truth) in frames.items():
        chain = simulator.backward(layout, kernels, draws, np.random.default_rng(23))
        p = p_value(z_scores(truth, chain))
        table = rows_of(name, case, truth, chain)
        rows.append(table.loc[[table["z"].abs().idxmax()]])
        print(f"{name:46s} {case:9s} p {p:.2g} z {table['z'].abs().max():.1f}", flush=True)
        if p < FOUND:
            return pd.concat(rows), True
    return pd.concat(rows), False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=60_000, help="per case, of the kernels as they ship")
    parser.add_argument("--only", nargs="+", default=[], help="breakages whose name has one of these texts; `intact`")
    parser.add_argument("--spec", choices=MODELS, default="clones", help="model (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the table")
    options = parser.parse_args()
    simulator, breakages, _ = MODELS[options.spec]
    frames, tables, refused, missed = {}, [], [], []

    def write() -> None:
        options.out.mkdir(exist_ok=True)
        end = "" if options.spec == "clones" else f"_{options.spec}"
        pd.concat(tables).to_csv(options.out / f"geweke{end}.tsv", sep="\t", index=False)

    for case in CASES:
        layout = frame_of(options.spec, case)
        frames[case] = layout, simulator.forward(layout, options.draws, np.random.default_rng(21))
        if not options.only or "intact" in options.only:
            start = time.perf_counter()
            chain = simulator.backward(layout, intact(), options.draws, np.random.default_rng(22))
            tables.append(rows_of("intact", case, frames[case][1], chain))
            worst = tables[-1].loc[tables[-1]["z"].abs().idxmax()]
            p = float(worst["p_of_case"])
            print(
                f"intact {case:9s} p {p:.2g} z {worst['z']} of {worst['quantity']} {time.perf_counter() - start:.0f} s",
                flush=True,
            )
            refused += [case] if p < LEVEL else []
            write()
    for name in breakages:
        if name not in FAINT and (not options.only or any(text in name for text in options.only)):
            table, found = find(options.spec, name, frames, options.draws // 4)
            tables.append(table)
            missed += [] if found else [name]
            write()
    print(f"refused {refused}; {len(missed)} breakages not found {missed}")
    return 1 if refused or missed else 0


if __name__ == "__main__":
    sys.exit(main())
