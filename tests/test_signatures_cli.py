"""The commands `signatures` and `timing`, their reports, gates and figures, in process."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from signature_case import SETTINGS

from clonalbayes.cli import main
from clonalbayes.signatures import report as words
from clonalbayes.signatures.contexts import CONTEXTS, TRINUCLEOTIDES
from clonalbayes.signatures.sampler import Draws, sample
from clonalbayes.signatures.tables import Table, read_reference
from clonalbayes.summaries import timing as dates

NAMES = ("trunk", "early", "split", "left", "right")
SHARES = np.array([[0.2, 0.8, 0.0], [0.1, 0.9, 0.0], [0.1, 0.4, 0.5], [0.1, 0.3, 0.6], [0.2, 0.8, 0.0]])
TREE = "branch\tparent\tsampled\ntrunk\t\t2005-01-01\nearly\ttrunk\t2005-01-01\nsplit\ttrunk\t\n"
TREE += "left\tsplit\t2008-01-01\nright\tsplit\t2008-06-01\n"
COURSES = "treatment\tstart\tend\nMercaptopurine\t2005-03-01\t2007-03-01\n"
QUICK = ["--chains", "2", "--draws", "40", "--tune", "40", "--quiet"]


def own(names=("SBS1", "SBS5", "SBS87")):
    table = read_reference()
    return table.values[[table.names.index(name) for name in names]]


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(4)
    counts = [rng.multinomial(n, e @ own()) for n, e in zip((300, 100, 250, 400, 150), SHARES, strict=True)]
    pd.DataFrame(counts, list(NAMES), list(CONTEXTS)).to_csv(tmp_path / "counts.tsv", sep="\t", index_label="branch")
    (tmp_path / "tree.tsv").write_text(TREE)
    (tmp_path / "courses.tsv").write_text(COURSES)
    return tmp_path


def run(folder, command, *more):
    return main([command, str(folder / "counts.tsv"), "--out", str(folder / "out"), *more, *QUICK])


def timed(folder, *more):
    return run(
        folder, "timing", "--tree", str(folder / "tree.tsv"), "--treatments", str(folder / "courses.tsv"), "--origin",
        "2001-01-01", *more,
    )  # fmt: skip


def test_signatures_writes_its_tables_and_figures(folder):
    assert run(folder, "signatures", "--signatures", "SBS1,SBS5,SBS87,SBS31") == 0
    out = folder / "out"
    table = pd.read_csv(out / "exposures.tsv", sep="\t")
    assert table.groupby("branch")["mean"].sum().to_numpy() == pytest.approx(np.ones(5), abs=1e-4)
    found = table.pivot(index="branch", columns="signature", values="mean").loc[list(NAMES), ["SBS1", "SBS5", "SBS87"]]
    assert np.abs(found.to_numpy() - SHARES).max() < 0.15
    assert (table["lo"] <= table["mean"] + 1e-9).all()
    spectra = pd.read_csv(out / "signatures.tsv", sep="\t")
    assert list(spectra["context"][:96]) == list(CONTEXTS)
    run_info = json.loads((out / "run.json").read_text())
    assert run_info["candidates"] == ["SBS1", "SBS5", "SBS87", "SBS31"]
    assert run_info["model"]["family"] == "signatures"
    for name in ("spectra", "exposures"):
        assert main(["plot", name, str(out), "--out", str(folder / f"{name}.png")]) == 0
        assert (folder / f"{name}.png").stat().st_size > 5000


def test_without_a_prior_it_says_what_is_not_told_apart(folder, capsys):
    options = ["--no-prior", "--denovo", "3", *QUICK[:-1]]
    assert main(["signatures", str(folder / "counts.tsv"), "--out", str(folder / "out"), *options]) == 0
    assert "SBS1 and SBS5 are not told apart" in capsys.readouterr().out


def test_a_closed_gate_keeps_a_signature_out(folder):
    (folder / "gates.tsv").write_text("branch\tsignature\n" + "".join(f"{b}\tSBS87\n" for b in NAMES))
    assert run(folder, "signatures", "--gates", str(folder / "gates.tsv"), "--signatures", "SBS1,SBS5,SBS87") == 0
    table = pd.read_csv(folder / "out" / "exposures.tsv", sep="\t").set_index(["branch", "signature"])
    assert table.loc[("early", "SBS87"), "p_present"] < 0.1
    assert table.loc[("left", "SBS87"), "p_present"] > 0.9  # the data overrule a wrong gate
    assert table.loc[("left", "SBS87"), "bayes_factor"] > 100


def test_a_region_other_than_the_reference_is_corrected(folder):
    rows = [f"{t}\t{100 if t[1] == 'C' else 50}\t100" for t in TRINUCLEOTIDES]
    (folder / "sites.tsv").write_text("trinucleotide\tsites\treference_sites\n" + "\n".join(rows) + "\n")
    assert run(folder, "signatures", "--opportunities", str(folder / "sites.tsv")) == 0
    table = pd.read_csv(folder / "out" / "exposures.tsv", sep="\t")
    assert table.groupby("branch")["genome_mean"].sum().to_numpy() == pytest.approx(np.ones(5), abs=1e-4)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--signatures", "SBS1,SBS0"], "no such reference profile"),
        (["--signatures", "SBS1,SBS1"], "asked for twice"),
        (["--reference", "none.tsv"], "no such file"),
        (["--gates", "none.tsv"], "no such file"),
        (["--model", "clones"], "not of signatures"),
        (["--model", "weather"], "no specification called"),
    ],
)
def test_faults_of_signatures(folder, capsys, more, says):
    assert run(folder, "signatures", *more) == 2
    assert says in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_results_are_not_overwritten_by_accident(folder, capsys):
    (folder / "out").mkdir()
    (folder / "out" / "mine.txt").write_text("x")
    assert run(folder, "signatures") == 2
    assert "holds no result" in capsys.readouterr().err
    (folder / "out" / "run.json").write_text("{}")
    assert run(folder, "signatures") == 2
    assert "--force" in capsys.readouterr().err
    assert run(folder, "signatures", "--force") == 0
    assert (folder / "out" / "mine.txt").exists()


def test_timing_writes_dates_and_sentences(folder):
    assert timed(folder) == 0
    out = folder / "out"
    table = pd.read_csv(out / "timing.tsv", sep="\t").set_index("event")
    assert list(table.index[:5]) == list(NAMES)
    assert table.loc["left | right", "kind"] == "split"
    around = table[["p_before Mercaptopurine", "p_during Mercaptopurine", "p_after Mercaptopurine"]]
    assert around.sum(axis=1).to_numpy() == pytest.approx(np.ones(len(table)), abs=1e-6)
    assert (table["date_lo"] <= table["date_hi"]).all()
    assert table.loc["trunk", "date_hi"] <= "2005-01-01"
    branches = pd.read_csv(out / "branches.tsv", sep="\t")
    made = branches.set_index("branch")[["SBS1_mean", "SBS5_mean", "SBS87_mean"]].sum(axis=1)
    assert made["left"] == pytest.approx(400, abs=0.01)
    assert list(branches["snvs_mean"]) == [300, 100, 250, 400, 150]
    checked = pd.read_csv(out / "diagnostics.tsv", sep="\t")
    assert list(checked["quantity"]) == [f"date of {name}" for name in NAMES]
    assert checked["rhat"].notna().all()
    gates = pd.read_csv(out / "gates.tsv", sep="\t").set_index("branch")
    assert gates.loc["left", "p_overlap"] > 0.9
    assert gates.loc["trunk", "p_overlap"] == 0
    findings = json.loads((out / "run.json").read_text())["findings"]
    assert any(text.startswith("The lineages left and right split between") for text in findings)
    for name in ("calendar", "around"):
        assert main(["plot", name, str(out), "--out", str(folder / f"{name}.png")]) == 0
        assert (folder / f"{name}.png").stat().st_size > 5000


def test_without_treatments_the_interval_is_wide_and_says_why(folder, capsys):
    options = ["--tree", str(folder / "tree.tsv"), "--origin", "2001-01-01", "--callable", "0.5", *QUICK[:-1]]
    assert main(["timing", str(folder / "counts.tsv"), "--out", str(folder / "out"), *options]) == 0
    assert "no treatment signature is declared" in capsys.readouterr().out
    branches = pd.read_csv(folder / "out" / "branches.tsv", sep="\t")
    by_signature = branches[["SBS1_corrected_mean", "SBS5_corrected_mean"]].sum(axis=1)
    for total in (by_signature, branches["snvs_corrected_mean"]):
        assert (total / branches["snvs_mean"]).mean() == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("tree.tsv", "left\tsplit", "left\tnowhere", "no such parent"),
        ("tree.tsv", "left\tsplit", "up\tsplit", "no such branch"),
        ("tree.tsv", "trunk\t\t", "trunk\tleft\t", "above itself"),
        ("tree.tsv", "2008-06-01", "1999-06-01", "older than the origin"),
        ("tree.tsv", "2008-06-01", "June 2008", "cannot be read"),
        ("tree.tsv", "early\ttrunk\t2005-01-01", "early\ttrunk\t", "has a date"),
        ("tree.tsv", "sampled", "date", "columns are not the right ones"),
        ("courses.tsv", "2007-03-01", "2004-03-01", "ends before it starts"),
        ("courses.tsv", "2005-03-01", "", "cannot be read"),
        ("courses.tsv", "Mercaptopurine", "", "has no name"),
    ],
)
def test_faults_of_timing_tables(folder, capsys, file, old, new, says):
    path = folder / file
    path.write_text(path.read_text().replace(old, new))
    assert timed(folder) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--origin", "2001"], "cannot be read"),
        ([], "origin is not known"),
        (["--origin", "2001-01-01"], "have no tree"),
        (["--origin", "2001-01-01", "--callable", "2"], "is no share"),
        (["--origin", "2001-01-01", "--model", "signatures"], "not of timing"),
    ],
)
def test_faults_of_timing_options(folder, capsys, more, says):
    assert run(folder, "timing", *more) == 2
    assert says in capsys.readouterr().err


def denovo_draws(seed=1, draws=60, swap=True):
    rng = np.random.default_rng(seed)
    base = rng.dirichlet(np.full(96, 0.1), 2)
    exposures = np.empty((1, draws, 3, 2))
    profiles = np.empty((1, draws, 2, 96))
    for i in range(draws):
        order = rng.permutation(2) if swap else np.arange(2)
        profiles[0, i] = rng.dirichlet(base[0] * 900 + 0.01, 1)[0], rng.dirichlet(base[1] * 900 + 0.01, 1)[0]
        profiles[0, i] = profiles[0, i][order]
        exposures[0, i] = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])[:, order]
    return Draws(
        ("a", "b", "c"), ("new1", "new2"), np.full((2, 96), 1 / 96), np.zeros(2, bool), np.full((3, 96), 2), exposures,
        profiles, exposures * 192, np.ones((1, draws)), np.full((3, 2), 0.5),
    )  # fmt: skip


def test_labels_of_denovo_signatures_that_switch_are_put_in_order():
    aligned = words.align_denovo(denovo_draws())
    assert aligned.exposures.std(1).max() == pytest.approx(0, abs=1e-12)
    assert aligned.profiles.std(1).max() < 0.03
    assert denovo_draws().exposures.std(1).max() > 0.2


def test_matches_name_the_reference_and_its_uncertainty():
    draws = words.align_denovo(denovo_draws())
    table = Table(("A", "B"), draws.profiles[0].mean(0)[::-1].copy())
    rows = words.report(draws, table).matches
    assert [row["reference"] for row in rows] == ["B", "A"]
    assert all(row["cosine_lo"] <= row["cosine_mean"] <= row["cosine_hi"] <= 1 + 1e-9 for row in rows)
    assert rows[0]["verdict"].startswith("corresponds to B")
    assert not words.not_told_apart(draws, table, ("A", "B"))


def test_mixtures_are_not_told_apart():
    draws = denovo_draws(swap=False)
    pure = draws.profiles.copy()
    mixed = replace(draws, profiles=np.stack([pure[:, :, 0], 0.5 * pure[:, :, 0] + 0.5 * pure[:, :, 1]], 2))
    table = Table(("A", "B"), pure[0].mean(0))
    assert "A and B are not told apart" in words.not_told_apart(mixed, table, ("A", "B"))[0]


def test_convergence_is_measured():
    rng = np.random.default_rng(1)
    good, bad = rng.normal(size=(4, 300)), rng.normal(size=(4, 300)) + np.arange(4)[:, None]
    assert words.rhat(good) < 1.03 < 1.3 < words.rhat(bad)
    assert words.effective_size(good) > 700
    assert words.effective_size(np.cumsum(good, 1)) < 100
    assert words.rhat(np.ones((2, 10))) == 1.0


def test_last_common_ancestors():
    parent = np.array([[0, 1, 1, 3], [0, 0, 2, 3], [0, 1, -1, 1]])
    assert dates.common_ancestor(parent, 1, 3).tolist() == [1, 2, 1]
    assert dates.common_ancestor(parent, 0, 3).tolist() == [1, 0, 1]
    assert dates.common_ancestor(parent, 2, 3).tolist() == [3, 3, -1]


def test_draws_depend_on_the_seed_alone():
    rng = np.random.default_rng(1)
    counts = np.array([rng.multinomial(80, e @ own()) for e in SHARES])
    args = (counts, NAMES, own(), ("SBS1", "SBS5", "SBS87"), SETTINGS)
    schedule = {"chains": 2, "tune": 3, "draws": 4}
    one, two = sample(*args, seed=3, schedule=schedule), sample(*args, seed=3, schedule=schedule)
    assert (one.exposures == two.exposures).all()
    assert (one.exposures != sample(*args, seed=4, schedule=schedule).exposures).any()
    assert one.signatures[-1] == "new1"
