# SPDX-License-Identifier: MIT
# op_names.py: prints the names of the operator table, one a line: op_names.py src/ops/ops.def
import re
import sys

for name in re.findall(r"^OP\((\w+),", open(sys.argv[1]).read(), re.M):
    print(name)
