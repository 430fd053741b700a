//! The script of a job array, and what `sbatch` is told beside it.

use std::path::Path;

use super::FOLDER;
use crate::study::SlurmSettings;
use crate::text::in_shell;

/// What a script is made of.
#[derive(Clone, Debug)]
pub struct Script<'a> {
    /// This program.
    pub program: &'a Path,
    /// The study's folder; absolute, as it is read on another machine.
    pub study: &'a Path,
    /// The number of the submission.
    pub submission: u64,
    /// Cores of a run.
    pub threads: usize,
    /// What the study says of its jobs.
    pub settings: &'a SlurmSettings,
}

impl Script<'_> {
    /// Its text. Values in `#SBATCH` lines are words that were checked when the study was read; paths are
    /// quoted.
    pub fn text(&self) -> String {
        let mut text = String::from("#!/bin/bash\n");
        text += "# One run of a study as one task of an array.\n";
        let settings = self.settings;
        let options = [
            ("partition", settings.partition.as_deref()),
            ("account", settings.account.as_deref()),
            ("time", settings.time.as_deref()),
        ];
        for (name, value) in options {
            if let Some(value) = value {
                text += &format!("#SBATCH --{name}={value}\n");
            }
        }
        text += &format!("#SBATCH --ntasks=1\n#SBATCH --cpus-per-task={}\n", self.threads);
        for line in &settings.lines {
            text += line;
            text.push('\n');
        }
        let (program, study) = (in_shell(self.program), in_shell(self.study));
        let names = in_shell(&self.study.join(FOLDER).join(names_file(self.submission)));
        text += &format!(
            "# An early warning must not end this shell: the program that takes its place listens.\n\
             trap '' USR1\n\
             run=$(sed -n \"s/^$SLURM_ARRAY_TASK_ID //p\" {names})\n\
             exec {program} study run {study} --run \"$run\" --take-over --on-signal wait\n"
        );
        text
    }

    /// What `sbatch` is told so that neither variables nor the study's own lines can override it.
    /// `tasks` are indices of the array, ascending.
    pub fn arguments(&self, job_name: &str, tasks: &[usize], jobs: Option<usize>) -> Vec<String> {
        let throttle = jobs.map_or(String::new(), |jobs| format!("%{jobs}"));
        vec![
            "--parsable".to_owned(),
            format!("--job-name={job_name}"),
            format!("--array={}{throttle}", ranges(tasks)),
            "--requeue".to_owned(),
            "--open-mode=append".to_owned(),
            format!("--signal=B:USR1@{}", self.settings.warn_seconds),
            format!("--chdir={}", self.study.display()),
            format!("--output={FOLDER}/submission-{}-run-%a.log", self.submission),
        ]
    }
}

/// The file of a submission in which each task finds the name of its run.
pub fn names_file(submission: u64) -> String {
    format!("submission-{submission}.runs")
}

/// `1-3,7` of 1, 2, 3, 7.
pub fn ranges(ascending: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for &index in ascending {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => parts.push((index, index)),
        }
    }
    let part = |&(first, last): &(usize, usize)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> SlurmSettings {
        SlurmSettings {
            partition: Some("cpu".to_owned()),
            time: Some("12:00:00".to_owned()),
            account: Some("lab-7".to_owned()),
            lines: vec!["#SBATCH --mem=2G".to_owned(), "module load x".to_owned()],
            ..SlurmSettings::default()
        }
    }

    fn script<'a>(study: &'a Path, settings: &'a SlurmSettings) -> Script<'a> {
        let program = Path::new("/opt/rlai");
        Script { program, study, submission: 3, threads: 2, settings }
    }

    #[test]
    fn the_whole_script() {
        let (settings, study) = (settings(), Path::new("/scratch/runs/s"));
        let expected = r#"#!/bin/bash
# One run of a study as one task of an array.
#SBATCH --partition=cpu
#SBATCH --account=lab-7
#SBATCH --time=12:00:00
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=2
#SBATCH --mem=2G
module load x
# An early warning must not end this shell: the program that takes its place listens.
trap '' USR1
run=$(sed -n "s/^$SLURM_ARRAY_TASK_ID //p" /scratch/runs/s/slurm/submission-3.runs)
exec /opt/rlai study run /scratch/runs/s --run "$run" --take-over --on-signal wait
"#;
        assert_eq!(script(study, &settings).text(), expected);
        let arguments = script(study, &settings).arguments("rlai.s.1a.3", &[0, 1, 2, 9], Some(4));
        let expected = [
            "--parsable",
            "--job-name=rlai.s.1a.3",
            "--array=0-2,9%4",
            "--requeue",
            "--open-mode=append",
            "--signal=B:USR1@120",
            "--chdir=/scratch/runs/s",
            "--output=slurm/submission-3-run-%a.log",
        ];
        assert_eq!(arguments, expected);
    }

    #[test]
    fn what_is_not_set_is_not_said() {
        let settings = SlurmSettings::default();
        let text = script(Path::new("/s"), &settings).text();
        let said: Vec<&str> = text.lines().filter(|line| line.starts_with("#SBATCH")).collect();
        assert_eq!(said, ["#SBATCH --ntasks=1", "#SBATCH --cpus-per-task=2"]);
    }

    /// A shell reads the script, with a program of ours in the place of rlai.
    #[cfg(unix)]
    #[test]
    fn no_path_is_read_as_a_command() {
        use std::os::unix::fs::PermissionsExt;
        let room = tempfile::tempdir().unwrap();
        let study =
            room.path().join("it's $(touch broken) `touch broken`; \"x\" & *\n#SBATCH --hold");
        let folder = study.join(FOLDER);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(names_file(3)), "5 v/seed5\n55 v/x=1,y='a b'/seed55\n").unwrap();
        let program = room.path().join("a program's name");
        std::fs::write(&program, "#!/bin/sh\nprintf '%s|' \"$@\"\n").unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let settings = SlurmSettings::default();
        let text = Script { program: &program, ..script(&study, &settings) }.text();
        let ran = std::process::Command::new("bash")
            .args(["-c", &text])
            .env("SLURM_ARRAY_TASK_ID", "55")
            .current_dir(room.path())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ran.stdout).into_owned();
        let expected = format!(
            "study|run|{}|--run|v/x=1,y='a b'/seed55|--take-over|--on-signal|wait|",
            study.display()
        );
        assert_eq!(told, expected, "{}", String::from_utf8_lossy(&ran.stderr));
        assert!(!room.path().join("broken").exists());
    }

    #[test]
    fn lists_are_written_as_ranges() {
        for (list, text) in
            [(&[][..], ""), (&[4], "4"), (&[0, 1], "0-1"), (&[0, 2, 4, 5, 6, 9], "0,2,4-6,9")]
        {
            assert_eq!(ranges(list), text);
        }
    }
}
