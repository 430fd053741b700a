#!/usr/bin/env python3
"""Measures `rlai bench` and other libraries' soft actor-critic side by side on this machine.

    benches/peers/compare.py target/release/rlai --out peers.json

In turns, each round in another order: every library on one core and on two (taskset; as many threads as cores),
the same task, networks of 256x256, batches of 256, one update a step. Prints a Markdown table of medians over
the rounds; a ratio is that of both rates of one round. See README.md in this folder.
"""

import argparse
import hashlib
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PEERS = {"rlai": "rlai", "sb3": "Stable-Baselines3 (PyTorch)", "sbx": "SBX (JAX)"}
PACKAGES = ["stable-baselines3", "torch", "sbx-rl", "jax", "gymnasium", "mujoco", "numpy"]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")


def prepare(venv):
    """The virtual environment's Python; made and filled if it is not there."""
    python = venv / "bin" / "python"
    wanted = hashlib.sha256((HERE / "requirements.txt").read_bytes()).hexdigest()
    complete = venv / ".complete"
    if not complete.exists() or complete.read_text() != wanted:
        print(f"installing the peers into {venv} (some 3 GB to download, 6 GB on the disk)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "-r",
                        str(HERE / "requirements.txt")], check=True)
        complete.write_text(wanted)
    return python


def versions(python):
    code = f"import json, importlib.metadata as m; print(json.dumps({{p: m.version(p) for p in {PACKAGES}}}))"
    return json.loads(subprocess.run([python, "-c", code], check=True, stdout=subprocess.PIPE).stdout)


def measure(peer, env, cores, seconds, rlai, python):
    """Environment steps a second."""
    threads = str(len(cores))
    if peer == "rlai":
        command = [rlai, "bench", "--env", env, "--threads", threads, "--runs", "1", "--seconds", str(seconds),
                   "--json"]
    else:
        command = [str(python), str(HERE / "worker.py"), peer, env, threads, str(seconds)]
    command = ["taskset", "-c", ",".join(map(str, cores)), *command]
    surroundings = {**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "CUDA_VISIBLE_DEVICES": "",
                    "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{peer} on {env}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])["env_steps_per_second"]


def rounds_of(env, cores, given, python):
    """Of every peer its rates, one a round."""
    rates = {peer: [] for peer in PEERS}
    names = list(PEERS)
    for index in range(given.rounds):
        for peer in names[index % 3:] + names[:index % 3]:
            rate = measure(peer, env, cores, given.seconds, given.rlai, python)
            print(f"{env}, {len(cores)} cores, round {index + 1}, {peer}: {rate:.1f}", file=sys.stderr)
            rates[peer].append(rate)
    return rates


def summary(rates):
    def of(peer):
        ratios = [own / its for own, its in zip(rates["rlai"], rates[peer])]
        middle = statistics.median
        return {"median": middle(rates[peer]), "least": min(rates[peer]), "most": max(rates[peer]),
                "rlai_ratio": middle(ratios), "rlai_ratio_least": min(ratios), "rlai_ratio_most": max(ratios),
                "rounds": rates[peer]}
    return {peer: of(peer) for peer in rates}


def print_table(report):
    print("| task | cores | library | steps/s, median | least to most | rlai is faster by | least to most |")
    print("|---|---|---|---|---|---|---|")
    for row in report["measured"]:
        for peer, name in PEERS.items():
            s = row["peers"][peer]
            ratio = "" if peer == "rlai" else f"{s['rlai_ratio']:.2f}"
            spread = "" if peer == "rlai" else f"{s['rlai_ratio_least']:.2f} to {s['rlai_ratio_most']:.2f}"
            print(f"| {row['env']} | {row['cores']} | {name} | {s['median']:.1f} "
                  f"| {s['least']:.1f} to {s['most']:.1f} | {ratio} | {spread} |")


def whole_number(text):
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number from 1 to 1000 is needed")
    return int(text)


def numbers_of_cores(text):
    return [whole_number(number) for number in text.split(",")]


def seconds(text):
    try:
        given = float(text)
    except ValueError:
        given = 0.0
    if not 1.0 <= given <= 3600.0:
        raise argparse.ArgumentTypeError(f"{text!r}: a number from 1 to 3600 is needed")
    return given


def program(text):
    if shutil.which(text) is None:
        raise argparse.ArgumentTypeError(f"{text!r}: no program is there")
    return text


def new_file(text):
    path = pathlib.Path(text)
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r}: no file can be written there")
    return path


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rlai", type=program, help="the program")
    parser.add_argument("--env", action="append", help="task, may be given again [HalfCheetah-v5]")
    parser.add_argument("--cores", type=numbers_of_cores, default=[1, 2], help="numbers of cores [1,2]")
    parser.add_argument("--rounds", type=whole_number, default=5, help="measurements of each [5]")
    parser.add_argument("--seconds", type=seconds, default=10.0, help="of each measurement, after warming up [10]")
    parser.add_argument("--venv", type=pathlib.Path, default=CACHE / "rlai-peers" / "venv",
                        help="the virtual environment, made if it is not there [~/.cache/rlai-peers/venv]")
    parser.add_argument("--out", type=new_file, help="file for the JSON object")
    given = parser.parse_args()
    python = prepare(given.venv)
    usable = sorted(os.sched_getaffinity(0))
    measured = []
    for env in given.env or ["HalfCheetah-v5"]:
        for count in given.cores:
            if count > len(usable):
                print(f"left out: {count} cores, of which there are {len(usable)}", file=sys.stderr)
                continue
            rates = rounds_of(env, usable[:count], given, python)
            measured.append({"env": env, "cores": count, "peers": summary(rates)})
    report = {"processor": processor(), "rounds": given.rounds, "seconds": given.seconds,
              "packages": versions(python), "measured": measured}
    print_table(report)
    if given.out:
        given.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
