"""What a page says, read from a result folder: clones, samples, what was found, what was left out."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from clonalbayes.results import RUN, Result, open_result

from .events import Placed, place_events, read_table_of_events

SURE = 0.95
"""Probability from which a clone surely is in a sample."""

RANKS = {"driver": 0, "clonotype": 2}
"""Order of the kinds of events on a branch; rearrangements are between drivers and clonotypes."""

NUMBERS = ("prevalence_mean", "prevalence_lo", "prevalence_hi", "ccf_mean", "p_present")


@dataclass(frozen=True)
class Size:
    """One clone in one sample: shares of all cells, and how sure it is that the clone is there.

    Attributes
    ----------
    mean, lo, hi
        Mean and 95 % interval of the cellular prevalence.
    ccf
        Mean share of the tumour cells.
    present
        Probability that the clone is in the sample.
    """

    mean: float
    lo: float
    hi: float
    ccf: float
    present: float


@dataclass
class Clone:
    """One consensus clone.

    Attributes
    ----------
    number, mutations
        Its number, and how many mutations it has.
    parent, support
        Its parent (0 the normal cells, None without a tree) and how probable that is.
    sizes
        By sample.
    events
        What is on its branch.
    """

    number: int
    mutations: int
    parent: int | None
    support: float
    sizes: dict[str, Size] = field(default_factory=dict)
    events: list[Placed] = field(default_factory=list)


class Content:
    """What a result folder says.

    Parameters
    ----------
    result
        The opened folder.
    events
        Table of events to place on the branches; by default ``events.tsv`` of the folder, if it is there.
    """

    def __init__(self, result: Result, events: Path | None = None) -> None:
        self.result, self.folder = result, result.folder
        self.run: dict[str, Any] = result.run
        self._events = events

    @classmethod
    def of(cls, folder: str | Path, events: Path | None = None) -> Content:
        """Open a result folder.

        Raises
        ------
        InputError
            If it is no result, or the table of events cannot be read.
        """
        return cls(open_result(folder), events)

    def rows(self, name: str) -> list[dict[str, str]]:
        """Rows of a table of the folder, as texts; empty if it is not there."""
        path = self.folder / f"{name}.tsv"
        if not path.is_file():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t"))

    def has(self, *names: str) -> bool:
        """Whether the folder has these files."""
        return all((self.folder / name).is_file() for name in names)

    @cached_property
    def has_trees(self) -> bool:
        """Whether the model has trees."""
        return "trees" in self.run and self.has("edges.tsv")

    @cached_property
    def described(self) -> Mapping[str, Any]:
        """What the run file said of the patient; empty for a fit of a table."""
        entry = self.run.get("run_file")
        return entry if isinstance(entry, Mapping) else {}

    @cached_property
    def patient(self) -> str:
        """Name of the patient, or of the input."""
        name = self.described.get("patient") or Path(str(self.run.get("settings", {}).get("input", ""))).name
        return str(name or self.folder.name)

    @cached_property
    def samples(self) -> list[str]:
        """Samples in their order."""
        return [row["sample"] for row in self.rows("samples")]

    @cached_property
    def dates(self) -> dict[str, str]:
        """Date by sample, where known."""
        return self._of_samples("date")

    @cached_property
    def groups(self) -> dict[str, str]:
        """Group by sample, where known."""
        return self._of_samples("group")

    def _of_samples(self, key: str) -> dict[str, str]:
        given = {str(s.get("name")): str(s.get(key) or "") for s in self.described.get("samples", [])}
        if not given and not self.described:
            from clonalbayes.plots.source import group, opened

            with opened(self.result, consensus=False) as tree:
                held = group(tree, "constant_data")
                if key in held:
                    given = dict(zip(held["specimen"].values.astype(str), held[key].values.astype(str), strict=True))
        return {name: text[:10] if key == "date" else text for name, text in given.items() if text not in ("", "NaT")}

    @cached_property
    def clones(self) -> list[Clone]:
        """Clones by number, with what is on their branches."""
        found: dict[int, Clone] = {}
        for row in self.rows("clones"):
            number = int(row["clone"])
            if number not in found:
                parent = row.get("parent", "NA")
                known = parent not in ("", "NA", None)
                support = _number(row.get("parent_probability", "NA"))
                found[number] = Clone(number, int(row["n_mutations"]), int(parent) if known else None, support)
            mean, lo, hi, ccf, present = (_number(row[name]) for name in NUMBERS)
            found[number].sizes[row["sample"]] = Size(mean, lo, hi, ccf, present)
        for event in self.events:
            if event.clone in found:
                found[event.clone].events.append(event)
        for number in found:
            found[number].events.sort(key=lambda event: RANKS.get(event.kind, 1))
        return [found[number] for number in sorted(found)]

    @cached_property
    def labels(self) -> dict[str, tuple[str, float]]:
        """Clone (or noise, germline) of each mutation, with the probability."""
        with (self.folder / "mutations.tsv").open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter="\t")
            head = next(rows)
            mutation, clone, probability = (head.index(name) for name in ("mutation", "clone", "probability"))
            return {row[mutation]: (row[clone], _number(row[probability])) for row in rows}

    @cached_property
    def events(self) -> list[Placed]:
        """Events, each with the branch that it is on where that is known."""
        path = self._events or self.folder / "events.tsv"
        if self._events is None and not path.is_file():
            return []
        present: dict[int, set[str]] = {}
        for row in self.rows("clones"):
            there = present.setdefault(int(row["clone"]), set())
            if _number(row["p_present"]) >= SURE:
                there.add(row["sample"])
        return place_events(read_table_of_events(path), self.labels, present)

    @cached_property
    def unsettled(self) -> list[dict[str, str]]:
        """Clones whose parent is not sure."""
        return self.rows("identifiability")

    @cached_property
    def range_of_clones(self) -> tuple[int, int]:
        """Smallest and largest of the likeliest numbers of clones that hold 95 % together."""
        rows = sorted(((float(r["probability"]), int(r["n_clones"])) for r in self.rows("n_clones")), reverse=True)
        held, kept = 0.0, []
        for probability, number in rows:
            if held < 0.95:
                held += probability
                kept.append(number)
        return (min(kept), max(kept)) if kept else (0, 0)

    def findings(self, part: str) -> list[str]:
        """Sentences that a part of the run left in run.json."""
        entry = self.run.get(part)
        said = entry.get("findings", []) if isinstance(entry, Mapping) else []
        return [str(sentence) for sentence in said] if isinstance(said, list) else []

    @cached_property
    def run_text(self) -> str:
        """run.json as it is."""
        text = (self.folder / RUN).read_text(encoding="utf-8")
        json.loads(text)
        return text


def _number(text: str | None) -> float:
    try:
        return float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")
