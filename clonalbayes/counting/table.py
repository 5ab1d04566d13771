"""The counts of all sites in all samples, and the long table that they are written as."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .layout import (
    ALL_ALT,
    ALL_OTHER,
    ALL_REF,
    ALT_FORWARD,
    ALT_REVERSE,
    CLIP_MEDIAN,
    CLIP_SHARE,
    END_MEDIAN,
    GAP_SHARE,
    KIND,
    N_A,
    N_ALT,
    N_C,
    N_CAPPED,
    N_DELETED,
    N_DISAGREE,
    N_G,
    N_OTHER,
    N_REF,
    N_SILENT,
    N_T,
    PLACE_MEAN,
    PLACE_MEDIAN,
    RATIO_MEDIAN,
    REF_FORWARD,
    REF_REVERSE,
    SCORE_MEDIAN,
    SNV,
)
from .sites import KINDS, Sites

if TYPE_CHECKING:
    import pandas as pd

COUNTED, NO_CONTIG, CAPPED = "counted", "no contig", "capped"
"""What became of a site in a sample."""

COUNTS: dict[str, tuple[int, ...]] = {
    "alt_count": (N_ALT,),
    "ref_count": (N_REF,),
    "other_count": (N_OTHER,),
    "depth": (N_ALT, N_REF, N_OTHER),
    "alt_forward": (ALT_FORWARD,),
    "alt_reverse": (ALT_REVERSE,),
    "ref_forward": (REF_FORWARD,),
    "ref_reverse": (REF_REVERSE,),
    "a_count": (N_A,),
    "c_count": (N_C,),
    "g_count": (N_G,),
    "t_count": (N_T,),
    "alt_count_all": (ALL_ALT,),
    "depth_all": (ALL_ALT, ALL_REF, ALL_OTHER),
    "deleted_count": (N_DELETED,),
    "disagreeing": (N_DISAGREE,),
    "uninformative": (N_SILENT,),
}
"""Column -> the counts that are summed in it."""

ONLY_SNV = ("a_count", "c_count", "g_count", "t_count")

FACTS: dict[str, int] = {
    "position_mean": PLACE_MEAN,
    "position_median": PLACE_MEDIAN,
    "end_distance": END_MEDIAN,
    "asmd": SCORE_MEDIAN,
    "asrd": RATIO_MEDIAN,
    "clpm": CLIP_MEDIAN,
    "clipped_share": CLIP_SHARE,
    "gapped_share": GAP_SHARE,
}
"""Column -> number about the supporting reads."""

COLUMNS = ("mutation_id", "chrom", "pos", "ref", "alt", "kind", "sample_id", *COUNTS, *FACTS, "status")
"""Columns of the table, in order."""


@dataclass(frozen=True)
class Counts:
    """Counts of n sites in m samples.

    Parameters
    ----------
    sites
        The sites.
    samples
        Names of the samples.
    counts
        int32 [m, n, COUNT_WIDTH], see `layout`; -1 where a sample lacks the contig.
    facts
        float64 [m, n, FACT_WIDTH] about the supporting reads, NaN where there are none.
    notes
        What a user should know.
    """

    sites: Sites
    samples: list[str]
    counts: np.ndarray
    facts: np.ndarray
    notes: list[str]

    def __repr__(self) -> str:
        """Say how much was counted."""
        return f"<Counts: {len(self.sites)} sites in {len(self.samples)} samples>"

    def column(self, name: str) -> np.ndarray:
        """Return one column as a grid of sites and samples.

        Parameters
        ----------
        name
            One of `COUNTS` (int32, -1 unknown) or `FACTS` (float64, NaN unknown).

        Returns
        -------
        numpy.ndarray
            [n, m].
        """
        if name in FACTS:
            return np.ascontiguousarray(self.facts[:, :, FACTS[name]].T)
        total = self.counts[:, :, list(COUNTS[name])].sum(axis=2).T
        unknown = self.counts[:, :, N_ALT].T < 0
        if name in ONLY_SNV:
            unknown = unknown | (self.sites.table[:, KIND] != SNV)[:, None]
        return np.where(unknown, -1, total).astype(np.int32)

    def frame(self) -> pd.DataFrame:
        """Return the long table, one row a site and sample; unknown is missing."""
        import pandas as pd

        names = list(COLUMNS)
        n, m = len(self.sites), len(self.samples)
        values: dict[str, Any] = {}
        for name in names:
            if name in COUNTS:
                column = pd.array(self.column(name).ravel(), dtype="Int32")
                column[self.column(name).ravel() < 0] = pd.NA
                values[name] = column
            elif name in FACTS:
                values[name] = self.column(name).ravel()
            elif name == "pos":
                values[name] = np.repeat([site.pos for site in self.sites.sites], m)
            else:
                values[name] = self._texts(name)
        return pd.DataFrame(values, index=range(n * m))

    def write(self, path: Path) -> None:
        """Write the long table as text, tab-separated: whole or not at all.

        Parameters
        ----------
        path
            The file; it is replaced if it is there.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            with part.open("w", encoding="utf-8") as out:
                out.write("\t".join(COLUMNS) + "\n")
                out.writelines(self._lines())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)

    def _lines(self) -> Iterator[str]:
        columns = [self._texts(name) for name in COLUMNS]
        for cells in zip(*columns, strict=True):
            yield "\t".join(cells) + "\n"

    def _texts(self, name: str) -> list[str]:
        """Return one column of the long table as texts, empty where unknown."""
        m = len(self.samples)
        if name in COUNTS:
            return ["" if value < 0 else str(value) for value in self.column(name).ravel().tolist()]
        if name in FACTS:
            return ["" if value != value else f"{value:.4g}" for value in self.column(name).ravel().tolist()]
        if name == "sample_id":
            return self.samples * len(self.sites)
        if name == "status":
            return [text for row in zip(*self._status(), strict=True) for text in row]
        if name == "kind":
            each = [KINDS[kind] for kind in self.sites.table[:, KIND].tolist()]
        else:
            attribute = "name" if name == "mutation_id" else name
            each = [str(getattr(site, attribute)) for site in self.sites.sites]
        return [text for text in each for _ in range(m)]

    def _status(self) -> list[list[str]]:
        """What became of each site, for each sample."""
        return [
            [NO_CONTIG if alt < 0 else CAPPED if capped else COUNTED for alt, capped in zip(a, c, strict=True)]
            for a, c in zip(self.counts[:, :, N_ALT].tolist(), self.counts[:, :, N_CAPPED].tolist(), strict=True)
        ]
