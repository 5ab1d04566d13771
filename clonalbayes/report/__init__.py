"""The page of a result: one HTML file that works without a network, with every figure and table in it."""

from clonalbayes.report.page import make_page, write_report

__all__ = ["make_page", "write_report"]
