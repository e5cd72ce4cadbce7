"""The threads that send: what the runs of a process, and of one that is forked, have of each other."""

import os

from pipeline.track.spool import sender


def test_a_forked_process_has_its_turn_though_a_thread_was_sending() -> None:
    with sender._turn:
        child = os.fork()
        if child == 0:
            os._exit(0 if sender._turn.acquire(timeout=1) else 1)
    assert os.waitpid(child, 0)[1] == 0
