"""From draws of node times to dates, probabilities around treatments, branch tables and sentences."""

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

LONGER = "run longer"

FEW = 20.0
"""Mutations below which a branch hardly says when it was."""


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


def events(dated: Dated) -> list[tuple[str, str, np.ndarray]]:
    """Events with their days: (event, kind, days [D, draw]); NaN where a draw does not have it.

    Every clone's node, and every split of two lineages that the consensus tree has.
    """
    time = dated.draws.time
    out = [(name, "node", time[:, :, k]) for k, name in enumerate(dated.clones)]
    for above in range(len(dated.clones) + 1):
        children = [k for k in range(len(dated.clones)) if dated.consensus[k] == above]
        for i, a in enumerate(children):
            for b in children[i + 1 :]:
                node = common_ancestor(dated.parent, a, b)
                days = np.take_along_axis(time, np.maximum(node - 1, 0)[:, None, None], 2)[:, :, 0]
                days = np.where((node > 0)[:, None], days, np.where((node == 0)[:, None], 0.0, np.nan))
                out.append((f"{dated.clones[a]} | {dated.clones[b]}", "split", days))
    return out


def timing_rows(dated: Dated) -> list[dict[str, Any]]:
    """Rows of timing.tsv: the date of every event with its interval, and its place around every treatment."""
    rows = []
    for name, kind, days in events(dated):
        flat = days.ravel()
        low, high = hdi(flat)
        known = flat[np.isfinite(flat)]
        row: dict[str, Any] = {
            "event": name, "kind": kind, "date_mean": to_date(float(mean(flat)), dated.origin),
            "date_lo": to_date(float(low), dated.origin), "date_hi": to_date(float(high), dated.origin),
            "width_months": float(high - low) / MONTH, "support": len(known) / max(len(flat), 1),
        }  # fmt: skip
        for label, course in zip(course_names(dated.courses), dated.courses, strict=True):
            total = max(len(known), 1)
            row[f"p_before {label}"] = float((known < course.start).sum()) / total
            row[f"p_during {label}"] = float(((known >= course.start) & (known < course.end)).sum()) / total
            row[f"p_after {label}"] = float((known >= course.end).sum()) / total
        rows.append(row)
    return rows


def branch_rows(dated: Dated) -> list[dict[str, Any]]:
    """Rows of branches.tsv: mutations of each branch by signature, in the table and in the whole genome."""
    rows = []
    there = np.isfinite(dated.draws.time)
    for k, clone in enumerate(dated.clones):
        for r, signature in enumerate(dated.signatures):
            row: dict[str, Any] = {"branch": clone, "signature": signature}
            for label, values in (("made", dated.draws.made), ("corrected", dated.draws.corrected)):
                flat = np.where(there[:, :, k], values[:, :, k, r], np.nan).ravel()
                low, high = hdi(flat)
                row |= {f"{label}_mean": float(mean(flat)), f"{label}_lo": float(low), f"{label}_hi": float(high)}
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


def diagnostic_rows(dated: Dated) -> list[dict[str, Any]]:
    """Rows of diagnostics.tsv: whether the chains agree on each node's date.

    Chains of one tree are compared; of different trees they must differ, and only the effective size is told.
    """
    one_tree = len(dated.parent) > 1 and bool((dated.parent == dated.parent[0]).all())
    rows = []
    for k, name in enumerate(dated.clones):
        days = dated.draws.time[np.isfinite(dated.draws.time[:, 0, k]), :, k]
        if not len(days):
            continue
        factor = rhat(days) if one_tree else float("nan")
        size = effective_size(days)
        good = size >= ENOUGH and not factor > AGREED
        rows.append({"quantity": f"date of {name}", "rhat": factor, "ess": size, "verdict": "good" if good else LONGER})
    return rows


def verdict(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say whether dates need longer chains, and of which nodes."""
    bad = [str(row["quantity"]).removeprefix("date of ") for row in rows if row["verdict"] == LONGER]
    if not bad:
        return []
    return [f"The chains do not agree yet on the dates of {', '.join(bad)}: run with --tune 2000 --draws 1000."]


def sentences(dated: Dated) -> list[str]:
    """Statements in words about every split, with the reason where the interval is wide."""
    names = course_names(dated.courses)
    made = dated.draws.made.mean((0, 1))
    treated = [r for r, role in enumerate(dated.roles) if role == "treatment"]
    out = []
    for row, (name, kind, days) in zip(timing_rows(dated), events(dated), strict=True):
        if kind != "split" or not np.isfinite(days).any() or np.nanmax(days) <= 0:
            continue
        a, b = name.split(" | ")
        text = f"The lineages {a} and {b} split between {row['date_lo']} and {row['date_hi']}"
        places = []
        for label in names:
            chances = {word: row[f"p_{word} {label}"] for word in ("before", "during", "after")}
            word = max(chances, key=lambda key: chances[key])
            places.append(f"{word} {label} with probability {chances[word]:.2f}")
        text += f" (95 %): {', '.join(places)}." if places else " (95 %)."
        out.append(text + _reason(dated, row, name, made, treated))
    return out


def _reason(dated: Dated, row: dict[str, Any], name: str, made: np.ndarray, treated: list[int]) -> str:
    """Why an interval is wide: more than a fifth of the time that there was."""
    span = float(np.nanmax(dated.bound)) / MONTH
    if row["width_months"] < span / 5:
        return ""
    inside = [dated.clones.index(part) for part in name.split(" | ")]
    reasons = []
    if not treated:
        reasons.append("no treatment signature is declared for it")
    elif made[inside][:, treated].sum() < FEW:
        reasons.append("hardly any treatment mutation is on the branches below it")
    if made[inside].sum() < FEW:
        reasons.append("the branches have few mutations")
    reasons = reasons or ["the rates of the clocks are hardly known"]
    return f" The interval is wide, because {' and '.join(reasons)}."


def to_dataset(dated: Dated) -> Any:
    """Draws as an xarray Dataset (group `timing`), dims tree, draw, clone, signature, course.

    `node_time` in days from the attribute `origin`, `rate`, `strict`, `accelerated`, `factor`, `made` and
    `corrected` mutations, `parent` (tree, clone).
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
    }
    coords = {
        "clone_name": ("clone", np.array(dated.clones, str)),
        "signature": np.array(dated.signatures, str),
        "course_name": ("course", np.array(course_names(dated.courses), str)),
    }
    out = xr.Dataset(values, coords, attrs={"origin": dated.origin})
    out["node_time"].attrs.update(units="days", long_name=f"last common ancestor of the clone, from {dated.origin}")
    return out
