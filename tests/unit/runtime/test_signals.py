"""Signals that end a process tidily."""

import os
import signal
import time

import pytest

from pipeline.runtime.signals import Terminated, sigterm_raises


def test_a_second_sigterm_does_not_interrupt_the_closing_of_the_first() -> None:
    closed = []
    with pytest.raises(Terminated), sigterm_raises():  # noqa: PT012
        try:
            with sigterm_raises():  # as a run has it, within that of the command line
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(1)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)
            closed.append(True)
    assert closed == [True]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
