"""From draws with exchangeable labels to clones, intervals, tables and a verdict on convergence."""

from clonalbayes.summaries.diagnostics import diagnose, verdict
from clonalbayes.summaries.group import summarise
from clonalbayes.summaries.intervals import hdi
from clonalbayes.summaries.tables import tables

__all__ = ["diagnose", "hdi", "summarise", "tables", "verdict"]
