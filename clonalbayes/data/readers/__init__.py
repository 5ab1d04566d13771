"""Readers, one module a format, and the recognition of a format by its content."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .sniff import FORMATS, read_draft

__all__ = ["FORMATS", "read_draft"]


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562): text and columns are read without pandas."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.sniff"), name)
