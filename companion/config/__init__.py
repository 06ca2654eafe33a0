"""Where knead keeps its files, and what the user has set.

Precedence: flag > KNEAD_* > config file > default. A wrong value stops a command and names its place, its key and
what is allowed. An unknown key is only a warning, so that a file of a newer version can still be read.
"""

from companion.config.file import forget_setting as forget_setting
from companion.config.file import write_setting as write_setting
from companion.config.keys import KEYS as KEYS
from companion.config.keys import THEMES as THEMES
from companion.config.places import Paths as Paths
from companion.config.places import find_paths as find_paths
from companion.config.settled import DEFAULTS as DEFAULTS
from companion.config.settled import Settings as Settings
from companion.config.settled import load_settings as load_settings
from companion.config.settled import resolve as resolve
