"""A hook of the documentation site: formulas between dollars become MathML when a page is built.

Browsers draw MathML by themselves, so that the site needs no script from elsewhere.
"""

import html
import re

from icnewton.pages.words import formula

# what the extension arithmatex makes of $...$ and $$...$$
INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
DISPLAY = re.compile(r'<div class="arithmatex">\\\[(.*?)\\\]</div>', re.DOTALL)


def on_page_content(content: str, **_: object) -> str:
    """The HTML of a page, its formulas as MathML."""

    def typeset(display: bool, found: re.Match[str]) -> str:
        return str(formula(html.unescape(found[1]).strip(), display))

    inline = INLINE.sub(lambda found: typeset(False, found), content)
    return DISPLAY.sub(lambda found: typeset(True, found), inline)
