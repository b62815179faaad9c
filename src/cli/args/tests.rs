//! What the command line accepts and how it refuses.

use super::*;

fn read(line: &str) -> Result<Args, clap::Error> {
    Args::try_read(std::iter::once("cohort-sync").chain(line.split_whitespace()))
}

fn message(line: &str) -> String {
    let error = read(line).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{line}");
    error.to_string()
}

#[test]
fn the_definitions_are_consistent() {
    Args::command().debug_assert();
}

#[test]
fn every_command_of_the_design_is_read() {
    for line in [
        "",
        "--demo",
        "cohorts",
        "cohorts --format csv -o cohorts.csv",
        "sync 1000",
        "sync 1000 Churn --recurring --dry-run --yes",
        "sync 1000 --attribute Mine",
        "run",
        "status",
        "status 1000 1001 --format json",
        "runs",
        "runs 1000 --json",
        "changes 7 --format csv",
        "changes --cohort 1000 --since 2026-01-31T12:00:00Z --until 2026-01-31T13:00:00Z",
        "changes --user -5183712098411029934 --json",
        "changes --since 2h",
        "changes --cohort 1000 --flapping -o flapping.csv --format csv",
        "requests",
        "requests --cohort 1000 --run 7 --status 4xx --side mparticle --user anna --since 2h --format csv",
        "requests 4711 --json",
        "requests 4711 --resend-to-sandbox",
        "requests 4711 --resend-to-sandbox http://127.0.0.1:9/v1/pdf/mixpanelcohorts/x",
        "support-bundle",
        "support-bundle -o help.tar.gz --json",
        "members 1000 --format json",
        "members 1000 --at 2026-01-31",
        "pause 1000",
        "resume 1000",
        "stop 1000",
        "unmatched 1000 -o users.csv --format csv",
        "counts 1000",
        "status --watch",
        "status --watch=0.5 1000",
        "status --watch 1000 --json",
        "doctor",
        "doctor --json --read-only",
        "sandbox",
        "sandbox --listen 127.0.0.1:0",
        "config init",
        "config show",
        "config path",
        "completions zsh",
        "man",
    ] {
        assert!(read(line).is_ok(), "{line}: {}", read(line).unwrap_err());
    }
}

#[test]
fn global_options_stand_before_or_after_the_command() {
    let options = "--config c.toml --state-dir s --profile eu --json --read-only --color never --ascii \
                   --theme mono --log-level debug";
    let before = read(&format!("{options} status 1000")).unwrap();
    let after = read(&format!("status 1000 {options}")).unwrap();
    assert_eq!(before, after);
    assert!(read(&format!("config {options} show")).is_ok());
    assert_eq!(after.selection().profile.as_deref(), Some("eu"));
    let flags: Vec<_> = after.overrides().into_iter().map(|one| (one.flag, one.value)).collect();
    assert_eq!(flags, [("--theme", "mono".into()), ("--color", "never".into()), ("--ascii", "true".into())]);
}

#[test]
fn wrong_usage_ends_with_two_and_says_why() {
    assert!(message("sync").contains("<COHORT>..."));
    assert!(message("sync 1 2 --attribute X").contains("takes one COHORT"));
    assert!(message("status --json --format csv").contains("leave one of them out"));
    assert!(message("--demo sync 1").contains("--demo opens the console"));
    assert!(message("--color sometimes").contains("[possible values: auto, always, never]"));
    assert!(message("changes seven").contains("invalid digit"));
    assert!(message("changes").contains("<RUN|--cohort <COHORT>|--user <ID>|--since <TIME>|--until <TIME>>"));
    assert!(message("changes 7 --user anna").contains("cannot be used with"));
    assert!(message("changes --flapping").contains("--cohort <COHORT>"));
    assert!(message("changes --cohort 7 --flapping --since 2h").contains("cannot be used with"));
    assert!(message("changes --since 1h --until 2h").contains("--since is later than --until"));
    assert!(message("members 7 --at soon").contains("expected a moment"));
    assert!(message("requests 7 --run 2").contains("cannot be used with"));
    assert!(message("requests --resend-to-sandbox").contains("<ID>"));
    assert!(message("requests 7 --format csv").contains("no list"));
    let outside =
        message("requests 7 --resend-to-sandbox https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/x");
    assert!(outside.contains("only an address of this computer"), "{outside}");
    assert!(message("cohort").contains("cohorts"));
    assert!(message("config").contains("init"));
}

#[test]
fn the_log_level_comes_from_flag_variable_or_habit() {
    let variable = |text| [("COHORT_SYNC_LOG", text)].into_iter().collect::<Environment>();
    let level = |line, environment: &Environment| read(line).unwrap().log_level(environment);
    assert_eq!(level("run", &Environment::default()).unwrap(), LogLevel::Info);
    assert_eq!(level("run", &variable("debug")).unwrap(), LogLevel::Debug);
    assert_eq!(level("run --log-level warn", &variable("debug")).unwrap(), LogLevel::Warn);
    let error = level("run", &variable("loud")).unwrap_err();
    assert_eq!(error.to_string(), "COHORT_SYNC_LOG is \"loud\", but must be debug, info, warn or error");
}

#[test]
fn json_chooses_the_format_of_lists() {
    let format = |line: &str| {
        let args = read(line).unwrap();
        args.command.as_ref().and_then(Command::list).unwrap().format(&args.global)
    };
    assert_eq!(format("cohorts"), Format::Table);
    assert_eq!(format("cohorts --json"), Format::Json);
    assert_eq!(format("cohorts --json --format json"), Format::Json);
    assert_eq!(format("cohorts --format csv"), Format::Csv);
}

#[test]
fn every_word_of_the_command_line_has_its_line_of_help() {
    fn check(command: &clap::Command) {
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
        }
        for inner in command.get_subcommands() {
            assert!(inner.get_about().is_some(), "{}", inner.get_name());
            check(inner);
        }
    }
    check(&Args::command());
}
