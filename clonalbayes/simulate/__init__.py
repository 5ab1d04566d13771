"""Simulated patients, with the truth: drawn from the model itself, or as patients look.

`simulate_prior` draws every unknown from the model's own prior, for calibration. `simulate` makes a patient
with a tree of clones, dated samples, copy-number segments and artefacts; `lineage_switch` is one whose
leukaemia changes its lineage.
"""

from clonalbayes.simulate.patient import simulate
from clonalbayes.simulate.prior import CopyState, Design, simulate_prior
from clonalbayes.simulate.record import Simulation, Truth
from clonalbayes.simulate.switch import lineage_switch

__all__ = ["CopyState", "Design", "Simulation", "Truth", "lineage_switch", "simulate", "simulate_prior"]
