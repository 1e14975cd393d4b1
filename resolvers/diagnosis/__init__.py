"""Diagnosis: why the tickets of a request would not open the gate, and what to do about it.

The gate's own checks over all tickets of a request, each at every place that it lets into; what keeps an unconfirmed
request from becoming tickets; and what a guest may stumble over although nothing is wrong. Any number of requests takes
the same number of statements.
"""

from .findings import Finding, diagnose

__all__ = ["Finding", "diagnose"]
