"""Fit benchmark files with known truth, score them, and time a peer on the same file in the same run.

    python validation/benchmark.py --scorer score.py --out FOLDER [--oracle TABLE] [--peer 'COMMAND'] FILE.tsv ...

Each FILE.tsv has FILE.truth.json beside it. Prints, and writes to FOLDER/benchmark.tsv, one row a file: adjusted
Rand index and its ratio to the oracle's, clones found and recovered, coverage of the 95 % intervals, calibration
error, artefacts called noise, real mutations left out; CPU seconds, wall seconds and peak memory of the whole
`clonalbayes fit` process with the default schedule; worst R-hat and smallest effective sample size. With --peer,
the peer's CPU seconds and the ratio of ours to them: machines are shared and noisy, so only the ratio counts.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from score_clusters import assignments, fractions

from clonalbayes.results import open_result


def timed(command: list[str]) -> dict[str, float]:
    """Run a command to its end; CPU and wall seconds and peak memory in MB of the process."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"failed: {shlex.join(command)}")
    scale = 1024.0 if sys.platform == "linux" else 1024.0**2
    return {
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "wall_s": time.monotonic() - start,
        "peak_mb": usage.ru_maxrss / scale,
    }


def load_scorer(path: Path) -> Any:
    """The scorer's `score` function (its docstring defines every metric)."""
    spec = importlib.util.spec_from_file_location("scorer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.score


def one(file: Path, options: argparse.Namespace, oracle: dict[str, float]) -> dict[str, Any]:
    """Fit, time and score one file."""
    folder = options.out / file.stem
    used = timed([sys.executable, "-m", "clonalbayes", "fit", str(file), "--out", str(folder), "--force", "--quiet",
                  "--seed", str(options.seed)])  # fmt: skip
    result = open_result(folder)
    found = assignments(result)
    found.loc[found["cluster"] == "NA", "cluster"] = None
    truth = json.loads(file.with_suffix("").with_suffix(".truth.json").read_text())
    scored = load_scorer(options.scorer)(truth, found, fractions(result))
    wanted = ("ari", "n_true", "n_found", "n_found_1pct", "recovered", "cover95", "ece", "noise_dropped", "dropped")
    row: dict[str, Any] = {"file": file.stem} | {name: scored.get(name) for name in wanted}
    if file.stem in oracle:
        row["ari_ratio"] = scored["ari"] / oracle[file.stem]
    row |= {name: round(value, 1) for name, value in used.items()}
    diagnostics = result.diagnostics
    row |= {"worst_rhat": diagnostics["rhat"].max(), "least_ess": diagnostics["ess_bulk"].min()}
    if options.peer:
        peer = timed(shlex.split(options.peer.format(input=file, out=options.out / f"{file.stem}.peer")))
        row |= {"peer_cpu_s": round(peer["cpu_s"], 1), "cpu_ratio": round(used["cpu_s"] / peer["cpu_s"], 2)}
    return row


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--scorer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--oracle", type=Path, help="table of file and the oracle's index, without header")
    parser.add_argument("--peer", help="another program's command, with {input} and {out}")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    oracle = {}
    if options.oracle:
        oracle = dict(pd.read_csv(options.oracle, sep="\t", header=None).itertuples(index=False, name=None))
    rows = []
    for file in options.files:
        rows.append(one(file, options, oracle))
        print(json.dumps(rows[-1]), flush=True)
    pd.DataFrame(rows).to_csv(options.out / "benchmark.tsv", sep="\t", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
