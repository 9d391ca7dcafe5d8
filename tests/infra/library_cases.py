"""The test cases of the eventsourcing library, for recorders.

Their module also tests ciphers and for that imports one of a package that we do not need; the
library's cipher of the package that we have stands in while the module is imported.
"""

import sys

import eventsourcing.cryptography

sys.modules["eventsourcing.cipher"] = eventsourcing.cryptography
try:
    from eventsourcing.tests import persistence
finally:
    del sys.modules["eventsourcing.cipher"]

__all__ = ["persistence"]
