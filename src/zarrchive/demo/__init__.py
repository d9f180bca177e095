"""Files to try things on: netCDF4 as archives have it, made in seconds, nothing downloaded."""

from zarrchive.demo.folder import demo_files, make_demo

__all__ = ["demo_files", "make_demo"]
