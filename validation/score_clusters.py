"""Score a result folder against a known truth, with a scorer of clusterings in the scorer's own format.

    python validation/score_clusters.py RESULT OUT
    python validation/score_clusters.py RESULT OUT --scorer score.py --truth TRUTH.json

Writes OUT/assign.tsv (mutation, cluster, prob; cluster NA for noise and germline) and OUT/ccf.tsv (cluster,
sample, mean, lo, hi), and runs the scorer on them if it is given.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pandas as pd

from clonalbayes.results import Result, open_result

NO_CLUSTER = "NA"


def assignments(result: Result) -> pd.DataFrame:
    """Mutation, cluster and its probability; NA where the mutation is in no clone."""
    table = result.mutations
    clone = table["clone"].where(~table["clone"].isin(["noise", "germline"]), NO_CLUSTER)
    return pd.DataFrame({"mutation": table["mutation"], "cluster": clone, "prob": table["probability"]})


def fractions(result: Result) -> pd.DataFrame:
    """Cancer cell fraction of each clone in each sample, with its interval."""
    names = {"clone": "cluster", "sample": "sample", "ccf_mean": "mean", "ccf_lo": "lo", "ccf_hi": "hi"}
    return result.clones[list(names)].rename(columns=names)


def convert(folder: Path, out: Path) -> tuple[Path, Path]:
    """Write the two tables of the scorer, and return their paths."""
    result = open_result(folder)
    out.mkdir(parents=True, exist_ok=True)
    paths = out / "assign.tsv", out / "ccf.tsv"
    for table, path in zip((assignments(result), fractions(result)), paths, strict=True):
        table.to_csv(path, sep="\t", index=False, na_rep=NO_CLUSTER)
    return paths


def main(argv: list[str] | None = None) -> int:
    """Convert, and score if a scorer is given."""
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("result", type=Path, help="result folder")
    parser.add_argument("out", type=Path, help="folder for the two tables")
    parser.add_argument("--scorer", type=Path, help="scoring script")
    parser.add_argument("--truth", type=Path, help="truth of the scorer")
    parser.add_argument("--focus", nargs="*", default=[], help="cluster:sample pairs to print")
    options = parser.parse_args(argv)
    assign, ccf = convert(options.result, options.out)
    if options.scorer is None:
        print(assign, ccf, sep="\n")
        return 0
    if options.truth is None:
        parser.error("--scorer needs --truth")
    command = [sys.executable, str(options.scorer), "--truth", str(options.truth)]
    command += ["--assign", str(assign), "--ccf", str(ccf), "--focus", *options.focus]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
