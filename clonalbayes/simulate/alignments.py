"""Simulated BAM and CRAM files: molecules with a known truth, sequenced as pairs and aligned.

How to make the files of one sample:

>>> import numpy as np, tempfile
>>> from pathlib import Path
>>> from clonalbayes.simulate.fragments import draw_fragments, draw_reference, write_reference
>>> rng = np.random.default_rng(1)
>>> folder = tempfile.TemporaryDirectory()
>>> genome = draw_reference({"chr1": 5000}, rng)
>>> fasta = write_reference(Path(folder.name) / "ref.fa", genome)
>>> ref = chr(genome["chr1"][999])
>>> variants = [("chr1", 1000, ref, "A" if ref != "A" else "C")]
>>> fragments = draw_fragments(genome, variants, vaf=[0.4], depth=50, rng=rng)
>>> simulate_bam(Path(folder.name) / "tumour.bam", genome, fragments, rng, sample="tumour").name
'tumour.bam'
>>> simulate_bam(Path(folder.name) / "t.cram", genome, fragments, rng, fasta=fasta).name
't.cram'
>>> folder.cleanup()

Records are laid out as numpy rows and packed by hand, because a Python call for each read would take minutes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from clonalbayes.simulate.fragments import (
    BASES,
    CLIP,
    CLIPPED,
    DUPLICATE,
    MISALIGNED,
    ORPHAN,
    QC_FAIL,
    SECONDARY,
    SUPPLEMENTARY,
    Fragments,
)
from clonalbayes.simulate.haplotypes import Aligned, align, is_gapped

BATCH = 20_000
BLOCK = 65_280
"""Bytes of a BGZF block before packing, as htslib writes them."""

FAST = 1
"""Level of packing: the usual one takes three times as long, and saves a quarter of the file."""

ERROR_RATE = np.power(10.0, -np.arange(64) / 10.0).astype(np.float32)
"""Chance of an error in a base, by its quality."""

END_OF_FILE = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
FLAGS = {DUPLICATE: 0x400, SECONDARY: 0x100, SUPPLEMENTARY: 0x800, QC_FAIL: 0x200}
NAME_DIGITS = 9
CODE = np.zeros(256, np.uint8)
CODE[np.frombuffer(b"ACGTN", np.uint8)] = (1, 2, 4, 8, 15)


@dataclass(frozen=True)
class Batch:
    """Reads with the same number of CIGAR operations: arrays of n rows, in the terms of the BAM format."""

    contig: np.ndarray
    pos: np.ndarray
    end: np.ndarray
    mapq: np.ndarray
    flag: np.ndarray
    next_contig: np.ndarray
    next_pos: np.ndarray
    tlen: np.ndarray
    molecule: np.ndarray
    cigar: np.ndarray
    bases: np.ndarray
    quality: np.ndarray
    score: np.ndarray
    edits: np.ndarray


def simulate_bam(
    path: Path,
    reference: Mapping[str, np.ndarray],
    fragments: Fragments,
    rng: np.random.Generator,
    *,
    sample: str = "sample",
    fasta: Path | None = None,
) -> Path:
    """Sequence molecules and write their alignments, sorted and indexed.

    Parameters
    ----------
    path
        File to write, ``.bam`` or ``.cram``; the index is written beside it.
    reference
        Contig -> its bases as ASCII, uint8; see `draw_reference`.
    fragments
        The molecules, from `draw_fragments`.
    rng
        Source of randomness: qualities, errors.
    sample
        Name of the sample, in the read group.
    fasta
        The reference as a file, needed for CRAM.

    Returns
    -------
    pathlib.Path
        `path`.
    """
    import pysam

    path = Path(path)
    bam = path.with_suffix(".part.bam") if path.suffix == ".cram" else path
    rows = [row for batch in _batches(reference, fragments, rng) for row in _encode(batch)]
    rows.sort(key=_place)
    with bam.open("wb") as out:
        for block in _blocks(_header(reference, sample), (row for _, row in rows)):
            out.write(_packed(block))
        out.write(END_OF_FILE)
    if path.suffix == ".cram":
        with (
            pysam.AlignmentFile(str(bam)) as source,
            pysam.AlignmentFile(str(path), "wc", template=source, reference_filename=str(fasta)) as cram,
        ):
            for read in source:
                cram.write(read)
        bam.unlink()
    pysam.index(str(path))
    return path


def _place(row: tuple[tuple[int, int], bytes]) -> tuple[int, int]:
    return row[0]


def _batches(reference: Mapping[str, np.ndarray], fragments: Fragments, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield all reads: those of molecules without gaps in bulk, the others one by one."""
    genome = np.concatenate(list(reference.values()))
    offset = np.concatenate([[0], np.cumsum([len(b) for b in reference.values()])])
    library = fragments.library
    scores, shares = np.array(library.mapping_qualities).T
    mapq = rng.choice(scores, len(fragments), p=shares / shares.sum()).astype(np.uint8)
    gapped = np.array([is_gapped(v) for v in fragments.variants], bool)
    order = np.argsort(fragments.carrier, kind="stable")
    carrier, carried = fragments.carrier[order], fragments.carried[order]
    special = np.unique(carrier[gapped[carried]]) if len(carried) else np.zeros(0, np.int64)
    plain = np.setdiff1d(np.arange(len(fragments)), special)
    for at in range(0, len(plain), BATCH):
        chosen = plain[at : at + BATCH]
        yield from _plain(genome, offset, fragments, chosen, carrier, carried, mapq[chosen], rng)
    yield from _special(genome, offset, fragments, special, carrier, carried, mapq, rng)


def _plain(
    genome: np.ndarray, offset: np.ndarray, fragments: Fragments, chosen: np.ndarray,
    carrier: np.ndarray, carried: np.ndarray, mapq: np.ndarray, rng: np.random.Generator,
) -> Iterator[Batch]:  # fmt: skip
    """Yield the reads of molecules that carry no gap."""
    width = fragments.library.read_length
    contig, start, kind = fragments.contig[chosen], fragments.start[chosen], fragments.kind[chosen]
    edits = _substitutions(fragments, offset, chosen, carrier, carried)
    first = [start + offset[contig], start + fragments.length[chosen] - width + offset[contig]]
    shift = np.where(kind == CLIPPED, CLIP, 0)
    for mate in (0, 1):
        column = np.arange(width)
        bases = genome[first[mate][:, None] + column]
        row, place, base = edits
        inside = (place >= first[mate][row]) & (place < first[mate][row] + width)
        bases[row[inside], (place - first[mate][row])[inside]] = base[inside]
        quality = _sequence(bases, fragments, rng)
        clipped = kind == CLIPPED
        bases[clipped, :CLIP] = BASES[rng.integers(0, 4, (int(clipped.sum()), CLIP))]
        skipped = np.where((kind == MISALIGNED)[:, None] & (column >= width // 2), 2, 0)
        aligned = np.minimum(first[mate][:, None] + column + skipped, len(genome) - 1)
        wrong = ((bases != genome[aligned]) & (column >= shift[:, None])).sum(axis=1)
        pos = first[mate] - offset[contig] + shift
        other = first[1 - mate] - offset[contig] + shift
        length = np.where(mate == 0, fragments.length[chosen], -fragments.length[chosen])
        whole = (contig, pos, mapq, _flags(kind, mate), other, length, chosen)
        for name, cigar, gap in (
            (CLIPPED, ((CLIP, 4), (width - CLIP, 0)), 0),
            (MISALIGNED, ((width // 2, 0), (2, 2), (width - width // 2, 0)), 2),
            (None, ((width, 0),), 0),
        ):
            these = (kind == name) if name is not None else (kind != CLIPPED) & (kind != MISALIGNED)
            these &= (kind != ORPHAN) | (mate == 0)
            yield _batch(tuple(x[these] for x in whole), cigar, gap, bases[these], quality[these], wrong[these])


def _batch(
    whole: tuple[np.ndarray, ...], cigar: tuple[tuple[int, int], ...], gap: int,
    bases: np.ndarray, quality: np.ndarray, wrong: np.ndarray,
) -> Batch:  # fmt: skip
    """Put together reads that share one CIGAR."""
    contig, pos, mapq, flag, other, length, molecule = whole
    packed = np.array([n << 4 | op for n, op in cigar], np.uint32)
    on_reference = sum(n for n, op in cigar if op in (0, 2))
    matched = sum(n for n, op in cigar if op == 0)
    score = np.maximum(matched - 5 * wrong - (6 + gap if gap else 0), 0)
    alone = (flag & 0x8) > 0
    return Batch(
        contig, pos, pos + on_reference, mapq, flag, contig, np.where(alone, pos, other), np.where(alone, 0, length),
        molecule, np.broadcast_to(packed, (len(pos), len(packed))), bases, quality, score, wrong + gap,
    )  # fmt: skip


def _substitutions(
    fragments: Fragments, offset: np.ndarray, chosen: np.ndarray, carrier: np.ndarray, carried: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row in `chosen`, place in the genome and new base of every substituted base."""
    low, high = np.searchsorted(carrier, chosen), np.searchsorted(carrier, chosen, side="right")
    rows, places, bases = [], [], []
    for row in np.flatnonzero(high > low):
        for v in carried[low[row] : high[row]]:
            _, pos, _, alt = fragments.variants[v]
            at = offset[fragments.contig[chosen[row]]] + pos - 1
            for k, base in enumerate(alt.encode()):
                rows.append(row)
                places.append(at + k)
                bases.append(base)
    return np.array(rows, np.int64), np.array(places, np.int64), np.array(bases, np.uint8)


def _sequence(bases: np.ndarray, fragments: Fragments, rng: np.random.Generator) -> np.ndarray:
    """Draw the qualities of bases, and put errors into the bases at the rate that the qualities say."""
    levels, ends = _qualities(fragments.library.qualities)
    quality = levels[np.searchsorted(ends, rng.random(bases.shape, np.float32))]
    wrong = np.nonzero(rng.random(bases.shape, np.float32) < ERROR_RATE[quality])
    code = np.searchsorted(BASES, bases[wrong])
    bases[wrong] = BASES[(code + rng.integers(1, 4, len(code))) % 4]
    return quality


@lru_cache
def _qualities(given: tuple[tuple[int, float], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Qualities that bases have, and where each but the last ends among numbers from 0 to 1."""
    levels, shares = np.array(given).T
    return levels.astype(np.uint8), np.cumsum(shares / shares.sum())[:-1]


def _flags(kind: np.ndarray, mate: int) -> np.ndarray:
    """Return the flags of one of the two reads of each molecule; the first is forward, the second reverse."""
    flag = np.full(len(kind), 0x1 | (0x40 | 0x20 if mate == 0 else 0x80 | 0x10), np.uint16)
    flag[kind != ORPHAN] |= 0x2
    flag[kind == ORPHAN] = 0x1 | 0x8 | 0x40
    for name, bit in FLAGS.items():
        flag[kind == name] |= bit
    return flag


def _special(
    genome: np.ndarray, offset: np.ndarray, fragments: Fragments, special: np.ndarray,
    carrier: np.ndarray, carried: np.ndarray, mapq: np.ndarray, rng: np.random.Generator,
) -> Iterator[Batch]:  # fmt: skip
    """Yield the reads of molecules with gaps."""
    for i in special:
        contig = int(fragments.contig[i])
        bases = genome[offset[contig] : offset[contig + 1]]
        here = carried[np.searchsorted(carrier, i) : np.searchsorted(carrier, i, side="right")]
        found = [fragments.variants[v] for v in here]
        start, length = int(fragments.start[i]), int(fragments.length[i])
        reads = align(bases, start, length, found, fragments.library, rng)
        kind = fragments.kind[i : i + 1]
        for mate in (0, 1) if kind[0] != ORPHAN else (0,):
            read: Aligned = reads[mate]
            row = read.bases[None].copy()
            quality = _sequence(row, fragments, rng)
            covered = read.place >= 0
            wrong = np.array([(row[0, covered] != bases[read.place[covered]]).sum()])
            gap = sum(n for n, op in read.cigar if op in (1, 2))
            whole = (
                fragments.contig[i : i + 1], np.array([read.pos]), mapq[i : i + 1], _flags(kind, mate),
                np.array([reads[1 - mate].pos]), np.array([length if mate == 0 else -length]), np.array([i]),
            )  # fmt: skip
            yield _batch(whole, read.cigar, gap, row, quality, wrong)


def _encode(batch: Batch) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Yield the place and the bytes of each record of a batch."""
    n, width = batch.bases.shape
    row = np.dtype([
        ("size", "<i4"), ("contig", "<i4"), ("pos", "<i4"), ("name_length", "u1"), ("mapq", "u1"), ("bin", "<u2"),
        ("ops", "<u2"), ("flag", "<u2"), ("bases", "<i4"), ("next_contig", "<i4"), ("next_pos", "<i4"),
        ("tlen", "<i4"), ("name", "u1", NAME_DIGITS + 2), ("cigar", "<u4", batch.cigar.shape[1]),
        ("seq", "u1", (width + 1) // 2), ("quality", "u1", width), ("as_tag", "S3"), ("score", "<i2"),
        ("nm_tag", "S3"), ("edits", "<i2"), ("rg_tag", "S3"), ("group", "u1", 2),
    ])  # fmt: skip
    out = np.zeros(n, row)
    out["size"], out["name_length"], out["bases"] = row.itemsize - 4, NAME_DIGITS + 2, width
    for name in ("contig", "pos", "mapq", "flag", "next_contig", "next_pos", "tlen", "quality", "score", "edits"):
        out[name] = getattr(batch, name)
    out["ops"], out["cigar"] = batch.cigar.shape[1], batch.cigar.reshape(out["cigar"].shape)
    out["bin"] = _bins(batch.pos, batch.end)
    out["name"][:, 0] = ord("m")
    powers = 10 ** np.arange(NAME_DIGITS - 1, -1, -1)
    out["name"][:, 1:-1] = batch.molecule[:, None] // powers % 10 + ord("0")
    code = CODE[batch.bases]
    code = np.pad(code, ((0, 0), (0, width % 2)))
    out["seq"] = code[:, ::2] << 4 | code[:, 1::2]
    out["as_tag"], out["nm_tag"], out["rg_tag"] = b"ASs", b"NMs", b"RGZ"
    out["group"][:, 0] = ord("1")
    text, size = out.tobytes(), row.itemsize
    for i, place in enumerate(zip(batch.contig.tolist(), batch.pos.tolist(), strict=True)):
        yield place, text[i * size : (i + 1) * size]


def _bins(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the smallest bin of the BAM index that holds each interval."""
    last = end - 1
    found = np.zeros(len(start), np.int64)
    for shift, first in ((26, 1), (23, 9), (20, 73), (17, 585), (14, 4681)):
        found = np.where(start >> shift == last >> shift, first + (start >> shift), found)
    return found


def _header(reference: Mapping[str, np.ndarray], sample: str) -> bytes:
    """Return the beginning of a BAM file."""
    lines = ["@HD\tVN:1.6\tSO:coordinate"]
    lines += [f"@SQ\tSN:{name}\tLN:{len(bases)}" for name, bases in reference.items()]
    text = "".join(line + "\n" for line in [*lines, f"@RG\tID:1\tSM:{sample}"]).encode()
    parts = [b"BAM\1", struct.pack("<i", len(text)), text, struct.pack("<i", len(reference))]
    for name, bases in reference.items():
        parts += [struct.pack("<i", len(name) + 1), name.encode() + b"\0", struct.pack("<i", len(bases))]
    return b"".join(parts)


def _blocks(header: bytes, rows: Iterator[bytes]) -> Iterator[bytes]:
    """Yield blocks that hold whole records, the header in blocks of its own."""
    for at in range(0, len(header), BLOCK):
        yield header[at : at + BLOCK]
    held: list[bytes] = []
    size = 0
    for row in rows:
        if held and size + len(row) > BLOCK:
            yield b"".join(held)
            held, size = [], 0
        held.append(row)
        size += len(row)
    if held:
        yield b"".join(held)


def _packed(block: bytes) -> bytes:
    """Pack one BGZF block."""
    packer = zlib.compressobj(FAST, zlib.DEFLATED, -15)
    data = packer.compress(block) + packer.flush()
    head = struct.pack("<4BI2BH2BHH", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(data) + 25)
    return head + data + struct.pack("<II", zlib.crc32(block), len(block))
