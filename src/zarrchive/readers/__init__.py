"""Readers: bytes of a file in, a hierarchy of virtual arrays out."""

from zarrchive.readers.detect import Format, detect, format_of, sniff
from zarrchive.readers.open import read_group, read_source
from zarrchive.readers.protocol import Match, Reader

__all__ = ["Format", "Match", "Reader", "detect", "format_of", "read_group", "read_source", "sniff"]
