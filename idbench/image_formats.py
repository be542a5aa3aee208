"""Which image formats are read, and what other bytes look like.

HEIC and JPEG XL are read where their Pillow plug-ins (`pillow-heif`, `pillow-jxl-plugin`) are installed.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec

__all__ = ["FORMATS", "SUFFIXES", "looks_like", "plugin_formats", "suffixes_with_plugins", "unread_format"]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "AVIF")
"""Formats that are always read, as Pillow names them. Multi-picture JPEGs (MPO) are opened as JPEG."""

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".avif"}
)
"""Lower-case suffixes of these formats."""

PLUGINS = {"HEIC": ("pillow_heif", "HEIF", "pillow-heif"), "JPEG XL": ("pillow_jxl", "JXL", "pillow-jxl-plugin")}
"""Format -> module of the Pillow plug-in that reads it, Pillow's name for it, and the package to install."""

PLUGIN_SUFFIXES = {"HEIC": (".heic", ".heif", ".hif"), "JPEG XL": (".jxl",)}

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

_BEGINNINGS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"8BPS", "Photoshop"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"\0\0\1\0", "icon"),
    (b"qoif", "QOI"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "zip archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"PAR1", "parquet"),
    (b"\x93NUMPY", "numpy array"),
    (b"\x1aE\xdf\xa3", "WebM or Matroska video"),
)

_TEXTS = (
    ("version https://git-lfs", "Git LFS pointer, the file itself was not fetched"),
    ("/annex/objects/", "git-annex pointer, the file itself was not fetched"),
    ("<svg", "SVG"),
    ("<!doctype html", "HTML page"),
    ("<html", "HTML page"),
    ("<?xml", "XML"),
    ("data:image/", "data URI"),
    ("{", "JSON"),
)


def looks_like(data: bytes) -> str:
    """What encoded bytes are by their beginning, in words; `unknown bytes` where nothing fits."""
    for beginning, name in _BEGINNINGS:
        if data.startswith(beginning):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in (b"avif", b"avis"):
            return "AVIF"
        return "HEIC" if brand in _HEIC_BRANDS else "MP4 video"
    if len(data) > 2 and data[:1] == b"P" and data[1:2] in b"1234567" and data[2:3].isspace():
        return "PPM"
    return _looks_like_text(data[:4096])


def _looks_like_text(beginning: bytes) -> str:
    if not any(beginning):
        return "only zero bytes"
    try:
        text = beginning.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(beginning) - 4:
            return "unknown bytes"
        text = beginning[: error.start].decode("utf-8-sig")
    if any(ord(character) < 32 and not character.isspace() for character in text):
        return "unknown bytes"
    lowered = text.lstrip().lower()
    for mark, name in _TEXTS:
        if mark in lowered[:1024] if mark.startswith(("<", "/")) else lowered.startswith(mark):
            return name
    return "text"


@cache
def plugin_formats() -> tuple[str, ...]:
    """Formats read by installed plug-ins, as Pillow names them; the plug-ins are registered."""
    found = []
    for module, name, _ in PLUGINS.values():
        if find_spec(module) is not None:
            plugin = import_module(module)
            if hasattr(plugin, "register_heif_opener"):
                plugin.register_heif_opener()
            found.append(name)
    return tuple(found)


def suffixes_with_plugins() -> frozenset[str]:
    """Lower-case suffixes of every format that is read here."""
    here = plugin_formats()
    more = (PLUGIN_SUFFIXES[name] for name, (_, pillow_name, _) in PLUGINS.items() if pillow_name in here)
    return SUFFIXES.union(*more)


def unread_format(data: bytes) -> str:
    """Why Pillow does not know bytes for an image, in one clause."""
    found = looks_like(data)
    names = ("JPEG", "PNG", "WebP", "BMP", "TIFF", "GIF", "PPM", "AVIF")
    if found in names:
        return f"damaged: begins like {found}, and cannot be decoded"
    how = f"; 'pip install {PLUGINS[found][2]}' adds it" if found in PLUGINS else ""
    return f"not a format idbench reads (looks like {found}; {', '.join(names)} are read{how})"
