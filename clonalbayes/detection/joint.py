"""All clades in all samples at once: what they share, and contamination as another explanation.

    psi ~ Beta, scale b ~ LogUniform                       shared by all clades and samples
    clade k is in sample s with probability psi; its prevalence ~ Beta(1, 1 / b)
    f_s: the sample's factor on the error rate, shared by the clades of the sample

psi, b and f are integrated on grids. A sample of the same run may instead have received a share c of the reads
of another one: then every clade shows in it at c times its prevalence there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clonalbayes.detection.likelihood import marginal
from clonalbayes.detection.size import SizeProfile

N_PSI = 25
N_SHARES = 49
DONOR_RATIO = 5.0
"""Points of psi and of the contaminating share; a donor has a clade at least this many times larger."""


@dataclass
class Joint:
    """Posterior over all clades (K) and samples (S).

    Parameters
    ----------
    present
        [K, S] probability that the clade is there, contamination excluded.
    absent
        [K, S] probability that it is not there, and nothing of it.
    contaminated
        [S] probability that what is seen came from another sample.
    donor
        [S] index of the likeliest donor, -1 none.
    share
        [S] share of reads that the donor would have to give, NaN none.
    psi, scale
        Posterior means of the shared parameters.
    """

    present: np.ndarray
    absent: np.ndarray
    contaminated: np.ndarray
    donor: np.ndarray
    share: np.ndarray
    psi: float
    scale: float


@dataclass(frozen=True)
class SharedPriors:
    """Priors of what clades and samples share.

    Parameters
    ----------
    alpha, beta
        Of psi.
    scales
        [B] scales of the size, equally likely.
    contaminated
        Prior probability that a sample is contaminated by another one of its run.
    shares
        Lower and upper end of the contaminating share of reads.
    """

    alpha: float
    beta: float
    scales: np.ndarray
    contaminated: float
    shares: tuple[float, float]


def solve(profiles: list[list[SizeProfile]], runs: list[str], priors: SharedPriors) -> Joint:
    """Compute the posterior.

    Parameters
    ----------
    profiles : list
        profiles[s][k] of sample s and clade k; the profiles of one sample share its factors.
    runs : list of str
        Sequencing run of each sample; "" is a run of its own.
    priors : SharedPriors
        The priors.
    """
    psi, psi_weight = _psi_grid(priors)
    parts = [_Sample(sample, psi, priors.scales) for sample in profiles]
    shared = np.log(psi_weight)[:, None] + sum(part.evidence for part in parts)
    weight = np.exp(shared - shared.max())
    weight /= weight.sum()
    present = np.clip(np.array([part.present(weight) for part in parts]).T, 0.0, 1.0)
    sizes = np.array([[profile.interval()[0] for profile in sample] for sample in profiles]).T
    donors = [_donor(s, profiles, parts, runs, present, sizes, weight, priors) for s in range(len(parts))]
    contaminated = np.array([d[0] for d in donors])
    return Joint(
        present=present * (1.0 - contaminated),
        absent=(1.0 - present) * (1.0 - contaminated),
        contaminated=contaminated,
        donor=np.array([d[1] for d in donors]),
        share=np.array([d[2] for d in donors]),
        psi=float(weight.sum(1) @ psi),
        scale=float(np.exp(weight.sum(0) @ np.log(priors.scales))),
    )


def _psi_grid(priors: SharedPriors) -> tuple[np.ndarray, np.ndarray]:
    """Points of psi and their prior weights."""
    from scipy import stats

    edges = np.linspace(0.0, 1.0, N_PSI + 1)
    weight = np.diff(stats.beta.cdf(edges, priors.alpha, priors.beta))
    return 0.5 * (edges[1:] + edges[:-1]), np.maximum(weight, 1e-300)


class _Sample:
    """One sample's share of the joint posterior: its factor integrated over all its clades.

    Parameters
    ----------
    profiles : list of SizeProfile
        One a clade, on the same factors.
    psi : numpy.ndarray
        [P] grid.
    scales : numpy.ndarray
        [B] grid.
    """

    def __init__(self, profiles: list[SizeProfile], psi: np.ndarray, scales: np.ndarray) -> None:
        self.weights = profiles[0].weights
        without = np.array([p.absent for p in profiles])[:, :, None, None]  # [K, F, 1, 1]
        there = np.array([p.present(scales) for p in profiles])[:, :, None, :]  # [K, F, 1, B]
        p = psi[:, None]
        self.there = there + np.log(p)
        self.either = np.logaddexp(without + np.log1p(-p), self.there)  # [K, F, P, B]
        self.whole = self.either.sum(0)
        self.evidence = marginal(self.whole, self.weights)

    def present(self, weight: np.ndarray) -> np.ndarray:
        """Probability of presence of each clade given the weights of psi and scale, [K]."""
        share = np.exp(self.whole - self.evidence) * self.weights[:, None, None]
        return np.asarray((np.exp(self.there - self.either) * share * weight).sum((1, 2, 3)))


def _donor(
    s: int,
    profiles: list[list[SizeProfile]],
    parts: list[_Sample],
    runs: list[str],
    present: np.ndarray,
    sizes: np.ndarray,
    weight: np.ndarray,
    priors: SharedPriors,
) -> tuple[float, int, float]:
    """Weigh contamination of sample s by each sample of its run: probability, donor, share of reads."""
    donors = [
        t
        for t in range(len(parts))
        if t != s and runs[s] and runs[t] == runs[s] and _can_give(present[:, t], sizes[:, t], sizes[:, s])
    ]
    if not donors:
        return 0.0, -1, float("nan")
    shares = np.geomspace(*priors.shares, N_SHARES)
    own = float(parts[s].evidence.max() + np.log((weight * np.exp(parts[s].evidence - parts[s].evidence.max())).sum()))
    logs, best = [], []
    for t in donors:
        curve = _contaminated(profiles[s], sizes[:, t] * (present[:, t] > 0.5), shares)
        logs.append(float(curve.max() + np.log(np.exp(curve - curve.max()).mean())))
        best.append(float(shares[int(curve.argmax())]))
    odds = np.log(priors.contaminated / (1.0 - priors.contaminated) / len(donors)) + np.array(logs) - own
    ratio = np.exp(np.minimum(odds, 600.0))
    first = int(np.argmax(odds))
    return float(ratio.sum() / (1.0 + ratio.sum())), donors[first], best[first]


def _can_give(present: np.ndarray, sizes: np.ndarray, here: np.ndarray) -> bool:
    """Tell whether a sample holds a clade that is much larger there than here."""
    return bool(((present > 0.5) & (sizes > DONOR_RATIO * here)).any())


def _contaminated(profiles: list[SizeProfile], sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Log likelihood of a sample's reads were they a share of the donor's: [C]."""
    total = np.zeros((len(profiles[0].weights), len(shares)))
    for profile, size in zip(profiles, sizes, strict=True):
        for f in range(len(total)):
            total[f] += np.interp(shares * size, profile.prevalence, profile.logs[f])
    return marginal(total, profiles[0].weights)
