"""What the kernels' log ratios say of the target is what the model's own log density says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from clonalbayes.kernels import (
    ascertainment,
    assign,
    births,
    density,
    envelope,
    hyper,
    prevalence,
    splitmerge,
    sweep,
    tables,
)
from clonalbayes.kernels import profile as profiles
from clonalbayes.kernels.layout import SUBCLONAL

pm = pytest.importorskip("pymc")

from clone_model_case import CLOSE, kernels_at, make_case, target  # noqa: E402


@pytest.fixture(scope="module", params=[3, 0], ids=["called", "uncalled"])
def case(request):
    return make_case(request.param)


def kinds_of(case, k, i):
    return births.kinds_without(k.s, k.w, i)


def test_the_kernels_whole_density_differs_from_the_models_by_a_constant(case):
    gaps = []
    for point in case.points:
        k = kernels_at(case, point)
        total = density.log_prior(k.d, k.s, k.w, case.block.priors) + sweep.constant_loglik(k.d, k.s, k.w)
        for s in range(case.ds.sizes["specimen"]):
            hyper.gather_sample(k.d, k.s, k.w, k.t, s)
            total += hyper.sample_loglik(k.d, k.s, k.w, k.t, s)
        walk = np.log(k.state.precision).sum() + np.log(k.state.error_rate).sum()
        gaps.append(total - target(case, k) - walk)
    assert np.ptp(gaps) < CLOSE


def test_places_of_a_mutation_have_the_models_weights(case):
    rng = np.random.default_rng(2)
    for point in case.points[:8]:
        k = kernels_at(case, point)
        i, clones = int(rng.integers(len(k.state.z))), int(k.state.n_clones[0])
        scores = np.empty(clones + 2)
        births.place_scores(k.d, k.s, k.w, case.block.priors.component, kinds_of(case, k, i), i, scores)
        if k.state.z[i] >= 0 and k.work.size[k.state.z[i]] == 1:
            continue
        count = int(case.block.reads.data.n_geno[case.block.reads.data.cls[i]])
        ours = np.empty(clones + 2)
        for place, label in enumerate([*range(clones), -2, -1]):
            k.state.z[i] = label
            logs = []
            for g in range(count):
                k.state.g[i] = g
                logs.append(target(case, k))
            ours[place] = np.logaddexp.reduce(logs)
        assert np.ptp(ours - scores) < CLOSE


def test_genotypes_have_the_models_weights(case):
    data = case.block.reads.data
    for point in case.points[:8]:
        k = kernels_at(case, point)
        for i in np.flatnonzero((data.n_geno[data.cls] > 1) & (k.state.z >= 0)):
            logs, ours = np.empty(data.n_geno[data.cls[i]]), []
            assign.genotype_logs(k.d, k.w, k.state.z[i], i, logs)
            for k.state.g[i] in range(len(logs)):
                ours.append(target(case, k))
            assert np.ptp(ours - logs) < CLOSE
            k.state.g[i] = 0


def test_scores_of_rows_are_the_genotypes_summed(case):
    k = kernels_at(case, case.points[3])
    k.work.log_weight[:] = 0.3
    data = case.block.reads.data
    for i in range(len(data.cls)):
        score, best = np.empty(1), np.full(1, -1e9)
        assign.row_scores(k.d, k.w, 0, 0, i, i + 1, score, best)
        logs = np.empty(data.n_geno[data.cls[i]])
        assign.genotype_logs(k.d, k.w, 0, i, logs)
        assert score[0] == pytest.approx(0.3 + np.logaddexp.reduce(logs) - np.log(len(logs)), abs=1e-9)


def test_moves_of_a_prevalence_have_the_models_ratio(case):
    rng, checked = np.random.default_rng(4), 0
    for point in case.points[:12]:
        k = kernels_at(case, point)
        for row, s in np.argwhere(k.state.presence[: k.state.n_clones[0]] == SUBCLONAL):
            profiles.clear_terms(k.t)
            profiles.gather_row(k.d, k.w, k.t, row, s)
            error, precision = k.state.error_rate[s], k.state.precision[s]
            x, before = k.state.ccf[row, s], target(case, k)
            y, ratio = prevalence.propose_newton(k.t, k.work.coef, x, error, precision, rng)
            if ratio == -np.inf:
                continue
            ratio += ascertainment.propose_low(k.d, k.s, k.w, row, s, y, error, precision)
            ratio -= newton_log_density(k, y, x, s) - newton_log_density(k, x, y, s)
            k.state.ccf[row, s] = y
            assert target(case, k) - before == pytest.approx(ratio, abs=CLOSE)
            k.state.ccf[row, s] = x
            checked += 1
    assert checked > 10


def newton_log_density(k, start, end, s):
    """Log density with which the local step goes from one ccf to another."""
    slopes = profiles.profile_slopes(k.t, k.work.coef, start, k.state.error_rate[s], k.state.precision[s])
    return stats.norm.logpdf(end, *prevalence.newton_centre(start, *slopes))


def envelope_log_density(k, row, s):
    """Log density with which the envelope of the terms gathered in `k` draws the row's presence and ccf."""
    shape = envelope.new_envelope()
    envelope.build_envelope(
        k.t, k.work.coef, k.state.error_rate[s], k.state.precision[s], k.state.presence_prob[s], shape
    )
    state = k.state.presence[row, s]
    total = envelope.log_total(shape.log_mass)
    if state != SUBCLONAL:
        return shape.log_mass[state] - total
    chord = envelope.chord(shape, k.state.ccf[row, s])
    return np.log(k.state.presence_prob[s, state]) + chord - total


def test_joint_moves_of_presence_and_prevalence_have_the_models_ratio(case):
    rng, checked = np.random.default_rng(5), set()
    for point in case.points[:30]:
        k = kernels_at(case, point)
        row = int(rng.integers(k.state.n_clones[0]))
        for s in range(case.ds.sizes["specimen"]):
            profiles.clear_terms(k.t)
            profiles.gather_row(k.d, k.w, k.t, row, s)
            old = k.state.presence[row, s]
            before, back = target(case, k), envelope_log_density(k, row, s)
            shape = envelope.new_envelope()
            new, y, ratio = prevalence.propose_envelope(k.t, k.work.coef, k.s, row, s, shape, rng)
            if not prevalence.stays_admissible(k.s, row, s, new):
                continue
            error, precision = k.state.error_rate[s], k.state.precision[s]
            ratio += ascertainment.propose_low(k.d, k.s, k.w, row, s, y, error, precision)
            envelope.set_prevalence(k.state.presence[row], k.state.ccf[row], s, new, y)
            ours = target(case, k) - before + back - envelope_log_density(k, row, s)
            assert ratio == pytest.approx(ours, abs=CLOSE)
            checked.add((int(old), int(new)))
            k = kernels_at(case, point)
    assert len(checked) >= 4


def test_admissible_rows_are_those_of_the_model(case):
    rng = np.random.default_rng(6)
    outcomes = set()
    for point in case.points:
        k = kernels_at(case, point)
        clones = int(k.state.n_clones[0])
        k.state.presence[:clones] = rng.choice(3, p=[0.45, 0.1, 0.45], size=k.state.presence[:clones].shape)
        k.state.ccf[:clones] = np.choose(k.state.presence[:clones], [0.0, 0.4, 1.0])
        ours = all(envelope.admissible(k.s, row, clones, -1) for row in range(clones))
        assert ours == np.isfinite(target(case, k))
        outcomes.add(ours)
    assert outcomes == {True, False}


def row_log_density(k, row):
    """Log density with which all samples' envelopes draw a row whose tails are filled."""
    total = 0.0
    for s in range(k.state.presence.shape[1]):
        profiles.clear_terms(k.t)
        profiles.gather_row(k.d, k.w, k.t, row, s)
        total += envelope_log_density(k, row, s)
    return total


def test_splits_have_the_models_ratio(case):
    rng, checked = np.random.default_rng(7), 0
    for point in case.points[:20]:
        k = kernels_at(case, point)
        clones = int(k.state.n_clones[0])
        a = int(np.argmax(k.work.size[:clones]))
        members = np.flatnonzero(k.state.z == a)
        if len(members) < 2 or clones + 2 >= len(k.state.ccf):
            continue
        before = target(case, k)
        side = np.arange(len(members)) % 2
        ratio = -splitmerge.row_weight(k.d, k.s, k.w, k.t, a, members, False, rng) - row_log_density(k, a)
        for half in range(2):
            part = members[side == half]
            ratio += splitmerge.row_weight(k.d, k.s, k.w, k.t, clones + half, part, True, rng)
            ratio += row_log_density(k, clones + half)
        n_a, n_b = int((side == 0).sum()), int((side == 1).sum())
        ratio += np.log(k.state.concentration[0]) + assign_log_gamma(n_a, n_b)
        births.copy_clone(k.s, k.w, clones, a)
        births.copy_clone(k.s, k.w, clones + 1, clones)
        k.state.z[members[side == 1]] = clones
        k.state.n_clones[0] = clones + 1
        after = target(case, k)
        if np.isfinite(after):
            assert after - before == pytest.approx(ratio, abs=CLOSE)
            checked += 1
    assert checked > 5


def assign_log_gamma(a, b):
    """Log Gamma(a) Gamma(b) / Gamma(a + b): how a split changes the partition's probability."""
    return float(stats.beta.logpdf(0.5, a, b) * -1.0 - (a + b - 2) * np.log(2.0))


def test_births_have_the_models_ratio(case):
    rng, checked = np.random.default_rng(8), 0
    component = case.block.priors.component
    for point in case.points[:20]:
        k = kernels_at(case, point)
        clones, i = int(k.state.n_clones[0]), int(rng.integers(len(k.state.z)))
        if k.state.z[i] >= 0 and k.work.size[k.state.z[i]] == 1:
            continue
        scores, kinds = np.empty(clones + 2), kinds_of(case, k, i)
        births.place_scores(k.d, k.s, k.w, component, kinds, i, scores)
        k.state.z[i] = -1
        data, shape = case.block.reads.data, envelope.new_envelope()
        count = int(data.n_geno[data.cls[i]])
        before = target(case, k) + np.log(count)  # over genotypes, which do not matter for noise
        score = births.birth_score(k.d, k.s, k.w, k.t, shape, component, kinds, i, True, rng)
        score += birth_log_density(case, k, clones, i)
        k.state.z[i], k.state.n_clones[0] = clones, clones + 1
        after = target(case, k)
        if np.isfinite(after):
            assert after - before == pytest.approx(score - scores[-1], abs=CLOSE)
            checked += 1
    assert checked > 5


def birth_log_density(case, k, row, i):
    """Log density with which a birth draws mutation i's genotype and its new row."""
    data, rng = case.block.reads.data, np.random.default_rng(0)
    shape, chosen = envelope.new_envelope(), int(k.state.g[i])
    evidence = [
        births.visit_single(k.d, k.s, k.w, k.t, shape, row, i, g, False, rng)[0]
        for g in range(data.n_geno[data.cls[i]])
    ]
    total = evidence[chosen] - np.logaddexp.reduce(evidence)
    for s in range(data.alt_ix.shape[0]):
        alt = data.alt_val[data.alt_off[s] + data.alt_ix[s, i]]
        ref = data.ref_val[data.ref_off[s] + data.ref_ix[s, i]]
        profiles.single_terms(k.t, data.geno_cell[data.geno_off[data.cls[i]] + chosen, s], alt, ref)
        total += envelope_log_density(k, row, s)
    return total


@pytest.mark.parametrize(
    "which", range(5), ids=["precision", "error", "purity", "cn_clonal", "purity_fixed_phi"]
)
def test_moves_of_sample_parameters_have_the_models_ratio(case, which):
    rng, checked = np.random.default_rng(9), 0
    data = case.block.reads.data
    for point in case.points[:15]:
        for s in range(data.alt_ix.shape[0]):
            k = kernels_at(case, point)
            if which == hyper.CN_CLONAL and not hyper.has_aberrant(k.d, s):
                continue
            hyper.gather_sample(k.d, k.s, k.w, k.t, s)
            before = target(case, k)
            walk = np.log(k.state.precision[s]) + np.log(k.state.error_rate[s])
            ratio = -hyper.sample_loglik(k.d, k.s, k.w, k.t, s) - hyper.log_prior(
                k.s, case.block.priors, s, which
            )
            jacobian = hyper.shift_parameter(k.s, s, which, 0.02 * rng.standard_normal())
            if jacobian == -np.inf:
                continue
            tables.refresh_sample(k.d, s, k.state.purity[s], k.state.cn_clonal[s], k.work.coef, k.work.germ)
            ratio += hyper.sample_loglik(k.d, k.s, k.w, k.t, s) + hyper.log_prior(
                k.s, case.block.priors, s, which
            )
            ratio += hyper.ascertainment_change(k.d, k.s, k.w, s)
            walk = np.log(k.state.precision[s]) + np.log(k.state.error_rate[s]) - walk
            assert ratio == pytest.approx(target(case, k) - before + walk, abs=CLOSE)
            moved = (k.state.presence[: k.state.n_clones[0], s] == SUBCLONAL).sum()
            stretch = np.log(point["purity"][s] / k.state.purity[s])
            assert jacobian == pytest.approx(moved * stretch if which == hyper.PURITY_FIXED_PHI else 0.0)
            checked += 1
    assert checked > 5


def test_the_concentration_is_drawn_from_the_models_conditional(case):
    k = kernels_at(case, case.points[0])
    rng = np.random.default_rng(10)
    grid = np.exp(np.linspace(-7.0, 3.0, 400))
    logs = []
    for k.state.concentration[0] in grid:
        logs.append(target(case, k) + np.log(k.state.concentration[0]))  # the grid is even in the logarithm
    shares = np.cumsum(np.exp(np.array(logs) - max(logs)))
    drawn = []
    for _ in range(4000):
        hyper.update_concentration(k.s, k.w, case.block.priors.concentration, rng)
        drawn.append(k.state.concentration[0])
    ranks = np.interp(drawn[::8], grid, shares / shares[-1])
    assert stats.kstest(ranks, "uniform").pvalue > 1e-3


def test_presence_probabilities_are_drawn_from_the_models_conditional(case):
    k = kernels_at(case, case.points[1])
    clones = int(k.state.n_clones[0])
    rng, before = np.random.default_rng(11), k.state.presence_prob.copy()
    prior, rows = case.block.priors.presence, k.state.presence[:clones]
    law = [stats.dirichlet(prior + np.bincount(column, minlength=3)) for column in rows.T]
    old = target(case, k)
    prevalence.update_presence_prob(k.s, prior, rng)
    pairs = zip(law, k.state.presence_prob, before, strict=True)
    ratio = sum(x.logpdf(new) - x.logpdf(was) for x, new, was in pairs)
    assert target(case, k) - old == pytest.approx(ratio, abs=CLOSE)
