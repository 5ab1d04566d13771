"""The figures: what they compute against direct computations, how they read their source, empty cases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from plot_fixtures import NAMES, make_tree

from clonalbayes import plots
from clonalbayes.faults import InputError
from clonalbayes.plots import source, vaf_pairs


@pytest.fixture(scope="module")
def tree():
    return make_tree()


def test_vaf_is_the_share_of_reads_and_missing_is_nan(tree):
    vaf = source.vaf_of(tree)
    alt, depth = tree["observed_data"]["alt_count"].values, tree["observed_data"]["depth"].values
    assert np.isnan(vaf.values[0, 1])
    assert int(np.isnan(vaf.values).sum()) == 1
    assert vaf.values[3, 2] == alt[3, 2] / depth[3, 2]
    assert vaf.sel(mutation="m3", specimen="last") == alt[3, 3] / depth[3, 3]


def test_ccf_corrects_for_purity_copies_and_multiplicity():
    tree = make_tree()
    held, copies = tree["constant_data"], tree["consensus"]["multiplicity"]
    clonal = np.flatnonzero(source.labels_of(tree) > 0)
    i, j, k = clonal[:3]
    held["major_cn"].values[i, 0], held["minor_cn"].values[i, 0] = 3, 1
    copies.values[i, 0] = 3
    held["major_cn"].values[j, 0] = held["minor_cn"].values[j, 0] = -1
    copies.values[k, 0] = 0
    vaf, ccf = source.vaf_of(tree).values, source.ccf_of(tree).values
    assert ccf[i, 0] == pytest.approx(vaf[i, 0] * (0.8 * 4 + 0.2 * 2) / (0.8 * 3))
    assert ccf[j, 0] == pytest.approx(vaf[j, 0] * 2 / 0.8)
    assert np.isnan(ccf[k, 0])
    assert np.isnan(ccf[source.labels_of(tree) == 0]).all()


def test_ccf_takes_totals_and_given_fractions():
    tree = make_tree(missing=False)
    held = tree["constant_data"]
    i, j = np.flatnonzero(source.labels_of(tree) > 0)[:2]
    total, given = np.full(held["major_cn"].shape, -1), np.full(held["major_cn"].shape, np.nan)
    held["major_cn"].values[i, 0] = held["minor_cn"].values[i, 0] = -1
    total[i, 0], given[j, 0] = 3, 0.4
    both = ("mutation", "specimen")
    tree["constant_data"] = held.to_dataset().assign(total_cn=(both, total), var_read_prob=(both, given))
    vaf, ccf = source.vaf_of(tree).values, source.ccf_of(tree).values
    assert ccf[i, 0] == pytest.approx(vaf[i, 0] * (0.8 * 3 + 0.2 * 2) / 0.8)
    assert ccf[j, 0] == pytest.approx(vaf[j, 0] / (0.4 * 0.8))


def test_a_subsample_keeps_small_clones_and_says_nothing_of_order():
    labels = np.repeat([1, 2, 0], [5000, 4, 100])
    chosen = source.subsample(labels, 500, 10)
    assert len(chosen) == 500
    assert (np.diff(chosen) > 0).all()
    assert (labels[chosen] == 2).sum() == 4
    assert 10 <= (labels[chosen] == 0).sum() < 40
    assert source.subsample(labels, 10**6, 10).tolist() == list(range(len(labels)))
    assert source.subsample(labels, 500, 10).tolist() == chosen.tolist()


def test_floors_win_over_the_limit():
    labels = np.repeat(np.arange(1, 31), 10)
    assert len(source.subsample(labels, 40, 3)) == 90


@pytest.mark.parametrize(("samples", "wanted"), [(1, 0), (2, 1), (4, 6), (5, 4), (40, 12)])
def test_pairs_are_all_or_neighbours_or_some_of_them(samples, wanted):
    tree = make_tree(specimens=[f"s{i}" for i in range(samples)], dates=None)
    data = plots.compute_vaf_pairs(tree)
    assert data.sizes["pair"] == wanted
    if samples > 4:
        assert (data["pair_y"].values - data["pair_x"].values == 1).all()
    assert ("12 of the 39 pairs" in data.attrs["note"]) == (samples == 40)


def test_pairs_can_be_asked_for_and_unknown_samples_are_named(tree):
    data = plots.compute_vaf_pairs(tree, pairs=[("last", "before")])
    assert (data["pair_x"].item(), data["pair_y"].item()) == (3, 0)
    assert data.attrs["note"] == ""  # what is missing is missing elsewhere
    with pytest.raises(InputError, match=r"there is no 'now'.*before, after"):
        plots.compute_vaf_pairs(tree, pairs=[("now", "before")])


def test_densities_hold_their_mass_and_sit_on_the_points():
    rng = np.random.default_rng(1)
    points = np.clip(rng.normal((0.3, 0.6), 0.05, (4000, 2)), 0, 1)
    density = vaf_pairs.smooth_density(points, 1.0)
    cell = (1.0 / vaf_pairs.GRID) ** 2
    assert density.sum() * cell == pytest.approx(1.0)
    y, x = np.unravel_index(density.argmax(), density.shape)
    assert (x + 0.5) / vaf_pairs.GRID == pytest.approx(0.3, abs=0.03)
    assert (y + 0.5) / vaf_pairs.GRID == pytest.approx(0.6, abs=0.03)
    for level, mass in zip(vaf_pairs.mass_levels(density), vaf_pairs.MASSES, strict=True):
        assert density[density >= level].sum() * cell == pytest.approx(mass, abs=0.02)
        row, column = (np.minimum((points * vaf_pairs.GRID).astype(int), vaf_pairs.GRID - 1)).T[::-1]
        assert (density[row, column] >= level).mean() == pytest.approx(mass, abs=0.05)


def test_only_clones_with_enough_mutations_have_a_density(tree):
    data = plots.compute_vaf_pairs(tree)
    assert data["clone"].values.tolist() == [1, 2, 3, 0, -1]
    assert data["n"].values.tolist() == [12, 9, 3, 3, 2]
    known = np.isfinite(data["level"].values).all(axis=(0, 2))
    assert known.tolist() == [True, False, False, False, False]
    values, label = data["value"].values, data["label"].values
    own = values[label == 2][:, [0, 1]]
    own = own[np.isfinite(own).all(axis=1)]
    centre = data["centre"].values[0, 1]
    assert (own == centre).all(axis=1).any()  # a mutation, not a place between mutations
    assert np.isnan(data["centre"].values[:, 3:]).all()
    assert data["count"].sum("bin").values[0].tolist() == [12, 9, 3, 3, 2]


def test_many_points_are_subsampled_and_the_note_says_so():
    tree = make_tree(sizes=(3000, 400, 60), noise=0, germline=0)
    data = plots.compute_vaf_pairs(tree, max_points=1000)
    assert int(data["drawn"].sum()) == 1000
    assert "1,000 of 3,460 mutations are drawn" in data.attrs["note"]
    assert "1 mutation without a value" in data.attrs["note"]
    assert int((data["drawn"].values & (data["label"].values == 3)).sum()) >= 50


def test_heatmap_rows_are_grouped_by_clone_and_fall_within(tree):
    data = plots.compute_heatmap(tree)
    labels = data["label"].values
    assert [k for k, _ in itertools.groupby(labels)] == [1, 2, 3, 0, -1]
    assert data["rows"].values.tolist() == data["n"].values.tolist() == [12, 9, 3, 3, 2]
    vaf = source.vaf_of(tree).sel(mutation=data["mutation"].values)
    np.testing.assert_array_equal(vaf.values, data["value"].values)
    mean = np.nanmean(data["value"].values, axis=1)
    assert all((np.diff(mean[labels == k]) <= 0).all() for k in (1, 2, 3, 0, -1))
    assert "Hatched" in data.attrs["note"]


def test_heatmap_of_many_says_how_many():
    data = plots.compute_heatmap(make_tree(sizes=(900, 90, 2), missing=False), max_rows=100)
    assert data.sizes["mutation"] == 100
    assert data["rows"].values[2] == 2
    assert data.attrs["note"].startswith("100 of 997 mutations")


def test_prevalence_leaves_out_draws_without_the_clone(tree):
    data = plots.compute_prevalence(tree)
    size = tree["consensus"]["cellular_prevalence"].values.reshape(-1, 3, 4)
    one = size[1:, 1, 2]  # the first draw has no counterpart of clone 2
    assert data["mean"].values[1, 2] == pytest.approx(one.mean())
    ordered = np.sort(one)
    held = int(np.ceil(0.95 * len(ordered)))
    start = np.argmin(ordered[held - 1 :] - ordered[: len(ordered) - held + 1])
    assert data["lo"].values[1, 2] == ordered[start]
    assert data["hi"].values[1, 2] == ordered[start + held - 1]
    assert data["p_present"].values[1, 0] == 0
    assert data["p_present"].values[2, 0] == pytest.approx((size[:, 2, 0] > 0).mean())
    assert data["n"].values.tolist() == [12, 9, 3]


def test_ccf_is_divided_draw_by_draw(tree):
    plain, ccf = plots.compute_prevalence(tree), plots.compute_prevalence(tree, ccf=True)
    np.testing.assert_allclose(ccf["hi"].values, plain["hi"].values / 0.8)
    assert ccf.attrs["quantity"] == "CCF"


def test_the_number_of_clones_and_of_large_ones(tree):
    data = plots.compute_n_clones(tree, share=0.2)
    assignment = tree["posterior"]["assignment"].values.reshape(60, -1)
    large = [sum((row == k).sum() > 0.2 * len(row) for k in range(3)) for row in assignment]
    for row, counts in zip(data["probability"].values, ([3] * 60, large), strict=True):
        for number, p in zip(data["n_clones"].values, row, strict=True):
            assert p == pytest.approx(np.mean(np.array(counts) == number))
    np.testing.assert_allclose(data["probability"].sum("n_clones"), 1.0)
    assert (data["low"].values[0], data["high"].values[0]) == (3, 3)


def test_similarity_is_the_share_of_draws_together(tree):
    data = plots.compute_similarity(tree)
    assignment = tree["posterior"]["assignment"].values.reshape(60, -1)
    at = [int(name[1:]) for name in data["mutation"].values]
    for a, b in [(0, 1), (0, 15), (5, 25), (26, 27)]:
        first, second = assignment[:, at[a]], assignment[:, at[b]]
        assert data["similarity"].values[a, b] == pytest.approx(((first == second) & (first >= 0)).mean())
    assert (np.diag(data["similarity"].values) == 1).all()
    np.testing.assert_array_equal(data["similarity"].values, data["similarity"].values.T)
    assert sorted(np.unique(data["similarity"].values)) == [0.0, 0.5, 1.0]


def test_similarity_of_some_says_so_and_thins_draws():
    data = plots.compute_similarity(make_tree(sizes=(300, 30, 3)), max_mutations=50, max_draws=20)
    assert data.sizes["mutation"] == 50
    assert data.attrs["draws"] == 20
    assert data.attrs["note"].startswith("50 of 338 mutations")


def test_a_folder_gives_what_its_tree_gives(tree, tmp_path):
    from clonalbayes.results import Result, write_tree

    write_tree(tree, tmp_path / "posterior.nc")
    for compute in (plots.compute_vaf_pairs, plots.compute_heatmap, plots.compute_prevalence,
                    plots.compute_n_clones, plots.compute_similarity):  # fmt: skip
        from_tree = compute(tree)
        assert compute(tmp_path).identical(from_tree)
        assert compute(Result(tmp_path)).identical(from_tree)
    (tmp_path / "posterior.nc").unlink()  # nothing holds the file


def test_a_folder_that_is_no_result_or_damaged_is_named(tmp_path):
    with pytest.raises(InputError, match=r"holds no posterior\.nc"):
        plots.compute_heatmap(tmp_path)
    (tmp_path / "posterior.nc").write_bytes(b"not netCDF")
    with pytest.raises(InputError, match=r"posterior\.nc: cannot be read"):
        plots.compute_heatmap(tmp_path)


def test_consensus_clones_are_made_where_there_are_none(tree, monkeypatch):
    import clonalbayes.summaries

    bare = tree.copy()
    del bare["consensus"]
    monkeypatch.setattr(clonalbayes.summaries, "summarise", lambda given: tree)
    assert plots.compute_heatmap(bare).identical(plots.compute_heatmap(tree))
    assert plots.compute_n_clones(bare).identical(plots.compute_n_clones(tree))


def test_no_clones_at_all():
    tree = make_tree(sizes=(), noise=4, germline=0)
    assert plots.compute_prevalence(tree).sizes["clone"] == 0
    assert plots.compute_vaf_pairs(tree)["clone"].values.tolist() == [0]
    assert plots.compute_n_clones(tree)["n_clones"].values.tolist() == [0]
    similarity = plots.compute_similarity(tree)["similarity"].values
    np.testing.assert_array_equal(similarity, np.eye(4))


def test_names_of_samples_pass_untouched(tree):
    assert plots.compute_prevalence(tree)["specimen"].values.tolist() == list(NAMES)
