# SPDX-License-Identifier: MIT
# namesakes.py: one name, one thing. Refuses, over the headers, the library, plain C and the command
# line, two types of one name, two functions with linkage of one name, and a type that is called like a
# function. What a .c file keeps to itself is free: its statics, and its types unless they begin with
# pdessm_. Two definitions in one file are two sides of a condition. See lint.sh.
import pathlib
import re
import sys

FOLDERS = ["include", "src", "fallback", "tools/pdessm-cl"]
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
# struct NAME {, and typedefs that are no second name of their own tag.
TAG = re.compile(r"\b(?:struct|union|enum)\s+(\w+)\s*\{")
TYPEDEF = re.compile(r"^typedef\b(?:[^;{}]|\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})*?"
                     r"(?:\(\s*\*\s*(\w+)\s*\)\s*\([^;]*\)|\b(\w+))\s*;", re.M)
# A definition at the left margin; FALLBACK(name)(..) has linkage too, once for each instruction set.
FUNCTION = re.compile(r"^(?!static\b|typedef\b|struct \w+ \{|enum\b|else\b)[A-Za-z_][\w \t*\n]*?"
                      r"\b(\w+|FALLBACK\(\w+\))\s*\((?:[^;{}()]|\([^()]*\))*\)\s*\{", re.M)


def blank(match):
    """As many lines as there were, so that numbers of lines stay."""
    return "\n" * match[0].count("\n")


def definitions(path):
    """(kind, name, line) of the types and of the functions with linkage that a file defines."""
    text = DIRECTIVE.sub(blank, COMMENT.sub(blank, path.read_text(encoding="utf-8")))
    types = {}
    for match in TAG.finditer(text):
        types.setdefault(match[1], match.start())
    for match in TYPEDEF.finditer(text):
        name = match[1] or match[2]
        if not re.match(r"typedef\s+(struct|union|enum)\s+%s\s" % name, match[0]):
            types.setdefault(name, match.start())
    found = [("type", name, start) for name, start in types.items()]
    found += [("function", match[1], match.start(1)) for match in FUNCTION.finditer(text)]
    return [(kind, name, text.count("\n", 0, start) + 1) for kind, name, start in found]


def main():
    first = {}
    failed = 0
    for folder in FOLDERS:
        for path in sorted(pathlib.Path(folder).rglob("*.[ch]")):
            for kind, name, line in definitions(path):
                if kind == "type" and path.suffix == ".c" and not name.startswith("pdessm_"):
                    continue
                known = first.setdefault(name, (kind, path, line))
                if known[1] != path or known[0] != kind:
                    print("%s:%d: the %s %s is also the %s of %s:%d" % (path, line, kind, name, *known))
                    failed = 1
    return failed


sys.exit(main())
