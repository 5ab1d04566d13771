"""The joint model end to end: exposures in the posterior, resumed runs, gates, and when it is the default."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from joint_case import EXPOSURES, NAMES, chain_of, patient

from clonalbayes.faults import InputError
from clonalbayes.inference import fit
from clonalbayes.inference.fit import default_model, make_plan
from clonalbayes.kernels import refs
from clonalbayes.kernels.contexts import context_loglik
from clonalbayes.kernels.layout import NO_CONTEXT
from clonalbayes.plots.signatures import compute_exposures, compute_spectra
from clonalbayes.results import write_part
from clonalbayes.signatures import joint, output
from clonalbayes.signatures.contexts import CONTEXTS
from clonalbayes.signatures.tables import set_opportunities
from clonalbayes.specs import load
from clonalbayes.summaries import summarise
from clonalbayes.summaries.exposures import gate_findings, signature_part, substitutions

SHORT = {"chains": 2, "tune": 60, "draws": 40, "seed": 3, "progress": False}


@pytest.fixture(scope="module")
def fitted():
    ds, clone = patient()
    return summarise(fit(ds, **SHORT)), clone


def test_where_mutations_have_contexts_the_joint_model_is_the_default():
    assert default_model(patient()[0]) == "joint"
    assert default_model(patient(contexts=False)[0]) == "tree"
    assert default_model(patient()[0].drop_vars("context")) == "tree"


def test_draws_have_exposures_and_profiles(fitted):
    tree, _ = fitted
    posterior = tree["posterior"].to_dataset()
    assert posterior["exposure"].dims == ("chain", "draw", "slot", "signature")
    assert posterior["exposure"].dtype == np.float32
    used = posterior["assignment"].max("mutation") >= posterior["slot"]
    held = posterior["exposure"].notnull().all("signature")
    assert (held == used).all()
    shares = posterior["exposure"].values[held.values].sum(-1)
    assert shares == pytest.approx(1.0, abs=1e-5)
    assert posterior["signature_profile"].sum("context").values == pytest.approx(1.0, abs=1e-5)
    assert list(posterior["signature"].values)[:2] == ["SBS1", "SBS5"]
    assert posterior.attrs["model"] == "joint"


def test_exposures_of_consensus_clones_are_near_the_truth(fitted):
    tree, clone = fitted
    consensus = tree["consensus"].to_dataset()
    names = list(consensus["signature"].values)
    found = np.nanmean(consensus["exposure"].values, (0, 1))[:, [names.index(name) for name in NAMES]]
    for k in range(4):
        row = int(np.bincount(consensus["clone"].values[clone == k].clip(0)).argmax()) - 1
        assert found[row] == pytest.approx(EXPOSURES[k], abs=0.25)


def test_treatments_that_were_not_given_are_no_candidates():
    plan = make_plan(patient()[0], load("joint"), {"tune": 1, "draws": 1, "fixed_clusters": False})
    assert plan.signatures.names == ("SBS1", "SBS5", "SBS18", "SBS87", "new1")
    without = make_plan(patient(treated=False)[0], load("joint"), {"tune": 1, "draws": 1, "fixed_clusters": False})
    assert "SBS31" in without.signatures.names
    assert not np.isfinite(without.signatures.begins).any()


def test_a_panel_is_fitted_with_what_it_can_show(tmp_path):
    sites = np.where(np.array([label[2] == "C" for label in CONTEXTS]), 4.0, 1.0)
    ds = set_opportunities(patient()[0], (sites, np.ones(96)))
    part = chain_of(ds).plan.signatures
    plain = chain_of(patient()[0]).plan.signatures
    ratio = part.model.reference / plain.model.reference
    assert ratio[1, 0] / ratio[1, -1] == pytest.approx(4.0, rel=0.01)
    assert (part.model.reference[-1] == plain.model.reference[-1]).all()  # of a de novo profile nothing is known
    tree = summarise(fit(ds, **SHORT | {"tune": 20, "draws": 20}))
    tree.to_netcdf(tmp_path / "posterior.nc")
    with xr.open_datatree(tmp_path / "posterior.nc") as stored:
        rows = signature_part(stored.load(), load("joint")).tables["exposures"]
    shares = np.array([[row["mean"], row["genome_mean"]] for row in rows if row["branch"] == "1"])
    assert shares.sum(0) == pytest.approx([1.0, 1.0], abs=1e-3)
    assert np.abs(shares[:, 0] - shares[:, 1]).max() > 0.01
    assert all(row["genome_lo"] <= row["genome_hi"] for row in rows)


def test_exposures_begin_after_the_clones_and_are_drawn_every_sweep_until_these_are_found(monkeypatch):
    chain, drawn = chain_of(patient()[0], tune=6, draws=4), []
    original = joint.update
    monkeypatch.setattr(joint, "update", lambda *args: (drawn.append(chain.done), original(*args)))
    for _ in range(2):
        chain.step()
    assert drawn == []
    assert not chain.rungs[0].work.context_log.any()  # contexts say nothing yet
    for _ in range(8):
        chain.step()
    assert drawn[: joint.FIRST_SWEEPS] == [2] * joint.FIRST_SWEEPS
    assert drawn[joint.FIRST_SWEEPS :] == [2, 3, 4, 5, 6, 8]


def test_clones_that_the_reads_hardly_tell_apart_are_given_the_same_exposures():
    chain = chain_of(patient()[0], tune=30)
    for _ in range(30):
        chain.step()
    part, state = chain.plan.signatures, chain.state
    assert state.n_clones[0] >= 3
    state.ccf[:3] = [[0.5, 0.3, 0.0], [0.51, 0.29, 0.0], [0.5, 0.3, 0.4]]
    state.ccf[3 : state.n_clones[0]] = 0.9
    before, members = joint.exposures(state), np.bincount(state.z[state.z >= 0])
    joint.level(part, state, chain.rungs[0].work)
    after = joint.exposures(state)
    assert after[0] == pytest.approx(np.average(before[:2], axis=0, weights=members[:2]))
    assert after[1] == pytest.approx(after[0])
    assert after[2] == pytest.approx(before[2])


def test_exposures_are_levelled_while_tuning_alone(monkeypatch):
    chain, done = chain_of(patient()[0], tune=30, draws=10), []
    monkeypatch.setattr(joint, "level", lambda *args: done.append(chain.done))
    for _ in range(40):
        chain.step()
    assert done == [16, 24]


def test_a_branch_sampled_before_the_treatment_has_a_closed_gate():
    part = chain_of(patient()[0]).plan.signatures
    presence = np.array([[1, 1, 1], [0, 1, 0], [0, 0, 0]])
    closed = part.closed(presence)
    r = part.names.index("SBS87")
    assert closed[:, r].tolist() == [True, False, False]
    assert not np.delete(closed, r, 1).any()


def test_the_gates_are_those_of_the_exposures_conditional_prior():
    chain = chain_of(patient()[0], tune=3)
    for _ in range(3):
        chain.step()
    part, state = chain.plan.signatures, chain.state
    gate, r = chain.rungs[0].work.gate, part.names.index("SBS87")
    on, use, leak = state.intensity[:, r] > 0, state.use[r], part.model.leak
    assert gate[:, 0] == pytest.approx(np.log(np.where(on, leak / use, (1 - leak) / (1 - use))))
    assert (gate[:, 1:] == 0).all()


def test_the_table_is_that_of_exposures_and_profiles():
    ds, _ = patient()
    chain = chain_of(ds, tune=3)
    for _ in range(4):
        chain.step()
    state, part = chain.state, chain.plan.signatures
    clones = int(state.n_clones[0])
    rate = joint.exposures(state) @ (state.weight / state.weight.sum(1, keepdims=True))
    table = np.log(np.vstack([rate, state.spectrum[:1], state.spectrum[1:]]))
    kept = part.context < NO_CONTEXT
    row = np.where(state.z >= 0, state.z, np.where(state.z == -1, clones + 1, clones))
    wanted = table[row[kept], part.context[kept]].sum()
    reads = refs.refer_data(chain.plan.reads.data)
    found = context_loglik(reads, refs.refer_state(state), refs.refer_work(chain.rungs[0].work))
    assert found == pytest.approx(wanted)
    assert kept.sum() == (ds["context"].values != "").sum()


@pytest.mark.parametrize("stopped", [0, 5, 10, 33])
def test_a_resumed_chain_goes_on_to_the_same_draws(stopped):
    ds, _ = patient(members=20)
    whole, first = chain_of(ds), chain_of(ds)
    for _ in range(40):
        whole.step()
    for _ in range(stopped):
        first.step()
    saved = first.snapshot()
    second = chain_of(ds, seed=9)
    second.restore({name: values.copy() for name, values in saved.items()})
    for _ in range(40 - stopped):
        second.step()
    for name, values in whole.snapshot().items():
        assert np.array_equal(values, second.snapshot()[name]), name


def test_draws_do_not_depend_on_the_number_of_cores():
    ds, _ = patient(members=15)
    one, two = (fit(ds, **SHORT | {"draws": 5, "tune": 10, "cores": cores}) for cores in (1, 2))
    for name in ("assignment", "exposure", "signature_profile"):
        assert np.array_equal(one["posterior"][name].values, two["posterior"][name].values, equal_nan=True)


def test_the_part_of_a_result_has_the_tables_of_the_command_and_its_figures(fitted, tmp_path):
    part = signature_part(fitted[0], load("joint"))
    write_part(part, tmp_path)
    rows = output.read_rows(tmp_path / "exposures.tsv")
    ids = [str(k) for k in fitted[0]["consensus"]["clone_id"].values]
    assert list(dict.fromkeys(row["branch"] for row in rows)) == ids
    assert list(rows[0]) == [
        "branch", "signature", "mutations", "mean", "lo", "hi", "made_mean", "made_lo", "made_hi", "p_present",
        "bayes_factor",
    ]  # fmt: skip
    for branch in ids:
        mine = [row for row in rows if row["branch"] == branch]
        assert sum(float(row["mean"]) for row in mine) == pytest.approx(1.0, abs=1e-4)
        assert all(float(row["lo"]) <= float(row["hi"]) for row in mine)
    assert sum(int(row["mutations"]) for row in rows if row["signature"] == "SBS1") > 100
    assert list(compute_exposures(tmp_path)["branch"].values) == ids
    assert compute_spectra(tmp_path).sizes["context"] == 96


def test_findings_tell_of_contexts_and_gates(fitted):
    entry = signature_part(fitted[0], load("joint")).entry
    assert entry["mutations_with_context"] == 156
    assert "contexts of 156 of 165 mutations" in entry["findings"][0]
    closed = [row for row in entry["gates"] if row["p_closed"] > 0.5]
    assert {row["signature"] for row in closed} == {"SBS87"}
    assert all(row["p_present"] < 0.5 for row in closed)
    assert all(row["p_sampled"] <= row["p_closed"] for row in entry["gates"])
    assert any("SBS87: clones" in text and "by leak only" in text for text in entry["findings"])


def test_a_signature_against_its_gate_is_told():
    row = {"branch": "3", "signature": "SBS87", "p_closed": 0.9, "p_sampled": 0.9, "p_present": 0.99,
           "bayes_factor": 900.0}  # fmt: skip
    said = gate_findings([row, row | {"branch": "4", "p_present": 0.01, "bayes_factor": 0.2}])
    assert "clones 3, 4 were sampled before" in said[0]
    assert gate_findings([row | {"p_sampled": 0.1}]) == []  # the prior's presence is not said to be seen
    assert len(said) == 2
    assert "Clone 3 has SBS87 against its gate" in said[1]


def test_a_fit_without_contexts_says_why_there_is_nothing():
    ds, _ = patient(members=5)
    tree = summarise(fit(ds, spec="tree", **SHORT | {"draws": 3, "tune": 3}))
    assert "leaves contexts out" in signature_part(tree, load("tree")).entry["findings"][0]
    assert signature_part(tree, load("tree")).tables == {}


def test_mutations_are_counted_by_counterpart_and_context():
    labels = np.array([[0, 0, 1, -1, 2], [1, 1, 0, -2, -1]])
    slots = np.array([[0, 1], [1, -1]])
    context = np.array([5, 5, 7, 5, NO_CONTEXT])
    counts = substitutions(labels, slots, context)
    assert counts[0, 0, 5] == 2
    assert counts[0, 1, 7] == 1
    assert counts[1, 0, 5] == 2
    assert counts[1, 1].sum() == 0
    assert counts.sum() == 5


def test_contexts_are_left_out_of_a_model_that_does_not_ask_for_them():
    ds, _ = patient(members=10)
    plain = fit(ds, spec="tree", **SHORT | {"draws": 5, "tune": 10})
    other = fit(patient(members=10, contexts=False)[0], spec="tree", **SHORT | {"draws": 5, "tune": 10})
    assert "exposure" not in plain["posterior"]
    assert np.array_equal(plain["posterior"]["assignment"].values, other["posterior"]["assignment"].values)


def with_context(place, text, ref="", alt=""):
    ds, _ = patient(members=3)
    for name, value in (("context", text), ("ref", ref), ("alt", alt)):
        values = ds[name].values.astype(object)
        values[place] = value
        ds = ds.assign_coords({name: ("mutation", values.astype(str))})
    return ds


@pytest.mark.parametrize("text", ["ACA", "A[C>C]A", "A[C>T]", "SBS1", "A[N>T]G", "T[C>T]AA"])
def test_a_context_that_is_none_is_refused_and_named(text):
    with pytest.raises(InputError, match="no trinucleotide context") as caught:
        fit(with_context(2, text), **SHORT)
    assert "m2" in str(caught.value)
    assert text in str(caught.value)


def test_every_wrong_context_is_told_at_once():
    ds = with_context(1, "ACA")
    ds["context"].values[4] = "A[C>C]A"
    with pytest.raises(InputError) as caught:
        fit(ds, **SHORT)
    assert len(caught.value.faults) == 2


def test_a_context_of_another_change_is_refused():
    with pytest.raises(InputError, match="another change"):
        fit(with_context(2, "A[C>T]G", "C", "A"), **SHORT)


@pytest.mark.parametrize(("text", "ref", "alt"), [("A[C>T]G", "C", "T"), ("C[G>A]T", "G", "A"), ("a[c>t]g", "G", "A")])
def test_a_context_is_read_on_either_strand(text, ref, alt):
    part = chain_of(with_context(2, text, ref, alt)).plan
    found = part.signatures.context[np.flatnonzero(part.reads.order == 2)[0]]
    assert CONTEXTS[found] == "A[C>T]G"


def test_a_model_without_contexts_does_not_mind_them():
    assert "exposure" not in fit(with_context(2, "ACA"), spec="tree", **SHORT | {"draws": 2, "tune": 2})["posterior"]
