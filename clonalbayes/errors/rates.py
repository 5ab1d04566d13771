"""What an error model says about each site: its rate on the grid, and how alt reads of errors are distributed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clonalbayes.errors.grid import noise_pmf, prior_table, rates
from clonalbayes.errors.hierarchy import QUANTILES
from clonalbayes.errors.learn import Node
from clonalbayes.errors.panel import Evidence

DEPTH_STEP = 0.06
"""Sites whose depths differ by less than this (relative) share one table of noise; up to 40 reads none do."""

CHUNK = 20_000
"""Sites worked on at a time."""


@dataclass
class SiteRates:
    """Posterior of the error rates of I sites.

    Parameters
    ----------
    weights
        Precision of the beta-binomial -> [I, G] posterior weight of each rate of the grid; all precisions
        together add up to 1 for every site.
    node_means
        [H, Q, I] mean rate of each site at each node of the hyperparameters and each point of its class's mean.
    node_weights
        [H] weights of the nodes.
    codes
        [I] class of each site.
    """

    weights: dict[float, np.ndarray]
    node_means: np.ndarray
    node_weights: np.ndarray
    codes: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Posterior mean of each site's rate, [I]."""
        return np.asarray(sum(w @ rates() for w in self.weights.values()))

    @property
    def variance(self) -> np.ndarray:
        """Posterior variance of each site's rate, [I]."""
        square = np.asarray(sum(w @ rates() ** 2 for w in self.weights.values()))
        return np.maximum(square - self.mean**2, 0.0)

    def __len__(self) -> int:
        """How many sites there are."""
        return len(next(iter(self.weights.values())))

    def take(self, rows: np.ndarray) -> SiteRates:
        """The rates of some sites."""
        weights = {s: w[rows] for s, w in self.weights.items()}
        return SiteRates(weights, self.node_means[:, :, rows], self.node_weights, self.codes[rows])

    def common_cv(self, share: np.ndarray) -> float:
        """Coefficient of variation of a weighted sum of the sites' rates that is common to them.

        It comes from the hyperparameters, and does not average out over sites. At one node the means of the
        classes are independent of each other.

        Parameters
        ----------
        share : numpy.ndarray
            [I] weight of each site, such as its depth.
        """
        if not len(self.codes):
            return 0.0
        classes = np.unique(self.codes)
        totals = np.stack(
            [self.node_means[:, :, self.codes == code] @ share[self.codes == code] for code in classes], axis=2
        )
        by_node = totals.mean(1).sum(1)
        mean = float(self.node_weights @ by_node)
        if mean <= 0.0:
            return 0.0
        between = float(self.node_weights @ (by_node - mean) ** 2)
        within = float(self.node_weights @ totals.var(1).sum(1))
        return float(np.sqrt(between + within) / mean)

    def by_class(self, depth: np.ndarray) -> dict[int, float]:
        """Class -> share of the errors that are expected at some depths."""
        found = np.bincount(self.codes, self.mean * depth)
        return {int(code): float(found[code] / found.sum()) for code in np.flatnonzero(found)}

    def dispersion(self, depth: np.ndarray) -> float:
        """How many times larger than Poisson the variance of noise reads is, from the precision alone."""
        share = {s: float(w.sum() / len(w)) for s, w in self.weights.items()} if len(self) else {}
        extra = sum(p / s for s, p in share.items() if np.isfinite(s))
        return 1.0 + float(extra) * max(float(np.mean(depth)) - 1.0, 0.0)

    def pmf(self, depth: np.ndarray, factors: np.ndarray, largest: int) -> np.ndarray:
        """Predictive probability of 0..largest noise reads.

        Parameters
        ----------
        depth : numpy.ndarray
            [I] reads.
        factors : numpy.ndarray
            [F] factors of the sample on the error rate.
        largest : int
            Largest count.

        Returns
        -------
        numpy.ndarray
            [I, F, largest + 1].
        """
        depth = np.asarray(depth)
        bins, level = depth_bins(depth)
        out = np.zeros((len(depth), len(factors), largest + 1))
        scaled = np.minimum(rates()[:, None] * factors, 0.5)
        for precision, weights in self.weights.items():
            table = noise_pmf(scaled[None], bins[:, None, None], largest, precision)
            for number in range(len(bins)):
                rows = np.flatnonzero(level == number)
                flat = weights[rows] @ table[number].reshape(len(scaled), -1)
                out[rows] += flat.reshape(len(rows), len(factors), largest + 1)
        return out


def depth_bins(depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bin depths: the representative depth of each bin, and each site's bin."""
    n = np.asarray(depth, float)
    level = np.where(n <= 40, n, 40.0 + np.round(np.log(np.maximum(n, 40.0) / 40.0) / DEPTH_STEP))
    _, inverse = np.unique(level, return_inverse=True)
    inverse = inverse.reshape(-1)
    return np.bincount(inverse, n) / np.bincount(inverse), inverse


def site_rates(nodes: list[Node], codes: np.ndarray, data: dict[float, Evidence] | None, n_sites: int) -> SiteRates:
    """Posterior of every site's rate, averaged over the nodes.

    Parameters
    ----------
    nodes : list of Node
        The hyperparameters.
    codes : numpy.ndarray
        [I] class of each site; the number of classes for one that the panel does not have.
    data : dict or None
        Precision -> what the panel says about these sites; None: nothing.
    n_sites : int
        I.
    """
    weights = {node.precision: np.zeros((n_sites, len(rates()))) for node in nodes}
    means = np.zeros((len(nodes), QUANTILES, n_sites), np.float32)
    for start in range(0, n_sites, CHUNK):
        rows = np.arange(start, min(start + CHUNK, n_sites))
        likelihood = {s: _likelihood(data, s, rows) for s in weights}
        for code in np.unique(codes[rows]):
            here = codes[rows] == code
            for number, node in enumerate(nodes):
                posterior, mean = _of_class(node, int(code), likelihood[node.precision][here])
                weights[node.precision][rows[here]] += node.weight * posterior
                means[number, :, rows[here]] = mean
    return SiteRates(weights, means, np.array([node.weight for node in nodes]), codes)


def _likelihood(data: dict[float, Evidence] | None, precision: float, rows: np.ndarray) -> np.ndarray:
    """Likelihood of each rate for some sites, scaled to a maximum of 1."""
    if data is None:
        return np.ones((len(rows), len(rates())))
    logs = data[precision].take(rows).loglik()
    return np.asarray(np.exp(logs - logs.max(1, keepdims=True)))


def _of_class(node: Node, code: int, likelihood: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posterior of the sites of one class at one node, [I, G], and their mean rates [I, Q]."""
    prior = prior_table(node.family, node.spread, tuple(node.log_means[code].tolist()))
    joint = likelihood @ prior.T
    mean = likelihood @ (prior * rates()).T / joint
    return likelihood * ((1.0 / (len(prior) * joint)) @ prior), mean
