//! What is generated from the command line's definition: completions for shells and the manual page.

use super::args::Args;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use std::io::{self, Write};

/// Writes the completions for a shell.
///
/// # Errors
/// They cannot be written.
pub fn completions(shell: Shell, to: &mut impl Write) -> io::Result<()> {
    // The generator panics when its writer fails (a closed pipe, say), which memory does not.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "cohort-sync", &mut script);
    to.write_all(&script)
}

/// Writes the manual page, each command with its options included.
///
/// # Errors
/// It cannot be written.
pub fn manual_page(to: &mut impl Write) -> io::Result<()> {
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    let mut page = Vec::new();
    let man = Man::new(command.clone()).manual("cohort-sync");
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    writeln!(page, ".SH COMMANDS")?;
    describe_commands(&command, "", &mut page)?;
    writeln!(page, ".SH NOTES")?;
    for paragraph in command.get_after_help().map(ToString::to_string).unwrap_or_default().split("\n\n") {
        writeln!(page, ".PP\n{}", roff(paragraph))?;
    }
    to.write_all(&page)
}

fn describe_commands(parent: &clap::Command, path: &str, page: &mut Vec<u8>) -> io::Result<()> {
    for command in parent.get_subcommands() {
        let name = format!("{path}{}", command.get_name());
        if command.has_subcommands() {
            describe_commands(command, &format!("{name} "), page)?;
            continue;
        }
        let usage = command.clone().render_usage().to_string();
        writeln!(page, ".SS \"{name}\"")?;
        writeln!(page, "{}", roff(&usage.replacen("Usage: ", "", 1)))?;
        if let Some(about) = command.get_about() {
            writeln!(page, ".PP\n{}", roff(&about.to_string()))?;
        }
        for argument in command.get_arguments().filter(|argument| !is_global(argument)) {
            writeln!(page, ".TP\n\\fB{}\\fR", roff(argument.to_string().trim()))?;
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            writeln!(page, "{}", roff(&help))?;
        }
    }
    Ok(())
}

/// Global options are described once, at the top.
fn is_global(argument: &clap::Arg) -> bool {
    argument.is_global_set() || argument.get_id() == "help" || argument.get_id() == "version"
}

/// The text with what roff would take for markup spelled out.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    // A line that starts with a dot or an apostrophe would be a request.
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_gets_completions_with_commands_and_words() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            completions(*shell, &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            for word in ["unmatched", "--dry-run", "--log-level"] {
                let bare = word.trim_start_matches('-');
                assert!(script.contains(bare), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn the_manual_page_describes_every_command() {
        let mut page = Vec::new();
        manual_page(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        for words in
            [".TH cohort-sync 1", ".SS \"sync\"", ".SS \"config init\"", "\\-\\-recurring", "Exit codes"]
        {
            assert!(page.contains(words), "{words} in\n{page}");
        }
        assert_eq!(
            page.matches("\\-\\-state\\-dir").count(),
            2,
            "once in the synopsis, once in the options\n{page}"
        );
    }
}
