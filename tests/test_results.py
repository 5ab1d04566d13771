"""The result folder: whole or not at all, read back as it was written."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from posteriors import dataset, known, patient, posterior

from clonalbayes import results, run
from clonalbayes.faults import InputError
from clonalbayes.results import open_result, write
from clonalbayes.summaries import summarise, tables

ODD = ["tab\there", "line\nbreak", "<b>bold</b>", '"quoted"', "NA", "1", " space ", "Zelle-ä€", "", "a,b"]
INFO = {"clonalbayes": "0.1.0", "settings": {"seed": 1}, "inputs": {"made.tsv": "0" * 64}}


@pytest.fixture(scope="module")
def summary():
    return summarise(known(chains=4, draws=50, errors=0.1)[0])


@pytest.fixture(scope="module")
def made(summary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "result"
    excluded = [("x1", "no reads", "made.tsv", 7), ("x2", "a\tb", "made.tsv", None)]
    write(summary, patient(dataset(66), excluded), folder, INFO)
    return folder


def test_the_folder_has_its_files_and_no_other(made):
    assert sorted(path.name for path in made.iterdir()) == sorted(results.FILES)
    assert [path.name for path in made.parent.iterdir()] == ["result"], "nothing temporary is left"


def test_the_posterior_is_read_back_as_it_was(summary, made):
    tree = open_result(made).tree
    assert set(tree.children) == {"posterior", "sample_stats", "observed_data", "constant_data", "consensus"}
    for name, node in summary.children.items():
        assert tree[name].attrs == node.attrs
        assert set(tree[name].variables) == set(node.variables)
        for key, variable in node.variables.items():
            again = tree[name].variables[key]
            assert again.dims == variable.dims
            assert again.dtype.kind == variable.dtype.kind, key
            if variable.dtype.kind != "U":
                assert again.dtype == variable.dtype, key
            assert np.array_equal(again.values, variable.values, equal_nan=variable.dtype.kind == "f"), key


def test_a_saved_result_can_do_all_that_a_live_one_can(summary, made, tmp_path):
    again = summarise(open_result(made).tree)
    for name, frame in tables(summary).items():
        pd.testing.assert_frame_equal(tables(again)[name], frame)
    write(again, patient(dataset(66)), tmp_path / "copy", INFO)
    assert (tmp_path / "copy" / "clones.tsv").read_bytes() == (made / "clones.tsv").read_bytes()


def test_tables_are_read_back(summary, made):
    result = open_result(made)
    for name, frame in tables(summary).items():
        again = getattr(result, name)
        assert list(again) == list(frame)
        for column in frame:
            if frame[column].dtype.kind == "f":
                expected = pytest.approx(frame[column].to_numpy(), rel=1e-5, nan_ok=True)
                assert again[column].to_numpy() == expected
            else:
                assert again[column].tolist() == frame[column].tolist()
    assert result.excluded["mutation"].tolist() == ["x1", "x2"]
    assert result.excluded["reason"].tolist() == ["no reads", "a\tb"]
    assert list(result.diagnostics) == ["quantity", "rhat", "ess_bulk", "ess_tail", "verdict"]


def test_run_says_where_it_came_from(made):
    info = open_result(made).run
    assert {key: info[key] for key in INFO} == INFO
    assert info["verdict"]


def test_findings_read_the_folder(made):
    line = run.findings(made)
    assert line.startswith(
        "3 clones (95 %: 3) from 66 mutations in 2 samples, of which 4 noise and 2 germline"
    )
    assert "; 2 left out." in line


def test_reprs(made):
    result = open_result(made)
    assert "3 clones from 66 mutations (4 noise) in 2 samples" in repr(result)
    html = result._repr_html_()
    assert html.count("<tr>") == 4
    assert "<th>A</th>" in html


def test_odd_names_survive(tmp_path):
    n = 66
    names = np.array([f"{ODD[i % len(ODD)]}#{i}" for i in range(n)])
    tree = summarise(known(names=names, specimens=("<i>A</i>", "tab\tB"))[0])
    folder = tmp_path / "a folder"
    write(tree, patient(dataset(n)), folder, INFO)
    result = open_result(folder)
    assert result.mutations["mutation"].tolist() == names.tolist()
    assert result.tree["consensus"]["mutation"].values.tolist() == names.tolist()
    assert result.samples["sample"].tolist() == ["<i>A</i>", "tab\tB"]
    assert run.findings(folder).startswith("3 clones")
    html = result._repr_html_()
    assert "<i>" not in html
    assert "&lt;i&gt;A&lt;/i&gt;" in html


def test_names_that_look_like_something_else_stay_names(tmp_path):
    names = np.array(["NA", "1", "nan", "1e5", "-", "true"])
    ds = dataset(6, ("1", "NA"), names=names)
    tree = summarise(posterior(np.zeros((1, 5, 6)), lambda c, d, s: [1.0, 0.5], ds))
    write(tree, patient(dataset(6)), tmp_path / "r", INFO)
    result = open_result(tmp_path / "r")
    assert result.mutations["mutation"].tolist() == names.tolist()
    assert result.clones["sample"].tolist() == ["1", "NA"]


def test_no_clone_and_no_large_number_of_draws(tmp_path):
    tree = summarise(posterior(np.full((1, 1, 3), -1), None, dataset(3)))
    write(tree, patient(dataset(3)), tmp_path / "r", INFO)
    result = open_result(tmp_path / "r")
    assert len(result.clones) == 0
    assert result.tree["consensus"].sizes["clone"] == 0
    assert "0 clones from 3 mutations (3 noise)" in repr(result)
    assert "0 clones" in result._repr_html_()
    assert run.findings(tmp_path / "r").startswith("0 clones (95 %: 0)")


# --- whole or not at all ---------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["write_tree", "write_table", "_to_disk"])
def test_a_failure_leaves_nothing(summary, tmp_path, monkeypatch, step):
    def fails(*args):
        raise OSError("disk full")

    monkeypatch.setattr(results, step, fails)
    with pytest.raises(OSError, match="disk full"):
        write(summary, patient(dataset(66)), tmp_path / "r", INFO)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["write_tree", "write_table"])
def test_a_failure_leaves_the_old_result(summary, made, tmp_path, monkeypatch, step):
    folder = tmp_path / "r"
    write(summary, patient(dataset(66)), folder, {"first": True})
    monkeypatch.setattr(results, step, lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(summary, patient(dataset(66)), folder, INFO)
    assert open_result(folder).run["first"] is True
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_failure_of_the_last_step_puts_the_old_result_back(summary, tmp_path, monkeypatch):
    folder = tmp_path / "r"
    write(summary, patient(dataset(66)), folder, {"first": True})
    rename = Path.rename

    def fails(self, target):
        if self.name.endswith(".part"):
            raise OSError("gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="gone"):
        write(summary, patient(dataset(66)), folder, INFO)
    monkeypatch.undo()
    assert open_result(folder).run["first"] is True
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_result_is_replaced_and_what_is_not_of_it_is_kept(summary, tmp_path):
    folder = tmp_path / "r"
    write(summary, patient(dataset(66)), folder, {"first": True})
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    write(summary, patient(dataset(66)), folder, {"second": True})
    assert open_result(folder).run["second"] is True
    assert (tmp_path / "r.previous" / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert [path.name for path in (tmp_path / "r.previous").iterdir()] == ["notes.txt"]
    (folder / "more.txt").write_text("mine too", encoding="utf-8")
    write(summary, patient(dataset(66)), folder, INFO)
    assert (tmp_path / "r.previous2" / "more.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r", "r.previous", "r.previous2"]


def test_an_empty_folder_is_filled(summary, tmp_path):
    (tmp_path / "r").mkdir()
    write(summary, patient(dataset(66)), tmp_path / "r", INFO)
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    assert open_result(tmp_path / "r").run["settings"] == {"seed": 1}


def test_parents_are_made(summary, tmp_path):
    write(summary, patient(dataset(66)), tmp_path / "a" / "b", INFO)
    assert (tmp_path / "a" / "b" / "run.json").exists()


# --- opening ---------------------------------------------------------------------------------------------


def test_what_is_no_result_is_not_opened(tmp_path):
    with pytest.raises(InputError, match="not a result folder"):
        open_result(tmp_path)
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"lacks posterior\.nc, clones\.tsv"):
        open_result(tmp_path)


def test_a_damaged_posterior_is_a_fault(made, tmp_path):
    import shutil

    folder = tmp_path / "r"
    shutil.copytree(made, folder)
    (folder / "posterior.nc").write_bytes((folder / "posterior.nc").read_bytes()[:500])
    with pytest.raises(InputError, match="cannot be read"):
        _ = open_result(folder).tree
    assert len(open_result(folder).clones) == 6, "the tables do not need it"


def test_labels_of_sixteen_bits_are_stored_in_eight_where_they_fit(tmp_path):
    tree, *_ = known(draws=100)
    tree["posterior"]["assignment"] = tree["posterior"]["assignment"].astype(np.int16)
    write(summarise(tree), patient(dataset(66)), tmp_path / "r", INFO)
    again = open_result(tmp_path / "r").tree["posterior"]["assignment"]
    assert again.dtype == np.int8
    assert np.array_equal(again.values, tree["posterior"]["assignment"].values)


def test_texts_of_the_file_are_small(summary, made):
    size = (made / "posterior.nc").stat().st_size
    raw = sum(v.nbytes for node in summary.children.values() for v in node.variables.values())
    assert size < raw + 200_000


# --- the scorer's format ---------------------------------------------------------------------------------


def adapter():
    path = Path(__file__).resolve().parents[1] / "validation" / "score_clusters.py"
    spec = importlib.util.spec_from_file_location("score_clusters", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_adapter_writes_the_tables_of_the_scorer(made, tmp_path, capsys):
    assert adapter().main([str(made), str(tmp_path / "out")]) == 0
    assert "assign.tsv" in capsys.readouterr().out
    assign = pd.read_csv(tmp_path / "out" / "assign.tsv", sep="\t", dtype={"cluster": str})
    assert list(assign) == ["mutation", "cluster", "prob"]
    assert assign["cluster"].isna().sum() == 6, "noise and germline are in no cluster"
    assert set(assign["cluster"].dropna()) == {"1", "2", "3"}
    ccf = pd.read_csv(tmp_path / "out" / "ccf.tsv", sep="\t")
    assert list(ccf) == ["cluster", "sample", "mean", "lo", "hi"]
    assert len(ccf) == 6
    assert ((ccf["lo"] <= ccf["mean"] + 1e-9) & (ccf["mean"] <= ccf["hi"] + 1e-9)).all()


def test_the_adapter_needs_a_truth_to_score(made, tmp_path, capsys):
    with pytest.raises(SystemExit):
        adapter().main([str(made), str(tmp_path / "out"), "--scorer", "score.py"])
    assert "--truth" in capsys.readouterr().err


def test_the_scorer_reads_what_the_adapter_writes(shared, made, tmp_path):
    pytest.importorskip("sklearn")
    truth = {"assignment": {}, "ccf": {}}
    for row in open_result(made).mutations.itertuples():
        none = row.clone in ("noise", "germline")
        truth["assignment"][row.mutation] = f"noise:{row.clone}" if none else row.clone
    for row in open_result(made).clones.itertuples():
        truth["ccf"].setdefault(str(row.clone), {})[row.sample] = row.ccf_mean
    (tmp_path / "truth.json").write_text(json.dumps(truth), encoding="utf-8")
    script = Path(__file__).resolve().parents[1] / "validation" / "score_clusters.py"
    scorer = shared / "bench" / "clusters" / "score.py"
    command = [sys.executable, str(script), str(made), str(tmp_path / "out")]
    command += ["--scorer", str(scorer), "--truth", str(tmp_path / "truth.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    scores = json.loads(done.stdout)
    assert scores["ari"] == 1.0
    assert scores["recovered"] == 3
    assert scores["noise_dropped"] == 1.0
    assert scores["cover95"] == 1.0


def test_parts_are_written_with_the_rest_and_go_with_a_replaced_result(tmp_path):
    from clonalbayes.summaries.part import PART_FILES, Part

    part = Part("timing", {"findings": ["dated"]}, {"timing": [{"event": "1", "ess": float("nan")}]})
    summary, folder = summarise(known()[0]), tmp_path / "r"
    results.write(summary, patient(dataset(66)), folder, {}, [part])
    assert (folder / "timing.tsv").read_text(encoding="utf-8") == "event\tess\n1\tNA\n"
    assert results.open_result(folder).run["timing"] == {"findings": ["dated"]}
    results.write(summary, patient(dataset(66)), folder, {})
    assert {path.name for path in folder.iterdir()} == set(results.FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    assert "timing.tsv" in PART_FILES
    with pytest.raises(ValueError, match="PART_TABLES"):
        Part("timing", {}, {"times": []})
