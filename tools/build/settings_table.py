# SPDX-License-Identifier: MIT
# settings_table.py: the table of all settings in docs/guide/training.md, from what the program says
# (`pdessm-cl train --help json`): settings_table.py PROGRAM rewrites it, --check compares.
import json
import pathlib
import subprocess
import sys
import textwrap

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "guide" / "training.md"
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"
WIDTH = 100


def lines_of(option):
    """A list item, wrapped."""
    argument = f"={option['argument']}" if "argument" in option else ""
    facts = []
    if "choices" in option:
        facts.append(option["choices"])
    if "default" in option:
        other = f"; {option['otherwise']}" if "otherwise" in option else ""
        facts.append(f"default: {option['default']}{other}")
    if option["fixed"]:
        facts.append("*fixed*")
    text = f"`--{option['name']}{argument}` {option['help']}"
    text += f" ({'; '.join(facts)})" if facts else ""
    return textwrap.wrap(text, WIDTH, initial_indent="- ", subsequent_indent="  ",
                         break_long_words=False, break_on_hyphens=False)


def table(program):
    result = subprocess.run([program, "train", "--help", "json"], capture_output=True, text=True,
                            check=True)
    lines, group = [], None
    for option in json.loads(result.stdout)["options"]:
        if option["group"] == "Common options":
            continue
        if option["group"] != group:
            group = option["group"]
            lines += ["", f"### {group}", ""]
        lines += lines_of(option)
    return "\n".join(lines) + "\n\n"


def main():
    program, *rest = sys.argv[1:]
    text = PAGE.read_text(encoding="utf-8")
    before, _, others = text.partition(BEGIN + "\n")
    _, _, after = others.partition(END)
    new = before + BEGIN + "\n" + table(program) + END + after
    if rest == ["--check"]:
        if new != text:
            sys.exit(f"{PAGE} is not what the program says; run: python3 {sys.argv[0]} {program}")
    else:
        PAGE.write_text(new, encoding="utf-8")


main()
