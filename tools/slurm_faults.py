#!/usr/bin/env python3
"""Disturbs studies on a real Slurm cluster in every way that clusters know, and checks what they come to.

    python3 tools/slurm_faults.py target/release/rlai --all     every fault, without and with RequeueExit=75
    python3 tools/slurm_faults.py target/release/rlai --ci      the four that matter most
    python3 tools/slurm_faults.py target/release/rlai --fault requeue --fault second-copy

The cluster is brought up on loopback by tools/slurm_cluster (as root; it installs Debian's packages). Where
none comes up nothing is checked: that is told, and the exit code is 77. Each fault hits a study of its own of
two runs. Whatever happens, each run must end with one result: the very parameters and metrics of the same
run made undisturbed on this machine. Meanwhile `rlai study resume` is called every few seconds, as a user
or a cron job would; how often it had to submit a run again is told, and must be 0 where the program itself
or Slurm can do without. Exits with 1 if anything differs. Runs are as long as this machine makes them in
some seconds of its processor, so it may be slow or busy.
"""

import argparse
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CLUSTER = HERE / "slurm_cluster"
BASE = {
    "env": "CartPole-v1",
    "objective": "reverse-kl-all-actions",
    "learning_starts": 500,
    "hidden": [64, 64],
    "batch": 64,
    "evaluation_episodes": 1,
}
CALIBRATION = 10000
SEEDS = 2
# Most seconds that a fault may take to its end.
PATIENCE = 600


# The exit code that says that nothing was checked.
NOT_CHECKED = 77


class Broken(Exception):
    """A check that failed."""


class NoCluster(Exception):
    """There is none on this machine."""


def call(*command, check=True, **more):
    """Runs a command; what it printed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **more)
    if check and done.returncode != 0:
        raise Broken(f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stderr.strip()}")
    return done


def study_text(name, steps, engine):
    """A study's file."""
    base = BASE | {
        "steps": steps,
        "evaluate_every": steps // 4,
        "log_every": steps // 40,
        "checkpoint_every": steps // 40,
    }
    lines = [f'name = "{name}"', f"seeds = {SEEDS}", "[base]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in base.items()]
    lines += ["[[variant]]", 'name = "v"', "[engine]", 'kind = "slurm"']
    lines += [f"{key} = {json.dumps(value)}" for key, value in engine.items()]
    return "\n".join(lines) + "\n"


def outcome(run):
    """What a run came to: its parameters' hash, and its metrics without times."""
    result = json.loads((run / "result.json").read_text())
    if result["status"] != "finished" or not (run / "checkpoint").exists():
        raise Broken(f"{run}: no valid result")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    timeless = [
        {key: value for key, value in line.items() if "time" not in key and "second" not in key}
        for line in lines
    ]
    return result["parameters_blake3"], timeless


def wait_for(what, condition, seconds=PATIENCE, pause=0.2):
    """Waits until a condition holds, and returns what it is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(pause)
    raise Broken(f"{what}: not in {seconds} s")


class Study:
    """A study on the cluster."""

    def __init__(self, room, program, name, steps, **engine):
        self.program, self.name, self.steps = program, name, steps
        self.out, self.file = room / name, room / f"{name}.toml"
        self.file.write_text(study_text(name, steps, engine))
        self.runs = [self.out / "v" / f"seed{seed}" for seed in range(SEEDS)]
        self.said, self.submitted = [], 0

    def study(self, *words):
        """Calls `rlai study`; keeps what it says."""
        done = call(self.program, "study", *words, check=False)
        self.said += done.stderr.splitlines()
        if done.returncode != 0:
            raise Broken(f"rlai study {words[0]}: exit {done.returncode}: {done.stderr.strip()}")
        return done

    def start(self):
        self.study("run", self.file, "--out", self.out)

    def start_exiting(self):
        """As with a script that exits when it is told to end, instead of waiting for it."""
        self.start()
        array, script = self.array(), self.out / "slurm" / "submission-1.sh"
        name = call("squeue", "-h", "-j", array, "-o", "%j").stdout.split()[0]
        limit = [f"--signal=B:USR1@{self.warning()}"]
        call("scancel", array)
        text = script.read_text().replace("--on-signal wait", "--on-signal stop")
        script.write_text(text)
        logs = f"--output={self.out}/slurm/submission-1-run-%a.log"
        chdir, job, tasks = f"--chdir={self.out}", f"--job-name={name}", f"--array=0-{SEEDS - 1}"
        call("sbatch", job, tasks, "--requeue", "--open-mode=append", *limit, logs, chdir, script)

    def warning(self):
        found = re.search(r"warn_seconds = (\d+)", self.file.read_text())
        return found[1] if found else 120

    def array(self):
        return (self.out / "slurm" / "submission-1.job").read_text().strip()

    def resume(self):
        """What a user or a cron job does: whatever is lost is submitted again."""
        told = self.study("resume", self.out).stderr
        self.submitted += sum(map(int, re.findall(r"submitted (\d+) run", told)))

    def task(self, index=0):
        """A running task: its id and its node."""
        lines = call("squeue", "-h", "-r", "-t", "RUNNING", "-o", "%j|%F|%K|%N").stdout.splitlines()
        for line in lines:
            name, array, task, node = line.split("|")
            if name.startswith(f"rlai.{self.name}.") and task == str(index):
                return f"{array}_{task}", node
        return None

    def owner(self, index=0):
        """The owner of the newest attempt at a run."""
        attempts = sorted(self.runs[index].glob("attempt-*"), key=lambda p: int(p.name[8:]))
        try:
            return json.loads((attempts[-1] / "owner.json").read_text())
        except (IndexError, OSError, ValueError):
            return None

    def attempts(self, index=0):
        return len(list(self.runs[index].glob("attempt-*")))

    def saved(self, index=0):
        return any(self.runs[index].glob("attempt-*/checkpoints/*/manifest.json"))

    def under_way(self):
        """Waits until the first run has saved itself; its job and node."""
        wait_for("a first checkpoint", self.saved)
        return wait_for("a running task", self.task)

    def finished(self):
        return all((run / "result.json").exists() for run in self.runs)

    def to_the_end(self, calls_resume=True):
        """Waits until every run has a result."""
        end, next_call = time.monotonic() + PATIENCE, time.monotonic() + 6
        while not self.finished():
            if time.monotonic() > end:
                raise Broken(f"no result in {PATIENCE} s; {self.log()}")
            if calls_resume and time.monotonic() > next_call:
                self.resume()
                next_call = time.monotonic() + 6
            time.sleep(0.3)

    def log(self):
        """The end of each run's log."""
        logs = sorted((self.out / "slurm").glob("*.log"))
        return " / ".join(" ; ".join(log.read_text().splitlines()[-4:]) for log in logs)

    def logged(self, text):
        return any(text in log.read_text() for log in (self.out / "slurm").glob("*.log"))


# The faults. Each is given what makes a study of runs of some length; it returns the study, what happened
# in words, and how many runs `study resume` had to submit again (none: either may be).


def requeue(make):
    study = make("short")
    study.start()
    job, _ = study.under_way()
    call("scontrol", "requeue", job)
    study.to_the_end()
    return study, "queued again by Slurm, went on from its checkpoint", 0


def kill_run(make):
    study = make("short")
    study.start()
    study.under_way()
    os.kill(study.owner()["pid"], signal.SIGKILL)
    study.to_the_end()
    return study, "FAILED for Slurm; resume submitted it again", 1


def exit_75(make):
    study = make("short")
    study.start_exiting()
    job, _ = study.under_way()
    call("scancel", "--signal=USR1", "--batch", job)
    study.to_the_end()
    words = "saved itself and exited with 75; "
    if study.submitted == 0:
        return study, words + "queued again by Slurm", 0
    return study, words + "FAILED for Slurm; resume submitted it again", 1


def time_limit(make):
    study = make("medium", time="1", warn_seconds=40)
    study.start()
    study.under_way()
    study.to_the_end()
    if not study.logged("is queued again"):
        raise Broken("the time limit was never near: the run was too short")
    return study, "warned, saved itself and had itself queued again", 0


def time_limit_exits(make):
    study = make("medium", time="1", warn_seconds=40)
    study.start_exiting()
    study.under_way()
    study.to_the_end()
    words = "warned, saved itself and exited with 75; "
    if study.submitted == 0:
        return study, words + "queued again by Slurm", 0
    return study, words + "FAILED for Slurm; resume submitted it again", None


def preempt(study):
    """Jobs of more weight take all nodes for a moment."""
    study.under_way()
    filler = "#!/bin/bash\nexec sleep 4\n"
    nodes = len(call("sinfo", "-h", "-N", "-p", "low", "-o", "%N").stdout.split())
    for _ in range(nodes):
        call("sbatch", "-p", "high", "--output=/dev/null", "--chdir=/tmp", input=filler)
    wait_for("preemption", lambda: study.owner() and study.owner()["released"] or study.finished())


def preempted_exits(make):
    study = make("short", partition="low")
    study.start_exiting()
    preempt(study)
    study.to_the_end()
    words = "saved itself and exited with 75; "
    if study.submitted == 0:
        return study, words + "queued again by Slurm", 0
    return study, words + "FAILED for Slurm; resume submitted it again", None


def preempted_waits(make):
    study = make("short", partition="low")
    study.start()
    preempt(study)
    study.to_the_end()
    return study, "saved itself and waited; ended and queued again by Slurm", 0


def node_lost(make):
    study = make("short")
    study.start()
    _, node = study.under_way()
    call(CLUSTER, "kill-node", node.removeprefix("n"))
    study.to_the_end()
    return study, f"down; queued again by Slurm, went on elsewhere ({node} -> {study.owner()['slurm']['node']})", 0


def second_copy(make):
    study = make("long")
    study.start()
    _, node = study.under_way()
    first = study.owner()
    call(CLUSTER, "kill", f"slurmd.{node}")
    wait_for("a second copy", lambda: study.attempts() > 1 or study.finished())
    second = study.owner()
    alive = pathlib.Path(f"/proc/{first['pid']}").exists()
    if second["pid"] == first["pid"]:
        raise Broken("the run was too short: no second copy started")
    study.to_the_end()
    wait_for("the end of the first copy", lambda: not running(first), 60)
    if alive and not study.logged("taken this run over"):
        raise Broken("the first copy did not say that it was fenced off")
    where = f"{first['slurm']['node']} -> {second['slurm']['node']}"
    state = "the first, alive, stopped itself" if alive else "the first had ended"
    return study, f"Slurm started a second copy ({where}); {state}", 0


def running(owner):
    """Whether a process lives that is not merely waited for."""
    try:
        stat = pathlib.Path(f"/proc/{owner['pid']}/stat").read_text()
    except OSError:
        return False
    fields = stat.rsplit(")", 1)[1].split()
    return fields[0] not in "ZX" and int(fields[19]) == owner["start_time"]


def controller_killed(make):
    study = make("short")
    study.start()
    wait_for("a running task", study.task, pause=0.02)
    call(CLUSTER, "kill", "slurmctld")
    time.sleep(2)
    call(CLUSTER, "start", "slurmctld")
    wait_for("the controller", lambda: call("scontrol", "ping", check=False).returncode == 0)
    followed = follow_notes(study)
    words = f"{followed} notes of resume, followed" if followed else "nothing was held"
    if study.submitted:
        words += "; the array was gone from the queue, resume submitted it again"
    return study, f"killed as runs began; {words}", None


def held_and_drained(make):
    study = make("short")
    study.start()
    job, _ = study.under_way()
    nodes = sorted(set(call("sinfo", "-h", "-N", "-o", "%N").stdout.split()))
    for node in nodes:
        call("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=bad disk")
    call("scontrol", "requeuehold", job)
    followed = follow_notes(study)
    if followed != 1 + len(nodes):
        raise Broken(f"{followed} notes were followed, not one of the array and {len(nodes)} of nodes")
    return study, f"resume told the array and all nodes; its {followed} commands mended them", 0


def follow_notes(study):
    """Calls resume until every run has a result, and does what it says must be done; how often it did."""
    done, end = set(), time.monotonic() + PATIENCE
    while not study.finished():
        if time.monotonic() > end:
            raise Broken(f"no result in {PATIENCE} s; {study.log()}")
        time.sleep(5)
        before = len(study.said)
        study.resume()
        for line in study.said[before:]:
            command = re.search(r"scontrol (?:release|update) [\w= ,]+$", line)
            if command and command[0] not in done:
                done.add(command[0])
                call(*command[0].split())
    return len(done)


FAULTS = {
    "requeue": requeue,
    "kill-run": kill_run,
    "exit-75": exit_75,
    "time-limit": time_limit,
    "time-limit-exits": time_limit_exits,
    "preempted-exits": preempted_exits,
    "preempted": preempted_waits,
    "node-lost": node_lost,
    "second-copy": second_copy,
    "controller-killed": controller_killed,
    "held-and-drained": held_and_drained,
}
CI = ["requeue", "kill-run", "node-lost", "second-copy"]


class Bench:
    """Lengths of runs on this machine, and what they come to undisturbed."""

    def __init__(self, room, program, seconds):
        self.room, self.program, self.references = room, program, {}
        # Time of the processor, not of the clock: how busy the machine is changes from minute to minute.
        before = os.times().children_user
        self.local("calibration", CALIBRATION)
        rate = SEEDS * CALIBRATION / (os.times().children_user - before)
        self.steps = {kind: max(4000, int(rate * s) // 40 * 40) for kind, s in seconds.items()}
        print(f"runs of {self.steps} steps", flush=True)

    def local(self, name, steps):
        """The outcomes of a study that this machine makes undisturbed."""
        file = self.room / f"{name}.toml"
        file.write_text(study_text(name, steps, {}))
        call(self.program, "study", "run", file, "--out", self.room / name, "--engine", "local")
        return [outcome(self.room / name / "v" / f"seed{seed}") for seed in range(SEEDS)]

    def reference(self, kind):
        if kind not in self.references:
            self.references[kind] = self.local(f"local-{kind}", self.steps[kind])
        return self.references[kind]


def check(study, expected):
    """Every run has one result, the one of a run that nobody disturbed."""
    for run, reference in zip(study.runs, expected):
        hashes, metrics = outcome(run)
        if hashes != reference[0]:
            raise Broken(f"{run}: other parameters than the local run")
        if metrics != reference[1]:
            raise Broken(f"{run}: other metrics than the local run")
        call(study.program, "inspect", run)
    status = json.loads(study.study("status", study.out, "--json").stdout)
    if status["states"] != {"finished": SEEDS}:
        raise Broken(f"status: {status['states']}")


def mend():
    """All nodes are well, and nothing is queued."""
    call("scancel", "-u", "root", check=False)
    nodes = call("sinfo", "-h", "-N", "-o", "%N").stdout.split()
    for node in sorted(set(nodes)):
        call(CLUSTER, "start-node", node.removeprefix("n"))
    for node in sorted(set(nodes)):
        call("scontrol", "update", f"NodeName={node}", "State=RESUME", check=False)

    def idle():
        states = call("sinfo", "-h", "-N", "-p", "low", "-o", "%T", check=False).stdout.split()
        return len(states) == len(set(nodes)) and set(states) == {"idle"}

    wait_for("idle nodes", idle, 90, 0.5)


def disturb(name, room, bench, requeue_exit):
    """Runs one fault; whether every run ended as it must."""
    begun = time.monotonic()
    kinds = []

    def make(kind, **engine):
        kinds.append(kind)
        label = f"{name}{'-75' if requeue_exit else ''}"
        return Study(room, bench.program, label, bench.steps[kind], **engine)

    try:
        study, words, submitted = FAULTS[name](make)
        seconds = time.monotonic() - begun
        check(study, bench.reference(kinds[0]))
        if submitted is not None and study.submitted != submitted:
            raise Broken(f"{words}: resume submitted {study.submitted} runs, expected {submitted}")
        attempts = "+".join(str(study.attempts(seed)) for seed in range(SEEDS))
        verdict = f"{seconds:5.0f} s  attempts {attempts}  resubmitted {study.submitted}  {words}"
        well = True
    except Broken as error:
        verdict, well = f"{time.monotonic() - begun:5.0f} s  BROKEN: {error}", False
    print(f"{name:18} {'75' if requeue_exit else '- ':2} {verdict}", flush=True)
    return well


def free_port():
    """The first of four ports that nobody listens on: the controller's and three nodes'."""
    for first in range(17010, 18000, 10):
        try:
            for port in range(first, first + 4):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise NoCluster("no free ports from 17010 on")


def session(faults, room, bench, requeue_exit):
    """Faults on one cluster."""
    environment = {"SLURM_CLUSTER": str(room / "cluster"), "SLURM_TIMEOUT": "10", "SLURM_PORT": str(free_port())}
    if requeue_exit:
        environment["SLURM_REQUEUE_EXIT"] = "75"
    else:
        os.environ.pop("SLURM_REQUEUE_EXIT", None)
    os.environ.update(environment)
    os.environ["SLURM_CONF"] = str(room / "cluster" / "slurm.conf")
    well = []
    try:
        up = call(CLUSTER, "up", check=False)
        if up.returncode != 0:
            raise NoCluster(up.stderr.strip() or f"tools/slurm_cluster up: exit {up.returncode}")
        for name in faults:
            well.append(disturb(name, room, bench(), requeue_exit))
            mend()
    finally:
        call(CLUSTER, "down", check=False)
    return well


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path, help="the program rlai")
    parser.add_argument("--all", action="store_true", help="every fault, without and with RequeueExit")
    parser.add_argument("--ci", action="store_true", help="the four that matter most")
    parser.add_argument("--fault", action="append", default=[], choices=list(FAULTS), help="this one")
    parser.add_argument("--requeue-exit", action="store_true", help="with RequeueExit=75")
    parser.add_argument("--short", type=float, default=8, help="processor seconds of a short run")
    parser.add_argument("--medium", type=float, default=20, help="of one that meets its time limit")
    parser.add_argument("--long", type=float, default=40, help="of one that outlives its node's daemon")
    parser.add_argument("--keep", action="store_true", help="keep the folders of the studies")
    arguments = parser.parse_args()
    faults = list(FAULTS) if arguments.all else arguments.fault + (CI if arguments.ci else [])
    if not faults:
        parser.error("--all, --ci or --fault")
    room = pathlib.Path(tempfile.mkdtemp(prefix="slurm_faults-"))
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    # The cluster is taken down however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        program = arguments.program.resolve()
        kinds = {kind: getattr(arguments, kind) for kind in ("short", "medium", "long")}
        bench = functools.cache(lambda: Bench(room, program, kinds))
        settings = [False, True] if arguments.all else [arguments.requeue_exit]
        well = [ok for exits in settings for ok in session(faults, room, bench, exits)]
    except NoCluster as why:
        print(f"no cluster of Slurm comes up here, nothing was checked: {why}", file=sys.stderr)
        sys.exit(NOT_CHECKED)
    finally:
        if arguments.keep:
            print(f"kept: {room}")
        else:
            shutil.rmtree(room, ignore_errors=True)
    print(f"Slurm: {sum(well)} of {len(well)} faults ended with the runs' own results")
    sys.exit(not all(well))


if __name__ == "__main__":
    main()
