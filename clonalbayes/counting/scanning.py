"""Compiled code that reads alignment records as bytes and writes down what each read says at each site.

Everything that `scan` calls lies in this one file, because numba notices a change in a kernel's own file only.
Layout of a record: SAM specification, section 4.2. Nothing in a record is trusted: sizes are checked against
each other before anything is looked up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clonalbayes.kernels.jit import kernel

from .layout import (
    AFTER,
    ALLELE,
    ALT,
    ALT_AT,
    ALT_SIZE,
    BAD_RECORD,
    BASE,
    BEFORE,
    CLIPPED,
    DELETED,
    DONE,
    DROP_ORPHANS,
    FIRST,
    FULL,
    GAP,
    GAPPED,
    HELD,
    KIND,
    LAST_POS,
    LEFT,
    LENGTH,
    LONGEST_SPAN,
    MAPPED,
    MATE,
    MAX_DEPTH,
    MIN_MAPPING,
    MNV,
    MORE,
    NO_SCORE,
    OTHER,
    OTHER_CONTIG,
    PLACE,
    QUALITY,
    REF,
    REF_AT,
    REVERSE,
    RIGHT,
    SCORE,
    SILENT,
    SITE,
    SNV,
    STATUS,
    UNSORTED,
)

LONGEST, LEFT_OUT = 1 << 27, 0x4 | 0x100 | 0x200 | 0x400 | 0x800
NEAR_END, ENOUGH, AROUND, UNKNOWN = 20, 4, 5, 255


@kernel
def _word(buf: np.ndarray, at: int) -> Any:
    """Return four bytes as a signed number; unsigned indices spare the test for negative ones."""
    k, one = np.uint64(at), np.uint64(1)
    low = np.uint32(buf[k]) | np.uint32(buf[k + one]) << np.uint32(8)
    high = np.uint32(buf[k + one + one]) | np.uint32(buf[k + one + one + one]) << np.uint32(8)
    return np.int64(np.int32(low | high << np.uint32(16)))


@kernel
def _half(buf: np.ndarray, at: int) -> Any:
    """Return two bytes as a number."""
    return np.int64(buf[at]) | np.int64(buf[at + 1]) << 8


@kernel
def _base(buf: np.ndarray, seq: Any, q: int) -> Any:
    """Return the 4-bit code of base q of a read."""
    pair = np.int64(buf[seq + (q >> 1)])
    return pair & 15 if q & 1 else pair >> 4


@kernel
def _query_at(buf: np.ndarray, cigar: Any, n_ops: Any, pos: Any, target: Any) -> Any:
    """Return which base of a read is aligned to a place: -1 deleted, -2 outside of the read or skipped."""
    if target < pos:
        return -2
    q = 0
    for k in range(n_ops):
        word = _word(buf, cigar + 4 * k) & 0xFFFFFFFF
        op, n = word & 15, word >> 4
        if op in (0, 7, 8):
            if target < pos + n:
                return q + target - pos
            q += n
            pos += n
        elif op in (1, 4):
            q += n
        elif op in (2, 3):
            if target < pos + n:
                return -1 if op == 2 else -2
            pos += n
    return -2


@kernel
def _shape(buf: np.ndarray, cigar: Any, n_ops: Any) -> Any:
    """Return bases on the reference, bases in the read, clipped bases, and whether there is a gap."""
    span, size, clipped, gapped = 0, 0, 0, 0
    for k in range(n_ops):
        word = _word(buf, cigar + 4 * k) & 0xFFFFFFFF
        op, n = word & 15, word >> 4
        if op in (0, 2, 3, 7, 8):
            span += n
        if op in (0, 1, 4, 7, 8):
            size += n
        if op == 4:
            clipped += n
        if op in (1, 2):
            gapped = 1
        if op > 8:
            return -1, -1, 0, 0
    return span, size, clipped, gapped


@kernel
def _gain(buf: np.ndarray, seq: Any, site: np.ndarray, codes: np.ndarray, first: Any, n: Any, forward: Any) -> Any:
    """Return how many more of a read's n bases fit the alternative than the reference, and how many fit neither.

    Forward: the bases from `first` on, from the left end of the window; else those up to `first`, from its right
    end to the left. Clipped bases are compared like the others.
    """
    size = site[RIGHT] - site[LEFT]
    flank = site[AFTER] if forward else site[BEFORE]
    n = min(n, size + flank, site[ALT_SIZE] + flank)
    miss_ref, miss_alt = 0, 0
    for k in range(n):
        base = _base(buf, seq, first + k if forward else first - k)
        if forward:
            ref = codes[site[REF_AT] + k]
            after = site[REF_AT] + size + k - site[ALT_SIZE]
            alt = codes[site[ALT_AT] + k] if k < site[ALT_SIZE] else codes[after]
        else:
            ref = codes[site[REF_AT] + size - 1 - k]
            before = site[REF_AT] + site[ALT_SIZE] - 1 - k
            alt = codes[site[ALT_AT] + site[ALT_SIZE] - 1 - k] if k < site[ALT_SIZE] else codes[before]
        if base != 15:
            miss_ref += base != ref
            miss_alt += base != alt
    gain = miss_ref - miss_alt
    if min(miss_ref, miss_alt) > n // 10:  # it fits neither
        return max(min(gain, 1), -1)
    return gain


@kernel
def _fits(buf: np.ndarray, seq: Any, first: Any, n: Any, codes: np.ndarray, at: int, allowed: int) -> bool:
    """Whether n bases of a read are those of an allele, but for some that may differ."""
    wrong = 0
    for k in range(n):
        wrong += _base(buf, seq, first + k) != codes[at + k]
        if wrong > allowed:
            return False
    return True


@kernel
def _gap_allele(
    buf: np.ndarray, seq: Any, n_bases: int, cigar: Any, n_ops: Any, pos: Any, end: int, site: np.ndarray,
    codes: np.ndarray,
) -> Any:  # fmt: skip
    """Return allele and place in the read at an indel: the bases between its anchors are compared.

    The window holds every equivalent place of the gap, so it does not matter where an aligner put it. Near the
    ends of a read, where aligners clip or misalign rather than open a gap, a read counts for the reference only if
    the alternative would not fit its end better. A read that ends within the window counts if what it holds of it
    fits one allele clearly better, so that long deletions do not need reference reads to span them.
    """
    size, alt_size = site[RIGHT] - site[LEFT], site[ALT_SIZE]
    left = _query_at(buf, cigar, n_ops, pos, site[LEFT] - 1)
    right = _query_at(buf, cigar, n_ops, pos, site[RIGHT])
    tail = n_bases - left - 1
    if left >= 0 and right >= 0:
        n = right - left - 1
        if n == size:
            gain = 0
            if end - site[RIGHT] < NEAR_END:
                gain = _gain(buf, seq, site, codes, left + 1, tail, np.int64(1))
            if site[LEFT] - pos < NEAR_END:
                gain = max(gain, _gain(buf, seq, site, codes, right - 1, right, np.int64(0)))
            return (REF if gain <= 0 else ALT if gain >= ENOUGH else SILENT), left
        allowed = 0 if alt_size < 5 else 1 + alt_size // 20
        if n == alt_size and _fits(buf, seq, left + 1, n, codes, site[ALT_AT], allowed):
            return ALT, left
        return OTHER, left
    if left >= 0 and right == -2:
        gain = _gain(buf, seq, site, codes, left + 1, tail, np.int64(1))
        if abs(gain) >= ENOUGH:
            return (ALT if gain > 0 else REF), left
    elif right > alt_size and left == -2:
        if _gain(buf, seq, site, codes, right - 1, right, np.int64(0)) >= ENOUGH:
            return ALT, right
    elif pos < site[LEFT] and end > site[RIGHT] and (left == -1 or right == -1):
        return OTHER, max(left, right, 0)
    return SILENT, 0


@kernel
def _block_allele(
    buf: np.ndarray, seq: Any, cigar: Any, n_ops: Any, pos: Any, end: int, site: np.ndarray, codes: np.ndarray
) -> Any:
    """Return allele and place in the read at a site whose alleles have one length."""
    size = site[RIGHT] - site[LEFT]
    left = _query_at(buf, cigar, n_ops, pos, site[LEFT])
    right = left if size == 1 else _query_at(buf, cigar, n_ops, pos, site[RIGHT] - 1)
    if left >= 0 and right >= 0:
        for q in range(left, right + 1):
            if _base(buf, seq, q) not in (1, 2, 4, 8):
                return SILENT, left
        if right - left + 1 != size:
            return OTHER, left
        if _fits(buf, seq, left, size, codes, site[ALT_AT], 0):
            return ALT, left
        return (REF if _fits(buf, seq, left, size, codes, site[REF_AT], 0) else OTHER), left
    if (left == -1 or right == -1) and left != -2 and right != -2:
        return DELETED, 0
    return SILENT, 0


@kernel
def _quality_of(buf: np.ndarray, quals: Any, n_bases: int, site: np.ndarray, place: Any, allele: Any) -> Any:
    """Return the base quality behind an allele: the lowest over an MNV, the mean around an indel."""
    if allele == DELETED or buf[quals] == UNKNOWN:
        return UNKNOWN
    if site[KIND] == SNV:
        return np.int64(buf[quals + place])
    if site[KIND] == MNV:
        lowest: Any = np.int64(UNKNOWN)
        for q in range(place, min(place + site[RIGHT] - site[LEFT], n_bases)):
            lowest = min(lowest, np.int64(buf[quals + q]))
        return lowest
    size = site[ALT_SIZE] if allele == ALT else site[RIGHT] - site[LEFT]
    first, last = max(place - AROUND, 0), min(place + size + AROUND + 1, n_bases)
    total = 0
    for q in range(first, last):
        total += int(buf[quals + q])
    return total // max(last - first, 1)


@kernel
def _score(buf: np.ndarray, at: int, end: int) -> Any:
    """Return the alignment score (tag AS), or NO_SCORE."""
    while at + 3 < end:
        kind = buf[at + 2]
        value = at + 3
        if kind in (65, 67, 99):
            n = 1
        elif kind in (83, 115):
            n = 2
        elif kind in (73, 105, 102):
            n = 4
        elif kind in (90, 72):
            n = 1
            while value + n - 1 < end and buf[value + n - 1] != 0:
                n += 1
        elif kind == 66 and value + 5 <= end:
            unit = buf[value]
            width = 1 if unit in (67, 99) else 2 if unit in (83, 115) else 4
            n = 5 + width * max(_word(buf, value + 1), 0)
        else:
            return NO_SCORE
        if value + n > end:
            return NO_SCORE
        if buf[at] == 65 and buf[at + 1] == 83:
            if n == 4:
                return _word(buf, value)
            number = np.int64(buf[value]) if n == 1 else _half(buf, value)
            signed = kind in (99, 115)
            return number - (1 << 8 * n) if signed and number >= 1 << (8 * n - 1) else number
        at = value + n
    return NO_SCORE


@kernel
def _hash(buf: np.ndarray, at: int, n: Any) -> Any:
    """Return the FNV-1a hash of a read's name; never 0."""
    value = np.uint64(0xCBF29CE484222325)
    for k in range(n):
        value = (value ^ np.uint64(buf[at + k])) * np.uint64(0x100000001B3)
    return value | np.uint64(1)


@kernel
def _say(
    buf: np.ndarray, at: int, stop: int, j: int, site: np.ndarray, codes: np.ndarray, shape: Any,
    rules: np.ndarray, said: np.ndarray, names: np.ndarray, m: int,
) -> None:  # fmt: skip
    """Write down what the record at `at` says at site j into row m."""
    pos, end, n_bases, clipped, gapped = shape
    n_name, n_ops, flag = np.int64(buf[at + 12]), _half(buf, at + 16), _half(buf, at + 18)
    cigar = at + 36 + n_name
    seq = cigar + 4 * n_ops
    quals = seq + (n_bases + 1) // 2
    if site[KIND] == GAP:
        allele, place = _gap_allele(buf, seq, n_bases, cigar, n_ops, pos, end, site, codes)
    else:
        allele, place = _block_allele(buf, seq, cigar, n_ops, pos, end, site, codes)
    row = said[m]
    row[SITE], row[ALLELE] = j, allele
    row[BASE] = _base(buf, seq, place) if site[KIND] == SNV and allele < DELETED else 0
    row[QUALITY] = _quality_of(buf, quals, n_bases, site, place, allele) if allele != SILENT else 0
    row[MAPPED] = buf[at + 13] >= rules[MIN_MAPPING]
    row[REVERSE] = flag >> 4 & 1
    mate = flag >> 6 & 3
    row[MATE] = mate if mate in (1, 2) else 0
    row[PLACE] = n_bases - place if row[REVERSE] else place + 1
    row[LENGTH], row[CLIPPED], row[GAPPED] = n_bases, clipped, gapped
    row[SCORE] = _score(buf, quals + n_bases, stop) if allele == ALT else NO_SCORE
    names[m] = np.uint64(0)
    paired = (flag & 0x9) == 0x1 and row[MATE] > 0 and _word(buf, at + 24) == _word(buf, at + 4)
    if paired and _word(buf, at + 28) <= site[RIGHT]:
        names[m] = _hash(buf, at + 36, n_name - 1)


@kernel
def _sound(buf: np.ndarray, at: int, size: int) -> bool:
    """Whether the parts of a record fit into it."""
    if size < 33 or size > LONGEST:
        return False
    n_name, n_ops, n_bases = np.int64(buf[at + 12]), _half(buf, at + 16), _word(buf, at + 20)
    if n_name < 1 or n_bases < 0:
        return False
    return 32 + n_name + 4 * n_ops + (n_bases + 1) // 2 + n_bases <= size


@kernel
def _arrive(buf: np.ndarray, at: int, size: int, contig: int, reach: np.ndarray, state: np.ndarray) -> Any:
    """Move the state on to a record, and return what hinders it from being read."""
    if not _sound(buf, at, size):
        return BAD_RECORD
    here, pos = _word(buf, at + 4), _word(buf, at + 8)
    n_sites = len(reach)
    if here != contig:
        if 0 <= here < contig:
            return OTHER_CONTIG
        state[FIRST] = n_sites
        return DONE
    if pos < state[LAST_POS]:
        return UNSORTED
    state[LAST_POS] = pos
    first = state[FIRST]
    while first < n_sites and reach[first] < pos:
        first += 1
    state[FIRST] = first
    return MORE if first < n_sites else DONE


@kernel
def _is_wanted(buf: np.ndarray, at: int, rules: np.ndarray) -> Any:
    """Whether a read counts, by its flags."""
    flag = _half(buf, at + 18)
    orphan = (flag & 0x3) == 0x1 and rules[DROP_ORPHANS] == 1
    return (flag & LEFT_OUT) == 0 and not orphan and _word(buf, at + 20) > 0


@kernel
def _read(
    buf: np.ndarray, at: int, stop: int, sites: np.ndarray, codes: np.ndarray, rules: np.ndarray, state: np.ndarray,
    seen: np.ndarray, said: np.ndarray, names: np.ndarray,
) -> Any:  # fmt: skip
    """Write down what one read says at each of its sites."""
    pos, n_bases = _word(buf, at + 8), _word(buf, at + 20)
    cigar = at + 36 + np.int64(buf[at + 12])
    span, in_read, clipped, gapped = _shape(buf, cigar, _half(buf, at + 16))
    if in_read != n_bases:
        return BAD_RECORD
    state[LONGEST_SPAN] = max(state[LONGEST_SPAN], span)
    first = last = state[FIRST]
    while last < len(sites) and sites[last, LEFT] <= pos + span:
        last += 1
    if state[HELD] + last - first > len(said):
        return FULL
    for j in range(first, last):
        touches = sites[j, RIGHT] == pos or sites[j, LEFT] == pos + span
        if sites[j, RIGHT] < pos or (touches and sites[j, KIND] != GAP):
            continue
        if rules[MAX_DEPTH] > 0 and seen[j] >= rules[MAX_DEPTH]:
            seen[j] = rules[MAX_DEPTH] + 1
            continue
        seen[j] += 1
        m = state[HELD]
        shape = (pos, pos + span, n_bases, clipped, gapped)
        _say(buf, at, stop, j, sites[j], codes, shape, rules, said, names, m)
        state[HELD] = m + 1
    return MORE


@kernel
def scan(
    buf: np.ndarray, end: int, contig: int, sites: np.ndarray, reach: np.ndarray, codes: np.ndarray,
    rules: np.ndarray, state: np.ndarray, seen: np.ndarray, said: np.ndarray, names: np.ndarray,
) -> int:  # fmt: skip
    """Go through records and write down what each read says at each site.

    Parameters
    ----------
    buf
        uint8, whole records and perhaps the beginning of one more.
    end
        Bytes of `buf` that are filled.
    contig
        Index of the contig of the sites.
    sites, reach, codes
        int64 [n, SITE_WIDTH], sorted; int64 [n] furthest RIGHT so far; uint8 alleles as 4-bit codes.
    rules
        int64: MIN_MAPPING, DROP_ORPHANS, MAX_DEPTH.
    state
        int64: FIRST site that is not complete, LAST_POS, HELD rows in `said`, STATUS; written.
    seen
        int32 [n] reads at each site; written.
    said, names
        int32 [m, SAID_WIDTH] and uint64 [m]; rows are added.

    Returns
    -------
    int
        Where the first record begins that was not dealt with.
    """
    at: Any = np.int64(0)  # a plain 0 would have everything compiled twice
    while at + 36 <= end:
        size = _word(buf, at)
        if size < 33 or size > LONGEST:
            state[STATUS] = BAD_RECORD
            return at
        if at + 4 + size > end:
            break
        status = _arrive(buf, at, size, contig, reach, state)
        if status == MORE and _is_wanted(buf, at, rules):
            status = _read(buf, at, at + 4 + size, sites, codes, rules, state, seen, said, names)
        if status != MORE:
            state[STATUS] = status
            return at
        at += 4 + size
    state[STATUS] = MORE
    return at
