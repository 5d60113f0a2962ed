# SPDX-License-Identifier: MIT
# chart.py: the two kinds of pictures that docs/results/performance.md shows, as SVG: lines over logarithmic
# axes, and bars. The same numbers give the same bytes. Light and dark follow the reader.
import html
import math

STYLE = """<style>
svg { background: #ffffff; font: 13px system-ui, sans-serif; }
text { fill: #24292f; } .title { font-size: 15px; font-weight: 600; } .small { font-size: 11px; }
.grid { stroke: #d8dee4; } .axis { stroke: #6e7781; } .whisker { stroke: #24292f; }
.goal { stroke: #24292f; stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; } text { fill: #e6edf3; } .grid { stroke: #30363d; }
.axis { stroke: #8b949e; } .whisker, .goal { stroke: #e6edf3; } }
</style>"""
COLOURS = ["#2f74c0", "#d9730d", "#3a9a63", "#8f63b8", "#8b949e", "#c2435b", "#b59f00"]


def text(x, y, value, anchor="start", kind=""):
    return '<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>' % (
        x, y, anchor, ' class="%s"' % kind if kind else "", html.escape(value))


def line(x1, y1, x2, y2, kind):
    return '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>' % (x1, y1, x2, y2, kind)


def document(width, height, title, parts):
    head = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
            'role="img" aria-label="%s">' % (width, height, width, height, html.escape(title)))
    return "\n".join([head, STYLE, text(16, 24, title, kind="title")] + parts + ["</svg>", ""])


def decades(low, high):
    first = math.floor(math.log10(low))
    return range(first, max(math.ceil(math.log10(high)), first + 1) + 1)


def round_numbers(low, high):
    """1, 2, 5, 10, 20, .. between the two."""
    return [m * 10**d for d in decades(low, high) for m in (1, 2, 5) if low <= m * 10**d <= high]


class Axes:
    """Logarithmic in both directions, in a frame that leaves room for names on the right."""

    def __init__(self, points):
        xs, ys = zip(*points)
        self.x = math.log(min(xs)) - 0.3, math.log(max(xs)) + 0.3
        ends = decades(min(ys), max(ys))
        self.y = math.log(10.0) * ends[0], math.log(10.0) * ends[-1]
        self.left, self.right, self.top, self.bottom = 70, 560, 60, 360

    def at(self, x, y):
        share_x = (math.log(x) - self.x[0]) / (self.x[1] - self.x[0])
        share_y = (math.log(y) - self.y[0]) / (self.y[1] - self.y[0])
        return (self.left + share_x * (self.right - self.left),
                self.bottom - share_y * (self.bottom - self.top))


def frame(axes, ticks, x_name, y_name):
    parts = []
    for x in ticks:
        at = axes.at(x, math.exp(axes.y[0]))[0]
        parts += [line(at, axes.top, at, axes.bottom, "grid"),
                  text(at, axes.bottom + 18, format(x, ","), "middle", "small")]
    for d in range(round(axes.y[0] / math.log(10.0)), round(axes.y[1] / math.log(10.0)) + 1):
        at = axes.at(ticks[0], 10.0**d)[1]
        parts += [line(axes.left, at, axes.right, at, "grid"),
                  text(axes.left - 8, at + 4, "%g" % 10.0**d, "end", "small")]
    parts.append(text((axes.left + axes.right) / 2, axes.bottom + 38, x_name, "middle"))
    parts.append(text(axes.left - 54, axes.top - 16, y_name, kind="small"))
    return parts


def lines(title, x_name, y_name, series, ticks=None):
    """series: {name: {"points": {x: y}, "guessed": {x: y}}}; guessed ones are joined by dashes. ticks:
    of the x axis; else every x that there is."""
    every = [p for s in series.values() for kind in ("points", "guessed") for p in s[kind].items()]
    axes = Axes(every)
    parts = frame(axes, ticks or sorted({x for x, _ in every}), x_name, y_name)
    for number, (name, s) in enumerate(series.items()):
        colour = COLOURS[number]
        known = [axes.at(*p) for p in sorted(s["points"].items())]
        path = " ".join("%.1f,%.1f" % p for p in known)
        parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (
            path, colour))
        parts += ['<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (x, y, colour)
                  for x, y in known]
        for x, y in (axes.at(*p) for p in sorted(s["guessed"].items())):
            parts.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" '
                         'stroke-width="2" stroke-dasharray="5 4"/>' % (*known[-1], x, y, colour))
            parts.append('<circle cx="%.1f" cy="%.1f" r="3.5" fill="none" stroke="%s"/>' % (
                x, y, colour))
        y = axes.top + 14 + 22 * number
        parts.append('<rect x="%d" y="%.1f" width="14" height="4" fill="%s"/>' % (
            axes.right + 20, y - 6, colour))
        parts.append(text(axes.right + 42, y, name))
    return document(800, 410, title, parts)


def bars(title, unit, names, groups, goals=None):
    """groups: [(label, [(value, low, high) or None for each name])]; goals: {label: value}."""
    left, right, step, top = 200, 660, 15, 62
    longest = max([v[2] for _, values in groups for v in values if v] +
                  list((goals or {}).values())) * 1.04
    scale = (right - left) / longest
    parts, y = [], top
    for number, name in enumerate(names):
        x = left + 130 * number
        parts += ['<rect x="%d" y="36" width="12" height="12" fill="%s"/>' % (x, COLOURS[number]),
                  text(x + 18, 47, name, kind="small")]
    for label, values in groups:
        shown = [(n, v) for n, v in enumerate(values) if v]
        middle = y + step * len(shown) / 2
        parts.append(text(left - 10, middle + 4, label, "end", "small"))
        begin = y
        for number, (value, low, high) in shown:
            parts.append('<rect x="%d" y="%.1f" width="%.1f" height="%d" fill="%s"/>' % (
                left, y, value * scale, step - 3, COLOURS[number]))
            parts.append(line(left + low * scale, y + 6, left + high * scale, y + 6, "whisker"))
            parts.append(text(left + high * scale + 6, y + 10, "%.2f" % value, kind="small"))
            y += step
        if goals and label in goals:
            at = left + goals[label] * scale
            parts.append(line(at, begin - 3, at, y, "goal"))
        y += 9
    parts.append(line(left, top - 4, left, y, "axis"))
    parts.append(text(left, y + 16, unit, kind="small"))
    return document(720, int(y + 28), title, parts)
