"""What a fit says of small clones, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SMALL, GROWN = 0.05, 5.0
"""A clone below this share of the cells is small; it has grown where it is this many times larger."""

MOST = 20
"""Sentences of one kind."""

PRESENT, ABSENT, UNDECIDED = "present", "absent or too small", "undecided"

Row = Mapping[str, Any]


def sentences(rows: Sequence[Row], dates: Mapping[str, str]) -> list[str]:
    """Say which small clones were there, which pairs are open, and what would have been found.

    Parameters
    ----------
    rows
        Of `clonalbayes.summaries.detection.detection_rows`.
    dates
        Sample -> YYYY-MM-DD, "" unknown.

    Returns
    -------
    list of str
        Small clones that are present first, the smallest first; then what is undecided; then clones that
        were not found in a sample, with what would have been.
    """
    clones: dict[Any, list[Row]] = {}
    for row in rows:
        clones.setdefault(row["clone"], []).append(row)
    small = [row for row in rows if row["verdict"] == PRESENT and 0.0 < row["prevalence_mean"] < SMALL]
    small.sort(key=lambda row: row["prevalence_mean"])
    undecided = [row for row in rows if row["verdict"] == UNDECIDED and not _unseen(row)]
    undecided.sort(key=lambda row: -row["p_present"])
    found = [_small(row, clones[row["clone"]], dates) for row in small]
    absent = [text for clone in clones.values() for text in _not_found(clone)]
    open_ = [_open(row) for row in undecided]
    return [*_some(found, "small clones"), *_some(open_, "undecided pairs"), *_some(absent, "such statements")]


def _some(texts: list[str], what: str) -> list[str]:
    """The first sentences, and how many there are besides."""
    more = len(texts) - MOST
    return texts if more <= 0 else [*texts[:MOST], f"{more} more {what} are in detection.tsv."]


def _small(row: Row, clone: Sequence[Row], dates: Mapping[str, str]) -> str:
    """A small clone that is there, and where it is large."""
    largest = max(clone, key=lambda other: other["prevalence_mean"])
    here, there = dates.get(row["sample"], ""), dates.get(largest["sample"], "")
    size = f"at {percent(row['prevalence_mean'])} of the cells {interval(row)}"
    grown = largest["prevalence_mean"] > GROWN * row["prevalence_mean"]
    then = f"; it makes up {percent(largest['prevalence_mean'])} of {largest['sample']}" if grown else ""
    word = " already" if grown and here and there and here < there else ""
    word = " still" if grown and here and there and here > there else word
    past = "was" if word else "is"
    sure = probability(row["p_present"])
    return f"Clone {row['clone']} {past}{word} there at {row['sample']}, {size}, probability {sure}{then}."


def _open(row: Row) -> str:
    factor = 10.0 ** min(row["log10_bayes_factor"], 300.0)
    return (
        f"Clone {row['clone']} in {row['sample']} is undecided: probability of presence "
        f"{probability(row['p_present'])}, Bayes factor of its reads {factor:.2g}, at most "
        f"{percent(row['prevalence_hi'])} of the cells."
    )


def _unseen(row: Row) -> bool:
    """Whether a clone was looked for and its reads speak against it, whatever other clones make of its presence."""
    return row["verdict"] == ABSENT or (row["verdict"] == UNDECIDED and row["log10_bayes_factor"] < 0.0)


def _not_found(clone: Sequence[Row]) -> list[str]:
    """Samples without the clone, and the size above which it would have been found in each."""
    name = clone[0]["clone"]
    absent = [row for row in clone if _unseen(row)]
    known = [row for row in absent if row["lod_prevalence"] == row["lod_prevalence"]]
    texts = []
    if known:
        first, *others = known
        text = f"Clone {name} was not found in {first['sample']}: a clone above {percent(first['lod_prevalence'])} of "
        text += "the cells would have been found"
        if others:
            text += f"; nor in {_listed([f'{row["sample"]} ({percent(row["lod_prevalence"])})' for row in others])}"
        texts.append(f"{text}.")
    blind = [row["sample"] for row in clone if row["verdict"] == "no reads"]
    blind += [row["sample"] for row in absent if row not in known]
    if blind:
        texts.append(f"Of clone {name} nothing can be said in {_listed(blind)}: no site is left that tells.")
    return texts


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def percent(share: float) -> str:
    """Write a share of cells with two significant figures; one in a million cells is none.

    Examples
    --------
    >>> percent(0.0026), percent(0.48), percent(0.00013), percent(2e-17)
    ('0.26 %', '48 %', '0.013 %', '0 %')
    """
    if share < 1e-6:
        return "0 %"
    return f"{100.0 * share:.2g} %" if share < 0.995 else "100 %"


def interval(row: Row) -> str:
    """Write the interval of a prevalence."""
    return f"[{percent(row['prevalence_lo'])[:-2]}, {percent(row['prevalence_hi'])}]"


def probability(p: float) -> str:
    """Write a probability such that neither 0 nor 1 is claimed.

    Examples
    --------
    >>> probability(1.0), probability(0.97), probability(0.0)
    ('> 0.999', '0.97', '< 0.001')
    """
    return "> 0.999" if p > 0.999 else "< 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.99 else f"{p:.3f}"
