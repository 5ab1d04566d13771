"""Figures: each a compute half that returns a Dataset, a draw half on matplotlib axes, and both in one.

>>> sorted(REGISTRY)
['heatmap', 'n_clones', 'prevalence', 'similarity', 'vaf']
"""

from clonalbayes.plots.heatmap import compute_heatmap, draw_heatmap, plot_heatmap
from clonalbayes.plots.n_clones import compute_n_clones, draw_n_clones, plot_n_clones
from clonalbayes.plots.prevalence import compute_prevalence, draw_prevalence, plot_prevalence
from clonalbayes.plots.registry import REGISTRY, draw
from clonalbayes.plots.similarity import compute_similarity, draw_similarity, plot_similarity
from clonalbayes.plots.style import colour_of, escape, save
from clonalbayes.plots.vaf_pairs import compute_vaf_pairs, draw_vaf_pairs, plot_vaf_pairs

__all__ = [
    "REGISTRY",
    "colour_of",
    "compute_heatmap",
    "compute_n_clones",
    "compute_prevalence",
    "compute_similarity",
    "compute_vaf_pairs",
    "draw",
    "draw_heatmap",
    "draw_n_clones",
    "draw_prevalence",
    "draw_similarity",
    "draw_vaf_pairs",
    "escape",
    "plot_heatmap",
    "plot_n_clones",
    "plot_prevalence",
    "plot_similarity",
    "plot_vaf_pairs",
    "save",
]
