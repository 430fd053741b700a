#!/usr/bin/env python3
"""Faults of file systems and clocks that only root can cause, and what becomes of runs.

    python3 tools/faults.py target/release/rlai

Runs are put on file systems of their own, in a mount namespace that ends with this script: nothing stays
mounted. Each fault must end the run with one error and the documented exit code; then it is mended, and
`rlai resume` must come to the parameters and metrics of an undisturbed run. Without root it says that it
did nothing; with RLAI_REQUIRE_FAULTS=1 that is an error.
"""

import argparse
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ENTERED = "RLAI_FAULTS_NAMESPACE"
# All checkpoints are kept: what a run takes only grows, so the last write can be the one that is refused.
RUN = """train --env Pendulum-v1 --steps 200 --learning-starts 40 --hidden 8,8 --batch 8 --evaluate-every 100
--evaluation-episodes 1 --log-every 10 --checkpoint-every 50 --keep-checkpoints 9 --out run --quiet""".split()
LONG = """train --env Pendulum-v1 --steps 60000 --learning-starts 40 --hidden 8,8 --batch 8
--evaluate-every 30000 --evaluation-episodes 1 --log-every 500 --checkpoint-every 1000 --out run --quiet""".split()
PAGE = os.sysconf("SC_PAGE_SIZE")


def call(*words):
    """A command of the system that must succeed."""
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


class Disk:
    """A tmpfs that is gone after use."""

    def __init__(self, options):
        self.folder = tempfile.mkdtemp()
        call("mount", "-t", "tmpfs", "-o", options, "rlai-faults", self.folder)

    def remount(self, options):
        call("mount", "-o", "remount," + options, self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        call("umount", "--lazy", self.folder)
        os.rmdir(self.folder)


def rlai(program, folder, arguments):
    """Runs the program to its end: exit code and what it complained of."""
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stderr


def outcome(folder):
    """Parameters' hash, and the metrics without times."""
    run = pathlib.Path(folder, "run")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    timeless = [
        {key: value for key, value in line.items() if "time" not in key and "second" not in key}
        for line in lines
    ]
    return json.loads((run / "result.json").read_text())["parameters_blake3"], timeless


def expect(what, holds, told=""):
    """Ends with 1 if something does not hold."""
    if not holds:
        sys.exit(f"faults: {what}: NOT so\n{told}")


def one_error(what, code, told, codes, words):
    """One error, with an allowed exit code and one of the wanted words."""
    expect(f"{what}: exit code {code}, {codes} wanted", code in codes, told)
    expect(f"{what}: one error", told.count("error: ") == 1 and "panicked" not in told, told)
    expect(f"{what}: one of {words}", any(word in told for word in words), told)


def goes_on(what, program, folder, whole, anew):
    """The run goes on, or begins if nothing was left of it, and comes to the same."""
    begun = pathlib.Path(folder, "run").exists()
    code, told = rlai(program, folder, ["resume", "run", "--quiet"] if begun else anew)
    expect(f"{what}: it goes on", code == 0, told)
    expect(f"{what}: it comes to the same", outcome(folder) == whole)


# What is refused, by the words of the error.
PLACES = [
    ("at the start", "cannot create"),
    ("publishing", "cannot publish the result"),
    ("metrics", "metrics.jsonl"),
    ("segment of the replay", "/replay"),
    ("file of a checkpoint", "/checkpoints"),
    ("owner's name in the run's folder", "owner.json"),
    ("configuration", "run.toml"),
]


def place(told):
    error = told[told.index("error: ") :].splitlines()[0]
    return next((name for name, word in PLACES if word in error), "elsewhere: " + error)


def full_disks(program, whole, kind, sizes):
    """A run on disks of every size, from too small for anything to large enough."""
    hit = collections.Counter()
    for size in sizes:
        what = f"{kind} {size}"
        with Disk(f"{kind}={size}") as disk:
            code, told = rlai(program, disk.folder, RUN)
            if code == 0:
                print(f"disk full, {kind} up to {size}: {sum(hit.values())} runs, all went on to the same")
                for name, count in hit.most_common():
                    print(f"  {count:4} {name}")
                return hit
            one_error(what, code, told, (1, 2), ["No space left on device"])
            left = os.listdir(disk.folder)
            expect(f"{what}: exit code {code}, left {left}", (code == 2) == (left == []), told)
            hit[place(told)] += 1
            disk.remount(f"{kind}={1 << 24}")
            goes_on(what, program, disk.folder, whole, RUN)
    sys.exit(f"faults: a run of {kind} {size} is still too large")


def start_long(program, folder, prefix=()):
    """A long run that has saved itself a few times."""
    process = subprocess.Popen(
        [*prefix, program, *LONG], cwd=folder, stderr=subprocess.PIPE, text=True
    )
    checkpoints = pathlib.Path(folder, "run/attempt-1/checkpoints")
    deadline = time.monotonic() + 60
    while not any(checkpoints.glob("0000000[1-9]*0")):
        expect("a long run saves itself", time.monotonic() < deadline and process.poll() is None)
        time.sleep(0.005)
    return process


def end_of(process):
    told = process.communicate(timeout=60)[1]
    return process.returncode, told


def read_only_at_start(program, whole):
    with Disk("size=4m") as disk:
        disk.remount("ro")
        code, told = rlai(program, disk.folder, RUN)
        one_error("read-only at the start", code, told, (2,), ["Read-only file system"])
        disk.remount("rw")
        goes_on("read-only at the start", program, disk.folder, whole, RUN)
    with Disk("size=4m") as disk:
        code, _ = rlai(program, disk.folder, RUN)
        shutil.rmtree(pathlib.Path(disk.folder, "run/attempt-1"))
        pathlib.Path(disk.folder, "run/result.json").unlink()
        disk.remount("ro")
        code, told = rlai(program, disk.folder, ["resume", "run"])
        one_error("resumed read-only", code, told, (2,), ["Read-only file system"])
        disk.remount("rw")
        goes_on("resumed read-only", program, disk.folder, whole, RUN)
    print("read-only at the start, and when resumed: refused, then went on to the same")


def read_only_in_the_middle(program, whole):
    """A read-only mount over the run's folder: what is opened anew is refused."""
    with Disk("size=16m") as disk:
        process = start_long(program, disk.folder)
        run = os.path.join(disk.folder, "run")
        call("mount", "--bind", run, run)
        call("mount", "-o", "remount,bind,ro", run)
        code, told = end_of(process)
        one_error("read-only in the middle", code, told, (1,), ["Read-only file system"])
        expect("what is kept is told", "is kept in" in told, told)
        call("umount", run)
        goes_on("read-only in the middle", program, disk.folder, whole, LONG)
    print("read-only in the middle, by a mount: one error, then went on to the same")


def failing_file_system(program, whole):
    """An ext4 that finds an error in itself and turns read-only under open files."""
    with Disk("size=64m") as disk:
        image, folder = os.path.join(disk.folder, "image"), os.path.join(disk.folder, "ext4")
        os.mkdir(folder)
        with open(image, "wb") as file:
            file.truncate(48 << 20)
        made = subprocess.run(["mkfs.ext4", "-q", "-F", image], capture_output=True)
        mount = ["mount", "-o", "loop,errors=remount-ro", image, folder]
        if made.returncode or subprocess.run(mount, capture_output=True).returncode:
            print("SKIPPED: a failing ext4 (no mkfs.ext4, or no loop devices)")
            return
        device = os.path.basename(os.path.realpath(
            subprocess.check_output(["findmnt", "-n", "-o", "SOURCE", folder], text=True).strip()
        ))
        process = start_long(program, folder)
        pathlib.Path("/sys/fs/ext4", device, "trigger_fs_error").write_text("1")
        code, told = end_of(process)
        call("umount", folder)
        one_error("a failing ext4", code, told, (1,), ["Read-only file system", "Input/output error"])
        subprocess.run(["fsck.ext4", "-y", image], capture_output=True)
        call(*mount)
        goes_on("a failing ext4", program, folder, whole, LONG)
        call("umount", folder)
    print("an ext4 that fails in the middle: one error, then, repaired, went on to the same")


def other_clocks(program, whole):
    """A time namespace: the process counts its start from another boot than who looks at it."""
    shifted = ["unshare", "--time", "--fork", "--kill-child", "--boottime", "1000000", "--monotonic", "1000000"]
    if subprocess.run([*shifted, "true"], capture_output=True).returncode:
        print("SKIPPED: clocks of another boot (no time namespaces)")
        return
    for inside, outside in ((shifted, []), ([], shifted)):
        with Disk("size=16m") as disk:
            process = start_long(program, disk.folder, inside)
            owner = json.loads(pathlib.Path(disk.folder, "run/owner.json").read_text())
            command = [*outside, program, "resume", "run", "--take-over"]
            done = subprocess.run(command, cwd=disk.folder, capture_output=True, text=True)
            expect("it still runs", process.poll() is None)
            one_error("a living owner", done.returncode, done.stderr, (2,), ["is writing this run"])
            os.kill(owner["pid"], 9)
            end_of(process)
            command = [*outside, program, "resume", "run", "--quiet"]
            done = subprocess.run(command, cwd=disk.folder, capture_output=True, text=True)
            expect("a dead owner is known as dead", done.returncode == 0, done.stderr)
            expect("it comes to the same", outcome(disk.folder) == whole)
    print("clocks of another boot: the owner is known, alive and dead, from inside and outside")


def enter_namespace():
    """Starts this script again in a mount namespace of its own."""
    if os.environ.get(ENTERED):
        return
    unshare = shutil.which("unshare")
    possible = unshare and os.geteuid() == 0
    if possible:
        possible = subprocess.run([unshare, "-m", "true"], capture_output=True).returncode == 0
    if possible:
        os.execve(unshare, [unshare, "-m", sys.executable, *sys.argv], {**os.environ, ENTERED: "1"})
    print("faults: SKIPPED, NOTHING WAS TESTED: mounting needs root and unshare", file=sys.stderr)
    sys.exit(1 if os.environ.get("RLAI_REQUIRE_FAULTS") == "1" else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path, help="the program rlai")
    arguments = parser.parse_args()
    enter_namespace()
    program = str(arguments.program.resolve())
    wholes = []
    for run in (RUN, LONG):
        with Disk("size=16m") as disk:
            code, told = rlai(program, disk.folder, run)
            expect("the undisturbed run", code == 0, told)
            wholes.append(outcome(disk.folder))
    whole, long_whole = wholes
    hit = full_disks(program, whole, "size", range(PAGE, 1 << 22, PAGE))
    hit += full_disks(program, whole, "nr_inodes", range(2, 400))
    for name in ("at the start", "metrics", "segment of the replay", "file of a checkpoint", "publishing"):
        expect(f"a disk was full at: {name}", hit[name] > 0, str(hit))
    read_only_at_start(program, whole)
    read_only_in_the_middle(program, long_whole)
    failing_file_system(program, long_whole)
    other_clocks(program, long_whole)
    print("faults: all runs went on to the last bit")


if __name__ == "__main__":
    main()
