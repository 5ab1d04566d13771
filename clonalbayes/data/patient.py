"""A patient: the validated data, what was left out, what was assumed, and where it came from."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import xarray as xr

from .assemble import Purity, assemble
from .readers import read_draft


@dataclass(frozen=True, eq=False)
class Patient:
    """One patient's data.

    Parameters
    ----------
    data
        Dataset with dims `mutation`, `specimen`; see `clonalbayes.data.schema`.
    excluded
        Every mutation left out: columns mutation, reason, file, row.
    notes
        What was assumed, to be said aloud.
    digests
        SHA-256 of every input file, by file name.
    """

    data: xr.Dataset
    excluded: pd.DataFrame
    notes: tuple[str, ...]
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def specimens(self) -> tuple[str, ...]:
        """Names of the samples."""
        return tuple(str(s) for s in self.data["specimen"].values)

    def __repr__(self) -> str:
        """Summarise in one line."""
        n = self.data.sizes
        return (
            f"<Patient {self.data.attrs.get('source', '')}: "
            f"{n['mutation']} mutations x {n['specimen']} samples, "
            f"{len(self.excluded)} left out, {len(self.notes)} notes>"
        )


def read(
    path: str | os.PathLike[str],
    *,
    params: str | os.PathLike[str] | None = None,
    purity: Purity | None = None,
    format: str | None = None,
    min_alt: int | None = None,
) -> Patient:
    """Read a patient from a file or folder; the format is recognised by its content.

    Parameters
    ----------
    path
        Long table, Pairtree `.ssm`, cgpVAF table, one of the two tables `NV`/`NR`, a DPClust input folder, a
        folder of PyClone tables or of `NV`/`NR`; packed with gzip or not.
    params
        Pairtree's params file; the one beside the `.ssm` is found by itself.
    purity
        Purity of all samples, or by sample name a purity or a pair (purity, standard error). Overrides
        the file.
    format
        Name of the format, if it is not to be recognised: one of `clonalbayes.data.readers.FORMATS`.
    min_alt
        Ascertainment rule: alt reads that each mutation has in at least one sample. Mutations with fewer are
        left out. By default read off the data, at most 5.

    Returns
    -------
    Patient

    Raises
    ------
    InputError
        With every fault of the input: file, row, column, value and remedy.
    """
    draft = read_draft(Path(path), params=None if params is None else Path(params), format=format)
    data, excluded = assemble(draft, purity, min_alt)
    return Patient(data, excluded, tuple(draft.notes), dict(draft.digests))
