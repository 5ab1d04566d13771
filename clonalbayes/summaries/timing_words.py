"""Statements in words: when the lineages split, around which treatment, how sure, and why an interval is wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clonalbayes.summaries.timing import LONGER, MONTH, SHOWN, Dated, course_names, events, lineages
from clonalbayes.timing.calendar import Course, to_date

FEW = 20.0
"""Mutations below which a branch hardly says when it was."""

LIKELY, POSSIBLE = 0.5, 0.05
EVIDENCE = 3.0
"""Bayes factor from which a form of the clock is preferred, in words."""


def sentences(dated: Dated, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Statements about every split, with the reason where the interval is wide.

    Parameters
    ----------
    dated
        The draws.
    rows
        From `clonalbayes.summaries.timing.timing_rows`.
    """
    out = []
    for row, event in zip(rows, events(dated), strict=True):
        if event.kind != "split" or not np.isfinite(event.days).any() or np.nanmax(event.days) <= 0:
            continue
        text = f"The lineages {' and '.join(lineages(dated, event.clones))} split between"
        text += f" {row['date_lo']} and {row['date_hi']} (95 %)"
        places = around(row, dated.courses, dated.origin)
        out.append(text + (f": {', '.join(places)}." if places else ".") + _reason(dated, row, event.clones))
    return out


def around(row: dict[str, Any], courses: Sequence[Course], origin: str) -> list[str]:
    """Say where an event lies: during which courses, else after which and before which, with probabilities.

    Parameters
    ----------
    row
        Of `clonalbayes.summaries.timing.timing_rows`.
    courses
        In order of their start.
    origin
        Date that their days count from.
    """
    labels = course_names(courses)
    during = [(row[f"p_during {label}"], label, course) for label, course in zip(labels, courses, strict=True)
              if row[f"p_during {label}"] >= POSSIBLE]  # fmt: skip
    if not during:
        out = _beside(row, courses, labels)
    else:
        out = [(chance, f"during {_named(label, course, origin)}") for chance, label, course in
               sorted(during, key=lambda entry: -entry[0])]  # fmt: skip
        first = min(during, key=lambda entry: entry[2].start)[1]
        last = max(during, key=lambda entry: entry[2].end)[1]
        out += [(row[f"p_{word} {label}"], f"{word} {label}") for word, label in (("before", first), ("after", last))
                if row[f"p_{word} {label}"] >= POSSIBLE]  # fmt: skip
    return [f"{text} with probability {chance:.2f}" for chance, text in out]


def _named(label: str, course: Course, origin: str) -> str:
    """A course with its dates."""
    first, last = to_date(course.start, origin), to_date(course.end - 1.0, origin)
    return f"{label} ({first} to {last})" if last else f"{label} (from {first})"


def _beside(row: dict[str, Any], courses: Sequence[Course], labels: list[str]) -> list[tuple[float, str]]:
    """The last course that the event is after and the first that it is before, as far as that is likely."""
    out = []
    for word, key, first in (("after", "end", False), ("before", "start", True)):
        for least in (LIKELY, POSSIBLE):
            fit = [(getattr(c, key), row[f"p_{word} {label}"], label) for label, c in zip(labels, courses, strict=True)
                   if row[f"p_{word} {label}"] >= least]  # fmt: skip
            if fit:
                _, chance, label = min(fit) if first else max(fit)
                out.append((chance, f"{word} {label}"))
                break
    return out


def _reason(dated: Dated, row: dict[str, Any], pair: tuple[int, ...]) -> str:
    """Why an interval is wide: more than a fifth of the time that there was."""
    span = float(np.nanmax(dated.bound)) / MONTH
    if row["width_months"] < span / 5:
        return ""
    made = dated.draws.made.mean((0, 1))
    treated = [r for r, role in enumerate(dated.roles) if role == "treatment"]
    inside = list(pair)
    reasons = []
    if not treated:
        reasons.append("no treatment signature is declared for it")
    elif made[inside][:, treated].sum() < FEW:
        reasons.append("hardly any treatment mutation is on the branches below it")
    if made[inside].sum() < FEW:
        reasons.append("the branches have few mutations")
    reasons = reasons or ["the rates of the clocks are hardly known"]
    return f" The interval is wide, because {' and '.join(reasons)}."


def clock_sentences(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say which form of the clock the data prefer, from the rows of clock.tsv."""
    found = {row["quantity"]: row for row in rows}
    out = []
    strict, faster = found["strict clock"], found["acceleration below the founder"]
    if np.isfinite(strict["bayes_factor"]):
        says = ("The clock is strict", "The clock is relaxed: rates differ between branches",
                "Whether the clock is strict or relaxed stays open")  # fmt: skip
        out.append(_compared(strict, says))
    if np.isfinite(faster["bayes_factor"]):
        factor = found["factor on clock rates below the founder"]
        span = f"{factor['mean']:.1f}-fold, {factor['lo']:.1f} to {factor['hi']:.1f}"
        says = (f"Rates rise after the founder ({span})", "Rates do not rise after the founder",
                "Whether rates rise after the founder stays open")  # fmt: skip
        out.append(_compared(faster, says))
    return out


def _compared(row: dict[str, Any], says: tuple[str, str, str]) -> str:
    """One comparison: yes, no or open, with the probability and the Bayes factor of what is said."""
    factor, chance = row["bayes_factor"], row["mean"]
    if factor >= EVIDENCE:
        return f"{says[0]}: probability {chance:.2f}, Bayes factor {factor:.1f}."
    if factor <= 1.0 / EVIDENCE:
        return f"{says[1]}: probability {1.0 - chance:.2f}, Bayes factor {1.0 / factor:.1f}."
    return f"{says[2]}: probability {chance:.2f}, Bayes factor {factor:.1f}."


def verdict(rows: Sequence[dict[str, Any]], one_tree: bool) -> list[str]:
    """Say whether dates need longer chains or more trees, and of which nodes, from the rows of diagnostics."""
    bad = [str(row["quantity"]).removeprefix("date of ") for row in rows if row["verdict"] == LONGER]
    if not bad:
        return []
    if one_tree:
        return [f"The chains do not agree yet on the dates of {', '.join(bad)}: run with --tune 2000 --draws 1000."]
    least = min(row["ess"] for row in rows if row["verdict"] == LONGER)
    many = ", ".join(bad[:SHOWN]) + (f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else "")
    told = f"The dates of {many} rest on few independent draws ({least:.0f} at least), as the trees differ in them"
    return [f"{told}: `clonalbayes timing` with --trees 128 dates more."]
