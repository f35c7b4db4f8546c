# SPDX-License-Identifier: MIT
"""What dev.py does, a file for each command. Standard library only."""
