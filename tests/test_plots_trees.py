"""The figures of trees: their layouts, that no clone leaves its parent or comes early, what they show."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from plot_fixtures import make_tree
from test_ancestry import all_trees, climb
from test_trees import ETA
from tree_posteriors import CHAIN, FORK, TWO, mixture, subtree_sums, with_trees

from clonalbayes import plots
from clonalbayes.faults import InputError
from clonalbayes.plots import alternatives, fish, fish_bodies, style, tree_layout
from clonalbayes.plots import tree as tree_figure
from clonalbayes.summaries import collect, hdi, summarise

plt = pytest.importorskip("matplotlib.pyplot")

DATES = ("2020-01-01", "2021-06-01", "2021-06-01", "2022-01-01")


@pytest.fixture(autouse=True)
def _agg():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def random_tree(k, rng):
    """A tree of k clones whose numbers say nothing of their order."""
    row = np.array([rng.integers(0, j + 1) for j in range(k)], int)
    rename = np.concatenate([[0], rng.permutation(k) + 1]).astype(int)
    out = np.empty(k, int)
    out[rename[1:] - 1] = rename[row]
    return out


@pytest.fixture(scope="module")
def mixed():
    drawn = mixture({CHAIN: 0.6, FORK: 0.3, TWO: 0.1}, 2, 100)
    return summarise(with_trees(drawn, eta=ETA, spread=200.0))


def case(k, samples, *, dates=None, names=None, seed=0, **more):
    rng = np.random.default_rng(seed)
    row = random_tree(k, rng)
    other = random_tree(k, rng)
    drawn = np.where((rng.random((2, 12)) < 0.6)[:, :, None], row, other)
    eta = rng.dirichlet(np.full(k + 1, 0.5), samples).T[:k]
    absent = [(int(c), int(s)) for c, s in zip(rng.integers(0, k, k), rng.integers(0, samples, k), strict=True)]
    return with_trees(
        drawn,
        sizes=tuple(rng.integers(1, 40, k).tolist()),
        specimens=names or [f"s{i}" for i in range(samples)],
        dates=dates,
        eta=eta,
        absent=absent,
        **({"fixed": True} | more),
    )


CASES = {
    "usual": lambda: case(5, 4, dates=DATES),
    "free clustering": lambda: case(4, 4, fixed=False),
    "no clone": lambda: with_trees(np.zeros((2, 5, 0), int), sizes=()),
    "one of everything": lambda: with_trees(np.zeros((1, 1, 1), int), sizes=(1,), noise=0, specimens=("A",)),
    "one sample": lambda: case(4, 1),
    "90 samples": lambda: case(17, 90, names=[f"Relapse xenograft {i}" for i in range(90)]),
    "32 clones": lambda: case(32, 6),
    "80 clones": lambda: case(80, 3),
    "long names": lambda: case(3, 4, dates=DATES, names=["x" * 80, "$a_b$", "\n\t", "z"]),
    "a clone lacking": lambda: with_trees(
        np.array([[CHAIN] * 4] * 2), lacking={(c, d): [1] for c in range(2) for d in range(4) if (c, d) != (0, 0)}
    ),
    "no draw with all": lambda: with_trees(
        np.array([[CHAIN] * 6]), eta=ETA, lacking={(0, d): [d % 3] for d in range(6)}
    ),
    "absent everywhere": lambda: with_trees(np.array([[(0, 0)] * 5]), sizes=(3, 2), fixed=True,
                                            absent=[(0, 0), (0, 1), (1, 0), (1, 1)]),
}  # fmt: skip


@pytest.mark.parametrize(("name", "which"), list(itertools.product(plots.OF_TREES, CASES)))
def test_every_figure_draws_every_case(name, which):
    axes = plots.REGISTRY[name](summarise(CASES[which]()))
    flat = np.atleast_1d(np.asarray(axes, object)).ravel()
    flat[0].figure.canvas.draw()
    assert flat[0].figure.get_size_inches().max() < 20


@pytest.mark.parametrize("name", plots.OF_TREES)
def test_a_model_without_trees_is_refused(name):
    with pytest.raises(InputError, match="the result has no trees"):
        plots.draw(name, make_tree())


@pytest.mark.parametrize("name", plots.OF_TREES)
def test_figures_go_into_the_axes_given(name):
    tree = summarise(CASES["usual"]())
    if name == "alternatives":
        _, axis = plt.subplots()
        assert plots.plot_alternatives(tree, axes=axis) is axis
    else:
        _, axes = plt.subplots(1, 2)
        assert plots.REGISTRY[name](tree, axes=axes).tolist() == axes.tolist()
        _, one = plt.subplots()
        with pytest.raises(ValueError, match="2 panels, and 1 axes"):
            plots.REGISTRY[name](tree, axes=one)


def test_a_folder_gives_what_its_tree_gives(mixed, tmp_path):
    from posteriors import dataset, patient

    from clonalbayes.results import write

    write(mixed, patient(dataset(64)), tmp_path / "r", {})
    for compute in (plots.compute_tree, plots.compute_alternatives, plots.compute_fish):
        assert compute(mixed).identical(compute(tmp_path / "r"))


# --- layouts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_an_outline_keeps_subtrees_together(seed):
    parents = random_tree(25, np.random.default_rng(seed))
    rows = tree_layout.rows_of(parents)
    assert sorted(rows.tolist()) == list(range(25))
    for k in range(25):
        below = [j for j in range(25) if k + 1 in climb(parents, j)]
        assert sorted(rows[below]) == list(range(rows[k] + 1, rows[k] + 1 + len(below)))


def test_branches_are_to_scale_where_they_can_be_seen():
    parents, lengths = np.array([0, 1, 1, 3]), np.array([100.0, 50.0, 1.0, 200.0])
    found = tree_layout.to_scale(parents, lengths, 4.0, 0.3)
    drawn = found.end - np.append(0, found.end)[parents]
    assert found.lengthened.tolist() == [False, False, True, False]
    assert drawn[[0, 1, 3]] == pytest.approx(lengths[[0, 1, 3]] * found.unit)
    assert drawn[2] == pytest.approx(0.3)
    assert found.end.max() == pytest.approx(4.0)
    deep = tree_layout.to_scale(np.arange(40), np.ones(40), 3.0, 0.3, 7.0)
    assert deep.end.max() <= 7.0 + 1e-9
    assert (np.diff(deep.end) > 0).all()


def test_levels_put_no_two_marks_in_one_place():
    for parents in all_trees(4):
        x, y = tree_layout.levels(parents)
        assert len({*zip(x.tolist(), y.tolist(), strict=True)}) == 5
        assert (y[1:] == y[parents] + 1).all()


def test_ink_is_read_on_every_colour():
    for colour in style.PALETTE:
        level = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in level]
        shade = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        contrast = 1.05 / (shade + 0.05) if style.ink_on(colour) == style.INK_LIGHT else (shade + 0.05) / 0.05
        assert contrast > 2.9, colour


# --- what is shown ---------------------------------------------------------------------------------------


def test_the_tree_shows_the_consensus(mixed):
    data = plots.compute_tree(mixed)
    trees = collect(mixed)
    assert data["parent"].values.tolist() == list(CHAIN)
    assert data["support"].values == pytest.approx(trees.support)
    assert data["n"].values.tolist() == [30, 20, 10]
    phi = mixed["consensus"]["cellular_prevalence"].values
    assert data["mean"].values == pytest.approx(phi.mean((0, 1)))
    assert data["p_present"].values.tolist() == [[1.0, 1.0]] * 3
    axes = plots.draw_tree(data)
    texts = [text.get_text() for text in axes[0].texts]
    assert f"{trees.support[2]:.2f}".lstrip("0") in texts
    assert {"30", "20", "10"} <= set(texts)


def test_lines_say_how_sure_a_branch_is():
    kinds = [tree_figure.line_of(p)["ls"] for p in (1.0, 0.95, 0.94, 0.5, 0.49)]
    assert kinds[0] == kinds[1] == "-"
    assert kinds[2] == kinds[3] != kinds[0]
    assert kinds[4] not in (kinds[0], kinds[2])


def test_alternatives_are_all_parents(mixed):
    data = plots.compute_alternatives(mixed)
    trees = collect(mixed)
    shown = {(int(p), int(c)) for p, c in zip(data["parent"], data["child"], strict=True)}
    assert shown == {(0, 1), (1, 2), (0, 2), (2, 3), (1, 3)}
    columns = [data[v].values for v in ("parent", "child", "probability", "consensus")]
    for p, c, share, best in zip(*columns, strict=True):
        assert share == trees.parent_probability[p, c - 1]
        assert best == (trees.consensus[c - 1] == p)
    assert (np.diff(data["probability"].values) <= 0).all()
    few = plots.compute_alternatives(mixed, least=0.2)
    assert {(0, 2)} == shown - {(int(p), int(c)) for p, c in zip(few["parent"], few["child"], strict=True)}
    assert "below 0.2 are not drawn" in few.attrs["note"]
    widths = {round(patch.get_linewidth(), 6) for patch in plots.draw_alternatives(data).patches}
    assert widths == {round(alternatives.THICK * float(p), 6) for p in data["probability"]}


def test_many_alternatives_are_cut_and_said(monkeypatch):
    monkeypatch.setattr(alternatives, "MOST", 2)
    data = plots.compute_alternatives(summarise(case(8, 3)))
    assert int((~data["consensus"].values).sum()) == 2
    assert int(data["consensus"].values.sum()) == 8
    assert "2 of" in data.attrs["note"]


def test_arcs_keep_clear_of_marks():
    nodes = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    bend = alternatives.bend_of(nodes, 0, 2)
    points = alternatives.arc_points(nodes[0], nodes[2], bend)
    assert np.linalg.norm(points - nodes[1], axis=1).min() > 0.15
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [2, 0]


# --- the fish --------------------------------------------------------------------------------------------


def random_fish(seed):
    """Parents and prevalences of a draw whose clones come and go."""
    rng = np.random.default_rng(seed)
    k, samples = int(rng.integers(1, 15)), int(rng.integers(1, 9))
    parents = random_tree(k, rng)
    eta = rng.dirichlet(np.full(k + 1, 0.4), samples).T[:k] * (rng.random((k, samples)) < 0.6)
    return parents, subtree_sums(eta, parents), np.sort(rng.choice(1000, samples, replace=False)).astype(float)


@pytest.mark.parametrize("plateau", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(25))
def test_no_clone_is_outside_its_parent_nor_over_a_sibling(seed, plateau):
    parents, phi, at = random_fish(seed)
    found = fish_bodies.bodies(parents, phi, at, plateau=plateau)
    low, high = (np.vstack([edge, own]) for edge, own in ((0 * found.at, found.low), (0 * found.at + 1, found.high)))
    for k, parent in enumerate(parents, 1):
        there = found.size[k - 1] > 0
        assert (low[k] >= low[parent] - 1e-12)[there].all()
        assert (high[k] <= high[parent] + 1e-12)[there].all()
    for one, two in itertools.combinations(range(1, len(parents) + 1), 2):
        if parents[one - 1] == parents[two - 1]:
            apart = (low[one] >= high[two] - 1e-12) | (low[two] >= high[one] - 1e-12)
            assert apart.all()


@pytest.mark.parametrize("seed", range(25))
def test_no_clone_is_there_before_it_existed(seed):
    parents, phi, at = random_fish(seed)
    found = fish_bodies.bodies(parents, phi, at)
    assert (np.diff(found.at) >= 0).all()
    for k in range(len(parents)):
        line = [k, *(j for j in range(len(parents)) if k + 1 in climb(parents, j))]
        there = (phi[line] > 0).any(0)
        if not there.any():
            assert np.isnan(found.born[k])
            assert (found.size[k] == 0).all()
            continue
        first = int(there.argmax())
        assert found.born[k] < at[first]
        if first:
            assert found.born[k] >= at[first - 1]
        assert (found.size[k][found.at <= found.born[k]] == 0).all()
        if parents[k]:
            assert found.born[parents[k] - 1] <= found.born[k]


@pytest.mark.parametrize("plateau", [0.0, 0.2])
def test_at_the_samples_the_sizes_are_the_draws(plateau):
    parents, phi, at = random_fish(3)
    found = fish_bodies.bodies(parents, phi, at, plateau=plateau)
    for s, place in enumerate(at):
        here = int(np.flatnonzero(found.at == place)[0])
        assert found.size[:, here] == pytest.approx(phi[:, s])


def test_the_draw_is_the_likeliest_of_the_best_tree():
    drawn = mixture({CHAIN: 0.6, FORK: 0.4}, 2, 100)
    tree = summarise(with_trees(drawn, eta=ETA, spread=200.0))
    data = plots.compute_fish(tree)
    loglik = tree["sample_stats"]["log_likelihood"].values
    best = (drawn == np.array(CHAIN)).all(-1)
    chosen = np.unravel_index(np.where(best, loglik, -np.inf).argmax(), loglik.shape)
    phi = tree["consensus"]["cellular_prevalence"].values
    assert np.array_equal(data["phi"].values, phi[chosen])
    assert data["parent"].values.tolist() == list(CHAIN)
    assert data.attrs["of"] == "the draws of this tree"
    inside = (phi[best] >= data["lo"].values) & (phi[best] <= data["hi"].values)
    assert inside.mean((0,)) == pytest.approx(0.95, abs=0.04)
    assert f"among {best.sum()} draws with the tree of probability {best.mean():.2g}." in data.attrs["note"]
    assert "not in time" in data.attrs["note"]


def test_few_draws_of_a_tree_give_way_to_all():
    drawn = mixture({CHAIN: 0.6, FORK: 0.4}, 2, 50)
    tree = summarise(with_trees(drawn, eta=ETA, spread=200.0))
    data = plots.compute_fish(tree)
    low, high = hdi(tree["consensus"]["cellular_prevalence"].values.reshape(100, 3, 2))
    assert np.array_equal(data["lo"].values, low)
    assert np.array_equal(data["hi"].values, high)
    assert data.attrs["of"] == "all draws"


def test_dates_order_the_samples_and_undated_ones_are_left_out():
    tree = with_trees(np.array([[CHAIN] * 5]), specimens=("c", "a", "x", "b"), fixed=True,
                      dates=("2021-06-01", "2020-01-01", "NaT", "2021-06-01"))  # fmt: skip
    tree["constant_data"]["date"].values[2] = ""
    tree = summarise(tree)
    data = plots.compute_fish(tree)
    assert data["specimen"].values.tolist() == ["a", "c", "b"]
    assert data.attrs["over"] == "dates"
    assert "1 sample without a date left out." in data.attrs["note"]
    places = fish.places_of(data)
    assert places[1] == 18779 - 0  # days since 1970
    assert 0 < places[2] - places[1] < 0.05 * (places[1] - places[0])
    phi = tree["consensus"]["cellular_prevalence"].values
    loglik = tree["sample_stats"]["log_likelihood"].values
    assert np.array_equal(data["phi"].values, phi[0, loglik.argmax()][:, [1, 0, 3]])
    assert plots.compute_fish(tree, order="samples").sizes["specimen"] == 4
    with pytest.raises(InputError, match="Choose from auto, dates, samples"):
        plots.compute_fish(tree, order="time")
    undated = summarise(with_trees(np.array([[CHAIN] * 5])))
    with pytest.raises(InputError, match="fewer than two different dates"):
        plots.compute_fish(undated, order="dates")


def test_shares_of_the_tumour_fill_it():
    tree = summarise(with_trees(np.array([[CHAIN] * 9]), eta=ETA, fixed=True, absent=[(0, 1)]))
    data = plots.compute_fish(tree, ccf=True)
    assert data["phi"].values[0, 0] == pytest.approx(1.0)
    assert data["phi"].values[:, 1].tolist() == [0.0] * 3, "no tumour cells, no shares of them"
    assert data.attrs["quantity"] == "share of the tumour cells"


def test_a_clone_that_the_draw_lacks_is_left_out():
    tree = summarise(CASES["no draw with all"]())
    data = plots.compute_fish(tree)
    gone = np.isnan(data["phi"].values).all(1)
    assert gone.sum() == 1
    assert "Clones that it lacks are left out." in data.attrs["note"]
    assert not np.isin(data["parent"].values[~gone], np.flatnonzero(gone) + 1).any()


def test_the_thickest_place_is_the_clones_own():
    parents = np.array([0, 1])
    phi = np.array([[0.9, 0.9, 0.9], [0.0, 0.1, 0.8]])
    shapes = fish_bodies.bodies(parents, phi, np.array([0.0, 1.0, 2.0]))
    place, height, thick = fish.thickest(shapes, parents, 0)
    assert place < 1.0
    assert thick == pytest.approx(0.9, abs=0.05)
    assert 0 < height < 1
    assert fish.thickest(shapes, parents, 1)[0] > 1.5
