#!/usr/bin/env python3
"""Writes crates/rlai-mujoco/src/ffi/offsets.rs from the headers in the `mujoco` wheel.

The layout of MuJoCo's structs changes between any two versions, so the numbers are never written
by hand: a C compiler reads them off the headers that belong to the pinned library.

    python3 -m venv venv && venv/bin/pip install mujoco==3.17.0
    venv/bin/python tools/mujoco_offsets.py            # writes the file
    venv/bin/python tools/mujoco_offsets.py --check    # fails if the committed file differs
"""

import argparse
import importlib.util
import pathlib
import subprocess
import sys
import tempfile

TARGET = pathlib.Path(__file__).parent.parent / "crates/rlai-mujoco/src/ffi/offsets.rs"

MODEL = [
    ("nq", "Number of positions, `i64`."),
    ("nv", "Number of velocities, `i64`."),
    ("nu", "Number of controls, `i64`."),
    ("nbody", "Number of bodies, the world included, `i64`."),
    ("opt.timestep", "Length of one simulation step in seconds, `f64`."),
    ("qpos0", "Pointer to the default positions, `[nq]`."),
    ("body_mass", "Pointer to the masses, `[nbody]`."),
]
DATA = [
    ("warning", "Warning counters, an array of `mjWarningStat`."),
    ("time", "Simulation time in seconds, `f64`."),
    ("qpos", "Pointer to the positions, `[nq]`."),
    ("qvel", "Pointer to the velocities, `[nv]`."),
    ("ctrl", "Pointer to the controls, `[nu]`."),
    ("xpos", "Pointer to the body frames' positions, `[nbody, 3]`."),
    ("xipos", "Pointer to the bodies' centres of mass, `[nbody, 3]`."),
    ("cinert", "Pointer to the bodies' inertia about the centre of mass, `[nbody, 10]`."),
    ("cvel", "Pointer to the bodies' velocities about the centre of mass, `[nbody, 6]`."),
    ("qfrc_actuator", "Pointer to the actuator forces in joint space, `[nv]`."),
    ("cfrc_ext", "Pointer to the external forces on the bodies, `[nbody, 6]`."),
]
VALUES = [
    ("VERSION", "mjVERSION_HEADER", "i32", "What `mj_version()` returns for these headers."),
    ("STATE_QPOS", "mjSTATE_QPOS", "i32", "Selects the positions in `mj_getState`."),
    ("STATE_QVEL", "mjSTATE_QVEL", "i32", "Selects the velocities in `mj_getState`."),
    ("STATE_CTRL", "mjSTATE_CTRL", "i32", "Selects the controls in `mj_getState`."),
    (
        "STATE_INTEGRATION",
        "mjSTATE_INTEGRATION",
        "i32",
        "Selects everything that the next step depends on in `mj_getState` and `mj_setState`.",
    ),
    ("WARNING_SIZE", "sizeof(mjWarningStat)", "usize", "Bytes of one warning counter."),
    ("WARNING_NUMBER", "offsetof(mjWarningStat, number)", "usize", "Where a counter holds its count, `i32`."),
    ("BAD_QPOS", "mjWARN_BADQPOS", "usize", "Index of the warning for a bad position."),
    ("BAD_QVEL", "mjWARN_BADQVEL", "usize", "Index of the warning for a bad velocity."),
    ("BAD_QACC", "mjWARN_BADQACC", "usize", "Index of the warning for a bad acceleration."),
    ("BAD_CTRL", "mjWARN_BADCTRL", "usize", "Index of the warning for a bad control."),
    ("LOG_LEVEL", "offsetof(mjLogMessage, level)", "usize", "Where a log message holds its level, `i32`."),
    ("LOG_SUBJECT", "offsetof(mjLogMessage, subject)", "usize", "Where a log message holds its text, a C string."),
    ("LOG_WARNING", "mjLOG_WARNING", "i32", "Log level of a warning."),
    ("LOG_ERROR", "mjLOG_ERROR", "i32", "Log level of an error."),
]


def include_folder():
    """The `include` folder of the installed `mujoco` package, which is not imported."""
    spec = importlib.util.find_spec("mujoco")
    if spec is None:
        sys.exit("this Python has no mujoco package: pip install mujoco==3.17.0")
    return pathlib.Path(spec.submodule_search_locations[0]) / "include"


def constants():
    """Every constant as (name, C expression, Rust type, documentation)."""
    for struct, prefix, fields in (("mjModel", "MODEL", MODEL), ("mjData", "DATA", DATA)):
        for field, doc in fields:
            name = f"{prefix}_{field.split('.')[-1].upper()}"
            yield name, f"offsetof({struct}, {field})", "usize", doc
    yield from VALUES


def evaluate(include):
    """The value of every constant, as a C compiler sees it."""
    lines = "".join(f'  printf("%lld\\n", (long long)({c}));\n' for _, c, _, _ in constants())
    source = f"#include <stddef.h>\n#include <stdio.h>\n#include <mujoco/mujoco.h>\nint main(void) {{\n{lines}  return 0;\n}}\n"
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "offsets"
        (pathlib.Path(folder) / "offsets.c").write_text(source)
        subprocess.run(["cc", "-I", include, f"{program}.c", "-o", program], check=True)
        output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return [int(line) for line in output.split()]


def render(include):
    """The text of the Rust file."""
    parts = [
        "//! Where MuJoCo 3.17.0 keeps what the tasks read, in bytes from the start of the struct.\n"
        "//!\n"
        "//! Written by `tools/mujoco_offsets.py` from the headers of the pinned wheel: do not edit.\n"
        "//! The numbers hold for 64-bit platforms where `long` has 64 bits.\n"
    ]
    for (name, _, kind, doc), value in zip(constants(), evaluate(include), strict=True):
        digits = f"{value:_}" if value > 9999 else str(value)
        parts.append(f"\n/// {doc}\npub const {name}: {kind} = {digits};\n")
    return "".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed file only")
    arguments = parser.parse_args()
    text = render(include_folder())
    if not arguments.check:
        TARGET.write_text(text)
    elif TARGET.read_text() != text:
        sys.exit(f"{TARGET} is not what the headers say: run tools/mujoco_offsets.py")


if __name__ == "__main__":
    main()
