"""How a chain begins: from the best of several starts, precisions kept up while clones are found."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_fixtures import dataset

from clonalbayes import specs
from clonalbayes.inference import chain as chains
from clonalbayes.inference.chain import STARTS, SWEEPS_OF_A_START, Chain, Rung
from clonalbayes.inference.fit import make_plan
from clonalbayes.kernels.tree_start import planting_order

ALT = np.array([[40, 0], [42, 1], [38, 0], [0, 30], [1, 33], [0, 28], [20, 18], [22, 19]])
DEPTH = np.full(ALT.shape, 80)


def new_chain(tune: int = 12, draws: int = 3, **more) -> Chain:
    settings = {"tune": tune, "draws": draws, "fixed_clusters": False} | more
    return Chain(make_plan(dataset(ALT, DEPTH), specs.load("tree"), settings), np.random.SeedSequence(2))


@pytest.mark.parametrize("best", range(STARTS))
def test_a_chain_goes_on_from_the_best_of_its_starts(monkeypatch, best):
    begun = []

    def start(rung: Rung) -> None:
        assert rung.state.n_clones[0] == 0  # nothing is left of the start before
        begun.append(len(begun))
        rung.state.n_clones[0], rung.state.error_rate[:] = 1, begun[-1] / 100

    monkeypatch.setattr(Rung, "_start", start)
    monkeypatch.setattr(Rung, "_blocks", lambda rung, splits, round_: -10.0 * (begun[-1] != best) + 0.0 * round_)
    chain = new_chain()
    chain.rungs[0].begin()
    assert begun == list(range(STARTS))
    assert (chain.state.error_rate == best / 100).all()


def test_a_clone_more_must_pay_for_itself(monkeypatch):
    clones = iter([5, 2])

    def start(rung: Rung) -> None:
        rung.state.n_clones[0] = next(clones)

    monkeypatch.setattr(Rung, "_start", start)
    monkeypatch.setattr(Rung, "_blocks", lambda *_: -1.0)
    chain = new_chain()
    chain.rungs[0].begin()
    assert chain.state.n_clones[0] == 2


def test_every_start_is_swept_as_in_tuning(monkeypatch):
    rounds = []
    monkeypatch.setattr(Rung, "_start", lambda rung: None)
    monkeypatch.setattr(Rung, "_blocks", lambda rung, splits, round_: rounds.append(round_) or 0.0)
    new_chain().rungs[0].begin()
    assert rounds == list(range(1, SWEEPS_OF_A_START + 1)) * STARTS


def test_precisions_stay_up_in_the_first_third_of_tuning_only(monkeypatch):
    def low(rung: Rung, splits: int, round_: int) -> float:
        rung.state.precision[:] = 3.0, 1e4
        return 0.0

    chain = new_chain()
    chain.step()
    median = np.exp(chain.plan.priors.precision[0])
    monkeypatch.setattr(Rung, "_blocks", low)
    for done in range(1, chain.plan.sweeps):
        chain.rungs[0].sweep(done)
        assert chain.state.precision[1] == 1e4
        assert chain.state.precision[0] == (median if 3 * done < chain.plan.tune else 3.0)


def test_given_clusters_start_once(monkeypatch):
    ds = dataset(ALT, DEPTH).assign(cluster=("mutation", np.array([1, 1, 1, 2, 2, 2, 3, 3])))
    begun = []
    start = Rung._start
    monkeypatch.setattr(Rung, "_start", lambda rung: (begun.append(1), start(rung))[1])
    plan = make_plan(ds, specs.load("tree"), {"tune": 3, "draws": 2, "fixed_clusters": True})
    chains.Chain(plan, np.random.SeedSequence(1)).step()
    assert len(begun) == 1


def test_clones_of_few_mutations_are_planted_last():
    chain = new_chain()
    rung = chain.rungs[0]
    state, grove = rung.state, rung._held[2]
    state.n_clones[0] = 3
    for sizes, order in (((4, 2, 2), [2, 1, 0]), ((6, 1, 1), [0, 2, 1])):
        state.z[:] = np.repeat([0, 1, 2], sizes)
        for k, prevalence in enumerate((0.2, 0.5, 0.9)):
            grove.nodes[k, :, 0], grove.best[k] = prevalence, 0
        assert planting_order(rung._refs[1], rung._grove, 3.0).tolist() == order
        assert planting_order(rung._refs[1], rung._grove, np.inf).tolist() == [2, 1, 0]
