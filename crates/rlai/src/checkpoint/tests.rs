use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::manifest::Stored;
use super::*;
use crate::distribution::PolicySettings;
use crate::nn::Mlp;

fn manifest(step: u64) -> Manifest {
    Manifest {
        env: "Pendulum-v1".into(),
        step,
        observation_dimension: 3,
        action_dimension: 1,
        action_low: vec![-2.0],
        action_high: vec![2.0],
        factors: Vec::new(),
        policy: PolicySettings::default(),
        own_distribution: None,
        normalises_observations: false,
        networks: vec![Network { name: "policy".into(), widths: vec![3, 4, 2] }],
    }
}

/// Parameters of a `[3, 4, 2]` network, among them numbers that only bits can tell apart.
fn parameters(shift: f32) -> Vec<f32> {
    let mut parameters: Vec<f32> = (0..26).map(|i| (i as f32 * 0.37 + shift).sin()).collect();
    parameters[0] = -0.0;
    parameters[1] = f32::from_bits(1);
    parameters[2] = f32::MAX;
    parameters
}

fn views(parameters: &[f32]) -> Vec<TensorView<'_>> {
    let mut views = manifest(0).networks[0].views(parameters).unwrap();
    views.push(TensorView { name: "log_alpha".into(), shape: vec![], data: &parameters[5..6] });
    views
}

fn written(step: u64, shift: f32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &manifest(step), &views(&parameters(shift))).unwrap();
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}

fn parameter_file(folder: &Path) -> PathBuf {
    files(folder).into_iter().find(|path| path.extension().unwrap() == "safetensors").unwrap()
}

fn refusal(folder: &Path) -> String {
    read(folder).unwrap_err().to_string()
}

/// Puts a manifest in place whose own hash is right, whatever it says.
fn forge(folder: &Path, change: impl FnOnce(&mut Stored)) {
    let path = folder.join(Stored::FILE);
    let mut stored: Stored = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut stored);
    fs::write(path, stored.to_text().unwrap()).unwrap();
}

/// Puts other bytes in the place of the parameters, with a manifest that vouches for them.
fn forge_parameters(folder: &Path, bytes: &[u8]) {
    fs::write(parameter_file(folder), bytes).unwrap();
    forge(folder, |stored| {
        stored.file.bytes = bytes.len() as u64;
        stored.file.blake3 = blake3::hash(bytes).to_hex().to_string();
    });
}

#[test]
fn what_was_written_is_read_to_the_bit() {
    let folder = written(1000, 0.0);
    let original = parameters(0.0);
    let (read_manifest, tensors) = read(folder.path()).unwrap();
    assert_eq!(read_manifest, manifest(1000));
    let policy = read_manifest.network("policy").unwrap();
    let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&tensors.parameters(policy).unwrap()), bits(&original));
    assert_eq!(bits(tensors.get("log_alpha", &[]).unwrap()), bits(&original[5..6]));
    assert_eq!(parameters_blake3(&tensors.views()), parameters_blake3(&views(&original)));
    assert!(tensors.get("log_alpha", &[1]).is_err());
    assert!(read_manifest.network("critic").is_err());
}

#[test]
fn the_layout_is_that_of_the_network() {
    let mlp = Mlp::new(&[3, 4, 2]);
    let original = parameters(0.0);
    assert_eq!(mlp.parameter_count(), original.len());
    let views = views(&original);
    for (i, layer) in mlp.layers().iter().enumerate() {
        let named = |name: String| views.iter().find(|view| view.name == name).unwrap();
        let weight = named(format!("policy.{i}.weight"));
        assert_eq!(weight.shape, [layer.inputs, layer.outputs]);
        assert_eq!(weight.data, &original[layer.weights.clone()]);
        assert_eq!(named(format!("policy.{i}.bias")).data, &original[layer.bias.clone()]);
    }
    assert!(manifest(0).networks[0].views(&original[1..]).is_err());
}

#[test]
fn equal_parameters_give_equal_files() {
    let (a, b) = (written(1, 0.5), written(1, 0.5));
    for (a, b) in files(a.path()).iter().zip(files(b.path())) {
        assert_eq!(a.file_name(), b.file_name());
        assert_eq!(fs::read(a).unwrap(), fs::read(b).unwrap());
    }
}

#[test]
fn a_new_checkpoint_takes_the_place_of_the_old_one() {
    let folder = written(1, 0.0);
    write(folder.path(), &manifest(2), &views(&parameters(1.0))).unwrap();
    assert_eq!(read(folder.path()).unwrap().0.step, 2);
    assert_eq!(files(folder.path()).len(), 2);
}

#[test]
fn every_flipped_byte_is_refused() {
    let folder = written(7, 0.0);
    let path = folder.path().join(Stored::FILE);
    let text = fs::read(&path).unwrap();
    let stored = Stored::parse(&text, &path).unwrap();
    let bytes = fs::read(parameter_file(folder.path())).unwrap();
    assert!(read::verify(&bytes, &stored).is_ok());
    // 0x29 turns a blank into a tab, which changes nothing that JSON means.
    for mask in [0x01, 0x29, 0x80] {
        for i in 0..text.len() {
            let mut flipped = text.clone();
            flipped[i] ^= mask;
            assert!(Stored::parse(&flipped, &path).is_err(), "byte {i} of the manifest");
        }
        for i in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[i] ^= mask;
            assert!(read::verify(&flipped, &stored).is_err(), "byte {i} of the parameters");
        }
    }
}

#[test]
fn a_damaged_file_is_named() {
    let folder = written(7, 0.0);
    for path in files(folder.path()) {
        let intact = fs::read(&path).unwrap();
        let mut flipped = intact.clone();
        *flipped.last_mut().unwrap() ^= 1;
        fs::write(&path, flipped).unwrap();
        assert!(refusal(folder.path()).starts_with(path.to_str().unwrap()));
        fs::write(&path, intact).unwrap();
    }
    read(folder.path()).unwrap();
}

#[test]
fn shortened_and_lengthened_files_are_refused() {
    let folder = written(7, 0.0);
    for path in files(folder.path()) {
        let intact = fs::read(&path).unwrap();
        for length in [0, 7, 8, 20, intact.len() - 1] {
            fs::write(&path, &intact[..length]).unwrap();
            assert!(read(folder.path()).is_err(), "{length} bytes");
        }
        fs::write(&path, [&intact[..], b" "].concat()).unwrap();
        assert!(read(folder.path()).is_err());
        fs::write(&path, intact).unwrap();
    }
}

#[test]
fn missing_files_and_other_formats_are_named() {
    let folder = written(7, 0.0);
    forge(folder.path(), |stored| stored.format_version = 1);
    assert!(refusal(folder.path()).ends_with("format version 1, this program reads 2"));
    forge(folder.path(), |stored| stored.kind = "rlai-run".into());
    assert!(refusal(folder.path()).contains("kind \"rlai-run\""));
    let folder = written(7, 0.0);
    fs::remove_file(parameter_file(folder.path())).unwrap();
    assert!(refusal(folder.path()).contains("cannot read"));
    let empty = tempfile::tempdir().unwrap();
    assert!(refusal(empty.path()).contains("holds no checkpoint"));
    assert!(refusal(&empty.path().join("absent")).contains("holds no checkpoint"));
    fs::create_dir(empty.path().join("manifest.json")).unwrap();
    assert!(refusal(empty.path()).contains("not a regular file"));
}

#[test]
fn a_missing_tensor_is_refused_at_both_ends() {
    let original = parameters(0.0);
    let mut some = views(&original);
    some.remove(1);
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("checkpoint");
    let error = write(&target, &manifest(1), &some).unwrap_err().to_string();
    assert_eq!(error, "tensor policy.0.bias is missing (expected shape [4])");
    assert!(!target.exists(), "nothing is made for a checkpoint that is refused");

    let folder = written(1, 0.0);
    forge_parameters(folder.path(), &tensors::encode(&some).unwrap());
    assert!(refusal(folder.path()).contains("tensor policy.0.bias is missing"));
    forge(folder.path(), |stored| {
        stored.file.tensors.remove(1);
        stored.file.parameters_blake3 = parameters_blake3(&some);
    });
    assert!(refusal(folder.path()).contains("tensor policy.0.bias is missing"));
}

#[test]
fn unfit_tensors_and_manifests_are_not_written() {
    let folder = written(1, 0.0);
    let refused = |manifest: &Manifest, tensors: &[TensorView<'_>], reason: &str| {
        let error = write(folder.path(), manifest, tensors).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert_eq!(read(folder.path()).unwrap().0.step, 1);
    };
    let mut bad = parameters(0.0);
    bad[3] = f32::NAN;
    refused(&manifest(2), &views(&bad), "tensor policy.0.weight: number 3 is NaN, not finite");
    let good = parameters(0.0);
    let mut tensors = views(&good);
    tensors[0].shape = vec![4, 3];
    refused(&manifest(2), &tensors, "has shape [4, 3], expected [3, 4]");
    tensors[0].shape = vec![usize::MAX, 2];
    refused(&manifest(2), &tensors, "12 numbers in shape");
    let twice = [views(&good), views(&good)].concat();
    refused(&manifest(2), &twice, "two tensors are named policy.0.weight");
    let unbounded = Manifest { action_high: vec![f64::INFINITY], ..manifest(2) };
    refused(&unbounded, &views(&good), "action box: [-2, inf] is no bounded interval");
    let policy = PolicySettings { log_std_min: 3.0, ..PolicySettings::default() };
    let crossed = Manifest { policy, ..manifest(2) };
    refused(&crossed, &views(&good), "log_std_min = 3: a number below log_std_max = 2");
    let flat = vec![Network { name: "policy".into(), widths: vec![3, 0] }];
    refused(&Manifest { networks: flat, ..manifest(2) }, &views(&good), "widths [3, 0]");
}

#[test]
fn forged_manifests_are_refused() {
    let refused = |change: fn(&mut Stored), reason: &str| {
        let folder = written(1, 0.0);
        forge(folder.path(), change);
        let refusal = refusal(folder.path());
        assert!(refusal.contains(reason), "{refusal}");
    };
    refused(|stored| stored.file.name = "../secret".into(), "no name of a file of parameters");
    refused(|stored| stored.file.bytes = u64::MAX, "bytes: ");
    refused(|stored| stored.policy.action_low.clear(), "have 0 and 1 numbers");
    refused(|stored| stored.policy.networks[0].widths[1] = usize::MAX, "has shape [3, 4]");
    refused(|stored| stored.file.tensors[0].shape = vec![usize::MAX; 9], "has shape [3, 4]");
    refused(|stored| stored.file.parameters_blake3.clear(), "BLAKE3 of the tensors");
    refused(
        |stored| stored.file.tensors = vec![stored.file.tensors[0].clone(); 1000],
        "two tensors of the manifest have one name",
    );
}

#[test]
fn sizes_that_overflow_are_refused() {
    let folder = written(1, 0.0);
    let widest = usize::MAX / 8;
    let mut header = String::from("{");
    for i in 0..8 {
        let (from, to) = (i * widest, (i + 1) * widest);
        header +=
            &format!(r#""t{i}":{{"dtype":"U8","shape":[{widest}],"data_offsets":[{from},{to}]}},"#);
    }
    let header = header.trim_end_matches(',').to_owned() + "}";
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    forge_parameters(folder.path(), &bytes);
    assert!(refusal(folder.path()).contains("0 bytes of tensors, the header says 18446744073709"));
}

#[test]
fn a_writer_that_was_stopped_leaves_the_old_checkpoint() {
    let folder = written(1, 0.0);
    let new = parameters(1.0);
    let bytes = tensors::encode(&views(&new)).unwrap();
    let stored = Stored::new(&manifest(2), &views(&new), &bytes);
    let is_old = || assert_eq!(read(folder.path()).unwrap().0.step, 1);
    // The stages of `write`, each as far as a stopped writer may have come.
    let name = &stored.file.name;
    fs::write(folder.path().join(format!("{name}.tmp")), &bytes[..50]).unwrap();
    is_old();
    durable::write(folder.path(), name, &bytes).unwrap();
    is_old();
    fs::write(folder.path().join("manifest.json.tmp"), &stored.to_text().unwrap()[..99]).unwrap();
    is_old();
    fs::write(folder.path().join(format!("{name}.tmp")), &bytes[..50]).unwrap();
    durable::write(folder.path(), Stored::FILE, stored.to_text().unwrap().as_bytes()).unwrap();
    assert_eq!(read(folder.path()).unwrap().0.step, 2);
    write(folder.path(), &manifest(3), &views(&parameters(2.0))).unwrap();
    assert_eq!(files(folder.path()).len(), 2, "what stopped writers left is cleared away");
}

#[test]
fn a_reader_beside_a_writer_sees_whole_checkpoints() {
    let folder = written(0, 0.0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for step in 1..60 {
                write(folder.path(), &manifest(step), &views(&parameters(step as f32))).unwrap();
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let (manifest, tensors) = read(folder.path()).unwrap();
            let policy = tensors.parameters(&manifest.networks[0]).unwrap();
            assert_eq!(policy, parameters(manifest.step as f32));
            assert!(manifest.step >= last);
            last = manifest.step;
        }
    });
}

#[test]
fn the_hash_sees_names_shapes_bits_and_order() {
    let data = [0.0, 1.0, 2.0, 3.0];
    let tensor = |name: &str, shape: &[usize], data| TensorView {
        name: name.into(),
        shape: shape.to_vec(),
        data,
    };
    let hash = |tensors: &[TensorView<'_>]| parameters_blake3(tensors);
    let minus = [-0.0, 1.0, 2.0, 3.0];
    let lists = [
        vec![tensor("a", &[4], &data)],
        vec![tensor("b", &[4], &data)],
        vec![tensor("a", &[2, 2], &data)],
        vec![tensor("a", &[4], &minus)],
        vec![tensor("a", &[2], &data[..2]), tensor("b", &[2], &data[2..])],
        vec![tensor("b", &[2], &data[2..]), tensor("a", &[2], &data[..2])],
    ];
    let hashes: std::collections::BTreeSet<_> = lists.iter().map(|list| hash(list)).collect();
    assert_eq!(hashes.len(), lists.len());
}

proptest! {
    #[test]
    fn no_file_of_parameters_makes_the_reader_panic(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        keep in any::<prop::sample::Index>(),
        shorten in any::<bool>(),
    ) {
        let original = parameters(0.0);
        let views = views(&original);
        let mut bytes = tensors::encode(&views).unwrap();
        for (index, value) in &cuts {
            let i = index.index(bytes.len());
            bytes[i] = *value;
        }
        if shorten {
            bytes.truncate(keep.index(bytes.len()));
        }
        let expected = Stored::new(&manifest(1), &views, &bytes).file.tensors;
        if let Ok(tensors) = tensors::decode(&bytes, &expected) {
            prop_assert_eq!(tensors.views().len(), views.len());
        }
    }

    #[test]
    fn no_manifest_makes_the_reader_panic(text in "\\PC{0,200}") {
        prop_assert!(Stored::parse(text.as_bytes(), Path::new("manifest.json")).is_err());
    }
}
