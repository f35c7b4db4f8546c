# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The pictures: where one command's time goes, and a fleet's writes against the throttle's limit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

Data = Mapping[str, Any]
mpl.rcParams |= {"svg.hashsalt": "communication-identity", "font.size": 10}  # the same data, the same file
_COLOURS = ("#b8bfc6", "#7f8c99", "#0b6bcb", "#e8a33d", "#2f9e6e", "#8e5bb5", "#dfe3e6")


def draw_stages(data: Data, path: Path) -> None:
    """A bar for each command, of the median time of each stage."""
    stages = data["stages"]
    names = list(stages)
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    left = [0.0] * len(names)
    for colour, stage in zip(_COLOURS, next(iter(stages.values()))[0], strict=True):
        widths = [median([run[stage] for run in stages[name]]) * 1000 for name in names]
        axes.barh(names, widths, left=left, color=colour, label=stage, height=0.6)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for name, end in zip(names, left, strict=True):
        axes.annotate(f"{end:.0f} ms", (end, name), xytext=(4, 0), textcoords="offset points", va="center")
    axes.invert_yaxis()
    axes.set_xlim(0, max(left) * 1.1)
    axes.set_xlabel("milliseconds (sum of the medians of each stage, with a stop watch inside)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    _save(figure, path)


def draw_fleet(data: Data, path: Path) -> None:
    """Writes granted over time, and the most that the bucket grants."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    full = data["ideal"] - data["patch_seconds"]  # the last write begins
    axes.plot([0, 0, full], [0, data["bucket"], data["resources"]], color="#c0392b", linestyle="--",
              label="the most that the bucket grants")
    for verb, colour in (("assign", "#0b6bcb"), ("remove", "#2f9e6e")):
        granted = sorted(data[verb]["granted"])
        axes.step(granted, range(1, len(granted) + 1), where="post", color=colour, label=f"{verb} --ids")
    axes.axvline(data["ideal"], color="#7f8c99", linestyle=":", label=f"ideal end, {data['ideal']:.0f} s")
    axes.set_xlabel("seconds")
    axes.set_ylabel("writes granted")
    axes.set_ylim(0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None}, facecolor="white")
