"""Bayesian clonal reconstruction of bulk tumour samples.

The public names are loaded on first use, so that ``import clonalbayes`` stays cheap.
Each one is documented where it is defined:

>>> import clonalbayes as cb
>>> "fit" in dir(cb)
True
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

# Public name -> module that defines it, and its name there. Nothing here is imported before it is asked for.
_PUBLIC: dict[str, tuple[str, str | None]] = {
    "read": ("clonalbayes.data.patient", "read"),
    "Patient": ("clonalbayes.data.patient", "Patient"),
    "describe": ("clonalbayes.data.describe", "describe"),
    "export": ("clonalbayes.data.export", "export"),
    "validate": ("clonalbayes.data.schema", "validate"),
    "add_copy_number": ("clonalbayes.copynumber", "add_copy_number"),
    "read_copy_number": ("clonalbayes.copynumber", "read_copy_number"),
    "count": ("clonalbayes.counting", "count"),
    "read_variants": ("clonalbayes.variants", "read_variants"),
    "read_events": ("clonalbayes.variants", "read_events"),
    "add_contexts": ("clonalbayes.variants", "add_contexts"),
    "apply_filters": ("clonalbayes.filters", "apply_filters"),
    "learn_errors": ("clonalbayes.errors", "learn_errors"),
    "ErrorModel": ("clonalbayes.errors", "ErrorModel"),
    "detect": ("clonalbayes.detection", "detect"),
    "InputError": ("clonalbayes.faults", "InputError"),
    "load_spec": ("clonalbayes.specs", "load"),
    "Spec": ("clonalbayes.specs", "Spec"),
    "build_model": ("clonalbayes.model", "build_model"),
    "fit": ("clonalbayes.inference", "fit"),
    "run_fit": ("clonalbayes.run", "run_fit"),
    "run_patient": ("clonalbayes.pipeline.run", "run"),
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
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)


class _Package(ModuleType):
    """The package object: a public function wins over the submodule of the same name.

    Importing ``clonalbayes.simulate`` binds the submodule to that name in the package;
    ``clonalbayes.simulate(...)`` means the function, whatever has been imported before.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        module, attribute = _PUBLIC.get(name, ("", None))
        if attribute is not None and isinstance(value, ModuleType) and value.__name__ == module:
            value = getattr(value, attribute)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
