//! `rlai completions`: completion scripts for shells.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::Cli;
use crate::error::Failure;

/// Print a shell's completion script
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai completions bash > ~/.local/share/bash-completion/completions/rlai
  rlai completions zsh > ~/.zfunc/_rlai
  rlai completions fish > ~/.config/fish/completions/rlai.fish")]
pub struct Args {
    /// Shell to complete in
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// None.
pub fn run(args: Args) -> Result<(), Failure> {
    clap_complete::generate(args.shell, &mut Cli::command(), "rlai", &mut std::io::stdout());
    Ok(())
}
