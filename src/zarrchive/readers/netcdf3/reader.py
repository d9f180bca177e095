"""Reader of netCDF classic files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from zarrchive.errors import FormatError, Problem
from zarrchive.manifests import ManifestGroup
from zarrchive.readers.contiguous_runs import LARGEST_RUN
from zarrchive.readers.limits import WANTED
from zarrchive.readers.netcdf3.arrays import array_of
from zarrchive.readers.netcdf3.attributes import attributes_of, decoded
from zarrchive.readers.netcdf3.header import Damaged, read_header
from zarrchive.readers.netcdf3.layout import layout_of
from zarrchive.readers.netcdf3.values import read_values
from zarrchive.readers.node_names import free_name
from zarrchive.readers.protocol import Match

if TYPE_CHECKING:
    from zarrchive.location.source import Source
    from zarrchive.manifests import ManifestArray
    from zarrchive.readers.netcdf3.header import Header, Variable
    from zarrchive.readers.netcdf3.layout import Extent, Layout

__all__ = ["NetCDF3Reader"]

_SIGNATURES: Final = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
_COMPARE: Final = "compare the file with the original: it was cut off, or its header is damaged"


@dataclass(frozen=True, slots=True)
class NetCDF3Reader:
    """Map the variables of a netCDF classic file; only its header is read.

    Values of a record lie together, so that each record is at least one chunk, except where
    only one variable has records.
    """

    name: str = "netcdf3"
    formats: tuple[str, ...] = ("netCDF-3",)
    contiguous_chunk_nbytes: int | None = LARGEST_RUN
    """Values that follow one another and take more bytes are cut into chunks of at most so many,
    where such chunks fit. None: they stay one chunk."""

    def match(self, head: bytes, url: str) -> Match:  # noqa: ARG002 - the signature decides alone
        return Match.YES if head.startswith(_SIGNATURES) else Match.NO

    def read(
        self,
        source: Source,
        *,
        group: str | None = None,
        inline: frozenset[str] | None = frozenset(),
    ) -> ManifestGroup:
        if (group or "").strip("/"):
            raise FormatError(_no_group(source, group or ""))
        try:
            header, head = read_header(source)
            layout = layout_of(header, source.size)
        except Damaged as error:
            raise FormatError(
                Problem(
                    code="netcdf3-damaged",
                    where=source.file.url,
                    what=f"it is no netCDF classic file that can be used: {error}",
                    hint=_COMPARE,
                )
            ) from None
        return _File(source, header, layout, self.contiguous_chunk_nbytes).group(head, inline)


@dataclass(slots=True)
class _File:
    source: Source
    header: Header
    layout: Layout
    largest_run: int | None
    problems: list[Problem] = field(default_factory=list)

    def group(self, head: bytes, inline: frozenset[str] | None) -> ManifestGroup:
        """Return everything of the file; `head` is its beginning."""
        self._tell_what_is_left_over()
        dimensions = self._names([one.name for one in self.header.dimensions], "dimension")
        names = self._names([one.name for one in self.header.variables], "variable")
        found = list(zip(names, self.header.variables, self.layout.extents, strict=True))
        usable = [item for item in found if self._is_whole(item[0], item[2])]
        wanted = [
            (name, extent)
            for name, variable, extent in usable
            if _is_wanted(name, variable, dimensions, inline)
            and extent.count * extent.nbytes <= WANTED
        ]
        read = read_values(self.source, head, [extent for _, extent in wanted])
        values = dict(zip([name for name, _ in wanted], read, strict=True))
        arrays: dict[str, ManifestArray] = {}
        for name, variable, extent in usable:
            array = self._array(name, variable, extent, dimensions, values.get(name))
            if array is not None:
                arrays[name] = array
        attributes = attributes_of(self.header.attributes, lambda what: self._warn("/", what))
        return ManifestGroup(arrays=arrays, attributes=attributes, problems=tuple(self.problems))

    def _array(
        self,
        name: str,
        variable: Variable,
        extent: Extent,
        dimensions: list[str],
        values: bytes | None,
    ) -> ManifestArray | None:
        attributes = attributes_of(variable.attributes, lambda what: self._warn(f"/{name}", what))
        try:
            return array_of(
                name,
                variable.dtype,
                extent,
                dimensions=[dimensions[place] for place in variable.dimensions],
                attributes=attributes,
                file=self.source.file,
                values=values,
                largest_run=self.largest_run,
            )
        except (ValueError, TypeError, KeyError) as error:
            what = f"Zarr cannot describe it: {' '.join(str(error).split())}"
            hint = "read this variable with another library; all others can be used"
            self._refuse("netcdf3-no-zarr", name, what, hint)
            return None

    def _names(self, raw: list[bytes], kind: str) -> list[str]:
        """Return the names of dimensions or variables, no two of which are the same."""
        names: list[str] = []
        taken: set[str] = set()
        for one in raw:
            wanted = decoded(one, f"the name of a {kind}", lambda what: self._warn("/", what))
            name = free_name(wanted, taken) if kind == "variable" else wanted
            while name in taken:
                name += "_"
            if name != wanted:
                self._warn(
                    f"/{name}",
                    f"the name {wanted!r} is reserved in Zarr, or is that of another {kind}; "
                    f"this one is called {name!r}",
                )
            names.append(name)
            taken.add(name)
        return names

    def _is_whole(self, name: str, extent: Extent) -> bool:
        """Say whether all values of a variable are there, and tell of it if they are not."""
        size = self.source.size
        if extent.end <= size:
            return True
        what = f"its values reach byte {extent.end}, but the file has {size} bytes"
        if extent.count > 1:
            n_whole = max(0, (size - extent.begin - extent.nbytes) // extent.stride + 1)
            what += f": {n_whole} of {extent.count} records are there"
        self._refuse("netcdf3-truncated", name, what, _COMPARE)
        return False

    def _tell_what_is_left_over(self) -> None:
        if self.layout.n_left_over:
            self._warn(
                "/",
                f"its header does not say how many records there are; the file has room for "
                f"{self.layout.n_records}, and {self.layout.n_left_over} bytes more",
            )

    def _refuse(self, code: str, name: str, what: str, hint: str) -> None:
        where = self.source.file.url
        self.problems.append(
            Problem(code=code, where=where, what=what, hint=hint, variable=f"/{name}")
        )

    def _warn(self, variable: str, what: str) -> None:
        self.problems.append(
            Problem(
                code="netcdf3-oddity",
                where=self.source.file.url,
                what=what,
                hint="compare it with what the data provider documents",
                variable="" if variable == "/" else variable,
                severity="warning",
            )
        )


def _is_wanted(
    name: str, variable: Variable, dimensions: list[str], inline: frozenset[str] | None
) -> bool:
    if inline is not None:
        return name in inline
    return [dimensions[place] for place in variable.dimensions] == [name]


def _no_group(source: Source, group: str) -> Problem:
    return Problem(
        code="netcdf3-no-group",
        where=source.file.url,
        what=f"group {group!r} was asked for, but netCDF classic files have no groups",
        hint="leave out the group, or choose another file",
        variable=group,
    )
