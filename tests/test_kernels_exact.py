"""Partition and prevalence moves against the exact posterior over all labellings of four mutations.

Short runs; `validation/exact.py` runs every breakage against every check at length.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from breakages import BREAKAGES, SHORT_CUTS, broken, check_texts, intact, patched
from enumeration import PROBLEMS, Report, check
from exact import GERMLINE, NOISE, labellings, partition_log_prior
from kernel_fixtures import dataset, make_chain, run_blocks, set_partition

LARGEST_GAP = 0.02  # of the frequency of any labelling
LARGEST_Z = 5.5  # of some sixty frequencies and means, by 40 batches
FOUND = 6.5

KERNELS = intact()


def assert_exact(report: Report) -> None:
    assert report.strange == 0
    assert report.largest_gap < LARGEST_GAP
    assert report.total_variation < 0.08
    assert report.worst[0] < LARGEST_Z, report.worst


@pytest.mark.parametrize("problem", ["diploid", "called", "aberrant", "aberrant called", "subclonal", "no reads"])
def test_all_moves_together_draw_from_the_exact_posterior(problem):
    assert_exact(check(KERNELS, problem, "all", 8000, seed=1))


@pytest.mark.parametrize(
    ("run", "problem", "sweeps"),
    [
        ("births", "aberrant called", 16000),
        ("births", "no reads", 16000),
        ("births, prevalences", "diploid", 12000),
        ("assign, births", "aberrant called", 12000),
        ("assign, prevalences", "aberrant called", 16000),
        ("assign, condense", "aberrant called", 12000),
        ("genotypes, prevalences", "aberrant called", 12000),
        ("assign, splits", "aberrant called", 12000),
        ("splits", "called", 10000),
        ("splits", "no reads", 10000),
        ("splits, prevalences", "diploid", 8000),
        ("prevalences", "subclonal", 12000),
        ("prevalences", "no reads", 12000),
    ],
)
def test_each_move_with_the_least_that_it_needs_draws_from_the_exact_posterior(run, problem, sweeps):
    assert_exact(check(KERNELS, problem, run, sweeps, seed=2))


def test_short_cuts_for_large_clones_keep_the_posterior():
    kernels = patched(constants=SHORT_CUTS)
    for problem in ("aberrant called", "no reads"):
        assert_exact(check(kernels, problem, "all", 8000, seed=4))


def test_a_lack_of_room_for_clones_leaves_the_posterior_of_the_others():
    assert_exact(check(KERNELS, "no reads", "all", 8000, seed=5, capacity=4))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "run", "problem"),
    [
        ("births with noise no likelier", "births", "no reads"),
        ("births without the concentration", "births", "no reads"),
        ("births without the calls", "births", "called"),
        ("splits without the partition's density", "splits", "no reads"),
        ("splits without the division", "splits", "no reads"),
        ("condensation without the division", "assign, condense", "no reads"),
        ("assignment with too much of each clone", "assign, prevalences", "no reads"),
        ("Newton without the reverse density", "prevalences", "subclonal"),
        ("prevalences of clones that are there", "prevalences", "no reads"),
    ],
)
def test_a_broken_kernel_is_found(name, run, problem):
    report = check(broken(name), problem, run, 8000, seed=3)
    assert report.worst[0] > FOUND or report.largest_gap > 2 * LARGEST_GAP


@pytest.mark.parametrize("start", [(0, 0, 0), (0, 1, 2)])
def test_in_many_samples_alike_mutations_are_one_clone_whatever_the_start(start):
    # A clone's evidence lies some nats a sample below its likelihood at best: what screens proposals must know it.
    samples, rng = 120, np.random.default_rng(7)
    ccf = rng.uniform(0.2, 0.8, samples)
    alt = rng.binomial(400, np.tile(0.4 * ccf, (3, 1)))
    chain = make_chain(dataset(alt, np.full(alt.shape, 400)), error_rate=0.001, precision=1e5)
    set_partition(chain, start, rng)
    seen = []
    run_blocks(chain, KERNELS, ("splits", "prevalences"), 300, rng, lambda c: seen.append(c.clones))
    assert np.mean(np.array(seen[100:]) == 1) > 0.95


def test_every_breakage_finds_the_text_that_it_changes():
    check_texts()
    assert all(old != new for _, old, new in BREAKAGES.values())


def test_labellings_are_as_many_as_counting_says():
    # Noise and germline take any two disjoint subsets; the others any set partition (Bell numbers).
    bell = [1, 1, 2, 5, 15]
    for n in range(5):
        wanted = sum(math.comb(n, k) * 2 ** (n - k) * bell[k] for k in range(n + 1))
        assert len(set(labellings(n))) == wanted


def test_the_priors_of_all_labellings_sum_to_one():
    parameters = PROBLEMS["diploid"].enumeration().p
    total = sum(math.exp(partition_log_prior(list(v), parameters)) for v in labellings(4))
    assert total == pytest.approx(1.0)


def test_an_enumeration_without_reads_is_the_admissible_prior():
    truth = PROBLEMS["no reads"].enumeration()
    absent, subclonal, clonal = truth.p.presence_prob[0]
    # One clone: anything but absence everywhere. Two: neither absent everywhere, nor the same atoms.
    one = 1.0 - absent**2
    atoms = [absent * clonal, clonal * absent, clonal * clonal]
    free = 1.0 - (absent + clonal) ** 2
    two = free**2 + 2.0 * free * sum(atoms) + sum(a * b for a, b in itertools.permutations(atoms, 2))
    for labels, chance in (((0, 0, 0, 0), one), ((0, 1, 0, 0), two), ((NOISE, GERMLINE, NOISE, NOISE), 1.0)):
        wanted = math.exp(partition_log_prior(list(labels), truth.p)) * chance
        assert truth.mass(labels) == pytest.approx(wanted)
    assert sum(truth.posterior.values()) == pytest.approx(1.0)
    assert subclonal > 0.0


def test_genotypes_of_the_first_mutation_share_out_its_mass():
    truth = PROBLEMS["aberrant called"].enumeration()
    labels = list(truth.posterior)
    chances = [truth.expect(labels, genotype=g) for g in range(len(truth.options[0]))]
    assert sum(chances) == pytest.approx(1.0)
    assert np.ptp(chances) > 0.05
