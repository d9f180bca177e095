"""The virtual array: Zarr metadata together with a chunk manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zarrchive.errors import ManifestError, Problem
from zarrchive.manifests._zarr import ArrayV3Metadata, chunk_shape_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from zarrchive.manifests.chunk_manifest import ChunkManifest

__all__ = ["ManifestArray"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ManifestArray:
    """A virtual array; its manifest covers exactly the chunk grid of its metadata."""

    metadata: ArrayV3Metadata
    manifest: ChunkManifest

    def __post_init__(self) -> None:
        expected = tuple(
            -(-size // chunk) for size, chunk in zip(self.shape, self.chunk_shape, strict=True)
        )
        if self.manifest.grid_shape != expected:
            raise ManifestError(
                Problem(
                    code="grid-mismatch",
                    where="ManifestArray",
                    what=f"the manifest covers a grid of {self.manifest.grid_shape} chunks, but "
                    f"shape {self.shape} in chunks of {self.chunk_shape} has {expected}",
                    hint="check the chunk shape that the reader reported",
                )
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Elements along each dimension."""
        return self.metadata.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the decoded elements, in the byte order of the metadata."""
        dtype: np.dtype[Any] = self.metadata.data_type.to_native_dtype()
        return dtype

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        """Elements of one chunk along each dimension.

        There is no ``chunks`` on purpose: xarray takes whatever has it for a Dask array.
        """
        return chunk_shape_of(self.metadata)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Attributes as the file has them."""
        return self.metadata.attributes
