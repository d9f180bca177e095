"""What can be done with a virtual dataset or tree: ``ds.virtual`` and ``tree.virtual``."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import xarray as xr

from zarrchive.bridge._xarray import virtual_array
from zarrchive.bridge.datatree import from_datatree, join_tree
from zarrchive.bridge.encoding import from_dataset
from zarrchive.bridge.notes import notes_of
from zarrchive.bridge.opening import open_dataset, open_datatree
from zarrchive.bridge.renaming import Renaming, renamed_dataset
from zarrchive.errors import ManifestError, Problem, WriteError
from zarrchive.plugins import writers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from zarrchive.manifests import ChunkManifest, ManifestArray, ManifestGroup

__all__ = ["VirtualDataTree", "VirtualDataset"]

Format = Literal["json", "parquet"]


class _Virtual:
    """What the two accessors share."""

    def _datasets(self) -> Iterator[xr.Dataset]:
        raise NotImplementedError

    def to_group(self) -> ManifestGroup:
        """Return the hierarchy of virtual arrays: what writers and `ManifestStore` take."""
        raise NotImplementedError

    def to_kerchunk(
        self,
        path: str,
        *,
        format: Format = "json",  # noqa: A002 - the word of this field
        zarr_format: Literal[2, 3] = 2,
        **options: Any,  # noqa: ANN401 - as the writer takes them
    ) -> Any:  # noqa: ANN401 - WriteReport belongs to a layer above
        """Write the references as kerchunk JSON or parquet, replacing what is there atomically.

        Parameters
        ----------
        path
            File (JSON) or folder (parquet) to write.
        format
            ``"json"`` or ``"parquet"``.
        zarr_format
            2 is what all readers of kerchunk references know.
        **options
            Of the writer: ``on_problem="raise" | "skip"``, ``storage_options``, ``progress``.

        Returns
        -------
        WriteReport
            What was written.

        Raises
        ------
        WriteError
            With every reason why the format cannot hold the data; nothing is written then.
        PluginError
            If the writer is not installed.
        """
        writer = writers.get(f"kerchunk-{format}")
        return writer.write(self.to_group(), str(path), zarr_format=zarr_format, **options)

    def to_icechunk(
        self,
        store: Any,  # noqa: ANN401 - of a package that need not be installed
        *,
        group: str = "",
        **options: Any,  # noqa: ANN401 - as the writer takes them
    ) -> Any:  # noqa: ANN401 - WriteReport belongs to a layer above
        """Write the references into an Icechunk repository (icechunk 2, Python 3.12 or newer).

        Parameters
        ----------
        store
            Store of a writable session, which you commit afterwards; or the path of a folder for
            a new repository with one commit, which replaces atomically what an earlier call made
            there. A repository to which anything was added is never replaced.
        group
            Path of a group of the repository to write to; with a session only.
        **options
            Of the writer: ``on_problem="raise" | "skip"``, ``progress``.

        Returns
        -------
        WriteReport
            What was written.

        Raises
        ------
        WriteError
            With every reason why it cannot be written (``icechunk-missing`` if it is not installed,
            or too old); nothing is written then.
        """
        writer: Any = writers.get("icechunk")
        if isinstance(store, str | PathLike):
            if group:
                raise WriteError(_no_group_in_new(str(store), group))
            return writer.write(self.to_group(), str(store), **options)
        return writer.write_into(self.to_group(), store, path=group, **options)

    @property
    def nbytes(self) -> int:
        """Memory that references and loaded values take, in bytes (``ds.nbytes``: all values)."""
        total = 0
        for dataset in self._datasets():
            for variable in dataset.variables.values():
                array = virtual_array(variable)
                total += variable.nbytes if array is None else array.manifest.nbytes
        return total

    @property
    def nrefs(self) -> int:
        """Number of chunks that lie in files."""
        return sum(array.manifest.nrefs for array in self._arrays())

    def paths(self) -> list[str]:
        """Return the paths and URLs of all files that hold chunks, sorted."""
        files = {file.url for array in self._arrays() for file in array.manifest.files}
        return sorted(files)

    def _arrays(self) -> Iterator[ManifestArray]:
        for dataset in self._datasets():
            for variable in dataset.variables.values():
                array = virtual_array(variable)
                if array is not None:
                    yield array

    def _renaming(self, rename: Callable[[str], str] | Mapping[str, str]) -> Renaming:
        return Renaming.of(rename, self.paths())


@xr.register_dataset_accessor("virtual")  # type: ignore[no-untyped-call]
class VirtualDataset(_Virtual):
    """References of a Dataset: ``ds.virtual``."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    def _datasets(self) -> Iterator[xr.Dataset]:
        yield self._dataset

    def to_group(self) -> ManifestGroup:
        """Return the dataset as virtual arrays: what writers and `ManifestStore` take."""
        return from_dataset(self._dataset)

    def open(
        self,
        *,
        storage_options: Mapping[str, Any] | None = None,
        **options: Any,  # noqa: ANN401 - as xarray takes them
    ) -> xr.Dataset:
        """Return an ordinary lazy Dataset of the same data, decoded; nothing is written.

        Parameters
        ----------
        storage_options
            What the file systems of the files need, as fsspec takes it.
        **options
            Of `xarray.open_zarr`, such as ``chunks={}`` or ``mask_and_scale=False``.
        """
        return open_dataset(self._dataset, storage_options=storage_options, **options)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was wrong with the files or had to be changed."""
        return notes_of(self._dataset).problems

    def manifest(self, name: str) -> ChunkManifest:
        """Return where the chunks of a variable lie.

        Raises
        ------
        ManifestError
            ``variable-unknown``, or ``variable-loaded`` if it has values in place of references.
        """
        variable = self._dataset.variables.get(name)
        array = None if variable is None else virtual_array(variable)
        if array is None:
            raise ManifestError(_no_manifest(self._dataset, name))
        return array.manifest

    def rename_paths(self, rename: Callable[[str], str] | Mapping[str, str]) -> xr.Dataset:
        """Return the dataset with references to other locations of the same files.

        Parameters
        ----------
        rename
            From old prefix to new prefix, such as ``{"/data/": "s3://bucket/"}`` (the longest
            that matches counts), or a function of the path or URL.

        Raises
        ------
        ManifestError
            ``rename-no-match`` if no file begins with any of the prefixes.
        """
        return renamed_dataset(self._dataset, self._renaming(rename))


@xr.register_datatree_accessor("virtual")  # type: ignore[no-untyped-call]
class VirtualDataTree(_Virtual):
    """References of a DataTree: ``tree.virtual``."""

    def __init__(self, tree: xr.DataTree) -> None:
        self._tree = tree

    def _nodes(self) -> Iterator[xr.DataTree]:
        pending = [self._tree]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(list(node.children.values())))

    def _datasets(self) -> Iterator[xr.Dataset]:
        return (node.to_dataset(inherit=False) for node in self._nodes())

    def to_group(self) -> ManifestGroup:
        """Return the tree as virtual arrays: what writers and `ManifestStore` take."""
        return from_datatree(self._tree)

    def open(
        self,
        *,
        storage_options: Mapping[str, Any] | None = None,
        **options: Any,  # noqa: ANN401 - as xarray takes them
    ) -> xr.DataTree:
        """Return an ordinary lazy DataTree of the same data; see `VirtualDataset.open`."""
        return open_datatree(self._tree, storage_options=storage_options, **options)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was wrong with the files or had to be changed, in all groups."""
        found = (problem for node in self._nodes() for problem in notes_of(node).problems)
        return tuple(dict.fromkeys(found))

    def manifest(self, path: str) -> ChunkManifest:
        """Return where the chunks of the variable at `path` lie, such as ``"/group/name"``.

        Raises
        ------
        ManifestError
            As `VirtualDataset.manifest`.
        """
        folder, _, name = path.strip("/").rpartition("/")
        node: xr.DataTree | None = self._tree
        for part in filter(None, folder.split("/")):
            node = None if node is None else node.children.get(part)
        dataset = xr.Dataset() if node is None else node.to_dataset()
        return VirtualDataset(dataset).manifest(name)

    def rename_paths(self, rename: Callable[[str], str] | Mapping[str, str]) -> xr.DataTree:
        """Return the tree with references to other locations; see `VirtualDataset`."""
        renaming = self._renaming(rename)
        nodes = list(self._nodes())
        index = {id(node): at for at, node in enumerate(nodes)}
        datasets = [renamed_dataset(n.to_dataset(inherit=False), renaming) for n in nodes]
        parents: list[int | None] = [None]
        parents += [index[id(node.parent)] for node in nodes[1:]]
        return join_tree([str(node.name) for node in nodes], datasets, parents)


def _no_manifest(dataset: xr.Dataset, name: str) -> Problem:
    virtual = [str(key) for key, one in dataset.variables.items() if virtual_array(one) is not None]
    is_loaded = name in dataset.variables
    return Problem(
        code="variable-loaded" if is_loaded else "variable-unknown",
        where=str(dataset.encoding.get("source", "dataset")),
        what=f"{name!r} {'is loaded: it has values, no references' if is_loaded else 'is not here'}"
        f"; virtual variables are {', '.join(map(repr, virtual)) or 'none'}",
        hint="name a virtual variable"
        + (", or leave this one out of loadable_variables" if is_loaded else ""),
        variable=name,
    )


def _no_group_in_new(path: str, group: str) -> Problem:
    return Problem(
        code="icechunk-group",
        where=path,
        what=f"group {group!r} was asked for in a new repository, whose root holds the dataset",
        hint="leave out the group, or give the store of a session",
    )
