#!/usr/bin/env python3
"""Reads what `rlai export` and `rlai train --tensorboard` wrote with the programs that it is for, and compares every
value.

    python3 -m venv target/export-venv
    target/export-venv/bin/pip install tensorboard pyarrow
    target/export-venv/bin/python tools/export_check.py target/release/rlai

A small run and a study are trained in a temporary folder and exported. Event files are read by TensorBoard
(the reader checks every checksum), Parquet by Arrow, CSV by Python; all must hold what metrics.jsonl holds.
"""

import csv
import json
import math
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as parquet
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

SMALL = ["--steps=400", "--learning-starts=100", "--hidden=8", "--batch=8", "--evaluate-every=200",
         "--evaluation-episodes=3", "--log-every=100"]
STUDY = """
name = "small"
seeds = 2
[base]
env = "Pendulum-v1"
steps = 400
learning_starts = 100
hidden = [8]
batch = 8
evaluate_every = 200
evaluation_episodes = 2
log_every = 100
[[variant]]
name = "reverse"
label = "reverse, KL"
[[variant]]
name = "mpo"
objective = "mpo"
"""


def same(told, value):
    """Equal, where null is nothing."""
    return told == value or (told in (None, "") and value is None)


def lines_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def check_live(program, folder):
    """What TensorBoard sees of `rlai train --tensorboard`: while it trains, and after a kill -9 and a resume."""
    run = folder / "live"
    settings = ["--env=Pendulum-v1", "--out=live", "--tensorboard", *SMALL, "--steps=6000", "--log-every=50",
                "--checkpoint-every=500"]
    child = subprocess.Popen([program, "train", *settings], cwd=folder, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    watcher = None
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if (run / "attempt-1" / "events.out.tfevents.0.rlai").exists():
                watcher = watcher or EventAccumulator(str(run / "attempt-1"), size_guidance={"scalars": 0})
                watcher.Reload()
                if len(watcher.Tags()["scalars"]) > 5 and len(watcher.Scalars("train/entropy")) > 20:
                    break
            time.sleep(0.02)
        assert child.poll() is None and watcher, "it ended before it was watched"
    finally:
        child.kill()
        child.wait()
    subprocess.run([program, "resume", "live"], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    assert [path.parent.name for path in run.glob("attempt-*/events*")] == ["attempt-2"], list(run.iterdir())
    steps = [event.step for event in watcher.Scalars("train/entropy")]
    assert steps == sorted(steps), steps
    return check_tensorboard(run, run, "attempt-2", {"steps": 6000})


def check_tensorboard(board, run, name, expected_settings={"steps": 400}):
    events = EventAccumulator(str(board / name), size_guidance={"scalars": 0})
    events.Reload()
    expected = {}
    for line in lines_of(run):
        for field, value in line.items():
            if isinstance(value, (int, float)) and field not in ("step", "time_seconds"):
                point = (line["step"], struct.unpack("f", struct.pack("f", value))[0], line["time_seconds"])
                expected.setdefault(f"{line['kind']}/{field}", []).append(point)
    assert set(events.Tags()["scalars"]) == set(expected), name
    for tag, points in expected.items():
        found = [(event.step, event.value, event.wall_time) for event in events.Scalars(tag)]
        assert found == points, (name, tag, found[:3], points[:3])
    metadata = events.SummaryMetadata("_hparams_/session_start_info")
    data = plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content)
    settings = data.session_start_info.hparams
    assert settings["env"].string_value == "Pendulum-v1", settings
    for key, value in expected_settings.items():
        assert settings[key].number_value == value, (key, settings[key])
    return sum(map(len, expected.values()))


def check_rows(rows, runs, number):
    """Rows of a table against all lines of all runs, in their order."""
    lines = [(name, line) for name, run in runs for line in lines_of(run)]
    assert len(rows) == len(lines), (len(rows), len(lines))
    values = 0
    for row, (name, line) in zip(rows, lines):
        assert row["run"] == name and row["kind"] == line["kind"], (row, name)
        for field in row.keys() - {"study", "variant", "run", "env", "objective", "kind", "seed"}:
            assert same(number(field, row[field]), line.get(field)), (name, field, row[field], line.get(field))
            values += 1
        assert set(line) <= set(row), set(line) - set(row)
    return values


def of_csv(field, text):
    if text == "":
        return None
    return [float(part) for part in text.split(" ")] if field == "returns" else float(text)


def main():
    program = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)

        def rlai(*arguments):
            subprocess.run([program, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)

        (folder / "small.toml").write_text(STUDY)
        rlai("train", "--env=Pendulum-v1", "--out=one", "--objective=forward-kl", *SMALL)
        rlai("study", "run", "small.toml", "--out=small")
        runs = [("one", folder / "one")]
        for variant in ("reverse", "mpo"):
            runs += [(f"small/{variant}/seed{k}", folder / "small" / variant / f"seed{k}") for k in (0, 1)]
        for form, out in (("tensorboard", "board"), ("csv", "all.csv"), ("parquet", "all.parquet")):
            rlai("export", "one", "small", f"--format={form}", f"--out={out}")

        live = check_live(program, folder)
        scalars = sum(check_tensorboard(folder / "board", run, name) for name, run in runs)
        with open(folder / "all.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        check_rows(rows, runs, of_csv)
        assert {row["study"] for row in rows} == {"", "small"}
        table = parquet.read_table(folder / "all.parquet")
        rows = table.to_pylist()
        values = check_rows(rows, runs, lambda field, value: value)
        assert {(row["study"], row["variant"], row["seed"]) for row in rows} == {
            (None, None, 0), ("small", "reverse", 0), ("small", "reverse", 1), ("small", "mpo", 0),
            ("small", "mpo", 1)}
        assert str(table.schema.field("step").type) == "uint64", table.schema
        assert all(not isinstance(value, float) or math.isfinite(value) for row in rows for value in row.values())
        assert scalars > 200 and values > 400, (scalars, values)
        print(f"{live} scalars of a run that was killed while it was watched, and went on, are those of its lines")
        print(f"{scalars} scalars of event files and {values} values of tables are those of the runs")


if __name__ == "__main__":
    main()
