#!/usr/bin/env python3
"""Counts the instructions of one update under callgrind and compares them with tools/instructions.json.

    tools/instructions.py            exit code 1: a count moved by more than 2 in 100
    tools/instructions.py --update   writes the counts of this build as the new ones

A count does not depend on what else the machine does, so it shows a regression that times would hide. Measured
are single updates with HalfCheetah's sizes on made-up transitions (crates/rlai/benches/instructions.rs), on one
thread, sampling from replay included. Valgrind shows every program the same processor, one with AVX2 and
without AVX-512, so that is the code which is counted; kernels for AVX-512 are only timed (`cargo bench`).

After a change that is meant to move the counts run it with --update and commit the file with the change. Counts
belong to one compiler: under another rustc, without valgrind (Debian: valgrind), or on a processor without AVX2
nothing is compared, and the exit code is 77.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = ROOT / "tools" / "instructions.json"
TOLERANCE = 0.02
UPDATES = 1
CASES = [("reverse-kl", 1), ("forward-kl", 16)]


def build():
    command = ["cargo", "bench", "-p", "rlai", "--bench", "instructions", "--no-run", "--locked",
               "--message-format=json"]
    # Incremental builds split the code otherwise, which moved counts by 3%.
    environment = {**os.environ, "CARGO_INCREMENTAL": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    lines = done.stdout
    for message in map(json.loads, lines.splitlines()):
        if message.get("target", {}).get("name") == "instructions" and message.get("executable"):
            return message["executable"]
    sys.exit("cargo did not say where it put the program")


def start(program, objective, samples, folder):
    out = pathlib.Path(folder) / objective
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--collect-atstart=no",
               "--toggle-collect=*measured_updates*", program, objective, str(samples), str(UPDATES)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    return process, out


def count(program):
    """Instructions an update, by case. Both cases run at the same time, each on one core."""
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        started = [(case, *start(program, *case, folder)) for case in CASES]
        for (objective, samples), process, out in started:
            errors = process.communicate()[1]
            if process.returncode != 0:
                sys.exit(f"{objective} under valgrind: exit code {process.returncode}\n{errors}")
            total = int(re.search(r"^summary: (\d+)", out.read_text(), re.MULTILINE)[1])
            if total == 0:
                sys.exit(f"{objective}: nothing was counted; was measured_updates renamed or inlined?")
            counts[f"{objective}, N = {samples}"] = total // UPDATES
    return counts


def compiler():
    return subprocess.run(["rustc", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def reason_against():
    if shutil.which("valgrind") is None:
        return "there is no valgrind"
    flags = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
    if not re.search(r"\bavx2\b", flags) or not re.search(r"\bfma\b", flags):
        return "this processor has no AVX2"
    return None


def compare(counts, known):
    """Prints the table; whether every count is within the tolerance."""
    good = True
    print(f"{'instructions an update':<24}{'now':>16}{'before':>16}{'change':>9}")
    for case, now in counts.items():
        before = known.get(case)
        change = now / before - 1 if before else float("inf")
        outside = abs(change) > TOLERANCE
        good &= not outside
        verdict = "" if not outside else "  MORE" if change > 0 else "  FEWER"
        print(f"{case:<24}{now:>16,}{before or 0:>16,}{change:>+9.2%}{verdict}")
    return good


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--update", action="store_true", help="write the counts as the new ones")
    update = arguments.parse_args().update
    if reason := reason_against():
        print(f"not counted: {reason}")
        return 77
    counts, rustc = count(build()), compiler()
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    good = compare(counts, known.get("instructions", {}))
    if update:
        FILE.write_text(json.dumps({"rustc": rustc, "instructions": counts}, indent=2) + "\n")
        print(f"written to {FILE.relative_to(ROOT)}")
        return 0
    if known.get("rustc") != rustc:
        print(f"not compared: the counts are those of {known.get('rustc')}, this is {rustc}")
        return 77
    if not good:
        print(f"moved by more than {TOLERANCE:.0%}; if that is meant: tools/instructions.py --update")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
