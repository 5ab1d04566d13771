"""Which kind of variant file is it? Decided by content; then read into calls."""

from __future__ import annotations

from pathlib import Path

from clonalbayes.data.readers import FORMATS, read_draft
from clonalbayes.data.readers.text import TextFile
from clonalbayes.faults import FaultList, InputError, fail

from . import callfile, maf, sites_file
from .alleles import BASES, REFERENCE_BASES
from .calls import Calls, Collector
from .vcf import read_vcf_text, refuse


def read_calls(path: Path, *, split_mnv: bool = False) -> Calls:
    """Read one file of variants: VCF, BCF, MAF, a table of sites, or a table of counts with named sites.

    Parameters
    ----------
    path
        The file.
    split_mnv
        Whether substitutions of several bases become one call a base.

    Returns
    -------
    Calls

    Raises
    ------
    InputError
        With every fault of the file.
    """
    source = read_vcf_text(path)
    faults = FaultList()
    reasons = {callfile.MEANING: refuse(source)}
    if reasons[callfile.MEANING] is None:
        calls = callfile.read_calls(source, faults, split_mnv)
    elif (why := sites_file.refuse(source)) is None:
        calls = sites_file.read_calls(source, faults, split_mnv)
    elif (other := maf.refuse(source)) is None:
        calls = maf.read_calls(source, faults, split_mnv)
    else:
        reasons |= {sites_file.MEANING: why, maf.MEANING: other}
        calls = _counted(path, source, reasons, split_mnv)
    faults.raise_if_any()
    return calls


def _counted(path: Path, source: TextFile, reasons: dict[str, str | None], split_mnv: bool) -> Calls:
    """Take the sites of a table of counts, if the file is one."""
    known = [f for f in FORMATS.values() if f.refuse(source) is None]
    if not known:
        tried = "; ".join(f"{what}: {why}" for what, why in reasons.items())
        raise fail(source.name, "the content is of no known format of variants", f"What was tried: {tried}.")
    draft = read_draft(path)
    n = len(draft.mutations)
    if draft.chrom is None or draft.pos is None or draft.ref is None or draft.alt is None:
        raise fail(
            source.name,
            f"the table ({draft.format}) does not say where its mutations are",
            "Give chromosome, position and alleles, as in the id chrom:pos:ref>alt.",
        )
    collector = Collector(source.name, draft.specimens, [""] * len(draft.specimens), split_mnv)
    faults = FaultList()
    for i in range(n):
        ref, alt = str(draft.ref[i]).upper(), str(draft.alt[i]).upper()
        row = int(draft.rows[i])
        if not draft.chrom[i] or draft.pos[i] < 1:
            faults.add(source.name, "the mutation has no position", "Name it chrom:pos:ref>alt.", row=row)
        elif not REFERENCE_BASES.fullmatch(ref) or not BASES.fullmatch(alt) or ref == alt:
            faults.add(source.name, "the alleles are not two sequences of bases", "Name it chrom:pos:ref>alt.", row=row)
        else:
            reads = list(zip(draft.alt_count[i].tolist(), draft.depth[i].tolist(), strict=True))
            site = (str(draft.chrom[i]), int(draft.pos[i]), ref, alt)
            collector.add(site, reads=reads, called=[False] * len(reads), row=row, caller=draft.format)
    faults.raise_if_any()
    calls = collector.finish()
    calls.generic = [False] * len(calls.samples)
    calls.digests = dict(draft.digests)
    calls.notes.append(
        f"{source.name}: a table of counts ({draft.format}), no calls: its sites are called in no sample"
    )
    return calls


def read_all(paths: list[Path], *, split_mnv: bool = False) -> list[Calls]:
    """Read several files, and raise the faults of all of them together.

    Parameters
    ----------
    paths
        The files.
    split_mnv
        As in `read_calls`.

    Raises
    ------
    InputError
        With every fault of every file.
    """
    out, errors = [], []
    for path in paths:
        try:
            out.append(read_calls(path, split_mnv=split_mnv))
        except InputError as error:
            errors.append(error)
    if errors:
        omitted = {k: n for e in errors for k, n in e.omitted.items()}
        raise InputError([f for e in errors for f in e.faults], omitted)
    return out
