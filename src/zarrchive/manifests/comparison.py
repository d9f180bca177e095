"""The outcome of comparing virtual arrays, as far as it is known without reading values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from zarrchive.errors import ManifestError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Comparison"]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What ``a == b`` or ``isnan(a)`` of virtual arrays yields: a mask whose elements are unknown.

    xarray decides whether two variables are equal by ``all((a == b) | (isnull(a) &
    isnull(b)))``. That one question can be answered, from the references: `all` of an
    equality joined with ``|`` to unknown masks. Every other question needs the values.
    """

    shape: tuple[int, ...]
    same: bool | None = None
    """Whether both sides refer to the same bytes; None for a mask such as ``isnan(a)``."""
    joined: bool = False
    """Whether missing values have been taken care of, so that `all` has an answer."""

    @property
    def dtype(self) -> np.dtype[np.bool_]:
        return np.dtype(bool)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __bool__(self) -> bool:
        if self.same is None:
            self._refuse("the truth of a mask")
        return self.same

    def __or__(self, other: object) -> Comparison:
        if isinstance(other, Comparison):
            sides = [side for side in (self, other) if side.same is not None]
            if len(sides) == 1:
                return Comparison(self.shape, same=sides[0].same, joined=True)
        elif self.same is not None and isinstance(other, np.ndarray | np.bool_):
            return Comparison(self.shape, same=self.same, joined=True)
        return Comparison(self.shape)

    __ror__ = __or__

    def __and__(self, other: object) -> Comparison:
        return Comparison(self.shape)

    __rand__ = __and__

    def __invert__(self) -> Comparison:
        return Comparison(self.shape)

    def astype(self, dtype: object, **_: object) -> Comparison:
        """Return itself where `dtype` is bool."""
        return self if np.dtype(dtype) == bool else self._refuse("astype")  # type: ignore[call-overload]

    def __array_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:  # noqa: ANN401 - whatever the NumPy function returns
        if func is np.all and self.joined:
            return np.bool_(self.same)
        if func is np.where and isinstance(args[0], Comparison):
            # fillna: a where it is not missing, else b; nothing changes if both are the same.
            _, mine, theirs = args
            if type(mine) is type(theirs) and bool(mine == theirs):
                return mine
        return self._refuse(func.__name__)

    def __array_ufunc__(
        self,
        ufunc: np.ufunc,
        method: str,
        *inputs: Any,  # noqa: ANN401 - masks of any kind
        **kwargs: Any,  # noqa: ANN401 - as NumPy
    ) -> Comparison:
        if method == "__call__" and ufunc is np.bitwise_or:
            mine, other = inputs if isinstance(inputs[0], Comparison) else inputs[::-1]
            return mine | other  # type: ignore[no-any-return]
        if method == "__call__" and ufunc is np.bitwise_and:
            return Comparison(self.shape)
        return self._refuse(ufunc.__name__)

    def __array__(self, dtype: object = None, *, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self._refuse("a mask")

    def _repr_inline_(self, max_width: int) -> str:
        return "Comparison<unknown without values>"[:max_width]

    def _refuse(self, operation: str) -> NoReturn:
        raise ManifestError(
            Problem(
                code="array-needs-values",
                where="comparison of virtual arrays",
                what=f"{operation} of shape {self.shape} needs the values, element by element",
                hint="use ds.virtual.open(), which gives a lazy dataset of the same data",
            )
        )
