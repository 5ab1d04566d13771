"""Dates of simulated patients whose dates are known, and of patients that break the model.

    python validation/timing.py [--patients 100] [--first SEED] [--broken 30] [--replicates 40] [--picture]

Patients of ten clones with random trees are drawn from the specification `timing` itself, with two courses of a
thiopurine and five sampling dates, and dated with three chains each. Counted are the nodes whose 95 % interval
holds the true date (rule: 92 to 98 %; with a standard error over patients, whose nodes miss together), the width of
the intervals by the number of thiopurine mutations at the node, and how often "during a course" is right by the
probability that was given for it. Then patients whose clocks run three times as fast in one lineage, whose treatment
signature leaks, or whose windows are a month off.
Last the design of the published case: eight samples of six dates; the split of the myeloid and the relapse lineage
lies within the first course. Tables go to `validation/results/timing*.tsv`; `--picture` draws them, and nothing else.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from clonalbayes.data.treatments import Treatment
from clonalbayes.intervals import hdi
from clonalbayes.signatures.settings import Settings, load
from clonalbayes.signatures.tables import read_reference
from clonalbayes.simulate.branches import Branches, scale_clock, simulate_branches
from clonalbayes.timing.calendar import courses_of, to_days
from clonalbayes.timing.sampler import TimedDraws, make_trees, sample

RESULTS = Path(__file__).resolve().parent / "results"
ORIGIN = "2009-03-01"
COURSES = (
    Treatment("mercaptopurine", "2012-06-01", "2014-06-30"),
    Treatment("mercaptopurine", "2015-06-01", "2016-09-01"),
)
SIGNATURES = ("SBS1", "SBS5", "SBS87")
TREATED = 2
DATES = ("2012-03-05", "2013-09-01", "2015-04-01", "2016-10-03", "2017-08-07")
CHAINS, TUNE, DRAWS, THIN = 3, 700, 200, 4
WIDTHS = (0, 20, 100, 500, np.inf)
PAPER_PARENT = (0, 1, 1, 3, 3, 5, 6, 7, 7, 6, 5, 11, 11, 13)
PAPER_DATES = (
    *("2012-03-05",) * 4, *("2015-04-01",) * 5, "2016-10-03", "2016-10-03", "2017-04-24", "2017-04-24", "2017-08-07",
)  # fmt: skip
PROGRESSION, RELAPSE = 4, 5


@dataclass(frozen=True, eq=False)
class Case:
    """One simulated patient: its tree, its truth, its counts."""

    parent: np.ndarray
    bound: np.ndarray
    time: np.ndarray
    counts: np.ndarray
    treated: np.ndarray


def random_tree(rng: np.random.Generator, clones: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """A random recursive tree with one founder, and dates that fall no earlier below."""
    parent = np.array([0, *(1 + rng.integers(k) for k in range(1, clones))])
    days = np.array([to_days(date, ORIGIN) for date in DATES])
    bound = days[rng.integers(len(days), size=clones)]
    bound[0] = days[0]
    for k in range(1, clones):
        bound[k] = max(bound[k], bound[parent[k] - 1])
    return parent, bound


def simulate(seed: int, settings: Settings, change: str = "") -> Case:
    """Draw a patient from the model, or one that breaks it in one way."""
    rng = np.random.default_rng([seed, 77])
    parent, bound = random_tree(rng)
    own = settings
    if change == "leak":
        own = replace(settings, constants={**settings.constants, "rate_leak": 0.05})
    args: Any = (parent, bound, SIGNATURES, profiles(), own, COURSES, ORIGIN)
    drawn = simulate_branches(*args, detected=0.85, seed=seed)
    counts = drawn.counts
    if change == "fast lineage":
        counts = faster(drawn, parent, rng)
    return Case(parent, bound, drawn.clock.time[0], counts, drawn.made[:, TREATED])


def faster(drawn: Branches, parent: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Counts with the clocks threefold as fast below one node."""
    below = [k + 1 for k in range(1, len(parent)) if (parent == k + 1).any()] or [2]
    ratio = scale_clock(drawn, int(rng.choice(below)), 3.0) / scale_clock(drawn, 1, 1.0)
    extra = np.zeros_like(drawn.counts)
    for k in np.flatnonzero(ratio > 2.0):
        n = rng.poisson(2.0 * drawn.made[k, :TREATED])
        extra[k] = sum(rng.multinomial(n[r], drawn.profiles[r]) for r in range(TREATED))
    out: np.ndarray = drawn.counts + extra
    return out


def paper(seed: int, settings: Settings) -> Case:
    """The published design: the progression lineage splits within the first course."""
    rng = np.random.default_rng([seed, 99])
    first = courses_of(COURSES, ORIGIN)[0]
    split = rng.uniform(first.start + 60, first.end - 240)
    relapse = split + rng.uniform(0.1, 0.6) * (first.end - split)
    bound = np.array([to_days(date, ORIGIN) for date in PAPER_DATES])
    late = [2100, 2150, 2160, 2700, 2600, 2900, 2930, 3010]
    days = np.array([900, 1040, 1000, 1060, split, relapse, *(x + rng.uniform(-25, 25) for x in late)])
    days = np.minimum(days, bound - 1)
    given: dict[str, Any] = {
        "rate": np.array([0.05, 0.5, 1.5]) * np.exp(0.3 * rng.standard_normal(3)), "shape": np.array([8.0, 5.0, 0.5]),
        "strict": np.array(False), "accelerated": np.array(False), "strength": 40.0,
    }  # fmt: skip
    args: Any = (PAPER_PARENT, bound, SIGNATURES, profiles(), settings, COURSES, ORIGIN)
    drawn = simulate_branches(*args, seed=seed, time=days, **given)
    return Case(np.array(PAPER_PARENT), bound, days, drawn.counts, drawn.made[:, TREATED])


def profiles() -> np.ndarray:
    """Reference profiles of the signatures."""
    table = read_reference()
    return table.values[[table.names.index(name) for name in SIGNATURES]]


def date_all(cases: list[Case], settings: Settings, treatments: tuple[Treatment, ...] = COURSES) -> TimedDraws:
    """Run three chains for every patient, all at once; their draws are joined."""
    stack: Callable[[str], np.ndarray] = lambda name: np.repeat(np.stack([getattr(c, name) for c in cases]), CHAINS, 0)  # noqa: E731
    parent = stack("parent")
    trees = make_trees(
        parent, stack("bound"), np.full(parent.shape, 0.85), SIGNATURES, settings, courses_of(treatments, ORIGIN)
    )
    out = sample(
        stack("counts"), trees, profiles(), np.ones(3, bool), settings, tune=TUNE, draws=DRAWS, thin=THIN, seed=11
    )
    joined = {name: value.reshape(len(cases), -1, *value.shape[2:]) for name, value in vars(out).items()}
    return TimedDraws(**joined)


def node_table(kind: str, cases: list[Case], draws: TimedDraws) -> pd.DataFrame:
    """One row a node: truth, interval, thiopurine mutations on the branches at it, P(during a course)."""
    rows = []
    courses = courses_of(COURSES, ORIGIN)
    for i, case in enumerate(cases):
        low, high = hdi(draws.time[i])
        during = [(draws.time[i] >= c.start) & (draws.time[i] < c.end) for c in courses]
        for k in range(len(case.parent)):
            below = case.treated[case.parent == k + 1].sum()
            rows.append({
                "kind": kind, "patient": i, "node": k + 1, "true": case.time[k], "lo": low[k], "hi": high[k],
                "mean": draws.time[i, :, k].mean(), "treated": int(case.treated[k] + below),
                "p_during": float(np.mean(during[0][:, k] | during[1][:, k])),
                "is_during": any(c.start <= case.time[k] < c.end for c in courses),
            })  # fmt: skip
    table = pd.DataFrame(rows)
    table["covered"] = (table["lo"] <= table["true"]) & (table["true"] <= table["hi"])
    table["width_months"] = (table["hi"] - table["lo"]) / 30.4375
    return table


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Coverage and width by kind of patient and by thiopurine mutations at the node."""
    cut = pd.cut(table["treated"], WIDTHS, right=False)
    parts = [table.assign(treated="all"), table.assign(treated=cut.astype(str))]
    grouped = pd.concat(parts).groupby(["kind", "treated"], sort=False)
    error = grouped.apply(lambda t: (t["mean"] - t["true"]).abs().median() / 30.4375, include_groups=False)
    each = pd.concat(parts).groupby(["kind", "treated", "patient"], sort=False)["covered"].mean()
    return (
        grouped.agg(
            nodes=("covered", "size"), coverage=("covered", "mean"), median_width_months=("width_months", "median")
        )
        .assign(median_error_months=error, coverage_se=each.groupby(["kind", "treated"], sort=False).sem())
        .reset_index()
    )


def reliability(table: pd.DataFrame) -> pd.DataFrame:
    """Share of nodes that lie in a course, by the probability that was given for it."""
    bins = pd.cut(table["p_during"], [-0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0])
    out = table.groupby(bins, observed=True).agg(
        nodes=("is_during", "size"), given=("p_during", "mean"), true=("is_during", "mean")
    )
    return out.reset_index(names="probability")


def draw_picture() -> Path:
    """Draw the reliability diagram, and the width of intervals by the number of thiopurine mutations."""
    from clonalbayes.plots import style

    given = pd.read_csv(RESULTS / "timing_reliability.tsv", sep="\t")
    table = pd.read_csv(RESULTS / "timing.tsv", sep="\t")
    within = table[(table["kind"] == "within the model") & (table["treated"] != "all")]
    within = within.assign(first=within["treated"].str.extract(r"([0-9.]+)").astype(float)[0]).sort_values("first")
    with style.style():
        left, right = style.new_axes(1, 2, 7.4, 3.2)[0]
        error = 1.96 * np.sqrt(np.maximum(given["true"] * (1 - given["true"]), 1e-4) / given["nodes"])
        left.plot([0, 1], [0, 1], color="0.6", lw=0.8)
        left.errorbar(given["given"], given["true"], error, fmt="o", color=style.colour_of(1), ms=4, lw=1)
        left.set(xlabel="probability that the node lies within a course", ylabel="share of nodes that do",
                 xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))  # fmt: skip
        place = np.arange(len(within))
        right.bar(place, within["median_width_months"], 0.6, color=style.colour_of(1))
        right.plot(place, within["median_error_months"], "o", color="black", ms=4)
        right.set_xticks(place, ["below 20", "20 to 100", "100 to 500", "from 500"][: len(within)])
        right.set(xlabel="thiopurine mutations at the node", ylabel="months: width (bar), error (dot), medians")
        return style.save(style.figure_of(left), RESULTS / "timing.png")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="seed of the first patient (default: %(default)s)")
    parser.add_argument("--broken", type=int, default=30)
    parser.add_argument("--replicates", type=int, default=40)
    parser.add_argument("--picture", action="store_true")
    options = parser.parse_args()
    if options.picture:
        print(draw_picture())
        return 0
    settings = load("timing", "timing")
    RESULTS.mkdir(exist_ok=True)
    started = time.process_time()
    cases = [simulate(seed, settings) for seed in range(options.first, options.first + options.patients)]
    tables = [node_table("within the model", cases, date_all(cases, settings))]
    print(f"{options.patients} patients: {time.process_time() - started:.0f} CPU s", flush=True)
    reliability(tables[0]).to_csv(RESULTS / "timing_reliability.tsv", sep="\t", index=False, float_format="%.3f")
    summarise(tables[0]).to_csv(RESULTS / "timing.tsv", sep="\t", index=False, float_format="%.3f")
    for change in ("fast lineage", "leak"):
        cases = [simulate(1000 + seed, settings, change) for seed in range(options.broken)]
        tables.append(node_table(change, cases, date_all(cases, settings)))
    cases = [simulate(1000 + seed, settings) for seed in range(options.broken)]
    shifted = tuple(Treatment(t.name, _later(t.start), _later(t.end)) for t in COURSES)
    tables.append(node_table("windows a month late", cases, date_all(cases, settings, shifted)))
    summary = summarise(pd.concat(tables))
    summary.to_csv(RESULTS / "timing.tsv", sep="\t", index=False, float_format="%.3f")
    print(summary.to_string(), flush=True)
    cases = [paper(seed, settings) for seed in range(options.replicates)]
    draws = date_all(cases, settings)
    first = courses_of(COURSES, ORIGIN)[0]
    p = ((draws.time[:, :, PROGRESSION] >= first.start) & (draws.time[:, :, PROGRESSION] < first.end)).mean(1)
    frame = node_table("published design", cases, draws)
    frame = frame[frame["node"] == PROGRESSION + 1].assign(p_first_course=p)
    frame.to_csv(RESULTS / "timing_published_design.tsv", sep="\t", index=False, float_format="%.3f")
    print(f"published design: P > 0.95 in {np.mean(p > 0.95):.3f} of {len(p)}; coverage {frame['covered'].mean():.3f}")
    print(f"{time.process_time() - started:.0f} CPU s in all; {draw_picture()}")
    return 0


def _later(date: str) -> str:
    from clonalbayes.timing.calendar import to_date

    return to_date(30.0, date)


if __name__ == "__main__":
    raise SystemExit(main())
