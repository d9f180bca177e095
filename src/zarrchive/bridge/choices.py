"""What a caller wants of the variables of a hierarchy: which are loaded, dropped, decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zarrchive.bridge.selection import Selection
from zarrchive.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from zarrchive.bridge.decoding import DecodeTimes
    from zarrchive.manifests import ManifestArray, ManifestGroup

__all__ = ["Choices"]


@dataclass(frozen=True, slots=True)
class Choices:
    """The arguments that all open functions share, understood."""

    load: Selection | None
    """None: the dimension coordinates."""
    drop: Selection
    decode_times: DecodeTimes

    @classmethod
    def of(
        cls,
        loadable_variables: str | Iterable[str] | None,
        drop_variables: str | Iterable[str] | None,
        decode_times: DecodeTimes | None,
    ) -> Self:
        """Understand the arguments of an open function; raises as `Selection.of`."""
        load = (
            None
            if loadable_variables is None
            else Selection.of(loadable_variables, argument="loadable_variables")
        )
        drop = Selection.of(drop_variables, argument="drop_variables")
        return cls(load, drop, True if decode_times is None else decode_times)

    def inline(self) -> frozenset[str] | None:
        """Return the names of the variables whose values a reader is to keep."""
        if self.load is None or self.load.is_everything:
            return None
        return self.load.last_names()

    def check(self, groups: Iterable[tuple[str, ManifestGroup]], *, path: str, where: str) -> None:
        """Refuse variables to load that are nowhere in `groups`.

        Raises
        ------
        ManifestError
            ``variable-unknown``.
        """
        if self.load is None:
            return
        problems = self.load.problems_of_unknown(
            groups, path=path, where=where, argument="loadable_variables"
        )
        if problems:
            raise ManifestError(*problems)

    def kept(self, group: ManifestGroup, path: str) -> dict[str, ManifestArray]:
        """Return the arrays of the group at `path` that are not dropped."""
        return {n: array for n, array in group.arrays.items() if not self.drop.has(path, n)}

    def loaded(self, dims: Mapping[str, tuple[str, ...]], path: str) -> set[str]:
        """Return the names of the variables to load in the group at `path`."""
        if self.load is None:
            return {name for name, names in dims.items() if names == (name,)}
        return {name for name in dims if self.load.has(path, name)}
