"""Load and comparison: measured by hand or by ``make bench``, never in a test."""
