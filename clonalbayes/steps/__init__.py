"""Step methods for PyMC: thin adapters that run the same kernels as the fast path.

`register` makes `pm.sample` pick them for the variables that carry their tag; `clonalbayes.build_model`
calls it.
"""

from clonalbayes.steps.clone_step import CloneStep, register
from clonalbayes.steps.points import VARIABLES, CloneBlock

__all__ = ["VARIABLES", "CloneBlock", "CloneStep", "register"]
