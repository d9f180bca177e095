"""What NumPy functions do to virtual arrays: a table of those that need no values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.errors import ManifestError, Problem
from zarrchive.manifests.axes import transpose
from zarrchive.manifests.compare import same_references
from zarrchive.manifests.comparison import Comparison
from zarrchive.manifests.concat import concatenate, problems_of_dtype, stack
from zarrchive.manifests.indexing import broadcast_to, expand_dims, squeeze
from zarrchive.manifests.missing_chunks import kept_where, padded
from zarrchive.manifests.naming import files_of, hint_to_load
from zarrchive.manifests.refusals import problem_of_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["apply_function", "apply_ufunc"]


def apply_function(
    array: ManifestArray,
    func: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:  # noqa: ANN401 - whatever the NumPy function returns
    """Apply a NumPy function, or raise `ManifestError` naming it if it would need values."""
    handler = _FUNCTIONS.get(func)
    if handler is None:
        raise ManifestError(problem_of_values(array, func.__name__))
    return handler(array, *args, **kwargs)


def apply_ufunc(
    array: ManifestArray, ufunc: np.ufunc, method: str, inputs: Sequence[Any]
) -> Comparison:
    """Compare by references, or raise `ManifestError` naming the ufunc."""
    if method == "__call__":
        if ufunc in (np.isnan, np.isnat):
            return Comparison(array.shape)
        if ufunc in (np.equal, np.not_equal):
            kind = type(array)
            same = all(isinstance(side, kind) for side in inputs) and same_references(*inputs)
            return Comparison(array.shape, same=same is (ufunc is np.equal))
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    raise ManifestError(problem_of_values(array, name))


def _concatenate(
    array: ManifestArray, arrays: Sequence[Any], axis: int | None = 0
) -> ManifestArray:
    if axis is None:
        raise ManifestError(problem_of_values(array, "concatenate of flattened arrays"))
    return concatenate(_all_virtual(array, arrays), axis=axis)


def _stack(array: ManifestArray, arrays: Sequence[Any], axis: int = 0) -> ManifestArray:
    return stack(_all_virtual(array, arrays), axis=axis)


def _all_virtual(array: ManifestArray, arrays: Sequence[Any]) -> list[ManifestArray]:
    kind = type(array)
    loaded = [other for other in arrays if not isinstance(other, kind)]
    if loaded:
        raise ManifestError(
            Problem(
                code="concat-loaded",
                where=files_of(array),
                what=f"{len(loaded)} of {len(arrays)} arrays to join are in memory "
                f"({type(loaded[0]).__name__} of shape {np.shape(loaded[0])}), the others virtual",
                hint=hint_to_load(array),
                variable=array.name,
            )
        )
    return list(arrays)


def _expand_dims(
    _: ManifestArray, array: ManifestArray, axis: int | tuple[int, ...]
) -> ManifestArray:
    return expand_dims(array, axis)


def _squeeze(
    _: ManifestArray, array: ManifestArray, axis: int | tuple[int, ...] | None = None
) -> ManifestArray:
    return squeeze(array, axis)


def _broadcast_to(
    _: ManifestArray, array: ManifestArray, shape: int | tuple[int, ...], *, subok: bool = False
) -> ManifestArray:
    del subok  # there are no subclasses to pass through
    return broadcast_to(array, (shape,) if isinstance(shape, int) else tuple(shape))


def _transpose(
    _: ManifestArray, array: ManifestArray, axes: Sequence[int] | None = None
) -> ManifestArray:
    return transpose(array, axes)


def _moveaxis(
    _: ManifestArray,
    array: ManifestArray,
    source: int | Sequence[int],
    destination: int | Sequence[int],
) -> ManifestArray:
    sources = np.atleast_1d(source).tolist()
    destinations = np.atleast_1d(destination).tolist()
    sources, destinations = ([n % array.ndim for n in side] for side in (sources, destinations))
    order = [axis for axis in range(array.ndim) if axis not in sources]
    for to, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(to, axis)
    return transpose(array, order)


def _result_type(array: ManifestArray, *operands: Any) -> np.dtype[Any]:  # noqa: ANN401 - as NumPy
    """Return the common data type; the byte order is kept where all agree."""
    dtypes = {getattr(operand, "dtype", operand) for operand in operands}
    if len(dtypes) == 1 and isinstance(only := next(iter(dtypes)), np.dtype):
        return only
    virtual = [operand for operand in operands if isinstance(operand, type(array))]
    if problems := problems_of_dtype(virtual):
        # xarray asks for the type before it joins: here it can be said which file differs.
        raise ManifestError(*problems)
    dtype: np.dtype[Any] = np.result_type(*dtypes)
    return dtype


def _full_like(
    array: ManifestArray,
    a: ManifestArray,
    fill_value: object,
    dtype: object = None,
    **_: object,
) -> Comparison:
    # xarray asks so for the missing values of a type that cannot have any.
    if dtype in (bool, np.bool_, np.dtype(bool)) and fill_value is False:
        return Comparison(a.shape)
    raise ManifestError(problem_of_values(array, "full_like"))


def _where(
    array: ManifestArray,
    condition: object,
    x: object = None,
    y: object = None,
) -> ManifestArray:
    # Reindexing ends so, with a mask that is true where data exists.
    if isinstance(condition, np.ndarray) and condition.dtype == bool:
        kept, other, mask = (x, y, condition) if isinstance(x, type(array)) else (y, x, ~condition)
        if isinstance(kept, type(array)) and np.ndim(other) == 0 and condition.ndim <= kept.ndim:  # type: ignore[arg-type]
            return kept_where(kept, mask, other)
    raise ManifestError(problem_of_values(array, "filling gaps (where)"))


def _pad(
    array: ManifestArray,
    padded_array: ManifestArray,
    pad_width: Any,  # noqa: ANN401 - as NumPy: a number, a pair, or a pair an axis
    mode: str = "constant",
    **options: Any,  # noqa: ANN401 - those of the mode
) -> ManifestArray:
    fill_value = options.pop("constant_values", 0)
    if mode != "constant" or options or np.ndim(fill_value):
        raise ManifestError(problem_of_values(array, f"pad with mode {mode!r} and such options"))
    widths = np.broadcast_to(np.asarray(pad_width, dtype=np.int64), (padded_array.ndim, 2))
    return padded(padded_array, [(int(a), int(b)) for a, b in widths.tolist()], fill_value)


def _itself(_: ManifestArray, array: ManifestArray, **__: object) -> ManifestArray:
    return array


_FUNCTIONS: Final[Mapping[Callable[..., Any], Callable[..., Any]]] = {
    np.broadcast_to: _broadcast_to,
    np.concatenate: _concatenate,
    np.copy: _itself,
    np.expand_dims: _expand_dims,
    np.full_like: _full_like,
    np.moveaxis: _moveaxis,
    np.ndim: lambda _, array: array.ndim,
    np.pad: _pad,
    np.result_type: _result_type,
    np.shape: lambda _, array: array.shape,
    np.size: lambda _, array: array.size,
    np.squeeze: _squeeze,
    np.stack: _stack,
    np.transpose: _transpose,
    np.where: _where,
}
