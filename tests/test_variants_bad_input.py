"""Every faulty file of variants or events is answered by one message, exit code 2, and nothing is written."""

from __future__ import annotations

import gzip
import importlib.util
import random
import sys
from pathlib import Path

import good_events as e
import good_variants as g
import pytest
from bad_variants import CASES, BadVariants

from clonalbayes.cli import main
from clonalbayes.faults import InputError
from clonalbayes.variants import find_contexts, read_events, read_sites, read_variants

ROOT = Path(__file__).resolve().parents[1]
COPIES = 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_is_one_message_and_nothing_is_written(case: BadVariants, tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    arguments = case.make(folder)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    out = tmp_path / "out.tsv"
    assert main([case.command, *arguments, "--out", str(out)]) == 2
    text = capsys.readouterr().err
    assert case.file in text
    for fragment in case.says:
        assert fragment in text
    if case.row is not None:
        assert f"{case.file}, row {case.row}" in text
    assert str(tmp_path) not in text
    assert "Traceback" not in text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def _read(command, files, genome, names, texts):
    if command == "contexts":
        find_contexts(read_sites(files[0]), genome, Path(files[0]).name)
    elif command == "events":
        read_events(files, names=names, slop=-3 if "--slop" in texts else 0)
    elif not len(read_variants(files, reference=genome, names=names, pass_only="--pass-only" in texts)):
        pytest.skip("an empty table is a fault of the command only")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_fault_has_a_remedy(case: BadVariants, tmp_path):
    texts = case.make(tmp_path)
    paths = [t.split("=")[-1] for t in texts if not t.startswith("-") and Path(t.split("=")[-1]).is_absolute()]
    genome = texts[texts.index("--reference") + 1] if "--reference" in texts else None
    files = [p for p in paths if p != genome]
    names = {t.split("=", 1)[1]: t.split("=", 1)[0] for t in texts if "=" in t}
    with pytest.raises(InputError) as caught:
        _read(case.command, files, genome, names, texts)
    for fault in caught.value.faults:
        assert fault.remedy.endswith(".")
        assert len(fault.remedy) > 10
        assert not fault.message.endswith(".")


def test_there_are_enough_cases_and_no_two_alike():
    assert len({case.name for case in CASES}) == len(CASES)
    assert len(CASES) >= 100


def test_all_faults_of_all_files_come_at_once(tmp_path):
    one = g.write(tmp_path, "one.vcf", g.caveman().replace("\t400\t", "\tx\t").replace("\t600\t", "\t-\t"))
    two = g.write(tmp_path, "two.maf", g.maf().replace("\t14\t", "\tmany\t"))
    with pytest.raises(InputError) as caught:
        read_variants([one, two])
    assert [(f.file, f.column) for f in caught.value.faults] == [
        ("one.vcf", "POS"),
        ("one.vcf", "POS"),
        ("two.maf", "t_alt_count"),
    ]


def test_the_commands_write_what_they_say(tmp_path, capsys):
    caveman, genome = g.write(tmp_path, "caveman.vcf"), g.reference(tmp_path)
    sites, calls, contexts, events = (tmp_path / f"{n}.tsv" for n in ("sites", "calls", "contexts", "events"))
    arguments = [f"D0={caveman}", "--out", str(sites), "--calls", str(calls), "--reference", str(genome), "--pass-only"]
    assert main(["sites", *arguments]) == 0
    assert "3 sites (2 snv, 1 mnv)" in capsys.readouterr().out
    assert len(calls.read_text().splitlines()) == 4
    assert main(["contexts", str(sites), "--reference", str(genome), "--out", str(contexts)]) == 0
    assert "2 of 3 mutations have a context" in capsys.readouterr().out
    assert main(["events", str(e.event_file(tmp_path, "brass.vcf")), "--out", str(events)]) == 0
    assert "2 events (1 deletion, 1 translocation)" in capsys.readouterr().out
    assert len(events.read_text().splitlines()) == 5


def test_an_input_is_never_replaced(tmp_path, capsys):
    path = g.write(tmp_path, "caveman.vcf")
    before = path.read_bytes()
    assert main(["sites", str(path), "--out", str(path)]) == 2
    assert "one of the inputs" in capsys.readouterr().err
    assert main(["sites", str(path), "--out", str(tmp_path / "no" / "x.tsv")]) == 2
    assert main(["sites", str(path), "--out", str(tmp_path)]) == 2
    assert path.read_bytes() == before


def test_names_in_files_are_never_paths(tmp_path):
    odd = "../../etc/passwd"
    text = g.mutect2().replace("\td0\t", f"\t{odd}\t")
    assert main(["sites", str(g.write(tmp_path, "m.vcf", text)), "--out", str(tmp_path / "s.tsv")]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.vcf", "s.tsv"]
    assert f"depth:{odd}" in read_sites(tmp_path / "s.tsv").columns


def _fuzz():
    """The script of the long run."""
    spec = importlib.util.spec_from_file_location("fuzz_variants", ROOT / "validation" / "fuzz_variants.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_variants"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [*g.FILES, *e.FILES])
def test_random_edits_give_a_table_or_an_input_error(name, tmp_path):
    fuzz = _fuzz()
    text = (g.FILES | e.FILES)[name]().encode()
    outcomes = []
    for i in range(COPIES):
        data = fuzz.mutated(text, random.Random(f"{name} {i}"))
        path = g.write(tmp_path, name, gzip.compress(data, 1) if i % 10 == 0 else data)
        outcomes += fuzz.read(path, tmp_path)
    assert set(outcomes) == {"read", "refused"}


@pytest.mark.parametrize("kind", ["indexed", "bgzip indexed", "gzip"])
def test_random_edits_of_a_reference_give_bases_or_an_input_error(kind, tmp_path):
    fuzz = _fuzz()
    (tmp_path / "clean").mkdir()
    path = g.reference(tmp_path / "clean", kind)
    files = {p.name: p.read_bytes() for p in path.parent.iterdir()}
    outcomes = [o for i in range(2 * COPIES) for o in fuzz.reference(files, tmp_path, random.Random(f"{kind} {i}"))]
    assert set(outcomes) == {"read", "refused"}
