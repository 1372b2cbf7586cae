"""Selections of events by an expression on products: parsed, never executed as Python."""

from sonicmini.skim.selection import Selection, compile_selection

__all__ = ["Selection", "compile_selection"]
