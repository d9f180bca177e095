"""Open one file as a virtual dataset or a virtual tree."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import zarrchive.bridge.accessor  # noqa: F401 - ds.virtual and tree.virtual
from zarrchive.bridge.choices import Choices
from zarrchive.bridge.dataset import to_dataset
from zarrchive.bridge.datatree import to_datatree
from zarrchive.bridge.garbage import fewer_collections
from zarrchive.location import normalise, redact
from zarrchive.readers import read_group

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import xarray as xr

    from zarrchive.bridge.decoding import DecodeTimes
    from zarrchive.readers import Reader

__all__ = ["StrPath", "open_virtual_dataset", "open_virtual_datatree"]

StrPath = str | PathLike[str]


def open_virtual_dataset(  # noqa: PLR0913 - the choices of opening a file
    url: StrPath,
    *,
    group: str | None = None,
    reader: str | Reader | None = None,
    loadable_variables: str | Iterable[str] | None = None,
    drop_variables: str | Iterable[str] | None = None,
    decode_times: DecodeTimes | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Open one group of a file as a Dataset of references, reading no data but coordinates.

    Parameters
    ----------
    url
        A path or URL.
    group
        Path of the group, such as ``"a/b"``; by default the root.
    reader
        Name of the reader; by default the first bytes of the file decide.
    loadable_variables
        Names or paths of the variables to load, ``"all"`` for all; by default the dimension
        coordinates. A list replaces that default.
    drop_variables
        Names or paths of the variables to leave out.
    decode_times
        Whether to decode loaded times, as in `xarray.open_dataset`.
    storage_options
        What the file system of `url` needs, as fsspec takes it.

    Returns
    -------
    Dataset
        ``ds.virtual`` has what can be done with it; ``ds.virtual.problems`` lists variables
        that are left out, and why.

    Raises
    ------
    LocationError
        If the file cannot be reached.
    FormatError
        If no reader knows the file, or nothing of it can be used.
    ManifestError
        ``variable-unknown`` if `loadable_variables` names what is not there.
    """
    choices = Choices.of(loadable_variables, drop_variables, decode_times)
    hierarchy = read_group(
        url,
        reader=reader,
        group=group,
        inline=choices.inline(),
        storage_options=storage_options,
    )
    return to_dataset(
        hierarchy,
        loadable_variables=loadable_variables,
        drop_variables=drop_variables,
        decode_times=decode_times,
        storage_options=storage_options,
        where=redact(normalise(url)),
        path=_path_of(group),
    )


def open_virtual_datatree(  # noqa: PLR0913 - the choices of opening a file
    url: StrPath,
    *,
    group: str | None = None,
    reader: str | Reader | None = None,
    loadable_variables: str | Iterable[str] | None = None,
    drop_variables: str | Iterable[str] | None = None,
    decode_times: DecodeTimes | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> xr.DataTree:
    """Open a file as a DataTree of references, in one pass over the file.

    Hierarchies that a DataTree cannot hold as they are (a group defines a dimension of a group
    above it anew) open all the same; ``tree.virtual.problems`` says what had to differ.

    Parameters
    ----------
    url, reader, decode_times, storage_options
        See `open_virtual_dataset`.
    group
        Path of the group to begin at; by default the root.
    loadable_variables, drop_variables
        Names, which count in every group, or paths such as ``/group/time``.

    Raises
    ------
    LocationError, FormatError, ManifestError
        As `open_virtual_dataset`.
    """
    choices = Choices.of(loadable_variables, drop_variables, decode_times)
    with fewer_collections():
        hierarchy = read_group(
            url,
            reader=reader,
            group=group,
            inline=choices.inline(),
            storage_options=storage_options,
        )
        return to_datatree(
            hierarchy,
            loadable_variables=loadable_variables,
            drop_variables=drop_variables,
            decode_times=decode_times,
            storage_options=storage_options,
            where=redact(normalise(url)),
            path=_path_of(group),
        )


def _path_of(group: str | None) -> str:
    return "/" + (group or "").strip("/")
