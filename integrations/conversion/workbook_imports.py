"""All that reading a workbook imports, at once: a job can open no file (see `worker`)."""

from __future__ import annotations

import openpyxl
import openpyxl.cell.rich_text
import openpyxl.reader.excel
import openpyxl.worksheet._read_only
import openpyxl.worksheet._reader

__all__ = ["openpyxl"]
