"""Every codec of this package, made known to zarr and numcodecs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numcodecs
import zarr.registry

from zarrchive.codecs.bitshuffle import BitshuffleCodec
from zarrchive.codecs.blosc import BloscCodec
from zarrchive.codecs.blosc2 import Blosc2Codec
from zarrchive.codecs.by_length import UnlessRawCodec
from zarrchive.codecs.crop import CropCodec
from zarrchive.codecs.lz4 import LZ4Codec
from zarrchive.codecs.lzf import LZFCodec
from zarrchive.codecs.nbit import NBitCodec
from zarrchive.codecs.partial_integer import PartialIntegerCodec
from zarrchive.codecs.reverse import ReverseCodec
from zarrchive.codecs.scaleoffset import ScaleOffsetCodec
from zarrchive.codecs.shuffle import TailedShuffleCodec
from zarrchive.codecs.szip import SZipCodec
from zarrchive.codecs.zfp import ZFPCodec

if TYPE_CHECKING:
    from zarrchive.codecs.filter_codec import ZarrCodec

__all__ = ["CODECS", "register"]

CODECS: Final[tuple[type[ZarrCodec], ...]] = (
    BitshuffleCodec,
    BloscCodec,
    Blosc2Codec,
    LZ4Codec,
    LZFCodec,
    NBitCodec,
    PartialIntegerCodec,
    ReverseCodec,
    ScaleOffsetCodec,
    SZipCodec,
    TailedShuffleCodec,
    UnlessRawCodec,
    ZFPCodec,
)
"""Those from bytes to bytes; what numcodecs knows is the `implementation` of each.

`CropCodec` is not among them: it needs the shape of a chunk, so that it is for Zarr v3 alone.
"""


def register() -> None:
    """Register all codecs; more than once is no harm.

    Other software finds them through the entry points of the installed package. This is for
    this process, which may run from a source tree that is not installed.
    """
    for codec in CODECS:
        name = codec.implementation.codec_id
        numcodecs.register_codec(codec.implementation, codec_id=name)
        zarr.registry.register_codec(name, codec)
    zarr.registry.register_codec(CropCodec.codec_id, CropCodec)
