"""Step methods for PyMC: thin adapters that run the same kernels as the fast path.

`register` and `register_tree` make `pm.sample` pick them for the variables that carry their tag;
`clonalbayes.build_model` calls them.
"""

from clonalbayes.steps.clone_step import CloneStep, register
from clonalbayes.steps.points import VARIABLES, CloneBlock
from clonalbayes.steps.tree_step import TreeBlock, TreeStep, register_tree

__all__ = ["VARIABLES", "CloneBlock", "CloneStep", "TreeBlock", "TreeStep", "register", "register_tree"]
