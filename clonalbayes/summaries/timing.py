"""From draws of node times to dates, probabilities around treatments, gates and the form of the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clonalbayes.signatures.report import effective_size, rhat
from clonalbayes.summaries.intervals import hdi, mean
from clonalbayes.timing.calendar import Course, to_date
from clonalbayes.timing.sampler import TimedDraws

MONTH = 30.4375
"""Days of a month."""

AGREED, ENOUGH = 1.1, 100.0
"""R-hat at most and effective draws at least of a date that the chains agree on."""

ENOUGH_TREES = 50.0
"""The same where every chain has a tree of its own."""

LONGER = "run longer"

SHOWN = 2
"""Groups of samples that are named of a lineage."""


@dataclass(frozen=True, eq=False)
class Dated:
    """Draws of a dated tree, with clones named alike in every draw.

    Attributes
    ----------
    clones
        [K] names.
    consensus
        [K] parent in the consensus tree from 1, 0 = the root.
    parent
        [D, K] parent of each clone in each draw of the tree; -1 where it lacks the clone.
    draws
        What the chains recorded.
    signatures, roles
        [R] names and roles.
    courses, origin
        Treatments in days from the origin, and its date.
    bound
        [K] day on which each clone was first sampled.
    seen
        [K] groups of samples in which each clone is; empty where that is not known.
    samples
        Names of the samples' groups (or of the samples) with their days.
    one_tree
        Whether the chains are of one tree and its counts, so that they must agree.
    """

    clones: tuple[str, ...]
    consensus: np.ndarray
    parent: np.ndarray
    draws: TimedDraws
    signatures: tuple[str, ...]
    roles: tuple[str, ...]
    courses: tuple[Course, ...]
    origin: str
    bound: np.ndarray
    seen: tuple[tuple[str, ...], ...] = ()
    samples: tuple[tuple[str, float], ...] = ()
    one_tree: bool = False


def course_names(courses: Sequence[Course]) -> list[str]:
    """Names of courses, numbered where a treatment was given more than once.

    >>> course_names([Course("a", 0, 1), Course("b", 0, 1), Course("a", 2, 3)])
    ['a 1', 'b', 'a 2']
    """
    names = [course.name for course in courses]
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(f"{name} {seen[name]}" if names.count(name) > 1 else name)
    return out


def common_ancestor(parent: np.ndarray, a: int, b: int) -> np.ndarray:
    """Last common ancestor [D] of clones a and b (from 0) in trees [D, K], from 1; 0 the root, -1 not defined."""
    D, K = parent.shape
    rows = np.arange(D)
    path = np.zeros((D, K + 1), bool)
    at = np.full(D, a + 1)
    for _ in range(K + 1):
        path[rows, np.maximum(at, 0)] = True
        at = np.where(at > 0, parent[rows, np.maximum(at - 1, 0)], 0)
    out, at = np.full(D, -1), np.full(D, b + 1)
    for _ in range(K + 1):
        here = (out < 0) & path[rows, np.maximum(at, 0)]
        out = np.where(here, at, out)
        at = np.where(at > 0, parent[rows, np.maximum(at - 1, 0)], 0)
    lacking = (parent[:, a] < 0) | (parent[:, b] < 0)
    return np.where(lacking, -1, out)


@dataclass(frozen=True, eq=False)
class Event:
    """A clone's node, or the split of two lineages.

    Attributes
    ----------
    name
        As in timing.tsv.
    clones
        The clone, or the two that split, from 0.
    days
        [D, draw] days from the origin; NaN where a draw does not have it.
    """

    name: str
    clones: tuple[int, ...]
    days: np.ndarray

    @property
    def kind(self) -> str:
        """What it is: node or split."""
        return "node" if len(self.clones) == 1 else "split"


def events(dated: Dated) -> list[Event]:
    """Every clone's node, and every split of two lineages that the consensus tree has."""
    time = dated.draws.time
    out = [Event(name, (k,), time[:, :, k]) for k, name in enumerate(dated.clones)]
    for above in range(len(dated.clones) + 1):
        children = [k for k in range(len(dated.clones)) if dated.consensus[k] == above]
        for i, a in enumerate(children):
            for b in children[i + 1 :]:
                node = common_ancestor(dated.parent, a, b)
                days = np.take_along_axis(time, np.maximum(node - 1, 0)[:, None, None], 2)[:, :, 0]
                days = np.where((node > 0)[:, None], days, np.where((node == 0)[:, None], 0.0, np.nan))
                out.append(Event(f"{dated.clones[a]} | {dated.clones[b]}", (a, b), days))
    return out


def lineages(dated: Dated, clones: Sequence[int]) -> list[str]:
    """Name the clones of an event by where they are; of a split, by where each side is and the other is not.

    As in ``6 (relapse 1)`` and ``11 (MDS, AML)``.
    """
    out = []
    for k in clones:
        others = [name for j in clones if j != k for name in dated.seen[j]] if dated.seen else []
        own = [name for name in dated.seen[k] if name not in others] if dated.seen else []
        more = f" and {len(own) - SHOWN} more" if len(own) > SHOWN else ""
        out.append(f"{dated.clones[k]} ({', '.join(own[:SHOWN])}{more})" if own else dated.clones[k])
    return out


def timing_rows(dated: Dated) -> list[dict[str, Any]]:
    """Rows of timing.tsv: the date of every event with its interval, and its place around every treatment."""
    rows = []
    for event in events(dated):
        flat = event.days.ravel()
        low, high = hdi(flat)
        known = flat[np.isfinite(flat)]
        row: dict[str, Any] = {
            "event": event.name, "kind": event.kind, "lineages": " | ".join(lineages(dated, event.clones)),
            "date_mean": to_date(float(mean(flat)), dated.origin),
            "date_lo": to_date(float(low), dated.origin), "date_hi": to_date(float(high), dated.origin),
            "width_months": float(high - low) / MONTH, "support": len(known) / max(len(flat), 1),
            "ess": effective_draws(event.days, dated.one_tree),
        }  # fmt: skip
        for label, course in zip(course_names(dated.courses), dated.courses, strict=True):
            total = max(len(known), 1)
            row[f"p_before {label}"] = float((known < course.start).sum()) / total
            row[f"p_during {label}"] = float(((known >= course.start) & (known < course.end)).sum()) / total
            row[f"p_after {label}"] = float((known >= course.end).sum()) / total
        rows.append(row)
    return rows


def clock_rows(dated: Dated, p_strict: float, p_acceleration: float) -> list[dict[str, Any]]:
    """Rows of clock.tsv: rates, and the forms of the clock with probability and Bayes factor."""
    rows = []
    for r, signature in enumerate(dated.signatures):
        low, high = hdi(dated.draws.rate[:, :, r].ravel())
        rows.append(_clock_row(f"mutations per day, {signature}", dated.draws.rate[:, :, r].mean(), low, high))
    for name, values, prior in (
        ("strict clock", dated.draws.strict, p_strict),
        ("acceleration below the founder", dated.draws.accelerated, p_acceleration),
    ):
        n, yes = values.size, int(values.sum())
        factor = (yes + 0.5) / (n - yes + 0.5) * (1 - prior) / prior if 0 < prior < 1 else float("nan")
        rows.append(_clock_row(name, yes / n, float("nan"), float("nan"), factor))
    low, high = hdi(dated.draws.factor.ravel())
    rows.append(_clock_row("factor on clock rates below the founder", dated.draws.factor.mean(), low, high))
    return rows


def _clock_row(name: str, centre: Any, low: Any, high: Any, factor: float = float("nan")) -> dict[str, Any]:
    return {"quantity": name, "mean": float(centre), "lo": float(low), "hi": float(high), "bayes_factor": factor}


def gate_rows(dated: Dated, prior: np.ndarray) -> list[dict[str, Any]]:
    """Rows of gates.tsv: whether a branch overlaps a treatment, from the draws, against the prior's probability.

    Parameters
    ----------
    dated
        The draws.
    prior
        [K, courses] probability under the prior of times alone.
    """
    rows = []
    time = dated.draws.time
    for k, clone in enumerate(dated.clones):
        above = dated.parent[:, k]
        begin = np.take_along_axis(time, np.maximum(above - 1, 0)[:, None, None], 2)[:, :, 0]
        begin = np.where((above > 0)[:, None], begin, 0.0)
        known = np.isfinite(time[:, :, k])
        for j, (label, course) in enumerate(zip(course_names(dated.courses), dated.courses, strict=True)):
            inside = known & (time[:, :, k] > course.start) & (begin < course.end)
            yes, n = int(inside.sum()), int(known.sum())
            p = prior[k, j]
            factor = (yes + 0.5) / (n - yes + 0.5) * (1 - p) / p if 0 < p < 1 else float("nan")
            rows.append({
                "branch": clone, "treatment": label, "p_overlap": yes / max(n, 1), "prior": float(p),
                "bayes_factor": factor,
            })  # fmt: skip
    return rows


def effective_draws(days: np.ndarray, one_tree: bool) -> float:
    """Effective number of draws of an event's days [D, draw]; trees that lack it are left out, NaN without spread.

    Chains of one tree: from their autocorrelation. Chains of different trees: the total variance over that of the
    mean, which the means of the chains tell; so it falls where trees differ in the date.
    """
    known = days[np.isfinite(days).all(1)]
    if len(known) < 2 or np.ptp(known) == 0:
        return effective_size(known) if len(known) and np.ptp(known) > 0 else float("nan")
    if one_tree:
        return effective_size(known)
    between = float(known.mean(1).var(ddof=1))
    return float(min(known.size, known.var() * len(known) / max(between, 1e-12)))


def diagnostic_rows(dated: Dated) -> list[dict[str, Any]]:
    """Rows of diagnostics.tsv: whether the chains agree on each node's date.

    Chains of one tree are compared; of different trees they must differ, and only the effective size is told.
    """
    rows = []
    for k, name in enumerate(dated.clones):
        days = dated.draws.time[np.isfinite(dated.draws.time[:, 0, k]), :, k]
        if not len(days):
            continue
        factor = rhat(days) if dated.one_tree else float("nan")
        size = effective_draws(days, dated.one_tree)
        good = size >= (ENOUGH if dated.one_tree else ENOUGH_TREES) and not factor > AGREED
        rows.append({"quantity": f"date of {name}", "rhat": factor, "ess": size, "verdict": "good" if good else LONGER})
    return rows


def to_dataset(dated: Dated) -> Any:
    """Draws as an xarray Dataset (group `timing`), dims tree, draw, clone, signature, course.

    `node_time` in days from the attribute `origin`, `rate`, `strict`, `accelerated`, `factor`, `made` and
    `corrected` mutations, `parent` (tree, clone); what the draws are of: `consensus_parent`, `bound` and `lineage`
    (clone), `course_start`, `course_end` (course), `sampling_day` (sampling).
    """
    import xarray as xr

    d = dated.draws
    by_draw = ("tree", "draw")
    values = {
        "node_time": ((*by_draw, "clone"), d.time),
        "rate": ((*by_draw, "signature"), d.rate),
        "strict": (by_draw, d.strict),
        "accelerated": (by_draw, d.accelerated),
        "factor": (by_draw, d.factor),
        "made": ((*by_draw, "clone", "signature"), d.made),
        "corrected": ((*by_draw, "clone", "signature"), d.corrected),
        "parent": (("tree", "clone"), dated.parent),
        "consensus_parent": ("clone", dated.consensus),
        "bound": ("clone", dated.bound),
        "course_start": ("course", [course.start for course in dated.courses]),
        "course_end": ("course", [course.end for course in dated.courses]),
        "sampling_day": ("sampling", [day for _, day in dated.samples]),
    }
    coords = {
        "clone_name": ("clone", np.array(dated.clones, str)),
        "signature": np.array(dated.signatures, str),
        "course_name": ("course", np.array(course_names(dated.courses), str)),
        "sampling_name": ("sampling", np.array([name for name, _ in dated.samples], str)),
        "lineage": ("clone", np.array([lineages(dated, (k,))[0] for k in range(len(dated.clones))], str)),
    }
    out = xr.Dataset(values, coords, attrs={"origin": dated.origin})
    out["node_time"].attrs.update(units="days", long_name=f"last common ancestor of the clone, from {dated.origin}")
    return out
