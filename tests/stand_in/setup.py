# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""A stand-in for Microsoft's `communication` extension: the same name, commands registered the way generated (aaz)
extensions do. It only says who it is.
"""

from setuptools import find_packages, setup

setup(name="communication", version="1.0.0", description="Stand-in for tests.", packages=find_packages(),
      package_data={"azext_communication": ["azext_metadata.json"]})
