"""Which clock: data that were made by one form prefer it, and a form that is chosen is not compared."""

from __future__ import annotations

import numpy as np
import pytest
from signature_case import profiles

from clonalbayes.data.treatments import Treatment
from clonalbayes.signatures.settings import load
from clonalbayes.simulate.branches import simulate_branches
from clonalbayes.specs import load as load_spec
from clonalbayes.timing.calendar import courses_of
from clonalbayes.timing.sampler import make_trees, sample

SETTINGS = load("timing", "timing")
SIGNATURES, ORIGIN = ("SBS1", "SBS5", "SBS87"), "2000-01-01"
COURSES = (Treatment("thiopurine", "2002-01-01", "2003-12-31"),)
PARENT = (0, 1, 1, 2, 2, 3, 3, 5, 5, 7)
BOUND = np.array([900.0, 1300, 1300, 2200, 2200, 2200, 2200, 3000, 3000, 3000])
TIME = np.array([600.0, 900, 1000, 1500, 1700, 1600, 1900, 2400, 2600, 2500])
PATIENTS = 12


def asked(**given):
    """Posterior means of `strict` and `accelerated` [patient] in patients of one form."""
    known = {"rate": np.array([0.2, 1.0, 1.5]), "strength": 100.0, "factor": np.array(4.0)} | given
    drawn = [
        simulate_branches(
            PARENT, BOUND, SIGNATURES, profiles(), SETTINGS, COURSES, ORIGIN, seed=seed, time=TIME, **known
        )
        for seed in range(PATIENTS)
    ]
    rows = [np.repeat([value], PATIENTS, 0) for value in (PARENT, BOUND, np.ones(len(PARENT)))]
    trees = make_trees(*rows, SIGNATURES, SETTINGS, courses_of(COURSES, ORIGIN))
    counts = np.stack([one.counts for one in drawn])
    out = sample(counts, trees, profiles(), np.ones(3, bool), SETTINGS, tune=400, draws=100, thin=2, seed=3)
    return out.strict.mean(1), out.accelerated.mean(1)


def test_strict_data_prefer_a_strict_clock_without_acceleration():
    strict, faster = asked(strict=np.array(True), accelerated=np.array(False), shape=np.array([5000.0, 5.0, 0.5]))
    assert np.median(strict) > 0.75
    assert np.median(faster) < 0.25


def test_relaxed_data_prefer_a_relaxed_clock():
    strict, _ = asked(strict=np.array(False), accelerated=np.array(False), shape=np.array([4.0, 5.0, 0.5]))
    assert np.median(strict) < 0.25


def test_data_of_rates_that_rise_prefer_acceleration():
    _, faster = asked(strict=np.array(True), accelerated=np.array(True), shape=np.array([5000.0, 5.0, 0.5]))
    assert np.median(faster) > 0.75


def own(tmp_path, **blocks):
    lines = ["extends = \"timing\"", "name = \"own\"", "[blocks]", *(f'{k} = "{v}"' for k, v in blocks.items())]
    path = tmp_path / "own.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


FORMS = [("strict", "never", (1.0, 0.0)), ("relaxed", "always", (0.0, 1.0))]


@pytest.mark.parametrize(("clock", "acceleration", "p"), FORMS)
def test_a_form_can_be_chosen(tmp_path, clock, acceleration, p):
    settings = load(own(tmp_path, clock=clock, acceleration=acceleration), "timing")
    one = np.array([PARENT])
    trees = make_trees(one, BOUND[None], np.ones(one.shape), SIGNATURES, settings, [])
    assert (trees.p_strict, trees.p_acceleration) == p
    counts = np.random.default_rng(1).poisson(0.5, (1, len(PARENT), 96))
    out = sample(counts, trees, profiles(), np.ones(3, bool), settings, tune=10, draws=10, seed=1)
    assert (out.strict == bool(p[0])).all()
    assert (out.accelerated == bool(p[1])).all()


def test_the_choice_changes_the_digest(tmp_path):
    assert load_spec(own(tmp_path, clock="strict"), None).digest != load_spec("timing", None).digest
    assert SETTINGS.block("acceleration") == "drawn"
