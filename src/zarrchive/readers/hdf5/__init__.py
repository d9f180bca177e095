"""HDF5, and netCDF4, which is made of it."""

from zarrchive.readers.hdf5.reader import HDF5Reader

__all__ = ["HDF5Reader"]
