"""Faults of an input: every one collected, all raised at once.

A fault names the file, the row (as an editor counts them, the header is row 1), the column and the value,
says what is wrong and what to do about it. Readers add faults to a `FaultList` while they go and raise once
at the end of a stage, so that a user mends a file in one round and not in twenty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

PRINTED_PER_KIND = 20
"""Faults of one kind that are written out in full; the others are counted."""

PRINTED_IN_ALL = 60
"""Faults that are written out in full in one message."""

KEPT_PER_KIND = 1000
"""Faults of one kind that are kept as records: a column of text in a million rows is one mistake."""

VALUE_WIDTH = 40
"""Characters of a faulty value that are shown."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an input.

    Parameters
    ----------
    file
        Name of the file (or of the argument) at fault, as the user wrote it.
    message
        What is wrong, without a full stop; the same words for every fault of a kind.
    remedy
        What the user can do about it.
    row
        Line number in the file, the first line being 1.
    column
        Name of the column in the file.
    value
        The text found there.
    """

    file: str
    message: str
    remedy: str
    row: int | None = None
    column: str | None = None
    value: str | None = None

    @property
    def kind(self) -> tuple[str, str | None, str]:
        """What makes two faults the same mistake: file, column and message."""
        return (self.file, self.column, self.message)

    def __str__(self) -> str:
        """One line: ``FILE, row R, column C, value V: MESSAGE. REMEDY``."""
        place = [self.file]
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column is not None:
            place.append(f"column {self.column}")
        if self.value is not None:
            place.append(f"value {_shown(self.value)}")
        return f"{', '.join(place)}: {self.message}. {self.remedy}"


class InputError(ValueError):
    """An input cannot be used; holds every fault that was found.

    Parameters
    ----------
    faults
        The faults, in the order in which they were found.
    omitted
        Number of further faults by kind (see `Fault.kind`) that were counted but not kept.

    Examples
    --------
    >>> fault = Fault("a.tsv", "negative count", "Counts start at 0.", row=3, column="depth", value="-1")
    >>> print(InputError([fault]))
    a.tsv, row 3, column depth, value '-1': negative count. Counts start at 0.
    """

    def __init__(
        self, faults: Iterable[Fault], omitted: dict[tuple[str, str | None, str], int] | None = None
    ) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        self.omitted = dict(omitted or {})
        super().__init__("\n".join(self._lines()))

    @property
    def n_faults(self) -> int:
        """How many faults were found, the ones that were not kept included."""
        return len(self.faults) + sum(self.omitted.values())

    def _lines(self) -> Iterator[str]:
        kinds: dict[tuple[str, str | None, str], list[Fault]] = {}
        for fault in self.faults:
            kinds.setdefault(fault.kind, []).append(fault)
        room = PRINTED_IN_ALL
        left = self.n_faults
        for kind, group in kinds.items():
            shown = group[: min(PRINTED_PER_KIND, room)]
            if not shown:
                break
            yield from map(str, shown)
            more = len(group) + self.omitted.get(kind, 0) - len(shown)
            if more > 0:
                yield f"{group[0].file}: ... and {more} more of this kind"
            room -= len(shown)
            left -= len(shown) + more
        if left:
            yield f"... and {left} more faults of other kinds"


@dataclass
class FaultList:
    """Collects faults and raises them together.

    Examples
    --------
    >>> faults = FaultList()
    >>> faults.add("a.tsv", "the file is empty", "Export it again.")
    >>> len(faults)
    1
    """

    faults: list[Fault] = field(default_factory=list)
    counts: dict[tuple[str, str | None, str], int] = field(default_factory=dict)

    def add(
        self,
        file: str,
        message: str,
        remedy: str,
        *,
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
    ) -> None:
        """Add one fault; the arguments are those of `Fault`."""
        fault = Fault(file, message, remedy, row=row, column=column, value=value)
        seen = self.counts.get(fault.kind, 0)
        self.counts[fault.kind] = seen + 1
        if seen < KEPT_PER_KIND:
            self.faults.append(fault)

    def count_more(self, like: Fault, number: int) -> None:
        """Count `number` further faults of the kind of `like` without a record of each."""
        self.counts[like.kind] = self.counts.get(like.kind, 0) + number

    def __len__(self) -> int:
        """How many faults were added, the ones that were only counted included."""
        return sum(self.counts.values())

    def error(self) -> InputError:
        """All faults so far as one exception."""
        kept: dict[tuple[str, str | None, str], int] = {}
        for fault in self.faults:
            kept[fault.kind] = kept.get(fault.kind, 0) + 1
        omitted = {k: n - kept.get(k, 0) for k, n in self.counts.items() if n > kept.get(k, 0)}
        return InputError(self.faults, omitted)

    def raise_if_any(self) -> None:
        """Raise `InputError` with every fault, if there is one.

        Raises
        ------
        InputError
            When at least one fault was added.
        """
        if self.faults:
            raise self.error()


def fail(
    file: str, message: str, remedy: str, *, row: int | None = None, value: str | None = None
) -> InputError:
    """Make the exception for a single fault that ends the reading at once.

    Parameters
    ----------
    file, message, remedy, row, value
        As in `Fault`.

    Returns
    -------
    InputError
        To be raised by the caller.
    """
    return InputError([Fault(file, message, remedy, row=row, value=value)])


def _shown(value: str) -> str:
    text = value if len(value) <= VALUE_WIDTH else value[: VALUE_WIDTH - 3] + "..."
    return repr(text)
