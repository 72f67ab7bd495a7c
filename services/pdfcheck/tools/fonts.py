"""Chinese fonts for documents that bring none: those of a wheel (Noto, OFL), for a sandboxed process reads no others.

Without them a page whose fonts are not embedded, as word processors save it by default, would be drawn empty.
"""

import ctypes
from functools import cache
from pathlib import Path

import pylopdf_fonts_zh_cn
import pypdfium2.raw as pdfium_c

FOLDER = Path(pylopdf_fonts_zh_cn.__file__).parent
SANS = str(FOLDER / "NotoSansSC-Regular.otf")


@cache
def install() -> object:
    """Start pdfium anew with these fonts instead of the machine's, while no document is open; what is returned it
    goes on using.
    """
    path = ctypes.create_string_buffer(str(FOLDER).encode())
    paths = (ctypes.POINTER(ctypes.c_char) * 2)(ctypes.cast(path, ctypes.POINTER(ctypes.c_char)))  # ends with a null
    config = pdfium_c.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=paths, m_pIsolate=None, m_v8EmbedderSlot=0)
    pdfium_c.FPDF_DestroyLibrary()
    pdfium_c.FPDF_InitLibraryWithConfig(config)
    return path, paths, config
