"""The xarray engine: ``xr.open_dataset(path, engine="zarrchive")``.

Ordinary lazy, decoded datasets, read through references. xarray imports this module whenever it
looks for engines, so everything else is imported on first use.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from xarray.backends import BackendEntrypoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import xarray as xr

    from zarrchive.readers import Reader

__all__ = ["ZarrchiveBackendEntrypoint"]


class ZarrchiveBackendEntrypoint(BackendEntrypoint):
    """Open any file that a reader of this package knows as ordinary lazy xarray objects."""

    description: ClassVar[str] = "Open archival files through virtual Zarr references"
    supports_groups: ClassVar[bool] = True

    def guess_can_open(self, filename_or_obj: Any) -> bool:  # noqa: ANN401, ARG002 - xarray's signature
        """Return False: files that others can open as well are theirs unless asked otherwise."""
        return False

    def open_dataset(  # noqa: PLR0913 - xarray's decoding options, and ours
        self,
        filename_or_obj: Any,  # noqa: ANN401 - what xarray passes
        *,
        mask_and_scale: bool = True,
        decode_times: bool = True,
        concat_characters: bool = True,
        decode_coords: bool = True,
        drop_variables: str | Iterable[str] | None = None,
        use_cftime: bool | None = None,
        decode_timedelta: bool | None = None,
        group: str | None = None,
        reader: str | Reader | None = None,
        storage_options: Mapping[str, Any] | None = None,
    ) -> xr.Dataset:
        """Open one group of a file.

        Parameters
        ----------
        group, reader, storage_options
            As in `zarrchive.open_virtual_dataset`; all others as in `xarray.open_dataset`.
        """
        from zarrchive.bridge import lazy  # noqa: PLC0415 - see the module

        return lazy.lazy_dataset(
            _path_of(filename_or_obj),
            group=group,
            reader=reader,
            storage_options=storage_options,
            decoding={
                "drop_variables": drop_variables,
                "mask_and_scale": mask_and_scale,
                "decode_times": decode_times,
                "concat_characters": concat_characters,
                "decode_coords": decode_coords,
                "use_cftime": use_cftime,
                "decode_timedelta": decode_timedelta,
            },
        )

    def open_groups_as_dict(  # noqa: PLR0913 - xarray's decoding options, and ours
        self,
        filename_or_obj: Any,  # noqa: ANN401 - what xarray passes
        *,
        mask_and_scale: bool = True,
        decode_times: bool = True,
        concat_characters: bool = True,
        decode_coords: bool = True,
        drop_variables: str | Iterable[str] | None = None,
        use_cftime: bool | None = None,
        decode_timedelta: bool | None = None,
        group: str | None = None,
        reader: str | Reader | None = None,
        storage_options: Mapping[str, Any] | None = None,
    ) -> dict[str, xr.Dataset]:
        """Open every group of a file, by path; see `open_dataset`."""
        from zarrchive.bridge import lazy  # noqa: PLC0415 - see the module

        return lazy.lazy_groups(
            _path_of(filename_or_obj),
            group=group,
            reader=reader,
            storage_options=storage_options,
            decoding={
                "drop_variables": drop_variables,
                "mask_and_scale": mask_and_scale,
                "decode_times": decode_times,
                "concat_characters": concat_characters,
                "decode_coords": decode_coords,
                "use_cftime": use_cftime,
                "decode_timedelta": decode_timedelta,
            },
        )

    def open_datatree(
        self,
        filename_or_obj: Any,  # noqa: ANN401 - what xarray passes
        **options: Any,  # noqa: ANN401 - those of `open_groups_as_dict`
    ) -> xr.DataTree:
        """Open a file as a tree.

        A hierarchy with coordinates that a DataTree cannot hold is refused by xarray, because
        it indexes them: use ``create_default_indexes=False``, or
        `zarrchive.open_virtual_datatree`.
        """
        from zarrchive.bridge import lazy  # noqa: PLC0415 - see the module

        return lazy.tree_of(self.open_groups_as_dict(filename_or_obj, **options))


ZarrchiveBackendEntrypoint.open_dataset_parameters = (
    "filename_or_obj",
    "mask_and_scale",
    "decode_times",
    "concat_characters",
    "decode_coords",
    "drop_variables",
    "use_cftime",
    "decode_timedelta",
    "group",
    "reader",
    "storage_options",
)


def _path_of(opened: Any) -> str | os.PathLike[str]:  # noqa: ANN401 - what xarray passes
    if isinstance(opened, str | os.PathLike):
        return opened
    from zarrchive.errors import FormatError, Problem  # noqa: PLC0415 - see the module

    raise FormatError(
        Problem(
            code="engine-needs-location",
            where=type(opened).__name__,
            what="references need the location of a file, not a file object or a store",
            hint="give a path or URL",
        )
    )
