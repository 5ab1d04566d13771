"""Count one stretch of sites of one contig in one sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from clonalbayes.faults import InputError, fail

from .bam import COPY, REINDEX, SORT
from .blocks import DamagedError
from .feed import SPAN, Feed
from .layout import (
    BAD_RECORD,
    DONE,
    DROP_ORPHANS,
    FIRST,
    FULL,
    HELD,
    LAST_POS,
    LEFT,
    LONGEST_SPAN,
    MATES,
    MAX_DEPTH,
    MIN_BASE,
    MIN_MAPPING,
    N_CAPPED,
    OTHER_CONTIG,
    RIGHT,
    SAID_WIDTH,
    STATUS,
    UNSORTED,
)
from .molecules import resolve
from .scanning import scan

FEW, MANY = 2, 4
"""Blocks that are unpacked at a time: few where sites lie far apart, many where every read is needed."""

ROWS = 4096
TROUBLE = {
    BAD_RECORD: ("a record is damaged", COPY),
    UNSORTED: ("the records are not sorted by coordinate", SORT),
    OTHER_CONTIG: ("the index leads to reads of another contig", REINDEX),
}

MATE_RULES = ("neither", "better", "both")


@dataclass(frozen=True)
class Rules:
    """Which reads count.

    Parameters
    ----------
    min_base_quality, min_mapping_quality
        Least qualities, themselves allowed.
    orphans
        Whether reads whose mate is not mapped in a proper pair count.
    mates
        What counts where the two reads of a molecule disagree: ``neither``, or the ``better`` base. ``both``
        counts every read as a molecule of its own.
    max_depth
        Reads that are looked at at one site, the first ones in the file; None = all.
    """

    min_base_quality: int = 25
    min_mapping_quality: int = 30
    orphans: bool = False
    mates: str = "neither"
    max_depth: int | None = None

    def array(self) -> np.ndarray:
        """Return the rules as the compiled code reads them, int64 [5]."""
        rules = np.zeros(5, np.int64)
        rules[MIN_MAPPING], rules[MIN_BASE] = self.min_mapping_quality, self.min_base_quality
        rules[DROP_ORPHANS], rules[MAX_DEPTH] = not self.orphans, self.max_depth or 0
        rules[MATES] = MATE_RULES.index(self.mates)
        return rules


class Opened(Protocol):
    """A file of alignments that can be counted: `bam.BamFile`, `cram.CramFile`."""

    leap: bool

    @property
    def name(self) -> str:
        """Name in messages."""
        ...

    def feed(self, contig: int, places: list[tuple[int, int]]) -> Feed:
        """Open the records of one contig."""
        ...


class Part:
    """Sites of one contig, on the way to being counted.

    Parameters
    ----------
    sites, codes
        As `scanning.scan` takes them; `sites` is a stretch, sorted by LEFT.
    counts, facts
        int32 [n, COUNT_WIDTH] and float64 [n, FACT_WIDTH], written.
    rules
        Which reads count.
    """

    def __init__(
        self, sites: np.ndarray, codes: np.ndarray, counts: np.ndarray, facts: np.ndarray, rules: Rules
    ) -> None:
        self.sites, self.codes, self.counts, self.facts = sites, codes, counts, facts
        self.rules, self.limit = rules.array(), rules.max_depth or 0
        self.reach = np.maximum.accumulate(sites[:, RIGHT])
        self.state = np.zeros(5, np.int64)
        self.seen = np.zeros(len(sites), np.int32)
        self.said = np.empty((ROWS, SAID_WIDTH), np.int32)
        self.names = np.empty(ROWS, np.uint64)
        self.resolved = 0

    def take(self, data: bytes, contig: int) -> bytes:
        """Go through records and return the bytes that begin a record which is not complete.

        Parameters
        ----------
        data
            Records as they lie in the file, unpacked.
        contig
            Index of the contig.

        Raises
        ------
        DamagedError
            If they are no records of this contig in order; the second argument is the remedy.
        """
        buf = np.frombuffer(data, np.uint8)
        at = 0
        while True:
            rest = buf[at:]
            at += scan(
                rest, len(rest), contig, self.sites, self.reach, self.codes, self.rules, self.state, self.seen,
                self.said, self.names,
            )  # fmt: skip
            status = int(self.state[STATUS])
            if status in TROUBLE:
                raise DamagedError(*TROUBLE[status])
            before = self.state[HELD]
            self.resolve()
            if status != FULL:
                return data[at:]
            if self.state[HELD] == before:
                self.said = np.concatenate([self.said, np.empty_like(self.said)])
                self.names = np.concatenate([self.names, np.empty_like(self.names)])

    def resolve(self, *, all_sites: bool = False) -> None:
        """Count the molecules at the sites that no later read can reach."""
        complete = len(self.sites) if all_sites else int(self.state[FIRST])
        if complete > self.resolved and self.state[HELD]:
            self.state[HELD] = resolve(
                self.said, self.names, self.state[HELD], self.resolved, complete, self.rules, self.counts, self.facts
            )
        self.resolved = complete
        if all_sites and self.limit:
            self.counts[:, N_CAPPED] = self.seen > self.limit


def count_part(
    opened: Opened, contig: int, sites: np.ndarray, codes: np.ndarray, counts: np.ndarray, facts: np.ndarray,
    rules: Rules,
) -> None:  # fmt: skip
    """Count one stretch of sites of one contig in one sample.

    Parameters
    ----------
    opened
        The file.
    contig
        Index of the contig in the file.
    sites, codes, counts, facts, rules
        As in `Part`.

    Raises
    ------
    InputError
        If the file is damaged, not sorted, or not the one that the index was made of.
    """
    try:
        leapt, part = opened.leap, Part(sites, codes, counts, facts, rules)
        _count(opened, contig, part)
        if leapt and part.state[LONGEST_SPAN] > SPAN:  # reads such as these may lie in blocks that were left out
            opened.leap = False
            counts[:], facts[:] = 0, np.nan
            _count(opened, contig, Part(sites, codes, counts, facts, rules))
    except DamagedError as error:
        what, *remedy = error.args
        raise fail(opened.name, f"the file cannot be read: {what}", *(remedy or [COPY])) from None
    except OSError as error:
        raise fail(opened.name, f"the file cannot be read ({error.strerror or error})", COPY) from None


def _count(opened: Opened, contig: int, part: Part) -> None:
    places = list(zip(part.sites[:, LEFT].tolist(), part.sites[:, RIGHT].tolist(), strict=True))
    feed = opened.feed(contig, places)
    rest, n_blocks = feed.rest, FEW
    with feed.blocks as blocks:
        while part.state[STATUS] != DONE:
            first = int(part.state[FIRST])
            skip = feed.skip(places[first][0] - 1, int(part.state[LAST_POS]))
            if skip is None:
                break
            if skip >= 0:
                rest, n_blocks = b"", FEW
                part.state[LAST_POS] = -1
            parts = blocks.read(n_blocks)
            if not parts:
                if rest:
                    raise DamagedError("it ends in the middle of a record")
                break
            data = b"".join([rest, *parts])
            rest = part.take(data[skip:] if skip > 0 else data, contig)
            if part.state[FIRST] > first:
                n_blocks = min(2 * n_blocks, MANY)
    part.resolve(all_sites=True)


def merged(errors: list[InputError]) -> InputError:
    """Join the faults of several parts, each once."""
    return InputError(dict.fromkeys(fault for error in errors for fault in error.faults))
