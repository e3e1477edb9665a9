"""A run's changes as one transaction: hold, open, place, commit, show, close; or abort, or recover.

PROTOCOL.md beside this file states the steps and which guard each test watches.
"""
