"""Compiled kernels of the sampler: state in, state out, randomness passed in.

They know arrays alone: neither PyMC nor xarray nor files. `sweep` runs them in order; `layout`, `state` and
`profile` describe the arrays; `refs` turns records into what a kernel takes.
"""
