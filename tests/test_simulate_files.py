"""The example patient as files: what is in them is what was drawn."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pandas as pd
import pytest

from clonalbayes.copynumber import read_copy_number
from clonalbayes.faults import InputError
from clonalbayes.simulate.drivers import Driver, place_drivers
from clonalbayes.simulate.files import called_segments, write_example
from clonalbayes.simulate.genome import ARMS
from clonalbayes.simulate.miniature import APART, Miniature, arm_span, draw_miniature, draw_places
from clonalbayes.simulate.spectra import draw_channels
from clonalbayes.simulate.switch import CLONES, DRIVERS, SAMPLES, SIGNATURES, lineage_switch, switch_blueprint

CHANNELS = ["A[C>T]G", "T[T>A]C", "G[C>A]T", "C[T>G]A", "", "C[C>T]C"] * 100
pysam = pytest.importorskip("pysam")


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example")
    write_example(folder, 80, depth=30, panel=1, seed=3)
    return folder


def miniature(seed: int) -> Miniature:
    rng = np.random.default_rng(seed)
    return draw_miniature(CHANNELS, draw_places(len(CHANNELS), rng), rng)


def test_the_miniature_holds_its_variants_apart_and_leftmost():
    genome = miniature(2)
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
    first, again, other = (miniature(s).ids for s in (5, 5, 6))
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
    exposures = switch_blueprint().exposures
    clone = np.repeat(np.arange(len(CLONES)), 300)
    contexts, made_by = draw_channels(SIGNATURES, exposures, clone, np.random.default_rng(4), substitutions=range(50))
    share = np.array([made_by[300 * k : 300 * (k + 1)].count("SBS87") / 300 for k in range(len(CLONES))])
    assert {n for n, p in zip(CLONES, share, strict=True) if p > 0} == {
        "progression", "relapse", "relapse1", "relapse2", "myeloid", "myeloid_a", "myeloid_b",
    }  # fmt: skip
    assert np.abs(share - 0.94 * exposures[:, 2]).max() < 0.1
    assert "" not in contexts[:50]
    assert 0.03 < contexts.count("") / len(contexts) < 0.1


def test_clones_are_dated_between_their_parents_and_the_first_sample_that_has_them():
    for clone in CLONES.values():
        assert not clone.parent or CLONES[clone.parent].date < clone.date
    blueprint = switch_blueprint()
    for k, clone in enumerate(CLONES.values()):
        assert clone.date < blueprint.dates[int(np.flatnonzero(blueprint.populations.ccf[k] > 0)[0])]


def test_drivers_are_where_their_genes_are_and_clones_keep_their_sizes():
    rng = np.random.default_rng(3)
    arm, clone = rng.integers(0, len(ARMS), 2000), rng.integers(-2, 14, 2000)
    sites, moved = place_drivers(DRIVERS, list(CLONES), clone, arm)
    assert len(set(sites)) == len(DRIVERS)
    assert [list(ARMS)[a] for a in arm[sites]] == [d.arm for d in DRIVERS]
    assert [list(CLONES)[k] for k in moved[sites]] == [d.clone for d in DRIVERS]
    assert sorted(clone) == sorted(moved)
    nowhere = place_drivers([Driver("trunk", "22q", "A", "b")], list(CLONES), clone[:3], np.zeros(3, int))
    assert nowhere[0].tolist() == [-1]


def test_events_are_read_and_found_in_the_samples_that_have_them(example):
    from clonalbayes.variants.events import read_events

    truth = json.loads((example / "truth.json").read_text())
    files = [example / name for name in tomllib.loads((example / "run.toml").read_text())["events"]["files"]]
    table = read_events(files).table
    named = table[table["kind"] == "driver"]
    assert set(truth["drivers"].values()) >= {"NRAS p.G12D", "KMT2D p.R2099*"}
    assert len(named) == len(truth["drivers"])
    assert {truth["assignment"][m] for m in truth["drivers"]} <= {d.clone for d in DRIVERS}
    deleted = table[(table["kind"] == "deletion") & (table["evidence"] > 0)]
    assert deleted["genes"].unique().tolist() == ["PAX5,ZCCHC7"]
    second = set(deleted[deleted["pos1"] == deleted["pos1"].min()]["sample"])
    assert {"R2", "AML2"} <= second <= set(SAMPLES) - {"D1", "D2"}
    light = table[table["event"].str.startswith("clonotype:IGLV2-14")]
    assert {"R2", "AML2"} <= set(light["sample"]) <= set(SAMPLES) - {"D1", "D2"}


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
