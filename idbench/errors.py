"""Errors a user can meet. Each message is one line: what was expected, what was found, what to do.

IdbenchError                 anything idbench reports on purpose (CLI exit code 1)
├── ConfigError              options or a config file that do not fit together
├── UnknownNameError         a name no registry knows (with a suggestion)
├── SuiteError               a suite that cannot be read or does not hold what it must
│   └── MissingDataError     data that must be fetched first
├── HubError                 the Hugging Face hub could not be asked, or did not deliver
├── WeightsError             weights that are absent, damaged, or not what they claim to be
├── MissingPackageError      an optional package that is not installed
├── UnreadableImageError     an image that cannot be decoded (recorded as an outcome, never fatal)
├── RunError                 a run directory that cannot be used
└── StorageError             the disk refused a write
"""

__all__ = [
    "ConfigError",
    "HubError",
    "IdbenchError",
    "MissingDataError",
    "MissingPackageError",
    "RunError",
    "StorageError",
    "SuiteError",
    "UnknownNameError",
    "UnreadableImageError",
    "WeightsError",
]


class IdbenchError(Exception):
    """Base of every error that idbench raises on purpose."""


class ConfigError(IdbenchError):
    """Options or a configuration file do not fit together."""


class UnknownNameError(IdbenchError):
    """No registry entry has this name."""


class SuiteError(IdbenchError):
    """A suite cannot be read or does not hold what it must."""


class MissingDataError(SuiteError):
    """A suite's data is not on this machine yet."""


class HubError(IdbenchError):
    """The Hugging Face hub could not be asked, or did not deliver."""


class WeightsError(IdbenchError):
    """Weights are absent, damaged, or not what they claim to be."""


class MissingPackageError(IdbenchError):
    """An optional package is needed and not installed."""


class UnreadableImageError(IdbenchError):
    """An image cannot be decoded; the pipeline records this as an outcome."""


class RunError(IdbenchError):
    """A run directory cannot be used as asked."""


class StorageError(IdbenchError):
    """The disk refused a write."""
