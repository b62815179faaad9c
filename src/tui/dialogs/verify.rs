//! The verify dialog: whom to look up, how long that takes and what it costs. The size of the sample is typed; going
//! to a choice makes it.
//!
//! ```text
//! ╭ Verify “Churn risk” ─────────────────────────────────────────────────────╮
//! │  Users are looked up in mParticle, to see whether it holds what it was   │
//! │  told. Nothing is changed there.                                         │
//! │                                                                          │
//! │  (•) A sample of 600      about 40 s                                     │
//! │  ( ) Everyone    50,926   about 57 min                                   │
//! │                                                                          │
//! │  If none of 600 is wrong, under 0.5 % of all are, with 95 % confidence.  │
//! │  Costs 600 lookups, at 15 a second, and no query of Mixpanel's.          │
//! │                                                                          │
//! │  [ Verify ]  [ Not now ]                                                 │
//! ╰──────────────────────────────────────────────────────────────────────────╯
//! ```

use super::{Button, DialogInput, Order, Radio, Reply, draw_button_row, open};
use crate::domain::CohortId;
use crate::domain::drift::{CONFIDENCE, clopper_pearson};
use crate::domain::verification::{Extent, USUAL_SAMPLE};
use crate::domain::verified::percent_up;
use crate::sync::command::{Command, VerifyRequest};
use crate::tui::canvas::{Canvas, Target, cells, piece};
use crate::tui::keymap::{Code, Key};
use crate::tui::screens::cohort_attributes::quoted;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::text_input::TextInput;
use ratatui::layout::Rect;
use std::time::Duration;

/// The widest the text may run.
const COLUMNS: u16 = 72;
/// The cells of a choice's name with its sign, and of its number.
const NAME: u16 = 16;
const NUMBER: u16 = 11;
/// The largest sample there is; more are looked up as everyone.
const MOST: u64 = 1_000_000;
const MOST_DIGITS: usize = 7;

/// Where the focus can be, in the order on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    Sample,
    Everyone,
    Go,
    NotNow,
}

impl Spot {
    const ALL: [Self; 4] = [Self::Sample, Self::Everyone, Self::Go, Self::NotNow];

    /// The number of a place for the mouse.
    fn option(self) -> usize {
        self as usize
    }

    fn is_button(self) -> bool {
        matches!(self, Self::Go | Self::NotNow)
    }
}

/// The dialog.
#[derive(Debug)]
pub struct VerifyDialog {
    cohort: CohortId,
    name: String,
    /// How many are known to hold the attribute.
    people: u64,
    per_second: u32,
    seed: u64,
    size: TextInput,
    is_sample: bool,
    focus: Spot,
}

impl VerifyDialog {
    /// For a cohort whose attribute so many hold; `seed` chooses the sample.
    #[must_use]
    pub fn new(cohort: CohortId, name: String, people: u64, per_second: u32, seed: u64) -> Self {
        let size = TextInput::new(&USUAL_SAMPLE.to_string());
        Self {
            cohort,
            name,
            people,
            per_second: per_second.max(1),
            seed,
            size,
            is_sample: true,
            focus: Spot::Sample,
        }
    }

    /// The size that is typed; `None` while it is none.
    fn typed(&self) -> Option<u64> {
        self.size.value().parse().ok().filter(|size| (1..=MOST).contains(size))
    }

    /// Whom to look up; `None` while the size is none.
    fn extent(&self) -> Option<Extent> {
        if self.is_sample { self.typed().map(Extent::Sample) } else { Some(Extent::Full) }
    }

    /// How many lookups that takes.
    fn lookups(&self) -> Option<u64> {
        match self.extent()? {
            Extent::Sample(size) => Some(size.min(self.people)),
            Extent::Full => Some(self.people),
        }
    }

    /// Takes an input.
    pub fn handle(&mut self, input: DialogInput<'_>) -> Reply {
        match input {
            DialogInput::Press(option) => {
                let Some(spot) = Spot::ALL.get(option).copied() else { return Reply::Stay };
                self.go_to(spot);
                if spot.is_button() { self.press(spot) } else { Reply::Stay }
            }
            DialogInput::Paste(text) if self.focus == Spot::Sample => {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                if digits.len() + self.size.value().len() <= MOST_DIGITS {
                    self.size.paste(&digits);
                }
                Reply::Stay
            }
            DialogInput::Key(key) => self.key(key),
            DialogInput::Paste(_) | DialogInput::Scroll(_) => Reply::Stay,
        }
    }

    fn key(&mut self, key: Key) -> Reply {
        if let Some(c) = key.typed() {
            return self.character(c, key);
        }
        match key.code {
            Code::Enter => return self.press(self.focus),
            Code::Down => self.go_down(),
            Code::Up => self.go_up(),
            Code::Tab => self.step(1),
            // One back is two on: there are three places.
            Code::BackTab => self.step(2),
            Code::Right if self.focus.is_button() => self.focus = Spot::NotNow,
            Code::Left if self.focus.is_button() => self.focus = Spot::Go,
            _ if self.focus == Spot::Sample => drop(self.size.key(key)),
            _ => {}
        }
        Reply::Stay
    }

    /// Takes a character: digits are the size, and letters move, since a size has none.
    fn character(&mut self, c: char, key: Key) -> Reply {
        match c {
            'q' => return Reply::Close,
            'j' => self.go_down(),
            'k' => self.go_up(),
            'l' if self.focus.is_button() => self.focus = Spot::NotNow,
            'h' if self.focus.is_button() => self.focus = Spot::Go,
            ' ' if !self.focus.is_button() => self.go_to(self.other_choice()),
            '0'..='9' if self.focus == Spot::Sample => self.type_digit(key),
            // Whoever types a number means a sample of that many.
            '0'..='9' if self.focus == Spot::Everyone => {
                self.go_to(Spot::Sample);
                self.size = TextInput::new(&c.to_string());
            }
            _ => {}
        }
        Reply::Stay
    }

    fn type_digit(&mut self, key: Key) {
        if self.size.value().len() < MOST_DIGITS {
            self.size.key(key);
        }
    }

    fn other_choice(&self) -> Spot {
        if self.is_sample { Spot::Everyone } else { Spot::Sample }
    }

    fn chosen(&self) -> Spot {
        if self.is_sample { Spot::Sample } else { Spot::Everyone }
    }

    fn go_to(&mut self, spot: Spot) {
        self.focus = spot;
        match spot {
            Spot::Sample => self.is_sample = true,
            Spot::Everyone => self.is_sample = false,
            Spot::Go | Spot::NotNow => {}
        }
    }

    /// So many places further, round and round; with the choices as one, passing by does not choose.
    fn step(&mut self, by: usize) {
        let spots = [self.chosen(), Spot::Go, Spot::NotNow];
        let here = spots.iter().position(|spot| *spot == self.focus).unwrap_or(0);
        self.focus = spots[(here + by) % spots.len()];
    }

    fn go_down(&mut self) {
        match self.focus {
            Spot::Sample => self.go_to(Spot::Everyone),
            Spot::Everyone => self.focus = Spot::Go,
            Spot::Go | Spot::NotNow => {}
        }
    }

    fn go_up(&mut self) {
        match self.focus {
            Spot::Sample => {}
            Spot::Everyone => self.go_to(Spot::Sample),
            Spot::Go | Spot::NotNow => self.focus = self.chosen(),
        }
    }

    /// Enter begins from anywhere but the button that does not.
    fn press(&mut self, spot: Spot) -> Reply {
        if spot == Spot::NotNow {
            return Reply::Close;
        }
        let Some(extent) = self.extent() else {
            self.go_to(Spot::Sample);
            return Reply::Stay;
        };
        let request = VerifyRequest { cohort: self.cohort, extent, seed: self.seed };
        let what = format!("verify “{}”", text::clean(&self.name));
        Reply::Send(vec![Order { what, command: Command::Verify(request) }])
    }

    fn time(&self, lookups: u64) -> String {
        text::estimate(Duration::from_secs(lookups.div_ceil(u64::from(self.per_second))))
    }

    /// What it is worth and what it costs.
    fn notes(&self) -> Vec<(Role, String)> {
        let Some(lookups) = self.lookups() else {
            let most = text::count(MOST);
            return vec![(Role::Warn, format!("A sample has 1 to {most} users; look everyone up for more."))];
        };
        let numbers = text::plural(lookups, "lookup");
        let cost = format!("Costs {numbers}, at {} a second, and no query of Mixpanel's.", self.per_second);
        let worth = if lookups >= self.people {
            "Finds everyone who is wrong; syncs go on meanwhile.".to_owned()
        } else {
            let bound = percent_up(clopper_pearson(0, lookups, CONFIDENCE));
            format!(
                "If none of {} is wrong, under {bound} of all are, with {:.0} % confidence.",
                text::count(lookups),
                CONFIDENCE * 100.0
            )
        };
        vec![(Role::Text, worth), (Role::Muted, cost)]
    }

    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>) {
        let width = COLUMNS.min(canvas.area().width.saturating_sub(6));
        let intro = "Users are looked up in mParticle, to see whether it holds what it was told. Nothing is changed there.";
        let notes = self.notes();
        let height = |text: &str| cells(text::wrap(text, usize::from(width)).len());
        // The notes keep their room while a size is typed, so that nothing jumps.
        let below = notes.iter().map(|(_, note)| height(note)).sum::<u16>().max(2);
        let full = height(intro) + 2 + below + 5;
        let title = format!("Verify {}", quoted(&self.name));
        let area = open(canvas, (width, full), &[piece(Role::Title, title)]);
        let air = u16::from(area.height >= full);
        let last = area.bottom().saturating_sub(1);
        let mut y = area.y + air;
        let room = |y: u16, kept: u16| last.saturating_sub(y).saturating_sub(kept);
        if air == 1 || room(y, 2 + below) >= height(intro) {
            y += canvas.paragraph(Rect { y, height: room(y, 2), ..area }, Role::Text, intro) + air;
        }
        for spot in [Spot::Sample, Spot::Everyone] {
            if room(y, 0) > 0 {
                self.draw_choice(canvas, Rect { y, height: 1, ..area }, spot);
            }
            y += 1;
        }
        y += air;
        for (role, note) in &notes {
            y += canvas.paragraph(Rect { y, height: room(y, 0), ..area }, *role, note);
        }
        let button = |spot: Spot, label, available| Button { label, option: spot.option(), available };
        let buttons =
            [button(Spot::Go, "Verify", self.extent().is_some()), button(Spot::NotNow, "Not now", true)];
        // Enter begins from anywhere, and this is where that is seen.
        let focus = if self.focus == Spot::NotNow { Spot::NotNow } else { Spot::Go };
        draw_button_row(canvas, Rect { y: last, height: 1, ..area }, &buttons, Some(focus.option()));
    }

    fn draw_choice(&self, canvas: &mut Canvas<'_>, row: Rect, spot: Spot) {
        let (is_made, is_focused) = (spot == self.chosen(), spot == self.focus);
        let words = if spot == Spot::Sample { "A sample of" } else { "Everyone" };
        Radio { option: spot.option(), is_made, is_focused }.draw(canvas, row, words);
        let x = row.x + NAME;
        let room = row.right().saturating_sub(x);
        let number = NUMBER.min(room);
        let lookups = if spot == Spot::Sample {
            let role = if is_focused { Role::Focus } else { Role::Text };
            self.size.draw(canvas, x, row.y, number, role, is_focused);
            canvas.target(Rect { x, width: number, ..row }, Target::Option(spot.option()));
            self.typed().map(|size| size.min(self.people))
        } else {
            canvas.text(x, row.y, number, Role::Text, &text::count(self.people));
            Some(self.people)
        };
        if let Some(lookups) = lookups {
            canvas.text(x + number, row.y, room.saturating_sub(number), Role::Muted, &self.time(lookups));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(dialog: &mut VerifyDialog, keys: &str) -> Reply {
        let mut reply = Reply::Stay;
        for key in keys.split_whitespace() {
            reply = dialog.handle(DialogInput::Key(key.parse().unwrap()));
        }
        reply
    }

    fn sent(keys: &str) -> Option<Extent> {
        let mut dialog = VerifyDialog::new(CohortId(1), "Churn risk".to_owned(), 50_926, 15, 7);
        match press(&mut dialog, keys) {
            Reply::Send(orders) => match &orders[0].command {
                Command::Verify(request) => {
                    assert_eq!((request.cohort, request.seed), (CohortId(1), 7));
                    Some(request.extent)
                }
                other => panic!("{other:?}"),
            },
            _ => None,
        }
    }

    #[test]
    fn what_is_chosen_is_asked_for() {
        assert_eq!(sent("enter"), Some(Extent::Sample(600)));
        assert_eq!(sent("backspace backspace enter"), Some(Extent::Sample(6)));
        assert_eq!(sent("0 x enter"), Some(Extent::Sample(6_000)), "letters are no digits");
        assert_eq!(sent("j enter"), Some(Extent::Full));
        assert_eq!(sent("j 5 0 enter"), Some(Extent::Sample(50)), "whoever types means a sample");
        assert_eq!(sent("j j k enter"), Some(Extent::Full), "passing by does not choose");
        assert_eq!(sent("tab tab enter"), None, "not now");
        assert_eq!(sent("ctrl-u enter"), None, "nothing is no size");
        assert_eq!(sent("space enter"), Some(Extent::Full));
        assert_eq!(sent("backtab enter"), None);
    }

    #[test]
    fn it_says_what_it_is_worth_and_what_it_costs() {
        let mut dialog = VerifyDialog::new(CohortId(1), "Churn risk".to_owned(), 50_926, 15, 7);
        let said =
            |dialog: &VerifyDialog| dialog.notes().into_iter().map(|(_, note)| note).collect::<Vec<_>>();
        assert!(said(&dialog)[0].contains("If none of 600 is wrong, under 0.5 % of all are"));
        assert_eq!(said(&dialog)[1], "Costs 600 lookups, at 15 a second, and no query of Mixpanel's.");
        press(&mut dialog, "j");
        assert_eq!(said(&dialog)[1], "Costs 50,926 lookups, at 15 a second, and no query of Mixpanel's.");
        press(&mut dialog, "k ctrl-u");
        assert!(said(&dialog)[0].contains("1 to 1,000,000"));
        press(&mut dialog, "9 9 9 9 9 9 9 9 9");
        assert!(said(&dialog)[0].contains("look everyone up"), "{:?}", said(&dialog));
    }
}
