"""Keys of earlier versions: reported on the command line and in files, translated in logged configs."""

from pipeline.config.former.file_keys import Source, in_files
from pipeline.config.former.logged import complete, completed
from pipeline.config.former.renamed import RENAMED, new_key, of_missing_file, old_key, says_new
from pipeline.config.former.translated import with_new_keys
from pipeline.config.former.typed_keys import in_words, with_new_key

__all__ = [
    "RENAMED",
    "Source",
    "complete",
    "completed",
    "in_files",
    "in_words",
    "new_key",
    "of_missing_file",
    "old_key",
    "says_new",
    "with_new_key",
    "with_new_keys",
]
