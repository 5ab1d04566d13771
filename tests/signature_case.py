"""A small signature problem, made by code: profiles, exposures, counts, and the log density by its definition."""

from __future__ import annotations

import numpy as np
from scipy import stats

from clonalbayes.signatures.sampler import make_model, start
from clonalbayes.signatures.settings import load

SETTINGS = load("signatures")


def profiles(seed: int = 3, n: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(96, 0.2), n)


def case(seed=1, branches=5, total=200, denovo=0, roles=("clock", "clock", "treatment"), chains=3, counts=None):
    rng = np.random.default_rng(seed)
    reference = profiles(n=len(roles))
    if counts is None:
        exposure = rng.dirichlet(np.full(len(roles), 2.0), branches)
        counts = np.array([rng.multinomial(total, e @ reference) for e in exposure])
    model = make_model(counts, reference, list(roles), SETTINGS, denovo=denovo)
    return model, start(model, chains, rng), rng


def log_density(model, theta, g, strength, mean, shape, use, d=0):
    """Log joint density of one chain by its definition, without constants; sizes integrated out."""
    counts = model.counts[d if len(model.counts) > 1 else 0]
    rate = theta @ g
    share = rate / rate.sum(1, keepdims=True)
    total = float((counts * np.log(share)).sum())
    a = np.where(model.learned, strength, model.strength)[:, None]
    total += stats.gamma.logpdf(g, a, scale=model.reference / a).sum()
    on = theta > 0
    full = np.broadcast_to(mean, theta.shape)
    alpha = np.broadcast_to(shape, theta.shape)
    total += stats.gamma.logpdf(theta[on], alpha[on], scale=(full / alpha)[on]).sum()
    free = ~model.always
    p = np.where(model.closed, model.leak, np.clip(use, 1e-300, 1.0))[:, free]
    total += np.where(on[:, free], np.log(p), np.log1p(-p)).sum()
    return float(total)
