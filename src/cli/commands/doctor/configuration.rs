//! The configuration: whether there is one, whether it can be used, and whether every credential can be had. A
//! configuration that cannot be used is reported in the words that every other command uses for it.

use super::finding::{Check, Finding, root_cause, sentence, taken_apart};
use crate::cli::account::Desk;
use crate::cli::failure::Exit;
use crate::config::{Config, ConfigError, Fault, Origin, Places, Problem, ShownCredential, permission_bits};

const CORRECT_IT: &str = "Correct it there, then run `cohort-sync doctor` again.";

/// Looks at the configuration; hands it out when it can be used.
pub(super) fn check(desk: &Desk) -> (Vec<Finding>, Option<Config>) {
    let layers = match desk.layers() {
        Ok(layers) => layers,
        Err(error) => return (wrong(&error), None),
    };
    let credentials = layers.credentials();
    let slips = layers.warnings().to_vec();
    match layers.config() {
        Ok(config) => {
            config.mask_with(&desk.masks);
            let mut findings = vec![Finding::ok(Check::Configuration, valid(&desk.places))];
            let remedy = "Correct the variable's name, or unset it.";
            findings.extend(
                slips.iter().map(|slip| Finding::warning(Check::Configuration, sentence(slip), remedy)),
            );
            findings.push(Finding::ok(Check::Credentials, fetched(&credentials, &desk.places)));
            (findings, Some(config))
        }
        Err(error) => (wrong(&error), None),
    }
}

fn valid(places: &Places) -> String {
    let (path, profile) = (places.config_file.display(), &places.profile);
    if places.config_file.exists() {
        format!("{path} is valid (profile {profile}).")
    } else {
        format!("The environment variables are valid (profile {profile}); there is no file {path}.")
    }
}

/// Where every credential came from; none of them is in it.
fn fetched(credentials: &[ShownCredential], places: &Places) -> String {
    let named: Vec<String> =
        credentials.iter().map(|credential| format!("{} ({})", credential.key, credential.origin)).collect();
    let named = named.join(", ");
    let plain = credentials.iter().any(|credential| credential.is_plain_in_file);
    match places.config_file.metadata().ok().filter(|_| plain) {
        Some(metadata) => {
            // The configuration would have been refused were it open to others.
            let mode = permission_bits(&metadata);
            format!(
                "Every credential could be had: {named}. Its owner alone can read the file that holds them (mode {mode:04o})."
            )
        }
        None => format!("Every credential could be had: {named}."),
    }
}

fn wrong(error: &ConfigError) -> Vec<Finding> {
    let problem =
        |found: String, remedy: String| Finding::problem(Check::Configuration, Exit::Usage, found, remedy);
    match error {
        ConfigError::Missing { path } => vec![problem(
            format!("There is no configuration yet: {} does not exist.", path.display()),
            "Run `cohort-sync setup` to be led through it, `cohort-sync config init` for a file to fill in, or `cohort-sync --demo` to look around without."
                .to_owned(),
        )],
        ConfigError::Invalid { path, problems, missing } => {
            let mut problems: Vec<&Problem> = problems.iter().collect();
            problems.sort_by_key(|problem| line_of(&problem.origin));
            let absent = missing.iter().map(|absent| {
                problem(format!("{} is missing.", absent.setting.name), sentence(&absent.remedy(path)))
            });
            problems.into_iter().map(of_value).chain(absent).collect()
        }
        other => {
            let (found, remedy) = taken_apart(&other.to_string(), &root_cause(other));
            vec![problem(found, remedy.unwrap_or_else(|| CORRECT_IT.to_owned()))]
        }
    }
}

/// What stands in the file comes in its order, before what comes from elsewhere.
fn line_of(origin: &Origin) -> usize {
    match origin {
        Origin::File { line, .. } => *line,
        _ => usize::MAX,
    }
}

fn of_value(problem: &Problem) -> Finding {
    let check = match problem.fault {
        Fault::Secret(_) | Fault::Exposed { .. } | Fault::Changeable { .. } => Check::Credentials,
        Fault::UnknownKey { .. } | Fault::Unfit { .. } | Fault::NotOneOf { .. } | Fault::Address(_) => {
            Check::Configuration
        }
    };
    let (found, remedy) = taken_apart(&problem.to_string(), "");
    Finding::problem(check, Exit::Usage, found, remedy.unwrap_or_else(|| CORRECT_IT.to_owned()))
}
