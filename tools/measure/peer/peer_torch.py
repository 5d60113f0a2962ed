# SPDX-License-Identifier: MIT
# peer_torch.py: imports what the peer needs, or says how to get it.
import sys

try:
    import safetensors.torch  # noqa: F401
    import torch  # noqa: F401
except ImportError as error:
    sys.exit("%s: %s. The peer needs PyTorch and safetensors in the Python that runs it (%s); outside "
             "of the tree: python3 -m venv ~/peer && ~/peer/bin/pip install torch safetensors numpy, "
             "then run this with ~/peer/bin/python" % (sys.argv[0], error, sys.executable))
