"""What verifying an index needs; what it finds is in the tests of the store and of `indexer`."""

import subprocess
import sys


def test_verifying_does_not_wait_for_torch() -> None:
    """It starts a process for the parts of an index, and another after each damaged one."""
    code = "import sys, engine.retrieval.folder.verification; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
