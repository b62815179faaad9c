//! How to go on when the state is of no use. It alone knows who holds `true` in mParticle, so an empty state
//! would tell every member again and never those who have left. The words name the real paths and commands of
//! this installation, so that they can be followed as they stand.

use super::finding::{COMMAND, GOES_ON, shell_word};
use crate::cli::account::Desk;
use crate::cli::output::harmless;
use crate::domain::SyncKind;
use crate::store::{Condition, Examination, ExaminedSync, SavedCopy};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};

/// Syncs that are named with their commands; the others go the same way.
const SYNCS_NAMED: usize = 5;

/// What the advice depends on.
pub(super) struct Situation {
    /// How this program is called here, with its options.
    program: String,
    /// The state file.
    file: PathBuf,
    /// It and what belongs to it, as far as it exists.
    parts: Vec<PathBuf>,
    /// Where to move them.
    aside: PathBuf,
    /// Whoever uses them now.
    holder: Option<String>,
    /// Copies beside the file, newest first.
    copies: Vec<Written>,
    /// The syncs that can still be read.
    syncs: Vec<Known>,
}

struct Written {
    path: PathBuf,
    at: String,
    is_usable: bool,
}

struct Known {
    cohort: String,
    name: String,
    attribute: String,
    has_own_attribute: bool,
    is_recurring: bool,
}

impl Situation {
    pub(super) fn of(desk: &Desk, examination: &Examination, holder: Option<&str>) -> Self {
        let time = Timestamp::now().to_zoned_datetime(TimeZone::system()).strftime("%Y%m%d-%H%M%S");
        let syncs = match &examination.condition {
            Condition::Open(contents) => contents.syncs.as_deref().unwrap_or_default(),
            _ => &[],
        };
        Self {
            program: program(desk),
            file: examination.file.clone(),
            parts: examination.parts.clone(),
            aside: desk.places.state_dir.join(format!("damaged-{time}")),
            holder: holder.map(str::to_owned),
            copies: examination.copies.iter().map(Written::of).collect(),
            syncs: syncs.iter().map(Known::of).collect(),
        }
    }
}

impl Written {
    fn of(copy: &SavedCopy) -> Self {
        let at = copy.written.map(|at| {
            at.to_zoned_datetime(TimeZone::system()).strftime("written on %Y-%m-%d at %H:%M").to_string()
        });
        Self {
            path: copy.path.clone(),
            at: at.unwrap_or_else(|| "of unknown age".to_owned()),
            is_usable: copy.is_usable,
        }
    }
}

impl Known {
    fn of(sync: &ExaminedSync) -> Self {
        let record = &sync.record;
        Self {
            cohort: record.cohort_id.to_string(),
            name: harmless(&record.pinned_name).into_owned(),
            attribute: harmless(&record.attribute).into_owned(),
            has_own_attribute: record.attribute != record.pinned_name,
            is_recurring: record.kind == SyncKind::Recurring,
        }
    }

    fn recurring(&self) -> &'static str {
        if self.is_recurring { " --recurring" } else { "" }
    }
}

/// The program with the options it was called with, so that a command meets the same installation.
fn program(desk: &Desk) -> String {
    let global = &desk.args.global;
    let path = |path: &Option<PathBuf>| path.as_deref().map(word);
    let options = [
        ("--config", path(&global.config)),
        ("--state-dir", path(&global.state_dir)),
        ("--profile", global.profile.as_deref().map(shell_word)),
    ];
    let given = options.into_iter().filter_map(|(option, value)| Some(format!(" {option} {}", value?)));
    std::iter::once("cohort-sync".to_owned()).chain(given).collect()
}

fn word(path: &Path) -> String {
    shell_word(&path.to_string_lossy())
}

/// What to do, in numbered lines.
pub(super) fn advice(situation: &Situation) -> String {
    let ways_on = [restore(situation), adopt(situation), new_attribute(situation)];
    let numbered = set_aside(situation)
        .into_iter()
        .chain(ways_on)
        .zip(1..)
        .map(|(step, number)| format!("{number}. {step}"));
    let intro = "Do not just begin with an empty state: it does not know who holds `true` in mParticle, so whoever \
                 has left a cohort since would keep it for ever. Go on like this instead:";
    std::iter::once(intro.to_owned()).chain(numbered).collect::<Vec<_>>().join("\n")
}

fn set_aside(situation: &Situation) -> Option<String> {
    let parts: Vec<String> = situation.parts.iter().map(|part| word(part)).collect();
    if parts.is_empty() {
        return None;
    }
    let first = match &situation.holder {
        Some(holder) => format!("End {holder} first, since it uses the file. Then keep"),
        None => "Keep".to_owned(),
    };
    let aside = word(&situation.aside);
    let mut lines =
        vec![format!("{first} what is there: move it aside, all of it together, and delete none of it.")];
    lines.push(format!("{COMMAND}mkdir {aside} && mv {} {aside}", parts.join(" ")));
    Some(lines.join("\n"))
}

fn restore(situation: &Situation) -> String {
    let file = word(&situation.file);
    let doctor = format!("{COMMAND}{} doctor", situation.program);
    let mut lines = Vec::new();
    if let Some(copy) = situation.copies.iter().find(|copy| copy.is_usable) {
        lines.push(format!("Either restore a copy. This one is sound, {}:", copy.at));
        lines.push(format!("{COMMAND}cp -p {} {file}", word(&copy.path)));
    } else {
        for copy in &situation.copies {
            let path = copy.path.display();
            lines.push(format!("{GOES_ON}(The copy {path} is of no use: it does not read back.)"));
        }
        let first = "Either restore a copy from a backup of this directory, if there is one:";
        lines.insert(0, first.to_owned());
        lines.push(format!("{COMMAND}cp -p COPY {file}"));
    }
    lines.push(doctor);
    lines.push(format!(
        "{GOES_ON}An older state is safe for everyone it knows: the next run tells again whatever it misses. Only who \
         entered after the copy was made and has left again may keep `true`."
    ));
    lines.join("\n")
}

fn adopt(situation: &Situation) -> String {
    let program = &situation.program;
    let mut lines = vec![
        "Or start anew with whom mParticle holds. For each cohort, make an audience in mParticle of the users for whom \
         its attribute is true, export their MPIDs to a file, one id a line, and hand that in before the first run. \
         The run then removes whoever is not in the cohort any more."
            .to_owned(),
    ];
    for known in situation.syncs.iter().take(SYNCS_NAMED) {
        let Known { cohort, name, attribute, .. } = known;
        let own = if known.has_own_attribute {
            format!(" --attribute {}", shell_word(attribute))
        } else {
            String::new()
        };
        lines.push(format!("{COMMAND}{program} adopt {cohort} FILE   # {name}: attribute \"{attribute}\""));
        lines.push(format!("{COMMAND}{program} sync {cohort}{own}{}", known.recurring()));
    }
    if situation.syncs.is_empty() {
        lines.push(format!("{COMMAND}{program} adopt COHORT FILE"));
        lines.push(format!(
            "{COMMAND}{program} sync COHORT   # with --attribute NAME and --recurring as before"
        ));
    }
    lines.extend(others(situation));
    lines.join("\n")
}

fn new_attribute(situation: &Situation) -> String {
    let program = &situation.program;
    let mut lines = vec![
        "Or start anew under a new attribute, which nobody holds yet, and point the audiences in mParticle to it. The \
         old attribute stays as it is, and nobody keeps it up to date any more."
            .to_owned(),
    ];
    for known in situation.syncs.iter().take(SYNCS_NAMED) {
        let attribute = shell_word(&format!("{} 2", known.attribute));
        lines.push(format!(
            "{COMMAND}{program} sync {} --attribute {attribute}{}",
            known.cohort,
            known.recurring()
        ));
    }
    if situation.syncs.is_empty() {
        lines.push(format!("{COMMAND}{program} sync COHORT --attribute \"NAME 2\""));
    }
    lines.extend(others(situation));
    lines.join("\n")
}

fn others(situation: &Situation) -> Option<String> {
    let others = situation.syncs.len().checked_sub(SYNCS_NAMED).filter(|others| *others > 0)?;
    Some(format!("{GOES_ON}The other {others} go the same way."))
}
