from lugnut.diagnosis import doctor as doctor
from lugnut.errors import LugnutError as LugnutError
from lugnut.library import cache_directory as cache_directory
from lugnut.library import check_environment as check_environment
from lugnut.library import clean_cache as clean_cache
from lugnut.library import install as install
from lugnut.library import lock as lock
from lugnut.library import prune_cache as prune_cache
from lugnut.library import recover as recover
from lugnut.library import sync as sync
from lugnut.library import uninstall as uninstall
from lugnut.reading import freeze as freeze
from lugnut.reading import list_installed as list_installed
from lugnut.reading import show as show
from lugnut.reading import tree as tree
from lugnut.settings import Report as Report

__version__: str
__all__ = [
    "LugnutError",
    "Report",
    "__version__",
    "cache_directory",
    "check_environment",
    "clean_cache",
    "doctor",
    "freeze",
    "install",
    "list_installed",
    "lock",
    "prune_cache",
    "recover",
    "show",
    "sync",
    "tree",
    "uninstall",
]
