//! How the stop dialog looks. Where there is room, each choice stands beside the sentence that says what it
//! means; where there is little, only the sentence of the one that is made does.
//!
//! ```text
//! ╭ Stop the sync of “Churn risk”? ──────────────────────────────────────────╮
//! │  “Churn risk” is held by 50,926 users.                                   │
//! │                                                                          │
//! │  (•) Leave it          Whoever holds it keeps it, and nothing updates    │
//! │                        it any more; starting again goes on from there.   │
//! │  ( ) Set it to false   Whoever holds it is told false, as if everyone …  │
//! │  ( ) Delete it         It is taken off their profiles, as if it had …    │
//! │                                                                          │
//! │  [ Stop ]  [ Only end this run ]  [ Not now ]                            │
//! ╰──────────────────────────────────────────────────────────────────────────╯
//! ```

use super::stop::{Spot, StopDialog};
use super::stop_subject::word_to_type;
use super::{Button, Radio, draw_button_row, open, start_preview};
use crate::domain::Removal;
use crate::tui::canvas::{Canvas, Target, cells, piece};
use crate::tui::screens::{Scene, cohort_attributes};
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// The widest the text may run, and from which width on sentences stand beside their choices.
const COLUMNS: u16 = 72;
const ROOMY_FROM: u16 = 60;
/// The cells of a choice's name with its sign.
const NAME: u16 = 24;

/// A paragraph.
type Paragraph = (Role, String);

impl StopDialog {
    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>) {
        match self.agreeing_to {
            None => self.draw_choice(canvas),
            Some(removal) => self.draw_agreement(canvas, scene, removal),
        }
    }

    fn draw_choice(&self, canvas: &mut Canvas<'_>) {
        let whole = canvas.area();
        let width = COLUMNS.min(whole.width.saturating_sub(6));
        let mut intro = self.intro(false);
        let choices = self.choices();
        let beside = width.saturating_sub(NAME);
        let roomy = lines(&intro, width)
            + cells(intro.len())
            + choices.iter().map(|(.., sentence)| height(sentence, beside)).sum::<u16>()
            + 3;
        let is_roomy = width >= ROOMY_FROM && roomy + 2 <= whole.height;
        if !is_roomy {
            intro = self.intro(true);
        }
        let below = width.saturating_sub(Radio::SIGN);
        let longest = choices.iter().map(|(.., sentence)| height(sentence, below)).max().unwrap_or(0);
        let tight = lines(&intro, width) + cells(choices.len()) + longest + 1;
        let title = self.title();
        let area = open(canvas, (width, if is_roomy { roomy } else { tight }), &[piece(Role::Title, title)]);
        let buttons = Rect::new(area.x, area.bottom().saturating_sub(1), area.width, 1);
        let mut body = Rect { height: area.height.saturating_sub(1), ..area };
        if is_roomy {
            take(&mut body, 1);
        }
        let wanted = if is_roomy { 0 } else { cells(choices.len()) + longest };
        draw_paragraphs(canvas, &mut body, &intro, wanted, is_roomy);
        for (spot, name, sentence) in &choices {
            let needed = if is_roomy { height(sentence, beside) } else { 1 };
            let row = take(&mut body, needed);
            if row.is_empty() {
                break;
            }
            self.radio(*spot).draw(canvas, Rect { height: 1, ..row }, name);
            if is_roomy {
                let place = Rect { x: row.x + NAME, width: beside, ..row };
                canvas.paragraph(place, self.sentence_role(*spot), sentence);
                canvas.target(place, Target::Option(Self::option(*spot)));
            }
        }
        let made = choices.iter().find(|(spot, ..)| spot.fate() == Some(self.fate));
        if let Some((.., sentence)) = made.filter(|_| !is_roomy) {
            let place = Rect { x: body.x + Radio::SIGN, width: below, ..body };
            canvas.paragraph(place, Role::Muted, sentence);
        }
        self.draw_buttons(canvas, buttons);
    }

    fn draw_agreement(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, removal: Removal) {
        let width = COLUMNS.min(canvas.area().width.saturating_sub(6));
        let paragraphs = self.consequences(scene, removal);
        let (what, word) = word_to_type(&self.subjects);
        let ask = format!("Type {what} to agree:  ");
        let is_beside = text::width(&ask) + text::width(&word) <= usize::from(width);
        // The question, the word, the line to type on and the line that says how it goes.
        let fixed = if is_beside { 3 } else { 4 };
        let size = lines(&paragraphs, width) + cells(paragraphs.len()) + fixed + 3;
        let title = format!("{}?", deed(&self.attributes(), removal));
        let area = open(canvas, (width, size), &[piece(Role::Title, title)]);
        let is_roomy = area.height >= size;
        let buttons = Rect::new(area.x, area.bottom().saturating_sub(1), area.width, 1);
        let mut body = Rect { height: area.height.saturating_sub(1), ..area };
        if is_roomy {
            take(&mut body, 1);
        }
        draw_paragraphs(canvas, &mut body, &paragraphs, fixed, is_roomy);
        let row = take(&mut body, 1);
        let word = piece(Role::Strong, word);
        if is_beside {
            canvas.line(row.x, row.y, row.width, &[piece(Role::Text, ask), word]);
        } else {
            canvas.line(row.x, row.y, row.width, &[piece(Role::Text, ask)]);
            let row = take(&mut body, 1);
            canvas.line(row.x, row.y, row.width, &[word]);
        }
        let row = take(&mut body, 1);
        let is_focused = self.focus == Spot::Word;
        let role = if is_focused { Role::Focus } else { Role::Text };
        let used = canvas.text(row.x, row.y, row.width, role, "› ");
        self.typed.draw(canvas, row.x + used, row.y, row.width.saturating_sub(used), role, is_focused);
        canvas.target(row, Target::Option(Self::option(Spot::Word)));
        let row = take(&mut body, 1);
        let (role, words) = self.how_the_word_stands(removal);
        canvas.text(row.x + used, row.y, row.width.saturating_sub(used), role, &words);
        self.draw_buttons(canvas, buttons);
    }

    fn radio(&self, spot: Spot) -> Radio {
        let is_made = spot.fate() == Some(self.fate);
        Radio { option: Self::option(spot), is_made, is_focused: self.focus == spot }
    }

    fn sentence_role(&self, spot: Spot) -> Role {
        if spot.fate() == Some(self.fate) { Role::Text } else { Role::Muted }
    }

    fn draw_buttons(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let is_agreed = self.is_agreed();
        let buttons: Vec<Button<'_>> = self
            .spots()
            .into_iter()
            .filter_map(|spot| {
                let (label, available) = match spot {
                    Spot::Go if self.are_over() => ("Clean up", true),
                    Spot::Go => ("Stop", true),
                    Spot::EndRun => ("Only end this run", true),
                    Spot::NotNow => ("Not now", true),
                    Spot::Agree => (self.agreement(), is_agreed),
                    Spot::Back => ("Back", true),
                    Spot::Leave | Spot::SetFalse | Spot::Delete | Spot::Word => return None,
                };
                Some(Button { label, option: Self::option(spot), available })
            })
            .collect();
        draw_button_row(canvas, area, &buttons, Some(Self::option(self.focus)));
    }

    /// The word on the button that agrees.
    fn agreement(&self) -> &'static str {
        match (self.agreeing_to, self.are_over()) {
            (Some(Removal::Delete), true) => "Delete",
            (Some(Removal::Delete), false) => "Delete and stop",
            (_, true) => "Set to false",
            (_, false) => "Set to false and stop",
        }
    }

    fn title(&self) -> String {
        match (self.subjects.as_slice(), self.are_over()) {
            ([one], false) => format!("Stop the sync of {}?", cohort_attributes::quoted(&one.name)),
            ([one], true) => format!("Clean up after {}?", cohort_attributes::quoted(&one.name)),
            (many, false) => format!("Stop {} syncs?", many.len()),
            (many, true) => format!("Clean up after {} syncs?", many.len()),
        }
    }

    fn attributes(&self) -> Vec<(String, u64)> {
        self.subjects.iter().flat_map(|subject| subject.attributes.iter().cloned()).collect()
    }

    /// How things stand before anything is chosen.
    fn intro(&self, in_brief: bool) -> Vec<Paragraph> {
        let mut intro = Vec::new();
        let running = self.subjects.iter().filter(|subject| subject.can_end_run()).count();
        if self.subjects.iter().any(|subject| subject.is_cleaning) {
            let words = "A clean-up is under way; it ends at the next request boundary, and whoever was told stays told.";
            intro.push((Role::Warn, words.to_owned()));
        } else if running > 0 {
            let runs = if running == 1 { "The run at work ends" } else { "The runs at work end" };
            intro.push((
                Role::Warn,
                format!("{runs} at the next request boundary; what was accepted is kept."),
            ));
        }
        let over = self.subjects.iter().filter(|subject| subject.is_over).count();
        if over > 0 && over < self.subjects.len() {
            let (are, they) = if over == 1 { ("is", "it") } else { ("are", "they") };
            let words = format!("{over} of them {are} over already; {they} can only be cleaned up.");
            intro.push((Role::Text, words));
        }
        let attributes = self.attributes();
        let mut holders = if in_brief {
            cohort_attributes::holders_in_brief(&attributes)
        } else {
            cohort_attributes::holders(&attributes)
        };
        if running > 0 && (!in_brief || attributes.len() == 1) {
            // The baseline moves when a run is settled; what the one at work has told comes on top.
            holders = format!("{}, besides whoever is being added.", holders.trim_end_matches('.'));
        }
        intro.push((Role::Strong, holders));
        intro
    }

    fn choices(&self) -> Vec<(Spot, &'static str, String)> {
        let is_one = self.attributes().len() == 1;
        let it = if is_one { "it" } else { "them" };
        let spots = self.spots();
        let choices = [
            (
                Spot::Leave,
                if is_one { "Leave it" } else { "Leave them" },
                format!(
                    "Whoever holds {it} keeps {it}, and nothing updates {it} any more. Starting again goes on from there."
                ),
            ),
            (
                Spot::SetFalse,
                if is_one { "Set it to false" } else { "Set them to false" },
                format!("Whoever holds {it} is told false, as if everyone had left the cohort."),
            ),
            (
                Spot::Delete,
                if is_one { "Delete it" } else { "Delete them" },
                format!(
                    "Whoever holds {it} loses {it} from the profile, as if {} had never been there.",
                    if is_one { "it" } else { "they" }
                ),
            ),
        ];
        choices.into_iter().filter(|(spot, ..)| spots.contains(spot)).collect()
    }

    /// What agreeing leads to.
    fn consequences(&self, scene: Scene<'_>, removal: Removal) -> Vec<Paragraph> {
        let attributes = self.attributes();
        let members = cohort_attributes::members(&attributes);
        let (whom, time) = match members {
            0 => ("whoever may hold it".to_owned(), String::new()),
            members => {
                (text::plural(members, "user"), format!(", {}", start_preview::telling_time(members, scene)))
            }
        };
        let what = match attributes.as_slice() {
            [one] => format!("{} is", cohort_attributes::quoted(&one.0)),
            many => format!("{} attributes are", many.len()),
        };
        let then = match (self.are_over(), self.subjects.len()) {
            (true, _) => "",
            (false, 1) => " Then the sync is stopped.",
            (false, _) => " Then the syncs are stopped.",
        };
        let ended = cohort_attributes::ended(removal);
        let it = if attributes.len() == 1 { "it" } else { "them" };
        let trace = match removal {
            Removal::SetFalse => "",
            Removal::Delete => " without a trace",
        };
        vec![
            (Role::Text, format!("{what} {ended} for {whom} in mParticle{time}.{then}")),
            (
                Role::Warn,
                format!(
                    "Audiences built on {it} lose these users{trace}. Only another export sets {it} again."
                ),
            ),
        ]
    }

    fn how_the_word_stands(&self, removal: Removal) -> (Role, String) {
        let (_, word) = word_to_type(&self.subjects);
        let typed = self.typed.value();
        if self.is_agreed() {
            let ended = match removal {
                Removal::SetFalse => "sets to false",
                Removal::Delete => "deletes",
            };
            let stops = if self.are_over() { "" } else { ", then stops" };
            (Role::Good, format!("enter {ended}{stops}"))
        } else if word.starts_with(typed.trim_start()) {
            (Role::Muted, "nothing is sent before; esc goes back".to_owned())
        } else {
            (Role::Warn, "that is something else".to_owned())
        }
    }
}

/// A deed in a few words.
fn deed(attributes: &[(String, u64)], removal: Removal) -> String {
    let what = match attributes {
        [one] => cohort_attributes::quoted(&one.0),
        many => format!("{} attributes", many.len()),
    };
    match removal {
        Removal::SetFalse => format!("Set {what} to false"),
        Removal::Delete => format!("Delete {what}"),
    }
}

fn height(text: &str, width: u16) -> u16 {
    cells(text::wrap(text, usize::from(width)).len())
}

fn lines(paragraphs: &[Paragraph], width: u16) -> u16 {
    paragraphs.iter().map(|(_, text)| height(text, width)).sum()
}

/// Takes lines off the top of an area.
fn take(area: &mut Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    let top = Rect { height: lines, ..*area };
    area.y += lines;
    area.height -= lines;
    top
}

/// Writes paragraphs but leaves some lines of the area for what follows. Half a sentence says less than none, so
/// only the first is ever cut.
fn draw_paragraphs(
    canvas: &mut Canvas<'_>,
    area: &mut Rect,
    paragraphs: &[Paragraph],
    kept: u16,
    with_gaps: bool,
) {
    for (index, (role, text)) in paragraphs.iter().enumerate() {
        let room = area.height.saturating_sub(kept);
        if index > 0 && height(text, area.width) > room {
            break;
        }
        let used = canvas.paragraph(Rect { height: room, ..*area }, *role, text);
        take(area, used + u16::from(with_gaps));
    }
}
