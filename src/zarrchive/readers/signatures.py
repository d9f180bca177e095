"""What a file is, by its first bytes: for display, and to say what cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HDF5_SIGNATURE", "Format", "sniff"]

HDF5_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
"""HDF5 File Format Specification 3.0, §II.A: at byte 0, 512, 1024, 2048, ..."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file."""

    key: str
    """Short identifier: ``hdf5``, ``netcdf3``, ``html``."""
    title: str
    """What people call it: ``netCDF-3 (classic)``."""
    hint: str
    """What to do with a file of this kind that no reader can read."""
    holds_data: bool = True
    """Whether arrays are to be expected in such a file."""


_INSTALL: Final = "install a plug-in that reads it, or convert the file to netCDF-4"
_NOT_DATA: Final = "choose the data file that belongs to it"
_UNPACK: Final = "unpack it, and open the file that was in it"

_HDF5: Final = Format("hdf5", "HDF5 or netCDF-4", _INSTALL)
_EMPTY: Final = Format(
    "empty",
    "empty",
    "fetch the file again; the transfer probably failed",
    holds_data=False,
)
_HTML: Final = Format(
    "html",
    "an HTML page, probably a login or error page saved instead of the data",
    "open the address in a browser, sign in, and download the file again",
    holds_data=False,
)
_XML: Final = Format("xml", "an XML document", _NOT_DATA, holds_data=False)
_JSON: Final = Format("json", "a JSON document", _NOT_DATA, holds_data=False)
_LFS: Final = Format(
    "git-lfs",
    "a Git LFS pointer, not the file itself",
    "run `git lfs pull` in the repository, or download the file itself",
    holds_data=False,
)
_TEXT: Final = Format("text", "plain text", _NOT_DATA, holds_data=False)
_ZEROS: Final = Format(
    "zeros",
    "nothing but zero bytes at its beginning",
    "fetch the file again; the transfer or the disk probably failed",
    holds_data=False,
)

_MAGIC: Final[tuple[tuple[bytes, Format], ...]] = (
    (b"CDF\x01", Format("netcdf3", "netCDF-3 (classic)", _INSTALL)),
    (b"CDF\x02", Format("netcdf3", "netCDF-3 (64-bit offset)", _INSTALL)),
    (b"CDF\x05", Format("netcdf3", "netCDF-3 (64-bit data, CDF-5)", _INSTALL)),
    (b"GRIB", Format("grib", "GRIB", _INSTALL)),
    (b"BUFR", Format("bufr", "BUFR", _INSTALL)),
    (b"II*\x00", Format("tiff", "TIFF", _INSTALL)),
    (b"MM\x00*", Format("tiff", "TIFF", _INSTALL)),
    (b"II+\x00", Format("tiff", "BigTIFF", _INSTALL)),
    (b"MM\x00+", Format("tiff", "BigTIFF", _INSTALL)),
    (b"SIMPLE  =", Format("fits", "FITS", _INSTALL)),
    (b"\x0e\x03\x13\x01", Format("hdf4", "HDF4", _INSTALL)),
    (b"\xcd\xf3\x00\x01", Format("cdf", "NASA CDF", _INSTALL)),
    (b"\xcd\xf2\x60\x02", Format("cdf", "NASA CDF", _INSTALL)),
    (b"\x93NUMPY", Format("npy", "NumPy", _INSTALL)),
    (b"MATLAB 5.0 MAT-file", Format("mat5", "MATLAB 5", _INSTALL)),
    (b"PAR1", Format("parquet", "Parquet", _INSTALL)),
    (
        b"PK\x03\x04",
        Format("zip", "a zip archive", "open a member as zip://member.nc::/path/to/archive.zip"),
    ),
    (b"PK\x05\x06", Format("zip", "an empty zip archive", _NOT_DATA, holds_data=False)),
    (b"\x1f\x8b", Format("gzip", "compressed with gzip", _UNPACK)),
    (b"BZh", Format("bzip2", "compressed with bzip2", _UNPACK)),
    (b"\xfd7zXZ\x00", Format("xz", "compressed with xz", _UNPACK)),
    (b"\x28\xb5\x2f\xfd", Format("zstd", "compressed with Zstandard", _UNPACK)),
    (b"\x1f\x9d", Format("compress", "compressed with compress (.Z)", _UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", Format("7z", "a 7z archive", _UNPACK)),
    (b"%PDF-", Format("pdf", "a PDF document", _NOT_DATA, holds_data=False)),
    (b"\x89PNG\r\n", Format("png", "a PNG picture", _NOT_DATA, holds_data=False)),
    (b"\xff\xd8\xff", Format("jpeg", "a JPEG picture", _NOT_DATA, holds_data=False)),
    (b"version https://git-lfs.github.com/spec/", _LFS),
)
_TAR: Final = Format("tar", "a tar archive", _UNPACK)
_HTML_START: Final = re.compile(
    rb"(?:<\?xml[^>]*>|<!--.*?-->|\s)*<(?:!doctype\s+html|html|head|body|title|meta|script)\b",
    re.IGNORECASE | re.DOTALL,
)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def sniff(head: bytes) -> Format | None:
    """Name the format of a file by its first bytes; None if they are of no known kind.

    Parameters
    ----------
    head
        The first bytes, 4096 of them or the whole file if it is shorter.
    """
    if not head:
        return _EMPTY
    for start in (0, 512, 1024, 2048):
        if head.startswith(HDF5_SIGNATURE, start):
            return _HDF5
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar":
        return _TAR
    if not any(head):
        return _ZEROS
    return _kind_of_text(head)


def _kind_of_text(head: bytes) -> Format | None:
    text = head.removeprefix(b"\xef\xbb\xbf")
    if _CONTROL.search(text) or not _is_utf8(text):
        return None
    for is_kind, kind in _TEXT_KINDS:
        if is_kind(text.lstrip()):
            return kind
    return _TEXT


_TEXT_KINDS: Final[tuple[tuple[Callable[[bytes], object], Format], ...]] = (
    (_HTML_START.match, _HTML),
    (lambda text: text.startswith((b"<?xml", b"<")), _XML),
    (lambda text: text.startswith((b"{", b"[")), _JSON),
)


def _is_utf8(head: bytes) -> bool:
    """Tell whether the bytes are UTF-8; a character cut off at the end does not count."""
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data" and error.start >= len(head) - 3
    return True
