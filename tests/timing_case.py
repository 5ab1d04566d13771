"""Draws of a small dated tree whose dates are known, for the tests of its words and figures."""

from __future__ import annotations

import numpy as np

from clonalbayes.summaries.timing import Dated
from clonalbayes.timing.calendar import Course
from clonalbayes.timing.sampler import TimedDraws

ORIGIN = "2000-01-01"
COURSES = (Course("a", 100.0, 200.0), Course("b", 150.0, 250.0), Course("a", 400.0, np.inf))
PARENT = np.array([0, 1, 1])


def dated(days, spread=1.0, seen=(), made=100, roles=("clock", "treatment"), courses=COURSES, trees=40, draws=25):
    """A tree of a founder at `days` and two children, the same parents in every draw."""
    rng = np.random.default_rng(1)
    split = np.asarray(days, float) + spread * rng.standard_normal((trees, draws))
    time = np.stack([split, split + 50, split + 60], 2)
    counts = np.full((trees, draws, 3, len(roles)), made, np.int32)
    flat = np.zeros((trees, draws))
    values = TimedDraws(
        time, np.ones((trees, draws, len(roles))), flat > 0, flat > 0, flat + 1.0, counts, counts,
        np.zeros((trees, draws, len(roles), 96)),
    )  # fmt: skip
    parent = np.tile(PARENT, (trees, 1))
    names = ("SBS1", "SBS87")[: len(roles)]
    return Dated(("1", "2", "3"), PARENT, parent, values, names, roles, courses, ORIGIN, np.array([900.0] * 3), seen)
