"""Runs ranked by validation, and whether the best is the best."""

import dataclasses
import math
import random

import numpy as np
import pytest
from scipy import stats

from pipeline import ConfigError
from pipeline.compare.logged_values import ordered, short
from pipeline.compare.parameter_importance import importance
from pipeline.compare.significance import paired_test, seeds_needed
from pipeline.compare.verdict import verdict
from support.ranked_runs import ranked, replicas, tracked


def test_configurations_are_ranked_by_the_mean_over_their_seeds() -> None:
    found = ranked(*replicas({"0.1": [5, 6, 7], "0.01": [1, 9, 2]}))
    assert [candidate.params for candidate in found.candidates] == [
        {"fit.learning_rate": "0.01"},
        {"fit.learning_rate": "0.1"},
    ]
    best, other = found.candidates
    assert (best.mean, best.deviation) == (4, pytest.approx(np.std([1, 9, 2], ddof=1)))
    assert (other.mean, other.deviation) == (6, 1)
    assert found.varying == ["fit.learning_rate"]
    assert found.labels == {"fit.learning_rate": "learning_rate"}
    assert found.counts() == "6 finished"


def test_the_direction_is_that_of_the_objective() -> None:
    runs = [
        dataclasses.replace(
            tracked(score, number=place, **{"model.units": f"[{place}]"}),  # type: ignore[arg-type]
            metrics={"objective": score, "val_accuracy": score, "val_log_loss": score},
            tags={"objective": "val_accuracy"},
        )
        for place, score in enumerate([0.5, 0.9, 0.7])
    ]
    assert [candidate.mean for candidate in ranked(*runs).candidates] == [0.9, 0.7, 0.5]
    assert [candidate.mean for candidate in ranked(*runs, objective="val_log_loss").candidates] == [0.5, 0.7, 0.9]


def test_test_scores_choose_nothing() -> None:
    """The whole report but for the test figures themselves is the same when test scores change hands."""
    rng = random.Random(0)
    runs = [
        tracked(
            10 + abs(rate - 5) + rng.random(), number=10 * rate + seed, seed=seed, test=rng.uniform(0, 20),
            **{"fit.learning_rate": str(rate)},  # type: ignore[arg-type]
        )
        for rate in range(1, 11)
        for seed in range(3)
    ]  # fmt: skip
    scores = [run.metrics["test_rmse"] for run in runs]
    rng.shuffle(scores)
    permuted = [
        dataclasses.replace(run, metrics=run.metrics | {"test_rmse": score})
        for run, score in zip(runs, scores, strict=True)
    ]
    before, after = ranked(*runs), ranked(*permuted)
    assert [candidate.metric("test_rmse") for candidate in before.candidates] != [
        candidate.metric("test_rmse") for candidate in after.candidates
    ]
    assert [candidate.scores for candidate in before.candidates] == [candidate.scores for candidate in after.candidates]
    assert [candidate.run.id for candidate in before.candidates] == [candidate.run.id for candidate in after.candidates]
    assert verdict(before).text == verdict(after).text
    assert importance(before) == importance(after)


def test_a_ranking_by_test_is_refused() -> None:
    with pytest.raises(ConfigError, match="--objective: test_rmse is not a validation score such as val_rmse"):
        ranked(tracked(1.0), objective="test_rmse")


@pytest.mark.parametrize("objective", ["val_rmse_foo", "val_log_loss"])
def test_a_score_that_no_run_has_is_refused(objective: str) -> None:
    with pytest.raises(ConfigError, match=f"--objective: none of these runs has {objective}; they have val_rmse"):
        ranked(tracked(1.0), objective=objective)


def test_runs_without_a_rank_are_counted_apart() -> None:
    found = ranked(
        tracked(1.0, number=1),
        tracked(None, number=2, status="FAILED", tags={"error": "DataError: no file"}),
        tracked(None, number=3, status="KILLED"),
        tracked(None, number=4, status="RUNNING"),
        tracked(0.1, number=5, tags={"pruned": "true"}),
        tracked(math.nan, number=6),
    )
    assert found.counts() == "1 finished, 1 pruned, 1 failed, 1 killed, 1 running, 1 without a score"
    assert found.candidates[0].run.id.endswith("1")


def test_runs_of_which_none_finished_have_their_own_objective() -> None:
    assert ranked(tracked(None, status="FAILED", tags={"objective": "val_accuracy"})).objective == "val_accuracy"
    early = dataclasses.replace(tracked(None, status="FAILED"), tags={})  # failed before it was known
    assert ranked(early).objective == "objective"


def test_runs_by_another_objective_are_left_out_and_named() -> None:
    found = ranked(tracked(1.0, number=1), tracked(2.0, number=2), tracked(0.9, number=3, tags={"objective": "val_r2"}))
    assert found.notes == [
        "1 with val_r2 left out: 2 are compared by val_rmse; --objective selects another",
        "1 left out: replaced by a later run of the same configuration and seed",
    ]
    assert (found.n_finished, len(found.candidates[0].runs)) == (3, 1)


def test_other_rows_are_another_configuration_and_a_note() -> None:
    found = ranked(tracked(1.0, number=1), tracked(2.0, number=2, tags={"data_fingerprint": "g"}))
    assert len(found.candidates) == 2
    assert found.notes == [
        "these runs used 2 different sets of rows or columns (data_fingerprint): "
        "scores on different rows are not comparable",
    ]


def test_a_key_that_only_some_runs_have_differs() -> None:
    found = ranked(tracked(1.0, number=1, **{"model.width": "3"}), tracked(2.0, number=2))  # type: ignore[arg-type]
    assert [candidate.params for candidate in found.candidates] == [{"model.width": "3"}, {"model.width": ""}]


def test_names_are_as_short_as_they_can_be() -> None:
    runs = [
        tracked(1.0, number=place, **{"a.b.name": name, "c.name": name, "d.e": name})  # type: ignore[arg-type]
        for place, name in enumerate(["x", "y"])
    ]
    assert ranked(*runs).labels == {"a.b.name": "b.name", "c.name": "c.name", "d.e": "e"}


def test_values_are_ordered_by_what_they_mean() -> None:
    assert ordered(["[64, 64]", "[8]", "[100]", "[]"]) == ["[]", "[8]", "[100]", "[64, 64]"]
    assert ordered(["10", "9", "0.5"]) == ["0.5", "9", "10"]
    assert ordered(["sgd", "null", "adam"]) == ["adam", "null", "sgd"]
    assert short("0.004129903248310973") == "0.00413"
    assert short("[64, 64, 64]") == "[64, 64, 64]"


@pytest.mark.parametrize(("effect", "n"), [(0.5, 34), (0.8, 15), (1.0, 10)])
def test_the_number_of_seeds_is_that_of_the_tables(effect: float, n: int) -> None:
    """Cohen 1988, paired t test, two-sided 5 %, power 80 %; as G*Power 3.1 gives it."""
    assert seeds_needed(effect) == n


def test_that_many_seeds_find_the_difference_four_times_in_five() -> None:
    rng = np.random.default_rng(0)
    n = seeds_needed(0.9)
    drawn = rng.normal(0.9, 1, (4000, n))
    assert np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.04)


def test_no_number_of_seeds_settles_nothing() -> None:
    assert seeds_needed(0.0) is None
    assert seeds_needed(0.5, overlap=0.25) is None  # as many as one likes: the training sets overlap


def test_a_clear_difference_is_settled() -> None:
    better, worse = [1.0, 1.2, 0.9, 1.1, 1.3, 1.0], [3.1, 2.9, 3.3, 3.0, 3.2, 2.8]
    found = ranked(*replicas({"0.1": better, "0.01": worse}, split_seed=7))
    against = paired_test(*found.candidates, sign=1)
    expected = stats.ttest_rel(worse, better)
    assert against.p_t == pytest.approx(expected.pvalue)
    assert (against.low, against.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert against.p_wilcoxon == pytest.approx(stats.wilcoxon(np.subtract(worse, better)).pvalue)
    assert not against.splits_vary
    reported = verdict(found)
    assert reported.headline == "The best beats the next beyond seed noise"
    assert "mean of 6 seeds or folds (95 % interval" in reported.text
    assert "p < 0.001; Wilcoxon p = 0.031; effect size" in reported.text


def test_splits_that_overlap_make_the_test_stricter() -> None:
    """Nadeau and Bengio 2003: the variance of the mean is that of one difference times 1 / n + n_val / n_train."""
    better, worse = [1.0, 1.2, 0.9, 1.1, 1.3], [2.0, 1.9, 1.6, 2.2, 1.7]
    found = ranked(*replicas({"0.1": better, "0.01": worse}))
    against = paired_test(*found.candidates, sign=1)
    gains = np.subtract(worse, better)
    t = gains.mean() / (gains.std(ddof=1) * math.sqrt(1 / 5 + 20 / 80))
    assert against.splits_vary
    assert against.p_t == pytest.approx(2 * stats.t.sf(t, 4))
    assert against.p_t > stats.ttest_rel(worse, better).pvalue
    assert "corrected for overlapping training sets" in verdict(found).text


def test_noise_is_reported_as_noise_with_the_seeds_that_would_settle_it() -> None:
    found = ranked(*replicas({"0.1": [1.0, 2.0, 3.0, 1.5], "0.01": [2.0, 1.9, 2.6, 2.1]}, split_seed=0))
    reported = verdict(found)
    needed = reported.rivals[0][1].seeds_needed
    assert needed is not None
    assert reported.headline == "Not settled: within seed noise"
    assert reported.text.endswith(
        f"About {needed} seeds would settle a difference of this size, {needed - 4} more of each."
    )


def test_folds_are_pairs_too() -> None:
    runs = [
        tracked(score + fold, number=10 * place + fold, fold=fold, **{"model.l2": str(place)})  # type: ignore[arg-type]
        for place, score in enumerate([1.0, 1.5])
        for fold in range(4)
    ]
    against = paired_test(*ranked(*runs).candidates, sign=1)
    assert (against.n, against.splits_vary, against.difference) == (4, True, 0.5)


@pytest.mark.parametrize(
    ("scores", "headline", "text"),
    [
        (
            {"1": [1.0], "2": [2.0]},
            "Too few seeds to tell",
            "on one seed or fold in common. Run both with at least 3 seeds",
        ),
        ({"1": [1.0, 2.0], "2": [2.0, 2.5]}, "Too few seeds to tell", "on 2 seeds or folds in common"),
        ({"1": [1.0, 2.0, 3.0], "2": [1.0, 2.0, 3.0]}, "No difference", "choose the smaller or faster one"),
        ({"1": [1.0, 2.0, 3.0], "2": [2.0, 3.0, 4.0]}, "The same difference on every seed", "there is nothing to test"),
        ({"1": [1.0, 2.0]}, "One configuration", "val_rmse 1.5 ± 0.71 over 2 runs; nothing to compare it with"),
        ({}, "Nothing to rank", "No run has finished with a score."),
    ],
)
def test_what_cannot_be_tested_is_said_plainly(scores: dict[str, list[float]], headline: str, text: str) -> None:
    reported = verdict(ranked(*replicas(scores)))
    assert reported.headline == headline
    assert text in reported.text


def test_without_a_common_seed_nothing_is_paired() -> None:
    runs = [tracked(1.0, number=1, seed=1, a="1"), tracked(2.0, number=2, seed=2, a="2")]
    assert "ahead of the next by 1 in val_rmse, but they share no seed or fold" in verdict(ranked(*runs)).text


def test_the_parameter_that_matters_is_found() -> None:
    rng = random.Random(1)
    runs = [
        tracked(
            (math.log10(rate) + 2) ** 2 + 0.1 * rng.random(), number=number,
            **{"fit.learning_rate": str(rate), "fit.optimizer": rng.choice(["adam", "sgd"])},  # type: ignore[arg-type]
        )
        for number, rate in enumerate(10 ** rng.uniform(-4, 0) for _ in range(60))
    ]  # fmt: skip
    found = importance(ranked(*runs))
    assert found is not None
    assert found.explained > 0.8
    assert next(iter(found.shares)) == "fit.learning_rate"
    assert found.shares["fit.learning_rate"] > 0.9
    assert sum(found.shares.values()) == pytest.approx(1)


def test_chance_is_not_importance() -> None:
    rng = random.Random(1)
    runs = [tracked(rng.random(), number=number, a=str(rng.random())) for number in range(40)]
    found = importance(ranked(*runs))
    assert found is not None
    assert not found.is_meaningful
    assert importance(ranked(*runs[:5])) is None


# The page.
