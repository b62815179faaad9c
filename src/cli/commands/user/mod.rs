//! `user`: everything about one user, from what was recorded, from what Mixpanel says now and from what mParticle holds,
//! where its Profile API is configured. This file asks; what is printed for people is `lines`', for programs `object`'s.

mod lines;
mod object;

use super::status::remembered;
use super::{remark, say, say_json, state};
use crate::cli::account::{Clients, Desk, end_engine, settings_of, start_engine};
use crate::cli::args::UserArgs;
use crate::cli::failure::{Exit, Failure};
use crate::config::{Config, Word};
use crate::domain::{CohortId, KnownIds, UserId};
use crate::store::StoreError;
use crate::sync::snapshot::QueryBudget;
use crate::sync::user::held::{HeldByMparticle, look_up};
use crate::sync::user::{self, Account, LiveAnswer, LiveQuestion, Recorded, UserQuery};
use crate::sync::{Handle, Settings};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What was asked of Mixpanel, and what came of it.
#[derive(Debug, Default)]
struct Asked {
    /// What it said of the profiles.
    profiles: Option<LiveAnswer>,
    /// What it said of cohorts.
    members: BTreeMap<CohortId, LiveAnswer>,
    /// Why it did not answer about the user, or was not asked.
    silence: Option<String>,
    /// The same for single cohorts.
    silences: BTreeMap<CohortId, String>,
    /// Questions that were asked. Each that is answered costs one query; one that is not may.
    questions: usize,
}

impl Asked {
    fn nothing(reason: impl Into<String>) -> Self {
        Self { silence: Some(reason.into()), ..Self::default() }
    }

    /// Questions that were answered.
    fn answers(&self) -> usize {
        self.members.len() + usize::from(self.profiles.is_some())
    }

    /// How the hour's queries stand after the last answer.
    fn budget(&self) -> Option<QueryBudget> {
        self.members
            .values()
            .chain(self.profiles.as_ref())
            .max_by_key(|answer| answer.at)
            .map(|answer| answer.queries)
    }
}

/// Prints what is known of a user. Somebody of whom nothing is known is an answer too.
pub(in crate::cli) async fn user(desk: &Desk, asked: &UserArgs) -> Result<Exit, Failure> {
    let id = UserId::parse(&asked.id).map_err(|error| Failure::Usage(error.to_string()))?;
    if asked.recorded {
        return print(desk, &id, &Asked::nothing("--recorded was given"), None).await;
    }
    let config = desk.config()?;
    if desk.places.read_only {
        return print(desk, &id, &Asked::nothing("--read-only was given"), Some(&config)).await;
    }
    let cohorts = cohorts(desk, &asked.cohorts)?;
    let _log = desk.log()?;
    let settings = Settings { schedule: false, list_on_start: false, ..settings_of(&config) };
    let answers = match start_engine(&desk.places, &config, settings, "cohort-sync user").await {
        Ok((handle, engine)) => {
            let answers = ask(&handle, &id, &cohorts).await;
            end_engine(&handle, engine).await?;
            answers
        }
        // Whoever has the state has the account of the hour's queries with it.
        Err(Failure::Store(StoreError::InUse { holder, .. })) => Asked::nothing(format!(
            "{holder} keeps the account of Mixpanel's queries; ask there, or stop it first"
        )),
        Err(failure) => return Err(failure),
    };
    print(desk, &id, &answers, Some(&config)).await
}

fn queries(number: usize) -> String {
    if number == 1 { "1 query".to_owned() } else { format!("{number} queries") }
}

/// The identity type that carries `$distinct_id`; the one that is configured unless said otherwise, as far as known.
fn fallback(config: Option<&Config>) -> String {
    config.map_or("customer_id", |config| config.mparticle.fallback_identity.as_str()).to_owned()
}

/// The cohorts that were named, before anything is asked.
fn cohorts(desk: &Desk, wanted: &[String]) -> Result<Vec<CohortId>, Failure> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let never =
        || Failure::Usage("the cohorts are not known yet; list them with: cohort-sync cohorts".to_owned());
    let reader = state(&desk.places)?.ok_or_else(never)?;
    wanted.iter().map(|name| remembered(&reader, name).map(|(id, _)| id)).collect()
}

async fn ask(handle: &Handle, id: &UserId, cohorts: &[CohortId]) -> Asked {
    remark(&format!("asking Mixpanel: {}", queries(1 + cohorts.len())));
    let mut asked = Asked { questions: 1, ..Asked::default() };
    match handle.ask(LiveQuestion::Profiles(id.clone())).await {
        Ok(answer) => asked.profiles = Some(answer),
        Err(reason) => asked.silence = Some(reason),
    }
    let known: Vec<Box<str>> = asked.profiles.iter().flat_map(|answer| answer.ids().distinct_ids).collect();
    for cohort in cohorts {
        if known.is_empty() {
            let reason = "Mixpanel can only be asked about a profile that it has";
            asked.silences.insert(*cohort, reason.to_owned());
            continue;
        }
        asked.questions += 1;
        let question = LiveQuestion::Members { cohort: *cohort, distinct_ids: known.clone() };
        match handle.ask(question).await {
            Ok(answer) => drop(asked.members.insert(*cohort, answer)),
            Err(reason) => drop(asked.silences.insert(*cohort, reason)),
        }
    }
    asked
}

async fn print(desk: &Desk, id: &UserId, asked: &Asked, config: Option<&Config>) -> Result<Exit, Failure> {
    let recorded = recorded(desk, id, asked)?;
    let account = |held| Account::of(id, recorded.clone(), asked.profiles.as_ref(), &asked.members, held);
    let mut known = account(HeldByMparticle::NotAsked);
    if let (Some(config), Some(person)) = (config, known.looked_for())
        && let Some(profiles) = Clients::of(config)?.profiles
    {
        remark("looking at the profile in mParticle");
        known = account(match look_up(&profiles, &person, Timestamp::now()).await {
            Ok(answer) => HeldByMparticle::Answered(Box::new(answer)),
            Err(reason) => HeldByMparticle::Unanswered(reason),
        });
    }
    let fallback = fallback(config);
    let verdict = known.verdict(Timestamp::now(), &fallback);
    if desk.args.global.json {
        say_json(&object::UserObject::new(&known, &verdict, asked))?;
    } else {
        for line in lines::of(&known, &verdict, asked, &fallback) {
            say(&line)?;
        }
    }
    Ok(Exit::Done)
}

/// What was recorded, also under the ids that Mixpanel told; nothing where nothing was ever recorded.
fn recorded(desk: &Desk, id: &UserId, asked: &Asked) -> Result<Recorded, Failure> {
    let also = asked.profiles.as_ref().map(LiveAnswer::ids).unwrap_or_default();
    let Some(reader) = state(&desk.places)? else {
        let ids = KnownIds::of(id);
        return Ok(Recorded::nothing(ids));
    };
    Ok(user::read(&reader, &UserQuery { id: id.clone(), also })?)
}
