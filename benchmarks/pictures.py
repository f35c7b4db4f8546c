# SPDX-License-Identifier: MIT
"""The chart of a fleet against the rate limit. It has no background, and colors that can be read on a white and on a
dark page; text stays text, and the title is what a screen reader reads.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from .fleets import BUCKET, FLEETS
from .measuring import Data

TEXT = "#768390"
ASSIGN, REMOVE = "#1f7ae0", "#c9791c"
mpl.rcParams |= {"svg.hashsalt": "communication-identity", "svg.fonttype": "none", "font.size": 11,  # the same data,
                 "font.family": "sans-serif", "savefig.transparent": True, "text.color": TEXT,  # the same file
                 "axes.labelcolor": TEXT, "axes.edgecolor": TEXT, "xtick.color": TEXT, "ytick.color": TEXT,
                 "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left"}


def draw_fleet(data: Data, path: Path) -> None:
    """Resources completed over time, and the most that the rate limit allows."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    runs = {one.verb: data[name] for name, one in FLEETS.items() if one.shape == "communication"}
    fleet = next(iter(FLEETS.values()))
    axes.plot([fleet.seconds, fleet.seconds, fleet.ideal], [0, BUCKET, fleet.resources], color=TEXT, linestyle="--",
              label="ideal")
    for verb, color, width in (("assign", ASSIGN, 4.0), ("remove", REMOVE, 1.6)):
        completed = runs[verb]["completed"]
        axes.step(completed, range(1, len(completed) + 1), where="post", color=color, linewidth=width,
                  label=f"{verb} --ids")
    axes.set_xlabel("seconds since the command was started")
    axes.set_ylabel("resources completed")
    axes.set_xlim(0)
    axes.set_ylim(0)
    axes.legend(loc="lower right", frameon=False)
    title = (f"{fleet.resources:,} resources: assign takes {runs['assign']['seconds']:.0f} s, remove "
             f"{runs['remove']['seconds']:.0f} s, the rate limit alone {fleet.ideal:.0f} s")
    axes.set_title(title, fontweight="bold", pad=12)
    figure.savefig(path, format="svg", metadata={"Date": None, "Title": title})
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("<svg ", '<svg role="img" ', 1), encoding="utf-8")
