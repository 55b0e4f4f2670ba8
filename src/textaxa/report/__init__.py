"""Pages that people read: a model's report as one HTML file, and the skeleton that other pages share.

In come tested rows, answers and probabilities (`Material`); out go a plain dict with every number (`payload`) and the
page that shows it (`html_page`). NumPy only; the script of the page comes ready with the package and is built in
``frontend/report``.
"""

from textaxa.report._document import check_page_file, document, generator, write_page
from textaxa.report._html import Html, element, joined, json_block
from textaxa.report._material import Material, sample
from textaxa.report._page import html_page
from textaxa.report._payload import payload
from textaxa.report._payload_coverage import HEADLINE
from textaxa.report._payload_promise import CONFIDENCE

__all__ = [
    "CONFIDENCE",
    "HEADLINE",
    "Html",
    "Material",
    "check_page_file",
    "document",
    "element",
    "generator",
    "html_page",
    "joined",
    "json_block",
    "payload",
    "sample",
    "write_page",
]
