"""The example patient as files: what is in them is what was drawn."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pandas as pd
import pytest

from clonalbayes.copynumber import read_copy_number
from clonalbayes.faults import InputError
from clonalbayes.simulate.files import called_segments, draw_channels, write_example
from clonalbayes.simulate.genome import ARMS
from clonalbayes.simulate.miniature import APART, arm_span, draw_miniature
from clonalbayes.simulate.switch import CLONES, EXPOSURES, SAMPLES, lineage_switch

CHANNELS = ["A[C>T]G", "T[T>A]C", "G[C>A]T", "C[T>G]A", "", "C[C>T]C"] * 100
pysam = pytest.importorskip("pysam")


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example")
    write_example(folder, 80, depth=30, panel=1, seed=3)
    return folder


def test_the_miniature_holds_its_variants_apart_and_leftmost():
    genome = draw_miniature(CHANNELS, np.random.default_rng(2))
    last = ("", -100)
    for (chrom, pos, ref, alt), arm in zip(genome.variants, genome.arm, strict=True):
        bases = genome.reference[chrom]
        assert bases[pos - 1 : pos - 1 + len(ref)].tobytes().decode() == ref
        contig, low, high = arm_span(list(ARMS)[arm])
        assert contig == chrom
        assert low < pos < high
        assert chrom != last[0] or pos - last[1] >= APART
        last = (chrom, pos)
        longer = max(ref, alt, key=len)
        if len(ref) != len(alt):
            assert ref[0] == alt[0] != longer[-1]
    assert len(set(genome.ids)) == 600
    assert genome.kind.count("indel") == 100


def test_the_same_seed_gives_the_same_patient_and_another_another(tmp_path):
    first, again, other = (draw_miniature(CHANNELS, np.random.default_rng(s)).ids for s in (5, 5, 6))
    assert first == again
    assert first != other


def test_contexts_are_those_that_were_drawn(example):
    from clonalbayes.variants import find_contexts

    truth = json.loads((example / "truth.json").read_text())
    parts = [site.split(":") for site in truth["context"]]
    alleles = [part[2].split(">") for part in parts]
    sites = pd.DataFrame({"chrom": [p[0] for p in parts], "pos": [int(p[1]) for p in parts],
                          "ref": [a[0] for a in alleles], "alt": [a[1] for a in alleles]})  # fmt: skip
    assert find_contexts(sites, example / "reference.fa").labels.tolist() == list(truth["context"].values())


def test_the_thiopurine_signature_is_on_the_branches_that_saw_it():
    names = tuple(CLONES)
    clone = np.repeat(np.arange(len(names)), 300)
    _, made_by = draw_channels(names, clone, np.random.default_rng(4))
    share = {n: made_by[300 * k : 300 * (k + 1)].count("SBS87") / 300 for k, n in enumerate(names)}
    assert {n for n, p in share.items() if p > 0} == set(EXPOSURES)
    assert all(abs(share[n] - p[2] * 0.94) < 0.1 for n, p in EXPOSURES.items())


def test_everything_that_the_run_file_names_is_there(example):
    run = tomllib.loads((example / "run.toml").read_text())
    assert [s["name"] for s in run["sample"]] == list(SAMPLES)
    assert [s["date"] for s in run["sample"]] == sorted(s["date"] for s in run["sample"])
    for sample in run["sample"]:
        for file in (sample["reads"], *sample["variants"], sample["copy_number"], sample["purity"]):
            assert (example / file).is_file(), file
    assert {"CAR-T", "thiopurine"} <= {t["name"] for t in run["treatment"]}
    assert all(t["start"] <= t["end"] for t in run["treatment"])


def test_reads_show_the_fractions_that_were_drawn(example):
    truth = json.loads((example / "truth.json").read_text())
    alt = depth = expected = 0.0
    for j, name in enumerate(truth["samples"]):
        options = {"reference_filename": str(example / "reference.fa")} if name == "R2" else {}
        with pysam.AlignmentFile(str(example / f"{name}.{'cram' if name == 'R2' else 'bam'}"), **options) as reads:
            assert reads.header["RG"][0]["SM"] == name
            for site, vaf in truth["vaf"].items():
                chrom, pos, change = site.split(":")
                if len(change) != 3:
                    continue
                counts = reads.count_coverage(chrom, int(pos) - 1, int(pos), quality_threshold=20)
                here = {base: c[0] for base, c in zip("ACGT", counts, strict=True)}
                alt += here[change[2]]
                depth += sum(here.values())
                expected += vaf[j] * sum(here.values())
    assert depth / (8 * 80) > 15
    assert abs(alt - expected) < 5 * np.sqrt(expected)


def test_calls_are_true_and_those_seen_well_are_called(example):
    from clonalbayes.variants import read_variants

    truth = json.loads((example / "truth.json").read_text())
    files = sorted(example.glob("*.vcf.gz"))
    assert len(files) == 16
    sites = read_variants(files, reference=example / "reference.fa")
    ids = {f"{c}:{p}:{r}>{a}" for c, p, r, a in sites.table[["chrom", "pos", "ref", "alt"]].itertuples(index=False)}
    assert ids <= set(truth["vaf"])
    well = {site for site, vaf in truth["vaf"].items() if max(vaf) > 0.45}
    assert len(well - ids) <= 2
    assert set(sites.samples) == {*SAMPLES, "unmatched_normal"}


def test_copy_number_files_are_those_of_the_callers(example):
    ascat, battenberg = (read_copy_number(example / f) for f in ("D1.copynumber.caveman.csv", "AML2_subclones.txt"))
    assert not (ascat.segments["major2"] >= 0).any()
    two = battenberg.segments[battenberg.segments["major2"] >= 0]
    assert len(two) > 5
    assert two["fraction"].between(0.6, 0.64).any()
    purity = read_copy_number(example / "AML2_rho_and_psi.txt").purity
    assert abs(purity["purity"][0] - 0.84) < 0.1


def test_segments_join_arms_of_one_state():
    haplotypes = np.ones((len(ARMS), 2, 2), int)
    haplotypes[0, 1, 0] = 2
    found = called_segments(haplotypes, np.array([0.7, 0.3]))
    assert found[0].second == (2, 1)
    assert found[0].first == (1, 1)
    assert found[0].share == pytest.approx(0.7)
    assert len(found) == len({arm_span(arm)[0] for arm in ARMS}) + 1
    assert called_segments(haplotypes, np.array([0.95, 0.05]))[0].second is None


@pytest.mark.parametrize(("size", "depth"), [(10, 50.0), (5000, 50.0), (100, 5.0)])
def test_sizes_out_of_range_are_refused(tmp_path, size, depth):
    with pytest.raises(InputError, match="out of range"):
        write_example(tmp_path / "out", size, depth=depth)
    assert not (tmp_path / "out").exists()


def test_the_table_and_the_files_are_of_one_patient():
    assert lineage_switch(200, seed=1).dataset["specimen"].values.tolist() == list(SAMPLES)
