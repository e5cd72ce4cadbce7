"""Registers classes of this package as Hydra plugins, without installing a package `hydra_plugins`."""

import importlib
import sys
import types

from hydra.core.plugins import Plugins
from hydra.plugins.plugin import Plugin

MODULE = "hydra_plugins.dense_pipeline"


def register(*plugins: type[Plugin]) -> None:
    """Registers plugins as `hydra_plugins.dense_pipeline.<name>`.

    Hydra 1.3.8 refuses classes outside the package `hydra_plugins`, and looks up a class by its name even if it is
    registered; so each class gets such a name, in a module that exists only in this process.
    """
    try:
        importlib.import_module("hydra_plugins")  # of other distributions
    except ImportError:
        package = types.ModuleType("hydra_plugins")
        package.__path__ = []
        sys.modules["hydra_plugins"] = package
    module = sys.modules.setdefault(MODULE, types.ModuleType(MODULE))
    for plugin in plugins:
        setattr(module, plugin.__name__, plugin)
        home = plugin.__module__
        plugin.__module__ = MODULE
        try:
            Plugins.instance().register(plugin)
        finally:
            plugin.__module__ = home  # other processes import it by this name: third-party launchers pickle all plugins
