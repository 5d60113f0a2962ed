# SPDX-License-Identifier: MIT
# lint.py: the house rules that a program can check: who includes whom, lengths, heads of files,
# words that mark unfinished work, paths that exist on nobody's machine, files that pages name but
# nobody has, tests that no build file lists, subjects of commits. See lint.sh.
import pathlib
import re
import subprocess
import sys

# A file as long as its subject needs; beyond the first length it is pointed out, not refused.
LONG_FILE, LONGEST_FILE, LONGEST_FUNCTION, LONGEST_LINE, LONGEST_SUBJECT = 500, 800, 60, 100, 72
# The rules for messages hold for what follows this commit.
FIRST_COMMIT = "630f2613d2bac8bef529b97457ea56b656006f53"

# The floors, from the ground up. A room may include itself and the rooms of lower floors; rooms of one
# floor do not know each other.
FLOORS = [
    ["core"],
    ["numeric", "files", "fallback"],
    ["device", "dataset"],
    ["tape"],
    ["ops"],
    ["verify"],
    ["model", "optimize", "graphs"],
    ["sample", "evaluate"],
    ["train"],
    ["fit"],
    ["run"],
    ["cli"],
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
# The room that a public header belongs to; headers of headers belong to none.
PUBLIC = {
    "export": "core", "status": "core", "context": "core", "safetensors": "files",
    "device": "device", "tensor": "device", "data": "dataset", "tape": "tape", "ops": "ops",
    "model": "model", "precondition": "model", "mixer_kernel": "model",
    "optimize": "optimize", "problems": "optimize",
    "gnn": "graphs", "node_set": "graphs", "graph_train": "graphs", "sample": "sample",
    "evaluate": "evaluate", "train": "train", "fit": "fit", "diagnostics": "fit",
    "run": "run",
    # Rows of settings: text that means nothing by itself, so every room may expand it.
    "settings.def": "core",
}
UMBRELLAS = {"pdessm", "build", "research"}
# The operator table is read by the floor that defines what an operator is.
EXCEPTIONS = {("device", "ops/ops.def")}
# The command line is a user of the library: it takes public headers, and from inside only this.
# What a program of somebody else would want too belongs behind a public function instead.
INSIDE_FOR_CLI = {
    "core/context.h": "messages and memory of the context",
    "core/clock.h": "seconds",
    "core/text.h": "numbers as people read them",
    "core/value.h": "typed values as text: options and keys of files",
    "core/random.h": "verify fills a network",
    "files/file.h": "whole files",
    "files/atomic_file.h": "files that appear whole or not at all",
    "files/atomic_dir.h": "so do folders",
    "files/listing.h": "what lies in a folder",
    "files/npy.h": "arrays that are printed to files",
    "files/image.h": "pictures in pages and in bytes",
    "files/pictures.h": "pictures in folders and grids",
    "device/tuning.h": "tune tries the choices that kernels have",
    "verify/verify.h": "the harness, by which verify, bench, tune and op run calls",
    "ops/calls.h": "bench measures an operator outside of a tape",
    "run/settings.h": "options of train and precondition are rows of settings.def",
}
CLI = pathlib.Path("tools/pdessm-cl")

# Split so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|not imple" r"mented|st" r"ub)\b")
FOREIGN_PATH = re.compile(r"/(wo" r"rk|fa" r"rm)/|\.\./sha" r"red")

problems, remarks = [], []
taken_inside = set()


def complain(path, line, what):
    problems.append("%s:%d: %s" % (path, line, what))


def room_of(path):
    """The room that a file lies in; None for tests, which may look anywhere."""
    parts = path.parts
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[0] == "include":
        return PUBLIC.get(path.stem, PUBLIC.get(path.name))
    return {"fallback": "fallback", "tools": "cli"}.get(parts[0])


def room_of_include(name):
    """The room of what is included; None for headers of the system or of the same folder."""
    head, _, rest = name.partition("/")
    if head == "pdessm":
        return PUBLIC.get(rest.removesuffix(".h"), "cli")
    if head in LEVEL and rest:
        return head
    return "fallback" if pathlib.Path("fallback", name).exists() else None


def check_cli_include(path, number, name):
    """A file of the command line: its folder's headers by bare name, "shared/x.h", public headers,
    and the few from inside that are listed."""
    folder = name.split("/")[0]
    if (path.parent / name).exists():
        return
    if (CLI / name).exists():
        if path.parent == CLI / folder:
            complain(path, number, "a header of the same folder goes by its bare name")
        elif folder != "shared":
            complain(path, number, "%s belongs to another command; what two of them use lies in "
                     "shared" % name)
        return
    if room_of_include(name) is None or name.startswith("pdessm/"):
        return
    taken_inside.add(name)
    if name not in INSIDE_FOR_CLI:
        complain(path, number, "the command line includes %s, which is neither public nor listed "
                 "in tools/check/lint.py" % name)


def check_includes(path, lines):
    room = room_of(path)
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
        if not match:
            continue
        if path.suffix in (".cl", ".clh"):
            if not (path.parent / match[1]).exists() or not match[1].endswith(".clh"):
                complain(path, number, "a kernel text includes parts of its own folder only")
            continue
        if CLI in path.parents:
            check_cli_include(path, number, match[1])
            continue
        if room is None or (room, match[1]) in EXCEPTIONS or path.stem in UMBRELLAS:
            continue
        other = room_of_include(match[1])
        if other is not None and other != room and LEVEL[other] >= LEVEL[room]:
            complain(path, number, "%s includes %s of %s, which stands no floor below it" % (
                room, match[1], other))


def check_rooms():
    """The main header of each room says in its head what the room is for."""
    for folder in sorted(path for path in pathlib.Path("src").iterdir() if path.is_dir()):
        heads = [path.read_text(encoding="utf-8").partition("*/\n#")[0]
                 for path in folder.glob("*.h")]
        told = sum(bool(re.search(r"\b(The room `%s`|This room)" % folder.name, head))
                   for head in heads)
        if told != 1:
            complain(folder, 1, "%d headers say what `The room `%s`` is for, expected one" % (
                told, folder.name))


def check_exported(path, lines):
    """Every function that a public header declares is exported."""
    text = re.sub(r"/\*.*?\*/", lambda match: re.sub(r"[^\n]", " ", match[0]), "\n".join(lines),
                  flags=re.DOTALL)
    text = re.sub(r"^#(.*\\\n)*.*", lambda match: "\n" * match[0].count("\n"), text, flags=re.M)
    for match in re.finditer(r"[^;{}]+", text):
        statement = match[0].strip()
        if re.match(r"(?!typedef\b|PDESSM_API\b)\w[\w\s*]*\bpdessm_\w+\(", statement):
            number = text.count("\n", 0, match.end() - len(match[0].lstrip())) + 1
            complain(path, number, "a public function without PDESSM_API")


def check_functions(path, lines):
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"[a-zA-Z].*\)\s*{\s*$|\s+.*\)\s*{\s*$", line) and start is None:
            start = number if not line.startswith(" ") or lines[number - 2][:1].isalpha() else None
        elif line.startswith("}"):
            if start is not None and number - start > LONGEST_FUNCTION:
                complain(path, start, "a function of %d lines, at most %d are allowed" % (
                    number - start, LONGEST_FUNCTION))
            start = None


def check_head(path, lines):
    first = 1 if lines and lines[0].startswith("#!") else 0
    if len(lines) <= first or "SPDX-License-Identifier: MIT" not in lines[first]:
        complain(path, first + 1, "the licence line (SPDX-License-Identifier: MIT) is missing")
    about = lines[first + 1] if len(lines) > first + 1 else ""
    if path.suffix != ".build" and not re.match(r"(/\*|#|//) ?\S", about):
        complain(path, first + 2, "the second line should say what the file is")


def check_words(path, lines):
    for number, line in enumerate(lines, 1):
        if UNFINISHED.search(line):
            complain(path, number, "a mark of unfinished work: " + line.strip())
        if FOREIGN_PATH.search(line):
            complain(path, number, "a path that exists on no user's machine: " + line.strip())
        if line != line.rstrip():
            complain(path, number, "blanks at the end of the line")
        if "\t" in line:
            complain(path, number, "a tab")


def check_wrapping(path, lines):
    """Prose is wrapped; tables, code and lines that are only a link are as long as they are."""
    code = False
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("```"):
            code = not code
        link = re.fullmatch(r"\s*([-*] )?(!?\[[^]]*\]\([^)]*\)|<?https?://\S+)[.,:]?", line)
        if len(line) > LONGEST_LINE and not code and not link and not re.match(r"\||    ", line):
            complain(path, number, "%d columns, at most %d are allowed" % (len(line), LONGEST_LINE))


def git(*words):
    """What git says; nothing where there is no history, as in a tarball or a shallow clone."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def check_commits():
    """Subjects since the first commit. Of commits that nobody else has seen yet, as remarks: subjects
    about two things, and no body."""
    if git("rev-parse", "--show-prefix") != "\n":
        return  # the tree lies inside some other repository
    for line in git("log", "--no-merges", "--format=%h %s", FIRST_COMMIT + "..HEAD").splitlines():
        commit, _, subject = line.partition(" ")
        if len(subject) > LONGEST_SUBJECT:
            problems.append("commit %s: a subject of %d characters, at most %d are allowed: %s" % (
                commit, len(subject), LONGEST_SUBJECT, subject))
    for line in git("log", "--no-merges", "--format=%h%x00%s%x00%b%x01", "@{upstream}..HEAD").split("\1"):
        commit, subject, body = (line.strip("\n").split("\0") + ["", ""])[:3]
        if ";" in subject:
            remarks.append("commit %s: two things? %s" % (commit, subject))
        if subject and not body.strip():
            remarks.append("commit %s: why? A body is wanted: %s" % (commit, subject))


def check_references(path, lines):
    """What a page links to, and every file of the tree that it names, is there; what a changelog names
    may be gone, and names in capitals stand for others."""
    fenced = False
    for number, line in enumerate(lines, 1):
        fenced ^= line.startswith("```")
        links = [] if fenced else re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", line)
        named = re.findall(r"`((?:src|include|fallback|cl|tests|tools|docs)/[\w./-]*\w)/?`", line)
        gone = [link for link in links if not (path.parent / link).exists()]
        if path.name != "CHANGELOG.md":
            gone += [name for name in named if not re.search("NAME|ROOM|softplus", name) and
                     not pathlib.Path(name).exists()]
        for name in gone:
            complain(path, number, "there is no " + name)


def check(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    check_words(path, lines)
    if path.suffix == ".md":
        check_wrapping(path, lines)
        check_references(path, lines)
        return
    check_head(path, lines)
    if path.suffix in (".c", ".h", ".cl", ".clh", ".def"):
        check_includes(path, lines)
        check_functions(path, lines)
        if path.parts[0] == "include":
            check_exported(path, lines)
        for number, line in enumerate(lines, 1):
            # Build options for tools/check/kernel_check.sh stand in one line each.
            if len(line) > LONGEST_LINE and "kernel_check:" not in line:
                complain(path, number, "%d columns, at most %d are allowed" % (
                    len(line), LONGEST_LINE))
    if len(lines) > LONGEST_FILE:
        complain(path, len(lines), "%d lines, at most %d are allowed" % (
            len(lines), LONGEST_FILE))
    elif len(lines) > LONG_FILE:
        remarks.append("%s: %d lines; is that one subject?" % (path, len(lines)))


def check_names():
    """One word, one thing: no two headers define a type or declare a function of one name, and no
    function has the name of a type."""
    first = {}
    for path in sorted(p for folder in ("include", "src", "fallback", "tools")
                       for p in pathlib.Path(folder).rglob("*.h")):
        text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), path.read_text(), flags=re.S)
        found = [("type", m) for m in re.finditer(r"^(?:typedef )?(?:struct|union|enum) (\w+) {", text, re.M)]
        found += [("function", m) for m in re.finditer(
            r"^(?!typedef|static|#|\s)[\w *]*?\b([a-z]\w*)\((?=[^;{]*\);)", text, re.M)]
        for kind, match in found:
            at = path, text.count("\n", 0, match.start()) + 1
            other = first.setdefault(match[1], at)
            if other != at:
                complain(*at, "%s %s has a namesake in %s:%d" % (kind, match[1], *other))


def check_test_lists():
    """Every test and program below tests/ is named in a meson.build: none is found by a pattern, none
    is forgotten. Those of operators follow from the operator table."""
    operators = re.findall(r"^OP\((\w+)", pathlib.Path("src/ops/ops.def").read_text(), re.M)
    for path in sorted(pathlib.Path("tests").rglob("*")):
        program = path.suffix == ".c" or path.suffix in (".py", ".sh") and path.name.startswith("test_")
        if not program or path.parent.name == "ops" and path.stem in operators:
            continue
        lists = [f.read_text() for f in {path.parent / "meson.build", pathlib.Path("tests/meson.build")}
                 if f.exists()]
        short = re.sub("^(test|fuzz)_|_page$", "", path.stem)
        names = [path.name, path.stem, short, re.sub("^test_", "", path.stem)]
        if not any(re.search("['/]%s'" % re.escape(name), text) for name in names for text in lists):
            complain(path, 1, "no meson.build lists it")


def main():
    kinds = {".c", ".h", ".cl", ".clh", ".def", ".py", ".sh", ".build", ".md"}
    for folder in ("include", "src", "fallback", "cl", "tests", "tools", "docs"):
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.suffix in kinds and "__pycache__" not in path.parts:
                check(path)
    for path in [pathlib.Path("meson.build"), *sorted(pathlib.Path().glob("*.md"))]:
        if path.exists():
            check(path)
    check_names()
    check_test_lists()
    check_rooms()
    check_commits()
    for line in remarks:
        print("note: " + line, file=sys.stderr)
    for name in sorted(INSIDE_FOR_CLI.keys() - taken_inside):
        complain(pathlib.Path("tools/check/lint.py"), 1, "%s is listed for the command line, which "
                 "does not include it" % name)
    for line in problems:
        print(line, file=sys.stderr)
    sys.exit(1 if problems else 0)


main()
