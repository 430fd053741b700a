//! `rlai env`: bad input leaves nothing behind, and a rollout is what Gymnasium made of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const RLAI: &str = env!("CARGO_BIN_EXE_rlai");

/// A folder with a state and actions of Pendulum-v1.
struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(scene.path("state.json"), r#"{"qpos": [0.1], "qvel": [-0.2]}"#).unwrap();
        let data: Vec<u8> = [0.5f32, -3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        fs::write(scene.path("actions.npy"), npy("<f4", "(2, 1)", &data)).unwrap();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn rollout(&self, env: &str) -> Command {
        let mut command = Command::new(RLAI);
        command.current_dir(self.folder.path()).args(["env", "rollout", "--env", env]);
        command.args(["--initial", "state.json", "--actions", "actions.npy"]);
        command
    }

    /// What is told when the rollout is refused; nothing may have been created.
    fn refusal(&self, env: &str, out: &str) -> String {
        let before = count(self.folder.path());
        let output = self.rollout(env).args(["--out", out]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        assert_eq!(count(self.folder.path()), before, "nothing is created");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.into_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn a_rollout_is_written_and_replaced_whole() {
    let scene = Scene::new();
    for _ in 0..2 {
        let status = scene.rollout("Pendulum-v1").args(["--out", "out.npz"]).status().unwrap();
        assert!(status.success());
        let file = fs::File::open(scene.path("out.npz")).unwrap();
        let archive = zip::ZipArchive::new(file).unwrap();
        let names: Vec<_> = archive.file_names().map(Result::unwrap).collect();
        assert_eq!(names, ["observations.npy", "rewards.npy", "terminated.npy"]);
    }
    assert_eq!(count(scene.folder.path()), 3, "no temporary file is left");
}

#[test]
fn bad_input_is_refused_and_creates_nothing() {
    let scene = Scene::new();
    assert!(scene.refusal("Pendulum-v2", "out.npz").contains("did you mean Pendulum-v1?"));
    assert!(scene.refusal("Pendulum-v1", "none/out.npz").contains("its folder does not exist"));
    assert!(scene.refusal("Pendulum-v1", "actions.npy").contains("is one of the inputs"));
    assert!(scene.refusal("Pendulum-v1", "/dev/null").contains("is not an ordinary file"));
    assert!(scene.refusal("Hopper-v5", "out.npz").contains("[steps, 3] expected for Hopper-v5"));

    fs::write(scene.path("state.json"), r#"{"qpos": [0.1]}"#).unwrap();
    assert!(scene.refusal("Pendulum-v1", "out.npz").contains("state.json: missing field `qvel`"));
    fs::write(scene.path("state.json"), r#"{"qpos": [0.1], "qvel": []}"#).unwrap();
    assert!(scene.refusal("Pendulum-v1", "out.npz").contains("1 velocity"));

    fs::write(scene.path("actions.npy"), npy("<f4", "(4000000000, 1)", &[0; 4])).unwrap();
    assert!(scene.refusal("Pendulum-v1", "out.npz").contains("does not fit the 4 bytes"));
    fs::write(scene.path("actions.npy"), "no array").unwrap();
    assert!(scene.refusal("Pendulum-v1", "out.npz").contains("actions.npy: not a NumPy file"));
}

#[test]
fn the_list_names_every_task() {
    let output = Command::new(RLAI).args(["env", "list", "--json"]).output().unwrap();
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let tasks = list["tasks"].as_array().unwrap();
    let humanoid = tasks.iter().find(|task| task["id"] == "Humanoid-v4").unwrap();
    assert_eq!(tasks.len(), 18);
    let cart_pole = tasks.iter().find(|task| task["id"] == "CartPole-v1").unwrap();
    assert_eq!(cart_pole["action"]["choices"], 2);
    assert_eq!(humanoid["observation"]["dimension"], 376);
    assert_eq!(humanoid["action"]["low"][16], -0.4);
    assert_eq!(humanoid["time_limit"], 1000);
}
