"""The Zarr codec that undoes each HDF5 filter, by the client data values of the filter.

Each function takes the values as the file has them and the size of the data before the filter.
It returns a codec document, or None where nothing has to be undone, and raises ValueError, with
the cause in words, where no codec can do it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from zarrchive.codecs.bitshuffle import Bitshuffle
from zarrchive.codecs.blosc import Blosc
from zarrchive.codecs.blosc2 import Blosc2
from zarrchive.codecs.lz4 import LZ4
from zarrchive.codecs.lzf import LZF
from zarrchive.codecs.nbit import NBit, runs_of_type
from zarrchive.codecs.scaleoffset import ScaleOffset
from zarrchive.codecs.shuffle import TailedShuffle
from zarrchive.codecs.szip import SZip
from zarrchive.codecs.zfp import ZFP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.codecs.filter_codec import CodecDocument

__all__ = [
    "Size",
    "bitshuffle",
    "blosc",
    "blosc2",
    "bzip2",
    "deflate",
    "fletcher32",
    "lz4",
    "lzf",
    "nbit",
    "quantized",
    "scaleoffset",
    "shuffle",
    "szip",
    "zfp",
    "zstd",
]


class Size(NamedTuple):
    """How many bytes some data have."""

    nbytes: int
    is_exact: bool = True
    """False: at most `nbytes`."""

    @property
    def settings(self) -> dict[str, int]:
        """How a codec is told."""
        return {"nbytes" if self.is_exact else "max_nbytes": self.nbytes}

    def exactly(self) -> int:
        """Return the number of bytes, where it is known."""
        if not self.is_exact:
            raise ValueError("it follows another filter, and the size of the data is not known")
        return self.nbytes


def _at(values: Sequence[int], index: int, default: int) -> int:
    return values[index] if index < len(values) else default


def _signed(value: int) -> int:
    """Return a number that HDF5 stores as unsigned, as it was meant."""
    return value - 2**32 if value >= 2**31 else value


def deflate(values: Sequence[int], _size: Size) -> CodecDocument:
    """Filter 1: values are the level."""
    return {"name": "numcodecs.zlib", "configuration": {"level": min(_at(values, 0, 6), 9)}}


def shuffle(values: Sequence[int], size: Size) -> CodecDocument:
    """Filter 2: values are the size of an element."""
    itemsize = _at(values, 0, 0)
    if itemsize < 1:
        raise ValueError("the file does not say for which element size it was applied")
    if size.is_exact and size.nbytes % itemsize == 0:
        return {"name": "numcodecs.shuffle", "configuration": {"elementsize": itemsize}}
    return TailedShuffle(elementsize=itemsize).document


def fletcher32(_values: Sequence[int], _size: Size) -> CodecDocument:
    """Filter 3: no values."""
    return {"name": "numcodecs.fletcher32", "configuration": {}}


def szip(values: Sequence[int], size: Size) -> CodecDocument:
    """Filter 4: options, pixels per block, bits per pixel, pixels per scan line."""
    if len(values) < 4:
        raise ValueError(f"it has {len(values)} parameters, not 4")
    return SZip(
        options_mask=values[0],
        pixels_per_block=values[1],
        bits_per_pixel=values[2],
        pixels_per_scanline=values[3],
        **size.settings,
    ).document


def nbit(values: Sequence[int], size: Size) -> CodecDocument | None:
    """Filter 5: number of values, whether all bits are used, elements, then the datatype."""
    if len(values) < 2 or values[0] != len(values):
        raise ValueError(f"it has {len(values)} parameters, and says that they are {values[:1]}")
    if values[1]:
        return None
    itemsize, runs = runs_of_type(values[3:])
    return NBit(nbytes=size.exactly(), itemsize=itemsize, runs=runs).document


_SCALE_FLOATS, _SCALE_INTEGERS = 0, 2


def scaleoffset(values: Sequence[int], size: Size) -> CodecDocument | None:
    """Filter 6: method, its number, elements, class, size, sign, byte order, fill value."""
    if len(values) < 20:
        raise ValueError(f"it has {len(values)} parameters, not 20")
    method, number, count, is_float, itemsize, is_signed, is_big, has_fill = values[:8]
    flags = (is_float, is_signed, is_big, has_fill)
    if max(flags) > 1:  # HDF5 takes them for what they are not, one way or the other
        raise ValueError(f"its class, sign, byte order and fill value are {flags}, not 0 or 1 each")
    if method != (_SCALE_FLOATS if is_float else _SCALE_INTEGERS):
        raise ValueError(f"method {method} is not known for {'floats' if is_float else 'integers'}")
    if not is_float and number == 8 * itemsize:
        return None  # all bits were asked for, and HDF5 does nothing
    if count * itemsize != size.exactly():
        raise ValueError(f"it is for {count} elements of {itemsize} bytes, not {size.nbytes} bytes")
    order = "|" if itemsize == 1 else (">" if is_big else "<")
    kind = "f" if is_float else ("i" if is_signed else "u")
    words = values[8:] if has_fill else ()
    fill = sum(word << 32 * place for place, word in enumerate(words)) % 256**itemsize
    return ScaleOffset(
        nbytes=size.nbytes,
        dtype=f"{order}{kind}{itemsize}",
        decimals=_signed(number) if is_float else None,
        fill=fill if has_fill else None,
    ).document


def bzip2(values: Sequence[int], _size: Size) -> CodecDocument:
    """Filter 307: the block size in 100 kB, which is the level."""
    level = min(max(_at(values, 0, 9), 1), 9)
    return {"name": "numcodecs.bz2", "configuration": {"level": level}}


def lzf(_values: Sequence[int], size: Size) -> CodecDocument:
    """Filter 32000: revisions and the size of the chunk, which the decoder knows better."""
    return LZF(**size.settings).document


_BLOSC_NAMES: Final = ("blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd")
_BLOSC_SHUFFLES: Final = ("noshuffle", "shuffle", "bitshuffle")


def blosc(values: Sequence[int], size: Size) -> CodecDocument:
    """Filter 32001: revision, version, type size, chunk size, level, shuffle, compressor."""
    compressor = _at(values, 6, 0)
    if compressor >= len(_BLOSC_NAMES):
        raise ValueError(f"its compressor number {compressor} is not part of blosc")
    if _BLOSC_NAMES[compressor] == "snappy":  # which the blosc of zarr lacks
        return Blosc(**size.settings).document
    return {
        "name": "blosc",
        "configuration": {
            "typesize": max(1, _at(values, 2, 1)),
            "cname": _BLOSC_NAMES[compressor],
            "clevel": min(_at(values, 4, 5), 9),
            "shuffle": _BLOSC_SHUFFLES[min(_at(values, 5, 1), 2)],
            "blocksize": 0,
        },
    }


def lz4(_values: Sequence[int], size: Size) -> CodecDocument:
    """Filter 32004: the size of a block, which the data have too."""
    return LZ4(**size.settings).document


_BITSHUFFLE_COMPRESSIONS: Final = {0: None, 2: "lz4", 3: "zstd"}


def bitshuffle(values: Sequence[int], size: Size) -> CodecDocument:
    """Filter 32008: version (2 values), element size, elements of a block, compression."""
    compression = _at(values, 4, 0)
    if compression not in _BITSHUFFLE_COMPRESSIONS:
        raise ValueError(f"its compression number {compression} is not known")
    return Bitshuffle(
        itemsize=_at(values, 2, 0),
        # With compression the data say how large a block is, and 0 stands for the usual number.
        blocksize=None if compression else _at(values, 3, 0) or None,
        compression=_BITSHUFFLE_COMPRESSIONS[compression],
        nbytes=size.nbytes if size.is_exact else None,
        max_nbytes=None if size.is_exact else size.nbytes,
    ).document


def zfp(values: Sequence[int], size: Size) -> CodecDocument:
    """Filter 32013: versions, then the header of zfp itself."""
    return ZFP(header=tuple(values[1:]), **size.settings).document


def zstd(values: Sequence[int], _size: Size) -> CodecDocument:
    """Filter 32015: the level."""
    # The level matters for writing only; 1 to 22 are the levels that every reader accepts.
    level = min(max(_signed(_at(values, 0, 3)), 1), 22)
    return {"name": "zstd", "configuration": {"level": level, "checksum": False}}


def blosc2(_values: Sequence[int], size: Size) -> CodecDocument:
    """Filter 32026: settings and the shape of the chunk, which the data have too."""
    return Blosc2(**size.settings).document


def quantized(_values: Sequence[int], _size: Size) -> None:
    """Undo nothing: these filters round floats when they write."""
