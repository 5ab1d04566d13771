"""The filters: each one named, with its limit, its value for every mutation and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from clonalbayes.faults import fail
from clonalbayes.filters.inputs import FilterInput
from clonalbayes.filters.statistics import Sites, benjamini_hochberg, germline_p, indel_distance, overdispersion

if TYPE_CHECKING:
    import pandas as pd

PASSED, FAILED, NOT_TESTED = "passed", "failed", "not tested"
"""What becomes of a mutation in a filter. What cannot be tested does not fall."""

GERMLINE_SHARE, HAPLOID_SHARE = 0.5, 0.95
"""Expected share of alt reads of a germline variant; with one copy it is 1, less some errors."""

READ_LENGTH = (145.0, 155.0)
"""Read length that the limit of ASMD is made for: the median of ASMD / ASRD must lie here, if both are known."""


@dataclass(frozen=True)
class Limits:
    """Limits of the filters; the defaults are the published ones.

    Parameters
    ----------
    asmd, asrd, clpm
        Smallest alignment score, smallest score per base, largest number of clipped bases (medians).
    min_depth, max_depth
        Window of the mean depth over the samples.
    indel_distance
        Bases around an indel.
    quality_ratio
        Share of the alt reads that pass the quality thresholds; must be exceeded.
    min_alt
        Alt reads that one sample must have.
    germline_q
        Q value below which a variant is not germline.
    rho, rho_vaf
        Overdispersion below which a shared variant is an artefact. Only variants below this pooled share of alt
        reads are tested: a mutation of all tumour cells looks the same in every sample, too.
    """

    asmd: float = 140.0
    asrd: float = 0.87
    clpm: float = 0.0
    min_depth: float = 30.0
    max_depth: float = 150.0
    indel_distance: float = 1.0
    quality_ratio: float = 0.75
    min_alt: float = 5.0
    germline_q: float = 1e-5
    rho: float = 0.01
    rho_vaf: float = 0.25


@dataclass
class Outcome:
    """One filter on all mutations.

    Parameters
    ----------
    name
        Of the filter.
    rule
        What passes, in words with its limit.
    value
        [N] what was compared; NaN where there is nothing to compare.
    failed
        [N] which mutations fall.
    extra
        Further columns for the table.
    """

    name: str
    rule: str
    value: np.ndarray
    failed: np.ndarray
    extra: dict[str, np.ndarray]

    @property
    def tested(self) -> np.ndarray:
        """Which mutations could be tested, [N]."""
        return ~np.isnan(self.value)


@dataclass
class Filtered:
    """What became of every mutation.

    Parameters
    ----------
    mutations
        [N] identifiers.
    outcomes
        One a filter.
    notes
        What a user should know.
    """

    mutations: np.ndarray
    outcomes: list[Outcome]
    notes: list[str]

    @property
    def kept(self) -> np.ndarray:
        """Which mutations pass every filter, [N]."""
        return (
            ~np.any([o.failed for o in self.outcomes], axis=0) if self.outcomes else np.ones(len(self.mutations), bool)
        )

    def __repr__(self) -> str:
        """Say how many passed."""
        return f"<Filtered: {int(self.kept.sum())} of {len(self.mutations)} mutations kept>"

    def frame(self) -> pd.DataFrame:
        """One row a mutation: verdict, the filters that it failed, and per filter its value and outcome."""
        import pandas as pd

        failed = np.stack([o.failed for o in self.outcomes], 1)
        names = np.array([o.name for o in self.outcomes], object)
        columns: dict[str, Any] = {
            "mutation": self.mutations,
            "verdict": np.where(self.kept, "kept", "filtered"),
            "failed": [",".join(names[row]) if row.any() else "" for row in failed],
            "n_failed": failed.sum(1),
        }
        for o in self.outcomes:
            columns[f"{o.name}_value"] = o.value
            columns |= {f"{o.name}_{key}": values for key, values in o.extra.items()}
            columns[o.name] = np.where(o.failed, FAILED, np.where(o.tested, PASSED, NOT_TESTED))
        return pd.DataFrame(columns)

    def summary(self) -> pd.DataFrame:
        """One row a filter: its rule, how many were tested, how many fell, how many by this one alone."""
        import pandas as pd

        count = np.sum([o.failed for o in self.outcomes], axis=0)
        return pd.DataFrame(
            [
                {
                    "filter": o.name,
                    "rule": o.rule,
                    "tested": int(o.tested.sum()),
                    "failed": int(o.failed.sum()),
                    "failed_only_this": int((o.failed & (count == 1)).sum()),
                }
                for o in self.outcomes
            ]
        )


def apply_filters(
    data: FilterInput,
    limits: Limits | None = None,
    *,
    only: Iterable[str] | None = None,
    skip: Iterable[str] = (),
    indels: Sites | None = None,
) -> Filtered:
    """Run the filters.

    Parameters
    ----------
    data : FilterInput
        From `clonalbayes.filters.from_table` or `from_dataset`.
    limits : Limits, optional
        The published ones by default.
    only, skip : iterable of str
        Filters to run, filters to leave out. By default ASRD stands in for ASMD where that does not apply.
    indels : tuple, optional
        chrom, pos, ref, alt of further sites, whose indels count.

    Returns
    -------
    Filtered

    Raises
    ------
    InputError
        If a filter is unknown or was asked for by name and its columns are not there.
    """
    limits = limits or Limits()
    skip = set(skip)
    asked = list(dict.fromkeys(only)) if only is not None else None
    for name in (*(asked or ()), *skip):
        if name not in FILTERS:
            raise fail("filter", "there is no such filter", f"Filters: {', '.join(FILTERS)}.", value=name)
    notes = list(data.notes)
    names = asked if asked is not None else _default(data, notes)
    outcomes = []
    for name in names:
        if name in skip:
            continue
        outcome = FILTERS[name](data, limits, indels)
        if not outcome.tested.any():
            if asked is not None:
                remedy = "Leave it out with --skip, or count again with `clonalbayes count`."
                raise fail(data.name, f"the filter {name} has nothing to look at: the columns are not there", remedy)
            notes.append(f"{data.name}: {name} was not tested, the file lacks what it needs")
        outcomes.append(outcome)
    if not outcomes:
        raise fail("filter", "no filter is left", "Leave fewer out.")
    return Filtered(data.mutations, outcomes, notes)


def _default(data: FilterInput, notes: list[str]) -> list[str]:
    """All filters, of ASMD and ASRD the one that applies."""
    score, ratio = data.support.get("asmd"), data.support.get("asrd")
    use = "asmd"
    if score is not None and ratio is not None:
        known = (score > 0) & (ratio > 0)
        length = float(np.median(score[known] / ratio[known])) if known.any() else float("nan")
        if known.any() and not READ_LENGTH[0] <= length <= READ_LENGTH[1]:
            use = "asrd"
            notes.append(f"{data.name}: reads of {length:.0f} bases, ASRD is used: the limit of ASMD is for 150")
    elif score is None and ratio is not None:
        use = "asrd"
        notes.append(f"{data.name}: no ASMD, ASRD is used")
    other = "asrd" if use == "asmd" else "asmd"
    return [name for name in FILTERS if name != other]


def _support(key: str, sign: int, rule: str) -> Callable[[FilterInput, Limits, Sites | None], Outcome]:
    """Make a filter on one column about the supporting reads."""

    def run(data: FilterInput, limits: Limits, indels: Sites | None) -> Outcome:
        value, limit = data.support.get(key, np.full(len(data.mutations), np.nan)), getattr(limits, key)
        with np.errstate(invalid="ignore"):
            failed = value < limit if sign > 0 else value > limit
        return Outcome(key, rule.format(limit), value, failed, {})

    return run


def _depth(data: FilterInput, limits: Limits, indels: Sites | None) -> Outcome:
    value = data.depth.mean(1)
    failed = (value < limits.min_depth) | (value > limits.max_depth)
    return Outcome("depth", f"mean depth {limits.min_depth:g} to {limits.max_depth:g}", value, failed, {})


def _near_indel(data: FilterInput, limits: Limits, indels: Sites | None) -> Outcome:
    value = indel_distance(data.chrom, data.pos, data.ref, data.alt_allele, indels)
    with np.errstate(invalid="ignore"):
        failed = value <= limits.indel_distance
    return Outcome("near_indel", f"more than {limits.indel_distance:g} bp from an indel", value, failed, {})


def _quality_ratio(data: FilterInput, limits: Limits, indels: Sites | None) -> Outcome:
    value = np.full(len(data.mutations), np.nan)
    if data.alt_all is not None:
        known = ~np.isnan(data.alt_all)
        every = np.where(known, data.alt_all, 0.0).sum(1)
        good = np.where(known, data.alt, 0).sum(1)
        value = np.where(every > 0, good / np.maximum(every, 1.0), np.nan)
    with np.errstate(invalid="ignore"):
        failed = value <= limits.quality_ratio
    rule = f"more than {limits.quality_ratio:g} of all alt reads are of good quality"
    return Outcome("quality_ratio", rule, value, failed, {})


def _alt_reads(data: FilterInput, limits: Limits, indels: Sites | None) -> Outcome:
    value = data.alt.max(1).astype(float)
    rule = f"at least {limits.min_alt:g} alt reads in one sample"
    return Outcome("alt_reads", rule, value, value < limits.min_alt, {})


def _germline(data: FilterInput, limits: Limits, indels: Sites | None) -> Outcome:
    alt, depth = (np.where(data.diploid, part, 0).sum(1) for part in (data.alt, data.depth))
    p = germline_p(alt, depth, np.where(data.haploid, HAPLOID_SHARE, GERMLINE_SHARE))
    p = np.where(depth > 0, p, np.nan)
    q = benjamini_hochberg(p)
    with np.errstate(invalid="ignore"):
        failed = q >= limits.germline_q
    rule = f"fewer alt reads than a germline variant, q < {limits.germline_q:g}"
    return Outcome("germline", rule, q, failed, {"p": p})


def _overdispersion(data: FilterInput, limits: Limits, indels: Sites | None) -> Outcome:
    pooled = data.alt.sum(1) / np.maximum(data.depth.sum(1), 1)
    shared = ((data.alt > 0).sum(1) >= 2) & ((data.depth > 0).sum(1) >= 2) & (pooled < limits.rho_vaf)
    value = np.full(len(data.mutations), np.nan)
    value[shared] = overdispersion(data.alt[shared], data.depth[shared])
    with np.errstate(invalid="ignore"):
        failed = value < limits.rho
    rule = f"overdispersion over samples at least {limits.rho:g} (shared variants below VAF {limits.rho_vaf:g})"
    return Outcome("overdispersion", rule, value, failed, {})


FILTERS: dict[str, Callable[[FilterInput, Limits, Sites | None], Outcome]] = {
    "asmd": _support("asmd", 1, "median alignment score (ASMD) at least {:g}"),
    "asrd": _support("asrd", 1, "median alignment score per base (ASRD) at least {:g}"),
    "clpm": _support("clpm", -1, "median clipped bases (CLPM) at most {:g}"),
    "depth": _depth,
    "near_indel": _near_indel,
    "quality_ratio": _quality_ratio,
    "alt_reads": _alt_reads,
    "germline": _germline,
    "overdispersion": _overdispersion,
}
"""Filters by name, in their order."""

LIMIT_NAMES = tuple(entry.name for entry in fields(Limits))
"""Names of the limits."""
