"""Admittance: what happens at the gate, and why it would.

``admit`` lets people in and ``depart`` lets them out, each in one transaction; ``explain`` tells what a gate would
say. All of them ask ``gate``, over facts that ``facts`` reads in a number of statements that does not grow with the
tickets; for a moment that has passed, ``past`` undoes what happened since.
"""
