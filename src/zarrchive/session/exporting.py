"""Judge the export formats for a dataset, and write it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Literal

import xarray as xr

from zarrchive.errors import PluginError, Problem, WriteError
from zarrchive.location import is_local, normalise
from zarrchive.location.url import protocol
from zarrchive.plugins import writers
from zarrchive.session.joining import group_of
from zarrchive.session.state import ExportFormat, FormatId, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from zarrchive.session.effects import WriteExport

__all__ = ["how_to_open", "judge_formats", "write_export"]

_FORMATS: Final[tuple[FormatId, ...]] = ("kerchunk-json", "kerchunk-parquet", "icechunk")
_SAYS: Final = {
    "kerchunk-json": "One JSON file; read by fsspec, xarray and zarr. Best up to a million chunks.",
    "kerchunk-parquet": "A folder of parquet files, read in parts: for many millions of chunks. "
    "Read by fsspec, xarray and zarr.",
    "icechunk": "A repository in a folder, which keeps versions; its layout is that of Zarr v3. "
    "Read by Icechunk with xarray and zarr.",
}


def judge_formats(
    dataset: xr.Dataset | xr.DataTree, *, zarr_format: Literal[2, 3]
) -> tuple[ExportFormat, ...]:
    """Say of every format what it makes of `dataset`: problems, predicted size, who reads it."""
    group = group_of(dataset)
    judged = []
    for name in _FORMATS:
        try:
            writer = writers.get(name)
        except PluginError as error:
            judged.append(
                ExportFormat(id=name, label=name, says="not available", problems=(error.problem,))
            )
            continue
        judged.append(
            ExportFormat(
                id=name,
                label=str(getattr(writer, "label", name)),
                says=_SAYS[name],
                problems=tuple(writer.problems_of(group, zarr_format=_layout(name, zarr_format))),
                size=int(writer.predicted_size(group, zarr_format=_layout(name, zarr_format))),
            )
        )
    return tuple(judged)


def write_export(
    dataset: xr.Dataset | xr.DataTree,
    wanted: WriteExport,
    sources: Collection[str],
    progress: Callable[[int, int], None],
) -> Written:
    """Write `dataset` where the person wants it.

    Parameters
    ----------
    sources
        The files that the dataset refers to: none of them is ever replaced.
    progress
        Called with (references written, references in all); an exception from it cancels.

    Raises
    ------
    WriteError
        ``export-no-path``, ``export-over-source``, or what the writer says.
    """
    path = _destination(wanted.path, sources)
    writer = writers.get(wanted.format)
    group = group_of(dataset)
    layout = _layout(wanted.format, wanted.zarr_format)
    report: Any = writer.write(group, path, zarr_format=layout, progress=progress)
    is_regular = all(array.is_regular for _, node in group.walk() for array in node.arrays.values())
    return Written(
        path=report.path,
        size=report.size,
        nrefs=report.nrefs,
        ninlined=report.ninlined,
        seconds=report.seconds,
        how_to_open=how_to_open(
            report.path,
            is_tree=isinstance(dataset, xr.DataTree),
            source=min(sources, default=""),
            is_regular=is_regular,
            is_icechunk=wanted.format == "icechunk",
        ),
    )


def _layout(name: FormatId, zarr_format: Literal[2, 3]) -> Literal[2, 3]:
    """Return the layout that an export has: what was chosen, where there is a choice."""
    return 3 if name == "icechunk" else zarr_format


def how_to_open(
    path: str, *, is_tree: bool, source: str, is_regular: bool = True, is_icechunk: bool = False
) -> str:
    """Return the code that opens an export with xarray and fsspec or Icechunk alone.

    Parameters
    ----------
    source
        One of the files that it refers to; fsspec wants to know where they lie.
    is_regular
        Whether chunks have one shape in each array; zarr reads others only when asked to.
    """
    lines = ["import icechunk"] * is_icechunk + ["import xarray as xr"]
    if not is_regular:
        lines += ["import zarr", "", 'zarr.config.set({"array.rectilinear_chunks": True})']
    imports = "\n".join(lines)
    name, opener = ("tree", "open_datatree") if is_tree else ("ds", "open_dataset")
    if is_icechunk:
        access = "HttpAccess" if protocol(source).startswith("http") else "LocalFileSystemAccess"
        opened = "open_datatree(store, engine='zarr'" if is_tree else "open_zarr(store"
        return (
            f"{imports}\n\n"
            f"storage = icechunk.local_filesystem_storage({path!r})\n"
            "places = icechunk.Repository.open(storage).config.virtual_chunk_containers\n"
            f"leave = dict.fromkeys(places, icechunk.credentials.{access})\n"
            "repository = icechunk.Repository.open(storage, authorize_virtual_chunk_access=leave)\n"
            'store = repository.readonly_session("main").store\n'
            f"{name} = xr.{opened}, consolidated=False)\n"
        )
    return (
        f"{imports}\n\n"
        f"references = {{'fo': {path!r}, 'remote_protocol': {protocol(source)!r}}}\n"
        # Not consolidated=False: some versions of zarr then find no groups within groups.
        f'{name} = xr.{opener}("reference://", engine="zarr", storage_options=references)\n'
    )


def _destination(path: str, sources: Collection[str]) -> str:
    if not path.strip():
        raise WriteError(
            Problem(
                code="export-no-path",
                where="export",
                what="no destination is given",
                hint="give the path of the file to write",
            )
        )
    path = normalise(path)
    same = [url for url in sources if url == path or _is_same_file(url, path)]
    if same:
        raise WriteError(
            Problem(
                code="export-over-source",
                where=path,
                what="the destination is one of the files that the dataset refers to",
                hint="choose another name or folder",
            )
        )
    return path


def _is_same_file(url: str, path: str) -> bool:
    if not (is_local(url) and is_local(path)):
        return False
    try:
        return os.path.samefile(url, path)  # noqa: PTH121 - a location is a string
    except OSError:
        return False
