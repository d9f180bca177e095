"""Reader of netCDF classic files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from zarrchive.errors import FormatError, Problem
from zarrchive.manifests import ManifestGroup
from zarrchive.readers.contiguous_runs import LARGEST_RUN
from zarrchive.readers.netcdf3.attributes import attributes_of
from zarrchive.readers.netcdf3.header import Damaged, read_header
from zarrchive.readers.netcdf3.layout import layout_of
from zarrchive.readers.netcdf3.model import Choices, model_of
from zarrchive.readers.netcdf3.values import read_values
from zarrchive.readers.protocol import Match

if TYPE_CHECKING:
    from zarrchive.errors import Severity
    from zarrchive.location.source import Source
    from zarrchive.manifests import ManifestArray
    from zarrchive.readers.netcdf3.header import Header
    from zarrchive.readers.netcdf3.model import Model, VariableModel

__all__ = ["NetCDF3Reader"]

_SIGNATURES: Final = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
_COMPARE: Final = "compare the file with the original: it was cut off, or its header is damaged"


@dataclass(frozen=True, slots=True)
class NetCDF3Reader:
    """Map the variables of a netCDF classic file; only its header is read.

    Values of a record lie together, so that each record is at least one chunk, except where
    only one variable has records. Files that list their variables in the same bytes, as those of
    a series do, share what is made of that list.
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
        choices = Choices(inline, self.contiguous_chunk_nbytes)
        try:
            return _File(source).group(choices)
        except Damaged as error:
            raise FormatError(
                Problem(
                    code="netcdf3-damaged",
                    where=source.file.url,
                    what=f"it is no netCDF classic file that can be used: {error}",
                    hint=_COMPARE,
                )
            ) from None


@dataclass(slots=True)
class _File:
    source: Source
    problems: list[Problem] = field(default_factory=list)

    def group(self, choices: Choices) -> ManifestGroup:
        """Return everything of the file; raises `Damaged`."""
        header, head = read_header(self.source)
        model = self._model(header, choices)
        for path, what in model.warnings:
            self._warn(path, what)
        usable = [variable for variable in model.variables if self._is_usable(variable)]
        held = [variable for variable in usable if variable.is_held]
        read = read_values(self.source, head, [variable.extent for variable in held])
        values = {one.name: found for one, found in zip(held, read, strict=True)}
        arrays: dict[str, ManifestArray] = {}
        for variable in usable:
            if variable.array is None:
                continue
            if variable.is_held:
                arrays[variable.name] = variable.array.holding(values[variable.name])
            else:
                arrays[variable.name] = variable.array.referring(self.source.file)
        attributes = attributes_of(header.attributes, lambda what: self._warn("", what))
        return ManifestGroup(arrays=arrays, attributes=attributes, problems=tuple(self.problems))

    def _model(self, header: Header, choices: Choices) -> Model:
        layout = layout_of(header.dimensions, header.variables, header.length)
        n_records = header.n_records
        if n_records is None:
            n_records, n_left_over = layout.room(self.source.size)
            if n_left_over:
                self._warn(
                    "",
                    "its header does not say how many records there are; the file has room for "
                    f"{n_records}, and {n_left_over} bytes more",
                )
        return model_of(header.dimensions, header.variables, layout, n_records, choices)

    def _is_usable(self, variable: VariableModel) -> bool:
        """Say whether a variable can be used, and tell of it if it cannot."""
        name, extent, size = variable.name, variable.extent, self.source.size
        if variable.array is None:
            hint = "read this variable with another library; all others can be used"
            self._tell("netcdf3-no-zarr", f"/{name}", variable.refusal, hint)
            return False
        if extent.end <= size:
            return True
        what = f"its values reach byte {extent.end}, but the file has {size} bytes"
        if extent.count > 1:
            n_whole = max(0, (size - extent.begin - extent.nbytes) // extent.stride + 1)
            what += f": {n_whole} of {extent.count} records are there"
        self._tell("netcdf3-truncated", f"/{name}", what, _COMPARE)
        return False

    def _warn(self, path: str, what: str) -> None:
        hint = "compare it with what the data provider documents"
        self._tell("netcdf3-oddity", path, what, hint, "warning")

    def _tell(
        self, code: str, path: str, what: str, hint: str, severity: Severity = "error"
    ) -> None:
        self.problems.append(
            Problem(
                code=code,
                where=self.source.file.url,
                what=what,
                hint=hint,
                variable=path,
                severity=severity,
            )
        )


def _no_group(source: Source, group: str) -> Problem:
    return Problem(
        code="netcdf3-no-group",
        where=source.file.url,
        what=f"group {group!r} was asked for, but netCDF classic files have no groups",
        hint="leave out the group, or choose another file",
        variable=group,
    )
