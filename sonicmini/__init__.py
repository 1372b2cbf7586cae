"""CMS's Mini-AOD production chain with inference as a service."""

__version__ = "0.1.0"
