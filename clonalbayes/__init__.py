"""Bayesian clonal reconstruction of bulk tumour samples.

The public names are loaded on first use, so that ``import clonalbayes`` stays cheap.
Each one is documented where it is defined:

>>> import clonalbayes as cb
>>> "fit" in dir(cb)
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> module that defines it, and its name there. Nothing here is imported before it is asked for.
_PUBLIC: dict[str, tuple[str, str | None]] = {
    "read": ("clonalbayes.data.patient", "read"),
    "Patient": ("clonalbayes.data.patient", "Patient"),
    "describe": ("clonalbayes.data.describe", "describe"),
    "export": ("clonalbayes.data.export", "export"),
    "validate": ("clonalbayes.data.schema", "validate"),
    "InputError": ("clonalbayes.faults", "InputError"),
    "load_spec": ("clonalbayes.specs", "load"),
    "Spec": ("clonalbayes.specs", "Spec"),
    "build_model": ("clonalbayes.model", "build_model"),
    "fit": ("clonalbayes.inference", "fit"),
    "run_fit": ("clonalbayes.run", "run_fit"),
    "simulate": ("clonalbayes.simulate", "simulate"),
    "summarise": ("clonalbayes.summaries", "summarise"),
    "open_result": ("clonalbayes.results", "open_result"),
    "plots": ("clonalbayes.plots", None),
}

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604 (the names are strings, from the table above)


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'clonalbayes' has no attribute {name!r}; it has: {', '.join(__all__)}")
    module, attribute = _PUBLIC[name]
    loaded = import_module(module)
    value = loaded if attribute is None else getattr(loaded, attribute)
    # Stored under the public name: importing `clonalbayes.simulate` binds the submodule there, the name means the function.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
