"""Small problems of the tree model whose posteriors are enumerated: reads, and the parameters that are held."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from kernel_fixtures import dataset
from tree_exact import TreeEnumeration
from tree_twin import TreeParameters

from clonalbayes.genotypes import beta_grid

GRID = beta_grid(1.0, 9.0)
ALT = np.array([[4, 0], [5, 1], [1, 3], [0, 6]])
DEPTH = np.array([[9, 8], [10, 7], [8, 9], [12, 10]])
ABERRANT = {"major": [[2, 1], [1, 1], [2, 1], [1, 1]], "minor": [[1, 1], [1, 1], [1, 1], [1, 1]]}
COMPONENT = (4.0, 3.0, 0.7)  # noise is common, so that moves in and out of it are seen


@dataclass(frozen=True)
class TreeProblem:
    """Reads of N mutations in S samples, and what is held.

    `observed` has a purity and its sd for each sample, NaN for none. `labels` are given clusters.
    """

    ds: xr.Dataset
    present_prob: tuple[float, ...] = (0.6, 0.7)
    fraction_concentration: tuple[float, ...] = (0.4, 0.7)
    observed: tuple[tuple[float, float], ...] = ()
    concentration: float = 0.8
    precision: float = 30.0
    error_rate: float = 0.02
    cn_clonal: float = 0.9
    founder_weight: float = 0.3
    labels: tuple[int, ...] | None = None
    rule: dict[str, Any] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        return int(self.ds.sizes["specimen"])

    @property
    def parameters(self) -> TreeParameters:
        n = self.samples
        return TreeParameters(
            np.array(self.present_prob[:n]),
            np.array(self.fraction_concentration[:n]),
            np.full(n, self.precision),
            np.full(n, self.error_rate),
            np.full(n, self.cn_clonal),
            np.array(self.observed).reshape(-1, 2),
            self.concentration,
            COMPONENT,
            self.founder_weight,
        )

    @property
    def enumeration(self) -> TreeEnumeration:
        return TreeEnumeration(self.ds, self.parameters, GRID, **self.rule)


def reads(n: int, scale: int = 1, samples: int = 2, **kwargs: Any) -> xr.Dataset:
    """The first n mutations and samples of the table above, counts scaled."""
    states = {key: np.array(value)[:n, :samples] for key, value in kwargs.items() if key in ("major", "minor")}
    rest = {key: value for key, value in kwargs.items() if key not in states}
    return dataset(scale * ALT[:n, :samples], scale * DEPTH[:n, :samples], **states, **rest)


KNOWN = ((0.8, 0.05), (0.6, 0.1))

FREE = {
    "reads": TreeProblem(reads(3)),
    "four": TreeProblem(reads(4)),
    "called": TreeProblem(reads(3, min_alt=2), rule={"first": 10, "others": 8}),
    "one sample called": TreeProblem(reads(4, samples=1, min_alt=1), rule={"first": 10, "others": 8}),
    "purity": TreeProblem(reads(3), observed=KNOWN),
    "aberrant": TreeProblem(reads(3, **ABERRANT), observed=((0.8, 0.05), (np.nan, np.nan))),
    "founders": TreeProblem(reads(3), founder_weight=1.0, fraction_concentration=(2.5, 1.0)),
    "founders few": TreeProblem(reads(3), (0.8, 0.8), founder_weight=0.1, concentration=3.0),
    "no reads": TreeProblem(reads(3, scale=0), (0.5, 0.3), concentration=2.0, founder_weight=1.0),
}
"""Mutations fall into clones, noise and germline freely."""

DEEP = np.array([[14, 9], [8, 3], [5, 5], [2, 0]]), np.array([[30, 25], [28, 22], [25, 30], [26, 24]])


def deep(n: int, scale: int = 1, **kwargs: Any) -> xr.Dataset:
    """More reads, of nested sizes: some trees are likelier than others."""
    return dataset(scale * DEEP[0][:n], scale * DEEP[1][:n], **kwargs)


GIVEN = {
    "two": TreeProblem(deep(2), labels=(0, 1)),
    "two, called": TreeProblem(deep(2, min_alt=2), labels=(0, 1)),
    "three": TreeProblem(deep(3), labels=(0, 1, 2)),
    "four": TreeProblem(deep(4), labels=(0, 1, 2, 3)),
    "four, no reads": TreeProblem(deep(4, 0), labels=(0, 1, 2, 3), founder_weight=1.0),
    "four, founders": TreeProblem(
        deep(4), labels=(0, 1, 2, 3), founder_weight=1.0, fraction_concentration=(1.5, 2.5), present_prob=(0.9, 0.9)
    ),
    "four, spikes": TreeProblem(deep(4), labels=(0, 1, 2, 3), present_prob=(0.3, 0.2)),
    "three, purity": TreeProblem(deep(3), labels=(0, 1, 2), observed=KNOWN, rule={"first": 60}),
    "three, called": TreeProblem(deep(3, min_alt=2), labels=(0, 1, 2), rule={"first": 10, "others": 8}),
    "three, hardly called": TreeProblem(
        dataset([[3, 0], [2, 1], [0, 2]], [[12, 10], [10, 11], [9, 12]], min_alt=2), (0.8, 0.8), (0.8, 1.2),
        labels=(0, 1, 2), rule={"first": 10, "others": 8}, founder_weight=1.0,
    ),
    "three, aberrant": TreeProblem(
        deep(3, major=[[2, 1], [1, 1], [2, 1]]), labels=(0, 1, 2), observed=((0.7, 0.05), (np.nan, np.nan)),
        rule={"first": 60},
    ),
    "three, sparse": TreeProblem(
        dataset([[0, 0], [1, 0], [0, 1]], [[5, 6], [6, 4], [4, 5]]), (0.5, 0.4), (0.5, 1.5), KNOWN,
        labels=(0, 1, 2), rule={"first": 60},
    ),
    "three, apart": TreeProblem(
        dataset([[12, 0], [0, 11], [6, 1]], [[30, 25], [28, 22], [25, 30]]), labels=(0, 1, 2), founder_weight=1.0
    ),
    "two clusters of two": TreeProblem(deep(4), labels=(0, 0, 1, 1)),
}  # fmt: skip
"""Clusters are given."""
