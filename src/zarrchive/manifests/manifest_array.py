"""The virtual array: Zarr metadata together with a chunk manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from zarrchive.errors import ManifestError, Problem
from zarrchive.manifests._zarr import ArrayV3Metadata, chunk_lengths_of, chunk_shape_of
from zarrchive.manifests.array_protocol import apply_function, apply_ufunc
from zarrchive.manifests.axes import transpose
from zarrchive.manifests.chunk_lengths import grid_shape_of, lengths_text
from zarrchive.manifests.indexing import indexed
from zarrchive.manifests.refusals import problem_of_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from zarrchive.manifests._zarr import ChunkLengths
    from zarrchive.manifests.chunk_manifest import ChunkManifest

__all__ = ["ManifestArray"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ManifestArray(NDArrayOperatorsMixin):
    """A virtual array; its manifest covers exactly the chunk grid of its metadata.

    A NumPy-like array for xarray: it can be joined, stacked, expanded, broadcast, indexed
    by whole chunks and compared, all by references. What would need values raises
    `ManifestError` with code ``array-needs-values``. ``a == b`` is a `Comparison`, true
    where both refer to the same bytes.
    """

    metadata: ArrayV3Metadata
    manifest: ChunkManifest
    name: str = field(default="", kw_only=True)
    """What the array is called in its file, for messages."""
    dtype: np.dtype[Any] = field(init=False)
    """NumPy dtype of the decoded elements, in the byte order of the metadata."""

    is_regular: bool = field(init=False)
    """Whether all chunks have one shape; else the chunk grid is rectilinear."""

    def __post_init__(self) -> None:
        # Kept, because xarray asks for it all the time and zarr makes it anew each time.
        object.__setattr__(self, "dtype", self.metadata.data_type.to_native_dtype())
        is_regular = all(isinstance(length, int) for length in self.chunk_lengths)
        object.__setattr__(self, "is_regular", is_regular)
        expected = grid_shape_of(self.shape, self.chunk_lengths)
        if self.manifest.grid_shape != expected:
            raise ManifestError(
                Problem(
                    code="grid-mismatch",
                    where="ManifestArray",
                    what=f"the manifest covers a grid of {self.manifest.grid_shape} chunks, but "
                    f"shape {self.shape} in chunks of {self._chunks_text} has {expected}",
                    hint="check the chunk shape that the reader reported",
                    variable=self.name,
                )
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Elements along each dimension."""
        return self.metadata.shape

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.metadata.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.metadata.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one decoded element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all decoded elements; the references need `manifest.nbytes`."""
        return self.size * self.itemsize

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        """Elements of one chunk along each dimension; `chunk_lengths` where they are unlike.

        There is no ``chunks`` on purpose: xarray takes whatever has it for a Dask array.
        """
        return chunk_shape_of(self.metadata)

    @property
    def chunk_lengths(self) -> ChunkLengths:
        """Along each dimension, elements of all chunks, or of each where they are unlike."""
        return chunk_lengths_of(self.metadata)

    @property
    def _chunks_text(self) -> str:
        if self.is_regular:
            return str(self.chunk_shape)
        return f"({lengths_text(self.chunk_lengths, separator=', ')})"

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Attributes as the file has them."""
        return self.metadata.attributes

    @property
    def T(self) -> Self:  # noqa: N802 - NumPy's name
        """The array with its axes reversed; see `transpose`."""
        return self.transpose()

    @property
    def flags(self) -> SimpleNamespace:
        """Memory flags, as far as xarray asks NumPy arrays for them."""
        return SimpleNamespace(writeable=False, owndata=True)

    def replaced(self, metadata: ArrayV3Metadata, manifest: ChunkManifest) -> Self:
        """Return an array of the same name with other contents."""
        return type(self)(metadata, manifest, name=self.name)

    def named(self, name: str) -> Self:
        """Return the same array under another name."""
        return type(self)(self.metadata, self.manifest, name=name)

    def referring(self, manifest: ChunkManifest) -> Self:
        """Return the same array with other references; nothing else is checked again.

        Raises
        ------
        ManifestError
            ``grid-mismatch`` where `manifest` has another grid.
        """
        if manifest.grid_shape != self.manifest.grid_shape:
            return self.replaced(self.metadata, manifest)
        copy = object.__new__(type(self))
        put = object.__setattr__
        put(copy, "metadata", self.metadata)
        put(copy, "manifest", manifest)
        put(copy, "name", self.name)
        put(copy, "dtype", self.dtype)
        put(copy, "is_regular", self.is_regular)
        return copy

    def transpose(self, *axes: Any) -> Self:  # noqa: ANN401 - as NumPy: integers or one sequence
        """Put axes into another order; a codec says where elements within chunks lie."""
        if len(axes) == 1 and not isinstance(axes[0], int | np.integer):
            axes = axes[0]
        return transpose(self, axes or None)  # type: ignore[return-value]

    def astype(self, dtype: object, **_: object) -> Self:
        """Return the array itself where it has that data type already.

        Raises
        ------
        ManifestError
            ``array-needs-values`` if elements would have to be converted.
        """
        wanted = np.dtype(dtype)  # type: ignore[call-overload]
        # xarray asks for byte strings of no particular length.
        flexible = wanted.itemsize == 0 and wanted.kind == self.dtype.kind
        if wanted == self.dtype or flexible:
            return self
        raise ManifestError(problem_of_values(self, f"converting {self.dtype} to {wanted}"))

    def copy(self) -> Self:
        """Return the array itself: it cannot change."""
        return self

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without dimensions")
        return self.shape[0]

    def __getitem__(self, key: object) -> Self:
        """Select by references; `zarrchive.manifests.indexing.indexed` says what is possible."""
        return indexed(self, key)  # type: ignore[return-value]

    def __setitem__(self, key: object, value: object) -> NoReturn:
        raise ManifestError(problem_of_values(self, "assigning"))

    def __array_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:  # noqa: ANN401 - whatever the NumPy function returns
        return apply_function(self, func, args, kwargs)

    def __array_ufunc__(
        self,
        ufunc: np.ufunc,
        method: str,
        *inputs: Any,  # noqa: ANN401 - arrays of any kind
        **kwargs: Any,  # noqa: ANN401 - as NumPy
    ) -> Any:  # noqa: ANN401 - whatever the ufunc returns
        return apply_ufunc(self, ufunc, method, inputs)

    def __array__(self, dtype: object = None, *, copy: bool | None = None) -> NoReturn:
        raise ManifestError(problem_of_values(self, "conversion to a NumPy array"))

    def __bool__(self) -> bool:
        raise ManifestError(problem_of_values(self, "the truth of an array"))

    def __float__(self) -> float:
        raise ManifestError(problem_of_values(self, "conversion to a number"))

    def __int__(self) -> int:
        raise ManifestError(problem_of_values(self, "conversion to a number"))

    def item(self, *_: int) -> NoReturn:
        """Raise `ManifestError`: an element is a value."""
        raise ManifestError(problem_of_values(self, "item"))

    def __repr__(self) -> str:
        manifest = self.manifest
        n_files = len(manifest.files)
        parts = [
            f"{self.dtype} {self.shape}",
            f"chunks {self._chunks_text}",
            f"{_refs(manifest.nrefs)} to {n_files} file{'' if n_files == 1 else 's'}",
        ]
        if manifest.ninlined:
            parts.append(f"{manifest.ninlined} inlined")
        if missing := manifest.size - manifest.nstored:
            parts.append(f"{missing} not stored")
        return f"<ManifestArray {', '.join(parts)}>"

    def _repr_inline_(self, max_width: int) -> str:
        """Describe the array on one line of a dataset, as xarray asks."""
        counts = _refs(self.manifest.nrefs)
        if self.manifest.ninlined:
            counts += f", {self.manifest.ninlined} inlined"
        for text in (f"ManifestArray<chunks {self._chunks_text}, {counts}>", f"<{counts}>"):
            if len(text) <= max_width:
                return text
        return f"{counts[: max(max_width - 3, 0)]}..."


def _refs(count: int) -> str:
    return f"{count} ref{'' if count == 1 else 's'}"
