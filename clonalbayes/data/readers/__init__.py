"""Readers, one module a format, and the recognition of a format by its content."""

from .sniff import FORMATS, read_draft

__all__ = ["FORMATS", "read_draft"]
