"""Count sites in samples: every file looked at first, then all of them counted in parallel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from clonalbayes.faults import Fault, FaultList, InputError, fail
from clonalbayes.variants.builds import bare, build_of
from clonalbayes.variants.fasta import Reference

from .bam import BamFile, open_bam
from .cram import MAGIC, CramFile, open_cram
from .layout import COUNT_WIDTH, FACT_WIDTH, N_ALT
from .part import MATE_RULES, Rules, count_part, merged
from .sites import Sites, prepare, read_sites
from .table import Counts

SITES_AT_A_TIME = 500
"""Sites of one piece of work: memory and progress go by pieces."""

LARGEST_QUALITY = 254


@dataclass(frozen=True)
class Piece:
    """A stretch of sites in one sample: number of the sample, contig in its file, first and last site."""

    sample: int
    contig: int
    first: int
    last: int


def count(
    sites: str | Path,
    alignments: Sequence[str | Path] | str | Path,
    *,
    reference: str | Path,
    out: str | Path | None = None,
    min_base_quality: int = 25,
    min_mapping_quality: int = 30,
    orphans: bool = False,
    mates: str = "neither",
    max_depth: int | None = None,
    cores: int | None = None,
    progress: bool = False,
) -> Counts:
    """Count the reads of each sample at given sites.

    Parameters
    ----------
    sites
        VCF, or table with the columns chrom, pos, ref and alt (or a mutation ``chrom:pos:ref>alt``).
    alignments
        BAM or CRAM files, one a sample, sorted and indexed. The sample is named by the read groups, else by the
        file; ``NAME=FILE`` names it otherwise.
    reference
        The genome as FASTA.
    out
        File to write the long table to.
    min_base_quality, min_mapping_quality
        Least qualities of a base and a read that count; 40 is used for the mapping quality when the size of a clone is
        estimated from many sites.
    orphans
        Whether reads whose mate is not mapped in a proper pair count.
    mates
        The two reads of a molecule over one site count once. Where they disagree, ``neither`` counts, or the
        ``better`` base. ``both``: each read counts for itself.
    max_depth
        Reads that are looked at at one site; None = all of them.
    cores
        Threads; None = all cores.
    progress
        Whether to show a bar on stderr.

    Returns
    -------
    Counts

    Raises
    ------
    InputError
        With every fault of the sites, the reference and the files. Nothing is written then.
    """
    rules = _rules(min_base_quality, min_mapping_quality, orphans, mates, max_depth)
    paths = [alignments] if isinstance(alignments, str | Path) else list(alignments)
    if not paths:
        raise fail("alignments", "no file is given", "Give a BAM or CRAM file for each sample.")
    genome = Reference(reference)
    faults: list[Fault] = []
    listed = _kept(faults, lambda: prepare(read_sites(Path(sites)), genome, Path(sites).name))
    opened = [_kept(faults, partial(open_alignment, path, genome)) for path in paths]
    if faults or listed is None:
        raise InputError(faults)
    files = [o for o in opened if o is not None]
    _check_names([name for name, _ in files], paths)
    counts, facts = _counted(listed, files, rules, cores or _cores(), progress)
    notes = [note for _, file in files for note in file.notes] + _missing(listed, files, counts)
    result = Counts(listed, [name for name, _ in files], counts, facts, notes)
    if out is not None:
        result.write(Path(out))
    return result


def _counted(
    listed: Sites, files: list[tuple[str, Opened]], rules: Rules, cores: int, progress: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Counts and facts [sample, site, column]; -1 and NaN where a file says nothing."""
    pieces = list(_pieces(listed, files))
    counts = np.full((len(files), len(listed), COUNT_WIDTH), -1, np.int32)
    facts = np.full((len(files), len(listed), FACT_WIDTH), np.nan)
    for p in pieces:
        counts[p.sample, p.first : p.last] = 0
    _run(pieces, files, listed, counts, facts, rules, cores, progress)
    return counts, facts


def _rules(base: int, mapping: int, orphans: bool, mates: str, max_depth: int | None) -> Rules:
    """Check the settings."""
    faults = FaultList()
    for name, value in (("min_base_quality", base), ("min_mapping_quality", mapping)):
        if not 0 <= value <= LARGEST_QUALITY:
            faults.add(name, "the quality is out of range", f"Give 0 to {LARGEST_QUALITY}.", value=str(value))
    if mates not in MATE_RULES:
        faults.add("mates", "there is no such rule", f"Choose of {', '.join(MATE_RULES)}.", value=mates)
    if max_depth is not None and not 0 < max_depth < 1 << 30:
        faults.add("max_depth", "the depth is out of range", "Give at least 1, or none.", value=str(max_depth))
    faults.raise_if_any()
    return Rules(base, mapping, orphans, mates, max_depth)


def _kept[T](faults: list[Fault], make: Callable[[], T]) -> T | None:
    """Do one step; keep its faults instead of raising them."""
    try:
        return make()
    except InputError as error:
        faults += error.faults
        return None


type Opened = BamFile | CramFile


def open_alignment(argument: str | Path, genome: Reference) -> tuple[str, Opened]:
    """Look at one BAM or CRAM file and compare its contigs with the reference.

    Parameters
    ----------
    argument
        ``FILE`` or ``NAME=FILE``.
    genome
        The reference.

    Returns
    -------
    tuple
        Name of the sample, and the file.

    Raises
    ------
    InputError
        If it cannot be counted.
    """
    name, path = _named(argument)
    if path.is_dir():
        raise fail(path.name, "this is a folder", "Give the BAM or CRAM files in it.")
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise fail(str(path), f"cannot be read ({error.strerror or error})", "Check path and permissions.") from None
    if not magic:
        raise fail(path.name, "the file is empty", "Copy it again.")
    if magic[:1] == b"@":
        raise fail(
            path.name, "this is a SAM file", "Make a BAM file of it: `samtools sort -o F.bam`, `samtools index`."
        )
    found: Opened = open_cram(path, genome.path) if magic == MAGIC else open_bam(path)
    _compare(found, genome)
    samples = found.header.samples
    if name is None and len(samples) > 1:
        raise fail(
            path.name, f"the file holds {len(samples)} samples: {', '.join(samples[:5])}",
            "Split it with `samtools split`, or give it as NAME=FILE to count all of it as one.",
        )  # fmt: skip
    return name or (samples[0] if samples else path.name.split(".", 1)[0]), found


def _named(argument: str | Path) -> tuple[str | None, Path]:
    """Split ``NAME=FILE``; an existing file wins."""
    text = str(argument)
    name, mark, rest = text.partition("=")
    if mark and name and rest and "/" not in name and not Path(text).exists():
        return name, Path(rest)
    return None, Path(argument)


def _compare(found: Opened, genome: Reference) -> None:
    """Refuse a file that is aligned to another genome than the reference."""
    for contig, length in found.header.lengths.items():
        known = genome.resolve(contig)
        if known is not None and genome.lengths[known] != length:
            builds = build_of(found.header.lengths), build_of(genome.lengths)
            likely = f" (likely {builds[0]} and {builds[1]})" if all(builds) else ""
            raise fail(
                found.name, f"{contig} has {length} bases here and {genome.lengths[known]} in {genome.name}{likely}",
                "Give the reference that the reads were aligned to.",
            )  # fmt: skip


def _check_names(names: list[str], paths: Sequence[str | Path]) -> None:
    """Refuse two files of one sample."""
    faults = FaultList()
    for i, name in enumerate(names):
        if name in names[:i]:
            remedy = "Merge the files of a sample with `samtools merge`, or name them: NAME=FILE."
            other = Path(paths[names.index(name)]).name
            faults.add(Path(paths[i]).name, f"the sample is that of {other}", remedy, value=name)
    faults.raise_if_any()


def _pieces(listed: Sites, files: list[tuple[str, Opened]]) -> Iterator[Piece]:
    """Cut the work; sites on contigs that a file lacks are left out."""
    ends = [i for i in range(1, len(listed)) if listed.contig[i] != listed.contig[i - 1]] + [len(listed)]
    contigs = [{bare(name): i for i, name in enumerate(file.header.lengths)} for _, file in files]
    first = 0
    for end in ends:
        for at in range(first, end, SITES_AT_A_TIME):
            for sample in range(len(files)):
                contig = contigs[sample].get(bare(listed.contig[first]))
                if contig is not None:
                    yield Piece(sample, contig, at, min(at + SITES_AT_A_TIME, end))
        first = end


def _missing(listed: Sites, files: list[tuple[str, Opened]], counts: np.ndarray) -> list[str]:
    """Say which contigs are missing where; raise if a file has none of them."""
    notes, faults = [], FaultList()
    for s, (name, file) in enumerate(files):
        lost = sorted({listed.contig[i] for i in np.flatnonzero(counts[s, :, N_ALT] < 0)})
        if len(lost) == len(set(listed.contig)):
            faults.add(
                file.name, "none of the contigs of the sites is in the file", "Check that both are of one genome.",
                value=", ".join(lost[:5]),
            )  # fmt: skip
        elif lost:
            notes.append(f"{name}: contigs that {file.name} does not have are missing: {', '.join(lost[:10])}")
    faults.raise_if_any()
    return notes


def _run(
    pieces: list[Piece], files: list[tuple[str, Opened]], listed: Sites, counts: np.ndarray, facts: np.ndarray,
    rules: Rules, cores: int, progress: bool,
) -> None:  # fmt: skip
    """Count all pieces; the first faults of each file end its counting."""

    def work(p: Piece) -> int:
        rows = slice(p.first, p.last)
        count_part(
            files[p.sample][1], p.contig, listed.table[rows], listed.codes, counts[p.sample, rows],
            facts[p.sample, rows], rules,
        )  # fmt: skip
        return p.last - p.first

    errors: list[InputError] = []
    with ThreadPoolExecutor(max_workers=cores) as pool, _bar(progress, pieces) as advance:
        waiting = [pool.submit(work, p) for p in pieces]
        try:
            for done in as_completed(waiting):
                try:
                    advance(done.result())
                except InputError as error:
                    errors.append(error)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    if errors:
        raise merged(errors)


@contextmanager
def _bar(progress: bool, pieces: list[Piece]) -> Iterator[Callable[[int], None]]:
    """Show how many sites of all samples have been counted."""
    if not progress:
        yield lambda _n: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("counting", total=sum(p.last - p.first for p in pieces))

        def advance(n: int) -> Any:
            bar.advance(task, n)

        yield advance


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
