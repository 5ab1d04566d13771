"""What every reader returns: matrices and labels, before defaults, exclusions and validation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Draft:
    """The content of one input in the shape that all formats share.

    Matrices have one row a mutation and one column a specimen. Integers are -1 and floats NaN where unknown;
    a whole matrix or vector that the format lacks is None.

    Parameters
    ----------
    format, source
        Name of the format and of the file or folder.
    mutations, specimens
        Identifiers.
    alt_count, depth
        Read counts, int32.
    rows
        Line of the source at which each mutation is first named.
    files
        Name of the file for the rows.
    major_cn, minor_cn, total_cn, normal_cn
        Copy numbers, int16.
    major_cn_2, minor_cn_2, cn_fraction
        Second copy-number state of subclonal segments, and the share of the first.
    var_read_prob
        Expected share of alt reads were all cells to carry the mutation.
    error_rate, panel_alt, panel_depth, cluster
        One a mutation.
    chrom, pos, ref, alt, context, kind
        One a mutation; "" (or -1) where unknown.
    purity, purity_sd, date, group
        One a specimen.
    treatment, treatment_start, treatment_end
        One a treatment.
    notes
        Things to be said aloud.
    digests
        SHA-256 by file name.
    """

    format: str
    source: str
    mutations: np.ndarray
    specimens: list[str]
    alt_count: np.ndarray
    depth: np.ndarray
    rows: np.ndarray
    files: str = ""
    major_cn: np.ndarray | None = None
    minor_cn: np.ndarray | None = None
    total_cn: np.ndarray | None = None
    normal_cn: np.ndarray | None = None
    major_cn_2: np.ndarray | None = None
    minor_cn_2: np.ndarray | None = None
    cn_fraction: np.ndarray | None = None
    var_read_prob: np.ndarray | None = None
    error_rate: np.ndarray | None = None
    panel_alt: np.ndarray | None = None
    panel_depth: np.ndarray | None = None
    cluster: np.ndarray | None = None
    chrom: np.ndarray | None = None
    pos: np.ndarray | None = None
    ref: np.ndarray | None = None
    alt: np.ndarray | None = None
    context: np.ndarray | None = None
    kind: np.ndarray | None = None
    purity: np.ndarray | None = None
    purity_sd: np.ndarray | None = None
    date: np.ndarray | None = None
    group: np.ndarray | None = None
    treatment: np.ndarray | None = None
    treatment_start: np.ndarray | None = None
    treatment_end: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of mutations and of specimens."""
        return len(self.mutations), len(self.specimens)
