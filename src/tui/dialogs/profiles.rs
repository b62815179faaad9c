//! The dialog that lists the profiles of the configuration file and goes over to one of them. What it says of each is
//! the file's; whether one can be opened is found out when it is chosen.
//!
//! ```text
//! ╭ Profiles · each with a state of its own ─────────────────────────────────────────╮
//! │                                                                                  │
//! │ • default   12345  US  production   feed us1-…a9f2                               │
//! │   eu        22222  EU  production   feed from env MPARTICLE_EU                   │
//! │   staging   it lacks mixpanel.project_id                                         │
//! │                                                                                  │
//! │ ⏎ opens it  esc stays                                                            │
//! ╰──────────────────────────────────────────────────────────────────────────────────╯
//! ```

use super::{DialogInput, Reply, open};
use crate::config::ProfileSummary;
use crate::tui::canvas::{Canvas, Piece, Target, View, cells, piece, width_of};
use crate::tui::keymap::{Code, Key};
use crate::tui::text::{self, Align};
use crate::tui::theme::Role;
use crate::tui::widgets::scroll;
use ratatui::layout::Rect;

/// The widest the list gets.
const COLUMNS: u16 = 96;
/// What is said of a single profile.
const ALONE: &str = "There is no other yet: `cohort-sync setup --profile NAME` adds one.";

/// The dialog.
#[derive(Debug)]
pub struct ProfilesDialog {
    /// The profile that is open now.
    here: String,
    listed: Listed,
    focus: usize,
    /// The profile that is being looked into.
    trying: Option<String>,
    /// Why the one chosen last was not opened.
    refused: Option<String>,
    /// What was in view in the last frame.
    pub view: Option<View>,
}

/// What is known of the file.
#[derive(Debug)]
enum Listed {
    Reading,
    Profiles(Vec<ProfileSummary>),
    Unreadable(String),
}

impl ProfilesDialog {
    /// A list that is on its way.
    #[must_use]
    pub fn new(here: String) -> Self {
        Self { here, listed: Listed::Reading, focus: 0, trying: None, refused: None, view: None }
    }

    /// Takes in what the file says.
    pub fn take_in(&mut self, result: Result<Vec<ProfileSummary>, String>) {
        self.listed = match result {
            Ok(profiles) => Listed::Profiles(profiles),
            Err(reason) => Listed::Unreadable(reason),
        };
        self.focus = self.profiles().iter().position(|profile| profile.name == self.here).unwrap_or(0);
    }

    /// Whether it waits for what becomes of this profile.
    #[must_use]
    pub fn is_trying(&self, profile: &str) -> bool {
        self.trying.as_deref() == Some(profile)
    }

    /// The profile is not opened, and this is why; without a reason somebody changed their mind.
    pub fn stay(&mut self, reason: Option<String>) {
        self.trying = None;
        self.refused = reason;
    }

    fn profiles(&self) -> &[ProfileSummary] {
        match &self.listed {
            Listed::Profiles(profiles) => profiles,
            Listed::Reading | Listed::Unreadable(_) => &[],
        }
    }

    /// Takes an input.
    pub fn handle(&mut self, input: DialogInput<'_>) -> Reply {
        if self.trying.is_some() {
            return Reply::Stay;
        }
        match input {
            DialogInput::Key(key) => self.key(key),
            DialogInput::Press(place) => {
                self.focus = place;
                self.choose()
            }
            DialogInput::Scroll(lines) => {
                self.step(isize::try_from(lines).unwrap_or(0));
                Reply::Stay
            }
            DialogInput::Paste(_) => Reply::Stay,
        }
    }

    fn key(&mut self, key: Key) -> Reply {
        match key.code {
            Code::Enter => return self.choose(),
            Code::Char('q') => return Reply::Close,
            Code::Down | Code::Tab | Code::Char('j') => self.step(1),
            Code::Up | Code::BackTab | Code::Char('k') => self.step(-1),
            Code::Home | Code::Char('g') => self.step(isize::MIN),
            Code::End | Code::Char('G') => self.step(isize::MAX),
            _ => {}
        }
        Reply::Stay
    }

    fn step(&mut self, by: isize) {
        let last = self.profiles().len().saturating_sub(1);
        self.focus = self.focus.saturating_add_signed(by).min(last);
        self.refused = None;
    }

    fn choose(&mut self) -> Reply {
        let Some(name) = self.profiles().get(self.focus).map(|profile| profile.name.clone()) else {
            return Reply::Stay;
        };
        self.refused = None;
        self.trying = Some(name.clone());
        Reply::TryProfile(name)
    }

    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>) {
        let width = COLUMNS.min(canvas.area().width.saturating_sub(6));
        let rows = self.rows();
        let below = self.below(usize::from(width));
        let keys = self.keys(canvas);
        // So much is kept free below the list that nothing moves from one profile to the next.
        let reserved = self.longest_below(usize::from(width)).max(below.1.len());
        let wanted = cells(rows.len().max(1) + reserved) + 4;
        let height = wanted.min(canvas.area().height.saturating_sub(2));
        let title = [piece(Role::Title, "Profiles"), piece(Role::Muted, " · each with a state of its own")];
        let area = open(canvas, (width, height), &title);
        let air = u16::from(area.height >= wanted);
        let beneath = cells(reserved) + 1 + 2 * air;
        let list = Rect { y: area.y + air, height: area.height.saturating_sub(beneath + air).max(1), ..area };
        self.draw_rows(canvas, list, &rows);
        let (role, lines) = below;
        for (y, line) in (list.bottom() + air..area.bottom().saturating_sub(1)).zip(&lines) {
            canvas.text(area.x, y, area.width, role, line);
        }
        canvas.line(area.x, area.bottom().saturating_sub(1), area.width, &keys);
    }

    fn draw_rows(&self, canvas: &mut Canvas<'_>, list: Rect, rows: &[[Piece<'static>; 2]]) {
        match &self.listed {
            Listed::Reading => {
                canvas.text(list.x, list.y, list.width, Role::Muted, "The file is being read …");
            }
            Listed::Unreadable(reason) => {
                canvas.paragraph(list, Role::Bad, reason);
            }
            Listed::Profiles(_) => {}
        }
        let view = scroll::view(self.view, Some(self.focus), rows.len(), usize::from(list.height));
        canvas.hits.dialog = Some(view);
        for (y, (place, row)) in (list.y..list.bottom()).zip(rows.iter().enumerate().skip(view.offset)) {
            let at = Rect::new(list.x, y, list.width.saturating_sub(1), 1);
            if place == self.focus {
                canvas.tint(at, Role::Selected);
                canvas.on_selected(|canvas| {
                    canvas.line(at.x, y, at.width, row);
                });
            } else {
                canvas.line(at.x, y, at.width, row);
            }
            canvas.target(at, Target::Option(place));
        }
        let track = Rect { x: list.right().saturating_sub(1), width: 1, ..list };
        scroll::draw_bar(canvas, track, view, rows.len());
    }

    /// A row for each profile, what tells them apart in columns.
    fn rows(&self) -> Vec<[Piece<'static>; 2]> {
        let profiles = self.profiles();
        let widest = |of: &dyn Fn(&ProfileSummary) -> usize| profiles.iter().map(of).max().unwrap_or(0);
        let name = widest(&|profile| text::width(&profile.name));
        let columns = [0, 1, 2].map(|column| widest(&|profile| text::width(&facts(profile)[column])));
        let row = |profile: &ProfileSummary| {
            let (sign, role) =
                if profile.name == self.here { ("• ", Role::Good) } else { ("  ", Role::Text) };
            let name = format!("{sign}{}  ", text::fit(&profile.name, name, Align::Left));
            let said = profile.wrong.clone().map_or_else(
                || {
                    let [first, second, third, feed] = facts(profile);
                    let fixed = [first, second, third].into_iter().zip(columns);
                    let fixed = fixed.map(|(fact, width)| text::fit(&fact, width, Align::Left) + "  ");
                    piece(Role::Text, fixed.collect::<String>() + &feed)
                },
                |wrong| piece(Role::Warn, wrong),
            );
            [piece(role, name), said]
        };
        profiles.iter().map(row).collect()
    }

    /// What is said below the list: why the profile was not opened, or what its row has no room for.
    fn below(&self, width: usize) -> (Role, Vec<String>) {
        if let Some(refused) = &self.refused {
            return (Role::Bad, text::wrap(&format!("Not opened: {refused}"), width));
        }
        match (self.profiles(), self.trying.as_ref()) {
            (_, Some(name)) => (Role::Busy, vec![format!("“{name}” is being looked into …")]),
            ([only], None) if only.wrong.is_none() => (Role::Muted, text::wrap(ALONE, width)),
            (profiles, None) => (
                Role::Muted,
                profiles.get(self.focus).map_or_else(Vec::new, |profile| self.rest_of(profile, width)),
            ),
        }
    }

    fn longest_below(&self, width: usize) -> usize {
        let rests = self.profiles().iter().map(|profile| self.rest_of(profile, width).len());
        rests.max().unwrap_or(0).max(1)
    }

    /// Everything about a profile whose row does not show it whole.
    fn rest_of(&self, profile: &ProfileSummary, width: usize) -> Vec<String> {
        let place = self.profiles().iter().position(|other| other.name == profile.name).unwrap_or(0);
        if self.rows().get(place).is_none_or(|row| width_of(row) < width) {
            return Vec::new();
        }
        let whole = profile.wrong.clone().unwrap_or_else(|| facts(profile).join(" · "));
        text::wrap(&whole, width)
    }

    fn keys(&self, canvas: &Canvas<'_>) -> Vec<Piece<'static>> {
        let key = |code| piece(Role::Key, Key::plain(code).label(canvas.glyphs.is_ascii()));
        let is_here = self.profiles().get(self.focus).is_some_and(|profile| profile.name == self.here);
        let opens = if is_here { " opens it anew  " } else { " goes over to it  " };
        let mut keys = Vec::new();
        if !self.profiles().is_empty() {
            keys.extend([key(Code::Enter), piece(Role::Muted, opens)]);
        }
        keys.extend([key(Code::Esc), piece(Role::Muted, " stays here")]);
        keys
    }
}

/// What tells a profile from the others: project, region, environment and feed.
fn facts(profile: &ProfileSummary) -> [String; 4] {
    [
        profile.project.clone().unwrap_or_else(|| "no project".to_owned()),
        profile.region.to_uppercase(),
        profile.environment.clone(),
        profile.feed.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(name: &str) -> ProfileSummary {
        ProfileSummary {
            name: name.to_owned(),
            project: Some("1".to_owned()),
            region: "eu".to_owned(),
            environment: "production".to_owned(),
            feed: "feed us1-…a9f2".to_owned(),
            wrong: None,
        }
    }

    fn press(dialog: &mut ProfilesDialog, key: &str) -> Reply {
        dialog.handle(DialogInput::Key(key.parse().unwrap()))
    }

    #[test]
    fn the_one_that_is_open_has_the_focus_and_the_list_has_ends() {
        let mut dialog = ProfilesDialog::new("b".to_owned());
        assert!(matches!(press(&mut dialog, "enter"), Reply::Stay), "nothing is listed yet");
        dialog.take_in(Ok(["a", "b", "c"].map(profile).into()));
        assert_eq!(dialog.focus, 1);
        press(&mut dialog, "j");
        press(&mut dialog, "j");
        assert!(matches!(press(&mut dialog, "enter"), Reply::TryProfile(name) if name == "c"));
        assert!(matches!(press(&mut dialog, "k"), Reply::Stay));
        assert!(dialog.is_trying("c") && dialog.focus == 2, "one at a time");
        dialog.stay(Some("why".to_owned()));
        press(&mut dialog, "g");
        assert!(matches!(press(&mut dialog, "enter"), Reply::TryProfile(name) if name == "a"));
    }
}
