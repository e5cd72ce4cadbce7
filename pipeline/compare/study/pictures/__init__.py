"""The plots of a study; one file per kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.compare.study.pictures import curves, dots, input_norms, learning_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pipeline.compare.study.figures import Line
    from pipeline.config.studies import Study
    from pipeline.track.study_results import StudiedSweep

KINDS = {"curves": curves, "dots": dots, "learning_curves": learning_curves, "inputs": input_norms}


def draw(study: Study, lines: list[Line], sweep: StudiedSweep) -> Mapping[str, Figure]:
    """Draws the plots that the study lists, by name.

    Args:
        study: The study.
        lines: Its figures.
        sweep: Its runs.
    """
    return {kind: KINDS[kind].draw(study, lines, sweep) for kind in study.pictures}
