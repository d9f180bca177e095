"""Where files lie and how their bytes are read: paths, URLs, sources, listings."""

from zarrchive.location.expand import expand
from zarrchive.location.identity import SourceFile, problems_of_change
from zarrchive.location.listing import FolderEntry, Listing, list_folder
from zarrchive.location.opening import open_source
from zarrchive.location.redact import redact, redact_text
from zarrchive.location.source import ByteRange, Request, Source, get_range
from zarrchive.location.url import crumbs, is_local, join, name, normalise, parent

__all__ = [
    "ByteRange",
    "FolderEntry",
    "Listing",
    "Request",
    "Source",
    "SourceFile",
    "crumbs",
    "expand",
    "get_range",
    "is_local",
    "join",
    "list_folder",
    "name",
    "normalise",
    "open_source",
    "parent",
    "problems_of_change",
    "redact",
    "redact_text",
]
