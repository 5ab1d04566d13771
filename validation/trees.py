"""Trees of public simulations with given clusters: fit, score, and compare with peers measured on the same files.

    python validation/trees.py FOLDER --scorer score.py --out OUT [--sets NAME ...] [--peers pairtree.tsv orchard.tsv]

FOLDER holds NAME.ssm, NAME.params.json and NAME.truth.npz. The clusters are shuffled before the run, because such
files number them in topological order. CPU seconds are those of the whole process, start-up included, with
kernels that have been compiled before. Writes OUT/trees.tsv. `--free` infers the clusters too, with the tree and
without, and compares both clusterings with the truth, and the relations of mutations with those found with clusters
given: OUT/trees_free.tsv.
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


def fit(ssm: Path, params: Path, out: Path, seed: int, *options: str) -> float:
    """Fit; user CPU seconds of the process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    command = [sys.executable, "-m", "clonalbayes", "fit", str(ssm), "--params", str(params), *options]
    subprocess.run([*command, "--out", str(out), "--seed", str(seed), "--force", "--quiet"], check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def pairs(n: np.ndarray) -> np.ndarray:
    """Number of pairs among n."""
    return n * (n - 1) / 2.0


def rand_index(mutations: Path, params: Path) -> float:
    """Adjusted Rand index of the clones in `mutations.tsv` and the true clusters (Hubert & Arabie 1985).

    A mutation called noise or germline counts as a cluster of its own.
    """
    table = pd.read_csv(mutations, sep="\t", dtype=str, keep_default_na=False).set_index("mutation")
    true = {name: k for k, ids in enumerate(json.loads(params.read_text(encoding="utf-8"))["clusters"]) for name in ids}
    found = [table.at[name, "clone"] for name in true]
    found = [f"{label} {i}" if label in ("noise", "germline") else label for i, label in enumerate(found)]
    both = pd.crosstab(list(true.values()), found).to_numpy()
    rows, columns = pairs(both.sum(1)).sum(), pairs(both.sum(0)).sum()
    expected = rows * columns / pairs(both.sum())
    return float((pairs(both).sum() - expected) / (0.5 * (rows + columns) - expected))


def compare_free(name: str, options: argparse.Namespace, scorer: Any) -> dict[str, Any]:
    """Clusters given against inferred, with the tree and without: relations of mutations, adjusted Rand indices."""
    ssm, params, truth = (options.folder / f"{name}{end}" for end in (".ssm", ".params.json", ".truth.npz"))
    given = scorer.score(str(options.out / name / "trees.json"), str(ssm), str(params), str(truth))
    row: dict[str, Any] = {"set": name, "rel_error_given": given["rel_error"]}
    for model in ("tree", "clones"):
        out = options.out / f"{name}.{model}"
        row[f"cpu_{model}"] = fit(ssm, params, out, options.seed, "--model", model)
        row[f"index_{model}"] = rand_index(out / "mutations.tsv", params)
    free = scorer.score(str(options.out / f"{name}.tree" / "trees.json"), str(ssm), str(params), str(truth))
    row["rel_error_free"] = free["rel_error"]
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()}


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
    parser.add_argument("--free", action="store_true", help="infer the clusters too, with the tree and without")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    scorer, rows, free = load_scorer(options.scorer), [], []
    for name in options.sets or sorted(path.stem for path in options.folder.glob("*.ssm")):
        ssm, truth = options.folder / f"{name}.ssm", options.folder / f"{name}.truth.npz"
        params = options.folder / f"{name}.params.json"
        shuffled_params = shuffled(params, options.out, options.seed)
        cpu = fit(ssm, shuffled_params, options.out / name, options.seed, "--fixed-clusters")
        found = scorer.score(str(options.out / name / "trees.json"), str(ssm), str(params), str(truth))
        row = {"set": name, "cpu": round(cpu, 2)} | {key: round(float(found[key]), 4) for key in METRICS}
        rows.append(row | {key: round(value, 4) for key, value in peers_of(options.peers, name).items()})
        print(rows[-1], flush=True)
        if options.free:
            free.append(compare_free(name, options, scorer))
            print(free[-1], flush=True)
    pd.DataFrame(rows).to_csv(options.out / "trees.tsv", sep="\t", index=False)
    if free:
        pd.DataFrame(free).to_csv(options.out / "trees_free.tsv", sep="\t", index=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
