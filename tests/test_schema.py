"""The registry: what it accepts, what it names, what it stamps."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from clonalbayes.data.schema import BOTH, MUTATION, REGISTRY, SPECIMEN, data_dictionary, validate
from clonalbayes.faults import InputError


def dataset(n: int = 3, k: int = 2) -> xr.Dataset:
    """Make a small valid Dataset without the optional variables."""
    whole = np.full((n, k), 1)
    coords = {
        "mutation": [f"m{i}" for i in range(n)],
        "specimen": [f"S{j}" for j in range(k)],
        "pos": ("mutation", np.arange(n) + 1),
        "purity": ("specimen", np.full(k, 0.9)),
        "purity_sd": ("specimen", np.full(k, np.nan)),
    }
    for name in ("chrom", "ref", "alt", "context", "kind"):
        coords[name] = ("mutation", np.full(n, ""))
    for name in ("date", "group"):
        coords[name] = ("specimen", np.full(k, ""))
    variables = {
        "alt_count": (BOTH, whole * 5),
        "depth": (BOTH, whole * 50),
        "major_cn": (BOTH, whole.copy()),
        "minor_cn": (BOTH, whole.copy()),
        "normal_cn": (BOTH, whole * 2),
    }
    return xr.Dataset(variables, coords, {"source": "here.tsv"})


def test_a_valid_dataset_passes_with_the_registrys_types() -> None:
    """Dtypes, units and long names are those of the registry."""
    ds = validate(dataset())
    for name in ds.variables:
        v = REGISTRY[str(name)]
        assert ds[name].attrs["units"] == v.unit
        assert ds[name].attrs["long_name"] == v.meaning
        if v.dtype != "str":
            assert ds[name].dtype == np.dtype(v.dtype)
    assert ds["alt_count"].dtype == np.int32


def test_validation_leaves_its_argument_alone() -> None:
    """The stamped Dataset is another object."""
    ds = dataset()
    validate(ds)
    assert ds["alt_count"].dtype == np.int64


def test_validation_twice_changes_nothing() -> None:
    """A validated Dataset is valid."""
    once = validate(dataset())
    xr.testing.assert_identical(once, validate(once))


@pytest.mark.parametrize("name", [v.name for v in REGISTRY.values() if not v.optional and v.dims == BOTH])
def test_absent_variables_are_named(name: str) -> None:
    """Each obligatory variable is asked for."""
    with pytest.raises(InputError, match=rf"here.tsv, column {name}: the variable {name} is absent"):
        validate(dataset().drop_vars(name))


def test_all_absent_variables_are_named_at_once() -> None:
    """One error for all."""
    with pytest.raises(InputError) as caught:
        validate(dataset().drop_vars(["depth", "purity", "kind"]))
    assert {f.column for f in caught.value.faults} == {"depth", "purity", "kind"}


def test_wrong_dims_are_named() -> None:
    """A variable by specimen only cannot stand for one by both."""
    ds = dataset()
    ds["normal_cn"] = ("specimen", np.array([2, 2]))
    with pytest.raises(InputError, match="normal_cn has dims"):
        validate(ds)


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [
        ("alt_count", -2, "m1 in S0"),
        ("depth", -7, "m1 in S0"),
        ("major_cn", 101, "m1 in S0"),
        ("minor_cn", -5, "m1 in S0"),
        ("normal_cn", -1, "m1 in S0"),
    ],
)
def test_values_out_of_range_name_mutation_and_sample(name: str, value: int, where: str) -> None:
    """The message says where."""
    ds = dataset()
    ds[name][1, 0] = value
    with pytest.raises(InputError) as caught:
        validate(ds)
    text = str(caught.value)
    assert f"column {name}" in text
    assert f"{value} at {where}" in text


@pytest.mark.parametrize("value", [0.0, 1.2, -0.1, np.nan, np.inf])
def test_purity_is_above_zero_and_at_most_one(value: float) -> None:
    """Purity may not even be unknown: 1 stands for not given."""
    ds = dataset()
    ds["purity"][1] = value
    with pytest.raises(InputError, match=r"purity is outside its range \(0, 1\]"):
        validate(ds)


def test_unknown_standard_error_is_allowed_and_zero_is_not() -> None:
    """NaN says not given."""
    ds = dataset()
    assert np.isnan(validate(ds)["purity_sd"]).all()
    ds["purity_sd"][0] = 0.0
    with pytest.raises(InputError, match="purity_sd"):
        validate(ds)


def test_missing_counts_are_missing_together() -> None:
    """-1 in both is fine, in one of them is not."""
    ds = dataset()
    ds["alt_count"][0, 0] = ds["depth"][0, 0] = -1
    validate(ds)
    ds["depth"][0, 0] = 30
    with pytest.raises(InputError, match="only one of alt_count and depth is missing"):
        validate(ds)


def test_alt_above_depth_is_a_fault() -> None:
    """Reads that support the variant are reads."""
    ds = dataset()
    ds["alt_count"][2, 1] = 51
    with pytest.raises(InputError, match=r"more alt reads than reads"):
        validate(ds)


def test_minor_above_major_and_half_known_splits_are_faults() -> None:
    """The two copy numbers are ordered and known together."""
    ds = dataset()
    ds["minor_cn"][0, 1] = 2
    with pytest.raises(InputError, match="above the major"):
        validate(ds)
    ds["minor_cn"][0, 1] = -1
    with pytest.raises(InputError, match="only one of major_cn and minor_cn"):
        validate(ds)


def test_unknown_split_with_a_total_is_valid() -> None:
    """major and minor -1, total given."""
    ds = dataset()
    ds["major_cn"][:] = ds["minor_cn"][:] = -1
    ds["total_cn"] = (BOTH, np.full((3, 2), 3))
    assert (validate(ds)["total_cn"] == 3).all()


def test_repeated_and_empty_names_are_faults() -> None:
    """Mutations and samples have names of their own."""
    ds = dataset().assign_coords(mutation=["a", "a", "b"])
    with pytest.raises(InputError, match="two entries of mutation bear one name"):
        validate(ds)
    with pytest.raises(InputError, match="a specimen has no name"):
        validate(dataset().assign_coords(specimen=["", "b"]))


def test_an_empty_dataset_is_a_fault() -> None:
    """At least one mutation is needed."""
    with pytest.raises(InputError, match="there is no mutation"):
        validate(dataset().isel(mutation=slice(0, 0)))


def test_floats_and_text_are_no_counts() -> None:
    """A count of a float type hides unknown values."""
    ds = dataset()
    ds["depth"] = ds["depth"].astype(float)
    with pytest.raises(InputError, match="depth is not of an integer type"):
        validate(ds)
    ds["depth"] = (BOTH, np.full((3, 2), "9"))
    with pytest.raises(InputError, match="depth is not numeric"):
        validate(ds)


def test_kinds_are_known() -> None:
    """snv, indel, mnv or nothing."""
    ds = dataset().assign_coords(kind=("mutation", ["snv", "sv", ""]))
    with pytest.raises(InputError, match="the kind is unknown"):
        validate(ds)


def test_panel_counts_come_in_pairs() -> None:
    """A panel has depth too, and not fewer reads than alt reads."""
    ds = dataset()
    ds["panel_alt"] = ("mutation", np.array([1, 0, -1]))
    with pytest.raises(InputError, match="only one of panel_alt and panel_depth"):
        validate(ds)
    ds["panel_depth"] = ("mutation", np.array([0, 9, -1]))
    with pytest.raises(InputError, match="in the panel"):
        validate(ds)
    ds["panel_depth"][0] = 4
    validate(ds)


@pytest.mark.parametrize(
    ("value", "fine"), [(0.5, True), (0.0, True), (np.nan, True), (0.6, False), (-0.1, False)]
)
def test_error_rates_are_at_most_one_half(value: float, fine: bool) -> None:
    """NaN leaves it to the model's prior."""
    ds = dataset()
    ds["error_rate"] = ("mutation", np.array([0.001, value, 0.01]))
    if fine:
        validate(ds)
    else:
        with pytest.raises(InputError, match="error_rate is outside"):
            validate(ds)


def test_the_data_dictionary_has_a_row_for_each_variable() -> None:
    """The documentation is made of the registry."""
    rows = data_dictionary()
    assert [r["name"] for r in rows] == list(REGISTRY)
    by_name = {r["name"]: r for r in rows}
    assert by_name["purity"]["range"] == "(0, 1]"
    assert by_name["depth"] == {
        "name": "depth",
        "meaning": "all reads at the site",
        "unit": "reads",
        "dtype": "int32",
        "dims": "mutation, specimen",
        "range": "[0, )",
        "unknown": "-1",
        "optional": "no",
    }
    assert all(r["meaning"] and r["unit"] for r in rows)


def test_registry_dims_are_those_that_exist() -> None:
    """No variable has dims of its own."""
    assert {v.dims for v in REGISTRY.values()} <= {BOTH, MUTATION, SPECIMEN, ("treatment",)}


def two_states() -> xr.Dataset:
    """Make a Dataset with one subclonal segment."""
    ds = dataset()
    major, share = np.full((3, 2), -1), np.full((3, 2), np.nan)
    major[1, 0], share[1, 0] = 2, 0.6
    return ds.assign(
        major_cn_2=(BOTH, major), minor_cn_2=(BOTH, np.where(major > 0, 1, -1)), cn_fraction=(BOTH, share)
    )


def test_a_second_copy_number_state_is_whole() -> None:
    """All three variables, and all three numbers, or none."""
    assert validate(two_states())["major_cn_2"].dtype == np.int16
    with pytest.raises(InputError, match="cn_fraction is absent beside major_cn_2"):
        validate(two_states().drop_vars("cn_fraction"))
    half = two_states()
    half["cn_fraction"][1, 0] = np.nan
    with pytest.raises(InputError, match="incomplete"):
        validate(half)
    crossed = two_states()
    crossed["minor_cn_2"][1, 0] = 3
    with pytest.raises(InputError, match="of the second state is above"):
        validate(crossed)


def test_a_second_state_needs_a_first() -> None:
    """A subclonal segment has two states."""
    ds = two_states()
    ds["major_cn"][1, 0] = ds["minor_cn"][1, 0] = -1
    with pytest.raises(InputError, match="without a first"):
        validate(ds)
