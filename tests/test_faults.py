"""Faults: one line each, all at once, capped in print and in memory."""

from __future__ import annotations

import pytest

from clonalbayes.faults import (
    KEPT_PER_KIND,
    PRINTED_IN_ALL,
    PRINTED_PER_KIND,
    Fault,
    FaultList,
    InputError,
    fail,
)


def _many(n: int, column: str = "depth") -> FaultList:
    faults = FaultList()
    for i in range(n):
        faults.add("a.tsv", "the read count is negative", "Start at 0.", row=i + 2, column=column, value="-1")
    return faults


def test_a_fault_is_one_line_with_place_message_and_remedy() -> None:
    """The order of the parts is fixed."""
    fault = Fault("a.tsv", "it is wrong", "Mend it.", row=3, column="depth", value="x")
    assert str(fault) == "a.tsv, row 3, column depth, value 'x': it is wrong. Mend it."


def test_parts_that_are_not_known_are_left_out() -> None:
    """A fault of a whole file has no row."""
    assert str(Fault("a.tsv", "it is empty", "Fill it.")) == "a.tsv: it is empty. Fill it."
    assert str(Fault("a.tsv", "bad", "Mend it.", row=1)) == "a.tsv, row 1: bad. Mend it."


def test_long_values_and_line_ends_do_not_break_the_line() -> None:
    """A value is shown on one line and cut."""
    text = str(Fault("a.tsv", "bad", "Mend it.", value="x\n" + "y" * 500))
    assert "\n" not in text
    assert len(text) < 100
    assert "..." in text


def test_nothing_is_raised_without_faults() -> None:
    """An empty list is no error."""
    faults = FaultList()
    faults.raise_if_any()
    assert len(faults) == 0


def test_all_faults_are_raised_together() -> None:
    """One exception holds them all, in order."""
    faults = _many(2)
    faults.add("b.tsv", "empty", "Fill it.")
    with pytest.raises(InputError) as caught:
        faults.raise_if_any()
    assert [f.file for f in caught.value.faults] == ["a.tsv", "a.tsv", "b.tsv"]
    assert len(str(caught.value).splitlines()) == 3
    assert isinstance(caught.value, ValueError)


def test_print_is_capped_for_each_kind() -> None:
    """After the first ones of a kind only their number is given."""
    lines = str(_many(PRINTED_PER_KIND + 7).error()).splitlines()
    assert len(lines) == PRINTED_PER_KIND + 1
    assert lines[-1] == "a.tsv: ... and 7 more of this kind"


def test_exactly_the_cap_says_nothing_of_more() -> None:
    """No line about zero more."""
    lines = str(_many(PRINTED_PER_KIND).error()).splitlines()
    assert len(lines) == PRINTED_PER_KIND
    assert "more" not in lines[-1]


def test_kinds_are_capped_apart() -> None:
    """One frequent mistake does not hide another."""
    faults = _many(50)
    faults.add("a.tsv", "zero purity", "Mend it.", row=9, column="purity")
    text = str(faults.error())
    assert "zero purity" in text
    assert "and 30 more" in text


def test_print_is_capped_in_all() -> None:
    """Many kinds do not fill the screen, and nothing is lost from the count."""
    faults = FaultList()
    for i in range(PRINTED_IN_ALL + 40):
        faults.add("a.tsv", "bad", "Mend it.", row=2, column=f"c{i}")
    lines = str(faults.error()).splitlines()
    assert len(lines) == PRINTED_IN_ALL + 1
    assert lines[-1] == "... and 40 more faults of other kinds"


def test_records_are_capped_but_counted() -> None:
    """A million equal mistakes are kept as a thousand records and a number."""
    faults = _many(KEPT_PER_KIND + 500)
    assert len(faults.faults) == KEPT_PER_KIND
    error = faults.error()
    assert error.n_faults == KEPT_PER_KIND + 500
    assert f"and {KEPT_PER_KIND + 500 - PRINTED_PER_KIND} more" in str(error)


def test_counted_faults_appear_in_the_number() -> None:
    """Faults that were only counted are said."""
    faults = _many(3)
    faults.count_more(faults.faults[0], 10)
    assert len(faults) == 13
    error = faults.error()
    assert error.n_faults == 13
    assert "and 10 more" in str(error)


def test_fail_makes_an_error_of_one_fault() -> None:
    """The exception for what ends the reading at once."""
    error = fail("a.tsv", "empty", "Fill it.", row=4, value="v")
    assert isinstance(error, InputError)
    assert error.faults == (Fault("a.tsv", "empty", "Fill it.", row=4, value="v"),)
