"""The slow twin of the tree model against counting, normalisation and integration by other methods."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import tree_twin as twin
from scipy import integrate, stats
from scipy.special import roots_legendre
from scipy.stats import qmc
from tree_exact import beta_rule, closed_sets, sample_rule, stick_rule
from tree_problems import FREE, GIVEN, GRID, TreeProblem, deep, reads


@pytest.mark.parametrize(("clones", "number"), [(0, 1), (1, 1), (2, 3), (3, 16), (4, 125)])
def test_trees_are_as_many_as_cayley_says(clones, number):
    found = list(twin.trees(clones))
    assert len(found) == len(set(found)) == number
    assert all(twin.is_tree(parent) for parent in found)


@pytest.mark.parametrize("weight", [0.05, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("clones", range(6))
def test_the_priors_of_all_trees_sum_to_one(clones, weight):
    total = sum(math.exp(twin.tree_log_prior(parent, weight)) for parent in twin.trees(clones))
    assert total == pytest.approx(1.0, abs=1e-12)


def test_with_weight_one_all_trees_are_alike():
    priors = [twin.tree_log_prior(parent, 1.0) for parent in twin.trees(4)]
    assert np.ptp(priors) == pytest.approx(0.0, abs=1e-12)


def test_paths_depths_and_descendants_of_a_tree():
    parent = (2, 0, 1, 2)  # the second clone founds it; the first and the fourth descend from it
    assert twin.path_to_root(parent, 2) == [1, 2, 0]
    assert twin.descendants(parent, 1) == [0, 1, 2, 3]
    assert twin.depth_of(parent) == 3
    assert not twin.is_tree((2, 1, 0))
    assert not twin.is_tree((1,))


@pytest.mark.parametrize("psi", [0.2, 0.7])
def test_presence_in_a_sample_is_a_law_on_closed_sets(psi):
    for parent in twin.trees(3):
        chance = {
            there: math.exp(twin.presence_log_prior(parent, there, psi))
            for there in itertools.product((0, 1), repeat=3)
        }
        assert sum(chance.values()) == pytest.approx(1.0)
        closed = {tuple(int(k in kept) for k in range(3)) for kept in closed_sets(parent)}
        assert {there for there, p in chance.items() if p > 0.0} == closed


@pytest.mark.parametrize("a", [0.05, 0.4, 2.5])
def test_stick_rules_have_the_moments_of_the_dirichlet(a):
    fraction, weight = stick_rule(3, a, 8, 6)
    assert weight.sum() == pytest.approx(1.0)
    assert fraction.sum(axis=1) == pytest.approx(np.ones(len(fraction)))
    assert weight @ fraction == pytest.approx(np.full(4, 0.25))
    for j, k in itertools.combinations_with_replacement(range(4), 2):
        wanted = a * (a + (j == k)) / (4 * a * (4 * a + 1))
        assert weight @ (fraction[:, j] * fraction[:, k]) == pytest.approx(wanted)
    cubes = weight @ fraction**3
    assert cubes == pytest.approx(np.full(4, a * (a + 1) * (a + 2) / (4 * a * (4 * a + 1) * (4 * a + 2))))


def test_a_rule_of_a_beta_is_exact_for_polynomials():
    x, w = beta_rule(5, 0.3, 1.7)
    assert w @ x**9 == pytest.approx(stats.beta(0.3, 1.7).moment(9))


@pytest.mark.parametrize("name", ["purity", "aberrant"])
def test_the_mass_of_purity_is_that_of_plain_integration(name):
    problem = FREE[name]
    p, ds = problem.parameters, problem.ds
    for s in range(2):
        rule = sample_rule(ds, p, s, 1, 80, 1)
        a = p.fraction_concentration[s]

        def inside(normal, s=s):
            if not twin.needs_purity(ds, s):
                return float(np.exp(twin.purity_log_density(ds, p, s, normal, 0.5)))
            # Breaks where the narrow normal of the purity begins and ends.
            low, high = max(1.0 - normal - 0.08, 0.0), min(1.0 - normal + 0.08, 1.0)
            density = lambda r: float(np.exp(twin.purity_log_density(ds, p, s, normal, r)))  # noqa: E731
            return integrate.quad(density, low, high, epsabs=1e-10)[0]

        weights = stats.beta(a, a)
        # u = F(normal) takes the singularities of the Beta away.
        wanted = integrate.quad(lambda u: inside(weights.ppf(u)), 0.0, 1.0, epsabs=1e-7, limit=200)[0]  # noqa: B023
        assert rule.weight.sum() == pytest.approx(wanted, rel=2e-4)


def quasi(problem: TreeProblem, s: int, there: tuple[int, ...], points: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """Fractions [M, n + 1] by Sobol points, the sticks broken from the last clone to the normal cells."""
    n, a = len(there), problem.fraction_concentration[s]
    u = qmc.Sobol(n, seed=5).random_base2(points)
    fraction, left = np.zeros((len(u), n + 1)), np.ones(len(u))
    for j in range(n):
        fraction[:, n - j] = left * stats.beta(a, (n - j) * a).ppf(u[:, j])
        left = left - fraction[:, n - j]
    fraction[:, 0] = left
    return fraction, np.full(len(u), 1.0 / len(u))


@pytest.mark.parametrize("name", ["three", "four", "three, purity"])
def test_likelihoods_are_those_of_quasi_monte_carlo(name):
    problem = GIVEN[name]
    truth, p, ds = problem.enumeration, problem.parameters, problem.ds
    labels = problem.labels
    for parent in [tree for tree in twin.trees(len(labels)) if tree[0] == 0][:: 1 + len(labels)]:
        wanted = 1.0
        for s in range(2):
            mass = 0.0
            for there in closed_sets(parent):
                presence = [int(k in there) for k in range(len(parent))]
                prior = math.exp(twin.presence_log_prior(parent, presence, p.present_prob[s]))
                fraction, weight = quasi(problem, s, there) if there else (np.ones((1, 1)), np.ones(1))
                weight = weight * np.exp(twin.purity_log_density(ds, p, s, fraction[:, 0], 0.5))
                for i, k in enumerate(labels):
                    below = [1 + there.index(j) for j in twin.descendants(parent, k) if j in there]
                    mean = twin.mean_alt(ds, p, i, s, 1, fraction[:, below].sum(axis=1), 0.5)
                    weight = weight * np.exp(twin.reads_log_pmf(ds, p, i, s, mean))
                mass += prior * weight.sum()
            wanted *= mass
        assert truth.likelihood(labels, parent) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("min_alt", [0, 2])
def test_the_integral_of_the_joint_density_is_the_mass(min_alt):
    # Two clones in one sample, densities without singularities, by a plain grid over `log_joint`.
    problem = TreeProblem(deep(2, min_alt=min_alt).isel(specimen=[0]), (0.6,), (2.0,), ((0.7, 0.1),))
    truth, p, labels = problem.enumeration, problem.parameters, (0, 1)
    x, w = roots_legendre(24)
    x, w = 0.5 * (x + 1.0), 0.5 * w

    def density(parent, there, *values):
        fraction = np.zeros(3)
        fraction[[0, *(1 + k for k in there)]] = values
        presence = np.array([[int(k in there)] for k in range(2)])
        value = twin.log_joint(
            problem.ds, p, labels, parent, presence, fraction[:, None], np.array([0.5]), np.ones((2, 1)), [1, 1], GRID
        )
        return math.exp(value)

    for parent in twin.trees(2):
        total = 0.0
        for there in closed_sets(parent):
            if len(there) == 0:
                total += density(parent, there, 1.0)
            elif len(there) == 1:
                total += sum(wj * density(parent, there, 1.0 - xj, xj) for xj, wj in zip(x, w, strict=True))
            else:
                for j, k in itertools.product(range(len(x)), repeat=2):
                    first, second = x[j], (1.0 - x[j]) * x[k]
                    value = density(parent, there, 1.0 - first - second, first, second)
                    total += w[j] * w[k] * (1.0 - x[j]) * value
        assert truth.mass(labels, parent) == pytest.approx(total, rel=1e-4)


def test_without_reads_the_posterior_is_the_prior():
    truth = FREE["no reads"].enumeration
    assert truth.likelihood((0, 1, 2), (0, 1, 1)) == pytest.approx(1.0)
    assert sum(truth.mass(*key) for key in truth.posterior) == pytest.approx(1.0)
    chosen = GIVEN["four, no reads"].enumeration.trees_of((0, 1, 2, 3))
    assert max(chosen.values()) == pytest.approx(1 / 125)
    assert min(chosen.values()) == pytest.approx(1 / 125)


@pytest.mark.parametrize("group", [FREE, GIVEN], ids=["free", "given"])
def test_more_nodes_change_nothing(group):
    for name, problem in group.items():
        if name in ("four", "one sample called", "three, aberrant") or name.startswith("four,"):
            continue  # those are slow; the same rules serve them
        rule = {"first": 24, "others": 14, **problem.rule}
        finer = replace(problem, rule={key: n + 4 for key, n in rule.items()})
        tables = [
            p.enumeration.posterior if p.labels is None else p.enumeration.trees_of(p.labels) for p in (problem, finer)
        ]
        assert len(tables[0]) == (70 if problem.labels is None else len(list(twin.trees(max(problem.labels) + 1))))
        assert max(abs(tables[0][key] - tables[1][key]) for key in tables[0]) < 1e-5, name


def test_means_are_shares_of_the_masses():
    truth = FREE["reads"].enumeration
    keys = list(truth.posterior)
    inside = [key for key in keys if key[0][0] >= 0]
    share = sum(truth.posterior[key] for key in inside)
    prevalence, own = (truth.expect(keys, name, 0) for name in ("prevalence", "fraction"))
    assert 0.0 < own < prevalence < share
    assert truth.expect(keys, "prevalence squared", 0) > prevalence**2
    assert truth.expect(inside, "present", 0) < 1.0
    assert truth.expect(keys, "normal", 1) == pytest.approx(
        sum(truth.posterior[key] * truth.expect([key], "normal", 1) for key in keys)
    )
    assert truth.expect(keys, "present clones", 1) <= 3.0


def test_calls_make_absent_clones_no_less_likely_than_their_reads_say():
    # Called at one alt read at least: a clone's reads are more probable, the rarer it would have been seen.
    plain = TreeProblem(reads(3), (0.6, 0.7)).enumeration
    called = TreeProblem(reads(3, min_alt=2), (0.6, 0.7), rule={"first": 10, "others": 8}).enumeration
    for key in (((0, 0, 0), (0,)), ((0, 1, 0), (0, 1))):
        assert called.likelihood(*key) > plain.likelihood(*key)


def test_density_is_zero_off_the_support():
    problem = GIVEN["two"]
    p = problem.parameters
    presence, fraction = np.array([[1, 1], [1, 0]]), np.array([[0.2, 0.3], [0.5, 0.7], [0.3, 0.0]])

    def value(parent, presence, fraction):
        return twin.log_joint(
            problem.ds, p, (0, 1), parent, presence, fraction, np.array([0.5, 0.5]), np.ones((2, 2)), [1, 1], GRID
        )

    assert np.isfinite(value((0, 1), presence, fraction))
    assert value((2, 1), presence, fraction) == -math.inf  # no tree
    assert value((2, 0), presence, fraction) == -math.inf  # an absent parent of a present clone
    assert value((0, 1), np.ones((2, 2), int), fraction) == -math.inf  # present without cells
    assert value((0, 1), presence, fraction + 0.1) == -math.inf  # more cells than there are


def test_hyperpriors_are_those_stated():
    p = FREE["reads"].parameters
    b, m = 0.4, 0.6
    wanted = stats.norm(np.log(0.3), 1.0).logpdf(np.log(b)) - np.log(b)
    for s in range(2):
        wanted += stats.norm(np.log(b), 0.5).logpdf(np.log(p.fraction_concentration[s]))
        wanted += -np.log(p.fraction_concentration[s]) + stats.beta(4 * m, 4 * (1 - m)).logpdf(p.present_prob[s])
    assert twin.hyper_log_prior(p, b, m) == pytest.approx(wanted)
