"""Small clones: whether a lineage is in a sample, and how large it is there.

`detect` takes the sites that define one or several clades, counts in any samples and an error model
(`clonalbayes.errors`), and returns for every clade and sample its presence (probability, Bayes factor, a
calibrated test), its size with an interval, and the limit of detection. `plan` gives that limit for an assay
that has not been run.

All integrals are sums on grids: the same input always gives the same answer.
"""

from clonalbayes.detection.detect import Detection, detect
from clonalbayes.detection.plan import Plan, plan

__all__ = ["Detection", "Plan", "detect", "plan"]
