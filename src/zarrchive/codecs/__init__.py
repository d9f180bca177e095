"""Codecs: what the filters of each format are in Zarr."""
