"""From fractional copies, or shares of cells, to one or two states of whole copies."""

from __future__ import annotations

import numpy as np
import pandas as pd

NEAR = 0.25
"""Copies that are nearer than this to a whole number are that number: callers' errors are of this size."""

NORMAL_ALLELE = 1
UNKNOWN = -1


def from_fractions(frame: pd.DataFrame, major: np.ndarray, minor: np.ndarray) -> None:
    """Put whole copies into a table of segments, from copies that may be fractions.

    The allele that is farthest from a whole number lies between two: the tumour cells are in two states,
    mixed so that the average of that allele stays; the other allele is rounded.

    Parameters
    ----------
    frame
        Table of segments, [N] rows; gets major_cn, minor_cn, total_cn, fraction, major2, minor2, fraction2.
    major, minor
        [N] copies from 0, NaN where there is no call.
    """
    known = ~(np.isnan(major) | np.isnan(minor))
    alleles = np.stack([np.nan_to_num(major), np.nan_to_num(minor)], axis=1)
    whole = np.rint(alleles)
    off = np.abs(alleles - whole)
    mixed = known & (off.max(axis=1) > NEAR)
    far = off.argmax(axis=1)
    at = np.arange(len(frame))
    other = whole.copy()
    other[at, far] += np.where(alleles[at, far] > whole[at, far], 1.0, -1.0)
    first, second = (np.sort(x, axis=1)[:, ::-1] for x in (whole, other))
    for j, name in enumerate(("major", "minor")):
        frame[f"{name}_cn"] = np.where(known, first[:, j], UNKNOWN).astype(np.int64)
        frame[f"{name}2"] = np.where(mixed, second[:, j], UNKNOWN).astype(np.int64)
    frame["total_cn"] = np.where(known, first.sum(axis=1), UNKNOWN).astype(np.int64)
    frame["fraction"] = np.where(mixed, 1.0 - off[at, far], 1.0)
    frame["fraction2"] = np.where(mixed, off[at, far], np.nan)


def from_shares(frame: pd.DataFrame, share: np.ndarray, clonal: float, may_be: np.ndarray) -> list[str]:
    """Put a second, normal state into a table of segments where not all tumour cells have the first.

    Parameters
    ----------
    frame
        Table of segments with major_cn, minor_cn, total_cn, [N] rows.
    share
        [N] cells that have the segment's state / all cells. The largest one of an aberrant segment is taken
        as the purity; NaN and the share 1 of normal segments mean all tumour cells.
    clonal
        States of more than this share of the tumour cells count as clonal.
    may_be
        [N] whether a segment may be subclonal.

    Returns
    -------
    list of str
        What was assumed.
    """
    major, minor = (frame[name].to_numpy(dtype=np.int64) for name in ("major_cn", "minor_cn"))
    aberrant = (major >= 0) & ((major != NORMAL_ALLELE) | (minor != NORMAL_ALLELE))
    used = aberrant & (share > 0) & (share <= 1)
    if not used.any():
        return []
    purity = float(share[used].max())
    fraction = np.where(used, share / purity, 1.0)
    two = used & may_be & (fraction < clonal)
    frame["fraction"] = np.where(two, fraction, 1.0)
    frame["major2"] = frame["minor2"] = np.where(two, NORMAL_ALLELE, UNKNOWN)
    frame["fraction2"] = np.where(two, 1.0 - fraction, np.nan)
    told = f"the state of {two.sum()} segments is in less than {clonal:.0%} of the tumour cells"
    return [f"{told}; the others are taken as normal there (purity {purity:.3g})"] if two.any() else []
