"""Machine code: a compiled model kept on disk, so that a machine compiles each structure once and not in every process.

PyTensor keeps the compiled pieces of a model; putting them together is most of the wait, and was done again by every
process. What is kept here is the whole, as numba keeps functions of its own: object code, and the Python objects that
it refers to. It is named by the graph that it computes, with every constant, by the engines' versions, the level of
optimisation and the processor, so the same name is the same code, bit for bit. A file that is damaged is compiled anew.

Nothing of a survey is in it. Numba freezes the arrays that a function closes over into its code, so a model is compiled
with single zeros in the place of its data; names of districts and levels are told by the model that is at hand.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import nutpie
import pymc as pm
from filelock import FileLock
from numba.core import config as numba_config
from numba.core import serialize
from numba.core.environment import lookup_environment
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys  # type: ignore[attr-defined]
from nutpie import compile_pymc
from pymc.initial_point import make_initial_point_fn
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.configdefaults import config
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.traversal import toposort

from largesse.provenance import engines, source
from largesse.store import atomic, fingerprint

Array = np.ndarray[Any, Any]
log = logging.getLogger(__name__)

ENVIRONMENT: Final = "_ZN08NumbaEnv"  # what numba's names begin with of what code refers to in Python
SHIPPED: Final = ("pytensor", "pymc")  # operations of theirs are known by their versions
SEAL: Final = hashlib.sha256().digest_size
LEVEL: Final = 2  # of LLVM's optimisation: at its usual 3 a model of one question takes a third longer, draws alike
FILES: Final = 200  # of about two megabytes; beyond them the one that was not used for longest goes


class Code(NamedTuple):
    """One function as a sampler calls it.

    Attributes
    ----------
    address : where it begins.
    alive : its library, and the objects that it refers to, which must outlive it.
    """

    address: int
    alive: tuple[Any, ...]


def compiled(model: pm.Model, names: Sequence[str]) -> Any:
    """A model ready for nutpie, read from disk where it is kept, else compiled and kept.

    Its data are zeros until `with_data` puts others in their place; all of them must be put there.

    Parameters
    ----------
    model : its data variables have no static shape.
    names : the variables to store draws of.

    Returns
    -------
    nutpie.CompiledPyMCModel
    """
    path = folder() / f"{name(model, names)}.code"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):  # workers that ask for one model at once wait for the first
        if (found := _read(path)) is not None:
            return _revived(model, *found)
        started = time.monotonic()
        log.info("compiling (once on this machine; up to a minute)")
        # Without `fastmath` a sum is taken in the order it is written in. With it, code read from the cache on disk and
        # code just compiled differed in the last digits, and so in every draw; the time per gradient is the same.
        with config.change_flags(numba__fastmath=False), _optimised(LEVEL), _emptied(model):
            made = nutpie.compile_pymc_model(model, var_names=list(names))
        log.info("compiled in %.0f s", time.monotonic() - started)
        _write(path, made)
    return made


def folder() -> Path:
    """Where code is kept: beside the pieces that PyTensor keeps, in its `base_compiledir`."""
    return Path(config.base_compiledir) / "largesse"


# --- the name --------------------------------------------------------------------------------------------------


def name(model: pm.Model, names: Sequence[str]) -> str:
    """The fingerprint of everything that a model's machine code depends on; values of its data are not among it."""
    outputs = [model.logp(), *(v for v in model.unobserved_value_vars if v.name in {*names})]
    lengths = {dim: len(along) for dim, along in model.coords.items()}
    target = [str(part) for part in cpu_target.target_context.codegen().magic_tuple()]
    graph = list(_graph(outputs, {v.name for v in model.data_vars}))
    return fingerprint(graph, lengths, names, LEVEL, target, engines())


def _graph(outputs: Sequence[Variable[Any, Any]], data: set[str]) -> Iterator[Any]:
    """Every operation in order, with what it is of: earlier results by number, constants and fixed values in full."""
    number: dict[Variable[Any, Any], int] = {}
    for node in toposort(outputs):
        yield [_operation(node.op), [number.get(i) if i in number else _leaf(i, data) for i in node.inputs]]
        for output in node.outputs:
            number[output] = len(number)
    yield [number.get(o) if o in number else _leaf(o, data) for o in outputs]


def _leaf(variable: Any, data: set[str]) -> Any:
    about = [str(variable.name), str(variable.type)]
    if isinstance(variable, Constant):
        value = np.asarray(variable.data)
        return [*about, repr(variable.data) if value.dtype == object else value]  # None and slices are no arrays
    if isinstance(variable, SharedVariable) and variable.name not in data:
        return [*about, np.asarray(variable.get_value())]  # type: ignore[no-untyped-call]
    return about


def _operation(op: Any) -> list[str]:
    kind = type(op)
    known = kind.__module__.startswith(SHIPPED)
    settings = sorted((key, str(value)) for key, value in getattr(op, "_props_dict", dict)().items())
    return [kind.__module__, kind.__qualname__, str(op), str(settings), "" if known else source(inspect.getfile(kind))]


# --- the file --------------------------------------------------------------------------------------------------


def _write(path: Path, made: Any) -> None:
    """Keep a compiled model, unless its code holds addresses of this process."""
    functions = (made.compiled_logp_func, made.compiled_expand_func)
    if any(f._library.has_dynamic_globals for f in functions):  # noqa: SLF001  # numba's own rule of what can be kept
        return
    bare = replace(
        made,
        dims=None,
        _coords=None,
        compiled_logp_func=None,
        compiled_expand_func=None,
        initial_point_func=None,
        shared_var_keys={str(v.name): key for v, key in made.shared_var_keys.items()},
        logp_func=None,
        expand_func=None,
    )
    text: bytes = serialize.dumps((bare, [_reduced(f) for f in functions]))  # type: ignore[no-untyped-call]
    with atomic(path, private=True) as part:
        part.write_bytes(hashlib.sha256(text).digest() + text)
    _trim(path.parent)


def _trim(where: Path) -> None:
    used = sorted(where.glob("*.code"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in used[FILES:]:
        old.unlink(missing_ok=True)


def _reduced(function: Any) -> tuple[Any, ...]:
    """Object code, the name of the function in it, and what it refers to."""
    library = function._library  # noqa: SLF001  # a callback does not offer what a function of numba's can be kept by
    refers = (g.name for g in library._final_module.global_variables if g.name.startswith(ENVIRONMENT))  # noqa: SLF001
    known = [e for e in map(lookup_environment, refers) if e is not None and e.can_cache()]
    return library.serialize_using_object_code(), function.native_name, known


def _read(path: Path) -> tuple[Any, list[Any]] | None:
    """What is kept at `path`; None where nothing is, or where it is damaged."""
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return None
    seal, text = whole[:SEAL], whole[SEAL:]
    if hashlib.sha256(text).digest() != seal:
        log.warning("%s: damaged, compiled anew", path.name)
        return None
    path.touch()
    found: tuple[Any, list[Any]] = pickle.loads(text)  # noqa: S301  # sealed, and in the user's own folder
    return found


def _revived(model: pm.Model, bare: Any, functions: list[Any]) -> Any:
    """A kept model, with the code at its addresses in this process and the names that `model` has."""
    density, expansion = (_loaded(*f) for f in functions)
    _, _, shapes = bare.shape_info
    dims, coords = compile_pymc._prepare_dims_and_coords(model, bare.shape_info, bare.reparameterized_names)  # noqa: SLF001
    shared = {v.name: v for v in (*model.data_vars, *model.dim_lengths.values())}
    return replace(
        bare,
        dims=dims,
        _coords=coords,
        compiled_logp_func=density,
        compiled_expand_func=expansion,
        initial_point_func=_starting(model, shapes),
        shared_var_keys={shared[n]: key for n, key in bare.shared_var_keys.items()},
    ).with_data()


def _loaded(payload: Any, function: str, environments: list[Any]) -> Code:
    context = cpu_target.target_context
    rtsys.initialize(context)
    library = context.codegen().unserialize_library(payload)
    for each in environments:
        library.codegen.set_env(each.env_name, each)
    return Code(library.get_pointer_to_function(function), (library, environments))


# --- what is not code ------------------------------------------------------------------------------------------


@contextmanager
def _optimised(level: int) -> Iterator[None]:
    """LLVM at another level while the block lasts."""
    usual = numba_config.OPT  # type: ignore[attr-defined]
    numba_config.OPT = type(usual)(level)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        numba_config.OPT = usual  # type: ignore[attr-defined]


@contextmanager
def _emptied(model: pm.Model) -> Iterator[None]:
    """A model whose data are single zeros while the block lasts."""
    data = [(v, v.get_value()) for v in model.data_vars]
    for variable, value in data:
        variable.set_value(np.zeros((1,) * value.ndim, dtype=value.dtype))
    try:
        yield
    finally:
        for variable, value in data:
            variable.set_value(value)


def _starting(model: pm.Model, shapes: Sequence[tuple[int, ...]]) -> Callable[[Any], Array]:
    """Seed -> a point to start from, as nutpie makes it: supports' points, each moved by up to 1, in one row."""
    values = [model.rvs_to_values[v].name for v in model.free_RVs]
    start = make_initial_point_fn(model=model, jitter_rvs=set(model.free_RVs), return_transformed=True)
    alone = threading.Lock()  # chains ask at once, and a compiled function serves one at a time

    def point(seed: Any) -> Array:
        with alone:
            found = start(seed)
        for value, shape in zip(values, shapes, strict=False):  # what is drawn comes first, what is worked out after
            if np.shape(found[value]) != tuple(shape):
                raise ValueError(f"{value} starts in the shape {np.shape(found[value])}, compiled for {shape}")
        return np.concatenate([np.ravel(found[value]).astype(float) for value in values])

    return point
