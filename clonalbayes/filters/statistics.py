"""The statistics behind the filters, for all mutations at once."""

from __future__ import annotations

import numpy as np

LOG10_RHO = np.arange(-6.0, -0.05 + 1e-9, 0.05)
"""Grid of the overdispersion's logarithm, as in the published scripts."""

COARSE = 6
"""Every so many points of the grid are tried first, then those around the best."""

CHUNK = 50_000
"""Mutations worked on at a time."""


def germline_p(alt: np.ndarray, depth: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """One-sided exact binomial test against a germline variant: P(X <= alt) at its expected share of reads.

    Parameters
    ----------
    alt, depth : numpy.ndarray
        [N] reads over the diploid samples.
    expected : numpy.ndarray
        [N] share of alt reads of a germline variant: 0.5, or 0.95 on X and Y of a male.

    Returns
    -------
    numpy.ndarray
        [N] p values, 1 where there is no read.
    """
    from scipy import special

    some = depth > 0
    below = special.bdtr(alt.astype(float), np.maximum(depth, 1).astype(np.int64), expected)
    return np.where(some, below, 1.0)


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Q values of Benjamini and Hochberg; NaN stays NaN and does not count.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.2])).round(3).tolist()
    [0.04, 0.053, 0.053, 0.2]
    """
    p = np.asarray(p, float)
    out = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    if not len(known):
        return out
    order = known[np.argsort(p[known], kind="stable")]
    raw = p[order] * len(order) / np.arange(1, len(order) + 1)
    out[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return out


def overdispersion(alt: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Most likely overdispersion rho of alt reads over samples: beta-binomial at the pooled share of alt reads.

    Parameters
    ----------
    alt, depth : numpy.ndarray
        [N, S] reads; samples without reads have a depth of 0.

    Returns
    -------
    numpy.ndarray
        [N] rho on the grid 10^-6 .. 10^-0.05. alpha + beta = (1 - rho) / rho.
    """
    out = np.empty(len(alt))
    for start in range(0, len(alt), CHUNK):
        out[start : start + CHUNK] = _overdispersion(alt[start : start + CHUNK], depth[start : start + CHUNK])
    return out


def _overdispersion(alt: np.ndarray, depth: np.ndarray) -> np.ndarray:
    x, n = alt.astype(float), depth.astype(float)
    share = x.sum(1) / np.maximum(n.sum(1), 1.0)
    first = np.arange(0, len(LOG10_RHO), COARSE)
    logs = np.stack([_loglik(x, n, share, np.full(len(x), LOG10_RHO[i])) for i in first], 1)
    best = first[logs.argmax(1)]
    high, place = logs.max(1), best.copy()
    for step in range(-COARSE + 1, COARSE):
        if step == 0:
            continue
        at = np.clip(best + step, 0, len(LOG10_RHO) - 1)
        value = _loglik(x, n, share, LOG10_RHO[at])
        better = value > high
        high, place = np.where(better, value, high), np.where(better, at, place)
    return np.asarray(10.0 ** LOG10_RHO[place])


def _loglik(x: np.ndarray, n: np.ndarray, share: np.ndarray, log10_rho: np.ndarray) -> np.ndarray:
    """Log likelihood of the beta-binomial without its binomial coefficients, [N]."""
    from scipy import special

    rho = 10.0**log10_rho
    total = (1.0 - rho) / rho
    a, b = np.maximum(share * total, 1e-12), np.maximum((1.0 - share) * total, 1e-12)
    inner = special.gammaln(a[:, None] + x) + special.gammaln(b[:, None] + n - x)
    inner -= special.gammaln(total[:, None] + n)
    each = special.gammaln(a) + special.gammaln(b) - special.gammaln(total)
    return np.asarray(inner.sum(1) - x.shape[1] * each)


def indel_distance(
    chrom: np.ndarray, pos: np.ndarray, ref: np.ndarray, alt: np.ndarray, extra: Sites | None = None
) -> np.ndarray:
    """Distance of each substitution to the nearest indel: 0 inside a deletion, 1 beside it.

    Parameters
    ----------
    chrom, pos, ref, alt : numpy.ndarray
        [N] alleles as in VCF; an indel's position is that of the base before it.
    extra : tuple, optional
        The same four of further sites, whose indels count too.

    Returns
    -------
    numpy.ndarray
        [N] bases; infinite without an indel on the chromosome, NaN for indels and where the position is unknown.
    """
    names, low, high = _spans(chrom, pos, ref, alt)
    if extra is not None:
        more = _spans(*extra)
        names = np.concatenate([names, more[0]])
        low, high = np.concatenate([low, more[1]]), np.concatenate([high, more[2]])
    known = (pos >= 0) & (chrom != "")
    size_ref, size_alt = _sizes(ref), _sizes(alt)
    single = known & (size_ref == size_alt) & (size_ref > 0)
    out = np.where(single, np.inf, np.nan)
    for name in np.unique(chrom[single]):
        here = np.flatnonzero(single & (chrom == name))
        of = names == name
        if not of.any():
            continue
        order = np.argsort(low[of], kind="stable")
        starts, ends = low[of][order], np.maximum.accumulate(high[of][order])
        last = pos[here] + size_ref[here] - 1
        before = np.searchsorted(starts, last, side="right") - 1
        gap_left = np.where(before >= 0, pos[here] - ends[np.maximum(before, 0)], np.inf)
        after = np.minimum(before + 1, len(starts) - 1)
        gap_right = np.where(before + 1 < len(starts), starts[after] - last, np.inf)
        out[here] = np.maximum(np.minimum(gap_left, gap_right), 0.0)
    return out


def _spans(chrom: np.ndarray, pos: np.ndarray, ref: np.ndarray, alt: np.ndarray) -> Spans:
    """Chromosome, first and last base of every indel such that both flanking bases are at distance 1.

    A deletion covers its deleted bases; an insertion lies between two bases, half a base from each: it is given
    the ends pos + 1 (as last base but one) and pos.
    """
    size_ref, size_alt = _sizes(ref), _sizes(alt)
    gap = (pos >= 0) & (ref != "") & (alt != "") & (size_ref != size_alt)
    insertion = size_alt > size_ref
    low = pos + np.minimum(size_ref, size_alt) + (insertion & (size_ref == 0))
    high = np.where(insertion, low - 1, pos + size_ref - 1)
    return chrom[gap], low[gap].astype(float), high[gap].astype(float)


def _sizes(alleles: np.ndarray) -> np.ndarray:
    """Length of each allele; 0 for "-" and ".", 0 if unknown."""
    return np.array([0 if text in ("-", ".", "") else len(text) for text in alleles.tolist()], np.int64)


type Sites = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
type Spans = tuple[np.ndarray, np.ndarray, np.ndarray]
