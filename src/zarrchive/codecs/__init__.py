"""Codecs: what the filters of each format are in Zarr."""

from zarrchive.codecs.registry import register

__all__: list[str] = []

register()
