"""All metadata documents of a hierarchy in one, as zarr reads them without listing anything.

Listing is slow in fsspec's reference file system, and in zarr before 3.3 it finds nothing in
groups below the root: without this document a hierarchy would read as empty groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zarrchive.writers.plan import ReferencePlan
    from zarrchive.writers.protocol import ZarrFormat

__all__ = ["consolidated_v2", "documents_of"]


def consolidated_v2(plan: ReferencePlan) -> dict[str, Any]:
    """Return the ``.zmetadata`` document."""
    documents = {
        node.key(name): document for node in plan.nodes for name, document in node.documents.items()
    }
    return {"zarr_consolidated_format": 1, "metadata": documents}


def documents_of(plan: ReferencePlan, zarr_format: ZarrFormat) -> list[dict[str, Any]]:
    """Return the documents of each node by key, the consolidated ones with those of the root."""
    every = [{node.key(name): doc for name, doc in node.documents.items()} for node in plan.nodes]
    if every and zarr_format == 2:
        every[0][".zmetadata"] = consolidated_v2(plan)
    elif every:
        metadata = {node.path: node.documents["zarr.json"] for node in plan.nodes if node.path}
        consolidated = {"kind": "inline", "must_understand": False, "metadata": metadata}
        every[0]["zarr.json"] = {**every[0]["zarr.json"], "consolidated_metadata": consolidated}
    return every
