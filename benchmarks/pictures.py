# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The charts: where one command's time goes, and a fleet against the rate limit. They have no background, and colours
that can be read on a white and on a dark page; text stays text, and the title is what a screen reader reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Data = Mapping[str, Any]
TEXT = "#768390"
COLOURS = ("#768390", "#9a6dd7", "#1f7ae0", "#c9791c", "#2f9e6e", "#d1589a", "#8a8f3c")
mpl.rcParams |= {"svg.hashsalt": "communication-identity", "svg.fonttype": "none", "font.size": 11,  # the same data,
                 "font.family": "sans-serif", "savefig.transparent": True, "text.color": TEXT,  # the same file
                 "axes.labelcolor": TEXT, "axes.edgecolor": TEXT, "xtick.color": TEXT, "ytick.color": TEXT,
                 "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left"}


def draw_stages(data: Data, path: Path) -> None:
    """A bar for each command, of the median time of each stage."""
    stages = data["stages"]
    figure, axes = _chart()
    ends = dict.fromkeys(stages, 0.0)
    for colour, stage in zip(COLOURS, next(iter(stages.values()))[0], strict=True):
        widths = [median(run[stage] for run in stages[name]) * 1000 for name in stages]
        axes.barh(list(stages), widths, left=list(ends.values()), color=colour, label=stage, height=0.6)
        ends = {name: end + width for (name, end), width in zip(ends.items(), widths, strict=True)}
    for name, end in ends.items():
        axes.annotate(f"{end:.0f} ms", (end, name), xytext=(4, 0), textcoords="offset points", va="center")
    axes.invert_yaxis()
    axes.set_xlim(0, max(ends.values()) * 1.1)
    axes.set_xlabel("milliseconds: the sum of the medians of the stages")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    ours, cores = ends["show"], ends["az identity show"]
    _save(figure, axes, path, f"show takes {ours:.0f} ms, az identity show {cores:.0f} ms")


def draw_fleet(data: Data, path: Path) -> None:
    """Resources completed over time, and the most that the rate limit allows."""
    figure, axes = _chart()
    first, last, size = data["patch_seconds"], data["ideal"], data["resources"]
    axes.plot([first, first, last], [0, data["bucket"], size], color=TEXT, linestyle="--", label="ideal")
    for verb, colour, width in (("assign", COLOURS[2], 4.0), ("remove", COLOURS[3], 1.6)):
        completed = data[verb]["completed"]
        axes.step(completed, range(1, len(completed) + 1), where="post", color=colour, linewidth=width,
                  label=f"{verb} --ids")
    axes.set_xlabel("seconds since the command was started")
    axes.set_ylabel("resources completed")
    axes.set_xlim(0)
    axes.set_ylim(0)
    axes.legend(loc="lower right", frameon=False)
    _save(figure, axes, path, f"{size:,} resources: assign takes {data['assign']['seconds']:.0f} s, remove "
                              f"{data['remove']['seconds']:.0f} s, the rate limit alone {last:.0f} s")


def _chart() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9, 4), layout="constrained")
    return figure, figure.subplots()


def _save(figure: Figure, axes: Axes, path: Path, title: str) -> None:
    axes.set_title(title, fontweight="bold", pad=12)
    figure.savefig(path, format="svg", metadata={"Date": None, "Title": title})
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("<svg ", '<svg role="img" ', 1), encoding="utf-8")
