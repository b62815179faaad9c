//! The reconnect dialog: takes a fresh credential unseen, has it tried, and says why when it was not taken. What was
//! typed is kept here until the answer comes and shown nowhere.
//!
//! ```text
//! ╭ Reconnect ───────────────────────────────────────────────────────────────╮
//! │  Mixpanel refuses the credentials (401)                                  │
//! │                                                                          │
//! │  Whose            ‹ Mixpanel ›                                           │
//! │  Service account  sync.ab12cd.mp-service-account                         │
//! │  New secret       ••••••••••••                                           │
//! │                                                                          │
//! │  It is tried first (one query), then put where the old one is.           │
//! │                                                                          │
//! │  [ Try it ]  [ Only try again ]  [ Not now ]                             │
//! ╰──────────────────────────────────────────────────────────────────────────╯
//! ```

use super::{Button, DialogInput, Order, Reply, draw_button_row, open};
use crate::config::{Secret, WebhookUrl};
use crate::domain::PauseCause;
use crate::sync::renew::Subject;
use crate::tui::canvas::{Canvas, Target, cells, piece};
use crate::tui::keymap::{Code, Key};
use crate::tui::screens::Scene;
use crate::tui::settings::Settings;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::text_input::TextInput;
use ratatui::layout::Rect;

/// The widest the text may run, and the cells of a label.
const COLUMNS: u16 = 72;
const LABEL: u16 = 17;

/// Where the focus can be, in the order on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    Whose,
    Account,
    Secret,
    Go,
    Again,
    NotNow,
}

const SPOTS: [Spot; 6] = [Spot::Whose, Spot::Account, Spot::Secret, Spot::Go, Spot::Again, Spot::NotNow];

/// Fresh credentials, ready to be tried and then kept.
#[derive(Debug)]
pub struct Renewing {
    /// Whose.
    pub subject: Subject,
    /// The account, key or client id that goes with it.
    pub account: String,
    /// Whether that is another one than before.
    pub is_other_account: bool,
    /// The credential.
    pub secret: Secret,
}

/// Somebody whose credentials can be renewed.
#[derive(Debug)]
struct Candidate {
    subject: Subject,
    account: String,
    /// Where the credential comes from, in words.
    origin: String,
}

/// The dialog.
#[derive(Debug)]
pub struct ReconnectDialog {
    candidates: Vec<Candidate>,
    chosen: usize,
    account: TextInput,
    secret: TextInput,
    /// What the service said when it refused.
    reason: Option<String>,
    /// What takes up again what was paused, without anything fresh.
    again: Vec<Order>,
    focus: Spot,
    trying: bool,
    refused: Option<String>,
}

impl ReconnectDialog {
    /// For whoever is configured; begins with the one that was refused, and why.
    #[must_use]
    pub fn new(settings: &Settings, refused: Option<(PauseCause, String)>, again: Vec<Order>) -> Self {
        let feed = match settings.text_of("mparticle.delivery") {
            "events-api" => Subject::EventsApi,
            _ => Subject::Feed,
        };
        let mut subjects = vec![Subject::Mixpanel, feed];
        subjects.extend(settings.profiles_per_second.map(|_| Subject::ProfileApi));
        let candidates: Vec<Candidate> = subjects
            .into_iter()
            .map(|subject| Candidate {
                subject,
                account: subject.account_setting().map_or("", |key| settings.text_of(key)).to_owned(),
                origin: settings
                    .configured(subject.secret_setting())
                    .map_or_else(|| "nowhere".to_owned(), |setting| setting.origin.clone()),
            })
            .collect();
        let is_it = |candidate: &Candidate| {
            refused.as_ref().is_some_and(|(cause, _)| candidate.subject.mends(*cause))
        };
        let chosen = candidates.iter().position(is_it).unwrap_or(0);
        let mut dialog = Self {
            account: TextInput::default(),
            secret: TextInput::hidden(),
            reason: refused.map(|(_, reason)| reason),
            candidates,
            chosen,
            again,
            focus: Spot::Secret,
            trying: false,
            refused: None,
        };
        dialog.choose(chosen);
        dialog
    }

    /// The trial ended badly; what was typed stays, to be corrected.
    pub fn was_refused(&mut self, reason: String) {
        self.trying = false;
        self.refused = Some(reason);
        self.focus = Spot::Secret;
    }

    fn candidate(&self) -> &Candidate {
        // There are always two at least, and `choose` keeps within them.
        &self.candidates[self.chosen]
    }

    fn choose(&mut self, chosen: usize) {
        self.chosen = chosen % self.candidates.len();
        self.account = TextInput::new(&self.candidate().account);
        self.secret = TextInput::hidden();
        self.refused = None;
    }

    fn is_there(&self, spot: Spot) -> bool {
        match spot {
            Spot::Account => self.candidate().subject.account_setting().is_some(),
            Spot::Again => !self.again.is_empty(),
            _ => true,
        }
    }

    /// Takes an input.
    pub fn handle(&mut self, input: DialogInput<'_>) -> Reply {
        if self.trying {
            return Reply::Stay;
        }
        match input {
            DialogInput::Press(option) => match SPOTS.get(option) {
                Some(spot) if self.is_there(*spot) => {
                    self.focus = *spot;
                    return self.press();
                }
                _ => {}
            },
            DialogInput::Paste(text) => {
                // Whoever pastes into no line means the credential.
                match self.focus {
                    Spot::Account => self.account.paste(text.trim()),
                    _ => self.secret.paste(text.trim()),
                }
                self.refused = None;
            }
            DialogInput::Key(key) => return self.key(key),
            DialogInput::Scroll(_) => {}
        }
        Reply::Stay
    }

    fn key(&mut self, key: Key) -> Reply {
        match (key.code, self.focus) {
            (Code::Enter, Spot::Account) => self.focus = Spot::Secret,
            (Code::Enter, Spot::Secret) => return self.go(),
            (Code::Enter, _) => return self.press(),
            (Code::Down | Code::Tab, _) => self.step(1),
            (Code::Up | Code::BackTab, _) => self.step(SPOTS.len() - 1),
            (Code::Left, Spot::Whose) => self.choose(self.chosen + self.candidates.len() - 1),
            (Code::Right | Code::Char(' '), Spot::Whose) => self.choose(self.chosen + 1),
            (_, Spot::Account) => drop(self.account.key(key)),
            (_, Spot::Secret) => {
                self.secret.key(key);
                self.refused = None;
            }
            (Code::Right | Code::Char('l'), _) => self.step(1),
            (Code::Left | Code::Char('h'), _) => self.step(SPOTS.len() - 1),
            (Code::Char('q'), _) => return Reply::Close,
            _ => {}
        }
        Reply::Stay
    }

    fn step(&mut self, by: usize) {
        let mut place = SPOTS.iter().position(|spot| *spot == self.focus).unwrap_or(0);
        loop {
            place = (place + by) % SPOTS.len();
            if self.is_there(SPOTS[place]) {
                self.focus = SPOTS[place];
                return;
            }
        }
    }

    fn press(&mut self) -> Reply {
        match self.focus {
            Spot::Whose => {
                self.choose(self.chosen + 1);
                Reply::Stay
            }
            Spot::Account | Spot::Secret => Reply::Stay,
            Spot::Go => self.go(),
            Spot::Again => Reply::Send(std::mem::take(&mut self.again)),
            Spot::NotNow => Reply::Close,
        }
    }

    /// Has it tried, unless what was typed cannot be right.
    fn go(&mut self) -> Reply {
        let subject = self.candidate().subject;
        let secret = Secret::new(self.secret.value().trim());
        let account = self.account.value().trim().to_owned();
        let fault = if secret.expose().is_empty() {
            Some("nothing was typed yet".to_owned())
        } else if subject == Subject::Feed {
            WebhookUrl::parse(secret.expose()).err().map(|error| format!("what was typed {error}"))
        } else if account.is_empty() {
            Some("its name is missing".to_owned())
        } else {
            None
        };
        if let Some(fault) = fault {
            self.was_refused(fault);
            return Reply::Stay;
        }
        self.refused = None;
        self.trying = true;
        let is_other_account = account != self.candidate().account;
        Reply::Renew(Box::new(Renewing { subject, account, is_other_account, secret }))
    }

    fn labels(&self) -> (&'static str, &'static str) {
        match self.candidate().subject {
            Subject::Mixpanel => ("Service account", "New secret"),
            Subject::Feed => ("", "New webhook URL"),
            Subject::EventsApi => ("Key", "New secret"),
            Subject::ProfileApi => ("Client id", "New secret"),
        }
    }

    /// What trying means, and what becomes of the credential.
    fn explanation(&self) -> String {
        let Candidate { subject, origin, .. } = self.candidate();
        let trial = match subject {
            Subject::Mixpanel => "It is tried first: Mixpanel lists the cohorts, which costs one query.",
            Subject::ProfileApi => "It is tried first: mParticle is asked for a token.",
            Subject::Feed | Subject::EventsApi => {
                "Only its host is asked, for mParticle knows no other trial than sending: the next request shows."
            }
        };
        let elsewhere = origin.starts_with("env ") || origin.starts_with("command ");
        let kept = if elsewhere {
            format!("It comes from {origin}: change it there too, or it lasts until the console ends.")
        } else {
            format!("Then it is put where the old one is: {origin}.")
        };
        format!("{trial} {kept}")
    }

    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>, _: Scene<'_>) {
        let width = COLUMNS.min(canvas.area().width.saturating_sub(6));
        let wrapped = |words: &str| text::wrap(words, usize::from(width));
        let reason = self.reason.as_deref().map(wrapped).unwrap_or_default();
        let (role, below) = match &self.refused {
            Some(refused) => (Role::Bad, wrapped(&format!("Not taken: {refused}"))),
            None if self.trying => (Role::Busy, wrapped("It is being tried …")),
            None => (Role::Muted, wrapped(&self.explanation())),
        };
        let rows = 2 + u16::from(self.is_there(Spot::Account));
        let wanted = cells(reason.len()) + u16::from(!reason.is_empty()) + rows + cells(below.len()) + 3;
        let area = open(canvas, (width, wanted), &[piece(Role::Title, "Reconnect")]);
        let air = u16::from(area.height >= wanted);
        let bottom = area.bottom().saturating_sub(1);
        let mut y = area.y;
        // Where there is little room the lines to type on matter more than why.
        let spare = area.height.saturating_sub(rows + cells(below.len()) + 1);
        for line in reason.iter().take(usize::from(spare)) {
            canvas.text(area.x, y, area.width, Role::Warn, line);
            y += 1;
        }
        y += if reason.is_empty() { 0 } else { air };
        let labels = self.labels();
        for spot in SPOTS.into_iter().take(3).filter(|spot| self.is_there(*spot)) {
            let place = Rect::new(area.x, y, area.width, 1);
            self.draw_line(canvas, place, spot, labels);
            y += 1;
        }
        y += air;
        for line in below {
            if y < bottom {
                canvas.text(area.x, y, area.width, role, &line);
                y += 1;
            }
        }
        let button = |label, spot: Spot| Button { label, option: spot as usize, available: !self.trying };
        let mut buttons = vec![button("Try it", Spot::Go)];
        if self.is_there(Spot::Again) {
            buttons.push(button("Only try again", Spot::Again));
        }
        buttons.push(button("Not now", Spot::NotNow));
        let focus = Some(self.focus as usize).filter(|_| !self.trying);
        draw_button_row(canvas, Rect::new(area.x, bottom, area.width, 1), &buttons, focus);
    }

    fn draw_line(&self, canvas: &mut Canvas<'_>, place: Rect, spot: Spot, labels: (&str, &str)) {
        let is_focused = self.focus == spot && !self.trying;
        let role = if is_focused { Role::Focus } else { Role::Text };
        let label = match spot {
            Spot::Account => labels.0,
            Spot::Secret => labels.1,
            _ => "Whose",
        };
        canvas.text(place.x, place.y, place.width, Role::Muted, label);
        let (x, room) = (place.x + LABEL, place.width.saturating_sub(LABEL));
        match spot {
            Spot::Account => drop(self.account.draw(canvas, x, place.y, room, role, is_focused)),
            Spot::Secret => drop(self.secret.draw(canvas, x, place.y, room, role, is_focused)),
            _ => {
                let signs = if canvas.glyphs.is_ascii() { ["< ", " >"] } else { ["‹ ", " ›"] };
                let name = self.candidate().subject.name();
                canvas.line(
                    x,
                    place.y,
                    room,
                    &[piece(role, signs[0]), piece(role, name), piece(role, signs[1])],
                );
            }
        }
        canvas.target(place, Target::Option(spot as usize));
    }
}
