//! What stands below the line of the Users screen: what the next question to Mixpanel costs before it is asked, what it
//! cost after, or why it cannot be asked; and everything about one telling.

use super::Scene;
use super::user_search::{Search, can_ask, cost};
use super::users_line::SearchLine;
use super::users_rows::Row;
use crate::domain::judgement::means;
use crate::sync::user::account::value_of;
use crate::sync::user::{Fate, TellingOnRecord};
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

/// What Mixpanel was asked and that cost, and what can be asked next and will cost.
fn after(canvas: &Canvas<'_>, scene: Scene<'_>, search: &Search, selected: Option<&Row>) -> Vec<Line> {
    let next = next(scene, search, selected);
    let muted = |words: String| vec![piece(Role::Muted, words)];
    let asked = match (search.silence(), search.last_answer()) {
        (Some(_), _) => vec![vec![piece(Role::Bad, "Mixpanel did not answer")]],
        (None, Some(answer)) => {
            let at = text::moment(canvas.now, answer.at, canvas.zone);
            let whole = format!("Asked Mixpanel at {at}: {}", cost(answer.queries));
            vec![muted(whole), muted(format!("Asked at {at}"))]
        }
        (None, None) => Vec::new(),
    };
    let mut ways = Vec::new();
    for asked in &asked {
        for next in &next {
            ways.push([asked.clone(), muted(" · ".to_owned()), next.clone()].concat());
        }
    }
    ways.extend(next);
    ways
}

/// What the key asks and costs, from generous to terse; or why nothing can be asked.
fn next(scene: Scene<'_>, search: &Search, selected: Option<&Row>) -> Vec<Line> {
    if let Err(not) = can_ask(scene) {
        return vec![
            vec![piece(Role::Muted, text::capital(&not.why))],
            vec![piece(Role::Muted, text::capital(not.brief))],
        ];
    }
    let attribute = selected.zip(search.account()).and_then(|(row, account)| match row {
        Row::Cohort(index) => account.attributes.get(*index),
        _ => None,
    });
    let (asks, briefly) = match (search.profiles(), attribute) {
        (Some(_), Some(attribute)) => {
            (format!("asks whether they are in “{}” now", attribute.record.name), "asks about the cohort")
        }
        (Some(_), None) => ("asks Mixpanel again".to_owned(), "asks again"),
        (None, _) => ("asks Mixpanel for the profile".to_owned(), "asks Mixpanel"),
    };
    let way = |words: String| {
        vec![piece(Role::Key, scene.key(Action::AskMixpanel)), piece(Role::Muted, format!(" {words}"))]
    };
    let left = cost(scene.snapshot.queries);
    if search.last_answer().is_some() {
        // How many are left stands beside it already.
        return vec![way(format!("{asks}: 1 query")), way(format!("{briefly}: 1 query"))];
    }
    vec![way(format!("{asks}: {left}")), way(format!("{asks}: 1 query")), way(format!("{briefly}: 1 query"))]
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
