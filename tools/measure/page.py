# SPDX-License-Identifier: MIT
# page.py: what the generated pages share: tables, numbers, verdicts, where figures come from, and
# writing what was made or saying that it differs.
import math
import re
import sys
import textwrap

from ledger import ROOT

WIDTH = 100  # of lines of prose


def table(head, rows, others="--:"):
    """Lines. The first column is text, the others are numbers, to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + (others + "|") * (len(head) - 1)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def text_table(head, rows):
    """One text, all columns to the left."""
    return "\n".join(table(head, rows, others="---"))


def number(value, digits=3):
    """Three digits that mean something, without an exponent."""
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return format(value, ",.%df" % places)


def whole(value):
    """The nearest whole number, a dash for none."""
    return "-" if value is None else format(round(value), ",")


def verdict(met):
    return {True: "met", False: "**missed**", None: ""}[met]


def source_line(result, before=None):
    """Machine, commit and command behind a section, in italics; before: the commit compared with."""
    s = result["source"]
    versus = ", before: `%s`" % before if before else ""
    hours = "; %.1f core hours, beside other work" % result["hours"] if "hours" in result else ""
    return ["*%s, %d cores, %s; commit `%s`%s; %s; `%s`%s.*" % (
        s["machine"], s["cores"], s["system"], s["commit"], versus, s["date"], s["command"], hours), ""]


def assemble(head, sections, results):
    """The page: head, then a section for each part, {name: function}; unmeasured ones by name."""
    out = list(head)
    for part, section in sections.items():
        out += section() if part in results else ["*Not measured yet: %s.*" % part, ""]
    return "\n".join(out).rstrip("\n") + "\n"


def fill(lines, indent):
    """One paragraph in lines of at most WIDTH columns; a short piece of code stays in one of them."""
    text = re.sub(r"`[^`]{1,60}`", lambda code: code[0].replace(" ", "\0"), " ".join(lines))
    return [line.replace("\0", " ") for line in textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)]


def wrap(text):
    """A page with its prose in lines of at most WIDTH columns. Tables, pictures, headings, comments and
    code (indented or fenced) stay as they are; an item of a list is a paragraph."""
    out, paragraph, fenced = [], [], False
    for line in text.split("\n") + [""]:
        fenced ^= line.startswith("```")
        item = line.startswith("- ")
        plain = line and not fenced and not line.startswith(("|", "#", "<", "!", "    ", "```"))
        if paragraph and (item or not plain):
            out += fill(paragraph, "  " if paragraph[0].startswith("- ") else "")
            paragraph = []
        if plain:
            paragraph.append(line.strip())
        else:
            out.append(line)
    return "\n".join(out[:-1])


def write(files, command, check):
    """Writes a page and its charts, {path below the root: text}; with check, ends with what differs."""
    stale = {}
    for name, text in files.items():
        path = ROOT / name
        text = wrap(text) if path.suffix == ".md" else text
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale[path] = text
    if check and stale:
        sys.exit("not what the stored measurements give: %s; run: python3 tools/measure/%s" % (
            ", ".join(str(path.relative_to(ROOT)) for path in stale), command))
    for path, text in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
