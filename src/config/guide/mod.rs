//! The setup guide as a value: which question comes next, what an answer must be, when something is to be tried, and
//! what is written in the end. It asks nobody and sends nothing; the command line and the console do that, in the same
//! order and with the same words.

mod finish;
mod question;

pub use finish::{Finished, GuideError};
pub use question::{Question, Wrong};

use question::EVENTS_API;

use super::document::Document;
use super::edit::{place, read};
use super::errors::ConfigError;
use super::layers::{Layers, Request};
use super::model::Config;
use super::secrets::Secret;
use super::template::{InitError, TEMPLATE};
use super::words::{Delivery, FeedEnvironment, Region, Word};
use std::collections::BTreeMap;

/// What the guide wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An answer.
    Ask(Question),
    /// Something is to be tried, with the configuration as answered so far.
    Try(Trial),
    /// What was tried did not work: a person decides.
    Fix(Trial),
    /// Everything is answered; it can be written.
    Done,
}

/// What can be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// The webhook URL's shape, and whether its host can be reached. Sends nothing.
    Mparticle,
    /// The cohort list and one page of members: two queries.
    Mixpanel,
    /// Tells mParticle the one user who was named.
    Probe,
}

/// How something that was tried stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// As it should be.
    Ok,
    /// Works, and may not be what is wanted.
    Warning,
    /// Does not work.
    Problem,
    /// Something to read.
    Note,
}

/// What trying something found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How it stands.
    pub sign: Sign,
    /// What was found. A note may have several lines.
    pub text: String,
    /// What to do, where something should be done.
    pub remedy: Option<String>,
    /// The question to go back to, where it is not the first of the chapter.
    pub blames: Option<Question>,
}

impl Found {
    /// Whether a person has to decide what to do about it.
    #[must_use]
    pub fn is_problem(&self) -> bool {
        self.sign == Sign::Problem
    }
}

/// What to do about something that did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fix {
    /// Go through the answers again.
    Correct,
    /// Try the same again.
    Again,
    /// Go on all the same.
    GoOn,
}

/// The parts of the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chapter {
    /// mParticle's side.
    Mparticle,
    /// Mixpanel's side.
    Mixpanel,
    /// One user, as evidence.
    Evidence,
    /// Where the credentials are kept.
    Keeping,
}

impl Chapter {
    /// Its heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Mparticle => "1 of 4 · mParticle, where cohorts go",
            Self::Mixpanel => "2 of 4 · Mixpanel, where they come from",
            Self::Evidence => "3 of 4 · One user, as evidence",
            Self::Keeping => "4 of 4 · Where to keep the credentials",
        }
    }

    /// What to do in the web consoles first, a paragraph each.
    #[must_use]
    pub fn preparation(self) -> &'static [&'static str] {
        match self {
            Self::Mparticle => &[
                "In mParticle: Setup > Inputs > Feeds, add the feed “Mixpanel Cohorts”.",
                "Set its input protection level to “Only Update Profiles”: no sync can then create a profile.",
                "Save it and copy its Webhook URL. Whoever knows it can write, so it is treated as a password.",
            ],
            Self::Mixpanel => &[
                "In Mixpanel: Organization Settings > Service Accounts, add one with the role Analyst in the project.",
                "Its secret is shown once. Project Settings > Overview shows the project's id and where its data is kept.",
            ],
            Self::Evidence => &[
                "mParticle does not publish what its feed takes. Telling it one user of yours, labelled development, settles \
                 that: pick somebody whose id you know, your own for instance. The attribute is “cohort-sync probe”.",
            ],
            Self::Keeping => &["The credentials are needed at every start."],
        }
    }
}

const ORDER: [Step; 18] = {
    use Question as Q;
    [
        Step::Ask(Q::WebhookUrl),
        Step::Ask(Q::EventsKey),
        Step::Ask(Q::EventsSecret),
        Step::Ask(Q::Environment),
        Step::Try(Trial::Mparticle),
        Step::Ask(Q::Region),
        Step::Ask(Q::ProjectId),
        Step::Ask(Q::ServiceAccount),
        Step::Ask(Q::Secret),
        Step::Try(Trial::Mixpanel),
        Step::Ask(Q::Delivery),
        Step::Ask(Q::Probe),
        Step::Try(Trial::Probe),
        Step::Ask(Q::Keep),
        Step::Ask(Q::SecretCommand),
        Step::Ask(Q::WebhookCommand),
        Step::Ask(Q::EventsCommand),
        Step::Done,
    ]
};

/// The guide.
#[derive(Clone)]
pub struct Guide {
    request: Request,
    /// The file that a profile is added to; without one a new file is written.
    base: Option<Base>,
    /// What was answered. Credentials are among it, so it is never printed.
    answers: BTreeMap<Question, String>,
    at: usize,
    /// What was tried last did not work, and which answer is to blame if that is known.
    is_broken: bool,
    blamed: Option<Question>,
}

/// A configuration file that is there already.
#[derive(Clone)]
struct Base {
    /// What it says; it may hold credentials.
    text: String,
    /// The settings that every profile takes over from its top.
    shared: Vec<String>,
}

impl Guide {
    /// A guide to the configuration that a request would read, where there is no file yet.
    #[must_use]
    pub fn new(request: Request) -> Self {
        Self { request, base: None, answers: BTreeMap::new(), at: 0, is_broken: false, blamed: None }
    }

    /// A guide to the configuration that a request would read. Where there is a file, the profile is added to it.
    ///
    /// # Errors
    /// The file has that profile already, or cannot be read.
    pub fn begin(request: Request) -> Result<Self, GuideError> {
        let path = request.config_file.clone();
        let (Some(text), mode) = read(&path)? else { return Ok(Self::new(request)) };
        let Some(profile) = request.profile_table() else { return Err(InitError::Exists(path).into()) };
        let document = Document::parse(&path, &text, mode)?;
        if document.profiles.iter().any(|known| known == profile) {
            return Err(GuideError::ProfileExists { name: profile.to_owned(), path });
        }
        let of_a_side = |name: &str| name.starts_with("mixpanel.") || name.starts_with("mparticle.");
        let top = document.entries.into_iter().filter(|entry| entry.profile.is_none());
        let shared = top.map(|entry| entry.name).filter(|name| of_a_side(name)).collect();
        Ok(Self { base: Some(Base { text, shared }), ..Self::new(request) })
    }

    /// The profile that is added to a file, and what it takes over from there without being asked for.
    #[must_use]
    pub fn adds(&self) -> Option<(&str, Vec<&str>)> {
        const ASKED: [&str; 10] = [
            "mixpanel.region",
            "mixpanel.base_url",
            "mixpanel.project_id",
            "mixpanel.service_account",
            "mixpanel.secret",
            "mparticle.environment",
            "mparticle.delivery",
            "mparticle.webhook_url",
            "mparticle.events_api.key",
            "mparticle.events_api.secret",
        ];
        let shared = &self.base.as_ref()?.shared;
        let taken_over = shared.iter().map(String::as_str).filter(|name| !ASKED.contains(name));
        Some((self.request.profile.as_str(), taken_over.collect()))
    }

    /// What comes next.
    #[must_use]
    pub fn step(&self) -> Step {
        match ORDER[self.at] {
            Step::Try(trial) if self.is_broken => Step::Fix(trial),
            step => step,
        }
    }

    /// What an empty answer stands for; of a credential only that there is one.
    #[must_use]
    pub fn fallback(&self, question: Question) -> Option<&str> {
        match self.answers.get(&question) {
            Some(given) if question.is_secret() && given != EVENTS_API => Some("what was typed before"),
            Some(given) => Some(given),
            None => question.usual(),
        }
    }

    /// Takes the answer to the question that is asked, and goes on.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn answer(&mut self, text: &str) -> Result<(), Wrong> {
        let Step::Ask(question) = self.step() else { return Ok(()) };
        let text = text.trim();
        let text = match (text.is_empty(), self.answers.get(&question), question.usual()) {
            (true, Some(before), _) => before.clone(),
            (true, None, Some(usual)) => usual.to_owned(),
            _ => text.to_owned(),
        };
        self.answers.insert(question, question.check(&text)?);
        self.go_on();
        Ok(())
    }

    /// Back to the question before; false at the first one.
    pub fn back(&mut self) -> bool {
        let before = (0..self.at).rev().find(|at| matches!(ORDER[*at], Step::Ask(_)) && self.applies(*at));
        if let Some(at) = before {
            self.at = at;
            self.is_broken = false;
        }
        before.is_some()
    }

    /// Takes in what trying something found, and goes on unless a person has to decide.
    pub fn tried(&mut self, found: &[Found]) {
        match found.iter().find(|found| found.is_problem()) {
            None => self.go_on(),
            Some(problem) => {
                self.is_broken = true;
                self.blamed = problem.blames;
            }
        }
    }

    /// Does what a person decided about something that did not work.
    pub fn fix(&mut self, fix: Fix) {
        let Step::Fix(trial) = self.step() else { return };
        self.is_broken = false;
        match fix {
            Fix::Again => {}
            Fix::GoOn => self.go_on(),
            Fix::Correct => {
                let first = match trial {
                    Trial::Mparticle => Question::WebhookUrl,
                    Trial::Mixpanel => Question::Region,
                    Trial::Probe => Question::Delivery,
                };
                let from = Step::Ask(self.blamed.unwrap_or(first));
                self.at = ORDER.iter().position(|step| *step == from).unwrap_or(self.at);
            }
        }
    }

    fn go_on(&mut self) {
        self.is_broken = false;
        loop {
            self.at = (self.at + 1).min(ORDER.len() - 1);
            if self.applies(self.at) {
                return;
            }
        }
    }

    /// Whether a step has a place, given the answers before it.
    fn applies(&self, at: usize) -> bool {
        let by_command = || self.text(Question::Keep) == "command";
        match ORDER[at] {
            Step::Try(Trial::Probe) => self.probe().is_some(),
            Step::Ask(Question::EventsKey | Question::EventsSecret) => self.is_by_events_api(),
            Step::Ask(Question::Delivery) => !self.is_by_events_api(),
            Step::Ask(Question::SecretCommand) => by_command(),
            Step::Ask(Question::WebhookCommand) => by_command() && !self.is_by_events_api(),
            Step::Ask(Question::EventsCommand) => by_command() && self.is_by_events_api(),
            _ => true,
        }
    }

    /// Whether a question is asked, given the answers before it.
    #[must_use]
    pub fn asks(&self, question: Question) -> bool {
        let at = ORDER.iter().position(|step| *step == Step::Ask(question));
        at.is_some_and(|at| self.applies(at))
    }

    fn is_by_events_api(&self) -> bool {
        self.text(Question::WebhookUrl) == EVENTS_API
    }

    fn text(&self, question: Question) -> &str {
        self.answers.get(&question).map_or_else(|| question.usual().unwrap_or_default(), String::as_str)
    }

    /// The user to tell mParticle about, if one was named.
    #[must_use]
    pub fn probe(&self) -> Option<&str> {
        Some(self.text(Question::Probe)).filter(|id| !id.is_empty() && *id != "skip")
    }

    /// The credentials, for whoever masks them.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        let secrets = [Question::Secret, Question::WebhookUrl, Question::EventsSecret];
        let given = secrets.iter().filter_map(|question| self.answers.get(question));
        given.filter(|given| *given != EVENTS_API).map(Secret::new).collect()
    }

    /// The configuration as answered so far; what was not asked yet is made up, so that a side can be tried alone.
    ///
    /// # Errors
    /// The environment of this process says something that does not fit.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut values = self.values();
        values.push(("mixpanel.secret", self.text_or(Question::Secret, "none").into()));
        if self.is_by_events_api() {
            values.push(("mparticle.events_api.secret", self.text_or(Question::EventsSecret, "none").into()));
        } else {
            let unknown = "https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/none";
            values.push(("mparticle.webhook_url", self.text_or(Question::WebhookUrl, unknown).into()));
        }
        let text = self.render(&values);
        let document = Document::parse(&self.request.config_file, &text, 0o600)?;
        Layers::lay(self.request.clone(), document)?.config()
    }

    fn text_or<'a>(&'a self, question: Question, otherwise: &'a str) -> &'a str {
        self.answers.get(&question).map_or(otherwise, String::as_str)
    }

    /// What the file is to say besides the credentials.
    fn values(&self) -> Vec<(&'static str, toml_edit::Value)> {
        let mut values: Vec<(&'static str, toml_edit::Value)> = Vec::new();
        // Before it was asked, nothing is to be thought about where cohorts come from.
        let region = self.text_or(Question::Region, "http://127.0.0.1");
        match Region::from_word(region) {
            Some(region) => {
                values.push(("mixpanel.region", region.as_str().into()));
                // An address at the top of the file would win over the region.
                if self.takes_over("mixpanel.base_url") {
                    values.push(("mixpanel.base_url", region.base_url().into()));
                }
            }
            None => values.push(("mixpanel.base_url", region.into())),
        }
        let project = self.text_or(Question::ProjectId, "1").parse().unwrap_or(1_i64);
        values.push(("mixpanel.project_id", project.into()));
        values.push(("mixpanel.service_account", self.text_or(Question::ServiceAccount, "none").into()));
        let environment = FeedEnvironment::from_word(self.text(Question::Environment));
        let delivery = match self.text(Question::Delivery) {
            _ if self.is_by_events_api() => Some(Delivery::EventsApi),
            form => Delivery::from_word(form),
        };
        if self.is_by_events_api() {
            values.push(("mparticle.events_api.key", self.text_or(Question::EventsKey, "none").into()));
        }
        values.extend(environment.map(|word| ("mparticle.environment", word.as_str().into())));
        values.extend(delivery.map(|word| ("mparticle.delivery", word.as_str().into())));
        values
    }

    fn takes_over(&self, setting: &str) -> bool {
        self.base.as_ref().is_some_and(|base| base.shared.iter().any(|name| name == setting))
    }

    /// The commented file with some values in it, each where its comment is; or the file that is there, with the tables
    /// of the profile added.
    fn render(&self, values: &[(&str, toml_edit::Value)]) -> String {
        let profile = self.request.profile_table();
        let change = |text: String, (setting, value): &(&str, toml_edit::Value)| {
            let placed = place::change(&text, profile, setting, Some(value));
            // The template has a place for every setting; a test holds that.
            placed.ok().flatten().map_or(text, |placed| placed.text)
        };
        let base = self.base.as_ref().map_or(TEMPLATE, |base| &base.text);
        values.iter().fold(base.to_owned(), change)
    }
}
