"""From a reader's draft to a validated Dataset: defaults said aloud, mutations left out with their reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from clonalbayes.faults import FaultList, fail

from .readers.draft import Draft
from .schema import DIPLOID, MISSING, REGISTRY, SPECIMEN, validate

LARGEST_DEFAULT_MIN_ALT = 5
"""The ascertainment rule that is read off the data never asks for more alt reads than this."""

LONGEST_COMPACT_TEXT = 100
"""Characters up to which texts are kept in arrays of fixed width; long indels are longer."""

KIND_WORDS = {
    "snv": "snv",
    "snp": "snv",
    "sub": "snv",
    "mnv": "mnv",
    "dnp": "mnv",
    "tnp": "mnv",
    "onp": "mnv",
    "indel": "indel",
    "ins": "indel",
    "del": "indel",
}
"""What users call the kinds of mutations, and what we call them."""

CONTEXT = r"[ACGT]\[[CT]>[ACGT]\][ACGT]"

EXCLUDED_COLUMNS = ("mutation", "reason", "file", "row")

Purity = float | Mapping[str, float | tuple[float, float]]
"""A purity for all samples, or one (or a pair of value and standard error) by sample name."""


def assemble(
    draft: Draft, purity: Purity | None = None, min_alt: int | None = None
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Fill in defaults, leave out what cannot be used, and validate.

    Parameters
    ----------
    draft
        What a reader returned; its notes are added to.
    purity
        Overrides the purity of the file.
    min_alt
        The ascertainment rule: every mutation has this many alt reads in at least one sample. Read off the
        data when None.

    Returns
    -------
    tuple
        The Dataset, and the table of mutations that were left out.

    Raises
    ------
    InputError
        If the purity is wrong, if nothing is left, or if the Dataset breaks the registry's rules.
    """
    if min_alt is not None and min_alt < 0:
        raise fail("min_alt", "the minimum of alt reads is negative", "Give 0 or more.", value=str(min_alt))
    _fill_purity(draft, purity)
    _fill_copy_number(draft)
    _drop_lost_sites(draft)
    keep, excluded = _exclude(draft, min_alt)
    _note_missing(draft, keep)
    rule = _ascertainment(draft, keep, min_alt)
    return validate(_dataset(draft, keep, rule)), excluded


def _ascertainment(draft: Draft, keep: np.ndarray, min_alt: int | None) -> int:
    """Return the rule by which mutations came into the table, as stated or as the data show it."""
    shown = int(min(_largest_alt(draft)[keep].min(), LARGEST_DEFAULT_MIN_ALT))
    rule = shown if min_alt is None else min_alt
    how = "read off the data" if min_alt is None else "as stated"
    if rule > 0:
        draft.notes.append(
            f"ascertainment: every mutation has at least {rule} alt reads in one sample ({how})"
        )
    else:
        draft.notes.append(f"ascertainment: none, mutations without an alt read may be in the table ({how})")
    return rule


def _fill_purity(draft: Draft, purity: Purity | None) -> None:
    n = len(draft.specimens)
    value = np.full(n, np.nan) if draft.purity is None else draft.purity.astype(float)
    error = np.full(n, np.nan) if draft.purity_sd is None else draft.purity_sd.astype(float)
    if purity is not None:
        _override_purity(draft, purity, value, error)
    absent = np.isnan(value)
    if absent.any():
        which = "" if absent.all() else " of " + ", ".join(np.array(draft.specimens)[absent])
        draft.notes.append(
            f"purity{which} not given: taken as 1, so prevalences are shares of all cells at that purity"
        )
    draft.purity, draft.purity_sd = np.where(absent, 1.0, value), error


def _override_purity(draft: Draft, purity: Purity, value: np.ndarray, error: np.ndarray) -> None:
    """Write the caller's purities over the file's."""
    faults = FaultList()
    given: Mapping[str, Any] = (
        purity if isinstance(purity, Mapping) else dict.fromkeys(draft.specimens, purity)
    )
    remedy = "Purity is the share of tumour cells, above 0 and at most 1; its standard error is at most 0.5."
    for name, stated in given.items():
        if name not in draft.specimens:
            faults.add(
                "purity",
                "no sample has this name",
                f"The samples are: {', '.join(draft.specimens)}.",
                value=str(name),
            )
            continue
        pair = tuple(stated) if isinstance(stated, tuple | list) else (stated,)
        try:
            numbers = [float(x) for x in pair]
        except (TypeError, ValueError):
            numbers = []
        if not (1 <= len(numbers) <= 2 and 0 < numbers[0] <= 1 and all(0 < s <= 0.5 for s in numbers[1:])):
            faults.add(
                "purity",
                "the purity is not a number above 0 and at most 1",
                remedy,
                column=name,
                value=str(stated),
            )
            continue
        i = draft.specimens.index(name)
        value[i] = numbers[0]
        error[i] = numbers[1] if len(numbers) == 2 else np.nan
    faults.raise_if_any()
    draft.notes.append("purity as stated by the user")


def _fill_copy_number(draft: Draft) -> None:
    """Make every cell either a major/minor call, a total with unknown split, or diploid; and say so."""
    shape = draft.shape
    normal = _or_missing(draft.normal_cn, shape)
    by_mutation = normal.max(axis=1, keepdims=True, initial=MISSING)
    normal = np.where(
        normal == MISSING, np.where(by_mutation == MISSING, DIPLOID, by_mutation), normal
    ).astype(np.int16)
    major, minor = _or_missing(draft.major_cn, shape), _or_missing(draft.minor_cn, shape)
    total = _or_missing(draft.total_cn, shape)
    split = (major != MISSING) & (minor != MISSING)
    only_total = ~split & (total != MISSING)
    by_reads = np.zeros(shape, bool) if draft.var_read_prob is None else ~np.isnan(draft.var_read_prob)
    none = ~split & ~only_total
    draft.major_cn = np.where(split, major, np.where(none, (normal + 1) // 2, MISSING)).astype(np.int16)
    draft.minor_cn = np.where(split, minor, np.where(none, normal // 2, MISSING)).astype(np.int16)
    draft.total_cn = np.where(only_total, total, MISSING).astype(np.int16) if only_total.any() else None
    draft.normal_cn = normal
    _note_copy_number(draft, none & ~by_reads & (draft.depth != MISSING), only_total & ~by_reads)


def _note_copy_number(draft: Draft, none: np.ndarray, only_total: np.ndarray) -> None:
    known = draft.depth != MISSING
    usual = bool(np.all(draft.normal_cn == DIPLOID))
    like_normal = "diploid" if usual else "the copy number of normal cells (normal_cn)"
    if none.any() and none[known].all():
        draft.notes.append(f"copy number absent: all sites taken as {like_normal}")
    elif none.any():
        draft.notes.append(
            f"copy number absent at {none.sum()} of {none.size} cells (mutation x sample): "
            f"taken as {like_normal}"
        )
    if only_total.any():
        draft.notes.append(
            f"only the total copy number is known at {only_total.sum()} of {only_total.size} cells: "
            "the possible allelic splits are integrated over"
        )


def _or_missing(values: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    return np.full(shape, MISSING, np.int16) if values is None else values


def _without_copies(draft: Draft) -> np.ndarray:
    """Where the tumour cells hold no copy of the site, by mutation and sample."""
    major, total = _or_missing(draft.major_cn, draft.shape), _or_missing(draft.total_cn, draft.shape)
    lost = (major == 0) | ((major == MISSING) & (total == 0))
    lost &= _or_missing(draft.major_cn_2, draft.shape) <= 0
    return lost if draft.var_read_prob is None else lost & np.isnan(draft.var_read_prob)


def _drop_lost_sites(draft: Draft) -> None:
    """Make counts missing where the tumour cells hold no copy of the site."""
    lost = _without_copies(draft) & (draft.depth != MISSING)
    if not lost.any():
        return
    reads = int((draft.alt_count[lost] > 0).sum())
    draft.notes.append(
        f"copy number 0 at {lost.sum()} cells (mutation x sample), {reads} of them with alt reads: "
        "taken as missing there"
    )
    draft.alt_count = np.where(lost, MISSING, draft.alt_count).astype(np.int32)
    draft.depth = np.where(lost, MISSING, draft.depth).astype(np.int32)


def _largest_alt(draft: Draft) -> np.ndarray:
    return draft.alt_count.max(axis=1, initial=MISSING)


def _exclude(draft: Draft, min_alt: int | None) -> tuple[np.ndarray, pd.DataFrame]:
    """Decide which mutations stay, and give the reason for each that does not."""
    reason = np.full(len(draft.mutations), "", dtype=object)
    largest = _largest_alt(draft)
    if min_alt is not None:
        few = (
            "no alt read in any sample" if min_alt == 1 else f"fewer than {min_alt} alt reads in every sample"
        )
        reason[largest < min_alt] = few
    reason[draft.depth.max(axis=1, initial=MISSING) <= 0] = "no read in any sample"
    reason[_without_copies(draft).all(axis=1)] = "copy number 0 in every sample"
    gone = np.flatnonzero(reason != "")
    excluded = pd.DataFrame(
        {
            "mutation": draft.mutations[gone].astype(object),
            "reason": reason[gone],
            "file": draft.files or draft.source,
            "row": draft.rows[gone].astype(np.int64),
        },
        columns=list(EXCLUDED_COLUMNS),
    )
    keep = np.flatnonzero(reason == "")
    if not len(keep):
        _nothing_left(draft, excluded)
    if len(gone):
        draft.notes.append(
            f"{len(gone)} of {len(reason)} mutations left out; the table of excluded mutations says why"
        )
    return keep, excluded


def _nothing_left(draft: Draft, excluded: pd.DataFrame) -> None:
    faults = FaultList()
    counts = excluded["reason"].value_counts()
    why = "; ".join(f"{n} with {r}" for r, n in counts.items())
    faults.add(
        draft.files or draft.source,
        f"no mutation can be used ({why})",
        "Check the count columns, or state a lower minimum of alt reads.",
        row=int(excluded["row"].iloc[0]) if len(excluded) else None,
    )
    faults.raise_if_any()


def _note_missing(draft: Draft, keep: np.ndarray) -> None:
    missing = (draft.depth[keep] == MISSING).sum(axis=0)
    if missing.any():
        per = ", ".join(f"{s} {n}" for s, n in zip(draft.specimens, missing, strict=True) if n)
        draft.notes.append(f"{missing.sum()} counts are missing (not zero), by sample: {per}")


def _dataset(draft: Draft, keep: np.ndarray, min_alt: int) -> xr.Dataset:
    """Lay the draft out as the registry says; text that the format lacks is empty."""
    _fill_kind(draft)
    _check_contexts(draft)
    n = {"mutation": len(draft.mutations), "specimen": len(draft.specimens)}
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    for v in REGISTRY.values():
        if v.name in ("mutation", "specimen"):
            values: Any = draft.mutations if v.name == "mutation" else np.array(draft.specimens, dtype=object)
        else:
            values = getattr(draft, v.name)
        if values is None and v.optional:
            continue
        if values is None:
            values = np.full([n[d] for d in v.dims], v.missing)
        if v.dims != SPECIMEN:
            values = values[keep]
        values = _text(values) if v.dtype == "str" else np.asarray(values).astype(v.dtype)
        (coords if v.coord else variables)[v.name] = (v.dims, values)
    attrs = {
        "source": draft.source,
        "format": draft.format,
        "min_alt": min_alt,
        "notes": json.dumps(draft.notes),
    }
    return xr.Dataset(variables, coords, attrs)


def _text(values: Any) -> np.ndarray:
    """Return text as a compact array, or as objects where one long text would blow up all the others."""
    texts = np.asarray(values, dtype=object)
    longest = max((len(str(t)) for t in texts), default=0)
    return texts.astype(str) if longest <= LONGEST_COMPACT_TEXT else texts


def _fill_kind(draft: Draft) -> None:
    """Bring kinds to the registry's words; where there are none, tell them by the alleles' lengths."""
    if draft.kind is not None:
        lower = (str(k).lower() for k in draft.kind)
        draft.kind = np.array([KIND_WORDS.get(k, "") for k in lower], dtype=object)
    if draft.ref is None or draft.alt is None:
        return
    ref, alt = (np.array([len(a) for a in alleles]) for alleles in (draft.ref, draft.alt))
    kind = np.where((ref == 1) & (alt == 1), "snv", np.where(ref == alt, "mnv", "indel"))
    kind = np.where((ref == 0) | (alt == 0), "", kind)
    draft.kind = kind if draft.kind is None else np.where(draft.kind == "", kind, draft.kind)


def _check_contexts(draft: Draft) -> None:
    """Drop contexts of another form than A[C>T]G, aloud."""
    if draft.context is None:
        return
    right = pd.Series(draft.context, dtype=object).str.fullmatch(CONTEXT).to_numpy(bool)
    other = ~right & (draft.context != "")
    if other.any():
        draft.notes.append(f"{other.sum()} contexts are not of the form A[C>T]G and are not used")
    draft.context = np.where(right, draft.context, "")
