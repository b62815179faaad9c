//! How the parts of the Fix it screen are drawn and put into words: a group beside the matched, a remedy, what another
//! choice of identities would come to. What is shown and what a key does there is `fix_it`'s.

use crate::domain::Reason;
use crate::domain::grouping::{BY_REASON, Group, Grouping, most_striking};
use crate::domain::what_if::{Choice, Outlook};
use crate::sync::pages::Study;
use crate::tui::canvas::{Canvas, piece};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::bar;
use ratatui::layout::Rect;

/// Cells for a count and for a share.
const COUNT: u16 = 10;
const SHARE: u16 = 12;
const NARROW_SHARE: u16 = 9;
/// From this width on there is a bar.
const BAR_FROM: u16 = 70;

/// What a group is called.
#[must_use]
pub fn name(grouping: &Grouping, group: &Group) -> String {
    match group.value.as_deref() {
        None => "not set".to_owned(),
        Some(token) if grouping.by == BY_REASON => {
            Reason::from_token(token).map_or_else(|| token.to_owned(), |reason| reason.to_string())
        }
        Some(value) => text::clean(value).into_owned(),
    }
}

/// What sets them apart most: "91 % of them have `$os` Android; of the matched 12 %".
#[must_use]
pub fn headline(study: &Study) -> Option<String> {
    let (grouping, group) = most_striking(&study.groupings)?;
    let matched = group.matched_share().map(text::whole_percent)?;
    let (share, value) = (text::whole_percent(group.share()), name(grouping, group));
    Some(format!("{share} of them have {} {value}; of the matched {matched}", grouping.by))
}

/// What each choice of identities comes to, as a text over the screen. Rounded ids are counted as matched elsewhere, for
/// that is how they are told.
#[must_use]
pub fn what_if(outlooks: &[Outlook], suspect: u64) -> Message {
    let mut facts: Vec<(String, String)> = outlooks.iter().map(|it| (it.choice.label(), said(it))).collect();
    if suspect > 0 {
        let ids = text::plural(suspect, "rounded id");
        facts.push(("Left out".to_owned(), format!("{ids}: told by MPID, and reaching nobody by it")));
    }
    facts.push((
        "How sure that is".to_owned(),
        "Counted from the last whole read; nothing was changed or sent. Who is told by $distinct_id is found only \
         where mParticle has that id under the identity type, so those shares are bounds; verifying measures them."
            .to_owned(),
    ));
    Message::new("What if".to_owned(), Body::Facts(facts))
}

fn said(outlook: &Outlook) -> String {
    let (sure, most) = (text::percent(outlook.share()), text::percent(outlook.share_at_most()));
    let users = text::count(outlook.by_mpid);
    match &outlook.choice {
        Choice::AsItIs(fallback) => {
            format!("{sure} by MPID ({users} users), {most} at most with $distinct_id as {fallback}")
        }
        Choice::Fallback(fallback) => {
            format!("the same by MPID, {most} at most with $distinct_id as {fallback}")
        }
        Choice::Everybody => format!("{sure}: {}", outlook.choice.words()),
        Choice::ElseProperty(_) | Choice::OnlyProperty(_) => {
            format!("{sure} by MPID ({users} users), {most} at most: {}", outlook.choice.words())
        }
    }
}

/// The heading of the groups, and those of their columns.
pub fn draw_heading(canvas: &mut Canvas<'_>, row: Rect, by: &str, beside: &str) {
    let places = columns(row);
    let users = places[0].0;
    let room = users.saturating_sub(row.x + 2);
    let title = format!("By {}", text::cut(by, usize::from(room).saturating_sub(3)));
    let beside = format!("  {beside}");
    // Half a hint helps nobody, and the footer has the key as well.
    let fits = text::width(&title) + text::width(&beside) < usize::from(room);
    let mut pieces = vec![piece(Role::Title, title)];
    pieces.extend(fits.then(|| piece(Role::Muted, beside)));
    canvas.line(row.x + 2, row.y, room, &pieces);
    let words = ["users", "of these", if places[2].1 == SHARE { "of matched" } else { "matched" }];
    for ((x, width), word) in places.into_iter().zip(words) {
        canvas.line_right(x, row.y, width, &[piece(Role::Muted, word)]);
    }
}

/// Something to paste or to switch on.
pub fn draw_remedy(canvas: &mut Canvas<'_>, x: u16, row: Rect, title: &str, note: &str) {
    let room = usize::from(row.width).saturating_sub(text::width(title) + 8);
    let words =
        [piece(Role::Text, format!("  {title}")), piece(Role::Muted, format!("  {}", text::cut(note, room)))];
    canvas.line(x, row.y, row.width.saturating_sub(2), &words);
}

/// Where the three numbers of a group begin, and how wide each is.
fn columns(row: Rect) -> [(u16, u16); 3] {
    let has_bar = row.width >= BAR_FROM;
    let (right, share) =
        if has_bar { (row.right() - row.width / 4, SHARE) } else { (row.right(), NARROW_SHARE) };
    let matched = right.saturating_sub(share);
    let of_these = matched.saturating_sub(share);
    [(of_these.saturating_sub(COUNT), COUNT), (of_these, share), (matched, share)]
}

/// A group beside the matched.
pub fn draw_group(canvas: &mut Canvas<'_>, row: Rect, grouping: &Grouping, group: &Group) {
    let [(users, _), (share, width), (matched, _)] = columns(row);
    let is_striking = grouping.striking() == Some(group);
    let role = if group.value.is_none() { Role::Muted } else { Role::Text };
    let room = usize::from(users.saturating_sub(row.x + 4));
    let word = piece(role, format!("  {}", text::cut(&name(grouping, group), room)));
    canvas.line(row.x + 2, row.y, users.saturating_sub(row.x + 2), &[word]);
    canvas.line_right(users, row.y, COUNT, &[piece(Role::Text, text::count(group.users))]);
    let role = if is_striking { Role::Warn } else { Role::Text };
    canvas.line_right(share, row.y, width, &[piece(role, text::percent(group.share()))]);
    let of_matched = group.matched_share().map_or_else(|| "—".to_owned(), text::percent);
    canvas.line_right(matched, row.y, width, &[piece(Role::Muted, of_matched)]);
    if row.width >= BAR_FROM {
        let x = matched + width + 2;
        bar::draw_slim(canvas, x, row.y, row.right().saturating_sub(x + 1), group.share(), role);
    }
}
