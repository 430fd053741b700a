#!/usr/bin/env python3
"""Makes a study with known numbers, reports of it, and opens the page in headless Chromium.

    tools/report_check.py target/release/rlai [--screenshots DIR] [--chromium PATH]

Checked: no message on the console, no request leaves the page, every figure is there, has a title and a
description and is as wide as it should be, nothing sticks out of the page at 1280 and at 390 pixels, text is
legible in light and dark. Needs the Python package playwright and a Chromium (Debian: chromium). Exit code 77:
there is no browser.
"""

import argparse
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

STUDY = """name = "made"
title = "Made runs: <b>reverse</b> & forward KL"
seeds = {seeds}

[base]
steps = 300
learning_starts = 100
hidden = [8]
batch = 8
evaluate_every = 100
evaluation_episodes = 1

[grid]
env = ["Pendulum-v1", "MountainCarContinuous-v0"]
buffer = [1000, 100000]

[[variant]]
name = "reverse"
label = "reverse KL"

[[variant]]
name = "forward"
label = "forward KL, N = 4"
objective = "forward-kl"
samples = 4

[[variant]]
name = "hostile"
label = "<script>alert(1)</script> & \\"mixed\\""
objective = "mixed-kl"
samples = 4

[reference."Pendulum-v1"]
low = -1200
high = -150

[reference."MountainCarContinuous-v0"]
low = -30
high = 90
"""
SEEDS = 10
POINTS = 60


def noise(*parts):
    """A number from -1 to 1 that depends on the parts alone."""
    value = math.sin(sum((i + 1) * 12.9898 * part for i, part in enumerate(parts))) * 43758.5453
    return 2 * (value - math.floor(value)) - 1


def curve(variant, seed):
    """Returns by step, and the share of weights that count."""
    kind = variant.split("/")[0]
    low, high = (-1200, -150) if "Pendulum" in variant else (-30, 90)
    small = "buffer=1000," in variant + ","
    number = ["reverse", "forward", "hostile"].index(kind)
    speed = [0.30, 0.17, 0.24][number] * (1.5 if small and number == 0 else 1.0)
    top = [0.85, 0.97, 0.9][number] - (0.25 if small and number == 0 else 0.02) + 0.05 * noise(seed, number)
    points = []
    for i in range(1, POINTS + 1):
        share = top * (1 - math.exp(-i / POINTS / speed)) + 0.04 * noise(seed, i, number, small)
        points.append((5000 * i, low + (high - low) * share))
    return points


def make_run(folder, source, variant, seed):
    text = (source / "run.toml").read_text()
    text = re.sub(r"^seed = \d+$", f"seed = {seed}", text, flags=re.M)
    text = re.sub(r'^out = ".*"$', f'out = "runs/made/{variant}/seed{seed}"', text, flags=re.M)
    result = json.loads((source / "result.json").read_text())
    points = curve(variant, seed)
    evaluations = [{"step": s, "return_mean": r, "return_sd": 0.0} for s, r in points]
    result |= {"seed": seed, "evaluations": evaluations, "final_return": points[-1][1]}
    result |= {"out": f"runs/made/{variant}/seed{seed}", "steps": points[-1][0], "wall_time_seconds": 3000.0 + seed}
    lines = []
    for i, (step, value) in enumerate(points):
        train = {"kind": "train", "step": step, "entropy": 1.0 - 2.0 * i / POINTS + 0.1 * noise(seed, i)}
        train["effective_sample_size"] = None if "reverse" in variant else 1 + 3 / (1 + 0.1 * i) + 0.1 * noise(seed, i)
        lines.append(train)
        lines.append({"kind": "evaluation", "step": step, "return_mean": value, "return_sd": 0.0,
                      "length_mean": 200.0, "returns": [value], "time_seconds": step * 0.01 + seed})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.toml").write_text(text)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "result.json").write_text(json.dumps(result))


def make_study(rlai, room, seeds):
    """Runs the study with one seed, and makes the other seeds, and all numbers, by hand."""
    file = room / "study.toml"
    file.write_text(STUDY.format(seeds=1))
    subprocess.run([rlai, "study", "run", file], cwd=room, check=True, capture_output=True)
    out = room / "runs/made"
    for source in [result.parent for result in sorted(out.glob("**/seed0/result.json"))]:
        shutil.copytree(source, room / "source", ignore=shutil.ignore_patterns("attempt-*"), symlinks=True)
        shutil.rmtree(source)
        for seed in range(seeds):
            variant = source.parent.relative_to(out).as_posix()
            make_run(source.parent / f"seed{seed}", room / "source", variant, seed)
        shutil.rmtree(room / "source")
    file.write_text(STUDY.format(seeds=seeds))
    (out / "study.toml").write_text(STUDY.format(seeds=seeds))
    # One run is missing, so that the page has a warning.
    shutil.rmtree(next(out.glob(f"hostile/**/seed{seeds - 1}")))
    subprocess.run([rlai, "study", "report", out], cwd=room, check=True, capture_output=True)
    return out


LOOK = """() => ({
  figures: [...document.querySelectorAll('figure')].map(f => ({
    name: f.dataset.figure, width: f.querySelector('svg').getBoundingClientRect().width,
    title: f.querySelector('svg > title').textContent, desc: f.querySelector('svg > desc').textContent,
    caption: f.querySelector('figcaption').textContent,
    small: Math.min(...[...f.querySelectorAll('text')].map(t => { const m = t.getScreenCTM();
      return parseFloat(t.getAttribute('font-size')) * Math.hypot(m.a, m.b); })) })),
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  scripts: document.scripts.length,
  paper: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.body).color,
  answer: document.querySelector('#answer').getBoundingClientRect().top })"""


def luminance(colour):
    def linear(part):
        part = int(part) / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(part) for part in re.findall(r"\d+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def check(page, expected, width):
    """What is wrong with the page as it is shown now."""
    seen = page.evaluate(LOOK)
    wrong = []
    names = {figure["name"] for figure in seen["figures"]}
    wrong += [f"figure {name} is missing" for name in sorted(expected - names)]
    for figure in seen["figures"]:
        if not (figure["title"] and figure["desc"] and figure["caption"]):
            wrong.append(f"figure {figure['name']}: no title, description or caption")
        if figure["width"] < min(300, width * 0.8):
            wrong.append(f"figure {figure['name']}: {figure['width']} pixels wide")
        if figure["small"] < 8:
            wrong.append(f"figure {figure['name']}: letters of {figure['small']:.1f} pixels")
    if seen["wide"] > 0:
        wrong.append(f"the page is {seen['wide']} pixels wider than the screen")
    if seen["scripts"]:
        wrong.append(f"{seen['scripts']} scripts")
    light, dark = sorted([luminance(seen["paper"]), luminance(seen["ink"])], reverse=True)
    if (light + 0.05) / (dark + 0.05) < 7:
        wrong.append(f"text {seen['ink']} on {seen['paper']}")
    if seen["answer"] > 600:
        wrong.append(f"the answer begins {seen['answer']} pixels down")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rlai", type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path)
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    arguments = parser.parse_args()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("no browser check: the Python package playwright is missing", file=sys.stderr)
        return 77
    if not arguments.chromium:
        print("no browser check: there is no chromium", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory() as room:
        out = make_study(arguments.rlai.resolve(), pathlib.Path(room), SEEDS)
        stems = {path.stem for path in [*out.glob("*.svg"), *out.glob("report/*.svg")]}
        if len(stems) < 15:
            print(f"only {len(stems)} figures were written", file=sys.stderr)
            return 1
        wrong = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
            for width, scheme in [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]:
                page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
                told = []
                page.on("console", lambda message: told.append(f"console: {message.text}"))
                page.on("pageerror", lambda error: told.append(f"error: {error}"))
                page.on("dialog", lambda dialog: told.append("a dialog opened"))
                page.on("request", lambda request: told.append(f"request: {request.url[:80]}")
                        if not request.url.startswith(("file:", "data:")) else None)
                page.goto((out / "report.html").as_uri())
                told += check(page, stems, width)
                wrong += [f"{width} {scheme}: {what}" for what in told]
                if arguments.screenshots:
                    arguments.screenshots.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=arguments.screenshots / f"{width}-{scheme}.png", full_page=True)
                page.close()
            browser.close()
    for what in wrong:
        print(what, file=sys.stderr)
    if not wrong:
        print(f"{len(stems)} figures, wide and narrow, light and dark: all well")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
