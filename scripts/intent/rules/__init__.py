"""The rule sheets: described once, checked, shown, and tuned in a spreadsheet.

`sheets` describes every column. Reading, checking, the workbook and the docs follow
from it. `parsing` and `checks` are pure; `csv_files`, `workbook` and `writing` touch
the disk.
"""
