"""Copy number: readers of what callers write, one table of segments, and its join onto mutations."""

from .join import add_copy_number
from .purity import read_purity
from .segments import CopyNumber, read_copy_number, read_segments

__all__ = ["CopyNumber", "add_copy_number", "read_copy_number", "read_purity", "read_segments"]
