"""What the reads of each clone's own sites say of its presence and size in each sample, whatever the prior.

The reads of a clone's mutations in a sample are pooled, and held against the error rate and scatter that the fit has
learned of the sample. The Bayes factor is the likelihood with the clone, its size spread as `models/detection.toml`
says, over the likelihood without it: posterior odds over prior odds where nothing but these reads is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from clonalbayes import specs

LOST, UNKNOWN = 0, -1
"""Copies per carrying cell: removed by copy number; not defined, such as where the alt fraction was given."""


@dataclass(frozen=True)
class PooledSites:
    """The reads of each clone's sites in each sample, pooled: all arrays are [K, S].

    Attributes
    ----------
    used, left_out, uncovered
        Sites used; left out because copy number has removed the mutation; without reads.
    alt, depth
        Reads at the sites used.
    squares
        Sum over the sites used of depth * (depth - 1).
    exposure
        Alt reads expected there if every cell had the clone.
    """

    used: np.ndarray
    left_out: np.ndarray
    uncovered: np.ndarray
    alt: np.ndarray
    depth: np.ndarray
    squares: np.ndarray
    exposure: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """Pooled reads and what errors make of them, [K, S] but `error` and `spread`, which are [S].

    Attributes
    ----------
    sites
        The pooled reads.
    error, spread
        Mean of the sample's error rate over the draws, and its coefficient of variation.
    dispersion
        Variance of the reads over that of a Poisson.
    """

    sites: PooledSites
    error: np.ndarray
    spread: np.ndarray
    dispersion: np.ndarray

    @classmethod
    def of(cls, tree: xr.DataTree) -> Evidence:
        """Take it from a summarised fit."""
        sites = pooled_sites(tree)
        error, spread, precision = _noise_of(tree["posterior"])
        with np.errstate(invalid="ignore", divide="ignore"):
            dispersion = 1.0 + np.nan_to_num(sites.squares / sites.depth) / (precision + 1.0)
        return cls(sites, error, spread, dispersion)

    @property
    def noise(self) -> np.ndarray:
        """Alt reads that errors are expected to make."""
        return self.sites.depth * self.error

    @property
    def log10_bayes_factor(self) -> np.ndarray:
        """Evidence for presence; 0 without reads."""
        from clonalbayes.detection.pooled import log_bayes_factor
        from clonalbayes.detection.size import size_scales

        spec = specs.load("detection", "detection")
        scales = size_scales(spec.value("size_scale", "lower"), spec.value("size_scale", "upper"))
        return log_bayes_factor(self.sites.alt, *self._known, scales) / np.log(10.0)

    @property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """95 % likelihood interval of the prevalence."""
        from clonalbayes.detection.pooled import size_interval

        return size_interval(self.sites.alt, *self._known)

    def limit(self, level: float, power: float) -> np.ndarray:
        """Smallest prevalence that is found with a power, at a level of false positives."""
        from clonalbayes.detection.pooled import pooled_limit

        return pooled_limit(*self._known, level, power)

    @property
    def _known(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        return self.noise, self.spread, self.dispersion, self.sites.exposure


def pooled_sites(tree: xr.DataTree) -> PooledSites:
    """Pool the reads of each consensus clone's own mutations, sample by sample.

    Mutations of its descendants tell of the clone as well, but only of that part of it.
    """
    group: Any = tree["consensus"]
    read: Any = tree["observed_data"]
    clone, copies = group["clone"].values.astype(np.intp), group["multiplicity"].values
    clones = group.sizes["clone"]
    alt, depth = (np.maximum(read[name].values, 0) for name in ("alt_count", "depth"))
    covered, lost = depth > 0, copies == LOST
    used = covered & ~lost
    own = np.maximum(clone, 0)

    def total(values: np.ndarray) -> np.ndarray:
        sums = [np.bincount(own, values[:, s], clones + 1)[1:] for s in range(values.shape[1])]
        return np.array(sums).reshape(values.shape[1], clones).T

    gain = np.where(used, depth * _gain(tree, copies), 0.0)
    reads, shown = np.where(used, depth, 0).astype(float), np.where(used, alt, 0)
    n_used, n_lost, n_bare = (total(flag).astype(int) for flag in (used, covered & lost, ~covered))
    squares, exposure = total(reads * (reads - 1.0)), total(gain)
    return PooledSites(n_used, n_lost, n_bare, total(shown).astype(int), total(reads).astype(int), squares, exposure)


def _gain(tree: xr.DataTree, copies: np.ndarray) -> np.ndarray:
    """Expected share of alt reads per unit of prevalence, [N, S]."""
    from clonalbayes import genotypes  # loads the compiled kernels, which who only reads a result does not need

    posterior: Any = tree["posterior"]
    ds = tree["observed_data"].to_dataset().merge(tree["constant_data"].to_dataset())
    total, normal, fixed = genotypes._filled_states(ds)[2:5]
    purity = posterior["purity"].values.reshape(-1, total.shape[1]).mean(0)
    cells = np.maximum(purity * total + (1.0 - purity) * normal, 1e-9)
    return np.where(fixed >= 0.0, fixed, np.minimum(np.where(copies == UNKNOWN, 1, copies) / cells, 1.0))


def _noise_of(posterior: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and coefficient of variation of each sample's error rate, and the median of its precision, [S]."""
    names, samples = ("error_rate", "precision"), posterior.sizes["specimen"]
    error, precision = (posterior[name].values.reshape(-1, samples) for name in names)
    mean = error.mean(0)
    return mean, error.std(0) / mean, np.median(precision, axis=0)
