"""Runs the README's example in a terminal and converts its screen to docs/picture.svg.

Called by tests/lab/picture, which has brought up the lab and built the program.
"""

import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
COLUMNS, ROWS = 104, 24
COMMAND = "onebuild matrix --push --version '>=2.0.12'"
# A cold run of these images takes less than a minute.
LIMIT = 300

CHARACTER, LINE, MARGIN, BAR = 8.4, 19, 16, 34
# The eight colours of a terminal as classes, and their two palettes.
COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"]
LIGHT = dict(
    back="#ffffff", edge="#d0d7de", bar="#f6f8fa", text="#1f2328", dim="#656d76", black="#1f2328", red="#cf222e",
    green="#1a7f37", yellow="#9a6700", blue="#0969da", magenta="#8250df", cyan="#1b7c83", white="#6e7781")
DARK = dict(
    back="#0d1117", edge="#30363d", bar="#161b22", text="#e6edf3", dim="#8d96a0", black="#6e7681", red="#ff7b72",
    green="#3fb950", yellow="#d29922", blue="#58a6ff", magenta="#bc8cff", cyan="#39c5cf", white="#b1bac4")


def example():
    """The files of the README's example, before its first section."""
    head = (CHECKOUT / "README.md").read_text().split("\n## ")[0]
    return re.findall(r"^```\w+ (\S+)\n(.*?)^```$", head, re.M | re.S)


def record(program, registry):
    """The lines of the terminal, with their escape sequences, after the command has ended."""
    socket = f"onebuild-picture-{os.getpid()}"
    tmux = lambda *args: subprocess.run(["tmux", "-L", socket, *args], check=True, text=True, stdout=subprocess.PIPE).stdout
    with tempfile.TemporaryDirectory(prefix="onebuild-picture-", dir="/tmp") as folder:
        for name, text in example():
            # A new word: nothing is cached.
            text = text.replace("ghcr.io", registry).replace("RUN panel --check", f"RUN panel --check # {socket}")
            Path(folder, name).write_text(text)
        Path(folder, "bin").mkdir()
        Path(folder, "bin/onebuild").symlink_to(program)
        environment = {
            "PATH": f"{folder}/bin:/usr/bin:/bin", "HOME": folder, "TERM": "xterm-256color", "LANG": "C.UTF-8",
            "DOCKER_HOST": os.environ["DOCKER_HOST"], "PS1": "$ ",
        }
        words = [f"{name}={value}" for name, value in environment.items()]
        shell = ["env", "-i", *words, "bash", "--norc", "--noprofile"]
        try:
            tmux("-u", "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "-c", folder, *shell)
            ended = time.monotonic() + LIMIT

            def wait(pattern):
                while not re.search(pattern, tmux("capture-pane", "-p").rstrip()):
                    if time.monotonic() > ended:
                        sys.exit("the run has not ended:\n" + tmux("capture-pane", "-p"))
                    time.sleep(0.2)

            # What is typed before the prompt would be shown twice.
            wait(r"\$$")
            tmux("send-keys", "-l", COMMAND)
            tmux("send-keys", "Enter")
            # Until the shell shows its next prompt.
            wait(r", in \S+\n(.*\n)*\$$")
            return tmux("capture-pane", "-p", "-e", "-S", "-").rstrip().splitlines()
        finally:
            subprocess.run(["tmux", "-L", socket, "kill-server"], check=False, stderr=subprocess.DEVNULL)


def spans(line):
    """`(classes, text)` for each stretch of a line."""
    classes, found = set(), []
    for part in re.split(r"(\x1b\[[\d;]*m)", line):
        codes = re.fullmatch(r"\x1b\[([\d;]*)m", part)
        if codes is None:
            if part:
                found.append((" ".join(sorted(classes)), part))
            continue
        for code in (int(code or 0) for code in codes[1].split(";")):
            if code == 0:
                classes = set()
            elif code == 1:
                classes |= {"bold"}
            elif code == 2:
                classes |= {"dim"}
            elif 30 <= code <= 37 or 90 <= code <= 97:
                classes = classes - set(COLOURS) | {COLOURS[code % 10]}
            elif code == 39:
                classes -= set(COLOURS)
            elif code == 22:
                classes -= {"bold", "dim"}
    return found


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def svg(lines):
    across = COLUMNS * CHARACTER + 2 * MARGIN
    down = BAR + len(lines) * LINE + 2 * MARGIN - 4
    palette = lambda colours: "".join(f"--{name}:{value};" for name, value in colours.items())
    rules = "".join(f".{name}{{fill:var(--{name})}}" for name in COLOURS)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across:.0f} {down:.0f}" width="{across:.0f}" height="{down:.0f}" role="img">',
        f"<title>{html.escape(COMMAND)}</title>",
        f"<style>svg{{{palette(LIGHT)}}}@media(prefers-color-scheme:dark){{svg{{{palette(DARK)}}}}}"
        "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre;fill:var(--text)}"
        f"{rules}.dim{{fill:var(--dim)}}.bold{{font-weight:bold}}</style>",
        f'<rect x=".5" y=".5" width="{across - 1:.1f}" height="{down - 1:.1f}" rx="8" fill="var(--back)" stroke="var(--edge)"/>',
        f'<path d="M.5 {BAR}V8.5a8 8 0 0 1 8-8h{across - 17:.1f}a8 8 0 0 1 8 8V{BAR}z" fill="var(--bar)" stroke="var(--edge)"/>',
    ]
    out += [f'<circle cx="{18 + n * 18}" cy="17" r="5" fill="var(--edge)"/>' for n in range(3)]
    for row, line in enumerate(lines):
        column, y = 0, BAR + MARGIN + 10 + row * LINE
        for classes, text in spans(line):
            blank = len(text) - len(text.lstrip(" "))
            shown = text.strip(" ")
            if shown:
                x, long = MARGIN + (column + blank) * CHARACTER, width(shown) * CHARACTER
                name = f' class="{classes}"' if classes else ""
                # Columns stay aligned with any font.
                out.append(
                    f'<text x="{x:.1f}" y="{y}" textLength="{long:.1f}" lengthAdjust="spacingAndGlyphs"{name}>{html.escape(shown)}</text>')
            column += width(text)
    return "\n".join([*out, "</svg>", ""])


def main():
    program, *options = sys.argv[1:]
    if shutil.which("tmux") is None:
        sys.exit("tmux is missing")
    registry = os.environ["ONEBUILD_LAB_REGISTRY"]
    lines = record(program, registry)
    while lines and re.fullmatch(r"(\x1b\[[\d;]*m)*\$ ?", lines[-1]):
        lines.pop()
    names = [(registry, "ghcr.io"), (os.environ["DOCKER_HOST"], "unix:///var/run/docker.sock")]
    # The terminal wrapped the line with the socket; in the picture it fits.
    text = "\n".join(lines)
    for here, shown in names:
        text = re.sub(r"\n?".join(map(re.escape, here)), shown, text)
    text = re.sub(r"\+dfsg\d+", "", text).replace("\n · ", " · ")
    if options == ["--text"]:
        print(re.sub(r"\x1b\[[\d;]*m", "", text))
        return
    (CHECKOUT / "docs/picture.svg").write_text(svg(text.split("\n")))
    print("docs/picture.svg")


main()
