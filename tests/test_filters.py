"""Filters: against an independent slow implementation, every mutation explained, and the command."""

from __future__ import annotations

import math
import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from clonalbayes.cli import main
from clonalbayes.cli.parser_detection import FILTER_NAMES, FILTER_NUMBERS
from clonalbayes.data.counts import read_counts
from clonalbayes.faults import InputError
from clonalbayes.filters import FILTERS, FilterInput, Limits, apply_filters, from_dataset, from_table
from clonalbayes.filters.statistics import LOG10_RHO, benjamini_hochberg, germline_p, indel_distance, overdispersion
from clonalbayes.filters.victims import victims


def made(seed: int = 1, n: int = 300, samples: int = 5) -> FilterInput:
    rng = np.random.default_rng(seed)
    depth = rng.poisson(rng.choice([20, 80, 170], (n, 1)), (n, samples))
    alt = rng.binomial(depth, rng.choice([0, 0.03, 0.2, 0.5], (n, samples), p=[0.3, 0.3, 0.2, 0.2]))
    alt[::17] = rng.binomial(depth[::17], 0.06)  # recurrent: the same everywhere
    support = {
        "asmd": np.where(rng.random(n) < 0.1, np.nan, rng.normal(146, 5, n)), "asrd": rng.normal(0.97, 0.05, n),
        "clpm": rng.choice([0.0, 0.0, 0.0, 12.0], n),
    }  # fmt: skip
    alleles = rng.choice(["A", "C", "G", "AT", "ACC"], (2, n))
    return FilterInput(
        "made.tsv", np.array([f"m{i}" for i in range(n)], object), [f"s{i}" for i in range(samples)], alt, depth,
        (alt + rng.poisson(0.15 * alt)).astype(float), support, rng.choice(["chr1", "chrX"], n).astype(object),
        rng.integers(1, 3000, n), alleles[0].astype(object), alleles[1].astype(object),
        rng.random((n, samples)) < 0.8, rng.random(n) < 0.2,
    )  # fmt: skip


def slow_distance(data: FilterInput, i: int) -> float:
    """Count bases between a substitution and every indel, one by one."""
    ref, alt = data.ref[i], data.alt_allele[i]
    if len(ref) != len(alt):
        return math.nan
    own = range(int(data.pos[i]), int(data.pos[i]) + len(ref))
    best = math.inf
    for j in range(len(data.mutations)):
        r, a = data.ref[j], data.alt_allele[j]
        if len(r) == len(a) or data.chrom[j] != data.chrom[i]:
            continue
        p = int(data.pos[j])
        if len(a) > len(r):  # between the bases p + len(r) - 1 and the next
            left = p + len(r) - 1
            gaps = [left - b + 1 if b <= left else b - left for b in own]
            gap = 0 if any(b <= left for b in own) and any(b > left for b in own) else min(gaps)
        else:
            gone = range(p + len(a), p + len(r))
            gap = min(abs(b - g) for b in own for g in gone)
        best = min(best, gap)
    return best


def slow_rho(alt: np.ndarray, depth: np.ndarray) -> float:
    mean = alt.sum() / depth.sum()
    best = (-math.inf, 0.0)
    for log_rho in LOG10_RHO:
        total = (1 - 10**log_rho) / 10**log_rho
        logs = sum(
            float(stats.betabinom.logpmf(x, n, mean * total, (1 - mean) * total))
            for x, n in zip(alt, depth, strict=True)
        )
        best = max(best, (logs, 10**log_rho))
    return best[1]


def slow(data: FilterInput, limits: Limits) -> dict[str, list[bool]]:
    """Which mutations fail which filter, one mutation at a time, from the definitions."""
    n = len(data.mutations)
    p = []
    for i in range(n):
        share = 0.95 if data.haploid[i] else 0.5
        alt, depth = data.alt[i][data.diploid[i]].sum(), data.depth[i][data.diploid[i]].sum()
        p.append(stats.binomtest(int(alt), int(depth), share, "less").pvalue if depth else math.nan)
    known = [i for i in range(n) if not math.isnan(p[i])]
    q = dict(zip(known, stats.false_discovery_control([p[i] for i in known]), strict=True))
    out: dict[str, list[bool]] = {name: [] for name in FILTERS}
    for i in range(n):
        alt, depth = data.alt[i], data.depth[i]
        out["asmd"].append(data.support["asmd"][i] < limits.asmd)
        out["asrd"].append(data.support["asrd"][i] < limits.asrd)
        out["clpm"].append(data.support["clpm"][i] > limits.clpm)
        out["depth"].append(not limits.min_depth <= sum(depth) / len(depth) <= limits.max_depth)
        out["near_indel"].append(slow_distance(data, i) <= limits.indel_distance)
        every = data.alt_all[i].sum() if data.alt_all is not None else 0
        out["quality_ratio"].append(every > 0 and alt.sum() / every <= limits.quality_ratio)
        out["alt_reads"].append(max(alt) < limits.min_alt)
        out["germline"].append(i in q and q[i] >= limits.germline_q)
        shared = (alt > 0).sum() >= 2 and (depth > 0).sum() >= 2 and alt.sum() / depth.sum() < limits.rho_vaf
        out["overdispersion"].append(bool(shared) and slow_rho(alt, depth) < limits.rho)
    return out


@pytest.mark.parametrize("seed", [1, 2])
def test_every_filter_agrees_with_the_slow_implementation(seed):
    data = made(seed)
    found = apply_filters(data, only=list(FILTERS))
    expected = slow(data, Limits())
    for outcome in found.outcomes:
        assert outcome.failed.tolist() == expected[outcome.name], outcome.name
        assert outcome.failed.any(), f"{outcome.name} is not exercised"
    fell = np.any([expected[name] for name in FILTERS], axis=0)
    assert (~found.kept).tolist() == fell.tolist()


def test_statistics_agree_with_scipy():
    rng = np.random.default_rng(3)
    p = rng.random(200)
    p[::9] = np.nan
    known = ~np.isnan(p)
    assert benjamini_hochberg(p)[known] == pytest.approx(stats.false_discovery_control(p[known]))
    assert np.isnan(benjamini_hochberg(p)[~known]).all()
    assert np.isnan(benjamini_hochberg(np.full(2, np.nan))).all()
    found = germline_p(np.array([3, 0, 0]), np.array([20, 0, 9]), np.array([0.5, 0.5, 0.95]))
    assert found == pytest.approx([stats.binom.cdf(3, 20, 0.5), 1.0, stats.binom.cdf(0, 9, 0.95)])


def test_the_overdispersion_is_the_most_likely_one_of_the_grid():
    rng = np.random.default_rng(4)
    depth = rng.poisson(60, (60, 6))
    share = rng.beta(0.6, 4, (60, 6))
    share[:20] = 0.1
    alt = rng.binomial(depth, share)
    alt[:, 0] += alt.sum(1) == 0
    assert overdispersion(alt, depth) == pytest.approx([slow_rho(a, d) for a, d in zip(alt, depth, strict=True)])


def test_distances_to_indels_by_hand():
    chrom = np.array(["1"] * 8, object)
    pos = np.array([10, 9, 11, 12, 13, 10, 14, 40])
    ref = np.array(["AT", "A", "C", "C", "C", "G", "AC", "C"], object)
    alt = np.array(["A", "C", "G", "G", "G", "T", "GT", "CTT"], object)
    found = indel_distance(chrom, pos, ref, alt)
    assert found.tolist()[1:7] == [2.0, 0.0, 1.0, 2.0, 1.0, 3.0]
    assert np.isnan(found[[0, 7]]).all()
    beside = indel_distance(chrom[:2], np.array([40, 41]), ref[1:3], alt[1:3], (chrom[:1], pos[7:], ref[7:], alt[7:]))
    assert beside.tolist() == [1.0, 1.0]
    dash = indel_distance(
        chrom[:2],
        np.array([40, 41]),
        ref[1:3],
        alt[1:3],
        (chrom[:1], pos[7:], np.array(["-"], object), np.array(["T"], object)),
    )
    assert dash.tolist() == [1.0, 1.0]


def test_every_mutation_is_in_the_table_with_its_reasons():
    data = made()
    found = apply_filters(data)
    frame, summary = found.frame(), found.summary()
    assert frame["mutation"].tolist() == data.mutations.tolist()
    assert set(frame["verdict"]) == {"kept", "filtered"}
    assert ((frame["failed"] == "") == (frame["verdict"] == "kept")).all()
    assert (frame["n_failed"] == frame["failed"].str.split(",").map(lambda names: len([n for n in names if n]))).all()
    for row in summary.itertuples():
        assert row.failed == (frame[row.filter] == "failed").sum()
        assert row.failed_only_this == (frame["failed"] == row.filter).sum()
        assert row.tested == (frame[row.filter] != "not tested").sum()
    assert (frame.loc[frame["asmd_value"].isna(), "asmd"] == "not tested").all()
    assert repr(found).endswith("mutations kept>")


def test_asrd_stands_in_where_reads_are_not_of_150_bases():
    data = made()
    assert "asmd" in [o.name for o in apply_filters(data).outcomes]
    data.support["asmd"] = data.support["asrd"] * 100
    short = apply_filters(data)
    assert "asrd" in [o.name for o in short.outcomes]
    assert any("reads of 100 bases" in note for note in short.notes)
    del data.support["asmd"]
    assert any("no ASMD" in note for note in apply_filters(data).notes)
    del data.support["asrd"]
    none = apply_filters(data)
    assert any("asmd was not tested" in note for note in none.notes)


def test_faults_are_named():
    data = made()
    with pytest.raises(InputError, match="there is no such filter"):
        apply_filters(data, only=["colour"])
    with pytest.raises(InputError, match="no filter is left"):
        apply_filters(data, only=["depth"], skip=["depth"])
    data.alt_all = None
    with pytest.raises(InputError, match="quality_ratio has nothing to look at"):
        apply_filters(data, only=["quality_ratio"])


def test_a_hundred_thousand_sites_in_eight_samples_take_seconds():
    data = made(5, 100_000, 8)
    start = time.process_time()
    apply_filters(data, only=list(FILTERS)).frame()
    assert time.process_time() - start < 10.0


def test_options_and_limits_are_the_same():
    assert tuple(FILTERS) == FILTER_NAMES
    limits = Limits()
    for name, (default, _) in FILTER_NUMBERS.items():
        assert getattr(limits, name.replace("-", "_")) == default


def test_victims_that_the_model_keeps_are_counted():
    data = made()
    found = apply_filters(data)
    rng = np.random.default_rng(6)
    p = rng.random(len(data.mutations) - 10)
    fitted = pd.DataFrame({"mutation": data.mutations[:-10], "p_noise": p, "p_germline": 0.1 * (1 - p)})
    told = victims(found, fitted)
    kept = 0.9 * (1 - p)
    fallen = ~found.kept[:-10]
    (total,) = told.by_filter[told.by_filter["filter"] == "any"].itertuples()
    assert total.model_keeps == int((kept[fallen] >= 0.5).sum())
    assert total.in_fit == int(fallen.sum())
    assert total.expected == pytest.approx(kept[fallen].sum())
    assert set(told.mutations["mutation"]) == set(data.mutations[:-10][fallen & (kept >= 0.5)])
    with pytest.raises(ValueError, match="p_noise"):
        victims(found, fitted.drop(columns="p_noise"))


TABLE = """mutation_id\tchrom\tpos\tref\talt\tsample_id\talt_count\tdepth\talt_count_all\tasmd\tclpm\tmajor_cn\tminor_cn
chr1:100:A>C\tchr1\t100\tA\tC\tS1\t20\t80\t21\t150\t0\t1\t1
chr1:100:A>C\tchr1\t100\tA\tC\tS2\t0\t70\t0\t\t\t1\t1
chr1:200:A>C\tchr1\t200\tA\tC\tS1\t41\t80\t41\t148\t0\t1\t1
chr1:200:A>C\tchr1\t200\tA\tC\tS2\t36\t70\t36\t149\t0\t2\t1
chr1:300:A>C\tchr1\t300\tA\tC\tS1\t9\t80\t30\t120\t14\t2\t1
chr1:300:A>C\tchr1\t300\tA\tC\tS2\t\t\t\t\t\t2\t1
chrX:100:G>T\tchrX\t100\tG\tT\tS1\t30\t40\t30\t150\t0\t1\t0
chrX:100:G>T\tchrX\t100\tG\tT\tS2\t0\t35\t0\t\t\t1\t0
"""


def write(folder, text: str = TABLE, name: str = "counts.tsv"):
    path = folder / name
    path.write_text(text)
    return path


def test_tables_are_read_with_copy_number_and_sex(tmp_path):
    table = read_counts(write(tmp_path), extra=("alt_count_all", "asmd", "clpm", "major_cn", "minor_cn"))
    female, male = from_table(table), from_table(table, sex="male")
    assert female.diploid.tolist() == [[True, True], [True, False], [False, False], [False, False]]
    assert male.diploid[3].tolist() == [True, True]
    assert male.haploid.tolist() == [False, False, False, True]
    assert female.support["asmd"].tolist() == [150.0, 148.0, 120.0, 150.0]
    assert any("no sample is diploid" in note for note in female.notes)
    assert from_table(table, diploid=["S2"]).diploid.tolist() == [[False, True]] * 4
    with pytest.raises(InputError, match="there is no such sample"):
        from_table(table, diploid=["S9"])


def test_a_dataset_can_be_filtered(tmp_path):
    from clonalbayes.data.patient import read

    lines = ["mutation_id\tsample_id\talt_counts\tref_counts\tmajor_cn\tminor_cn\tnormal_cn"]
    lines += [f"m{i}\tS{s}\t{10 + i}\t{60}\t1\t1\t2" for i in range(4) for s in range(2)]
    patient = read(write(tmp_path, "\n".join(lines) + "\n"))
    data = from_dataset(patient.data)
    found = apply_filters(data)
    assert len(found.frame()) == 4
    assert {o.name for o in found.outcomes if o.tested.any()} == {"depth", "alt_reads", "germline", "overdispersion"}


def test_the_command_writes_the_table_and_the_kept_rows(tmp_path, capsys):
    counts, out, kept = write(tmp_path), tmp_path / "filters.tsv", tmp_path / "kept.tsv"
    assert main(["filter", str(counts), "--out", str(out), "--kept", str(kept), "--sex", "male"]) == 0
    frame = pd.read_csv(out, sep="\t", keep_default_na=False).set_index("mutation")
    assert frame.loc["chr1:100:A>C", "verdict"] == "kept"
    assert "germline" in frame.loc["chr1:200:A>C", "failed"]
    assert frame.loc["chr1:300:A>C", "failed"].split(",")[:2] == ["asmd", "clpm"]
    rows = kept.read_text().splitlines()
    assert rows[0] == TABLE.splitlines()[0]
    assert {row.split("\t")[0] for row in rows[1:]} == set(frame.index[frame["verdict"] == "kept"])
    text = capsys.readouterr().out
    assert "of 4 mutations pass every filter" in text
    assert "only this" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "quality_ratio", "--skip", "quality_ratio"], "no filter is left"),
        (["--min-depth", "200"], "the window of depths is empty"),
        (["--quality-ratio", "75"], "is above 1"),
        (["--diploid", "nobody"], "there is no such sample"),
        (["--sites", "nothing.tsv"], "cannot be read"),
        (["--only", "asrd"], "the filter asrd has nothing to look at"),
        (["--fit", "nowhere"], "is not a result folder"),
    ],
)
def test_wrong_options_are_answered_in_words_and_write_nothing(tmp_path, capsys, options, message):
    out = tmp_path / "filters.tsv"
    assert main(["filter", str(write(tmp_path)), "--out", str(out), *options]) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_the_input_is_not_overwritten(tmp_path, capsys):
    path = write(tmp_path)
    assert main(["filter", str(path), "--out", str(path)]) == 2
    assert "the output is one of the inputs" in capsys.readouterr().err
    assert path.read_text() == TABLE
