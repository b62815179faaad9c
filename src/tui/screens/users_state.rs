//! What stands below the line of the Users screen: what the next question to Mixpanel costs before it is asked, what it
//! cost after, or why it cannot be asked; and everything about one telling.

use super::Scene;
use super::user_search::{Search, can_ask, cost};
use super::users_draw::known_from;
use super::users_line::SearchLine;
use super::users_rows::Row;
use crate::domain::judgement::means;
use crate::sync::user::account::value_of;
use crate::sync::user::{Fate, Source, TellingOnRecord};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Piece, piece};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::keymap::{Code, Key};
use crate::tui::text;
use crate::tui::theme::Role;

type Line = Vec<Piece<'static>>;

/// The ways to say it, from generous to terse; the first that fits is shown.
#[must_use]
pub fn ways(
    canvas: &Canvas<'_>,
    scene: Scene<'_>,
    line: &SearchLine,
    search: Option<&Search>,
    selected: Option<&Row>,
) -> Vec<Line> {
    if let Some(wrong) = &line.wrong {
        return vec![vec![piece(Role::Bad, text::capital(wrong))]];
    }
    match search {
        _ if line.typing => before(scene),
        None => Vec::new(),
        Some(search) if search.asking.is_some() => {
            vec![vec![piece(Role::Busy, format!("{} asking Mixpanel: 1 query", canvas.spinner()))]]
        }
        Some(search) => after(canvas, scene, search, selected),
    }
}

/// What Enter will do and cost.
fn before(scene: Scene<'_>) -> Vec<Line> {
    let enter = || piece(Role::Key, Key::plain(Code::Enter).label(scene.settings.ascii));
    let way = |words: String| vec![enter(), piece(Role::Muted, words)];
    match can_ask(scene) {
        Ok(()) => {
            let cost = cost(scene.snapshot.queries);
            vec![
                way(format!(" looks in what was recorded and asks Mixpanel for the profile: {cost}")),
                way(format!(" asks Mixpanel too: {cost}")),
                way(" asks Mixpanel too: 1 query".to_owned()),
            ]
        }
        Err(not) => vec![
            way(format!(" looks in what was recorded; {}", not.why)),
            way(format!(" looks in the records; {}", not.brief)),
            way(" looks in what was recorded".to_owned()),
        ],
    }
}

/// What Mixpanel was asked, and what can be asked next.
fn after(canvas: &Canvas<'_>, scene: Scene<'_>, search: &Search, selected: Option<&Row>) -> Vec<Line> {
    let muted = |words: String| piece(Role::Muted, words);
    let next = |generous: bool| match can_ask(scene) {
        Ok(()) => {
            let cost = if generous { format!(": {}", cost(scene.snapshot.queries)) } else { String::new() };
            let key = piece(Role::Key, scene.key(Action::AskMixpanel));
            vec![key, muted(format!(" asks {}{cost}", target(search, selected)))]
        }
        Err(not) => vec![muted(text::capital(if generous { &not.why } else { not.brief }))],
    };
    if search.silence().is_some() {
        let mut way = vec![piece(Role::Bad, "Mixpanel did not answer"), muted(" · ".to_owned())];
        way.extend(next(false));
        return vec![way, vec![piece(Role::Bad, "Mixpanel did not answer")]];
    }
    let Some(answer) = search.last_answer() else { return vec![next(true), next(false)] };
    let brief = known_from(canvas, Source::Mixpanel(answer.at));
    let whole = format!("{brief}: {}", cost(answer.queries));
    let with = |said: &str| [vec![muted(format!("{said} · "))], next(false)].concat();
    vec![with(&whole), with(&brief), vec![muted(whole.clone())], vec![muted(brief.clone())]]
}

/// What the key asks about, given the selected row.
fn target(search: &Search, selected: Option<&Row>) -> String {
    let attribute = selected.zip(search.account()).and_then(|(row, account)| match row {
        Row::Cohort(index) => account.attributes.get(*index),
        _ => None,
    });
    match (search.profiles(), attribute) {
        (Some(_), Some(attribute)) => format!("whether they are in “{}” now", attribute.record.name),
        (Some(_), None) => "Mixpanel again".to_owned(),
        (None, _) => "Mixpanel for the profile".to_owned(),
    }
}

/// Everything about something that mParticle was told.
#[must_use]
pub fn facts(scene: Scene<'_>, telling: &TellingOnRecord) -> Message {
    let at = |at| text::moment(scene.now, at, &scene.settings.zone);
    let found = &telling.found;
    let mut facts = Vec::new();
    let mut say = |label: &str, value: String| facts.push((label.to_owned(), value));
    say("Cohort", format!("{} ({})", telling.cohort, found.cohort));
    say("Attribute", telling.attribute.clone());
    say("Told", value_of(telling).words().to_owned());
    say("Addressed by", format!("{} {}", means(&found.change.identity), found.change.identity));
    say("$distinct_id", found.change.distinct_id.as_deref().unwrap_or("not on record").to_owned());
    say("Run", format!("{}, begun at {}", found.run, at(telling.began)));
    say("State", found.fate.words().to_owned());
    if let Fate::Rejected(reason) = &found.fate {
        say("mParticle says", reason.clone());
    }
    if let Some(status) = found.http_status {
        let tries = if found.tries == 1 { "1 try".to_owned() } else { format!("{} tries", found.tries) };
        say("Request", format!("HTTP {status} for {}, {tries}", text::plural(found.users, "user")));
    }
    let entry = telling.request.as_ref().map(|row| &row.entry);
    if let Some(entry) = entry {
        say("Sent", format!("{}, answered after {} ms", at(entry.line.at), entry.line.elapsed.as_millis()));
    }
    if let Some(answered) = found.answered_at {
        say("Answered", at(answered));
    }
    match entry {
        Some(entry) if entry.answer.is_empty() => say("Answer", "empty".to_owned()),
        Some(entry) => say("Answer", entry.answer.clone()),
        None if found.http_status.is_some() => {
            say("Answer", "its words are not in the journal any more".to_owned());
        }
        None => {}
    }
    Message::new("What mParticle was told".to_owned(), Body::Facts(facts))
}
