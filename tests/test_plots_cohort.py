"""Figures of sizes on a log axis, of copy number along the genome and of convergence: what they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from plot_fixtures import make_tree
from posteriors import known
from report_fixtures import make_result

from clonalbayes import plots
from clonalbayes.cli import main
from clonalbayes.faults import InputError
from clonalbayes.plots import style
from clonalbayes.plots.copy_number import has_places
from clonalbayes.results import SEGMENTS, write_table
from clonalbayes.summaries import summarise

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _agg():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


@pytest.fixture
def result(tmp_path):
    return make_result(tmp_path / "result")


def detection(folder) -> None:
    rows = [
        {"clone": c, "sample": s, "p_present": p, "n_sites": 2318, "vaf_mean": v, "vaf_lo": v / 2,
         "vaf_hi": 2 * v + 1e-5, "noise_expected": 37.0, "depth": 231800, "lod_vaf": 8e-5}
        for c, s, p, v in ((1, "first", 1.0, 0.4), (1, "second", 1.0, 0.3), (2, "first", 0.001, 0.0),
                           (2, "second", 0.9995, 1.3e-3))
    ]  # fmt: skip
    write_table(pd.DataFrame(rows), folder / "detection.tsv")


def test_sizes_of_a_fit_have_the_error_rate_as_prevalence(result):
    data = plots.compute_clone_sizes(result)
    assert data.attrs["quantity"] == "prevalence"
    assert data["background"].values == pytest.approx(4e-4)
    assert (data["lo"] <= data["mean"]).all()
    assert float(data["p_present"][2, 0]) == 0.0


def test_sizes_of_the_detection_come_first(result):
    detection(result)
    data = plots.compute_clone_sizes(result)
    assert data.attrs["quantity"] == "VAF"
    assert data["mean"].values.tolist() == [[0.4, 0.3], [0.0, 1.3e-3]]
    assert data["background"].values == pytest.approx(37.0 / 231800)
    assert data["limit"].values == pytest.approx(8e-5)
    assert data["n"].values.tolist() == [2318, 2318]


def test_stars_and_background_are_drawn(result):
    detection(result)
    one, two = plots.plot_clone_sizes(result)[:2]
    assert one.get_yscale() == "log"
    assert [text.get_text() for text in two.texts] == ["***"]
    assert two.get_ylim()[0] < 37.0 / 231800 < two.get_ylim()[1]
    assert two.get_title() == "clone 2 (2,318)"
    colours = {line.get_color() for line in two.lines}
    assert style.colour_of(2) in colours


def test_many_clones_are_cut_with_a_note():
    data = plots.compute_clone_sizes(make_tree(sizes=(2,) * 30, draws=3))
    assert data.sizes["clone"] == 24
    assert "24 of 30 clones" in data.attrs["note"]


def segments(folder, **more) -> None:
    rows = [
        ("second", "chr1", 1, 1000, 1, 1, 2), ("second", "chr2", 1, 400, 2, 0, 2), ("first", "chr1", 1, 1000, 1, 0, 1),
        ("first", "chrX", 1, 300, 3, 1, 4),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["sample", "chrom", "start", "end", "major_cn", "minor_cn", "total_cn"])
    frame = frame.assign(normal_cn="NA", fraction=1.0, major2="NA", minor2="NA", fraction2="NA", source="f", row=1)
    write_table(frame.assign(**more), folder / SEGMENTS)


def test_segments_lie_one_chromosome_after_the_other_in_the_order_of_the_samples(result):
    segments(result)
    data = plots.compute_copy_number(result)
    assert [str(s) for s in data["specimen"].values] == ["first", "second"]
    assert [str(c) for c in data["chrom"].values] == ["1", "2", "X"]
    assert data["at"].values.tolist() == [0.0, 1000.0, 1400.0]
    table = sorted(zip(*(data[n].values.tolist() for n in ("specimen_index", "begin", "total", "minor")), strict=True))
    assert table == [(0, 0.0, 1.0, 0.0), (0, 1400.0, 4.0, 1.0), (1, 0.0, 2.0, 1.0), (1, 1000.0, 2.0, 0.0)]
    assert len(plots.plot_copy_number(result)) == 2


def test_a_subclonal_segment_is_the_mean_of_its_states(result):
    segments(result, fraction=0.25, major2=3, minor2=1, fraction2=0.75)
    data = plots.compute_copy_number(result)
    assert sorted(data["total"].values.tolist()) == [3.25, 3.5, 3.5, 4.0]


def test_without_segments_the_states_at_the_mutations_are_drawn():
    tree = make_tree()
    data = plots.compute_copy_number(tree)
    assert "at the mutations" in data.attrs["note"]
    assert np.unique(data["total"].values).tolist() == [2.0]
    assert data.sizes["segment"] == 3  # of four samples alike
    assert len(data["specimen"]) == 1
    assert str(data["specimen"].values[0]).endswith(" and 3 more")
    major = tree["constant_data"].to_dataset()["major_cn"].copy()
    major[:, 2] = 2
    tree["constant_data"] = tree["constant_data"].to_dataset().assign(major_cn=major)
    data = plots.compute_copy_number(tree)
    assert [str(s).endswith(" and 2 more") for s in data["specimen"].values] == [True, False]
    assert data["total"].values[data["specimen_index"].values == 1].tolist() == [3.0] * 3
    tree["constant_data"] = tree["constant_data"].to_dataset().assign_coords(pos=("mutation", np.full(29, -1)))
    assert not has_places(tree)
    with pytest.raises(InputError, match="says nothing of copy number"):
        plots.compute_copy_number(tree)


def test_convergence_of_a_folder_and_of_a_tree(result):
    data = plots.compute_convergence(result)
    assert data["rhat"].values.tolist() == [1.001, 1.2]
    axes = plots.draw_convergence(data)
    assert len(axes) == 3
    assert any("purity" in text.get_text() for text in axes[0].texts)
    of_tree = plots.compute_convergence(summarise(known()[0]))
    assert of_tree.sizes["quantity"] > 2
    _, given = plt.subplots(1, 3)
    assert plots.plot_convergence(result, axes=given).tolist() == given.tolist()


def test_the_command_draws_them(result, tmp_path, capsys):
    for name in ("clone_sizes", "copy_number", "convergence"):
        assert main(["plot", name, str(result), "--out", str(tmp_path / f"{name}.svg")]) == 0
        assert (tmp_path / f"{name}.svg").read_text(encoding="utf-8").startswith("<?xml")
    capsys.readouterr()
