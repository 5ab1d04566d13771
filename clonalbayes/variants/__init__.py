"""Variants as files hold them: calls of any caller to sites, trinucleotide contexts, and events.

`read_variants` joins the calls of a patient's files; `write_sites` and `read_sites` are the file that is counted.
"""

from .contexts import CHANNELS, Contexts, add_contexts, catalogue, find_contexts
from .fasta import Reference
from .sites import Sites, read_sites, read_variants, write_calls, write_sites

__all__ = [
    "CHANNELS",
    "Contexts",
    "Reference",
    "Sites",
    "add_contexts",
    "catalogue",
    "find_contexts",
    "read_sites",
    "read_variants",
    "write_calls",
    "write_sites",
]
