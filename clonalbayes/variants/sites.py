"""The union of calls over files, samples and callers: one row a site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from clonalbayes.faults import FaultList, fail

from .agreement import check_builds, reference_names, settle_names
from .builds import bare, chrom_order
from .calls import Calls
from .fasta import Reference
from .naming import name_samples
from .normalise import against_reference
from .output import joined, parted, quoted, write_table
from .reading import read_all
from .sites_file import COLUMNS, EVIDENCE, KEY, parse, refuse
from .vcf import read_vcf_text

PASS = "PASS"


@dataclass
class Sites:
    """The sites of a patient and the calls that name them.

    Parameters
    ----------
    table
        One row a site: columns of `sites_file.COLUMNS`, then `alt_count:SAMPLE` and `depth:SAMPLE` (-1 unknown).
        `filter` and the scores are those of the best call: one that passed, then by ASMD, ASRD and CLPM.
    calls
        One row a call: `calls.RECORD_COLUMNS`, then `file`, `called_in`, `site` (row of `table`) and
        the samples' reads as in `table`.
    samples
        Names of the samples.
    build
        Genome build, None if unknown.
    notes
        Things to be said aloud.
    digests
        SHA-256 by file name.
    """

    table: pd.DataFrame
    calls: pd.DataFrame
    samples: list[str]
    build: str | None = None
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many sites there are."""
        return len(self.table)


def read_variants(
    paths: str | Path | Sequence[str | Path],
    *,
    reference: str | Path | Reference | None = None,
    split_mnv: bool = False,
    pass_only: bool = False,
    names: Mapping[str, str] | None = None,
) -> Sites:
    """Read the variants of a patient from any number of files and join them.

    Parameters
    ----------
    paths
        VCF, BCF, MAF, tables of sites or of counts, of any samples and callers.
    reference
        FASTA of the genome: indels are moved to the left, reference alleles are checked, chromosomes are named as
        in it.
    split_mnv
        Whether substitutions of several bases become one site a base.
    pass_only
        Whether calls that did not pass their caller's filters are left out.
    names
        Name of the tumour sample by path, for files that only say TUMOUR.

    Returns
    -------
    Sites

    Raises
    ------
    InputError
        With every fault of every file; if the files are on different genome builds; if the reference is not the
        one of the calls.
    """
    files = [Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths)]
    if not files:
        raise fail("sites", "no file is given", "Give at least one file of variants.")
    genome = reference if reference is None or isinstance(reference, Reference) else Reference(reference)
    calls = read_all(files, split_mnv=split_mnv)
    notes = name_samples(calls, files, names or {})
    if pass_only:
        notes += _only_passed(calls)
    build = check_builds(calls, genome)
    notes += settle_names(calls) if genome is None else reference_names(calls, genome)
    notes += [note for c in calls for note in c.notes]
    if genome is not None:
        notes += against_reference(calls, genome)
    sites = _union(calls, genome, build)
    sites.notes = notes + sites.notes
    return sites


def _only_passed(calls: list[Calls]) -> list[str]:
    """Leave out the calls that did not pass."""
    faults, notes = FaultList(), []
    for c in calls:
        passed = (c.frame["filter"] == PASS).to_numpy(bool)
        if len(passed) and (c.frame["filter"] == "").all():
            faults.add(
                c.file,
                "no record has been filtered (FILTER is '.' everywhere), so none can have passed",
                "Run the caller's filter, or read the file without --pass-only.",
            )
        elif not passed.all():
            notes.append(f"{c.file}: {(~passed).sum()} of {len(passed)} calls did not pass and are left out")
            c.keep(passed)
    faults.raise_if_any()
    return notes


def _union(calls: list[Calls], genome: Reference | None, build: str | None) -> Sites:
    samples = list(dict.fromkeys(s for c in calls for s in c.samples))
    frame = pd.concat([c.frame.assign(file=c.file) for c in calls], ignore_index=True)
    called = _spread([c.called for c in calls], calls, samples, False)
    alt = _spread([c.alt_count for c in calls], calls, samples, -1)
    depth = _spread([c.depth for c in calls], calls, samples, -1)
    codes = frame.groupby(list(KEY), sort=False).ngroup().to_numpy()
    order = _sorted(frame[list(KEY)].drop_duplicates(ignore_index=True), genome)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    frame["site"] = rank[codes]
    notes = _doubled(frame, called)
    frame["called_in"] = [joined([samples[j] for j in np.flatnonzero(row)]) for row in called]
    table = _table(frame, called, samples, build)
    reads, conflicts = _reads(frame["site"].to_numpy(), alt, depth, len(table))
    if conflicts:
        notes.append(
            f"{conflicts} counts (site x sample) differ between files or callers: those of the file given first stand"
        )
    columns: dict[str, np.ndarray] = {}
    more: dict[str, np.ndarray] = {}
    for j, sample in enumerate(samples):
        columns[f"alt_count:{sample}"], columns[f"depth:{sample}"] = reads[0][:, j], reads[1][:, j]
        more |= {f"alt_count:{sample}": alt[:, j], f"depth:{sample}": depth[:, j]}
    table = pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1)
    frame = pd.concat([frame, pd.DataFrame(more, index=frame.index)], axis=1)
    digests = {f: d for c in calls for f, d in c.digests.items()}
    return Sites(table, frame, samples, build, notes, digests)


def _spread(parts: list[np.ndarray], calls: list[Calls], samples: list[str], empty: object) -> np.ndarray:
    """Put the columns of each file under the samples of all, one file below the other."""
    out = np.full((sum(map(len, parts)), len(samples)), empty, dtype=parts[0].dtype)
    start = 0
    for part, c in zip(parts, calls, strict=True):
        out[start : start + len(part), [samples.index(s) for s in c.samples]] = part
        start += len(part)
    return out


def _sorted(frame: pd.DataFrame, genome: Reference | None) -> np.ndarray:
    """Return the order of sites on the genome."""
    chroms = sorted(frame["chrom"].unique(), key=chrom_order)
    if genome is not None:
        chroms.sort(key=lambda c: (c not in genome.lengths, genome.order(c) if c in genome.lengths else 0))
    place = {c: i for i, c in enumerate(chroms)}
    return frame.assign(chrom=frame["chrom"].map(place)).sort_values(list(KEY), kind="stable").index.to_numpy()


def _doubled(frame: pd.DataFrame, called: np.ndarray) -> list[str]:
    """Say how often a file names one site more than once for the same samples."""
    again = frame.assign(c=[row.tobytes() for row in called]).duplicated(["site", "file", "c"])
    counts = frame.loc[again, "file"].value_counts(sort=False)
    return [f"{file}: {n} calls name a site again and were joined with the first" for file, n in counts.items()]


def _table(frame: pd.DataFrame, called: np.ndarray, samples: list[str], build: str | None) -> pd.DataFrame:
    """Return the table of sites without the samples' reads."""
    n = int(frame["site"].max()) + 1 if len(frame) else 0
    rank = frame.assign(
        failed=frame["filter"] != PASS, low=-frame["asmd"], low_rd=-frame["asrd"], order=np.arange(len(frame))
    )
    best = rank.sort_values(["site", "failed", "low", "low_rd", "clpm", "order"]).drop_duplicates("site")
    table = best[[*KEY, "kind", "filter", *EVIDENCE]].reset_index(drop=True)
    everywhere = np.zeros((n, len(samples)), bool)
    np.logical_or.at(everywhere, frame["site"].to_numpy(), called)
    table["called_in"] = [joined([samples[j] for j in np.flatnonzero(row)]) for row in everywhere]
    callers: list[dict[str, None]] = [{} for _ in range(n)]
    sources: list[list[str]] = [[] for _ in range(n)]
    for site, caller, file, row in zip(frame["site"], frame["caller"], frame["file"], frame["row"], strict=True):
        callers[site].update(dict.fromkeys(parted(caller)))
        sources[site].append(f"{file}:{row}")
    table["callers"] = [joined(list(c)) for c in callers]
    table["sources"] = [joined(s) for s in sources]
    table["n_calls"] = np.array([len(s) for s in sources], np.int32)
    table["build"] = build or ""
    return table[list(COLUMNS)]


def _reads(site: np.ndarray, alt: np.ndarray, depth: np.ndarray, n: int) -> tuple[tuple[np.ndarray, np.ndarray], int]:
    """Return the first known reads of each site and sample, and how many later ones differ."""
    out = np.full((n, alt.shape[1]), -1, np.int32), np.full((n, alt.shape[1]), -1, np.int32)
    conflicts = 0
    for j in range(alt.shape[1]):
        known = np.flatnonzero(depth[:, j] >= 0)[::-1]
        for values, target in ((alt, out[0]), (depth, out[1])):
            target[site[known], j] = values[known, j]  # the last to be written is the first of the file
        other = (out[0][site[known], j] != alt[known, j]) | (out[1][site[known], j] != depth[known, j])
        conflicts += len(np.unique(site[known[other]]))
    return out, conflicts


def write_sites(sites: Sites | pd.DataFrame, path: str | Path) -> None:
    """Write the table of sites.

    Parameters
    ----------
    sites
        The sites, or their table.
    path
        File to write; it appears when it is complete.
    """
    table = (sites.table if isinstance(sites, Sites) else sites).copy()
    for column in ("chrom", "filter", "build"):
        table[column] = [quoted(v) for v in table[column]]
    write_table(table.rename(columns=quoted), Path(path))


def read_sites(path: str | Path) -> pd.DataFrame:
    """Read the sites to be counted: a table that `write_sites` wrote, or any other file of variants.

    Parameters
    ----------
    path
        Table of sites, VCF, BCF, MAF or a table of counts with named sites.

    Returns
    -------
    pandas.DataFrame
        One row a site: `chrom`, `pos` (from 1), `ref`, `alt`, `kind` (snv, indel, mnv), `called_in` (samples, joined
        by commas), `callers`, `filter`, `asmd`, `asrd`, `clpm` (NaN unknown), `n_calls`, `sources`, `build`, and
        `alt_count:SAMPLE`, `depth:SAMPLE` (-1 unknown) for the samples whose reads the file holds.

    Raises
    ------
    InputError
        With every fault of the file, doubled sites included.
    """
    source = read_vcf_text(Path(path))
    if refuse(source) is not None:
        return read_variants([path]).table
    faults = FaultList()
    frame, rows = parse(source, faults)
    keys = frame[list(KEY)].assign(chrom=frame["chrom"].map(bare))
    for i in np.flatnonzero(keys.duplicated().to_numpy()):
        faults.add(
            source.name,
            "the site occurs twice",
            "Remove one of the rows.",
            row=int(rows[i]),
            value=f"{frame['chrom'][i]}:{frame['pos'][i]}",
        )
    faults.raise_if_any()
    return frame


def write_calls(sites: Sites, path: str | Path) -> None:
    """Write every call: which file, row, caller and filter named which site, as the file wrote it.

    Parameters
    ----------
    sites
        The sites.
    path
        File to write; it appears when it is complete.
    """
    frame = sites.calls.drop(columns="site").copy()
    for column in ("chrom", "filter", "id", "qual", "file"):
        frame[column] = [quoted(str(v)) for v in frame[column]]
    write_table(frame.rename(columns=quoted), Path(path))
