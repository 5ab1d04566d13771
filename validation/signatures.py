"""The signature benchmark: exposures and profiles against the truth, with three and with ten candidates.

    python validation/signatures.py --shared FOLDER [--seeds 10]

FOLDER is the public benchmark with its generator `simulate.py` (14 branches, SBS1, SBS5 and SBS87) and a COSMIC
table; without it nothing can be run. For every data set the command's own sampler is run with the references as
priors, and scored as the benchmark scores its peers: cosine of each learned profile, root mean square error of
the exposures, share of the non-zero exposures within their 95 % interval, mean and lowest bound of SBS87 where
there is none, CPU seconds. Then once without any prior: what the answer says. Tables go to
`validation/results/signatures*.tsv`.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from clonalbayes.intervals import central
from clonalbayes.signatures.contexts import CONTEXTS
from clonalbayes.signatures.report import report
from clonalbayes.signatures.sampler import Draws, sample
from clonalbayes.signatures.settings import load
from clonalbayes.signatures.tables import read_reference

RESULTS = Path(__file__).resolve().parent / "results"
THREE = ("SBS1", "SBS5", "SBS87")
TEN = (*THREE, "SBS2", "SBS8", "SBS13", "SBS18", "SBS31", "SBS35", "SBS40a")
MODES = ("exact", "shifted", "wide")


def generator(folder: Path) -> ModuleType:
    """The benchmark's own simulator, as a module."""
    spec = importlib.util.spec_from_file_location("benchmark_simulate", folder / "simulate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def score(draws: Draws, profiles: np.ndarray, exposures: np.ndarray) -> dict[str, float]:
    """Score draws against the true profiles [3, 96] and exposures [K, 3], as the benchmark does."""
    flat = draws.exposures.reshape(-1, *draws.exposures.shape[2:])[:, :, :3]
    low, high = central(flat)
    mean, learned = flat.mean(0), draws.profiles.mean((0, 1))[:3]
    zero = exposures == 0
    like = (learned * profiles).sum(1) / np.linalg.norm(learned, axis=1) / np.linalg.norm(profiles, axis=1)
    inside = (low - 1e-4 <= exposures) & (exposures <= high + 1e-4)
    return {
        **{f"cos_{name}": value for name, value in zip(THREE, like, strict=True)},
        "rmse": float(np.sqrt(((mean - exposures) ** 2).mean())),
        "coverage": float(inside[~zero].mean()),
        "width": float((high - low).mean()),
        "zero_mean": float(mean[zero].mean()) if zero.any() else float("nan"),
        "zero_lowest_bound": float(low[zero].max()) if zero.any() else float("nan"),
        "strength": float(np.median(draws.strength)),
    }


def run(counts: np.ndarray, table: Any, names: tuple[str, ...], seed: int) -> tuple[Draws, float]:
    """Run the sampler with references; draws and CPU seconds."""
    settings = load("signatures")
    started = time.process_time()
    reference = table.values[[table.names.index(name) for name in names]]
    branches = tuple(f"branch {k + 1}" for k in range(len(counts)))
    draws = sample(counts, branches, reference, names, settings, seed=seed)
    return draws, time.process_time() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder with bench/ and data/")
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    source = generator(options.shared / "bench" / "around" / "signatures")
    table = read_reference(options.shared / "data" / "signatures" / "cosmic_v3.6_sbs96_grch38.tsv")
    base = table.values[[table.names.index(name) for name in THREE]]
    rows = []
    for number, mode in enumerate(MODES):
        for seed in range(options.seeds):
            profiles, exposures, counts = source.simulate(base, 1000 * number + seed, mode)
            for label, names in (("3", THREE), ("10", TEN)):
                draws, seconds = run(counts, table, names, seed)
                rows.append({"data": mode, "candidates": label, **score(draws, profiles, exposures), "cpu_s": seconds})
        print(pd.DataFrame(rows).groupby(["data", "candidates"], sort=False).mean().round(4).to_string(), flush=True)
    frame = pd.DataFrame(rows)
    grouped = frame.groupby(["data", "candidates"], sort=False)
    summary = grouped.mean().assign(sets=grouped.size()).reset_index()
    RESULTS.mkdir(exist_ok=True)
    summary.to_csv(RESULTS / "signatures.tsv", sep="\t", index=False, float_format="%.4f")
    frame.to_csv(RESULTS / "signatures_sets.tsv", sep="\t", index=False, float_format="%.4f")
    without_prior(source, base, table)
    return 0


def without_prior(source: ModuleType, base: np.ndarray, table: Any) -> None:
    """Decompose one data set without references, and write what the answer says."""
    _, _, counts = source.simulate(base, 0, "exact")
    branches = tuple(f"branch {k + 1}" for k in range(len(counts)))
    draws = sample(counts, branches, np.empty((0, len(CONTEXTS))), (), load("signatures"), seed=1)
    found = report(draws, read_reference(), intended=False)
    (RESULTS / "signatures_without_prior.txt").write_text("\n".join(found.findings) + "\n", encoding="utf-8")
    print("\n".join(found.findings))


if __name__ == "__main__":
    raise SystemExit(main())
