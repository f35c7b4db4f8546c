# SPDX-License-Identifier: MIT
"""Runs what a command does for one resource, or for many at once, and reports the results."""
