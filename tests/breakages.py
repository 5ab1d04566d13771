"""Deliberately broken kernels, which every check of the sampler must find.

A breakage is a replacement in the source of one function. Only that function and those that call it are
compiled anew; everything else is the kernel that ships.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import textwrap
import types
from collections.abc import Mapping, Sequence
from typing import Any

import numba

from clonalbayes import kernels

MODULES = sorted(module.name for module in pkgutil.iter_modules(kernels.__path__))

type Patches = Sequence[tuple[str, str, str]]

# name -> function, what it says, what it is made to say
BREAKAGES: dict[str, tuple[str, str, str]] = {
    "births with noise no likelier": (
        "births.log_pick_birth",
        "0.5 * anywhere + (0.5 / kinds[1] if noise else 0.0)",
        "anywhere",
    ),
    "births without the chance of being picked": (
        "births.try_birth",
        "ratio -= log_pick_birth(",
        "ratio -= 0.0 * log_pick_birth(",
    ),
    "births without the number of singletons": (
        "births.try_birth",
        "ratio -= math.log(singletons +",
        "ratio -= 0.0 * math.log(singletons +",
    ),
    "births without the concentration": (
        "births.birth_prior",
        "state.concentration[0] / (",
        "1.0 / (",
    ),
    "births without the genotypes' prior": (
        "births.birth_score",
        "- math.log(float(n_geno))",
        "- 0.0 * math.log(float(n_geno))",
    ),
    "births without the calls": ("births.birth_score", "if data.min_alt > 0:", "if data.min_alt > 99:"),
    "births of clones that are there": (
        "births.try_birth",
        "if not admissible(state, clones, clones, -1):",
        "if singletons < 0:",
    ),
    "deaths to places of any size": ("births.place_scores", "base + math.log(size) if k", "base if k"),
    "envelope without the shift": ("envelope.visit_row", "shift = shift_at(", "shift = 0.0 * shift_at("),
    "envelope without the prior of clonal": (
        "envelope.build_envelope",
        "log_mass[CLONAL] = math.log(prior[CLONAL]) +",
        "log_mass[CLONAL] =",
    ),
    "joint step without the shift": (
        "prevalence.propose_envelope",
        "ratio += shift_at(",
        "ratio += 0.0 * shift_at(",
    ),
    "Newton without the reverse density": (
        "prevalence.propose_newton",
        "- 0.5 * ((x - centre_y) / width_y) ** 2",
        "- 0.5 * ((x - centre) / width) ** 2",
    ),
    "Newton without the widths": ("prevalence.propose_newton", "ratio + math.log(width / width_y)", "ratio"),
    "prevalences without the calls": (
        "prevalence.update_prevalences",
        "ratio += propose_low(",
        "ratio += 0.0 * propose_low(",
    ),
    "prevalences of clones that are there": (
        "prevalence.stays_admissible",
        "ok = admissible(state, row, state.n_clones[0], -1)",
        "ok = True",
    ),
    "presence probabilities without the clones": (
        "prevalence.update_presence_prob",
        "prior[p] + count",
        "prior[p] + 0.0 * count",
    ),
    "splits without the partition's density": (
        "splitmerge.split_prior",
        "log_gamma(float(n_a)) + log_gamma(float(n_b)) - log_gamma(float(n))",
        "0.0",
    ),
    "splits without the division": ("splitmerge.try_split", "ratio = -divide(", "ratio = 0.0 * divide("),
    "splits with a share that is not uniform": (
        "splitmerge.try_split",
        "share = min(max(rng.random(),",
        "share = min(max(rng.random() ** 2,",
    ),
    "splits without the anchors": (
        "splitmerge.split_prior",
        "+ math.log(backward) - math.log(forward)",
        "+ 0.0",
    ),
    "splits from any first anchor": (
        "splitmerge.try_split",
        "side, True, rng) - log_first",
        "side, True, rng)",
    ),
    "condensation without the division": (
        "condense.try_condense",
        "ratio = -divide(",
        "ratio = 0.0 * divide(",
    ),
    "condensation without the partition's density": (
        "condense.condense_prior",
        "return ratio + math.log(concentration) + log_gamma(float(m))",
        "return ratio",
    ),
    "condensation without the kinds": (
        "condense.condense_prior",
        "ratio += log_gamma(component[1] + kinds[1] - m) - log_gamma(component[1] + kinds[1])",
        "ratio += 0.0",
    ),
    "condensation without the share": (
        "condense.share_ratio",
        "- log_beta_density(share, 1.0, SHARE_PRIOR)",
        "- log_beta_density(share, 1.0, 1.0)",
    ),
    "condensation without the anchor": (
        "condense.try_condense",
        "math.log(float(n_noise)) -",
        "0.0 * math.log(float(n_noise)) -",
    ),
    "condensation without the reads of noise": (
        "condense.reads_against_noise",
        "work.depth_sum[i] - data.noise_ll[i]",
        "work.depth_sum[i]",
    ),
    "splits without the partner": (
        "splitmerge.try_split",
        "ratio += partner_log_prob(",
        "ratio += 0.0 * partner_log_prob(",
    ),
    "splits without the calls": (
        "splitmerge.row_weight",
        "shift -= members_log_called(",
        "shift -= 0.0 * members_log_called(",
    ),
    "merges into clones that are there": (
        "splitmerge.try_merge",
        "if not admissible_union(state, clones, a, b):",
        "if clones < 0:",
    ),
    "assignment without the calls": ("assign.row_scores", "if data.min_alt > 0:", "if data.min_alt > 99:"),
    "assignment with too much of each clone": (
        "assign.draw_log_weights",
        "rng.standard_gamma(float(work.size[k]))",
        "rng.standard_gamma(1.0 + work.size[k])",
    ),
    "assignment with too much of each kind": (
        "assign.draw_log_weights",
        "standard_gamma(component[j] + kinds[j])",
        "standard_gamma(1.0 + component[j] + kinds[j])",
    ),
    "assignment of the last member": (
        "assign.settle",
        "if not ((old >= 0 and size[old] == 1) or pinned[i]):",
        "if not (old >= 0 and size[old] < 3):",
    ),
    "genotypes without reads": ("assign.draw_genotype", "if row >= 0:", "if row > 99:"),
    "germline as a clone": ("tables.build_row", "work.germ[cell] if germline", "work.coef[cell] if germline"),
    "purity without the Jacobian": (
        "hyper.rescale_ccf",
        "return moved * math.log(factor)",
        "return 0.0 * moved",
    ),
    "precision without its prior": (
        "hyper.log_prior",
        "gap = (math.log(state.precision[s])",
        "gap = 0.0 * (0.0",
    ),
    "parameters without the calls": (
        "hyper.update_parameter",
        "+ ascertainment_change(",
        "+ 0.0 * ascertainment_change(",
    ),
    "parameters without the depth": (
        "hyper.sample_loglik",
        "return total - depth_terms(",
        "return total - 0.0 * depth_terms(",
    ),
    "parameters from a t without its density": (
        "hyper.propose_step",
        "log_student(old, moments[0], scale) - log_student(new, moments[0], scale)",
        "0.0",
    ),
    "concentration without the clones": (
        "hyper.update_concentration",
        "shape = prior[0] + state.n_clones[0]",
        "shape = prior[0] + 1.0",
    ),
}


# Sizes at which moves take short cuts, made so small that four mutations meet them.
SHORT_CUTS = {"launch.LAUNCH_MEMBERS": 2, "condense.LARGEST": 2, "assign.CHUNK": 3, "splitmerge.SPLIT_SHARE": 0.3}


def _functions() -> dict[tuple[str, str], Any]:
    """Every function of the kernels, compiled or plain, by module and name."""
    found = {}
    for name in MODULES:
        module = importlib.import_module(f"clonalbayes.kernels.{name}")
        for key, value in vars(module).items():
            plain = _plain(value)
            if isinstance(plain, types.FunctionType) and plain.__module__ == module.__name__:
                found[name, key] = value
    return found


def _plain(function: Any) -> Any:
    return getattr(function, "py_func", function)


def _names(code: types.CodeType) -> set[str]:
    """Global names that code refers to, that of the functions within it too."""
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return set(code.co_names).union(*(_names(part) for part in inner))


def _callers(functions: dict[tuple[str, str], Any], first: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The functions and all that call them, directly or not."""
    names = list(first)
    while True:
        targets = {id(functions[name]) for name in names}
        more = []
        for name, function in functions.items():
            plain = _plain(function)
            used = (plain.__globals__.get(key) for key in _names(plain.__code__))
            if name not in names and any(id(value) in targets for value in used):
                more.append(name)
        if not more:
            return names
        names += more


def _readers(functions: dict[tuple[str, str], Any], constants: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The functions that read a constant of their module, given as module.NAME."""
    wanted = {tuple(where.split(".")) for where in constants}
    return [
        (m, key)
        for (m, key), function in functions.items()
        if any((m, name) in wanted for name in _plain(function).__code__.co_names)
    ]


def _source(function: Any, where: str, replacements: Patches) -> str:
    """Source of a kernel without its decorator, with the replacements that concern it."""
    source = textwrap.dedent(inspect.getsource(function)).removeprefix("@kernel\n")
    for target, old, new in replacements:
        if target == where:
            assert source.count(old) == 1, f"{where} does not say {old!r} once"
            source = source.replace(old, new)
    return source


def check_texts(breakages: Mapping[str, tuple[str, str, str]] = BREAKAGES) -> None:
    """Assert that every breakage finds its text in the kernel that it is about."""
    functions = _functions()
    for where, old, new in breakages.values():
        module, _, name = where.partition(".")
        _source(_plain(functions[module, name]), where, [(where, old, new)])


def patched(*replacements: tuple[str, str, str], constants: Mapping[str, Any] | None = None) -> types.SimpleNamespace:
    """All kernels by name, with texts of functions or constants replaced; callers are compiled anew."""
    functions, constants = _functions(), constants or {}
    targets = [(where.split(".")[0], where.split(".")[1]) for where, _, _ in replacements]
    names = _callers(functions, targets + _readers(functions, constants))
    scopes = {m: dict(vars(importlib.import_module(f"clonalbayes.kernels.{m}"))) for m, _ in names}
    for where, value in constants.items():
        module, _, name = where.partition(".")
        assert name in scopes[module], where
        scopes[module][name] = value
    made = {}
    for m, key in names:
        original = functions[m, key]
        plain = _plain(original)
        exec(compile(_source(plain, f"{m}.{key}", replacements), f"<patched {m}.{key}>", "exec"), scopes[m])
        new = scopes[m][key]
        made[m, key] = new if plain is original else numba.njit(nogil=True, error_model="numpy")(new)
    for scope in scopes.values():
        for (m, key), value in made.items():
            if key in scope and (scope[key] is functions[m, key] or scope["__name__"].endswith(f".{m}")):
                scope[key] = value
    return types.SimpleNamespace(**{key: made.get((m, key), value) for (m, key), value in functions.items()})


def broken(name: str) -> types.SimpleNamespace:
    """All kernels by name, with one breakage."""
    return patched(BREAKAGES[name])


def intact() -> types.SimpleNamespace:
    """All kernels by name, as they ship."""
    return types.SimpleNamespace(**{key: value for (_, key), value in _functions().items()})
