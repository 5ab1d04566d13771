"""The commands errors and detect, from tables to tables, and what they answer to faulty inputs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from detection_fixtures import names, panel, site_id, write_counts, write_sites

from clonalbayes.cli import main
from clonalbayes.data.counts import read_counts, read_site_facts, read_sites
from clonalbayes.errors import ErrorModel
from clonalbayes.faults import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A panel, a patient's counts, the list of sites, and the panel's model."""
    where = tmp_path_factory.mktemp("detection")
    rng = np.random.default_rng(21)
    sites = names(500, rng)
    truth, alt, depth = panel(rng, 500, 10, sd=0.8)
    other = rng.binomial(depth, 3e-4).sum(1)
    normals = {f"N{j}": (alt[:, j], depth[:, j]) for j in range(10)}
    write_counts(where / "panel.tsv", sites, normals, {"other_count": other // 10})
    reads = {}
    for name, vaf in (("D", 0.0), ("R1", 0.01), ("R2", 0.3)):
        n = rng.poisson(100, 500)
        share = np.where(np.arange(500) < 200, vaf, 0.0)
        reads[name] = rng.binomial(n, share + (1 - share) * truth), n
    write_counts(where / "counts.tsv", sites, reads)
    write_sites(where / "sites.tsv", sites[:200], ["root"] * 150 + ["twig"] * 50)
    write_sites(where / "controls.tsv", sites[300:])
    assert main(["errors", str(where / "panel.tsv"), "--out", str(where / "model.json")]) == 0
    return where


def run(folder: Path, *options: str) -> int:
    return main(["detect", str(folder / "sites.tsv"), "--counts", str(folder / "counts.tsv"), *options])


def test_errors_prints_what_it_learned(folder, tmp_path, capsys):
    out = tmp_path / "again.json.gz"
    assert main(["errors", str(folder / "panel.tsv"), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "500 sites in 10 normals" in text
    assert "classes with the most errors" in text
    assert "C>T" in text
    again = ErrorModel.load(out)
    assert again.other is not None
    assert set(again.classes) == {"C>A", "C>G", "C>T", "T>A", "T>C", "T>G"}


def test_contexts_make_finer_classes(folder, tmp_path):
    rows = read_counts(folder / "panel.tsv")
    lines = ["mutation_id\tcontext", *(f"{m}\tA[C>T]G" for m in rows.mutations[:300])]
    (tmp_path / "contexts.tsv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "model.json"
    options = ["--contexts", str(tmp_path / "contexts.tsv"), "--out", str(out)]
    assert main(["errors", str(folder / "panel.tsv"), *options]) == 0
    assert "A[C>T]G" in ErrorModel.load(out).classes


def test_detect_finds_what_is_there_and_prints_the_single_rate_test_beside_it(folder, tmp_path, capsys):
    out = tmp_path / "found.tsv"
    assert run(folder, "--errors", str(folder / "model.json"), "--controls", "rest", "--out", str(out)) == 0
    frame = pd.read_csv(out, sep="\t").set_index(["clade", "sample"])
    assert (frame.loc[[("root", "R1"), ("root", "R2"), ("twig", "R2")], "p_present"] > 0.99).all()
    assert frame.loc[("root", "D"), "p_present"] < 0.5
    assert frame.loc[("root", "R1"), "vaf_lo"] < 0.01 < frame.loc[("root", "R1"), "vaf_hi"]
    assert (frame["control_expected"] > 3).all()
    text = capsys.readouterr().out
    assert "single rate" in text
    assert "> 0.999" in text


def test_a_panel_or_controls_alone_will_do(folder, capsys):
    assert run(folder, "--panel", str(folder / "panel.tsv")) == 0
    assert "no control bases" in capsys.readouterr().out
    assert run(folder, "--controls", str(folder / "controls.tsv")) == 0
    assert "errors are learned from 200 control sites of the 3 samples" in capsys.readouterr().out


def test_a_plan_is_printed(folder, capsys):
    assert main(["detect", "--plan", "100", "400", "--errors", str(folder / "model.json")]) == 0
    text = capsys.readouterr().out
    assert "400 sites at 100x" in text
    assert "95 % probability at 1 % false positives" in text


def test_sites_named_by_columns_are_the_same_sites(tmp_path):
    (tmp_path / "a.tsv").write_text("chrom\tpos\tref\talt\tasmd\nchr1\t5\tA\tC\t150\n")
    (tmp_path / "b.tsv").write_text("mutation_id\nchr1:5:A>C\n")
    a, b = read_sites(tmp_path / "a.tsv"), read_sites(tmp_path / "b.tsv")
    assert a.mutations.tolist() == b.mutations.tolist()
    assert b.text("ref").tolist() == ["A"]
    assert b.pos.tolist() == [5]
    assert read_site_facts(tmp_path / "a.tsv").numbers["asmd"].tolist() == [[150.0]]


COUNTS = {
    "more alt reads than reads": lambda t: t.replace("\t0\t", "\t900\t", 1),
    "the read count is negative": lambda t: t.replace("\t0\t", "\t-3\t", 1),
    "the read count is not a whole number": lambda t: t.replace("\t0\t", "\t0.5\t", 1),
    "the read count is not a number": lambda t: t.replace("\t0\t", "\tmany\t", 1),
    "the column for alt_count is missing": lambda t: t.replace("alt_count", "colour", 1),
    "the column for specimen is missing": lambda t: t.replace("sample_id", "place", 1),
    "the mutation occurs twice in one sample": lambda t: t + t.splitlines()[-1] + "\n",
    "the row does not have the header's": lambda t: t + "chr1\t5\n",
    "the file is empty": lambda t: "",
    "has a header but no rows": lambda t: t.splitlines()[0] + "\n",
    "zero bytes": lambda t: t + "\x00\n",
    "none of the sites is among the counts": lambda t: t.replace("chr1:", "1:"),
    "the specimen has no name": lambda t: t.replace("\tD\t", "\t\t", 1),
}


@pytest.mark.parametrize("message", COUNTS)
def test_faulty_counts_are_answered_in_words_and_nothing_is_written(folder, tmp_path, capsys, message):
    path, out = tmp_path / "counts.tsv", tmp_path / "out.tsv"
    path.write_text(COUNTS[message]((folder / "counts.tsv").read_text()))
    options = ["--errors", str(folder / "model.json"), "--out", str(out)]
    assert main(["detect", str(folder / "sites.tsv"), "--counts", str(path), *options]) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--errors", "{model}", "--purity", "80"], "not above 0 and at most 1"),
        (["--errors", "{model}", "--controls", "{sites}"], "control sites are sites of the clades"),
        (["--errors", "{sites}"], "the file is not JSON"),
        (["--errors", "{model}", "--out", "{model}/x.tsv"], "the folder of the output does not exist"),
        (["--errors", "{model}", "--model", "clones"], "a specification of clones, not of detection"),
        (["--errors", "{folder}/none.json"], "cannot be read"),
        ([], "neither a panel of normals nor a list of control sites"),
    ],
)
def test_wrong_options_of_detect(folder, capsys, options, message):
    paths = {"model": folder / "model.json", "sites": folder / "sites.tsv", "folder": folder}
    assert run(folder, *(text.format(**paths) for text in options)) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["detect"], "the list of sites is missing"),
        (["detect", "--plan", "100", "2.5", "--errors", "x.json"], "not a whole number above 0"),
        (["detect", "--plan", "0", "10"], "the depth is not between"),
        (["detect", "--plan", "100", "10"], "a plan needs an error model"),
        (["errors", "nothing.tsv", "--out", "x.json"], "cannot be read"),
        (["errors", "nothing.tsv", "--out", "x.pickle"], "an error model is a JSON file"),
    ],
)
def test_wrong_usage_is_answered_in_words(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    assert main(options) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_sites_listed_twice_are_named(tmp_path):
    path = tmp_path / "sites.tsv"
    path.write_text("mutation_id\na\nb\na\n")
    with pytest.raises(InputError, match=r"row 4.*listed twice"):
        read_sites(path)


def test_a_panel_without_reads_is_refused(folder, tmp_path, capsys):
    path = tmp_path / "panel.tsv"
    path.write_text("mutation_id\tsample_id\talt_count\tdepth\nx\tN\t\t\n")
    assert main(["errors", str(path), "--out", str(tmp_path / "m.json")]) == 2
    assert "no site has reads in any normal" in capsys.readouterr().err
    assert not (tmp_path / "m.json").exists()


def test_names_from_files_cannot_break_the_table(folder, tmp_path):
    model = json.loads((folder / "model.json").read_text())
    assert model["sites"][0] == site_id(names(1, np.random.default_rng(21))[0]).split(":")[0] + model["sites"][0][4:]
    text = (folder / "sites.tsv").read_text().replace("\troot", "\t=cmd|'x'")
    (tmp_path / "sites.tsv").write_text(text)
    out = tmp_path / "found.tsv"
    counts = str(folder / "counts.tsv")
    options = ["--errors", str(folder / "model.json"), "--out", str(out)]
    assert main(["detect", str(tmp_path / "sites.tsv"), "--counts", counts, *options]) == 0
    assert len({line.count("\t") for line in out.read_text().splitlines()}) == 1


@pytest.fixture(scope="module")
def result(folder: Path) -> Path:
    """A result whose three clones are sites of the counts: the first 60, then noise and germline."""
    from posteriors import known, patient

    from clonalbayes import results
    from clonalbayes.summaries import summarise

    mutations = read_counts(folder / "counts.tsv").mutations[150:216]  # 50 of them are in R2 at 0.3
    tree, _, _ = known(names=mutations.astype(str))
    results.write(summarise(tree), patient(tree["observed_data"].to_dataset()), folder / "result", {})
    return folder / "result"


def test_clones_of_a_result_are_looked_for_in_any_samples(folder, result, tmp_path, capsys):
    out = tmp_path / "found.tsv"
    counts, model = str(folder / "counts.tsv"), str(folder / "model.json")
    options = ["--counts", counts, "--errors", model, "--out", str(out)]
    assert main(["detect", str(result), *options, "--controls", "rest"]) == 0
    frame = pd.read_csv(out, sep="\t")
    assert frame["clade"].unique().tolist() == [1, 2, 3]
    sizes = frame.groupby("clade")["n_sites"].first()
    assert sorted(sizes) == [10, 20, 30]
    expected = read_counts(folder / "counts.tsv")
    controls = frame.loc[0, "control_expected"]
    rest = len(expected.mutations) - 66
    share = controls / frame.loc[0, "noise_expected"] * sizes[1] / rest
    assert 0.3 < share < 3.0, "mutations of the fit are no controls"
    capsys.readouterr()
    assert main(["detect", str(result), *options, "--clades", "3", "1"]) == 0
    assert pd.read_csv(out, sep="\t")["clade"].unique().tolist() == [1, 3]
    assert main(["detect", str(result), *options, "--clades", "7"]) == 2
    assert "there is no such clade" in capsys.readouterr().err
    assert main(["detect", str(tmp_path), *options]) == 2
    assert "is not a result folder" in capsys.readouterr().err
