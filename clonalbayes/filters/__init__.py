"""Hard filters on mutations, as published: each named, counted and explained mutation by mutation.

`apply_filters` says for every mutation which filters it failed and by what value; nothing disappears. The
same evidence enters the joint model as probabilities (noise and germline components); `victims` says how many
victims of the filters that model keeps.
"""

from clonalbayes.filters.filters import FILTERS, Filtered, Limits, apply_filters
from clonalbayes.filters.inputs import FilterInput, from_dataset, from_table

__all__ = ["FILTERS", "FilterInput", "Filtered", "Limits", "apply_filters", "from_dataset", "from_table"]
