"""Makes classes of this package plugins of Hydra's, without installing anything where Hydra looks for plugins."""

import importlib
import sys
import types

from hydra.core.plugins import Plugins
from hydra.plugins.plugin import Plugin

MODULE = "hydra_plugins.dense_pipeline"


def register(*plugins: type[Plugin]) -> None:
    """Registers plugins as `hydra_plugins.dense_pipeline.<name>`.

    Hydra 1.3.8 refuses classes outside the package `hydra_plugins`, and looks a class up by its name even though it
    was registered; so they get such a name, in a module that exists in this process only.
    """
    try:
        importlib.import_module("hydra_plugins")  # there are plugins of others
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
            plugin.__module__ = home  # by which other processes import it: launchers of others send all plugins along
