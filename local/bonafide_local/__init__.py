"""An AWS on one machine for Bonafide: an emulator, and fakes that analyse the pictures.

Run it with ``python -m bonafide_local serve``. See the README beside this package.
"""

__all__ = ["__version__"]
__version__ = "0.1.0"
