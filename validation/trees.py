"""Trees of public simulations with given clusters: fit, score, and compare with peers measured on the same files.

    python validation/trees.py FOLDER --scorer score.py --out OUT [--sets NAME ...] [--peers pairtree.tsv orchard.tsv]

FOLDER holds NAME.ssm, NAME.params.json and NAME.truth.npz. The clusters are shuffled before the run, because such
files number them in topological order. CPU seconds are those of the whole process, start-up included, with
kernels that have been compiled before. Writes OUT/trees.tsv.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

METRICS = ("rel_error_clusters", "rel_kl_clusters", "vaf_kl", "mass_consistent", "mass_true", "ess_trees")


def shuffled(params: Path, out: Path, seed: int) -> Path:
    """Write the params file with its clusters in random order; return its path."""
    content = json.loads(params.read_text(encoding="utf-8"))
    order = np.random.default_rng(seed).permutation(len(content["clusters"]))
    content["clusters"] = [content["clusters"][k] for k in order]
    path = out / params.name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def fit(ssm: Path, params: Path, out: Path, seed: int) -> float:
    """Fit with the clusters given; user CPU seconds of the process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    command = [sys.executable, "-m", "clonalbayes", "fit", str(ssm), "--params", str(params), "--fixed-clusters"]
    subprocess.run([*command, "--out", str(out), "--seed", str(seed), "--force", "--quiet"], check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def load_scorer(path: Path) -> Any:
    """Import the scorer from its file."""
    made = importlib.util.spec_from_file_location("scorer", path)
    if made is None or made.loader is None:
        raise SystemExit(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    return module


def peers_of(tables: list[Path], name: str) -> dict[str, float]:
    """The best figures that peers have reached on a set: relation KL, VAF KL and CPU seconds of the fastest."""
    rows = [table[table["name"] == name] for table in (pd.read_csv(path, sep="\t") for path in tables)]
    found = pd.concat(rows) if rows else pd.DataFrame()
    if found.empty:
        return {}
    columns = {"rel_kl_clusters": "peers_rel_kl", "vaf_kl": "peers_vaf_kl", "user_s": "peers_cpu"}
    return {new: float(found[old].min()) for old, new in columns.items()}


def main(argv: list[str] | None = None) -> int:
    """Run the sets and write the table."""
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scorer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", help="names (default: all of the folder)")
    parser.add_argument("--peers", nargs="*", type=Path, default=[], help="tables of peers' figures")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    scorer, rows = load_scorer(options.scorer), []
    for name in options.sets or sorted(path.stem for path in options.folder.glob("*.ssm")):
        ssm, truth = options.folder / f"{name}.ssm", options.folder / f"{name}.truth.npz"
        params = options.folder / f"{name}.params.json"
        cpu = fit(ssm, shuffled(params, options.out, options.seed), options.out / name, options.seed)
        found = scorer.score(str(options.out / name / "trees.json"), str(ssm), str(params), str(truth))
        row = {"set": name, "cpu": round(cpu, 2)} | {key: round(float(found[key]), 4) for key in METRICS}
        rows.append(row | {key: round(value, 4) for key, value in peers_of(options.peers, name).items()})
        print(rows[-1], flush=True)
    pd.DataFrame(rows).to_csv(options.out / "trees.tsv", sep="\t", index=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
