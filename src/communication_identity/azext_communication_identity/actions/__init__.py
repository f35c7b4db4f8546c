# SPDX-License-Identifier: MIT
"""What each command does to one resource: a file a command."""
