"""The command line, in-process: exit codes, messages, help that shows the defaults of the library."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import clonalbayes
from clonalbayes import specs
from clonalbayes.cli import DONE, FAILED, INTERRUPTED, WRONG_INPUT, main
from clonalbayes.cli.parser import FORMATS, PLOTS, SIMULATE_DEFAULTS, make_parser, number, whole
from clonalbayes.cli.purity import parse_purity
from clonalbayes.faults import Fault, InputError

COMMANDS = ("fit", "check", "export", "models", "simulate", "plot", "doctor")
ROOT = Path(__file__).resolve().parents[1]


def raising(error: BaseException):
    def handler(*arguments):
        raise error

    return handler


@pytest.fixture
def command_that_raises(monkeypatch):
    """Make ``doctor`` raise something, to see what the command line makes of it."""

    def arrange(error: BaseException) -> None:
        monkeypatch.setattr("clonalbayes.cli.doctor.doctor", raising(error))

    return arrange


def test_help_names_every_command(capsys):
    assert main(["--help"]) == DONE
    text = capsys.readouterr().out
    for command in COMMANDS:
        assert re.search(rf"^    {command} ", text, re.MULTILINE), command
    assert "Exit codes" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_and_stands_in_the_documentation(command, capsys):
    assert main([command, "--help"]) == DONE
    assert f"usage: clonalbayes {command}" in capsys.readouterr().out
    assert f"`{command}" in (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")


def test_help_of_fit_shows_the_defaults_of_the_schedule(capsys):
    main(["fit", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    schedule = specs.Schedule()
    for value in (schedule.chains, schedule.draws, schedule.tune):
        assert f"(default: the model's, {value})" in text


def test_help_of_simulate_shows_its_defaults(capsys):
    main(["simulate", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for value in SIMULATE_DEFAULTS.values():
        assert f"(default: {value:g})" in text


def test_help_is_there_at_once():
    best = min(_seconds_of_help() for _ in range(3))
    assert best < 0.5


def _seconds_of_help() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "clonalbayes", "--help"], check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - start


def test_version(capsys):
    assert main(["--version"]) == DONE
    assert capsys.readouterr().out.strip() == f"clonalbayes {clonalbayes.__version__}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: COMMAND"),
        (["fits"], "invalid choice: 'fits'"),
        (["fit", "x.tsv"], "required: --out"),
        (["fit", "x.tsv", "--out", "y", "--chains", "0"], "'0' is not a whole number of at least 1"),
        (["fit", "x.tsv", "--out", "y", "--draws", "1e3"], "'1e3' is not a whole number of at least 1"),
        (["fit", "x.tsv", "--out", "y", "--seed", "-1"], "-1"),
        (["fit", "x.tsv", "--out", "y", "--chain", "3"], "unrecognized arguments: --chain 3"),
        (["export", "x.tsv", "--out", "y", "--to", "excel"], "invalid choice: 'excel'"),
        (["plot", "pie", "dir", "--out", "f.png"], "invalid choice: 'pie'"),
        (["simulate", "--out", "d", "--depth", "nan"], "'nan' is not a number above 0"),
        (["models", "show"], "required: NAME|F.toml"),
    ],
)
def test_wrong_usage_is_told_and_ends_with_2(arguments, words, capsys):
    assert main(arguments) == WRONG_INPUT
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_faults_of_an_input_go_to_stderr_and_end_with_2(command_that_raises, capsys):
    faults = [
        Fault("a.tsv", "negative count", "Counts start at 0.", row=3),
        Fault("a.tsv", "no purity", "Add it."),
    ]
    command_that_raises(InputError(faults))
    assert main(["doctor"]) == WRONG_INPUT
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [str(fault) for fault in faults]
    assert captured.out == ""


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()])
def test_failures_of_the_machine_end_with_1_and_a_word(error, command_that_raises, capsys):
    command_that_raises(error)
    assert main(["doctor"]) == FAILED
    assert re.match(r"clonalbayes: .*(No space|MemoryError)", capsys.readouterr().err)


def test_an_interrupted_fit_says_how_to_go_on(monkeypatch, capsys):
    monkeypatch.setattr("clonalbayes.cli.fitting.fit", raising(KeyboardInterrupt()))
    arguments = ["fit", "my reads.tsv", "--out", "result"]
    assert main(arguments) == INTERRUPTED
    assert "clonalbayes fit 'my reads.tsv' --out result --resume" in capsys.readouterr().err
    assert main([*arguments, "--resume"]) == INTERRUPTED
    assert capsys.readouterr().err.count("--resume") == 1


def test_an_interrupted_command_other_than_fit_just_says_so(command_that_raises, capsys):
    command_that_raises(KeyboardInterrupt())
    assert main(["doctor"]) == INTERRUPTED
    assert "--resume" not in capsys.readouterr().err


def test_models_list_and_show(capsys):
    assert main(["models"]) == DONE
    bare = capsys.readouterr().out
    assert main(["models", "list"]) == DONE
    assert capsys.readouterr().out == bare
    assert [line.split()[0] for line in bare.splitlines()] == list(specs.names())
    assert main(["models", "show", "clones"]) == DONE
    assert capsys.readouterr().out.strip() == specs.describe(specs.load("clones"))


def test_models_show_toml_is_the_file_itself(capsys, tmp_path):
    assert main(["models", "show", "clones", "--toml"]) == DONE
    copy = tmp_path / "copy.toml"
    copy.write_text(capsys.readouterr().out, encoding="utf-8")
    assert specs.load(copy) == specs.load("clones")


def test_models_show_of_an_unknown_name(capsys):
    assert main(["models", "show", "clone"]) == WRONG_INPUT
    assert "Use one of clones" in capsys.readouterr().err


def test_names_in_the_help_are_those_of_the_library():
    from clonalbayes.data.export import EXPORTS

    assert set(FORMATS) == set(EXPORTS)

    from clonalbayes.plots import REGISTRY

    assert (*REGISTRY, "all") == PLOTS


def test_options_of_fit_arrive_as_they_were_given():
    options = make_parser().parse_args(
        [
            "fit",
            "in.tsv",
            "--out",
            "o",
            "--chains",
            "2",
            "--draws",
            "1_000",
            "--tune",
            "0",
            "--fixed-clusters",
        ]
    )
    assert (options.input, options.out) == (Path("in.tsv"), Path("o"))
    assert (options.chains, options.draws, options.tune, options.fixed_clusters) == (2, 1000, 0, True)
    assert options.seed is None
    assert options.model is None, "chosen by what the data have"


def test_types_of_options():
    assert whole(1)("12") == 12
    assert number(0)("0.5") == 0.5
    with pytest.raises(Exception, match="at least 2"):
        whole(2)("1")
    with pytest.raises(Exception, match="above 0"):
        number(0)("x")


def test_purity_as_a_value_or_not_given():
    assert parse_purity(None) is None
    assert parse_purity("0.8") == 0.8


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("sample\tpurity\nA\t0.8\nB\t1\n", {"A": 0.8, "B": 1.0}),
        ("sample,purity,purity_sd\nA,0.8,0.05\n\nB,0.7,\n", {"A": (0.8, 0.05), "B": 0.7}),
        ("\ufeffSample,Purity\nR 1,0.5\n", {"R 1": 0.5}),
    ],
)
def test_purity_as_a_table(tmp_path, text, read):
    path = tmp_path / "purity.txt"
    path.write_text(text, encoding="utf-8")
    assert parse_purity(str(path)) == read


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the header is not that of a purity table"),
        ("name\tpurity\nA\t1\n", "the header is not that of a purity table"),
        ("sample,purity\n", "the table has no rows"),
        ("sample,purity\nA\n", "row 2: 1 cells under 2 columns"),
        ("sample,purity\nA,1\nA,1\n", "row 3, column sample, value 'A': the sample is listed twice"),
        ("sample,purity\nA,high\n", "row 2, column purity, value 'high': not a number"),
        ("sample,purity,purity_sd\nA,1,x\n", "row 2, column purity_sd, value 'x': not a number"),
    ],
)
def test_faults_of_a_purity_table(tmp_path, text, words):
    path = tmp_path / "purity.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(words)):
        parse_purity(str(path))


def test_a_purity_table_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        parse_purity(str(tmp_path / "no.tsv"))
    (tmp_path / "latin.tsv").write_bytes(b"sample\tpurity\n\xe9\t1\n")
    with pytest.raises(InputError, match="not UTF-8"):
        parse_purity(str(tmp_path / "latin.tsv"))


def options_of(*arguments: str):
    return make_parser().parse_args(list(arguments))


def test_a_simulation_is_drawn_with_the_options_over_the_defaults():
    from clonalbayes.cli.simulation import ARGUMENTS, given
    from clonalbayes.simulate import simulate

    defaults = {name: entry.default for name, entry in inspect.signature(simulate).parameters.items()}
    assert given(options_of("simulate", "--out", "d")) == {
        name: defaults[name] for name in ARGUMENTS.values()
    }
    arguments = given(options_of("simulate", "--out", "d", "--seed", "0", "--depth", "30"))
    assert (arguments["seed"], arguments["depth"], arguments["n_clones"]) == (0, 30.0, defaults["n_clones"])


def test_the_example_has_its_own_samples_and_clones(capsys):
    from clonalbayes.cli.simulation import given

    assert given(options_of("simulate", "--out", "d", "--example", "--seed", "4")) == {"seed": 4}
    assert main(["simulate", "--out", "d", "--example", "--clones", "2"]) == WRONG_INPUT
    assert "the example has its own" in capsys.readouterr().err


def test_simulate_writes_reads_and_truth_and_replaces_only_itself(tmp_path, capsys):
    out = tmp_path / "sim"
    arguments = ["simulate", "--out", str(out), "--mutations", "40", "--samples", "2", "--clones", "3"]
    assert main(arguments) == DONE
    assert "40 mutations x 2 samples, 3 clones" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["reads.tsv", "truth.json"]
    first = (out / "reads.tsv").read_bytes()
    assert main(arguments) == WRONG_INPUT
    assert "--force" in capsys.readouterr().err
    assert main([*arguments, "--force", "--quiet", "--seed", "2"]) == DONE
    assert capsys.readouterr().out == ""
    assert (out / "reads.tsv").read_bytes() != first
    assert [path.name for path in tmp_path.iterdir()] == ["sim"]


@pytest.mark.parametrize("extra", [[], ["--force"]])
def test_simulate_never_replaces_what_is_no_simulation(tmp_path, extra, capsys):
    (tmp_path / "thesis.txt").write_text("", encoding="utf-8")
    assert main(["simulate", "--out", str(tmp_path), *extra]) == WRONG_INPUT
    assert "not empty" in capsys.readouterr().err
    assert main(["simulate", "--out", str(tmp_path / "thesis.txt"), *extra]) == WRONG_INPUT
    assert "is a file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_plot_wants_a_result(tmp_path, capsys):
    assert main(["plot", "heatmap", str(tmp_path), "--out", str(tmp_path / "f.png")]) == WRONG_INPUT
    assert "is not a result folder" in capsys.readouterr().err


READS = """mutation_id\tsample_id\tref_counts\talt_counts\tmajor_cn\tminor_cn\tnormal_cn
1:1:A>C\tA\t50\t50\t1\t1\t2
1:1:A>C\tB\t80\t20\t1\t1\t2
1:9:A>C\tA\t60\t40\t1\t1\t2
1:9:A>C\tB\t90\t0\t1\t1\t2
"""


def test_check_prints_each_sample(tmp_path, capsys):
    path = tmp_path / "reads.tsv"
    path.write_text(READS, encoding="utf-8")
    assert main(["check", str(path), "--purity", "0.9"]) == DONE
    text = capsys.readouterr().out
    assert "2 mutations x 2 samples" in text
    assert text.count("0.9") >= 2


def test_check_tells_every_fault(tmp_path, capsys):
    path = tmp_path / "reads.tsv"
    path.write_text(READS.replace("50\t50", "50\tmany").replace("90\t0", "-90\t0"), encoding="utf-8")
    assert main(["check", str(path)]) == WRONG_INPUT
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "row 2" in lines[0]
    assert "row 5" in lines[1]


def test_export_writes_and_says_what_is_lost(tmp_path, capsys):
    path = tmp_path / "reads.tsv"
    path.write_text(READS, encoding="utf-8")
    assert main(["export", str(path), "--to", "pyclone-vi", "--out", str(tmp_path / "out.tsv")]) == DONE
    assert (tmp_path / "out.tsv").read_text(encoding="utf-8").count("\n") == 5
    assert main(["export", str(path), "--to", "dpclust", "--out", str(tmp_path / "dp")]) == DONE
    assert "not held by this format" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check", "fit"])
def test_an_input_that_is_not_there(command, tmp_path, capsys):
    extra = ["--out", str(tmp_path / "result")] if command == "fit" else []
    assert main([command, str(tmp_path / "none.tsv"), *extra]) == WRONG_INPUT
    assert "none.tsv" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_fit_checks_model_and_target_before_it_reads(tmp_path, capsys):
    path = tmp_path / "reads.tsv"
    path.write_text(READS, encoding="utf-8")
    assert main(["fit", str(path), "--out", str(tmp_path / "r"), "--model", "trees"]) == WRONG_INPUT
    assert "Use one of clones" in capsys.readouterr().err
    assert main(["fit", str(path), "--out", str(tmp_path)]) == WRONG_INPUT
    assert "not a result folder" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["reads.tsv"]


@pytest.fixture(scope="module")
def small_result(tmp_path_factory) -> Path:
    """Fit a small simulated patient by the command line, once."""
    folder = tmp_path_factory.mktemp("small")
    sizes = ["--mutations", "40", "--samples", "2", "--clones", "2"]
    assert main(["simulate", "--out", str(folder / "sim"), *sizes, "--quiet"]) == DONE
    assert main(["fit", str(folder / "sim" / "reads.tsv"), "--out", str(folder / "result"), *SHORT]) == DONE
    return folder / "result"


SHORT = ["--chains", "2", "--draws", "30", "--tune", "30", "--seed", "5"]


def test_fit_writes_the_whole_result_and_nothing_beside_it(small_result):
    from clonalbayes.results import FILES, TREE_FILES
    from clonalbayes.summaries.part import PART_FILES

    written = {path.name for path in small_result.iterdir()}
    assert written >= {*FILES, *TREE_FILES, "branches.tsv", "detection.tsv"}
    assert written <= {*FILES, *TREE_FILES, *PART_FILES}
    assert "timing.nc" not in written, "the simulated patient has no dates"
    assert sorted(path.name for path in small_result.parent.iterdir()) == ["result", "sim"]
    recorded = json.loads((small_result / "run.json").read_text(encoding="utf-8"))
    assert recorded["settings"]["seed"] == 5
    assert recorded["settings"]["draws"] == 30
    assert recorded["model"]["digest"] == specs.load("joint").digest, "simulated mutations have contexts"
    assert list(recorded["inputs"]) == ["reads.tsv"]
    assert recorded["versions"]["numba"]
    assert recorded["verdict"]


def test_fit_prints_one_line_of_findings_and_its_notes(small_result, capsys):
    reads = small_result.parent / "sim" / "reads.tsv"
    again = small_result.parent / "again"
    assert main(["fit", str(reads), "--out", str(again), *SHORT]) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("note: ") for line in lines[:-1])
    assert re.search(r"\d+ clones? \(95 %: .*40 mutations in 2 samples", lines[-1])
    assert main(["fit", str(reads), "--out", str(again), *SHORT]) == WRONG_INPUT
    assert "--force" in capsys.readouterr().err
    assert main(["fit", str(reads), "--out", str(again), *SHORT, "--force", "--quiet", "--resume"]) == DONE
    assert capsys.readouterr() == ("", "")
    for table in ("clones.tsv", "mutations.tsv", "n_clones.tsv", "samples.tsv", "diagnostics.tsv"):
        assert (again / table).read_bytes() == (small_result / table).read_bytes(), (
            "the same seed, the same result"
        )
    shutil.rmtree(again)


def test_an_interrupted_run_leaves_no_result(small_result, monkeypatch, capsys):
    monkeypatch.setattr("clonalbayes.results.write", raising(KeyboardInterrupt()))
    reads, out = small_result.parent / "sim" / "reads.tsv", small_result.parent / "stopped"
    assert main(["fit", str(reads), "--out", str(out), *SHORT]) == INTERRUPTED
    assert "--resume" in capsys.readouterr().err
    assert not out.exists()


def test_plot_draws_one_figure_or_all(small_result, tmp_path, capsys):
    assert main(["plot", "n_clones", str(small_result), "--out", str(tmp_path / "n.svg")]) == DONE
    assert capsys.readouterr().out.strip() == str(tmp_path / "n.svg")
    assert main(["plot", "n_clones", str(small_result), "--out", str(tmp_path / "n.docx")]) == WRONG_INPUT
    assert main(["plot", "all", str(small_result), "--out", str(tmp_path / "n.svg")]) == WRONG_INPUT
    assert main(["plot", "all", str(small_result), "--out", str(tmp_path / "all")]) == DONE
    drawn = {path.stem for path in (tmp_path / "all").iterdir()}
    from clonalbayes.plots import OF_TREES
    from clonalbayes.plots.registry import NEEDED, parts_of

    with_trees = (small_result / "trees.json").exists()
    absent = set(NEEDED) - set(parts_of(small_result))
    assert absent == {"calendar", "around"}, "contexts, but no dates"
    assert drawn | absent == {*PLOTS, *NEEDED} - {"all", *(() if with_trees else OF_TREES)}
    if not with_trees:
        assert main(["plot", "tree", str(small_result), "--out", str(tmp_path / "t.png")]) == WRONG_INPUT
        assert "the result has no trees" in capsys.readouterr().err


def test_doctor_finds_everything(capsys):
    assert main(["doctor"]) == DONE
    text = capsys.readouterr().out
    assert "Everything needed is here." in text
    assert "a small fit found" in text
    assert all(name in text for name in specs.names())


def test_doctor_tells_what_is_broken(monkeypatch, capsys):
    def broken():
        raise ImportError("no kernels")

    monkeypatch.setattr("clonalbayes.cli.doctor.kernels", broken)
    assert main(["doctor"]) == FAILED
    text = capsys.readouterr().out
    assert "ImportError: no kernels" in text
    assert "1 of the checks failed." in text


DATED = ["--origin", "2005-01-01", "--quiet", *SHORT]


@pytest.fixture(scope="module")
def dated_input(small_result) -> Path:
    """The reads of the small patient, which have contexts, with dates, and a table of treatments beside them."""
    import pandas as pd

    table = pd.read_csv(small_result.parent / "sim" / "reads.tsv", sep="\t")
    dates = dict(zip(table["sample_id"].unique(), ("2012-03-05", "2015-04-01"), strict=True))
    table["date"] = table["sample_id"].map(dates)
    path = small_result.parent / "dated.tsv"
    table.to_csv(path, sep="\t", index=False)
    (small_result.parent / "courses.tsv").write_text(
        "treatment\tstart\tend\nmercaptopurine\t2012-06-01\t2014-05-30\n", encoding="utf-8"
    )
    return path


def test_fit_dates_its_tree(dated_input, tmp_path):
    from clonalbayes.summaries.part import PART_FILES

    out, courses = tmp_path / "r", str(dated_input.parent / "courses.tsv")
    assert main(["fit", str(dated_input), "--out", str(out), "--treatments", courses, *DATED]) == DONE
    written = {path.name for path in out.iterdir()} & {*PART_FILES}
    assert written >= {"branches.tsv", "timing.tsv", "timing.nc", "clock.tsv", "gates.tsv"}
    recorded = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert recorded["timing"]["dated"]
    assert recorded["timing"]["origin"] == "2005-01-01"
    assert recorded["timing"]["findings"]
    assert "courses.tsv" in recorded["inputs"]
    assert main(["plot", "calendar", str(out), "--out", str(tmp_path / "c.png")]) == DONE
    assert main(["timing", str(out), "--out", str(tmp_path / "t"), "--trees", "4", "--tune", "20", "--quiet"]) == DONE


def test_fit_without_an_origin_says_why_there_are_no_dates(dated_input, tmp_path):
    assert main(["fit", str(dated_input), "--out", str(tmp_path / "r"), "--quiet", *SHORT]) == DONE
    recorded = json.loads((tmp_path / "r" / "run.json").read_text(encoding="utf-8"))
    assert "--origin" in recorded["timing"]["findings"][0]
    assert not (tmp_path / "r" / "timing.nc").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--origin", "2013-01-01"], "before the patient's origin (2013-01-01)"),
        (["--origin", "born 2005"], "the date cannot be read"),
        (["--origin", "2005-01-01", "--callable", "1.5"], "is no share"),
        (["--origin", "2005-01-01", "--treatments", "none.tsv"], "there is no such file"),
    ],
)
def test_fit_refuses_a_history_that_cannot_be(dated_input, tmp_path, capsys, options, says):
    assert main(["fit", str(dated_input), "--out", str(tmp_path / "r"), *options]) == WRONG_INPUT
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
