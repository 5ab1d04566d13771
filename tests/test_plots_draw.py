"""The draw halves: they run without warnings, return axes, show names literally, write files whole."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from plot_fixtures import NAMES, make_tree

from clonalbayes import plots
from clonalbayes.faults import InputError
from clonalbayes.plots import style

plt = pytest.importorskip("matplotlib.pyplot")

CASES = {
    "usual": {},
    "no clones": {"sizes": (), "noise": 3, "germline": 0},
    "one mutation": {"sizes": (1,), "noise": 0, "germline": 0},
    "one sample": {"specimens": NAMES[:1]},
    "many samples": {"specimens": [f"Relapse sample {i}" for i in range(90)], "dates": None, "draws": 5},
    "many clones": {"sizes": (2,) * 32, "draws": 5},
    "long names": {"specimens": ["x" * 80, "y" * 80, "\n\t", "z"], "dates": None},
}


@pytest.fixture(autouse=True)
def _agg():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def texts_of(figure):
    import matplotlib.text

    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


OF_CLONES = [name for name in plots.REGISTRY if name not in (*plots.OF_TREES, "convergence")]


@pytest.mark.parametrize(("name", "case"), list(itertools.product(OF_CLONES, CASES)))
def test_every_figure_draws_every_case(name, case):
    axes = plots.REGISTRY[name](make_tree(**CASES[case]))
    flat = np.atleast_1d(np.asarray(axes, object)).ravel()
    assert all(isinstance(axis, plt.Axes) for axis in flat)
    flat[0].figure.canvas.draw()
    assert flat[0].figure.get_size_inches().max() < 20


@pytest.mark.parametrize("name", OF_CLONES)
def test_nothing_but_missing_counts_can_be_drawn(name):
    tree = make_tree(missing=False)
    for variable in ("alt_count", "depth"):
        tree["observed_data"][variable].values[:] = -1
    figure = plots.draw(name, tree)
    figure.canvas.draw()
    assert figure.axes


@pytest.mark.parametrize("name", ["heatmap", "n_clones", "similarity"])
def test_one_panel_goes_into_the_axes_given(name, recwarn):
    figure, axis = plt.subplots()
    assert plots.REGISTRY[name](make_tree(sizes=(700, 20, 3)), axes=axis) is axis
    assert axis.figure is figure
    figure.canvas.draw()
    assert not recwarn.list


def test_panels_go_into_the_axes_given_and_too_few_are_an_error():
    _, axes = plt.subplots(2, 3)
    drawn = plots.plot_vaf_pairs(make_tree(), axes=axes)
    assert drawn.tolist() == axes.ravel().tolist()
    _, (one, two) = plt.subplots(1, 2)
    with pytest.raises(ValueError, match="6 panels, and 2 axes"):
        plots.plot_vaf_pairs(make_tree(), axes=[one, two])


def test_ccf_has_its_own_scale():
    (axis, *_) = plots.plot_vaf_pairs(make_tree(), ccf=True)
    assert axis.get_xlim() == (0.0, 1.5)
    assert axis.get_xlabel() == "CCF in before"


@pytest.mark.parametrize(("layout", "panels"), [("samples", 4), ("clones", 3), ("dates", 1)])
def test_layouts_of_prevalence(layout, panels):
    axes = plots.plot_prevalence(make_tree(), layout=layout)
    assert len(axes) == panels
    axes[0].figure.canvas.draw()
    _, given = plt.subplots(panels)
    assert len(plots.plot_prevalence(make_tree(), layout=layout, axes=given)) == panels


def test_prevalence_says_what_is_unsure_and_marks_absence():
    from matplotlib.collections import PathCollection
    from matplotlib.markers import MarkerStyle

    tree = make_tree()
    axes = plots.plot_prevalence(tree, layout="samples")
    p = float(plots.compute_prevalence(tree)["p_present"].values[2, 0])
    assert f"{p:.2f}" in texts_of(axes[0].figure)
    marks = [marks for marks in axes[0].collections if isinstance(marks, PathCollection)]
    assert sum(len(m.get_offsets()) for m in marks) == tree["consensus"].sizes["clone"]
    crosses = [m for m in marks if len(m.get_paths()[0].vertices) == len(MarkerStyle("x").get_path().vertices)]
    assert [len(m.get_offsets()) for m in crosses] == [1]


def test_an_unknown_layout_and_missing_dates_are_said():
    with pytest.raises(InputError, match="Choose from auto, samples, clones, dates"):
        plots.plot_prevalence(make_tree(), layout="pie")
    with pytest.raises(InputError, match="no date is known for before, after"):
        plots.plot_prevalence(make_tree(dates=None), layout="dates")


def test_samples_of_one_date_are_side_by_side():
    (axis,) = plots.plot_prevalence(make_tree(), layout="dates")
    days = axis.lines[0].get_xdata()
    assert len(set(days)) == 4
    assert days[1] - days[0] < 0.05 * (days[3] - days[0])


@pytest.mark.parametrize("name", ["vaf", "heatmap", "prevalence"])
def test_names_are_shown_literally(name):
    figure = plots.draw(name, make_tree())
    figure.canvas.draw()
    found = [text for text in texts_of(figure) if "{x}" in text]
    assert found
    assert all(r"a_\$b\$ {x}" in text for text in found)


@pytest.mark.parametrize("name", ["$x^2$", "a_b", r"a\$b$", "$", "$$", r"\alpha", "{", "#1 & 2%"])
def test_an_escaped_name_is_drawn_as_it_is(name):
    figure = plt.figure()
    shown = figure.text(0.1, 0.1, plots.escape(name))
    plain = figure.text(0.1, 0.5, name, parse_math=False)
    figure.canvas.draw()
    assert shown.get_window_extent().width == pytest.approx(plain.get_window_extent().width, abs=1.0)
    assert shown._preprocess_math(shown.get_text()) == (name, False)


def test_escape_keeps_one_line_and_cuts_the_middle():
    assert plots.escape("a\nb\x00") == "a�b�"
    assert plots.escape("start" + "x" * 100 + "end1") == "startxxxxxxx…xxxxxxxxxend1"


def test_colours_are_distinct_also_to_the_colour_blind():
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in style.PALETTE])
    assert len(set(style.PALETTE)) == 30
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    # Machado, Oliveira & Fernandes 2009, severity 1.
    deutan = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
    protan = np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]])
    assert least_distance(linear) > 15
    for view in (deutan, protan):
        seen = np.clip(linear @ view.T, 0, 1)
        assert least_distance(seen[:12]) > 15
        assert least_distance(seen) > 10


def least_distance(linear):
    """Smallest distance of two colours in CIELAB."""
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    f = np.cbrt(linear @ matrix.T / [0.9505, 1.0, 1.089])
    lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=2)
    return distance[np.triu_indices(len(lab), 1)].min()


def test_labels_are_moved_apart_in_order():
    moved = style.spread([1.0, 1.1, 1.2, 9.9], 1.0, 0.0, 10.0)
    assert (np.diff(moved) >= 1.0 - 1e-9).all()
    assert moved[0] >= 0
    assert moved[-1] <= 10
    assert np.diff(style.spread([5.0] * 30, 1.0, 0.0, 10.0)).min() == pytest.approx(10 / 29)
    assert style.spread([], 1.0, 0.0, 1.0).tolist() == []


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_files_are_whole_and_the_same_each_time(tmp_path, suffix):
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    out = tmp_path / "new" / f"n{suffix}"
    plots.draw("n_clones", make_tree(), out)
    first = out.read_bytes()
    assert first.startswith(starts[suffix])
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    assert not plt.get_fignums()
    plots.draw("n_clones", make_tree(), out)
    assert out.read_bytes() == first


def test_a_figure_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    out = tmp_path / "n.png"
    out.write_bytes(b"old")

    def broken(self, path, **_):
        path.write_bytes(b"half")
        raise RuntimeError("disk full")

    monkeypatch.setattr(Figure, "savefig", broken)
    with pytest.raises(RuntimeError, match="disk full"):
        plots.draw("n_clones", make_tree(), out)
    assert out.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["n.png"]


def test_unknown_names_and_suffixes_list_the_valid_ones(tmp_path):
    with pytest.raises(InputError, match=r"no figure 'pie'.*vaf, heatmap, prevalence, n_clones, similarity"):
        plots.draw("pie", make_tree())
    with pytest.raises(InputError, match=r"End it in \.png, \.svg, \.pdf"):
        plots.draw("n_clones", make_tree(), tmp_path / "n.jpeg")
    assert not list(tmp_path.iterdir())


def test_drawing_leaves_the_users_settings_alone():
    before = dict(plt.rcParams)
    plots.draw("prevalence", make_tree())
    assert dict(plt.rcParams) == before


def test_matplotlib_is_not_imported_before_something_is_drawn():
    code = "import sys, clonalbayes.plots; print('matplotlib' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )


def test_a_hundred_thousand_mutations_are_drawn_as_a_few():
    tree = make_tree(sizes=(60_000, 39_000, 900), noise=100, germline=0, draws=2, chains=1)
    axes = plots.plot_vaf_pairs(tree)
    points = sum(len(line.get_xdata()) for line in axes[0].lines)
    assert points <= 20_000
    assert all(line.get_rasterized() for line in axes[0].lines)
    assert any("20,000 of 100,000 mutations" in text.replace("\n", " ") for text in texts_of(axes[0].figure))
