"""Self-contained web pages: one look for the article, the walk through a model and the explorer.

Nothing is fetched when a page is read: styles, scripts, pictures and formulas lie within it.
"""

from icnewton.pages.render import render
from icnewton.pages.words import number, percent

__all__ = ["number", "percent", "render"]
