"""A slow, obvious twin of the counting: pysam's reads one by one, gaps compared after left-alignment."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pysam

from clonalbayes.variants.alleles import left_align

LEFT_OUT = 0x4 | 0x100 | 0x200 | 0x400 | 0x800


@dataclass
class Said:
    """What one read says: allele, quality, mapping quality, and the read itself."""

    allele: str
    quality: float
    mapping: int
    read: object
    place: int = 0


def allele_of(read, site, genome):
    """Return allele ("ref", "alt", "other", "deleted", None) and quality of one read at a site."""
    _, pos, ref, alt = site
    pairs = [(q, r) for q, r, op in read.get_aligned_pairs(with_cigar=True) if op != pysam.CREF_SKIP]
    at = {r: q for q, r in pairs if r is not None}
    if len(ref) == len(alt):
        places = range(pos - 1, pos - 1 + len(ref))
        if not all(p in at for p in places):
            return None, 0, 0
        if any(at[p] is None for p in places):
            return "deleted", 255, 0
        first, last = at[places[0]], at[places[-1]]
        text = read.query_sequence[first : last + 1]
        if set(text) - set("ACGT"):
            return None, 0, 0
        quality = min(read.query_qualities[first : last + 1])
        other = "other" + text * (len(ref) == 1)  # at longer sites all others are one allele
        return ("alt" if text == alt else "ref" if text == ref else other), quality, first
    return gap_allele(read, pairs, site, genome)


def gap_allele(read, pairs, site, genome):
    """Return the allele at an indel; only for reads that span every equivalent place of the gap."""
    chrom, pos, ref, alt = site
    text = genome[chrom].tobytes().decode()

    def before(start, end):
        return text[start:end]

    wanted = left_align(pos, ref, alt, before)
    size = max(len(ref), len(alt)) - 1
    unit = text[wanted[0] : wanted[0] + size] if len(ref) > len(alt) else wanted[2][1:]
    right = wanted[0]  # from 0, the place of the gap's first base
    removed = max(len(wanted[1]) - 1, 0)
    while text[right + removed] == unit[0]:
        unit = unit[1:] + unit[0]
        right += 1
    anchors = (wanted[0] - 1, right + removed)
    at = {r: q for q, r in pairs if r is not None}
    if at.get(anchors[0]) is not None and anchors[1] not in at:
        return fits_better(read.query_sequence[at[anchors[0]] + 1 :], wanted, text), 40, 0
    if not all(a in at for a in anchors):
        return None, 0, 0
    if any(at[a] is None for a in anchors):
        return "other", 40, 0
    for gap in gaps(read, text):
        inside = anchors[0] <= gap[0] - 1 <= anchors[1]
        if inside:
            return ("alt" if left_align(*gap, before) == wanted else "other"), 40, 0
    return "ref", 40, 0


def fits_better(tail, wanted, text):
    """Return the allele that the bases behind the left anchor fit by four more; None if neither."""
    pos, ref, alt = wanted
    sequences = {"ref": text[pos : pos + 400], "alt": alt[1:] + text[pos + len(ref) - 1 : pos + 400]}
    wrong = {k: sum(a != b for a, b in zip(tail, s, strict=False)) for k, s in sequences.items()}
    best = min(wrong, key=wrong.get)
    return best if abs(wrong["ref"] - wrong["alt"]) >= 4 and wrong[best] <= len(tail) // 10 else None


def gaps(read, text):
    """Yield the gaps of a read as position, reference and alternative allele."""
    pos, q = read.reference_start, 0
    for op, n in read.cigartuples:
        if op == 2:
            yield pos, text[pos - 1 : pos + n], text[pos - 1]
        elif op == 1:
            yield pos, text[pos - 1], text[pos - 1] + read.query_sequence[q : q + n]
        if op in (0, 2, 3, 7, 8):
            pos += n
        if op in (0, 1, 4, 7, 8):
            q += n


def count(file, site, genome, base=25, mapping=30, orphans=False, mates="neither"):
    """Count one site in an open alignment file; return a dict of counts."""
    chrom, pos, ref, _ = site
    molecules = defaultdict(list)
    for n, read in enumerate(file.fetch(chrom, max(pos - 2, 0), pos + len(ref) + 60)):
        if read.flag & LEFT_OUT or (read.is_paired and not read.is_proper_pair and not orphans):
            continue
        if read.reference_start > pos + len(ref):
            continue
        allele, quality, place = allele_of(read, site, genome)
        if allele is not None:
            key = read.query_name if mates != "both" else n
            molecules[key].append(Said(allele, quality, read.mapping_quality, read, place))
    out = defaultdict(int)
    supporting = []
    for reads in molecules.values():
        good = [r for r in reads if r.quality >= base and r.mapping >= mapping]
        chosen = choose(good, mates)
        if chosen is None and good:
            out["disagreeing"] += 1
        if chosen is not None:
            out[chosen.allele[:5]] += 1
            if chosen.allele == "alt":
                supporting.append(chosen)
                out["alt_reverse" if chosen.read.is_reverse else "alt_forward"] += 1
        chosen = choose(reads, mates)
        if chosen is not None and chosen.allele != "deleted":
            out["depth_all"] += 1
            out["alt_all"] += chosen.allele == "alt"
    return out, supporting


def choose(reads, mates):
    """Return which read speaks for a molecule."""
    if len(reads) < 2:
        return reads[0] if reads else None
    one, two = reads
    best = max(reads, key=lambda r: (r.quality, r.read.is_read1))
    if one.allele == two.allele:
        return best
    return None if mates == "neither" or one.quality == two.quality else best


def medians(supporting):
    """Return the numbers about the supporting reads."""
    scores = [s.read.get_tag("AS") for s in supporting]
    lengths = [s.read.query_length for s in supporting]
    clips = [sum(n for op, n in s.read.cigartuples if op == 4) for s in supporting]
    places = [n - s.place if s.read.is_reverse else s.place + 1 for s, n in zip(supporting, lengths, strict=True)]
    return {
        "asmd": np.median(scores),
        "asrd": np.median(np.array(scores) / lengths),
        "clpm": np.median(clips),
        "clipped_share": np.mean(np.array(clips) > 0),
        "position_mean": np.mean(places),
        "position_median": np.median(places),
    }
