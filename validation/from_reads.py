"""From simulated BAM and CRAM to the tree, by the commands that users run, against the truth.

    python validation/from_reads.py --seeds 3 --out FOLDER [--results FILE.tsv]

One row a seed: CPU seconds of `clonalbayes example` and of `clonalbayes run`; how far counted VAFs are from the drawn
ones, in standard errors (mean and standard deviation: 0 and 1 are right; indels apart); artefacts called noise,
germline variants called germline, real mutations lost to either; mean error of the CCF of a mutation; largest error
of a purity; of the true pairs of clones that are ancestor and descendant, share whose mutations are in such clones
of the consensus tree, and the same for pairs that are on different lines.

Accepted if VAFs are within 0.2 of mean 0 (0.5 for indels: reads that end beside one do not show it) and within 0.15
of standard deviation 1, less than 2 % of the mutations are lost, the error of the CCF is below 0.02, and at least 95 %
of either kind of pairs are right.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from clonalbayes.results import open_result


def cpu_of(*arguments: str) -> float:
    """Run a command of clonalbayes; its CPU seconds."""
    command = [sys.executable, "-m", "clonalbayes", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"failed: {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime


def counts(folder: Path, truth: dict[str, Any]) -> dict[str, float]:
    """Compare counted reads with the drawn fractions."""
    ds = xr.load_dataset(folder / "result.stages" / "data" / "data.nc", engine="netcdf4")
    alt, depth = (ds[name].values.astype(float) for name in ("alt_count", "depth"))
    vaf = np.array([truth["vaf"][str(i)] for i in ds["mutation"].values])
    z = (alt - depth * vaf) / np.sqrt(np.maximum(depth * vaf * (1 - vaf), 0.3))
    seen, indel = vaf > 0.02, (ds["kind"].values == "indel")[:, None]
    one = {kind: z[seen & which] for kind, which in (("snv", ~indel), ("indel", indel))}
    return {f"{kind}_{name}": float(f(x)) for kind, x in one.items() for name, f in (("mean", np.mean), ("sd", np.std))}


def ancestors(parents: dict[str, str]) -> set[tuple[str, str]]:
    """Return all pairs of an ancestor and a descendant."""
    pairs = set()
    for child in parents:
        above = parents[child]
        while above in parents:
            pairs.add((above, child))
            above = parents[above]
    return pairs


def relations(truth: dict[str, Any], clone: dict[str, str], folder: Path) -> dict[str, float]:
    """Compare the relations of pairs of mutations in different clones, true and found."""
    edges = pd.read_csv(folder / "result" / "edges.tsv", sep="\t", dtype={"parent": str, "child": str})
    best = edges[edges["relation"] == "parent"].sort_values("probability").drop_duplicates("child", keep="last")
    found = ancestors(dict(zip(best["child"], best["parent"], strict=True)))
    true = ancestors(truth["parent"])
    inside = [(truth["assignment"][i], k) for i, k in clone.items() if truth["assignment"][i] in truth["ccf"]]
    sizes = pd.Series(inside).value_counts()
    right = {"ancestor": [0, 0], "apart": [0, 0]}
    for (a, k), n in sizes.items():
        for (b, m), other in sizes.items():
            if a == b or k == m:
                continue
            kind = "ancestor" if (a, b) in true else "apart" if (b, a) not in true else None
            if kind:
                agrees = ((k, m) in found) if kind == "ancestor" else not {(k, m), (m, k)} & found
                right[kind][0] += n * other * agrees
                right[kind][1] += n * other
    return {kind: hit / max(of, 1) for kind, (hit, of) in right.items()}


def score(folder: Path) -> dict[str, float]:
    """Compare one result with the truth."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    result = open_result(folder / "result")
    clone = dict(zip(result.mutations["mutation"], result.mutations["clone"].astype(str), strict=True))
    label = {i: truth["assignment"][i] for i in clone}
    real = [i for i in clone if label[i] in truth["ccf"]]
    ccf = {(str(r.clone), r.sample): r.ccf_mean for r in result.clones.itertuples()}
    kept = [i for i in real if clone[i] not in ("noise", "germline")]
    errors = [abs(ccf[clone[i], s] - truth["ccf"][label[i]][s]) for i in kept for s in truth["samples"]]
    purity = dict(zip(result.samples["sample"], result.samples["purity_mean"], strict=True))

    def share(of: str, called: str) -> float:
        members = [i for i in clone if label[i] == of]
        return sum(clone[i] == called for i in members) / max(len(members), 1)

    return {
        **counts(folder, truth),
        "noise_found": share("noise", "noise"),
        "germline_found": share("noise_germline", "germline"),
        "lost": 1 - len(kept) / len(real),
        "ccf_error": float(np.mean(errors)),
        "purity_error": max(abs(purity[s] - truth["purity"][s]) for s in purity),
        **relations(truth, clone, folder),
    }


def accepted(row: dict[str, float]) -> bool:
    """Whether a row is as it should be."""
    far = {"snv": 0.2, "indel": 0.5}
    means = all(abs(row[f"{k}_mean"]) < limit and abs(row[f"{k}_sd"] - 1) < 0.15 for k, limit in far.items())
    return means and row["lost"] < 0.02 and row["ccf_error"] < 0.02 and min(row["ancestor"], row["apart"]) >= 0.95


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    rows = []
    for seed in range(1, options.seeds + 1):
        folder = options.out / f"seed{seed}"
        made = folder.exists()
        example = 0.0 if made else cpu_of("example", str(folder), "--seed", str(seed), "--quiet")
        run = cpu_of("run", str(folder / "run.toml"), "--quiet")
        row = {"seed": seed, "example_cpu_s": example, "run_cpu_s": run, **score(folder)}
        rows.append(row | {"accepted": accepted(row)})
        print(json.dumps(rows[-1]), flush=True)
    frame = pd.DataFrame(rows)
    if options.results:
        frame.to_csv(options.results, sep="\t", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
