"""The joint-distribution test of the joint model's sweep: tree, exposures, profiles and gates with reads and contexts.

    python validation/geweke_joint.py [--draws N]

As `geweke.py`, of the sampler in `tests/joint_geweke.py`: forward, clones, tree, exposures, profiles, reads and
contexts from the model; backward, one sweep of the tree model and one draw of the exposures, then new reads and
contexts. Two wrong draws of the exposures, a third as many times, must be found: one without the gates, one that
leaves to free tags what the clones before had. Rules of acceptance as in `geweke.py`. Figures go to
`results/geweke_joint.tsv`, of the wrong draws the quantity that is farthest off.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests"), str(HERE)]

from breakages import intact  # noqa: E402
from geweke import FOUND, LEVEL, rows_of  # noqa: E402
from joint import p_value, z_scores  # noqa: E402
from joint_geweke import backward, forward  # noqa: E402
from test_joint_geweke import free_tags_as_they_are, without_gates  # noqa: E402
from tree_joint import TREE  # noqa: E402

from clonalbayes.signatures.joint import update  # noqa: E402

DRAWS_OF_EXPOSURES = {
    "intact": update, "exposures without gates": without_gates, "free tags as they are": free_tags_as_they_are,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=12_000)
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the table")
    options = parser.parse_args()
    layout, kernels = TREE.layout(0), intact()
    truth, tables, right = forward(layout, options.draws, np.random.default_rng(21)), [], True
    for name, draw in DRAWS_OF_EXPOSURES.items():
        start, draws = time.process_time(), options.draws if draw is update else options.draws // 3
        chain = backward(layout, kernels, draws, np.random.default_rng(22), draw)
        p = p_value(z_scores(truth, chain))
        table = rows_of(name, f"{draws} draws", truth, chain)
        worst = table.loc[table["z"].abs().idxmax()]
        used = time.process_time() - start
        print(f"{name}: p {p:.2g}, z {worst['z']} of {worst['quantity']}, {used:.0f} CPU s", flush=True)
        right &= p >= LEVEL if draw is update else p < FOUND
        tables.append(table if draw is update else table.loc[[table["z"].abs().idxmax()]])
    options.out.mkdir(exist_ok=True)
    pd.concat(tables).to_csv(options.out / "geweke_joint.tsv", sep="\t", index=False)
    return 0 if right else 1


if __name__ == "__main__":
    raise SystemExit(main())
