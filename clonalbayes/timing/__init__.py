"""Dates of a tree's nodes from clock and treatment mutations, sampling dates and treatment windows.

`calendar` turns dates into days and windows into active times, `state` states the model, `kernels` updates it
exactly, `sampler` runs it for many trees at once, `posterior` prepares the draws of a fit for it.
"""
