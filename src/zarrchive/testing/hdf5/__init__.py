"""HDF5 files of every kind, damage to them, and h5py as the judge of a reader."""
