"""Variants as files hold them: calls of any caller to sites, trinucleotide contexts, and events.

`read_variants` joins the calls of a patient's files; `write_sites` and `read_sites` are the file that is counted.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

# Name -> module that defines it. Loaded on first use: counting needs the reference, and not pandas and xarray.
_MODULES = {
    "CHANNELS": "contexts",
    "Contexts": "contexts",
    "Events": "events",
    "Reference": "fasta",
    "Sites": "sites",
    "add_contexts": "contexts",
    "catalogue": "contexts",
    "evidence": "events",
    "find_contexts": "contexts",
    "read_events": "events",
    "read_sites": "sites",
    "read_variants": "sites",
    "write_calls": "sites",
    "write_events": "events",
    "write_sites": "sites",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
