"""Mutational signatures of branches: profiles learned around references, exposures with exact zeros.

`state` states the model, `kernels` and `moves` update it exactly, `sampler` runs chains, `couple` turns current
assignments into the log probability of a context in each clone. Cost does not depend on the number of mutations.
"""
