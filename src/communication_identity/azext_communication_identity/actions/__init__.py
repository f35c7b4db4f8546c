# SPDX-License-Identifier: MIT
"""What the commands do: assign, remove and read, for one resource or many. Imports `model` and `arm` only."""
