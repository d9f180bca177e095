"""netCDF classic files: the formats of netCDF-3, and CDF-5."""

from zarrchive.readers.netcdf3.reader import NetCDF3Reader

__all__ = ["NetCDF3Reader"]
