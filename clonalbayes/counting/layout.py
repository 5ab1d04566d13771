"""Columns of the arrays that the compiled code shares with the rest, by number."""

from __future__ import annotations

# Columns of a site.
LEFT, RIGHT, KIND, REF_AT, ALT_AT, ALT_SIZE, BEFORE, AFTER = range(8)
SITE_WIDTH = 8
SNV, MNV, GAP = 0, 1, 2

# Entries of the rules and of the state of a scan.
MIN_MAPPING, DROP_ORPHANS, MAX_DEPTH, MIN_BASE, MATES = range(5)
NEITHER, BETTER, BOTH = 0, 1, 2
FIRST, LAST_POS, HELD, STATUS, LONGEST_SPAN = range(5)
MORE, FULL, DONE, BAD_RECORD, UNSORTED, OTHER_CONTIG = range(6)

# Columns of what one read says at one site.
SITE, ALLELE, BASE, QUALITY, MAPPED, REVERSE, MATE, PLACE, LENGTH, SCORE, CLIPPED, GAPPED = range(12)
SAID_WIDTH = 12
REF, ALT, OTHER, DELETED, SILENT = range(5)

# Columns of the counts, the first four in the order of the alleles, and of the numbers about the supporting reads.
(
    N_REF, N_ALT, N_OTHER, N_DELETED, ALT_FORWARD, ALT_REVERSE, REF_FORWARD, REF_REVERSE, N_A, N_C, N_G, N_T,
    ALL_ALT, ALL_REF, ALL_OTHER, N_DISAGREE, N_SILENT, N_CAPPED,
) = range(18)  # fmt: skip
COUNT_WIDTH = 18
PLACE_MEAN, PLACE_MEDIAN, END_MEDIAN, SCORE_MEDIAN, RATIO_MEDIAN, CLIP_MEDIAN, CLIP_SHARE, GAP_SHARE = range(8)
FACT_WIDTH = 8
NO_SCORE = -(1 << 30)
"""Stands for a read without an alignment score."""
