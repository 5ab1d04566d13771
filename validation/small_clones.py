"""Do intervals hold the sizes of clones that are too small to be found? Public simulations of trees, clusters given.

    python validation/small_clones.py FOLDER --out OUT [--sets NAME ...] [--seed N]

FOLDER holds NAME.ssm, NAME.params.json and NAME.truth.npz, as for `validation/trees.py`. Their reads have no errors at
all, and every clone is in every sample, if only as one cell in 10^20. Each set is fitted in four cases:

    none        the reads as they are; the model expects errors of 1.5e-4, give or take a factor of two
    none, said  the same with a model that expects 1e-6
    drawn       errors are added whose rates are drawn from the model's prior, sample by sample
    known       errors of 1.5e-4 are added, and the model knows

and it is counted how often the truth is in the interval of `clones.tsv` (the posterior's) and in that of
`detection.tsv` (widened to what the reads allow where they do not show the clone): below the limit of detection, and
above.
Clones of one branch share their small descendants, so that cases of one sample are not independent: standard errors
are over samples. Rule of acceptance: coverage of `detection.tsv` below the limit at least 92 %, in all cases.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from trees import fit, shuffled  # noqa: E402

RESULT = HERE / "results" / "small_clones.tsv"
SETS = (
    "sim_K3_S30_T1000_M60_G0_run4",
    "sim_K10_S3_T200_M200_G0_run2",
    "sim_K10_S10_T1000_M1000_G0_run3",
    "sim_K10_S30_T200_M1000_G0_run1",
    "sim_K30_S10_T50_M300_G0_run1",
    "sim_K30_S10_T1000_M300_G0_run3",
)
MEDIAN, SIGMA = 1.5e-4, 0.7
"""Prior of the error rate in `models/tree.toml`."""

CASES = {
    "none": (0.0, None),
    "none, said": (0.0, (1e-6, SIGMA)),
    "drawn": (SIGMA, None),
    "known": (0.0, (MEDIAN, 0.02)),
}
"""Case -> sd of the log of the errors that are added, and the prior that the model is given instead of its own."""


def with_errors(ssm: Path, out: Path, sd: float, rng: np.random.Generator) -> Path:
    """Add errors to the reference reads of a file."""
    table = pd.read_csv(ssm, sep="\t", dtype=str)
    alt, total = (np.array([row.split(",") for row in table[key]], int) for key in ("var_reads", "total_reads"))
    alt = alt + rng.binomial(total - alt, MEDIAN * np.exp(rng.normal(0.0, sd, alt.shape[1])))
    table["var_reads"] = [",".join(map(str, row)) for row in alt]
    table.to_csv(out / ssm.name, sep="\t", index=False)
    return out / ssm.name


def model_with(out: Path, prior: tuple[float, float]) -> Path:
    """Write a model whose prior of the error rate is another."""
    path = out / "model.toml"
    parameters = f"parameters = {{ median = {prior[0]}, sigma = {prior[1]} }}"
    reason = 'reason = "What is known of these reads."'
    path.write_text(f'extends = "tree"\nname = "mine"\n[priors.error_rate]\n{parameters}\n{reason}\n', encoding="utf-8")
    return path


def held(name: str, folder: Path, params: Path, result: Path) -> pd.DataFrame:
    """One row a clone and sample: whether the truth is below the limit, and in each interval."""
    given, was = (json.loads(path.read_text(encoding="utf-8")) for path in (params, folder / f"{name}.params.json"))
    place = {tuple(sorted(ids)): k + 1 for k, ids in enumerate(was["clusters"])}
    order = [place[tuple(sorted(ids))] for ids in given["clusters"]]
    truth = np.load(folder / f"{name}.truth.npz")["phi"]
    clones, found = (pd.read_csv(result / f"{key}.tsv", sep="\t") for key in ("clones", "detection"))
    where = np.array(order)[found.clone - 1], [was["samples"].index(sample) for sample in found["sample"]]
    true = truth[where]
    inside = {
        key: (table.prevalence_lo <= true) & (true <= table.prevalence_hi)
        for key, table in (("posterior", clones), ("detection", found))
    }
    return pd.DataFrame({"sample": name + found["sample"], "below": true < found.lod_prevalence, **inside})


def run(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Fit all sets in all cases: one row a case."""
    for case, (sd, prior) in CASES.items():
        rng, out = np.random.default_rng(5), options.out / case.replace(", ", "_")
        out.mkdir(parents=True, exist_ok=True)
        more = [] if prior is None else ["--model", str(model_with(out, prior))]
        parts = []
        for name in options.sets:
            ssm = options.folder / f"{name}.ssm"
            params = shuffled(options.folder / f"{name}.params.json", out, options.seed)
            if case in ("drawn", "known"):
                ssm = with_errors(ssm, out, sd, rng)
            fit(ssm, params, out / name, options.seed, "--fixed-clusters", *more)
            parts.append(held(name, options.folder, params, out / name))
        yield {"errors": case, "sets": len(parts)} | summarise(pd.concat(parts))


def summarise(rows: pd.DataFrame) -> dict[str, object]:
    """Coverage below and above the limit, with standard errors over samples."""
    row: dict[str, object] = {}
    for side, part in (("below", rows[rows.below]), ("above", rows[~rows.below])):
        row[f"n_{side}"] = len(part)
        for key in ("posterior", "detection"):
            share = float(part[key].mean())
            by = part.groupby("sample")[key].agg(["sum", "size"])
            row[f"{key}_{side}"] = share
            row[f"{key}_{side}_se"] = float(np.sqrt(((by["sum"] - share * by["size"]) ** 2).sum()) / len(part))
    return row | {"accepted": "yes" if float(rows[rows.below].detection.mean()) >= 0.92 else "no"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seed", type=int, default=1)
    table = pd.DataFrame(run(parser.parse_args()))
    table.to_csv(RESULT, sep="\t", index=False, float_format="%.3f")
    print(table.T.to_string(float_format=lambda v: f"{v:.3f}"))
    return 0 if (table.accepted == "yes").all() else 1


if __name__ == "__main__":
    raise SystemExit(main())
