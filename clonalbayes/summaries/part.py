"""What one part of the analysis adds to a result folder: tables, arrays, and what it found, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PART_TABLES = (
    *("branches", "timing", "gates", "clock"),
    *("exposures", "signatures", "matches"),
    *("detection", "segments", "events"),
)
PART_ARRAYS = ("timing",)
PART_FILES = (*(f"{name}.tsv" for name in PART_TABLES), *(f"{name}.nc" for name in PART_ARRAYS))
"""Files that parts may add to a result folder; each is there only if the data allow it."""


@dataclass(frozen=True)
class Part:
    """What is written of one part.

    Attributes
    ----------
    name
        Its entry in ``run.json``.
    entry
        Settings and `findings`, a list of sentences; they also say why there is nothing, where there is nothing.
    tables
        Stem of a table -> its rows, of `PART_TABLES`.
    arrays
        Stem of a netCDF file -> Dataset, of `PART_ARRAYS`.
    """

    name: str
    entry: Mapping[str, Any]
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    arrays: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse files that a result would not know as its own.

        Raises
        ------
        ValueError
            If a table or an array is not of the names above.
        """
        unknown = [n for n in self.tables if n not in PART_TABLES] + [n for n in self.arrays if n not in PART_ARRAYS]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: not in PART_TABLES or PART_ARRAYS")
