"""The report: one `.qmd`, one self-contained page."""
