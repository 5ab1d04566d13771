"""Variants as files hold them: calls of any caller to sites, trinucleotide contexts, and events.

`read_variants` joins the calls of a patient's files; `write_sites` and `read_sites` are the file that is counted.
"""

from .contexts import CHANNELS, Contexts, add_contexts, catalogue, find_contexts
from .events import Events, evidence, read_events, write_events
from .fasta import Reference
from .sites import Sites, read_sites, read_variants, write_calls, write_sites

__all__ = [
    "CHANNELS",
    "Contexts",
    "Events",
    "Reference",
    "Sites",
    "add_contexts",
    "catalogue",
    "evidence",
    "find_contexts",
    "read_events",
    "read_sites",
    "read_variants",
    "write_calls",
    "write_events",
    "write_sites",
]
