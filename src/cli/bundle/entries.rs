//! The files of a bundle. Every text that came from outside or was written in the course of things goes through one
//! function, which first hears what there is to clean and then cleans it; numbers, names of settings and the words of this
//! program need none of it.

use super::material::Material;
use super::shapes::without_descriptions;
use crate::cli::objects::RunObject;
use crate::domain::{Lint, Purpose};
use crate::store::{NotedRequest, RUNS_WITH_CHANGES, RunRecord};
use crate::sync::export::seconds;
use crate::sync::snapshot::{CohortView, Stretch};
use serde_json::{Value, json};

/// A file of the bundle.
pub(in crate::cli) struct Entry {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub content: String,
    /// What that is, in words.
    pub about: &'static str,
}

/// What is said in place of words that cannot be cleaned.
const LEFT_OUT: &str =
    "(left out: the changes of this run are kept no longer, so nobody can say which of these words are ids)";

/// What stays out of every bundle.
pub(in crate::cli) const KEPT_BACK: [&str; 5] = [
    "credentials: the secret, the webhook URL and whatever else is masked",
    "who is in a cohort: baselines, plans, changes, unmatched users, the bodies of requests",
    "the descriptions of cohorts, and the users named with a plan that waits for a decision",
    "what the console remembers",
    "ids of users within answers, errors and the log; each is a word made with a key of this bundle alone, kept nowhere",
];

/// What cleans a text, or only hears it.
pub(super) type Clean<'c> = &'c mut dyn FnMut(&str) -> String;

/// Everything but the description of it all.
pub(super) fn entries(material: &Material, home: Option<&str>, clean: Clean<'_>) -> Vec<Entry> {
    let mut entries = vec![
        Entry {
            name: "configuration.txt".to_owned(),
            content: configuration(material, home, clean),
            about: "every setting with where it comes from",
        },
        Entry {
            name: "program.json".to_owned(),
            content: program(material),
            about: "version, system, sizes",
        },
        Entry {
            name: "cohorts.jsonl".to_owned(),
            content: lines(material.snapshot.cohorts.iter().map(|view| cohort(view, clean)).collect()),
            about: "cohorts, how their syncs stand, warnings",
        },
        Entry {
            name: "counts.jsonl".to_owned(),
            content: lines(material.counts.iter().map(|counts| json!(counts)).collect()),
            about: "where the users of each last read went",
        },
        Entry {
            name: "runs.jsonl".to_owned(),
            content: lines(material.runs.iter().map(|run| of_run(material, run, clean)).collect()),
            about: "every run with its counts and phases",
        },
        Entry {
            name: "requests.jsonl".to_owned(),
            content: lines(material.requests.iter().map(|row| request(material, row, clean)).collect()),
            about: "requests and the beginnings of their answers",
        },
    ];
    entries.extend(material.logs.iter().map(|(name, log)| Entry {
        name: format!("log/{name}"),
        content: log.lines().map(|line| log_line(material, line, clean) + "\n").collect(),
        about: "the program's log",
    }));
    entries
}

/// What is in the bundle, for whoever opens it.
pub(super) fn description(entries: &[Entry], material: &Material) -> Entry {
    let made = format!(
        "A support bundle of cohort-sync {}, made {}.",
        env!("CARGO_PKG_VERSION"),
        seconds(material.at)
    );
    let inside = entries.iter().map(|entry| format!("  {:<24} {}", entry.name, entry.about));
    let left_out = KEPT_BACK.iter().map(|what| format!("  - {what}"));
    let about_ids = format!(
        "A word such as id~abcdefghijklmnop stands for the id of a user: the same word for the same id throughout this\n\
         bundle, and another one in every other bundle. Numbers of up to four digits are taken for ids only in quotes or\n\
         behind the name of an identity, because the log is full of them. Words about a run whose changes are kept no\n\
         longer (only those of the last {RUNS_WITH_CHANGES} runs of a cohort that made any are) are left out as a whole.",
    );
    let lines = [made, String::new(), "Inside:".to_owned()]
        .into_iter()
        .chain(inside)
        .chain([String::new(), "Left out:".to_owned()])
        .chain(left_out)
        .chain([String::new(), about_ids, String::new()]);
    let content = lines.collect::<Vec<_>>().join("\n");
    let name = "README.txt".to_owned();
    Entry { name, content, about: "what is inside and what was left out" }
}

fn lines(objects: Vec<Value>) -> String {
    objects.into_iter().map(|object| object.to_string() + "\n").collect()
}

fn configuration(material: &Material, home: Option<&str>, clean: Clean<'_>) -> String {
    // Where the operator's files are tells the operator's name.
    let mut at_home = |text: &str| {
        let text = home
            .filter(|home| home.len() > 1)
            .map_or_else(|| text.to_owned(), |home| text.replace(home, "~"));
        clean(&text)
    };
    match &material.settings {
        Err(error) => format!("# It cannot be read: {}\n", at_home(error)),
        Ok(settings) => settings
            .iter()
            .map(|setting| {
                let (value, origin) = (at_home(&setting.value), at_home(&setting.origin));
                format!("{} = {value}  # {origin}\n", setting.key)
            })
            .collect::<Vec<_>>()
            .concat(),
    }
}

fn program(material: &Material) -> String {
    let queries = material.snapshot.queries;
    let object = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "made_at": seconds(material.at),
        "state_bytes": material.bytes,
        "cohorts": material.snapshot.cohorts.len(),
        "runs": material.runs.len(),
        "requests": material.extent.requests,
        "requests_since": material.extent.oldest.map(seconds),
        "queries_in_the_last_hour": queries.used,
        "queries_an_hour": queries.limit,
        "stretch": material.snapshot.stretch.as_ref().map(Stretch::to_string),
        "warnings": material.snapshot.lints.iter().map(Lint::token).collect::<Vec<_>>(),
    });
    format!("{object:#}\n")
}

fn cohort(view: &CohortView, clean: Clean<'_>) -> Value {
    let warnings: Vec<Value> = view
        .lints
        .iter()
        .map(|lint| json!({ "warning": lint.token(), "seen": clean(&lint.seen()) }))
        .collect();
    let sync = view.sync.as_ref().map(|sync| {
        let pause = sync.pause.as_ref();
        json!({
            "attribute": clean(&sync.attribute),
            "pinned_name": clean(&sync.pinned_name),
            "kind": sync.kind.token(),
            "status": sync.status.token(),
            "paused_because": pause.map(|pause| pause.cause.token()),
            "reason": pause.map(|pause| clean(&pause.reason)),
            "paused_at": pause.map(|pause| seconds(pause.at)),
            "interval_seconds": sync.interval.as_secs(),
            "next_due_at": sync.next_due.map(seconds),
            "since": seconds(sync.since),
            "acknowledged": sync.baseline,
            "former_attributes": sync.former.iter().map(|former| former.members).collect::<Vec<_>>(),
            "max_removal_share": sync.max_removal_share,
            "everyone_told_at": sync.last_full.map(seconds),
        })
    });
    json!({
        "cohort_id": view.cohort.id.0,
        "cohort": clean(&view.cohort.name),
        "mixpanel_counts": view.cohort.count,
        "listed": view.listed,
        "exportable": view.not_exportable.is_none(),
        "sync": sync,
        "warnings": warnings,
    })
}

fn of_run(material: &Material, run: &RunRecord, clean: Clean<'_>) -> Value {
    let forgotten = material.is_forgotten(run.id.0);
    let error = run.error.as_deref().map(|error| words(error, forgotten, clean));
    let record =
        RunRecord { cohort: clean(&run.cohort), attribute: clean(&run.attribute), error, ..run.clone() };
    let phases: Vec<Value> = run
        .phases
        .iter()
        .map(|(phase, took)| json!({ "phase": phase.token(), "ms": took.as_millis() }))
        .collect();
    let mut object = json!(RunObject::from(&record));
    object["purpose"] = Purpose::token(run.purpose).into();
    object["trigger"] = run.trigger.token().into();
    object["phase"] = run.phase.token().into();
    object["phases"] = phases.into();
    object
}

fn request(material: &Material, row: &NotedRequest, clean: Clean<'_>) -> Value {
    let entry = &row.entry.line;
    let carried_users = entry.first_position.is_some() || entry.users > 0;
    let forgotten = carried_users && entry.run.is_some_and(|run| material.is_forgotten(run.0));
    json!({
        "request_id": row.id,
        "at": format!("{:.3}", entry.at),
        "run_id": entry.run.map(|run| run.0),
        "cohort_id": entry.cohort.map(|cohort| cohort.0),
        "side": entry.side.token(),
        "what": clean(&entry.what),
        "users": entry.users,
        "bytes": entry.bytes,
        "status": entry.status,
        "ms": entry.elapsed.as_millis(),
        "attempt": entry.attempt,
        "answer": words(&row.entry.answer, forgotten, clean),
    })
}

/// A line of the log: when, how serious and which module as it is; what was said, cleaned.
fn log_line(material: &Material, line: &str, clean: Clean<'_>) -> String {
    // What does not begin like a line of ours is cleaned as a whole.
    let said =
        line.find(": ").filter(|at| line[..*at].split_whitespace().count() == 3).map_or(0, |at| at + 2);
    let (head, text) = line.split_at(said);
    let run = text.rsplit(' ').find_map(|word| word.strip_prefix("run=")?.parse().ok());
    let forgotten = run.is_some_and(|run| material.is_forgotten(run));
    format!("{head}{}", words(text, forgotten, clean))
}

fn words(text: &str, forgotten: bool, clean: Clean<'_>) -> String {
    if forgotten && !text.is_empty() { LEFT_OUT.to_owned() } else { clean(&without_descriptions(text)) }
}
