"""The findings of a result in sentences, each with its probability."""

from __future__ import annotations

from .content import Clone, Content

SURE, LIKELY = 0.95, 0.5
LARGE, SMALL = 0.1, 0.05
"""Prevalence from which a clone counts as one that took over, and below which it was small before."""

NARROW = "\u00a0"
"""Space at which no line is broken."""

MOST = 3
"""Sentences of one kind at most."""


def probability(p: float) -> str:
    """Write a probability such that 0 and 1 are not claimed.

    Examples
    --------
    >>> probability(1.0), probability(0.9731), probability(0.0)
    ('> 0.999', '0.97', '< 0.001')
    """
    if p != p:
        return "unknown"
    return "> 0.999" if p > 0.999 else "< 0.001" if p < 0.001 else f"{p:.3f}" if p > 0.99 or p < 0.01 else f"{p:.2f}"


def share(value: float) -> str:
    """Write a share of cells in per cent, with two figures.

    Examples
    --------
    >>> [share(x).replace(NARROW, " ") for x in (0.8312, 0.0026, 0.0, 1.0)]
    ['83 %', '0.26 %', '0 %', '100 %']
    """
    if value != value:
        return "unknown"
    percent = 100.0 * value
    if percent >= 10:
        text = f"{percent:.0f}"
    else:
        text = f"{percent:.1f}" if percent >= 1 else f"{percent:.2g}" if percent >= 0.001 else "0"
    return f"{text}{NARROW}%"


def plural(number: int, word: str) -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> plural(1, "clone"), plural(1234, "mutation")
    ('1 clone', '1,234 mutations')
    """
    return f"{number:,} {word}{'s' * (number != 1)}"


def converged(verdict: str) -> bool:
    """Whether a verdict says that the chains agree."""
    return verdict.strip().lower().startswith("converged")


def summary(content: Content) -> list[str]:
    """Sentences of the page's head, the most important first.

    Parameters
    ----------
    content
        What the result says.
    """
    small = [said for said in content.findings("detection") if "undecided" not in said][:MOST] or _seen_before(content)
    dated = sorted(content.findings("timing"), key=lambda said: ": during " not in said)  # what a treatment narrows
    of_parts = [*content.findings("signatures")[:MOST], *dated[:MOST]]
    return [*_data(content), *_number_of_clones(content), *_tree(content), *small, *_lost(content), *of_parts]


def _data(content: Content) -> list[str]:
    days = sorted(content.dates.values())
    span = f", taken from {days[0]} to {days[-1]}" if days and days[0] != days[-1] else ""
    left = len(content.rows("excluded"))
    out = f"{plural(len(content.samples), 'sample')}{span}; {plural(len(content.labels), 'mutation')} in the fit"
    counts = [sum(1 for clone, _ in content.labels.values() if clone == kind) for kind in ("noise", "germline")]
    more = [f"{n:,} of them more likely {what}" for n, what in zip(counts, ("artefacts", "germline"), strict=True) if n]
    return [f"{', '.join([out, *more])}{f'; {left:,} left out before it' if left else ''}."]


def _number_of_clones(content: Content) -> list[str]:
    low, high = content.range_of_clones
    sure = f"{low}" if low == high else f"{low} to {high}"
    return [f"{plural(len(content.clones), 'clone')} in the consensus; each draw has its own number of clones, with "
            f"95 % probability {sure}."]  # fmt: skip


def _tree(content: Content) -> list[str]:
    found = content.run.get("trees") or {}
    if found.get("p_single_founder") is None:
        return []
    p, said = float(found["p_single_founder"]), []
    if p >= LIKELY:
        said.append(f"All tumour samples descend from one founding clone (probability {probability(p)}).")
    else:
        said.append(f"More than one founding clone is likely: a single one has probability {probability(p)}.")
    for pair in found.get("unrelated_samples", [])[:MOST]:
        said.append(f"Not surely related: {pair if isinstance(pair, str) else ' and '.join(map(str, pair))}.")
    number, best = int(found["n_trees"]), float(found["best_probability"])
    open_ = len(found.get("not_identified", []))
    if number == 1:
        said.append("One tree explains the data; no other was drawn.")
    else:
        where = f"; where {plural(open_, 'clone')} hang{'s' * (open_ == 1)} is open" if open_ else ""
        said.append(f"The most probable of {number:,} trees has probability {probability(best)}{where}.")
    return said


def _in_time(content: Content) -> list[list[str]]:
    """Samples in groups of one time, in order: by date, else by their order."""
    if all(name in content.dates for name in content.samples):
        days = sorted(set(content.dates.values()))
        return [[s for s in content.samples if content.dates[s] == day] for day in days]
    return [[name] for name in content.samples] if not content.dates else []


def named(clone: Clone) -> str:
    """Call a clone by its number, with what is known of its branch."""
    drivers = ", ".join(event.label for event in clone.events[:3])
    return f"clone {clone.number} ({plural(clone.mutations, 'mutation')}{f'; {drivers}' if drivers else ''})"


def _seen_before(content: Content) -> list[str]:
    """Clones that are large at last and were small, but surely there, before: each with its first sample."""
    times = _in_time(content)
    if len(times) < 2 or not content.dates:
        return []
    out: list[tuple[float, str]] = []
    for clone in content.clones:
        last = max(times[-1], key=lambda s: clone.sizes[s].mean)
        if clone.sizes[last].mean < LARGE or clone.sizes[last].present < SURE:
            continue
        for t, names in enumerate(times[:-1]):
            there = [s for s in names if clone.sizes[s].present >= SURE and clone.sizes[s].mean > 0]
            if not there:
                continue
            first = max(there, key=lambda s: clone.sizes[s].mean)
            size = clone.sizes[first]
            if size.mean < SMALL:
                text = (
                    f"{named(clone)[0].upper()}{named(clone)[1:]}, {share(clone.sizes[last].mean)} of the cells of "
                    f"{last}, was already in {first} ({content.dates[first]}) at {share(size.mean)} of the cells (95 "
                    f"% interval {share(size.lo)} to {share(size.hi)}), probability {probability(size.present)}."
                )
                out.append((-t, text))
            break
    return [text for _, text in sorted(out, key=lambda pair: pair[0])][:MOST]


def _lost(content: Content) -> list[str]:
    """Clones that were large at first and are surely gone at last."""
    times = _in_time(content)
    if len(times) < 2 or not content.dates:
        return []
    gone = []
    for clone in content.clones:
        first = max(clone.sizes[s].mean for s in times[0])
        later = [clone.sizes[s].present for names in times[1:] for s in names]
        if first >= LARGE and max(later) < SMALL:
            gone.append(str(clone.number))
    if not gone:
        return []
    which = f"Clone {gone[0]} is" if len(gone) == 1 else f"Clones {', '.join(gone[:-1])} and {gone[-1]} are"
    return [f"{which} large at first and not detected afterwards (probability of presence below {SMALL:g} in every "
            "later sample)."]  # fmt: skip
