#!/usr/bin/env python3
"""Makes the README's pictures from the running program: assets/screens/make.py [SCENE…]

Each scene opens the demo in a tmux of its own, presses keys, waits for what must appear, and draws the cells of the
screen as an SVG beside this file. Needs tmux 3.2 or newer and Python 3.10 or newer, nothing else; the program is
built first (cargo build --release), or taken from the variable COHORT_SYNC.
"""

import contextlib
import dataclasses
import html
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PATIENCE = 60
CELL_WIDTH, CELL_HEIGHT, FONT_SIZE, MARGIN = 8.4, 18, 14, 12
DARK, LIGHT = ("#0d1117", "#d0d7de"), ("#ffffff", "#1f2328")


@dataclasses.dataclass
class Scene:
    """A picture: `steps` are keys to press (as tmux names them) and, as pairs, ("wait", TEXT) for what must be seen,
    ("gone", TEXT) for what must not be seen any more, and ("switch", SETTINGS) for what a sandbox of the scene's own is
    to do from then on. A scene without the demo has such a sandbox.
    """

    name: str
    steps: list
    size: tuple = (120, 36)
    arguments: tuple = ("--demo",)
    paper: tuple = DARK


LISTED = ("wait", "Cohorts 13")
SYNCED = ("wait", "Beta: offline mode: ")
QUIET = ("gone", "accepted ")  # What the demo's first syncs have to say.
OPENED = [LISTED, SYNCED, QUIET, "/", "offline", "Enter", "Enter", ("wait", "[Overview]")]
SENDING = [LISTED, SYNCED, QUIET, "/", "imported", "Enter", "s", ("wait", "Start sync"), "Enter", ("wait", "Sending")]
REFUSED = ("switch", {"feed_token_valid": False})


def exported(cohort, then):
    return ["/", cohort, "Enter", ("wait", f"/ {cohort} ·"), "s", ("wait", "Start sync"), "Enter", ("wait", then), "Escape"]


SCENES = [
    Scene("cohorts", [LISTED]),
    Scene("cohorts-light", [LISTED], arguments=("--demo", "--theme", "light"), paper=LIGHT),
    Scene("cohorts-mini", [LISTED], size=(46, 14)),
    Scene("sending", [*SENDING, "Escape", ("wait", "eta 0:03")]),
    Scene("live", [*SENDING, "3", ("wait", "▲ mParticle"), ("wait", "accepted users/s")]),
    Scene("start", [LISTED, "/", "imported", "Enter", "s", ("wait", "Start sync")]),
    Scene("cohort", OPENED),
    Scene("counts", [*OPENED, "l", ("wait", "[Counts]"), ("wait", "Fetched"), "G", "k", "k", "k"], size=(120, 24)),
    Scene("unmatched", [*OPENED, "l", "l", ("wait", "no id")], size=(120, 24)),
    Scene("fix-it", [*OPENED, "l", "l", "l", ("wait", "[Fix it]"), ("wait", "share, 3 runs"), ("wait", "5.2.0")],
          size=(120, 26)),
    Scene("changes", [*OPENED, "l", "l", "l", "l", ("wait", "[Changes]"), ("wait", "accepted")]),
    Scene("runs", [LISTED, SYNCED, "2", ("wait", "succeeded")]),
    Scene("run", [LISTED, SYNCED, "2", ("wait", "succeeded"), "G", "Enter", ("wait", "batches")]),
    Scene("users", [*OPENED, "l", ("wait", "suspect"), "G", "k", "k", "k", "k", "Enter", ("wait", "Suspect: "),
                    ("wait", "JavaScript"), "u", ("wait", "In mParticle: no"), "a", ("wait", "Asked Mixpanel")]),
    Scene("cohorts-paused", [LISTED, *exported("expiring", "Synced"), *exported("board", "Synced"),
                             *exported("abandoned", "Synced"), REFUSED, *exported("offline", "Paused"),
                             ("gone", "accepted "), "g", "Escape", ("gone", "is paused: ")], arguments=()),
    Scene("setup", [LISTED, "5", ("wait", "What Mixpanel needs")]),
    Scene("checklist", [LISTED, SYNCED, "5", ("wait", "What Mixpanel needs"), "l", "l", "l", ("wait", "Only Update")]),
    Scene("help", [LISTED, "?", ("wait", "Help")]),
    Scene("commands", [LISTED, ":", ("wait", "commands")]),
    Scene("log", [LISTED, "6", ("wait", "Log")]),
]


class Terminal:
    """A tmux server of its own, with one program in one window."""

    def __init__(self, program, scene, home):
        self.socket = os.path.join(home, "tmux")
        keep = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
        self.environment = {**keep, "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        columns, rows = map(str, scene.size)
        inside = ["env", "COLORTERM=truecolor", "TZ=UTC", program, *scene.arguments]
        self.tmux("-f", os.devnull, "new-session", "-d", "-x", columns, "-y", rows, *inside, ";",
                  "set", "-g", "status", "off", ";", "resize-window", "-x", columns, "-y", rows)

    def tmux(self, *words):
        command = ["tmux", "-u", "-S", self.socket, *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def press(self, keys):
        self.tmux("send-keys", keys)

    def wait_for(self, text, is_seen=True):
        deadline = time.monotonic() + PATIENCE
        while (text in (shown := self.tmux("capture-pane", "-p"))) != is_seen:
            if time.monotonic() > deadline:
                what = "to see" if is_seen else "not to see"
                sys.exit(f"waited in vain {what} “{text}”; the screen shows:\n{shown}")
            time.sleep(0.05)

    def lines(self):
        return self.tmux("capture-pane", "-e", "-p").split("\n")

    def close(self):
        self.tmux("kill-server")


class Sandbox:
    """Both services, for a scene that needs something of them that the demo does not do."""

    def __init__(self, program, home):
        command = [program, "sandbox", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("token_url"):
                break
        configuration = pathlib.Path(home, "config.toml")
        configuration.touch(mode=0o600)
        configuration.write_text("".join(lines), encoding="utf-8")
        self.arguments = ("--config", str(configuration), "--state-dir", os.path.join(home, "state"))
        self.address = re.search(r'base_url = "(http://[^/"]+)', "".join(lines))[1]

    def switch(self, settings):
        body = json.dumps(settings).encode()
        urllib.request.urlopen(f"{self.address}/sandbox/settings", data=body, timeout=PATIENCE).close()

    def close(self):
        self.process.terminate()
        self.process.wait()


@dataclasses.dataclass(frozen=True)
class Style:
    front: str = None
    back: str = None
    bold: bool = False
    dim: bool = False
    underlined: bool = False
    reversed: bool = False


ANSI = ["#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4",
        "#6e7681", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#f0f6fc"]


def of_256(index):
    if index < 16:
        return ANSI[index]
    if index >= 232:
        return "#" + f"{8 + 10 * (index - 232):02x}" * 3
    steps = [0, 95, 135, 175, 215, 255]
    index -= 16
    return "#" + "".join(f"{steps[index // place % 6]:02x}" for place in (36, 6, 1))


def restyled(style, numbers):
    """The style after one SGR sequence."""
    change = dataclasses.replace
    numbers = list(numbers)
    while numbers:
        number = numbers.pop(0)
        if number == 0:
            style = Style()
        elif number in (1, 2, 4, 7):
            style = change(style, **{{1: "bold", 2: "dim", 4: "underlined", 7: "reversed"}[number]: True})
        elif number == 22:
            style = change(style, bold=False, dim=False)
        elif number in (24, 27):
            style = change(style, **{{24: "underlined", 27: "reversed"}[number]: False})
        elif number in (38, 48):
            field = "front" if number == 38 else "back"
            if numbers.pop(0) == 2:
                colour = "#" + "".join(f"{numbers.pop(0):02x}" for _ in range(3))
            else:
                colour = of_256(numbers.pop(0))
            style = change(style, **{field: colour})
        elif number in (39, 49):
            style = change(style, **{"front" if number == 39 else "back": None})
        elif 30 <= number <= 37 or 90 <= number <= 97:
            style = change(style, front=ANSI[number - 30 if number < 90 else number - 82])
        elif 40 <= number <= 47 or 100 <= number <= 107:
            style = change(style, back=ANSI[number - 40 if number < 100 else number - 92])
    return style


def width(character):
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def runs(line, style):
    """Pieces of one style with the column they start at, and the style at the end."""
    pieces, column = [], 0
    for part in re.split(r"(\x1b\[[0-9;:]*m)", line):
        if part.startswith("\x1b["):
            style = restyled(style, [int(number or 0) for number in re.split("[;:]", part[2:-1])])
        elif part:
            cells = sum(map(width, part))
            pieces.append((column, cells, part, style))
            column += cells
    return pieces, style


def svg(lines, scene):
    paper, ink = scene.paper
    columns, rows = scene.size
    wide, high = columns * CELL_WIDTH + 2 * MARGIN, rows * CELL_HEIGHT + 2 * MARGIN
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.1f} {high}" font-size="{FONT_SIZE}" '
           'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace">',
           f'<rect width="100%" height="100%" rx="8" fill="{paper}"/>']
    style = Style()
    for row, line in enumerate(lines[:rows]):
        pieces, style = runs(line, style)
        top = MARGIN + row * CELL_HEIGHT
        for column, cells, text, look in pieces:
            left, length = MARGIN + column * CELL_WIDTH, cells * CELL_WIDTH
            front, back = look.front or ink, look.back
            if look.reversed:
                front, back = back or paper, front
            if back:
                out.append(f'<rect x="{left:.1f}" y="{top}" width="{length:.1f}" height="{CELL_HEIGHT}" fill="{back}"/>')
            more = ' font-weight="bold"' * look.bold + ' opacity="0.6"' * look.dim
            more += ' text-decoration="underline"' * look.underlined
            # Words that stand apart are placed apart, so that columns line up whatever font there is.
            for words in re.finditer(r"\S+(?: \S+)*", text):
                at = left + sum(map(width, text[: words.start()])) * CELL_WIDTH
                length = sum(map(width, words[0])) * CELL_WIDTH
                out.append(f'<text x="{at:.1f}" y="{top + 13.5}" textLength="{length:.1f}" fill="{front}" '
                           f'lengthAdjust="spacingAndGlyphs" xml:space="preserve"{more}>{html.escape(words[0])}</text>')
    return "\n".join([*out, "</svg>", ""])


def program():
    if "COHORT_SYNC" in os.environ:
        return str(pathlib.Path(os.environ["COHORT_SYNC"]).resolve())
    subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return str(target / "release" / "cohort-sync")


def photographed(scene, binary, home):
    """The lines of the screen after the scene's steps."""
    with contextlib.ExitStack() as leaving:
        sandbox = None
        if not scene.arguments:
            sandbox = Sandbox(binary, home)
            leaving.callback(sandbox.close)
            scene = dataclasses.replace(scene, arguments=sandbox.arguments)
        terminal = Terminal(binary, scene, home)
        leaving.callback(terminal.close)
        for step in scene.steps:
            match step:
                case ("wait", text):
                    terminal.wait_for(text)
                case ("gone", text):
                    terminal.wait_for(text, is_seen=False)
                case ("switch", settings):
                    sandbox.switch(settings)
                case keys:
                    terminal.press(keys)
        time.sleep(0.3)  # The last key's frame is at most a tenth of a second behind.
        return terminal.lines()


def main(wanted):
    names = [scene.name for scene in SCENES]
    for name in wanted:
        if name not in names:
            sys.exit(f"there is no scene {name}; there are {', '.join(names)}")
    binary = program()
    for scene in SCENES:
        if wanted and scene.name not in wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="pictures-") as home:
            lines = photographed(scene, binary, home)
        path = HERE / f"{scene.name}.svg"
        path.write_text(svg(lines, scene), encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
