"""A posterior with the layout of a fit, small and made by hand, for the tests of the figures."""

from __future__ import annotations

import numpy as np
import xarray as xr

NAMES = ("before", "after", "a_$b$ {x}", "last")
DATES = ("2020-01-01", "2020-01-01", "2021-06-01", "2022-01-01")


def make_tree(
    sizes=(12, 9, 3),
    noise=3,
    germline=2,
    specimens=NAMES,
    chains=2,
    draws=30,
    dates=DATES,
    missing=True,
    seed=0,
) -> xr.DataTree:
    """Clones of the given sizes; the first is everywhere, the second comes, the third is in doubt."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([*range(1, len(sizes) + 1), 0, -1], [*sizes, noise, germline])
    labels = rng.permutation(labels)
    n, s, k = len(labels), len(specimens), len(sizes)
    size = rng.uniform(0.2, 0.9, (chains, draws, k, s))
    if k > 2:
        size[:, :, 2, 0] *= rng.random((chains, draws)) < 0.4
    if k > 1:
        size[:, :, 1, 0] = 0.0
        size[0, 0, 1] = np.nan  # a draw without a counterpart
    assignment = np.where(labels > 0, labels - 1, labels - 1)[None, None].repeat(chains, 0).repeat(draws, 1)
    if k > 1 and sizes[0] > 0:
        first = np.flatnonzero(labels == 1)[0]
        assignment[:, ::2, first] = 1  # one mutation that is in either clone
    counts = np.array([[len(np.unique(row[row >= 0])) for row in chain] for chain in assignment])
    depth = rng.integers(60, 120, (n, s))
    mean = np.nan_to_num(size).mean((0, 1))
    expected = (
        np.where(labels[:, None] > 0, mean[np.maximum(labels - 1, 0)] / 2 if k else 0.1, 0.1) if n else depth
    )
    alt = rng.binomial(depth, np.clip(expected, 0, 1)) if n else depth
    if missing and n and s > 1:
        alt[0, 1], depth[0, 1] = -1, -1
    both = ("mutation", "specimen")
    coords = {"mutation": [f"m{i}" for i in range(n)], "specimen": list(specimens)}
    posterior = xr.Dataset(
        {
            "n_clones": (("chain", "draw"), counts.astype(np.int16).reshape(chains, draws)),
            "assignment": (("chain", "draw", "mutation"), assignment.astype(np.int16)),
            "purity": (("chain", "draw", "specimen"), np.full((chains, draws, s), 0.8)),
        },
        {"chain": range(chains), "draw": range(draws), **coords},
    )
    consensus = xr.Dataset(
        {
            "cellular_prevalence": (("chain", "draw", "clone", "specimen"), size),
            "probability": ("mutation", rng.uniform(0.5, 1.0, n)),
            "multiplicity": (both, np.where(labels[:, None] > 0, 1, -1) * np.ones((n, s), int)),
        }
    ).assign_coords(clone=("mutation", labels))
    constant = xr.Dataset(
        {
            "major_cn": (both, np.full((n, s), 1)),
            "minor_cn": (both, np.full((n, s), 1)),
            "normal_cn": (both, np.full((n, s), 2)),
            "date": ("specimen", list(dates[:s]) if dates else [""] * s),
        },
        {"chrom": ("mutation", [f"chr{1 + i % 3}" for i in range(n)]), "pos": ("mutation", np.arange(100, 100 + n))},
    )
    observed = xr.Dataset({"alt_count": (both, alt), "depth": (both, depth)})
    groups = {
        "posterior": posterior,
        "consensus": consensus,
        "constant_data": constant,
        "observed_data": observed,
    }
    return xr.DataTree.from_dict({f"/{name}": group for name, group in groups.items()})
