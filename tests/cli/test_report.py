# SPDX-License-Identifier: MIT
# test_report.py: the page of a training run: what it shows is what the run's files hold, computed
# here once more; it refers to nothing else; broken runs are said, not drawn.
import base64
import cmath
import csv
import html.parser
import math
import re
import shutil
import signal
import struct
import zlib

from cli import check, expect, finish, folder, parse, read_tensors, run, start

SIDE, PATCH, WIDTH, STATES = 32, 8, 12, 2
TOKENS = SIDE // PATCH


def train(out, mixer, *more):
    return run("train", "--data", "shapes", "--limit", "32", "--model", f"{mixer}-nano/{PATCH}",
               "--width", WIDTH, "--depth", "2", "--heads", "3", "--states", STATES, "--batch", "4",
               "--warmup", "2", "--seed", "3", "--log-every", "1", "--out", out, "-q", *more)


def report(directory, *more, **options):
    return run("report", directory, "--n", "10", "--steps", "2", "-q", *more, **options)


class Page(html.parser.HTMLParser):
    """Open tags, pictures, tables, and everything that a browser would fetch."""
    VOID = {"meta", "link", "br", "img", "input"}

    def __init__(self, path):
        super().__init__()
        self.open, self.count, self.fetched, self.broken = [], {}, [], []
        self.pictures, self.rows, self.text = {}, [], path.read_text()
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.count[tag] = self.count.get(tag, 0) + 1
        source = values.get("src", "")
        if source.startswith("data:image/png;base64,"):
            self.pictures[values["alt"]] = base64.b64decode(source.split(",", 1)[1], validate=True)
        self.fetched += [v for k, v in attributes if k in ("src", "href", "xlink:href", "data")
                         and not v.startswith("data:")]
        if tag == "tr":
            self.rows.append([])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.broken.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1].append(data)

    def good(self, what):
        check(not self.broken and not self.open, f"{what}: tags {self.broken} {self.open}")
        check(not self.fetched and "@import" not in self.text and "url(" not in self.text,
              f"{what}: fetches {self.fetched}")
        check("http" not in self.text, f"{what}: no address")
        words = re.sub("base64,[^\"]*", "", self.text)
        check(not re.search(r"\b-?(nan|inf)\b", words), f"{what}: a number that is none")
        return self


def pixels(png):
    """Rows of (r, g, b) of a PNG with 8 bits a colour."""
    position, data = 8, b""
    while position < len(png):
        size, kind = struct.unpack(">I4s", png[position:position + 8])
        body = png[position + 8:position + 8 + size]
        checksum = struct.unpack(">I", png[position + 8 + size:position + 12 + size])[0]
        check(zlib.crc32(kind + body) == checksum, "CRC")
        if kind == b"IHDR":
            width, height, bits, colour = struct.unpack(">IIBB", body[:10])
        data += body if kind == b"IDAT" else b""
        position += 12 + size
    check((bits, colour) == (8, 2), "8-bit RGB")
    raw, rows, above = zlib.decompress(data), [], bytearray(3 * width)
    for y in range(height):
        line = bytearray(raw[y * (3 * width + 1) + 1:(y + 1) * (3 * width + 1)])
        for x in range(3 * width):
            a, b, c = line[x - 3] if x > 2 else 0, above[x], above[x - 3] if x > 2 else 0
            distance = [(abs(b - c), a), (abs(a - c), b), (abs(a + b - 2 * c), c)]
            paeth = min(distance, key=lambda d: d[0])[1]
            kind = raw[y * (3 * width + 1)]
            line[x] = (line[x] + [0, a, b, (a + b) // 2, paeth][kind]) & 255
        rows.append([tuple(line[x:x + 3]) for x in range(0, 3 * width, 3)])
        above = line
    return rows


# ---------------------------------------------------------------------- the same numbers again


def test_page(tmp):
    place = tmp / "a & <b>"
    expect(train(place, "pde", "--steps", "24", "--sample-every", "8"), 0)
    result = report(place)
    expect(result, 0)
    check(result.stdout == f"{place}/report.html\n", f"the result is the page: {result.stdout}")
    page = Page(place / "report.html").good("page")
    check("a &amp; &lt;b&gt;" in page.text, "the folder's name is escaped")
    check(page.count.get("svg") == 4 + 1 + 2 * 4, f"{page.count.get('svg')} charts")
    for step in (8, 16, 24):
        file = place / f"samples/step-{step:08}.png"
        check(page.pictures.get(f"samples at step {step}") == file.read_bytes(), f"step {step}")
    check("samples drawn now" in page.pictures, "samples drawn now")
    check("wavenumber" in page.text and "32 images of the data" in page.text, "spectra")
    for word in ["step 24 of 24", "pde-nano/8 on shapes", "checkpoint step-00000024", "seed: 3",
                 "processor", "commit"]:
        check(word in page.text, f"the page says '{word}'")
    facts = {row[0]: row[1] for row in page.rows if len(row) == 2}
    tensors, _ = read_tensors(place / "step-00000024/ema.safetensors")
    check(facts.get("parameters") == str(sum(len(v) for _, v in tensors.values())), "parameters")
    check(facts.get("mixer") == '"pde"' and facts.get("states") == str(STATES), "configuration")
    return place


def test_curves(place):
    """The table beside the loss: points of the log, and their average done here once more."""
    page = Page(place / "report.html")
    with open(place / "log.csv", newline="") as file:
        log = [(float(r["step"]), float(r["loss"])) for r in csv.DictReader(file)]
    span, total, weight, average = 5.0 * (log[-1][0] - log[0][0]) / (len(log) - 1), 0, 0, {}
    for i, (step, loss) in enumerate(log):
        keep = math.exp(-((step - log[i - 1][0]) if i else log[1][0] - log[0][0]) / span)
        total, weight = keep * total + (1 - keep) * loss, keep * weight + 1 - keep
        average[step] = total / weight
    at = page.rows.index(["step", "loss", "average"])
    table = page.rows[at + 1:at + 10]
    check(len(table) == 9 and table[0][0] == "1" and table[-1][0] == "24", f"table: {table}")
    for step, loss, smooth in table:
        check(abs(float(loss) - dict(log)[float(step)]) < 6e-5, f"loss at {step}")
        check(abs(float(smooth) - average[float(step)]) < 6e-5, f"average at {step}: {smooth}")
    path = re.search(r'<path class="line s0" d="(.*?)"', page.text)[1]
    points = [tuple(map(float, p.split())) for p in re.split("[ML]", path)[1:]]
    check(len(points) == 24 and points == sorted(points), "a point for every line, in order")
    levels = sorted(range(24), key=lambda i: -points[i][1])
    check(levels == sorted(range(24), key=lambda i: average[log[i][0]]) or
          sum(points[a][1] < points[b][1] - 0.2 for a, b in zip(levels, levels[1:])) == 0,
          "higher is more")


def physical(tensors, block):
    """Coefficients of one block as the paper has them, from raw ones."""
    softplus = lambda x: max(x, 0) + math.log1p(math.exp(-abs(x)))
    raw = {n: tensors[f"blocks.{block}.mixer.pde.{n}"][1]
           for n in ("diffusion", "convection", "reaction", "weight")}
    eps = (0.1 / 16) ** 2 / 2
    for i in range(WIDTH * STATES):
        p, l1, q = softplus(raw["diffusion"][3 * i]), raw["diffusion"][3 * i + 1], \
            softplus(raw["diffusion"][3 * i + 2])
        yield (p * p + eps, p * l1, l1 * l1 + q * q + eps,
               0.25 * math.tanh(raw["convection"][2 * i]),
               0.25 * math.tanh(raw["convection"][2 * i + 1]),
               -softplus(raw["reaction"][i]), raw["weight"][i])


def wave(m, odd):
    """Angular wavenumber of mode m; the odd one vanishes at the Nyquist mode."""
    return 0 if odd and 2 * m == TOKENS else 2 * math.pi * (m if 2 * m < TOKENS else m - TOKENS)


def gathered(terms):
    """What a token gathers from each shift: sum over modes of G exp(-i k d), over the grid."""
    g = {}
    for my in range(TOKENS):
        for mx in range(TOKENS):
            g[my, mx] = sum(
                w * cmath.exp(-(kyy * wave(my, 0) ** 2 + 2 * kxy * wave(my, 1) * wave(mx, 1) +
                                kxx * wave(mx, 0) ** 2) + r +
                              1j * (by * wave(my, 1) + bx * wave(mx, 1)))
                for kyy, kxy, kxx, by, bx, r, w in terms)
    turn = lambda m, d: cmath.exp(-2j * math.pi * m * d / TOKENS)
    return [[sum(g[my, mx] * turn(my, y) * turn(mx, x) for my, mx in g).real / TOKENS ** 2
             for x in range(TOKENS)] for y in range(TOKENS)]


def colour(value):
    end = (0.70, 0.09, 0.17) if value > 0 else (0.13, 0.40, 0.67)
    return [255 * (0.94 + abs(value) * (e - 0.94)) for e in end]


def check_pictures(page, block, kernels, what):
    """kernels: [channel][y][x] with shift 0 at [0][0]; the heaviest come first."""
    rows = pixels(page.pictures[f"kernels of block {block}"])
    side = len(kernels[0])
    scale, worst = 60 // side, 0
    energy = lambda k: -sum(v * v for row in k for v in row)
    for index, kernel in enumerate(sorted(kernels, key=energy)[:24]):
        most = max(abs(v) for row in kernel for v in row)
        top, left = (4 + (side * scale + 4) * n for n in divmod(index, 12))
        for y in range(side):
            for x in range(side):
                want = colour(kernel[(y - side // 2) % side][(x - side // 2) % side] / most)
                got = rows[top + y * scale + scale // 2][left + x * scale + scale // 2]
                worst = max(worst, max(abs(a - b) for a, b in zip(want, got)))
    check(worst < 1.5, f"{what}: pictures of block {block} are off by {worst:.1f} of 255")


def test_kernels(place):
    page = Page(place / "report.html")
    tensors, _ = read_tensors(place / "step-00000024/ema.safetensors")
    at = next(i for i, row in enumerate(page.rows) if row[:1] == ["block"])
    for block in (0, 1):
        terms = list(physical(tensors, block))
        widths = sorted(math.sqrt(2 * ((a + c) / 2 + s * math.hypot((a - c) / 2, b)))
                        for a, b, c, *_ in terms for s in (-1, 1))
        shifts = sorted(math.hypot(t[3], t[4]) for t in terms)
        weights = sorted(abs(t[6]) for t in terms)
        middle = len(terms) // 2
        want = [TOKENS * widths[0], TOKENS * widths[2 * middle], TOKENS * widths[-1],
                None, TOKENS * shifts[middle], TOKENS * shifts[-1],
                sorted(math.exp(t[5]) for t in terms)[middle], weights[middle], weights[-1]]
        row = page.rows[at + 1 + block]
        check(row[0] == str(block) and all(w is None or abs(float(v) - w) < 6e-3 * abs(w)
                                           for v, w in zip(row[1:], want)), f"{row} {want}")
        check_pictures(page, block, [gathered(terms[c * STATES:(c + 1) * STATES])
                                     for c in range(WIDTH)], "pde")
    check(page.count["circle"] == 2 * 2 * WIDTH * STATES, f"{page.count['circle']} dots")


def test_mixers(tmp):
    """Baselines: pictures of a window, the symbol of a filter, nothing for attention."""
    expect(train(tmp / "conv", "conv", "--steps", "3", "--sample-every", "0"), 0)
    expect(report(tmp / "conv", "--no-samples", "-o", tmp / "conv.html"), 0)
    page = Page(tmp / "conv.html").good("conv")
    tensors, _ = read_tensors(tmp / "conv/step-00000003/ema.safetensors")
    weight = tensors["blocks.1.mixer.conv.weight"][1]
    windows = [[[weight[9 * c + 3 * ((y + 1) % 3) + (x + 1) % 3] for x in range(3)]
                for y in range(3)] for c in range(WIDTH)]
    check_pictures(page, 1, windows, "conv")
    check("--no-samples" in page.text and "samples drawn now" not in page.pictures, "no samples")
    for mixer, charts, words in [("filter", 4 + 2, "Gain"), ("attn", 4, "Attention has no kernel")]:
        expect(train(tmp / mixer, mixer, "--steps", "3", "--sample-every", "0"), 0)
        expect(report(tmp / mixer, "--no-samples"), 0)
        page = Page(tmp / mixer / "report.html").good(mixer)
        check(words in page.text, f"{mixer}: {words}")
        check(page.count["svg"] == charts, f"{mixer}: {page.count['svg']} charts")
    expect(train(tmp / "task", "pde", "--steps", "2", "--task", "classify"), 0)
    expect(report(tmp / "task"), 0)
    page = Page(tmp / "task/report.html").good("classifier")
    check("test_accuracy" in page.text and "Samples now" not in page.text, "a classifier's page")
    check(page.count["svg"] == 4 + 1 + 2 * 4, f"classifier: {page.count['svg']} charts")
    expect(train(tmp / "map", "conv", "--steps", "2", "--sample-every", "0", "--precondition",
                 "spectral", "--precondition-pooled"), 0)
    expect(report(tmp / "map", "--no-samples"), 0)
    page = Page(tmp / "map/report.html").good("map")
    facts = {row[0]: row[1] for row in page.rows if len(row) == 2}
    check(facts.get("map") == "spectral" and facts.get("maps") == "1 for all labels", f"{facts}")
    check(float(facts.get("there and back", "1").split()[0]) < 1e-4, "the map is undone")
    check(page.count["svg"] == 4 + 1, f"map: {page.count['svg']} charts")


# ---------------------------------------------------------------------- other answers


def test_forms(place, tmp):
    value = parse(report(place, "-o", tmp / "x.html", "--format", "json"), "report", "run", "step",
                  "loss", "checkpoint", "samples", "bytes", "device")
    check(value.get("checkpoint") == "step-00000024" and value.get("samples") == 10, f"{value}")
    check((tmp / "x.html").stat().st_size == value.get("bytes"), "bytes")
    copy = tmp / "copy"
    shutil.copytree(place, copy)
    (copy / "accuracy.csv").write_text("step,train_accuracy,test_accuracy\n8,0.4,0.3\n24,0.9,0.7\n")
    expect(report(copy, "--no-samples"), 0)
    page = Page(copy / "report.html").good("accuracy")
    check(page.count["svg"] == 4 + 2 + 2 * 4, f"accuracy: {page.count['svg']} charts")
    check(["24", "0.7"] in page.rows, "the table of the test accuracy")
    (copy / "samples/step-00000016.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    result = report(copy, "--n", "7")
    expect(result, 0, "step-00000016.png", "left out")
    check("samples at step 24" in Page(copy / "report.html").good("png").pictures, "the others")
    check(not list(copy.glob("*.tmp*")), "no leftovers")


def test_broken_runs(place, tmp):
    copy = tmp / "run"
    shutil.copytree(place, copy)
    log = (copy / "log.csv").read_text()
    (copy / "log.csv").write_text(log + "25,0.4")
    expect(report(copy, "--no-samples"), 0)
    check("half written" in Page(copy / "report.html").good("cut").text, "a line cut off is said")
    lines = log.splitlines(keepends=True)
    (copy / "log.csv").write_text("".join(lines[:6] + ["6,nan,1e-3,inf,1,1,1\n"] + lines[7:]))
    expect(report(copy, "--no-samples"), 0)
    check("half written" not in Page(copy / "report.html").text, "whole again")
    (copy / "log.csv").write_text("".join(lines[:3] + ["3,0.4,x,1,1,1,1\n"] + lines[4:]))
    expect(report(copy), 4, "log.csv:4", "'x", "learning_rate")
    for text, words in [("", "empty"), (lines[0], "no whole line"), (lines[0] + "1,2", "no whole"),
                        ("a,b\n1,2\n", "step and loss")]:
        (copy / "log.csv").write_text(text)
        expect(report(copy), 4, "log.csv", words)
    (copy / "log.csv").unlink()
    expect(report(copy), 4, "no log.csv")
    (copy / "log.csv").write_text(log)
    (copy / "config.yaml").write_text("steps: many\n")
    expect(report(copy), 0, "config.yaml")
    check("Without the data" in Page(copy / "report.html").good("settings").text, "data unknown")
    (copy / "config.yaml").write_text("data: /nowhere/at/all\nmodel: pde-nano/8\n")
    expect(report(copy), 0)
    check("/nowhere/at/all" in Page(copy / "report.html").good("data").text, "data gone")
    (copy / "config.yaml").unlink()
    expect(report(copy, "--no-samples"), 0, "config.yaml")
    model = copy / "step-00000024/ema.safetensors"
    model.write_bytes(model.read_bytes()[:-9])
    expect(report(copy), 4, "ema.safetensors")
    (copy / "step-00000024/complete").unlink()
    for other in copy.glob("step-*"):
        shutil.rmtree(other)
    expect(report(copy), 0, "no checkpoint")
    page = Page(copy / "report.html").good("early")
    check("no checkpoint yet" in page.text and page.count["svg"] == 4, "a page all the same")


def test_usage(place, tmp):
    expect(run("report"), 2, "the folder is missing")
    expect(run("report", tmp / "none"), 4, "no such folder")
    expect(run("report", place, "x"), 2, "one argument too many")
    expect(report(place, "--n", "0"), 2, "--n '0'")
    expect(report(place, "--solver", "magic"), 2, "heun")
    expect(report(place, "-o", tmp / "none/x.html"), 1, "none")
    expect(report(place, "-o", tmp), 1, "is a folder")
    process = start("report", place, "--steps", "1000000", "-o", tmp / "late.html")
    check(any(line.startswith("report [") for line in process.stderr), "it draws")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    check(process.returncode == 130 and out == "", f"interrupted: exit {process.returncode}")
    check(not (tmp / "late.html").exists(), "no page of half a report")


with folder() as temporary:
    place = test_page(temporary)
    test_curves(place)
    test_kernels(place)
    test_mixers(temporary)
    for number, test in enumerate([test_forms, test_broken_runs, test_usage]):
        (temporary / str(number)).mkdir()
        test(place, temporary / str(number))
finish()
