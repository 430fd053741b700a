//! The help of every command, word by word; `TRYCMD=overwrite cargo test` writes it anew.

#[test]
fn help_is_as_reviewed() {
    trycmd::TestCases::new().env("COLUMNS", "100").case("tests/cmd/*.trycmd");
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let rlai = std::process::Command::new(env!("CARGO_BIN_EXE_rlai"));
        let output = { rlai }.args(["completions", shell]).output().unwrap();
        assert!(output.status.success());
        let script = String::from_utf8(output.stdout).unwrap();
        for command in ["train", "study", "evaluate", "learning-starts"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}
