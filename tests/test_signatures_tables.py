"""Tables of counts, references, opportunities and gates: any order, faults all at once; contexts."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import xarray as xr

from clonalbayes.faults import InputError
from clonalbayes.signatures import contexts, tables
from clonalbayes.signatures.contexts import CONTEXTS
from clonalbayes.signatures.settings import load


def write(path, rows, mark="\t"):
    path.write_text("\n".join(mark.join(map(str, row)) for row in rows) + "\n", encoding="utf-8")
    return path


def counts_rows():
    rng = np.random.default_rng(1)
    return [["branch", *CONTEXTS], *[[name, *rng.poisson(3, 96)] for name in ("a", "b")]]


def faults_of(path, reader=tables.read_counts):
    with pytest.raises(InputError) as caught:
        reader(path)
    return str(caught.value)


def test_contexts_are_those_of_cosmic_and_come_from_either_strand():
    assert len(set(CONTEXTS)) == 96
    assert CONTEXTS[:2] == ("A[C>A]A", "A[C>A]C")
    assert CONTEXTS[-1] == "T[T>G]T"
    assert contexts.normal_label("C[G>A]T") == "A[C>T]G"
    assert contexts.index_of(np.array(["A[C>A]A", "T[G>T]T", "", "chr1"])).tolist() == [0, 0, -1, -1]
    assert len(contexts.TRINUCLEOTIDES) == 32


def test_counting_leaves_out_what_has_no_context_or_branch():
    table = contexts.count_contexts(np.array([0, 0, 5, -1, 7]), np.array([0, 0, 1, 1, -1]), 2)
    assert table.sum() == 3
    assert (table[0, 0], table[1, 5]) == (2, 1)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("mark", ["\t", ","])
def test_counts_are_matched_by_name_in_any_order(tmp_path, turned, mark):
    rows = counts_rows()
    straight = tables.read_counts(write(tmp_path / "a.tsv", rows))
    order = [0, *(np.random.default_rng(2).permutation(96) + 1)]
    mixed = [[row[i] for i in order] for row in rows]
    mixed = [list(column) for column in zip(*mixed, strict=True)] if turned else mixed
    again = tables.read_counts(write(tmp_path / "b.tsv", mixed, mark))
    assert again.names == straight.names == ("a", "b")
    assert (again.values == straight.values).all()


def test_packed_files_comments_and_missing_contexts_are_read(tmp_path):
    rows = [row[:50] for row in counts_rows()]
    text = "# a comment\n" + "\n".join("\t".join(map(str, row)) for row in rows) + "\n\n"
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    table = tables.read_counts(path)
    assert (table.values[:, 49:] == 0).all()
    assert table.values[:, :49].sum() > 0


def test_every_fault_of_counts_is_told_at_once(tmp_path):
    rows = counts_rows()
    rows[0][2] = rows[0][1]
    rows[0][3] = "nothing"
    rows[1][5], rows[1][6], rows[2][7], rows[2][0] = "-1", "2.5", "x", "a"
    text = faults_of(write(tmp_path / "a.tsv", rows))
    for part in ("there twice", "no trinucleotide context", "'-1'", "'2.5'", "'x'", "row 3", "the name is empty"):
        assert part in text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"one column\n1\n", "one column only"),
        (b"\xff\xfe\x00", "cannot be read as text"),
        (b"branch\tA[C>A]A\n", "has no rows"),
        (b"branch\tA[C>A]A\nx\t1\t2\n", "3 cells instead of 2"),
    ],
)
def test_files_that_are_no_tables(tmp_path, content, says):
    path = tmp_path / "a.tsv"
    path.write_bytes(content)
    assert says in faults_of(path)


def test_no_file_and_a_folder(tmp_path):
    assert "no such file" in faults_of(tmp_path / "none.tsv")
    assert "is a folder" in faults_of(tmp_path)


def test_a_reference_needs_all_contexts_and_weight(tmp_path):
    rows = [row[:90] for row in counts_rows()]
    assert "7 of 96 contexts are missing" in faults_of(write(tmp_path / "a.tsv", rows), tables.read_reference)
    rows = counts_rows()
    rows[1][1:] = [0] * 96
    assert "no weight" in faults_of(write(tmp_path / "b.tsv", rows), tables.read_reference)


def test_the_profiles_of_the_package():
    own = tables.read_reference()
    assert {"SBS1", "SBS5", "SBS87", "SBS31", "SBS35", "SBS99"} <= set(own.names)
    assert np.allclose(own.values.sum(1), 1.0)
    by_name = dict(zip(own.names, own.values, strict=True))
    at_cpg = [i for i, label in enumerate(CONTEXTS) if label[2:5] == "C>T" and label[6] == "G"]
    assert by_name["SBS1"][at_cpg].sum() > 0.8
    assert set(load("signatures").roles) <= set(own.names)


def test_the_profiles_of_the_package_agree_with_cosmic(shared):
    path = shared / "data" / "signatures" / "cosmic_v3.4_sbs96_grch38.tsv"
    own, cosmic = tables.read_reference(), tables.read_reference(path)
    for name, row in zip(own.names, own.values, strict=True):
        assert np.abs(row - cosmic.values[cosmic.names.index(name)]).max() < 2e-5


def opportunity_rows():
    return [
        ["trinucleotide", "sites", "reference_sites"],
        *[[t, 10 + i, 100] for i, t in enumerate(contexts.TRINUCLEOTIDES)],
    ]


def test_opportunities_go_both_ways(tmp_path):
    sites, base = tables.read_opportunities(write(tmp_path / "o.tsv", opportunity_rows()))
    assert (sites.shape, base.shape) == ((96,), (96,))
    profile = tables.read_reference().values[:2]
    seen = contexts.adjust(profile, sites, base)
    assert np.allclose(contexts.adjust(seen, base, sites), profile)
    true = np.array([[0.3, 0.7]])
    rate = (sites / sites.sum()) / (base / base.sum())
    weight = true * (profile * rate).sum(1)
    assert np.allclose(contexts.genome_share(weight / weight.sum(), seen, sites, base), true)


def test_a_dataset_holds_its_opportunities():
    rng = np.random.default_rng(1)
    sites, base, table = rng.uniform(5, 50, 96), rng.uniform(50, 99, 96), tables.read_reference()
    plain = xr.Dataset()
    assert tables.opportunities_of(plain) is None
    assert tables.as_seen(table, plain) is table
    ds = tables.set_opportunities(plain, (sites, base))
    seen = tables.as_seen(table, ds)
    assert seen.names == table.names
    assert np.allclose(seen.values, contexts.adjust(table.values, sites, base))
    shares = np.array([[0.2, 0.8]])
    own, other = tables.opportunities_of(ds)
    again = contexts.genome_share(shares, seen.values[:2], own, other)
    assert np.allclose(again, contexts.genome_share(shares, seen.values[:2], sites, base))


def test_faults_of_opportunities(tmp_path):
    rows = opportunity_rows()
    rows[1][0], rows[2][1] = "AGA", 0
    rows[4] = rows[3]
    text = faults_of(write(tmp_path / "o.tsv", rows), tables.read_opportunities)
    for part in ("no such trinucleotide", "above 0", "there twice"):
        assert part in text
    assert "a trinucleotide is missing" in faults_of(
        write(tmp_path / "p.tsv", rows[:1] + rows[5:]), tables.read_opportunities
    )
    assert "columns are not" in faults_of(write(tmp_path / "q.tsv", [["a", "b"]]), tables.read_opportunities)


def test_settings_are_of_their_own_kind(tmp_path):
    assert load("timing", "signatures").role("SBS87") == "treatment"
    with pytest.raises(InputError, match="of signatures, not of timing"):
        load("signatures", "timing")
    own = tmp_path / "own.toml"
    own.write_text(
        'extends = "signatures"\nname = "own"\n[signatures.SBS25]\nrole = "treatment"\ntreatments = ["Procarbazine"]\n'
    )
    assert load(own).treatments["SBS25"] == ("procarbazine",)
    assert load(own).digest != load("signatures").digest
    own.write_text('extends = "signatures"\n[signatures.SBS25]\nrole = "clocks"\ntreatments = 3\nwhen = 1\n')
    with pytest.raises(InputError) as caught:
        load(own)
    for part in ("no known role", "not a list of texts", "unknown key"):
        assert part in str(caught.value)
