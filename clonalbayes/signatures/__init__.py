"""Mutational signatures of branches: profiles learned around references, exposures with exact zeros.

`state` states the model, `kernels` and `moves` update it exactly, `sampler` runs chains, `joint` draws the exposures of
the clones of a fit, whose contexts help to place mutations. Cost does not depend on the number of mutations.
"""
