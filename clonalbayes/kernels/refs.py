"""References to the records of `layout`, `state` and `profile`, as compiled kernels take them.

A named tuple of arrays is passed to a compiled function field by field, which costs more than many of the
kernels do and makes them slow to compile; a reference is one pointer. The arrays are shared: what a kernel
writes is seen in the named tuple.
"""

from typing import Any

from numba import types
from numba.experimental import structref

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ReadData
from clonalbayes.kernels.profile import Terms
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tree_grove import Grove
from clonalbayes.kernels.tree_place import Offer


class _Struct(types.StructRef):
    def preprocess_fields(self, fields: Any) -> Any:
        return tuple((name, types.unliteral(kind)) for name, kind in fields)  # type: ignore[no-untyped-call]


@structref.register
class ReadDataType(_Struct):
    """Type of a reference to `ReadData`."""


@structref.register
class StateType(_Struct):
    """Type of a reference to `State`."""


@structref.register
class WorkType(_Struct):
    """Type of a reference to `Work`."""


@structref.register
class TermsType(_Struct):
    """Type of a reference to `Terms`."""


@structref.register
class GroveType(_Struct):
    """Type of a reference to `Grove`."""


@structref.register
class OfferType(_Struct):
    """Type of a reference to `Offer`."""


class ReadDataRef(structref.StructRefProxy):
    """Reference to `ReadData`."""


class StateRef(structref.StructRefProxy):
    """Reference to `State`."""


class WorkRef(structref.StructRefProxy):
    """Reference to `Work`."""


class TermsRef(structref.StructRefProxy):
    """Reference to `Terms`."""


class GroveRef(structref.StructRefProxy):
    """Reference to `Grove`."""


class OfferRef(structref.StructRefProxy):
    """Reference to `Offer`."""


structref.define_proxy(ReadDataRef, ReadDataType, list(ReadData._fields))  # type: ignore[no-untyped-call]
structref.define_proxy(StateRef, StateType, list(State._fields))  # type: ignore[no-untyped-call]
structref.define_proxy(WorkRef, WorkType, list(Work._fields))  # type: ignore[no-untyped-call]
structref.define_proxy(TermsRef, TermsType, list(Terms._fields))  # type: ignore[no-untyped-call]

structref.define_proxy(GroveRef, GroveType, list(Grove._fields))  # type: ignore[no-untyped-call]
structref.define_proxy(OfferRef, OfferType, list(Offer._fields))  # type: ignore[no-untyped-call]


@kernel
def refer_data(record: ReadData) -> Any:
    """Reference to read data."""
    return ReadDataRef(*record)  # type: ignore[no-untyped-call]


@kernel
def refer_state(record: State) -> Any:
    """Reference to a state."""
    return StateRef(*record)  # type: ignore[no-untyped-call]


@kernel
def refer_work(record: Work) -> Any:
    """Reference to scratch space."""
    return WorkRef(*record)  # type: ignore[no-untyped-call]


@kernel
def refer_terms(record: Terms) -> Any:
    """Reference to terms."""
    return TermsRef(*record)  # type: ignore[no-untyped-call]


@kernel
def refer_grove(record: Grove) -> Any:
    """Reference to the tree's scratch space."""
    return GroveRef(*record)  # type: ignore[no-untyped-call]


@kernel
def refer_offer(record: Offer) -> Any:
    """Reference to what a place offers."""
    return OfferRef(*record)  # type: ignore[no-untyped-call]
