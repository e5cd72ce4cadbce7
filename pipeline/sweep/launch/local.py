"""`hydra/launcher=local`: runs the jobs of a sweep in several processes of this machine."""

from __future__ import annotations

import logging

from hydra.errors import CompactHydraException

from pipeline.errors import ConfigError
from pipeline.runtime.threads import usable_cpus
from pipeline.sweep.launch.devices import divide, visible_gpus
from pipeline.sweep.launch.pool import Pool
from pipeline.sweep.launch.stream import StreamLauncher, Workers

log = logging.getLogger(__name__)


class LocalLauncher(StreamLauncher):
    """Runs jobs in worker processes; each runs many in turn, so that compiled programs are reused."""

    def __init__(self, n_jobs: int | str, trials_per_gpu: int) -> None:
        super().__init__()
        try:
            self._shares = divide(n_jobs, usable_cpus(), visible_gpus(), trials_per_gpu)
        except ConfigError as error:
            raise CompactHydraException(str(error)) from None
        self.n_jobs = len(self._shares)

    def _workers(self) -> Workers:
        gpus = {share.gpu for share in self._shares} - {None}
        log.info(
            "Launching jobs in %d processes, %d threads each%s",
            self.n_jobs,
            self._shares[0].threads,
            f", on {len(gpus)} GPUs" if gpus else "",
        )
        return Pool(self._sweep, self._shares)
