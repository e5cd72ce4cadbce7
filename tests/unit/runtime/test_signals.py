"""Signals that end a process tidily."""

import os
import signal
import threading
import time

import pytest

from pipeline.runtime import signals
from pipeline.runtime.signals import HungUp, Terminated, check, held, signals_raise


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.01)


def test_a_second_sigterm_does_not_interrupt_the_closing_of_the_first() -> None:
    closed = []
    with pytest.raises(Terminated), signals_raise():  # noqa: PT012
        try:
            with signals_raise():  # as a run has it, within that of the command line
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(1)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)
            closed.append(True)
    assert closed == [True]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize(
    ("number", "kind"),
    [(signal.SIGTERM, Terminated), (signal.SIGINT, KeyboardInterrupt), (signal.SIGHUP, HungUp)],
)
def test_what_is_held_is_not_cut_in_two(number: int, kind: type[KeyboardInterrupt]) -> None:
    done = []
    with pytest.raises(kind) as raised, signals_raise(), held():  # noqa: PT012
        with held():
            send(number)
        done.append("inner")
        send(number)
        done.append("outer")
    assert done == ["inner", "outer"]
    assert signals.exit_code(raised.value) == 128 + number


def test_a_check_raises_within_what_is_held() -> None:
    with pytest.raises(Terminated), signals_raise(), held():  # noqa: PT012
        send(signal.SIGTERM)
        check()
        pytest.fail("it was to be raised")


def test_what_a_finalizer_swallows_is_raised_again(capsys: pytest.CaptureFixture[str]) -> None:
    class Finalized:
        def __del__(self) -> None:
            send(signal.SIGTERM)

    went_on = []
    with pytest.raises(Terminated), signals_raise():  # noqa: PT012
        one = Finalized()
        del one
        went_on.append(True)
        with held():
            went_on.append(True)
        pytest.fail("it was to be raised")
    assert went_on == [True, True]
    assert capsys.readouterr().err == ""


def test_who_insists_is_heard_though_something_is_held_or_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(KeyboardInterrupt), signals_raise(), held():  # noqa: PT012
        send(signal.SIGTERM)
        time.sleep(0.2)
        send(signal.SIGINT)
        pytest.fail("it was to be raised")
    with pytest.raises(Terminated), signals_raise():  # noqa: PT012
        try:
            send(signal.SIGINT)
        except KeyboardInterrupt:
            signals.leave()
            send(signal.SIGTERM)
            time.sleep(0.2)
            send(signal.SIGTERM)
            pytest.fail("it was to be raised")


def test_other_threads_neither_hold_nor_are_interrupted() -> None:
    entered, left = threading.Event(), threading.Event()

    def hold() -> None:
        with held():
            entered.set()
            left.wait(10)
            check()

    thread = threading.Thread(target=hold)
    with pytest.raises(Terminated), signals_raise():  # noqa: PT012
        thread.start()
        entered.wait(10)
        try:
            send(signal.SIGTERM)
            pytest.fail("it was to be raised")
        finally:
            left.set()
            thread.join()


def test_what_came_in_a_block_is_not_raised_after_it() -> None:
    with pytest.raises(Terminated), signals_raise():
        send(signal.SIGTERM)
    check()
    with held():
        pass
