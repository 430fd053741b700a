//! Paths of what a run learns from: whole, so that they lead to the same wherever a program stands.

use std::path::{Path, PathBuf};

use crate::settings::Settings;

/// The settings with the whole path of every file and folder that a run learns from. Whatever is not there
/// is left as it is, for whoever needs it to tell.
pub fn made_whole(settings: &Settings) -> Settings {
    let mut whole = settings.clone();
    for path in [&mut whole.dataset, &mut whole.init_from].into_iter().flatten() {
        *path = canonical(path).unwrap_or_else(|| path.clone());
    }
    // One of the words, unless there is such a folder; a word wins.
    let words = ["uniform", "gaussian", "average", "last-update"];
    if let Some(folder) =
        whole.default_policy.as_mut().filter(|word| !words.contains(&word.as_str()))
    {
        *folder = text(Path::new(folder)).unwrap_or_else(|| folder.clone());
    }
    if let Some(task) = &mut whole.env {
        *task = task_made_whole(task).unwrap_or_else(|| task.clone());
    }
    whole
}

/// A task that is read from a file, `tabular:FILE.json` or `grid:FILE.txt`.
fn task_made_whole(task: &str) -> Option<String> {
    let (kind, file) = task.split_once(':')?;
    let of_a_file = kind.starts_with("tabular") || kind.starts_with("grid");
    let file = of_a_file.then(|| text(Path::new(file))).flatten()?;
    Some(format!("{kind}:{file}"))
}

fn text(path: &Path) -> Option<String> {
    canonical(path)?.into_os_string().into_string().ok()
}

/// Paths are written to files as text: one that becomes none by being made whole stays as it is.
fn canonical(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok().filter(|path| path.to_str().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_that_leads_somewhere_is_made_whole() {
        let folder = tempfile::tempdir().unwrap();
        let real = std::fs::canonicalize(folder.path()).unwrap();
        std::fs::write(folder.path().join("p.json"), "").unwrap();
        let roundabout = |name: &str| {
            folder.path().join(".").join("..").join(folder.path().file_name().unwrap()).join(name)
        };
        let settings = Settings {
            dataset: Some(roundabout("p.json")),
            init_from: Some(roundabout("nothing")),
            default_policy: Some(roundabout("").display().to_string()),
            env: Some(format!("tabular:{}", roundabout("p.json").display())),
            ..Settings::default()
        };
        let whole = made_whole(&settings);
        assert_eq!(whole.dataset, Some(real.join("p.json")));
        assert_eq!(whole.init_from, settings.init_from);
        assert_eq!(whole.default_policy.unwrap(), real.display().to_string());
        assert_eq!(whole.env.unwrap(), format!("tabular:{}", real.join("p.json").display()));
        for word in ["uniform", "gaussian", "nowhere"] {
            let settings =
                Settings { default_policy: Some(word.to_owned()), ..Settings::default() };
            assert_eq!(made_whole(&settings).default_policy.as_deref(), Some(word));
        }
        for task in ["Pendulum-v1", "probe:both:box", "tabular:/nowhere"] {
            let settings = Settings { env: Some(task.to_owned()), ..Settings::default() };
            assert_eq!(made_whole(&settings).env.as_deref(), Some(task));
        }
    }
}
