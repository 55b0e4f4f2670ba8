"""Tables in memory, each in the form in which it came: pandas, polars, Arrow, `datasets`, lists of mappings.

A frame and columns to add come in; a frame of the same kind comes out, its index and its other columns kept, and not
copied where the library can share them. Nothing is imported that the caller has not imported already, but pyarrow for
what only offers its rows as Arrow (DuckDB).
"""

from textaxa.frames._added import Added
from textaxa.frames._kinds import FrameKind, kind_of, splits_of

__all__ = ["Added", "FrameKind", "kind_of", "splits_of"]
