"""Parallel tempering: the posterior's rung keeps its distribution, and the ladder what belongs to it."""

from __future__ import annotations

import json
import math
from collections import Counter

import numpy as np
import pytest
from breakages import intact
from tree_check import PROBLEMS, truth_of
from tree_fixtures import TreeChain, make_chain, plant, prepare, run_blocks

import clonalbayes as cb
from clonalbayes import specs
from clonalbayes.faults import InputError
from clonalbayes.inference import tempering
from clonalbayes.inference.chain import Chain
from clonalbayes.inference.fit import make_plan
from clonalbayes.inference.tempering import GAP_RANGE, Ladder, change_places, log_exchange
from clonalbayes.kernels.state import copy_state
from clonalbayes.kernels.sweep import constant_loglik

KERNELS = intact()
HEATS = (1.0, 0.4, 0.1)
LARGEST_GAP, FOUND = 0.02, 0.04


def loglik_of(chain: TreeChain) -> float:
    """Log likelihood of the state, not tempered; caches as after `prepare`."""
    clones = chain.clones
    return float(chain.records[3].now[:clones].sum() / chain.state.heat[0] + constant_loglik(chain.d, chain.s, chain.w))


def largest_gap(problem: str, sweeps: int, seed: int) -> float:
    """Largest gap between a tree's frequency in the first of three rungs and its exact probability."""
    _, posterior = truth_of(problem)
    rng, chains = np.random.default_rng(seed), [make_chain(PROBLEMS[problem]) for _ in HEATS]
    ladder = Ladder([chain.state for chain in chains])
    for chain, heat in zip(chains, HEATS, strict=True):
        plant(chain, *next(iter(posterior)))
        chain.state.heat[0] = heat
    keys: Counter = Counter()
    for _ in range(sweeps):
        for chain in chains:
            run_blocks(chain, KERNELS, ("tree", "settle"), 1, rng, lambda _: None)
            prepare(chain, KERNELS)
        ladder.exchange([loglik_of(chain) for chain in chains], 0, rng)
        keys[chains[0].key()] += 1
    assert ladder.counts[1].min() > 0
    return max(abs(keys[key] / sweeps - p) for key, p in posterior.items())


@pytest.mark.parametrize("problem", ["given: three", "given: three, called", "given: four, spikes"])
def test_the_first_rung_finds_every_tree_as_often_as_it_should(problem):
    assert largest_gap(problem, 8000, seed=1) < LARGEST_GAP


@pytest.mark.parametrize("broken", ["always", "reversed"])
def test_a_broken_exchange_is_found(monkeypatch, broken):
    ratios = {"always": lambda *_: 0.0, "reversed": lambda a, b, x, y: -log_exchange(a, b, x, y)}
    monkeypatch.setattr(tempering, "log_exchange", ratios[broken])
    assert largest_gap("given: three", 4000, seed=2) > FOUND


def test_exchanged_states_leave_to_the_rung_what_is_its_own():
    chains = [make_chain(PROBLEMS["given: three"]) for _ in range(2)]
    one, other = (chain.state for chain in chains)
    one.heat[0], other.heat[0], one.step_size[:], other.step_size[:] = 1.0, 0.5, 0.1, 0.2
    one.ccf[0], other.ccf[0] = 0.3, 0.7
    before = copy_state(one), copy_state(other)
    change_places(one, other)
    for name in one._fields:
        kept = name in tempering.OF_THE_RUNG
        for state, own, others in ((one, *before), (other, *reversed(before))):
            assert np.array_equal(getattr(state, name), getattr(own if kept else others, name)), name


def test_heats_fall_from_one_and_are_learned_while_tuning_only():
    rng, states = np.random.default_rng(1), [make_chain(PROBLEMS["given: two"]).state for _ in range(4)]
    ladder = Ladder(states)

    def heats() -> list[float]:
        return [float(state.heat[0]) for state in states]

    first = heats()
    assert first[0] == 1.0
    assert (np.diff(first) < 0).all()
    for sweep in range(200):
        ladder.exchange([-10.0, -10.0, -10.0, -10.0], sweep + 1, rng)  # always accepted: the gaps widen
    wide = heats()
    assert wide[3] < first[3]
    assert wide[2] >= math.exp(-2 * GAP_RANGE[1]) * 0.999
    assert ladder.counts.sum() == 0
    ladder.exchange([-10.0, -1e4, -1e5, -1e6], 0, rng)
    assert heats() == wide
    assert ladder.counts[0].sum() in (1, 2)
    assert ladder.counts[1].sum() == 0
    assert np.isnan(ladder.accepted()).sum() == (ladder.counts[0] == 0).sum()


def test_one_rung_draws_no_random_numbers():
    rng = np.random.default_rng(1)
    state = make_chain(PROBLEMS["given: two"]).state
    Ladder([state]).exchange([-1.0], 1, rng)
    assert state.heat[0] == 1.0
    assert rng.random() == np.random.default_rng(1).random()


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """Six mutations in three clusters."""
    folder = tmp_path_factory.mktemp("tempered")
    vaf = [[50, 48], [50, 47], [30, 0], [28, 1], [0, 30], [0, 33]]
    rows = ["id\tname\tvar_reads\ttotal_reads\tvar_read_prob"]
    rows += [f"s{i}\tm{i}\t{a}, {b}\t100, 100\t0.5, 0.5" for i, (a, b) in enumerate(vaf)]
    (folder / "p.ssm").write_text("\n".join(rows) + "\n", encoding="utf-8")
    clusters = {"samples": ["a", "b"], "clusters": [["s0", "s1"], ["s2", "s3"], ["s4", "s5"]], "garbage": []}
    (folder / "p.params.json").write_text(json.dumps(clusters), encoding="utf-8")
    return cb.read(folder / "p.ssm", params=folder / "p.params.json")


SETTINGS = {"tune": 6, "draws": 8, "fixed_clusters": True, "rungs": 3}


def test_a_restored_chain_goes_on_as_if_never_stopped(patient):
    plan = make_plan(patient.data, specs.load("tree"), SETTINGS)
    whole, again = (Chain(plan, np.random.SeedSequence(4)) for _ in range(2))
    for _ in range(9):
        whole.step()
    saved = {name: np.array(values) for name, values in whole.snapshot().items()}
    for _ in range(5):
        whole.step()
    again.restore(saved)
    for _ in range(5):
        again.step()
    ours, theirs = whole.snapshot(), again.snapshot()
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        assert np.array_equal(values, theirs[name]), name


def test_heats_and_exchanges_are_in_the_result(patient):
    settings = {"chains": 2, "draws": 10, "tune": 10, "seed": 3, "progress": False, "fixed_clusters": True}
    stats = cb.fit(patient.data, rungs=3, **settings)["sample_stats"]
    assert stats["heat"].dims == ("chain", "rung")
    assert (stats["heat"].diff("rung") < 0).all()
    assert stats["exchanged"].sizes["gap"] == 2
    assert "heat" not in cb.fit(patient.data, **settings)["sample_stats"]


def test_tempering_needs_given_clusters(patient):
    with pytest.raises(InputError, match="--fixed-clusters"):
        cb.fit(patient.data, rungs=3, draws=5, tune=5, progress=False)
