"""The nodes of a hierarchy as the interface shows them: tree rows and cards."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.combine.contents import dims_of
from zarrchive.combine.texts import codec_texts, dtype_text
from zarrchive.manifests.chunk_lengths import length_labels
from zarrchive.manifests.chunk_manifest import INLINE
from zarrchive.session.plain import attribute_text, problem_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestArray, ManifestGroup

__all__ = [
    "array_card",
    "children_of",
    "find_array",
    "find_group",
    "group_card",
    "refused_card",
    "search",
]

_MAX_FOUND: Final = 500
_MAX_FILES: Final = 100


def find_group(root: ManifestGroup, path: str) -> ManifestGroup | None:
    """Return the group at an absolute path, or None."""
    here: ManifestGroup | None = root
    for part in path.strip("/").split("/"):
        if part and here is not None:
            here = here.groups.get(part)
    return here


def find_array(root: ManifestGroup, path: str) -> ManifestArray | None:
    """Return the array at an absolute path, or None."""
    folder, _, name = path.rpartition("/")
    group = find_group(root, folder)
    return None if group is None else group.arrays.get(name)


def children_of(
    root: ManifestGroup, path: str, unpicked: Collection[str]
) -> list[dict[str, Any]] | None:
    """Return the rows below one group, arrays first; None if there is no such group."""
    group = find_group(root, path)
    return None if group is None else list(_rows(group, path, unpicked))


def _rows(group: ManifestGroup, path: str, unpicked: Collection[str]) -> Iterator[dict[str, Any]]:
    base = path.rstrip("/")
    for name, array in group.arrays.items():
        here = f"{base}/{name}"
        found = sum(problem.variable == here for problem in group.problems)
        yield _array_row(here, array, found, here not in unpicked)
    unlisted = {name for name in _refused(group, base) if name not in group.arrays}
    for name in sorted(unlisted):
        yield _refused_row(f"{base}/{name}")
    for name, child in group.groups.items():
        yield _group_row(f"{base}/{name}", child)


def _refused(group: ManifestGroup, base: str) -> Iterator[str]:
    """Names of variables of this group that could not be mapped at all."""
    for problem in group.problems:
        folder, _, name = problem.variable.rpartition("/")
        is_here = problem.variable and folder == base and problem.severity == "error"
        if is_here and name not in group.groups:
            yield name


def _refused_row(path: str) -> dict[str, Any]:
    return {
        "path": path,
        "name": path.rpartition("/")[2],
        "kind": "array",
        "children": 0,
        "dtype": "",
        "shape": [],
        "dims": [],
        "problems": 1,
        "picked": False,
        "refused": True,
    }


def _array_row(path: str, array: ManifestArray, problems: int, picked: bool) -> dict[str, Any]:  # noqa: FBT001 - a row
    return {
        "path": path,
        "name": path.rpartition("/")[2],
        "kind": "array",
        "children": 0,
        "dtype": dtype_text(array.dtype),
        "shape": list(array.shape),
        "dims": list(dims_of(array)),
        "problems": problems,
        "picked": picked,
    }


def _group_row(path: str, group: ManifestGroup) -> dict[str, Any]:
    return {
        "path": path,
        "name": path.rpartition("/")[2],
        "kind": "group",
        "children": len(group.arrays) + len(group.groups),
        "dtype": "",
        "shape": [],
        "dims": [],
        "problems": len(group.all_problems()),
        "picked": False,
    }


def search(root: ManifestGroup, text: str, unpicked: Collection[str]) -> list[dict[str, Any]]:
    """Return the nodes whose name, attribute name or attribute value contains `text`."""
    wanted = text.strip().casefold()
    found: list[dict[str, Any]] = []
    if not wanted:
        return found
    for path, group in root.walk():
        name = path.rpartition("/")[2]
        if path != "/" and (wanted in name.casefold() or _mentions(group.attributes, wanted)):
            found.append(_group_row(path, group))
        base = path.rstrip("/")
        for child, array in group.arrays.items():
            if wanted in child.casefold() or _mentions(array.attributes, wanted):
                here = f"{base}/{child}"
                count = sum(problem.variable == here for problem in group.problems)
                found.append(_array_row(here, array, count, here not in unpicked))
        if len(found) >= _MAX_FOUND:
            break
    return found[:_MAX_FOUND]


def _mentions(attributes: Any, wanted: str) -> bool:  # noqa: ANN401 - a mapping of anything
    return any(
        wanted in str(key).casefold() or wanted in attribute_text(value).casefold()
        for key, value in attributes.items()
    )


def group_card(group: ManifestGroup, path: str) -> dict[str, Any]:
    """Return everything that is known of one group."""
    dims: dict[str, int] = {}
    for array in group.arrays.values():
        dims.update(zip(dims_of(array), map(int, array.shape), strict=False))
    return {
        "kind": "group",
        "path": path,
        "dims": dims,
        "attributes": _attributes(group.attributes),
        "counts": {"arrays": len(group.arrays), "groups": len(group.groups)},
        "problems": [problem_json(problem) for problem in group.problems],
    }


def refused_card(path: str, problems: tuple[Problem, ...]) -> dict[str, Any]:
    """Return what is known of a variable that could not be mapped: why not."""
    return {
        "kind": "array",
        "path": path,
        "refused": True,
        "dtype": "",
        "shape": [],
        "dims": [],
        "chunks": [],
        "nchunks": 0,
        "stored_chunks": 0,
        "missing": 0,
        "inlined": 0,
        "stored_bytes": 0,
        "decoded_bytes": 0,
        "codecs": [],
        "fill_value": "",
        "attributes": [],
        "files": [],
        "problems": [problem_json(problem) for problem in problems],
    }


def array_card(array: ManifestArray, path: str, problems: tuple[Problem, ...]) -> dict[str, Any]:
    """Return everything that is known of one array."""
    manifest = array.manifest
    return {
        "kind": "array",
        "path": path,
        "dtype": dtype_text(array.dtype),
        "shape": list(array.shape),
        "dims": list(dims_of(array)),
        "chunks": length_labels(array.chunk_lengths),
        "nchunks": manifest.size,
        "stored_chunks": manifest.nrefs,
        "missing": manifest.size - manifest.nstored,
        "inlined": int(np.count_nonzero(manifest.stored().path_id == INLINE)),
        "stored_bytes": int(manifest.stored().length.sum(dtype=np.uint64)),
        "decoded_bytes": prod(array.shape) * array.dtype.itemsize,
        "codecs": codec_texts(array),
        "fill_value": attribute_text(array.metadata.fill_value),
        "attributes": _attributes(array.attributes),
        "files": [{"url": file.url} for file in manifest.files[:_MAX_FILES]],
        "nfiles": len(manifest.files),
        "problems": [problem_json(problem) for problem in problems],
    }


def _attributes(attributes: Any) -> list[list[str]]:  # noqa: ANN401 - a mapping of anything
    return [[attribute_text(str(key)), attribute_text(value)] for key, value in attributes.items()]
