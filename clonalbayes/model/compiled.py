"""How PyTensor compiles the model's own random variables.

Without this it would run them in Python from within compiled code, with a warning for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.link.numba.dispatch.random import numba_core_rv_funcify

CACHE_VERSION = 1  # to be raised when the draws change: PyTensor caches what it compiles


def compile_with(op_type: type, core: Callable[[Any], Callable[..., Any]]) -> None:
    """Tell PyTensor which compiled function draws one value.

    Parameters
    ----------
    op_type
        Class of the random variable.
    core
        From the random variable to a compiled function of the generator and the parameters.
    """

    def dispatch(op: Any, node: Any) -> tuple[Callable[..., Any], int]:
        return core(op), CACHE_VERSION

    numba_core_rv_funcify.register(op_type)(dispatch)


class CompiledDraw:
    """Mixed into a random variable whose values the compiled function `core` draws, in Python too."""

    core: Any
    ndims_params: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        compile_with(cls, lambda op: op.core)

    def rng_fn(self, rng: np.random.Generator, *parameters: Any) -> np.ndarray:
        """Draw values, [*size, ...]; the last parameter is the size."""
        return draw_batch(self.core, self.ndims_params, rng, parameters[:-1], parameters[-1])


class OnTensors:
    """Mixed into a distribution whose parameters are symbolic or plain arrays."""

    @classmethod
    def dist(cls, *parameters: Any, **kwargs: Any) -> Any:
        """Make the variable outside a model."""
        return super().dist([pt.as_tensor_variable(p) for p in parameters], **kwargs)  # type: ignore[misc]


def draw_batch(
    core: Callable[..., Any],
    cores: tuple[int, ...],
    rng: np.random.Generator,
    parameters: tuple[Any, ...],
    size: Any,
) -> np.ndarray:
    """Draw an array of values in Python.

    Parameters
    ----------
    core
        Draws one value from the generator and one set of parameters.
    cores
        Number of dimensions of each parameter that belong to one value.
    rng
        Generator.
    parameters
        Arrays, with batch dimensions in front.
    size
        Batch shape; None for what the parameters broadcast to.
    """
    arrays = [np.asarray(parameter) for parameter in parameters]
    batches = [a.shape[: a.ndim - n] for a, n in zip(arrays, cores, strict=True)]
    shape = np.broadcast_shapes(*batches) if size is None else tuple(int(n) for n in size)
    full = [
        np.broadcast_to(a, shape + a.shape[len(batch) :]) for a, batch in zip(arrays, batches, strict=True)
    ]
    drawn = [core(rng, *(_native(a[at]) for a in full)) for at in np.ndindex(shape)]
    return np.array(drawn).reshape(shape + np.shape(drawn[0])) if drawn else np.empty(shape)


def _native(value: Any) -> Any:
    """A contiguous array, or a Python number for a scalar."""
    return np.ascontiguousarray(value) if np.ndim(value) else value.item()
