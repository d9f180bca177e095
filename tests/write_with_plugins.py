"""Write a file with every filter of hdf5plugin that has a codec; see the fixture `plugin_file`.

Each case is a group of two datasets: ``stored``, which has the filter, and ``values``, which
holds what h5py reads from it, as some filters round.
"""

from __future__ import annotations

import sys

import h5py
import hdf5plugin
import numpy as np

RANDOM = np.random.default_rng(1)

ANY_DTYPE = {
    "lz4": hdf5plugin.LZ4(),
    "lz4 in small blocks": hdf5plugin.LZ4(nbytes=48),
    "bitshuffle": hdf5plugin.Bitshuffle(cname="none"),
    "bitshuffle in small blocks": hdf5plugin.Bitshuffle(cname="none", nelems=16),
    "bitshuffle lz4": hdf5plugin.Bitshuffle(cname="lz4"),
    "bitshuffle lz4 in small blocks": hdf5plugin.Bitshuffle(cname="lz4", nelems=8),
    "bitshuffle zstd": hdf5plugin.Bitshuffle(cname="zstd", clevel=2),
    "bzip2": hdf5plugin.BZip2(blocksize=3),
    "zstd": hdf5plugin.Zstd(clevel=5),
    "zstd fast": hdf5plugin.Zstd(clevel=-3),
    **{f"blosc {name}": hdf5plugin.Blosc(cname=name) for name in
       ("blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd")},
    "blosc snappy bits": hdf5plugin.Blosc(cname="snappy", shuffle=hdf5plugin.Blosc.BITSHUFFLE),
    **{f"blosc2 {name}": hdf5plugin.Blosc2(cname=name) for name in
       ("blosclz", "lz4", "lz4hc", "zlib", "zstd")},
    "blosc2 delta": hdf5plugin.Blosc2(filters=hdf5plugin.Blosc2.DELTA),
    "blosc2 bits": hdf5plugin.Blosc2(filters=hdf5plugin.Blosc2.BITSHUFFLE),
}  # fmt: skip
NUMBERS = {
    "zfp reversible": hdf5plugin.Zfp(reversible=True),
    "zfp rate": hdf5plugin.Zfp(rate=7.5),
    "zfp precision": hdf5plugin.Zfp(precision=14),
    "zfp accuracy": hdf5plugin.Zfp(accuracy=0.01),
    "zfp expert": hdf5plugin.Zfp(minbits=1, maxbits=16657, maxprec=64, minexp=-1074),
    "zfp padded": hdf5plugin.Zfp(minbits=90, maxbits=120, maxprec=20, minexp=-20),
}
WITHOUT_CODEC = {
    "sz": hdf5plugin.SZ(absolute=0.001),
    "sz3": hdf5plugin.SZ3(absolute=0.001),
    "sperr": hdf5plugin.Sperr(rate=32),
}
DTYPES = {
    "any": ("u1", ">i2", "i4", "f8", "S5", [("a", "<i2"), ("b", "<f4")]),
    "numbers": ("i4", "<i8", "f4", "f8"),
}
SHAPES = (((100,), (40,)), ((9, 1), (9, 1)), ((20, 30), (7, 30)), ((6, 7, 8), (5, 4, 3)))
RANK_4 = (((3, 4, 5, 6), (2, 3, 4, 5)),)


def values_of(shape: tuple[int, ...], dtype, *, smooth: bool) -> np.ndarray:
    size = int(np.prod(shape))
    numbers = np.arange(size) // 3 if smooth else RANDOM.integers(0, 2**31, size)
    dtype = np.dtype(dtype)
    if dtype.fields:
        flat = np.zeros(size, dtype)
        flat["a"], flat["b"] = numbers % 1000, numbers / 7
    elif dtype.kind == "S":
        flat = np.array([b"%d" % (number % 10**5) for number in numbers], dtype)
    else:
        flat = (numbers / (7 if dtype.kind == "f" else 1) % 2**30).astype(dtype)
    return flat.reshape(shape)


def write(
    file: h5py.File, name: str, values: np.ndarray, chunks: tuple[int, ...], keywords
) -> None:
    group = file.create_group(name)
    stored = group.create_dataset("stored", data=values, chunks=chunks, **keywords)
    group["values"] = stored[...]


def main(path: str) -> None:
    # Without a chunk cache, what is read went through the filters.
    with h5py.File(path, "w", rdcc_nbytes=0) as file:
        for kinds, dtypes, shapes in (
            (ANY_DTYPE, DTYPES["any"], SHAPES),
            (NUMBERS, DTYPES["numbers"], SHAPES + RANK_4),
        ):
            for kind, keywords in kinds.items():
                for number, dtype in enumerate(dtypes):
                    for shape, chunks in shapes:
                        smooth = bool((number + len(shape)) % 2)
                        values = values_of(shape, dtype, smooth=smooth)
                        case = f"{number}-{'x'.join(map(str, shape))}"
                        write(file, f"{kind}/{case}", values, chunks, keywords)
        for name, value in {"zeros": 0, "one value": 7, "nan": np.nan}.items():
            for shape in ((500,), (30, 40)):
                values = np.full(shape, value, "f4")
                case = "x".join(map(str, shape))
                write(file, f"blosc2 {name}/{case}", values, shape, hdf5plugin.Blosc2())
        for name, keywords in WITHOUT_CODEC.items():
            values = values_of((60, 100), "f4", smooth=True)
            write(file, f"without codec/{name}", values, (40, 30), keywords)


if __name__ == "__main__":
    main(sys.argv[1])
