"""The rules of conf/config.yaml's section `sweep`."""

from typing import Literal

from pipeline.config.scores import OF_AN_EXPORT
from pipeline.config.search_rules import Search
from pipeline.schema import PositiveInt, Section


class Sweep(Section):
    """Resuming, models and limits of a sweep."""

    resume: Literal["auto", "off"]
    keep: Literal["all", "best", "none"]
    max_failures: PositiveInt | None
    max_trials: PositiveInt


def check_search(search: Search, sweep: Sweep) -> None:
    """Checks the section `search` against the section `sweep`.

    Args:
        search: The section `search`.
        sweep: The section `sweep`.

    Raises:
        ValueError: Keys of the two exclude each other.
    """
    if search.study_name is not None and sweep.resume == "off":
        raise ValueError(
            "search.study_name: a named study always resumes; give another name, or leave sweep.resume at auto"
        )
    for name in search.objectives or []:
        if name in OF_AN_EXPORT and sweep.keep != "all":
            raise ValueError(
                f"sweep.keep: {sweep.keep} does not export all trials, which {name} needs; set sweep.keep=all"
            )
