"""Figures: each a compute half that returns a Dataset, a draw half on matplotlib axes, and both in one.

>>> sorted(REGISTRY)  # doctest: +NORMALIZE_WHITESPACE
['alternatives', 'clone_sizes', 'convergence', 'copy_number', 'fish', 'heatmap', 'n_clones', 'prevalence',
 'similarity', 'tree', 'vaf']
"""

from clonalbayes.plots.alternatives import compute_alternatives, draw_alternatives, plot_alternatives
from clonalbayes.plots.clone_sizes import compute_clone_sizes, draw_clone_sizes, plot_clone_sizes
from clonalbayes.plots.convergence import compute_convergence, draw_convergence, plot_convergence
from clonalbayes.plots.copy_number import compute_copy_number, draw_copy_number, plot_copy_number
from clonalbayes.plots.fish import compute_fish, draw_fish, plot_fish
from clonalbayes.plots.heatmap import compute_heatmap, draw_heatmap, plot_heatmap
from clonalbayes.plots.n_clones import compute_n_clones, draw_n_clones, plot_n_clones
from clonalbayes.plots.prevalence import compute_prevalence, draw_prevalence, plot_prevalence
from clonalbayes.plots.registry import OF_TREES, REGISTRY, draw
from clonalbayes.plots.similarity import compute_similarity, draw_similarity, plot_similarity
from clonalbayes.plots.style import colour_of, escape, save
from clonalbayes.plots.tree import compute_tree, draw_tree, plot_tree
from clonalbayes.plots.vaf_pairs import compute_vaf_pairs, draw_vaf_pairs, plot_vaf_pairs

__all__ = [
    "OF_TREES",
    "REGISTRY",
    "colour_of",
    "compute_alternatives",
    "compute_clone_sizes",
    "compute_convergence",
    "compute_copy_number",
    "compute_fish",
    "compute_heatmap",
    "compute_n_clones",
    "compute_prevalence",
    "compute_similarity",
    "compute_tree",
    "compute_vaf_pairs",
    "draw",
    "draw_alternatives",
    "draw_clone_sizes",
    "draw_convergence",
    "draw_copy_number",
    "draw_fish",
    "draw_heatmap",
    "draw_n_clones",
    "draw_prevalence",
    "draw_similarity",
    "draw_tree",
    "draw_vaf_pairs",
    "escape",
    "plot_alternatives",
    "plot_clone_sizes",
    "plot_convergence",
    "plot_copy_number",
    "plot_fish",
    "plot_heatmap",
    "plot_n_clones",
    "plot_prevalence",
    "plot_similarity",
    "plot_tree",
    "plot_vaf_pairs",
    "save",
]
