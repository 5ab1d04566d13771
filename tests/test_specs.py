"""Specifications: what ships is valid, every mistake is named, `extends` changes only what is given."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest
import xarray as xr

from clonalbayes import constraints, specs
from clonalbayes._spec_checks import is_valid
from clonalbayes.faults import InputError


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        specs.load(write(folder, text))
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize("name", specs.names())
def test_every_shipped_specification_is_complete(name):
    spec = specs.load(name, None)
    family = specs.FAMILIES[spec.family]
    assert spec.name == name
    assert set(spec.priors) == set(specs.used(family.priors, spec.blocks))
    assert set(spec.constants) == set(specs.used(family.constants, spec.blocks))
    assert set(spec.blocks) == set(family.blocks)
    assert spec.meaning
    assert spec.citation
    assert spec.limits
    assert spec.calibration
    for prior in spec.priors.values():
        assert prior.unit
        assert len(prior.reason) > 20, f"{prior.name}: a reason is a sentence"


def test_a_model_of_another_kind_is_not_taken_for_one_of_clones(tmp_path):
    with pytest.raises(InputError, match="this is a specification of errors, not of clones"):
        specs.load("errors")
    assert specs.load("errors", "errors").family == "errors"
    (fault,) = faults_of(tmp_path, 'extends = "clones"\nfamily = "weather"\n')
    assert "unknown family of models" in fault
    assert "clones, errors, detection" in fault


def test_values_of_the_clone_model():
    spec = specs.load("clones")
    assert spec.vector("component_weight") == (10.0, 0.5, 0.2)
    assert spec.vector("presence_prob") == (1.0, 1.0, 1.0)
    assert (spec.value("concentration", "shape"), spec.value("concentration", "rate")) == (1.0, 1.0)
    assert (spec.value("noise_slab", "alpha"), spec.value("noise_slab", "beta")) == (1.0, 3.0)
    assert spec.value("noise_presence", "p") == 0.5
    assert spec.constant("max_clones") == 128
    assert spec.priors["error_rate"].bounds == (0.0, 0.05)


def test_labels_of_dirichlet_entries_are_those_of_the_registry():
    spec = specs.load("clones")
    for name, labels in specs.OVER.items():
        assert spec.priors[name].over == labels
        assert len(spec.vector(name)) == len(labels)


def test_bounds_are_those_of_the_kernels():
    from clonalbayes.kernels.layout import MAX_ERROR

    assert specs.BOUNDS["error_rate"] == (0.0, MAX_ERROR)


def test_defaults_of_the_schedule_are_those_of_the_file():
    # The help text of the command line shows the defaults of the class.
    assert specs.load("clones").schedule == specs.Schedule()


def test_scalar_and_vector_are_not_mixed_up():
    spec = specs.load("clones")
    with pytest.raises(TypeError, match="vector"):
        spec.value("presence_prob", "alpha")
    with pytest.raises(TypeError, match="scalar"):
        spec.vector("precision", "median")


def test_a_loaded_specification_is_returned_as_it_is():
    spec = specs.load("clones")
    assert specs.load(spec) is spec


def test_specifications_are_frozen():
    spec = specs.load("clones")
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = "other"  # type: ignore[misc]


def test_extends_changes_only_what_is_given(tmp_path):
    text = 'extends = "clones"\nname = "mine"\n[priors.precision]\nparameters = { median = 100 }\n'
    base, mine = specs.load("clones"), specs.load(write(tmp_path, text))
    assert mine.name == "mine"
    assert mine.value("precision", "median") == 100.0
    assert mine.value("precision", "sigma") == base.value("precision", "sigma")
    assert mine.priors["precision"].reason == base.priors["precision"].reason
    others = {name for name in base.priors if mine.priors[name] != base.priors[name]}
    assert others == {"precision"}
    assert (mine.blocks, mine.constants, mine.schedule) == (base.blocks, base.constants, base.schedule)


def test_extends_a_file_beside_it(tmp_path):
    write(tmp_path, 'extends = "clones"\nname = "first"\n[schedule]\ndraws = 7\n', "first.toml")
    second = specs.load(write(tmp_path, 'extends = "first.toml"\nname = "second"\n', "second.toml"))
    assert second.name == "second"
    assert second.schedule.draws == 7


def test_extending_in_a_circle_is_a_fault(tmp_path):
    write(tmp_path, 'extends = "b.toml"\n', "a.toml")
    write(tmp_path, 'extends = "a.toml"\n', "b.toml")
    with pytest.raises(InputError, match=r"a\.toml -> b\.toml -> a\.toml"):
        specs.load(tmp_path / "a.toml")


def test_digest_follows_the_numbers_and_not_the_words(tmp_path):
    base = specs.load("clones")
    words = (
        'extends = "clones"\nname = "w"\nmeaning = "Other words."\n[priors.precision]\nreason = "Because."\n'
    )
    numbers = 'extends = "clones"\n[priors.precision]\nparameters = { sigma = 1.3 }\n'
    assert specs.load(write(tmp_path, words)).digest == base.digest
    assert specs.load(write(tmp_path, numbers)).digest != base.digest
    assert specs.load("clones-binomial").digest != base.digest


def test_the_resolved_specification_is_plain_and_loads_again(tmp_path):
    spec = specs.load("clones-binomial")
    resolved = json.loads(json.dumps(spec.to_dict()))
    assert resolved == spec.to_dict()
    assert specs._build(resolved) == spec


def test_describe_says_every_prior_with_its_reason():
    spec = specs.load("clones")
    text = specs.describe(spec)
    for prior in spec.priors.values():
        assert prior.name in text
        assert prior.reason in text
    assert "Gamma(shape=1, rate=1)" in text
    assert "within (0, 0.05)" in text
    for limit in spec.limits:
        assert limit in text


def test_unknown_names_list_the_valid_ones():
    with pytest.raises(InputError, match="clones, clones-binomial"):
        specs.load("clone")
    with pytest.raises(InputError, match="no such specification file"):
        specs.load("nowhere.toml")


EXTENDS = 'extends = "clones"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 1\n", "row 2: colour: unknown key. Valid here: name, version"),
        ("[priors.precison]\n", "Valid here: concentration, component_weight"),
        ("[priors.precision]\nunits = 1\n", "row 3: priors.precision.units: unknown key"),
        (
            '[priors.precision]\ndistribution = "Gamma"\n',
            "is not implemented for it. This prior is LogNormal",
        ),
        ('[priors.precision]\ndistribution = "Gama"\n', "is not a known distribution"),
        ("[priors.precision]\nparameters = { mean = 3 }\n", "Valid here: median, sigma"),
        ("[priors.precision]\nparameters = { median = -3 }\n", "median must be a number above 0"),
        ("[priors.precision]\nparameters = { median = inf }\n", "median must be a number above 0"),
        ("[priors.precision]\nparameters = { median = true }\n", "median must be a number above 0"),
        ("[priors.precision]\nparameters = 3\n", "missing or not a table"),
        ("[priors.precision]\nunit = 3\n", "missing or not a text"),
        ('[priors.precision]\nreason = " "\n', "missing or not a text"),
        ("[priors.error_rate]\nbounds = [0.0, 0.1]\n", "built in. Write bounds = [0.0, 0.05]"),
        ("[priors.error_rate]\nbounds = 3\n", "built in. Write bounds = [0.0, 0.05]"),
        ("[priors.precision]\nbounds = [0.0, 1.0]\n", "built in. Leave bounds out"),
        ("[priors.prevalence_slab]\nparameters = { alpha = 2 }\n", "alpha is built in. Write alpha = 1"),
        ("[priors.presence_prob]\nparameters = { alpha = [1, 1] }\n", "alpha needs 3 numbers"),
        ("[priors.presence_prob]\nparameters = { alpha = [1, 1, 0] }\n", "a list of numbers above 0"),
        (
            '[priors.presence_prob]\nover = ["clonal", "absent", "subclonal"]\n',
            "They are absent, subclonal, clonal",
        ),
        ("[priors.noise_presence]\nparameters = { p = 1.5 }\n", "p must be a number between 0 and 1"),
        ("[priors]\nprecision = 3\n", "not a table"),
        ("[constants.max_clones]\nvalue = 1.5\n", "must be a whole number above 0"),
        ("[constants.maximum]\nvalue = 1\n", "Valid here: noise_error_rate"),
        ("[constants.max_clones]\nvalues = 1\n", "Valid here: value, unit, reason"),
        ('[blocks]\nprevalence = "bush"\n', "unknown form"),
        ('[blocks]\nsignatures = "nmf"\n', "Valid here: mixture, prevalence, reads, ascertainment"),
        ("[schedule]\nchain = 3\n", "Valid here: chains, tune, draws, thin"),
        ("[schedule]\ndraws = 0\n", "must be a whole number above 0"),
        ('[calibration]\nquantities = ["label_of_clone_3"]\n', "unknown quantity"),
        ('[calibration]\nquantities = "n_clones"\n', "must be a list of texts"),
        ("[limits]\ntexts = [1]\n", "must be a list of texts"),
        ("name = 3\n", "missing or not a text"),
        ('schedule = "long"\n', "not a table"),
    ],
)
def test_each_mistake_is_named(tmp_path, text, words):
    said = faults_of(tmp_path, EXTENDS + text)
    assert len(said) == 1, said
    assert words in said[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = \n", "at line 1"),
        ("extends = 3\n", "extends is not a text"),
        ('extends = "nothing"\n', "no specification called 'nothing'"),
    ],
)
def test_files_that_cannot_be_resolved(tmp_path, text, words):
    (said,) = faults_of(tmp_path, text)
    assert words in said


TREE = 'extends = "tree"\n'


def test_another_form_of_a_block_drops_the_priors_of_the_old_one():
    clones, tree = specs.load("clones"), specs.load("tree")
    free, of_tree = (specs.FORMS["prevalence", form] for form in ("free", "tree"))
    assert set(clones.priors) - set(tree.priors) == set(free)
    added = (set(tree.priors) | set(tree.constants)) - set(clones.priors) - set(clones.constants)
    assert added == set(of_tree)
    assert tree.priors["precision"] == clones.priors["precision"]
    assert (tree.constant("founder_weight"), tree.constant("purity_slack")) == (1.0, 0.01)
    assert tree.value("fraction_concentration", "sigma") == 0.5
    assert tree.value("present_prob", "concentration") == 4.0


def test_priors_of_another_form_are_unknown(tmp_path):
    (said,) = faults_of(tmp_path, TREE + "[priors.prevalence_slab]\nunit = 'x'\n")
    assert "priors.prevalence_slab: unknown key" in said
    (said,) = faults_of(tmp_path, EXTENDS + "[constants.founder_weight]\nvalue = 1.0\n")
    assert "constants.founder_weight: unknown key" in said


KNOWN = """
[[constraints]]
must_precede = ["m1", "m2"]
[[constraints]]
same_clone = ["m1", "m3", "m4"]
[[constraints]]
absent_in = { mutation = "m2", samples = ["diagnosis"] }
"""


def test_constraints_become_records_and_plain_tables_again(tmp_path):
    spec = specs.load(write(tmp_path, TREE + 'name = "mine"\n' + KNOWN))
    assert [c.kind for c in spec.constraints] == ["must_precede", "same_clone", "absent_in"]
    assert spec.constraints[2].mutations == ("m2",)
    assert spec.constraints[2].samples == ("diagnosis",)
    assert specs._build(json.loads(json.dumps(spec.to_dict()))) == spec
    assert spec.digest != specs.load("tree").digest
    text = specs.describe(spec)
    for sentence in ("m1 precedes m2", "one clone has m1, m3, m4", "m2 is absent from diagnosis"):
        assert sentence in text
    assert "Constraints" not in specs.describe(specs.load("tree"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("must_precede = ['a']\n", 'Write must_precede = ["ID OF THE EARLIER"'),
        ("must_precede = ['a', 'a']\n", "must_precede is not written"),
        ("must_precede = ['a', 'b', 'c']\n", "must_precede is not written"),
        ("same_clone = ['a', ' ']\n", "Write same_clone"),
        ("same_clone = 'a'\n", "Write same_clone"),
        ("absent_in = ['a', 'b']\n", "Write absent_in"),
        ("absent_in = { mutation = 'a' }\n", "Write absent_in"),
        ("absent_in = { mutation = 3, samples = ['s'] }\n", "Write absent_in"),
        ("absent_in = { mutation = 'a', samples = [] }\n", "Write absent_in"),
        ("follows = ['a', 'b']\n", "Valid: must_precede, same_clone, absent_in"),
        ("must_precede = ['a', 'b']\nsame_clone = ['a', 'b']\n", "one table with one key"),
        ("", "one table with one key"),
    ],
)
def test_constraints_that_are_not_written_as_they_must(tmp_path, text, words):
    (said,) = faults_of(tmp_path, TREE + "[[constraints]]\n" + text)
    assert words in said


def test_constraints_need_a_tree_and_a_list(tmp_path):
    (said,) = faults_of(tmp_path, EXTENDS + KNOWN)
    assert "only a model with a tree" in said
    (said,) = faults_of(tmp_path, TREE + "[constraints]\nsame_clone = ['a', 'b']\n")
    assert "not a list of tables" in said


def test_constraints_speak_of_mutations_and_samples_that_the_data_have(tmp_path):
    spec = specs.load(write(tmp_path, TREE + KNOWN))
    ds = xr.Dataset(coords={"mutation": ["m1", "m2", "m3"], "specimen": ["relapse"]})
    with pytest.raises(InputError) as caught:
        constraints.require_known(spec.constraints, ds, "mine.toml")
    said = [str(fault) for fault in caught.value.faults]
    assert len(said) == 2
    assert "mine.toml" in said[0]
    assert "'m4'" in said[0] or "m4" in said[0]
    assert "no such sample" in said[1]
    assert "diagnosis" in said[1]
    constraints.require_known((), ds)
    everything = ds.assign_coords(mutation=["m1", "m2", "m4"], specimen=["diagnosis"])
    with pytest.raises(InputError, match="m3"):
        constraints.require_known(spec.constraints, everything)


def test_text_that_is_not_utf8_is_a_fault(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes('name = "Genève"'.encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        specs.load(path)


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbf" + EXTENDS.encode())
    assert specs.load(path).name == "clones"


def test_all_mistakes_are_told_at_once_with_their_rows(tmp_path):
    text = (
        EXTENDS
        + "[priors.precision]\nunit = 1\n# a comment\nparameters = { median = 0 }\n[schedule]\nthin = 0\n"
    )
    said = faults_of(tmp_path, text)
    assert len(said) == 3
    assert [word in line for word, line in zip(["row 3", "row 5", "row 7"], said, strict=True)] == [True] * 3


def test_what_is_missing_from_a_file_of_ones_own(tmp_path):
    said = "\n".join(faults_of(tmp_path, 'name = "a"\nversion = "1"\nmeaning = "b"\n'))
    common = specs.used((*specs.PRIORS, *specs.CONSTANTS), {})
    for name in (*common, *specs.BLOCKS):
        assert f"{name} is missing" in said
    assert len(common) > 12


def test_a_new_distribution_drops_the_old_parameters():
    base = {"distribution": "Gamma", "parameters": {"shape": 1, "rate": 1}, "unit": "1"}
    top = {"distribution": "LogNormal", "parameters": {"median": 2, "sigma": 1}}
    assert specs._overlay(base, top) == {**top, "unit": "1"}
    assert specs._overlay(base, {"parameters": {"rate": 2}})["parameters"] == {"shape": 1, "rate": 2}


@pytest.mark.parametrize(
    ("value", "meaning", "valid"),
    [
        (0, "a number between 0 and 1", True),
        (1.01, "a number between 0 and 1", False),
        (float("nan"), "a number between 0 and 1", False),
        (float("nan"), "a number above 0", False),
        ([], "a list of numbers above 0", False),
        ([1, 2.5], "a list of numbers above 0", True),
        (3, "a whole number above 0", True),
        (3.0, "a whole number above 0", False),
        (False, "a whole number above 0", False),
    ],
)
def test_what_a_parameter_may_be(value, meaning, valid):
    assert is_valid(value, meaning) is valid


def test_the_installed_folder_wins_over_the_checkout(tmp_path, monkeypatch):
    package = tmp_path / "clonalbayes"
    (package / "models").mkdir(parents=True)
    monkeypatch.setattr(specs, "__file__", str(package / "specs.py"))
    assert specs.folder() == package.resolve() / "models"
    (package / "models").rmdir()
    assert specs.folder() == tmp_path.resolve() / "models"


def test_files_are_toml_that_starts_with_a_comment_for_the_reader():
    for name in specs.names():
        text = specs.locate(name).read_text(encoding="utf-8")
        assert text.startswith("# ")
        assert tomllib.loads(text)["name"] == name
