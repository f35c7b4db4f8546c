# SPDX-License-Identifier: MIT

"""The distribution `communication-identity`."""

from pathlib import Path

from setuptools import find_packages, setup

VERSION = "1.0.0b2"

# Whoever publishes the extension sets these three. `dev.py release` checks them.
URL = ""  # of the repository, such as https://github.com/OWNER/REPOSITORY
AUTHOR_EMAIL = ""
OWNERS = ""  # who reviews changes, as in .github/CODEOWNERS, such as @OWNER or @OWNER/TEAM

CLASSIFIERS = [
    "Development Status :: 4 - Beta",
    "Intended Audience :: Developers",
    "Intended Audience :: System Administrators",
    "Programming Language :: Python",
    "Programming Language :: Python :: 3",
    "Programming Language :: Python :: 3.9",
    "Programming Language :: Python :: 3.10",
    "Programming Language :: Python :: 3.11",
    "Programming Language :: Python :: 3.12",
    "Programming Language :: Python :: 3.13",
    "Programming Language :: Python :: 3.14",
    "License :: OSI Approved :: MIT License",
]

# azure-mgmt-communication: `az extension add` installs the newest version within the bounds next to the CLI, whose own
# azure-core and azure-mgmt-core win at import time. 2.2.0 and later need azure-mgmt-core 1.6.0, which the oldest CLI
# that we support (azext.minCliCoreVersion, 2.67.0) does not ship; 2.1.0 needs 1.3.2, which it does. 2.1.0 speaks
# api-version 2023-04-01, the first stable one whose PATCH takes the identity block, and 2.0.0 an older one.
# azure-mgmt-msi and azure-mgmt-authorization are not listed: every azure-cli ships them.
DEPENDENCIES = ["azure-mgmt-communication>=2.1.0,<2.2.0"]

HERE = Path(__file__).parent

setup(
    name="communication-identity",
    version=VERSION,
    description="Manage managed identities of Azure Communication Services resources.",
    long_description="\n\n".join((HERE / name).read_text(encoding="utf-8") for name in ("README.md", "HISTORY.rst")),
    long_description_content_type="text/markdown",
    license="MIT",
    author="the communication-identity developers",
    author_email=AUTHOR_EMAIL or None,
    url=URL or None,
    classifiers=CLASSIFIERS,
    packages=find_packages(exclude=["*.tests", "*.tests.*"]),
    package_data={"azext_communication_identity": ["azext_metadata.json"]},
    python_requires=">=3.9",
    install_requires=DEPENDENCIES,
)
