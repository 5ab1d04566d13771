"""Posterior inference: chains over the kernels, checkpoints, and the posterior as a DataTree."""

from clonalbayes.inference.fit import fit

__all__ = ["fit"]
