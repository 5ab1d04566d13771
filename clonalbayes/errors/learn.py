"""Learning the hyperparameters of the error model from a panel, by numerical integration.

A node is one choice of precision, family and spread. At each node every class's likelihood is computed as a
function of its mean rate (a matrix product of the sites' likelihoods with the priors on the grid of rates),
and the means are integrated out (`clonalbayes.errors.hierarchy`). Nodes that matter are kept with their
posterior weights: nothing is replaced by a best estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clonalbayes.errors.grid import FAMILIES, prior_table
from clonalbayes.errors.hierarchy import LOG_HIGH, LOG_LOW, ClassPriors, points, rough_evidence, solve
from clonalbayes.errors.panel import Evidence, Panel, condense, evidence

SPREADS = (0.05, 0.15, 0.3, 0.45, *(round(0.6 + 0.1 * step, 1) for step in range(23)))
PRECISIONS = (100.0, 300.0, 1000.0, 3000.0, 10000.0, float("inf"))
COARSE = 0.3
"""Grids of the node's parameters; spacing of the log mean at which likelihoods are computed."""

DROP_BELOW, MERGED, HOPELESS = 0.0005, 0.01, 9.0
"""A precision and family with a smaller posterior weight is dropped; spreads are merged up to that weight; nodes
this far below the best (log) are not looked at."""


@dataclass(frozen=True)
class Node:
    """One choice of the hyperparameters with its posterior weight.

    Parameters
    ----------
    weight
        Posterior probability.
    precision
        alpha + beta of the beta-binomial of one site in one sample.
    family, spread
        Prior of a site's rate around the class's mean.
    log_means
        [C + 1, Q] points of equal weight of the log mean of every class; the last row is for other classes.
    """

    weight: float
    precision: float
    family: str
    spread: float
    log_means: np.ndarray


@dataclass(frozen=True)
class HyperPriors:
    """Priors of the hyperparameters.

    Parameters
    ----------
    means
        Of the class means.
    spread_scale
        Scale of the half-normal prior of the spread.
    precision_median, precision_sigma
        Log-normal prior of the precision; the grid's last point, infinity, stands for everything above 10,000.
    lognormal
        Prior probability of the log-normal family.
    """

    means: ClassPriors
    spread_scale: float
    precision_median: float
    precision_sigma: float
    lognormal: float

    def log_weight(self, precision: float, family: str, spread: float) -> float:
        """Log prior weight of a node, up to a constant."""
        from scipy import special

        edges = np.concatenate([[0.0], np.sqrt(np.array(PRECISIONS[:-2]) * np.array(PRECISIONS[1:-1])), [2e4, np.inf]])
        at = PRECISIONS.index(precision)
        with np.errstate(divide="ignore"):
            places = np.log(edges[at : at + 2] / self.precision_median) / self.precision_sigma
        mass = np.diff(special.ndtr(places))[0]
        width = np.gradient(np.array(SPREADS))[SPREADS.index(spread)]
        side = self.lognormal if family == "lognormal" else 1.0 - self.lognormal
        return float(np.log(mass * width * side + 1e-300) - 0.5 * (spread / self.spread_scale) ** 2)


def learn(panel: Panel, codes: np.ndarray, parents: np.ndarray, priors: HyperPriors) -> list[Node]:
    """Learn the hyperparameters.

    Parameters
    ----------
    panel : Panel
        The counts.
    codes : numpy.ndarray
        [I] class of each site, 0..C-1.
    parents : numpy.ndarray
        [C] substitution of each class, 0..P-1.
    priors : HyperPriors
        The priors.

    Returns
    -------
    list of Node
        Heaviest first; weights add up to 1.
    """
    coarse = tuple(np.arange(LOG_LOW, LOG_HIGH + COARSE, COARSE).tolist())
    found: list[tuple[float, float, str, float, np.ndarray]] = []
    for precision in PRECISIONS if panel.alt.shape[1] > 1 else PRECISIONS[-1:]:
        rows, row_codes, number = condense(evidence(panel, precision), codes)
        profiles = _profiles(rows, row_codes, number, len(parents), coarse)
        for (family, spread), profile in profiles.items():
            bound = priors.log_weight(precision, family, spread) + profile.max(1).sum()
            found.append((bound, precision, family, spread, profile))
    best = max(entry[0] for entry in found)
    rough = []
    for bound, precision, family, spread, profile in found:
        if bound > best - HOPELESS - 2.0 * len(parents):
            fine = _on_points(profile, coarse)
            log = rough_evidence(fine, parents, priors.means) + priors.log_weight(precision, family, spread)
            rough.append((log, precision, family, spread, fine))
    best = max(entry[0] for entry in rough)
    scored = []
    for log, precision, family, spread, fine in rough:
        if log > best - HOPELESS:
            means = solve(fine, parents, priors.means)
            log = means.log_evidence + priors.log_weight(precision, family, spread)
            scored.append((log, precision, family, spread, means.log_means))
    return _kept(scored)


def _profiles(
    rows: Evidence, codes: np.ndarray, number: np.ndarray, n_classes: int, coarse: tuple[float, ...]
) -> dict[tuple[str, float], np.ndarray]:
    """Log likelihood of every class at every coarse log mean, for each family and spread: [C, M]."""
    logs = rows.loglik()
    top = logs.max(1)
    likelihood = np.exp(logs - top[:, None])
    base = np.bincount(codes, top * number, minlength=n_classes)
    order = np.argsort(codes, kind="stable")
    present, first = np.unique(codes[order], return_index=True)
    out = {}
    for family in FAMILIES:
        for spread in SPREADS:
            row_logs = np.log(likelihood @ prior_table(family, spread, coarse).T + 1e-300) * number[:, None]
            profile = np.zeros((n_classes, len(coarse)))
            profile[present] = np.add.reduceat(row_logs[order], first, axis=0)
            out[family, spread] = profile + base[:, None]
    return out


def _on_points(profile: np.ndarray, coarse: tuple[float, ...]) -> np.ndarray:
    """Interpolate profiles from the coarse grid to `hierarchy.points`."""
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(np.array(coarse), profile, axis=1)(points()))


def _kept(scored: list[tuple[float, float, str, float, np.ndarray]]) -> list[Node]:
    """Thin the nodes, heaviest first: neighbouring spreads are merged into the heaviest of them.

    A merged node has the weight of all that it stands for, so that precision and family keep their posterior
    probabilities: dropping light nodes one by one would take whole precisions away.
    """
    logs = np.array([entry[0] for entry in scored])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    groups: dict[tuple[float, str], list[int]] = {}
    for at in sorted(range(len(scored)), key=lambda at: scored[at][3]):
        groups.setdefault((scored[at][1], scored[at][2]), []).append(at)
    runs: list[list[int]] = []
    for members in groups.values():
        if weights[members].sum() >= DROP_BELOW:
            runs += _runs(members, weights)
    masses = np.array([weights[run].sum() for run in runs])
    best = [run[int(weights[run].argmax())] for run in runs]
    order = np.argsort(-masses, kind="stable")
    total = masses.sum()
    return [Node(float(masses[i] / total), *scored[best[i]][1:]) for i in order]


def _runs(members: list[int], weights: np.ndarray) -> list[list[int]]:
    """Part nodes, in their order, into runs of at least `MERGED`; what is left at the end joins the last run."""
    runs: list[list[int]] = [[]]
    for at in members:
        if weights[runs[-1]].sum() >= MERGED:
            runs.append([])
        runs[-1].append(at)
    if len(runs) > 1 and weights[runs[-1]].sum() < MERGED:
        rest = runs.pop()
        runs[-1] += rest
    return runs
