"""From draws with exchangeable labels to clones, intervals, tables and a verdict on convergence."""

from clonalbayes.summaries.diagnostics import diagnose, verdict
from clonalbayes.summaries.group import summarise
from clonalbayes.summaries.intervals import hdi
from clonalbayes.summaries.tables import tables
from clonalbayes.summaries.tree_files import tree_parts
from clonalbayes.summaries.trees import Trees, collect, describe_relation, has_trees, relation

__all__ = [
    "Trees",
    "collect",
    "describe_relation",
    "diagnose",
    "has_trees",
    "hdi",
    "relation",
    "summarise",
    "tables",
    "tree_parts",
    "verdict",
]
