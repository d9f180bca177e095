"""The explorer as a widget, for notebooks and for the stand-alone page."""

from zarrchive.widgets.explore import explore
from zarrchive.widgets.explorer import Explorer

__all__ = ["Explorer", "explore"]
