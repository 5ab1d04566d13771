"""The joint sampler keeps the joint distribution of clones, tree, exposures, reads and contexts (Geweke 2004)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from breakages import intact
from joint import p_value, z_scores
from joint_geweke import MISSING, attach, backward, draw_contexts, draw_signatures, forward, new_chain
from tree_joint import TREE

from clonalbayes.kernels.layout import NO_CONTEXT
from clonalbayes.signatures import joint

KERNELS = intact()
ALPHA, FOUND = 1e-3, 1e-5
LONG_AGO = 1e6
"""Days before which no sample was taken."""


@cache
def truth():
    layout = TREE.layout(0)
    return layout, forward(layout, 6000, np.random.default_rng(21))


def without_gates(part, state, work, rng):
    """A draw of the exposures that forgets the gates."""
    joint.update(replace(part, begins=part.begins - LONG_AGO), state, work, rng)
    joint.refresh(part, state, work)


def free_tags_as_they_are(part, state, work, rng):
    """A draw of the exposures that leaves the free tags as the clones that had them left them."""
    free = state.tag[int(state.n_clones[0]) :]
    held = state.intensity[free].copy()
    joint.update(part, state, work, rng)
    state.intensity[free] = held
    joint.refresh(part, state, work)


@pytest.mark.slow
def test_the_joint_sampler_keeps_the_joint_distribution():
    layout, independent = truth()
    z = z_scores(independent, backward(layout, KERNELS, 12000, np.random.default_rng(22)))
    assert len(z) > 120
    assert p_value(z) > ALPHA, sorted(z.items(), key=lambda item: -abs(item[1]))[:5]


@pytest.mark.slow
@pytest.mark.parametrize("broken", [without_gates, free_tags_as_they_are])
def test_a_broken_draw_of_the_exposures_is_found(broken):
    layout, independent = truth()
    chain = backward(layout, KERNELS, 6000, np.random.default_rng(23), broken)
    assert p_value(z_scores(independent, chain)) < FOUND


def test_contexts_and_exposures_are_drawn_as_the_state_says():
    rng = np.random.default_rng(3)
    layout = TREE.layout(0)
    chain, part = new_chain(layout)
    TREE.draw_prior(layout, chain.state, rng)
    draw_signatures(part, chain.state, rng)
    s = chain.state
    closed = part.closed(s.presence[: s.n_clones[0]])
    assert (closed[:, 1] == (s.presence[: s.n_clones[0], 0] != 0)).all()
    assert not closed[:, [0, 2]].any()
    s.z[:] = -1
    s.n_clones[0] = 0
    counts = np.zeros(NO_CONTEXT)
    for _ in range(2000):
        draw_contexts(part, s, rng)
        np.add.at(counts, np.delete(part.context, MISSING), 1.0)
    assert counts / counts.sum() == pytest.approx(s.spectrum[1], abs=0.006)
    work = attach(chain, part, layout.reads)
    assert np.exp(work.context_log[-1, :NO_CONTEXT]) == pytest.approx(s.spectrum[1])
