"""Result folders for the tests of the page: small, made by hand, with names that try to break out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xarray as xr
from plot_fixtures import make_tree

from clonalbayes.results import write_table, write_tree

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "\"'><b>&amp;",
    "Ünïcode 腫瘍 \u202e" + "x" * 300,
)
DATES = ("2020-01-01", "2020-01-01", "2021-06-01", "2022-01-01")


def make_result(
    folder: Path, names=("first", "second", "third", "last"), sizes=(12, 9, 3), mutations=None, **run
) -> Path:
    """Write a result folder as a fit of a model with trees does."""
    tree = make_tree(sizes=sizes, specimens=names, dates=DATES)
    n, clones = tree["posterior"].sizes["mutation"], len(sizes)
    chains, draws = (tree["posterior"].sizes[name] for name in ("chain", "draw"))
    parents = np.array([0, *([1] * (clones - 1))])
    labels = tree["consensus"].to_dataset()["clone"].values
    ids = mutations or [f"chr{1 + i % 3}:{100 + i}:A>T" for i in range(n)]
    coords = {"mutation": np.array(ids, str), "chrom": ("mutation", [i.split(":")[0] for i in ids]),
              "pos": ("mutation", 100 + np.arange(n))}  # fmt: skip
    groups = {name: node.to_dataset() for name, node in tree.children.items()}
    for name in ("posterior", "observed_data", "constant_data", "consensus"):
        groups[name] = groups[name].assign_coords(coords)
        groups[name] = groups[name].assign_coords(specimen=np.array(names, str))
    slots = np.tile(
        np.append(0, np.where(parents[1:] > 0, parents[1:], 0)).astype(np.int16)[:clones], (chains, draws, 1)
    )
    groups["posterior"]["parent"] = (("chain", "draw", "slot"), slots)
    groups["posterior"]["error_rate"] = (("chain", "draw", "specimen"), np.full((chains, draws, len(names)), 2e-4))
    rng = np.random.default_rng(1)
    size = np.sort(rng.uniform(0.05, 0.9, (chains, draws, clones, len(names))), axis=2)[:, :, ::-1]
    size[:, :, 1:] /= clones
    size[:, :, clones - 1, 0] = 0.0
    groups["consensus"]["cellular_prevalence"] = (("chain", "draw", "clone", "specimen"), size)
    groups["consensus"]["parent"] = (("chain", "draw", "clone"), np.tile(parents.astype(np.int16), (chains, draws, 1)))
    groups["consensus"]["consensus_parent"] = ("clone", parents.astype(np.int16))
    support = np.append(np.ones(clones - 1), 0.7)
    groups["consensus"]["parent_probability"] = ("clone", support)
    stats = {name: (("chain", "draw"), rng.normal(size=(chains, draws))) for name in ("lp", "log_likelihood")}
    groups["sample_stats"] = xr.Dataset(stats)
    folder.mkdir(parents=True)
    write_tree(xr.DataTree.from_dict({f"/{k}": v for k, v in groups.items()}), folder / "posterior.nc")
    _write_tables(folder, names, ids, labels, parents, support, size.reshape(-1, clones, len(names)))
    info = {
        "clonalbayes": "0.1.0", "finished": "2026-01-01T00:00:00+00:00", "python": "3.13.0", "machine": "test",
        "versions": {"numpy": "2.0"},
        "settings": {"chains": chains, "draws": draws, "tune": 10, "seed": 1, "input": "in.tsv"},
        "inputs": {names[0]: "ab" * 32}, "notes": [f"a note on {names[0]}"],
        "model": {"name": "tree", "version": "1", "digest": "0" * 64, "meaning": "Clones and tree."},
        "verdict": "converged",
        "trees": {"n_trees": 2, "best_probability": 0.7, "p_single_founder": 1.0, "complete": 1.0,
                  "unrelated_samples": [], "not_identified": ["Clone 3 is open."]},
    } | run  # fmt: skip
    (folder / "run.json").write_text(json.dumps(info), encoding="utf-8")
    return folder


def _write_tables(folder, names, ids, labels, parents, support, size) -> None:
    import pandas as pd

    clones = len(parents)
    rows = [
        {"clone": k + 1, "sample": name, "n_mutations": int((labels == k + 1).sum()),
         "prevalence_mean": size[:, k, s].mean(), "prevalence_lo": size[:, k, s].min(),
         "prevalence_hi": size[:, k, s].max(), "ccf_mean": 0.5, "ccf_lo": 0.1, "ccf_hi": 0.9,
         "p_present": float((size[:, k, s] > 0).mean()), "log10_bayes_factor": 1.0,
         "parent": int(parents[k]), "parent_probability": float(support[k])}
        for k in range(clones) for s, name in enumerate(names)
    ]  # fmt: skip
    words = {0: "noise", -1: "germline"}
    mutations = [
        {"mutation": m, "clone": words.get(int(k), str(k)), "probability": 0.9}
        for m, k in zip(ids, labels, strict=True)
    ]
    frames = {
        "clones": rows, "mutations": mutations, "samples": [{"sample": name, "purity_mean": 0.8} for name in names],
        "n_clones": [{"n_clones": clones, "probability": 0.9}, {"n_clones": clones + 1, "probability": 0.1}],
        "excluded": [{"mutation": names[0], "reason": f"no reads in {names[1]}", "file": "in.tsv", "row": 3}],
        "diagnostics": [
            {"quantity": "n_clones", "rhat": 1.001, "ess_bulk": 900.0, "ess_tail": 800.0, "verdict": "converged"},
            {"quantity": f"purity[{names[0]}]", "rhat": 1.2, "ess_bulk": 20.0, "ess_tail": 20.0, "verdict": "not"},
        ],
        "edges": [
            {"parent": int(p), "child": k + 1, "probability": 1.0, "relation": "parent"} for k, p in enumerate(parents)
        ],
        "identifiability": [
            {"clone": clones, "kind": "parent", "parents": "1 (0.7), 2 (0.3)", "sample_that_tells": "",
             "statement": f"Clone {clones} is open in {names[0]}.", "closest_sample": "", "room": 0.1}
        ],
    }  # fmt: skip
    for name, content in frames.items():
        write_table(pd.DataFrame(content), folder / f"{name}.tsv")
    (folder / "tree.nwk").write_text("(1);\n", encoding="utf-8")
    (folder / "trees.json").write_text("{}\n", encoding="utf-8")
