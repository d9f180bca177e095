"""The Zarr v2 spelling of a v3 data type and codec chain, where there is one.

Zarr v2 knows one byte order per data type, a list of filters, one compressor and the memory
orders C and F; its codecs are those of numcodecs. See the Zarr v2 specification, section
"Metadata", https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html#metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numcodecs
import numpy as np
from numcodecs.errors import UnknownCodecError

from zarrchive.errors import Problem, WriteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["V2Encoding", "encode_v2", "v2_encoding"]

Document: TypeAlias = "Mapping[str, Any]"
Order: TypeAlias = Literal["C", "F"]

_BLOSC_SHUFFLES: Final = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}
_OBJECT_CODECS: Final = frozenset({"vlen-utf8", "vlen-bytes"})
_NEVER_COMPRESSOR: Final = frozenset(
    {"shuffle", "fletcher32", "crc32", "crc32c", "adler32", "jenkins_lookup3", *_OBJECT_CODECS}
    | {"zarrchive.shuffle", "zarrchive.nbit", "zarrchive.scaleoffset"}
    | {"zarrchive.partial_integer", "zarrchive.reverse"}
)
"""Codecs that readers look for among the filters, even where they come last."""

_WIDEST: Final = {"f": 8, "c": 16}
"""Bytes of the widest floating point of each kind; wider ones depend on the machine."""


@dataclass(frozen=True, slots=True)
class V2Encoding:
    """How the chunks of one array are encoded, in the words of a ``.zarray`` document."""

    dtype: str | list[Any]
    """NumPy type string, or ``[name, type]`` pairs of a struct."""
    order: Order
    filters: tuple[dict[str, Any], ...]
    """numcodecs configurations in the order of encoding."""
    compressor: dict[str, Any] | None
    """numcodecs configuration of the codec that comes last."""


def v2_encoding(
    codecs: Sequence[Document], dtype: np.dtype[Any], *, where: str, variable: str
) -> V2Encoding:
    """Translate a codec chain of Zarr v3.

    Parameters
    ----------
    codecs
        Codec documents ``{"name": ..., "configuration": {...}}`` in the order of encoding.
    dtype
        Type of the elements. Where the ``bytes`` codec says another byte order for it, the
        codec is right.
    where, variable
        Named in the `Problem`.

    Raises
    ------
    WriteError
        ``v2-dtype``: v2 has no such data type. ``v2-codec``: numcodecs has no such codec.
        ``v2-order``: elements lie in an order other than C and F.
    """
    try:
        return _translated(list(codecs), dtype)
    except _NoCounterpartError as error:
        raise WriteError(
            Problem(
                code=error.code,
                where=where,
                variable=variable,
                what=error.what,
                hint="choose zarr_format=3, or leave this variable out",
            )
        ) from error


def encode_v2(values: np.ndarray[Any, Any], encoding: V2Encoding) -> bytes:
    """Encode one chunk as a reader of Zarr v2 expects it.

    `values` must have the dtype of the encoding (object for variable-length strings); for
    the order F they must lie in that order already.
    """
    chain = list(encoding.filters)
    if encoding.compressor is not None:
        chain.append(encoding.compressor)
    data: Any = values if encoding.dtype == "|O" else values.tobytes(order="A")
    for configuration in chain:
        data = numcodecs.get_codec(dict(configuration)).encode(data)
    return bytes(numcodecs.compat.ensure_bytes(data))


class _NoCounterpartError(Exception):
    def __init__(self, code: str, what: str) -> None:
        super().__init__(code, what)
        self.code = code
        self.what = what


def _translated(codecs: list[Document], dtype: np.dtype[Any]) -> V2Encoding:
    order = _pop_order(codecs)
    if not codecs:
        raise _NoCounterpartError("v2-codec", "the codec chain never turns elements into bytes")
    serializer, *rest = codecs
    name = serializer["name"]
    chain = [_numcodecs_configuration(document) for document in rest]
    type_name: str | list[Any] = "|O"
    if name in _OBJECT_CODECS:
        chain.insert(0, {"id": name})
    elif name == "bytes":
        type_name = _type_name(_stored_dtype(dtype, serializer))
    else:
        raise _NoCounterpartError("v2-codec", f"the codec {name!r} has no counterpart in Zarr v2")
    has_compressor = bool(chain) and chain[-1]["id"] not in _NEVER_COMPRESSOR
    return V2Encoding(
        dtype=type_name,
        order=order,
        filters=tuple(chain[:-1] if has_compressor else chain),
        compressor=chain[-1] if has_compressor else None,
    )


def _pop_order(codecs: list[Document]) -> Order:
    """Remove a leading ``transpose`` codec and return the memory order that it amounts to."""
    if not codecs or codecs[0]["name"] != "transpose":
        return "C"
    axes = list(codecs.pop(0)["configuration"]["order"])
    if axes == sorted(axes):
        return "C"
    if axes == sorted(axes, reverse=True):
        return "F"
    raise _NoCounterpartError(
        "v2-order",
        f"elements are stored with the axes in the order {axes}; Zarr v2 knows C and F order only",
    )


def _stored_dtype(dtype: np.dtype[Any], serializer: Document) -> np.dtype[Any]:
    """Apply the byte order of the ``bytes`` codec; the fields of a struct have their own."""
    endian = _configuration(serializer).get("endian")
    if endian is None or dtype.fields is not None:
        return dtype
    is_big = str(getattr(endian, "value", endian)) == "big"
    return dtype.newbyteorder(">" if is_big else "<")


def _type_name(dtype: np.dtype[Any]) -> str | list[Any]:
    if dtype.subdtype is not None:
        raise _NoCounterpartError(
            "v2-dtype",
            f"elements hold arrays of shape {dtype.shape}, which readers of Zarr v2 refuse",
        )
    if dtype.fields is not None:
        names = dtype.names or ()
        packed = np.dtype([(name, dtype[name]) for name in names])
        if packed != dtype:
            raise _NoCounterpartError(
                "v2-dtype",
                f"the fields of the struct take {dtype.itemsize} bytes, but {packed.itemsize} "
                "without padding, and Zarr v2 cannot say where the padding is",
            )
        return [[name, _type_name(dtype[name])] for name in names]
    is_long = dtype.itemsize > _WIDEST.get(dtype.kind, dtype.itemsize)
    if is_long or dtype.kind not in "biufcSUVMm":
        raise _NoCounterpartError("v2-dtype", f"Zarr v2 has no data type like {dtype}")
    return dtype.str


def _configuration(document: Document) -> dict[str, Any]:
    return dict(document.get("configuration") or {})


def _numcodecs_configuration(document: Document) -> dict[str, Any]:
    name, configuration = str(document["name"]), _configuration(document)
    if name.startswith("numcodecs."):
        translated = {"id": name.removeprefix("numcodecs."), **configuration}
    elif name in _CORE_CODECS:
        translated = _CORE_CODECS[name](configuration)
    else:
        translated = {"id": name, **configuration}
    try:
        numcodecs.get_codec(dict(translated))
    except (UnknownCodecError, ValueError, TypeError, ImportError) as error:
        raise _NoCounterpartError(
            "v2-codec", f"numcodecs has no codec for {name!r} with {configuration}: {error}"
        ) from error
    return translated


def _gzip(configuration: dict[str, Any]) -> dict[str, Any]:
    return {"id": "gzip", "level": configuration.get("level", 5)}


def _zstd(configuration: dict[str, Any]) -> dict[str, Any]:
    # Decoding needs no parameter, and older versions of numcodecs refuse "checksum".
    return {"id": "zstd", "level": configuration.get("level", 0)}


def _blosc(configuration: dict[str, Any]) -> dict[str, Any]:
    shuffle = configuration.get("shuffle", "shuffle")
    return {
        "id": "blosc",
        "cname": str(getattr(configuration["cname"], "value", configuration["cname"])),
        "clevel": configuration["clevel"],
        "shuffle": _BLOSC_SHUFFLES[str(getattr(shuffle, "value", shuffle))],
        "blocksize": configuration.get("blocksize", 0),
    }


def _crc32c(configuration: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - one signature
    # Zarr v3 appends the checksum; numcodecs prepends it unless told.
    return {"id": "crc32c", "location": "end"}


_CORE_CODECS: Final[Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "gzip": _gzip,
    "zstd": _zstd,
    "blosc": _blosc,
    "crc32c": _crc32c,
}
"""The codecs of the Zarr v3 core, which numcodecs configures in other words."""
