"""Words about dates: where a split lies, which clock, why an interval is wide, and the branches' numbers."""

from __future__ import annotations

import numpy as np
import pytest
from timing_case import dated

from clonalbayes.summaries import timing, timing_words
from clonalbayes.summaries.branches import branch_rows, with_hidden
from clonalbayes.summaries.timing import Dated
from clonalbayes.timing.posterior import BranchDraws
from clonalbayes.timing.sampler import TimedDraws


def said(one):
    return timing_words.sentences(one, timing.timing_rows(one))


def test_a_split_is_put_among_the_courses():
    (text,) = said(dated(120.0))
    assert text == (
        "The lineages 2 and 3 split between 2000-04-28 and 2000-05-02 (95 %): "
        "during a 1 (2000-04-10 to 2000-07-18) with probability 1.00."
    )
    assert said(dated(50.0))[0].endswith(": before a 1 with probability 1.00.")
    assert said(dated(300.0))[0].endswith(": after b with probability 1.00, before a 2 with probability 1.00.")
    assert "during a 2 (from 2001-02-04) with probability 1.00" in said(dated(500.0))[0]


def test_what_is_open_is_told_with_all_its_places():
    days = np.repeat([80.0, 120.0], [10, 30])[:, None]
    (text,) = said(dated(days))
    assert "during a 1 (2000-04-10 to 2000-07-18) with probability 0.75, before a 1 with probability 0.25" in text
    rows = timing.timing_rows(dated(days))
    assert rows[-1]["ess"] < 60 < timing.timing_rows(dated(120.0, courses=()))[-1]["ess"]


def test_lineages_are_named_by_where_only_they_are():
    seen = (("relapse", "AML"), ("relapse",), ("AML", "MDS", "A", "B", "C"))
    one = dated(120.0, seen=seen)
    assert said(one)[0].startswith("The lineages 2 (relapse) and 3 (AML, MDS and 3 more) split")
    assert timing.timing_rows(one)[0]["lineages"] == "1 (relapse, AML)"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"roles": ("clock",)}, "no treatment signature is declared"),
        ({"made": 4}, "hardly any treatment mutation is on the branches below it and the branches have few mutations"),
        ({}, "the rates of the clocks are hardly known"),
        ({"spread": 1.0}, None),
    ],
)
def test_wide_intervals_are_explained(change, says):
    (text,) = said(dated(300.0, **({"spread": 80.0} | change)))
    assert (says in text) if says else "wide" not in text


def clock_rows(strict, faster):
    one = dated(120.0)
    share = np.linspace(0, 1, one.draws.strict.size, endpoint=False).reshape(one.draws.strict.shape)
    draws = TimedDraws(**(vars(one.draws) | {"strict": share < strict, "accelerated": share < faster}))
    return timing.clock_rows(Dated(**(vars(one) | {"draws": draws})), 0.5, 0.5)


@pytest.mark.parametrize(
    ("strict", "faster", "says"),
    [
        (0.9, 0.9, ("The clock is strict: probability 0.90, Bayes factor 9.0", "Rates rise after the founder (1.0")),
        (0.1, 0.1, ("The clock is relaxed", "Rates do not rise after the founder: probability 0.90")),
        (0.6, 0.4, ("strict or relaxed stays open: probability 0.60, Bayes factor 1.5", "rise after the founder")),
    ],
)
def test_the_form_of_the_clock_is_said_with_its_evidence(strict, faster, says):
    found = timing_words.clock_sentences(clock_rows(strict, faster))
    assert all(part in text for part, text in zip(says, found, strict=True))


def test_a_form_that_is_fixed_is_not_compared():
    one = dated(120.0)
    assert timing_words.clock_sentences(timing.clock_rows(one, 1.0, 0.0)) == []


def test_few_independent_draws_are_told():
    rows = [{"quantity": "date of 3", "ess": 30.0, "verdict": timing.LONGER}]
    assert "--trees 128" in timing_words.verdict(rows, one_tree=False)[0]
    assert "--tune 2000" in timing_words.verdict(rows, one_tree=True)[0]
    assert timing_words.verdict([rows[0] | {"verdict": "good"}], one_tree=True) == []


def branches(**change):
    kinds = np.tile(np.array([[[30, 3, 1, 0], [20, 0, 0, 0]]]), (50, 1, 1))
    values = {"parent": np.tile([0, 1], (50, 1)), "kinds": kinds, "detected": np.full((50, 2), 0.5)} | change
    return BranchDraws(**values, consensus=np.array([0, 1]))


def test_branches_hold_their_kinds_and_what_is_hidden():
    first, second = branch_rows(branches(), ("x", "y"))
    assert (first["parent"], second["parent"]) == ("", "x")
    assert (first["snvs_mean"], first["indels_mean"], first["doublets_mean"]) == (30, 3, 1)
    assert "other_mean" not in first
    assert first["snvs_corrected_mean"] == pytest.approx(60, abs=5)
    assert first["snvs_corrected_lo"] > 40
    whole = branch_rows(branches(detected=np.ones((50, 2))), ("x", "y"))[0]
    assert whole["snvs_corrected_mean"] == whole["snvs_corrected_hi"] == 30


def test_draws_without_a_branch_say_nothing_of_its_numbers():
    parent = np.tile([0, 1], (50, 1))
    parent[:25, 1] = -1
    kinds = branches().kinds.copy()
    kinds[:25, 1] = 0
    assert branch_rows(branches(parent=parent, kinds=kinds), ("x", "y"))[1]["snvs_mean"] == 20


def test_mutations_of_unknown_kind_get_a_column():
    kinds = branches().kinds[:, :, [3, 1, 2, 0]]
    row = branch_rows(branches(kinds=kinds), ("x", "y"))[0]
    assert (row["snvs_mean"], row["other_mean"]) == (0, 30)


def test_what_is_hidden_has_the_posterior_of_a_poisson_count():
    rng = np.random.default_rng(2)
    rate = rng.uniform(0.0, 600.0, 40_000)
    seen, hidden = rng.poisson(0.3 * rate), rng.poisson(0.7 * rate)
    drawn = with_hidden(seen.astype(float), np.full(len(rate), 0.3), rng) - seen
    many = (seen > 20) & (seen < 80)
    assert drawn[many].mean() == pytest.approx(hidden[many].mean(), rel=0.1)
    assert drawn[many].std() == pytest.approx(hidden[many].std(), rel=0.15)


def test_signatures_of_a_joint_fit_have_columns_without_dates():
    exposures = np.tile([[0.5, 0.499, 0.001]], (50, 2, 1))
    row = branch_rows(branches(signatures=("SBS1", "SBS18", "SBS31"), exposures=exposures), ("x", "y"))[0]
    assert row["SBS1_mean"] == pytest.approx(15.0)
    assert row["SBS1_corrected_mean"] == pytest.approx(30.0, abs=5.0)
    assert "SBS18_mean" in row
    assert "SBS31_mean" not in row
