"""From `run.toml` to the result: what is refused, what is said, and what is redone."""

from __future__ import annotations

import json
import random
import shutil

import numpy as np
import pytest
from bad_runs import BAD_RUNS, COUNTS_RUN, RUN, good_run

from clonalbayes.cli import main
from clonalbayes.faults import InputError
from clonalbayes.pipeline.assembly import read_patient
from clonalbayes.pipeline.run import run
from clonalbayes.pipeline.runfile import read_run_file
from clonalbayes.run import checkpoint_of

pytest.importorskip("pysam")


@pytest.fixture(scope="session")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good_run")
    good_run(folder)
    return folder


@pytest.fixture
def patient(good, tmp_path):
    return shutil.copytree(good, tmp_path / "patient")


def listing(folder):
    return sorted((str(p.relative_to(folder)), p.read_bytes() if p.is_file() else b"") for p in folder.rglob("*"))


@pytest.mark.parametrize("bad", BAD_RUNS, ids=lambda bad: bad.name)
def test_faults_are_said_in_words_and_nothing_is_written(patient, capsys, bad):
    bad.change(patient)
    before = listing(patient)
    for command in ("check", "run"):
        assert main([command, str(patient / "run.toml")]) == 2
        told = capsys.readouterr().err
        assert "Traceback" not in told
        assert bad.file in told
        if bad.row is not None:
            assert f"{bad.file}, row {bad.row}" in told
        for fragment in bad.says:
            assert fragment in told, told
        assert listing(patient) == before


def test_there_are_many_faults_and_each_has_a_name_of_its_own():
    assert len({bad.name for bad in BAD_RUNS}) == len(BAD_RUNS) >= 80


def test_all_faults_of_a_run_file_are_said_at_once(patient, capsys):
    text = RUN.replace('"female"', '"x"').replace("chains = 2", "chains = 0").replace("B.bam", "Z.bam")
    text = text.replace("2012-12-31", "2011-12-31").replace("tune", "tunes")
    (patient / "run.toml").write_text(text)
    assert main(["check", str(patient / "run.toml")]) == 2
    told = capsys.readouterr().err.splitlines()
    assert sorted(int(line.split(", row ")[1].split(",")[0]) for line in told) == [3, 19, 27, 35, 37]


def test_all_faults_of_the_files_are_said_at_once(patient, capsys):
    (patient / "A.bam").write_bytes(b"")
    (patient / "B.bam.bai").unlink()
    (patient / "B.purity.txt").write_text("rho 7\n")
    (patient / "A.segments.tsv").write_text("")
    assert main(["run", str(patient / "run.toml")]) == 2
    told = capsys.readouterr().err
    for name in ("A.bam", "B.bam", "B.purity.txt", "A.segments.tsv"):
        assert name in told


def test_the_run_file_is_read_as_it_is_written(good):
    found = read_run_file(good / "run.toml")
    assert [s.name for s in found.samples] == ["A", "B"]
    assert found.samples[1].date == "2013-04-01"
    assert found.samples[0].purity == 0.8
    assert found.samples[1].purity == good / "B.purity.txt"
    assert found.treatments[1] == ("thiopurine", "2013-02-01", "")
    assert found.out == good / "result"
    assert found.setting("fit", "chains") == 2
    assert found.setting("fit", "cores", 9) == 9


def test_check_says_what_would_be_done(good, capsys):
    assert main(["check", str(good / "run.toml")]) == 0
    told = capsys.readouterr().out
    assert "patient P1, female" in told
    assert "thiopurine: 2012-04-01 to 2012-12-31 (began after A)" in told
    assert "thiopurine: 2013-02-01 to beyond the last sample" in told
    assert "count-A: count the sites in A.bam (to do)" in told
    assert "note: no panel of normals" in told
    assert not (good / "result.stages").exists()


def test_a_run_makes_the_data_and_redoes_only_what_changed(patient, capsys):
    path = patient / "run.toml"
    said: list[str] = []
    first = run(path, until="data", say=said.append)
    assert first.says == ""
    assert set(first.made.values()) == {True}
    folder = patient / "result.stages"
    ds = read_patient(folder / "data").data
    assert ds.sizes == {"mutation": 20, "specimen": 2, "treatment": 2}
    assert ds["date"].values.tolist() == ["2012-03-05", "2013-04-01"]
    assert ds["treatment_end"].values.tolist() == ["2012-12-31", ""]
    assert ds.attrs["sex"] == "female"
    assert ds.attrs["origin_date"] == "2001-05-01"
    assert np.allclose(ds["purity"], [0.8, 0.7])
    assert ds["purity_sd"].values[0] == 0.03
    assert ds["major_cn"].values[:10, 0].tolist() == [1] * 5 + [2] * 5
    assert (ds["context"].values != "").all()
    assert 0.15 < float((ds["alt_count"] / ds["depth"]).mean()) < 0.5

    again = run(path, until="data", say=said.append)
    assert set(again.made.values()) == {False}
    path.write_text(path.read_text().replace("2013-04-01", "2013-05-01"))
    dated = run(path, until="data", say=said.append)
    assert [name for name, new in dated.made.items() if new] == ["data"]
    vcf = patient / "B.vcf"
    vcf.write_text(vcf.read_text().replace("28,12", "27,13"))
    called = run(path, until="data", say=said.append)
    assert called.made["sites"]
    quality = path.read_text().replace("[fit]", "[count]\nmin_base_quality = 20\n[fit]")
    path.write_text(quality)
    counted = run(path, until="data", say=said.append)
    assert counted.made["count-A"]
    assert not counted.made["sites"]
    assert main(["check", str(path)]) == 0
    assert "data: copy number, contexts, dates and treatments into one table (is there)" in capsys.readouterr().out


def test_events_are_joined_and_their_faults_are_said(patient, capsys):
    told = (patient / "run.toml").read_text() + '\n[events]\nfiles = ["drivers.tsv"]\n'
    (patient / "drivers.tsv").write_text("gene\tmutation\tsample\nNRAS\tp.G12D\tA\n")
    (patient / "run.toml").write_text(told)
    assert main(["run", str(patient / "run.toml"), "--until", "events", "--quiet"]) == 0
    table = (patient / "result.stages" / "events" / "events.tsv").read_text().splitlines()
    assert len(table) == 2
    assert "NRAS" in table[1]
    (patient / "drivers.tsv").write_text("gene\tcolour\nNRAS\tred\n")
    assert main(["check", str(patient / "run.toml")]) == 2
    assert "drivers.tsv" in capsys.readouterr().err


def test_counts_that_are_there_are_the_start(patient):
    path = patient / "run.toml"
    path.write_text(COUNTS_RUN.replace('name = "A"', 'name = "A"\npurity = 0.6'))
    outcome = run(path, until="data", say=lambda line: None)
    assert list(outcome.made) == ["counts", "data"]
    found = read_patient(patient / "result.stages" / "data")
    assert found.data["purity"].values.tolist() == [0.6, 1.0]
    assert "purity of B not given: taken as 1" in found.notes


def test_a_run_ends_in_a_result_and_is_not_repeated(patient, capsys):
    path = patient / "run.toml"
    path.write_text(COUNTS_RUN + "[fit]\nmodel = \"clones\"\nchains = 2\ndraws = 20\ntune = 20\nseed = 3\n")
    assert main(["run", str(path)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert any(line.startswith("- ") and "samples" in line for line in told)
    assert "clone" in told[-2]
    assert told[-1].endswith("report.html")
    record = json.loads((patient / "result" / "run.json").read_text())["run_file"]
    assert [s["name"] for s in record["samples"]] == ["A", "B"]
    kept = (patient / "result" / "clones.tsv").stat().st_mtime_ns
    assert main(["run", str(path)]) == 0
    assert "fit: unchanged." in capsys.readouterr().out
    assert (patient / "result" / "clones.tsv").stat().st_mtime_ns == kept
    (patient / "drivers.tsv").write_text("gene\tmutation\tsample\nNRAS\tp.G12D\tA\n")
    path.write_text(path.read_text() + '[events]\nfiles = ["drivers.tsv"]\n')
    assert main(["run", str(path)]) == 0
    assert "fit: unchanged." in capsys.readouterr().out
    assert "NRAS" in (patient / "result" / "events.tsv").read_text()
    path.write_text(path.read_text().split("[events]")[0])
    assert main(["run", str(path), "--quiet"]) == 0
    assert not (patient / "result" / "events.tsv").exists()
    (patient / "result" / "run.json").write_text("{}")
    assert main(["run", str(path)]) == 2
    assert "holds a result that this run has not made" in capsys.readouterr().err
    assert main(["run", str(path), "--force", "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_filters_explain_every_mutation_and_leave_out_what_is_asked(patient):
    path = patient / "run.toml"
    counts = ["mutation_id\tsample_id\tref_counts\talt_counts"]
    counts += [f"m{i}\t{s}\t{60 - a}\t{a}" for i, a in enumerate((20, 9, 4, 30)) for s in "AB"]
    (patient / "counts.tsv").write_text("\n".join(counts) + "\n")
    path.write_text(COUNTS_RUN + "[filters]\napply = [\"alt_reads\"]\n")
    outcome = run(path, until="data", say=lambda line: None)
    assert list(outcome.made) == ["counts", "filters", "data"]
    found = read_patient(patient / "result.stages" / "data")
    assert found.data["mutation"].values.tolist() == ["m0", "m1", "m3"]
    assert found.excluded["mutation"].tolist() == ["m2"]
    assert "alt_reads: at least 5 alt reads" in found.excluded["reason"][0]
    assert found.data.attrs["min_alt"] == 5
    table = (patient / "result.stages" / "filters" / "filters.tsv").read_text().splitlines()
    assert len(table) == 5
    path.write_text(COUNTS_RUN + "[filters]\nmin_alt = 3\n")
    run(path, until="data", say=lambda line: None)
    assert read_patient(patient / "result.stages" / "data").data.sizes["mutation"] == 4


def test_filters_that_leave_nothing_are_refused(patient, capsys):
    (patient / "run.toml").write_text(COUNTS_RUN + '[filters]\napply = ["alt_reads"]\nmin_alt = 1000\n')
    assert main(["run", str(patient / "run.toml")]) == 2
    assert "run.toml: no mutation is left after the filters" in capsys.readouterr().err
    assert not (patient / "result").exists()


def test_a_stopped_fit_goes_on_unless_something_changed(patient, monkeypatch, capsys):
    path, asked = patient / "run.toml", []

    def stopped(data, out, **options):
        asked.append(options["resume"])
        checkpoint_of(out).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("clonalbayes.run.run_fit", stopped)
    for draws in (20, 20, 30):
        path.write_text(COUNTS_RUN + f'[fit]\nmodel = "clones"\nseed = 3\ndraws = {draws}\n')
        assert main(["run", str(path)]) == 130
        assert f"Continue with:\n  clonalbayes run {path}" in capsys.readouterr().err
    assert asked == [False, True, False]


def test_an_unknown_stage_is_refused(good, capsys):
    assert main(["run", str(good / "run.toml"), "--until", "tea"]) == 2
    assert "The stages are: sites, count-A" in capsys.readouterr().err


def test_the_example_is_written_and_checked(tmp_path, capsys):
    folder = tmp_path / "example"
    assert main(["example", str(folder), "--mutations", "60", "--depth", "20", "--panel", "0"]) == 0
    assert main(["check", str(folder / "run.toml")]) == 0
    assert "count the sites in R2.cram" in capsys.readouterr().out
    assert main(["example", str(folder)]) == 2
    assert "holds an example already" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").write_text("")
    assert main(["example", str(tmp_path / "other")]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_names_of_samples_do_not_lead_out_of_the_folder(patient):
    path = patient / "run.toml"
    path.write_text(RUN.replace('name = "A"', 'name = ".. A:b"'))
    with pytest.raises(InputError):
        run(patient / "nowhere.toml")
    outcome = run(path, until="counts", say=lambda line: None)
    names = [p.name for p in (patient / "result.stages").iterdir()]
    assert any(name.startswith("count-___A_b-") for name in names), names
    assert outcome.made["counts"]


def test_damaged_run_files_are_read_or_refused_in_words(patient):
    rng = random.Random(11)
    pieces = ["", "=", "[", "]]", '"', "\n", "true", "-1", "1e999", "2012-02-30", "{}", "[1, 2]", "[[sample]]"]
    pieces += ["\x00", "9" * 400, "~nobody-of-this-name/", "\\u0000"]
    outcomes = {"read": 0, "refused": 0}
    for _ in range(400):
        text = list(RUN)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(text))
            text[at : at + rng.randint(0, 12)] = rng.choice(pieces)
        (patient / "run.toml").write_text("".join(text))
        try:
            read_run_file(patient / "run.toml")
            outcomes["read"] += 1
        except InputError as error:
            assert "run.toml" in str(error)
            outcomes["refused"] += 1
    assert outcomes["refused"] > 300
