//! The setup guide in the console: one question at a time, what was tried and what it found. The questions and their
//! order are [`crate::config::guide`]'s; what takes time is done by whoever runs this screen.
//!
//! ```text
//!  Connect   1 of 4 · mParticle, where cohorts go
//!
//!  In mParticle: Setup > Inputs > Feeds, add the feed “Mixpanel Cohorts”.
//!  …
//!    Webhook URL      ••••••••••••••••
//!  › Environment      production▏
//!
//!  production for real users, development to try things out …
//!
//!  ⏎ next   ↑↓ choose   esc back   ctrl-c leave
//! ```

use crate::config::guide::{Finished, Fix, Found, Guide, Question, Sign, Step, Trial, Wrong};
use crate::tui::canvas::{Canvas, Piece, cells, piece};
use crate::tui::keymap::{Code, Key};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::text_input::TextInput;

/// The widest the text may run, and the cells of a label.
const COLUMNS: u16 = 92;
const LABEL: u16 = 18;
/// How many lines are looked at again at once.
const PAGE: usize = 5;

/// What the screen wants of whoever runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    None,
    /// Try something with the guide as it stands.
    Try(Trial),
    /// Write everything.
    Finish,
    /// Go back to where the guide was opened.
    Leave,
    /// Open the console on what was written.
    Open,
}

/// What is seen.
enum Mode {
    /// A question.
    Asking,
    /// Something is being tried, or written.
    Waiting(&'static str),
    /// What was found, to read.
    Reading(Vec<Found>),
    /// The end.
    Written(Finished),
    /// It could not be written.
    NotWritten(String),
}

/// The screen.
pub struct GuideScreen {
    guide: Guide,
    input: TextInput,
    wrong: Option<Wrong>,
    mode: Mode,
    /// How many lines of what is read are above the screen; of a question, how many of them are looked at again.
    scroll: usize,
}

impl GuideScreen {
    /// At the first question.
    #[must_use]
    pub fn new(guide: Guide) -> Self {
        let mut screen =
            Self { guide, input: TextInput::default(), wrong: None, mode: Mode::Asking, scroll: 0 };
        screen.ask();
        screen
    }

    /// The guide as it stands, for whoever tries or writes it.
    #[must_use]
    pub fn guide(&self) -> &Guide {
        &self.guide
    }

    fn question(&self) -> Option<Question> {
        match self.guide.step() {
            Step::Ask(question) => Some(question),
            _ => None,
        }
    }

    /// An empty line for the question; what was answered before, or is usual, stands for it.
    fn ask(&mut self) {
        let is_secret = self.question().is_some_and(Question::is_secret);
        self.input = if is_secret { TextInput::hidden() } else { TextInput::default() };
        self.wrong = None;
        self.scroll = 0;
        self.mode = Mode::Asking;
    }

    /// Takes what trying something found.
    pub fn tried(&mut self, found: Vec<Found>) {
        self.guide.tried(&found);
        self.scroll = 0;
        self.mode = Mode::Reading(found);
    }

    /// Takes what writing everything came to.
    pub fn finished(&mut self, result: Result<Finished, String>) {
        self.mode = match result {
            Ok(finished) => Mode::Written(finished),
            Err(error) => Mode::NotWritten(error),
        };
    }

    /// What was written, once it is.
    #[must_use]
    pub fn written(&self) -> Option<&Finished> {
        match &self.mode {
            Mode::Written(finished) => Some(finished),
            _ => None,
        }
    }

    /// Takes pasted text.
    pub fn paste(&mut self, pasted: &str) {
        if let Mode::Asking = self.mode {
            self.input.paste(pasted.trim());
            self.wrong = None;
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Wish {
        match (&self.mode, key.code) {
            (Mode::Asking, _) => self.answering(key),
            (Mode::Reading(_), code) => self.reading(code),
            (Mode::Written(_), Code::Enter) => Wish::Open,
            (Mode::NotWritten(_), Code::Enter) => self.on(),
            (Mode::NotWritten(_), Code::Esc) => self.back(),
            // While something is waited for no key means anything.
            _ => Wish::None,
        }
    }

    fn answering(&mut self, key: Key) -> Wish {
        match key.code {
            Code::Enter => {
                let typed = self.input.value().to_owned();
                match self.guide.answer(&typed) {
                    Ok(()) => return self.on(),
                    Err(wrong) => self.wrong = Some(wrong),
                }
            }
            Code::Esc => return self.back(),
            Code::Down => self.choose(1),
            Code::Up => self.choose(-1),
            Code::PageUp => self.scroll += PAGE,
            Code::PageDown => self.scroll = self.scroll.saturating_sub(PAGE),
            _ => {
                self.input.key(key);
                self.wrong = None;
                self.scroll = 0;
            }
        }
        Wish::None
    }

    fn choose(&mut self, by: isize) {
        let Some(question) = self.question() else { return };
        let choices = question.choices();
        if choices.is_empty() {
            return;
        }
        let now = match self.input.value() {
            "" => self.guide.fallback(question).unwrap_or_default(),
            typed => typed,
        };
        let here = choices.iter().position(|choice| *choice == now).unwrap_or(0);
        let there = here.saturating_add_signed(by).min(choices.len() - 1);
        self.input = TextInput::new(choices[there]);
        self.wrong = None;
    }

    fn reading(&mut self, code: Code) -> Wish {
        let is_broken = matches!(self.guide.step(), Step::Fix(_));
        match code {
            Code::Down | Code::Char('j') => self.scroll += 1,
            Code::Up | Code::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            Code::Enter => {
                self.guide.fix(Fix::Correct);
                return self.on();
            }
            Code::Char('t') if is_broken => {
                self.guide.fix(Fix::Again);
                return self.on();
            }
            Code::Char('g') if is_broken => {
                self.guide.fix(Fix::GoOn);
                return self.on();
            }
            Code::Esc => return self.back(),
            _ => {}
        }
        Wish::None
    }

    /// Whatever the guide wants next.
    fn on(&mut self) -> Wish {
        match self.guide.step() {
            Step::Ask(_) | Step::Fix(_) => {
                self.ask();
                Wish::None
            }
            Step::Try(trial) => {
                self.mode = Mode::Waiting(match trial {
                    Trial::Mparticle => "Looking at mParticle …",
                    Trial::Mixpanel => "Asking Mixpanel; this costs two queries of this hour's 60 …",
                    Trial::Probe => "Telling mParticle about one user …",
                });
                Wish::Try(trial)
            }
            Step::Done => {
                self.mode = Mode::Waiting("Writing the configuration …");
                Wish::Finish
            }
        }
    }

    fn back(&mut self) -> Wish {
        if self.guide.back() {
            self.ask();
            Wish::None
        } else {
            Wish::Leave
        }
    }

    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>) {
        let whole = canvas.area();
        let width = COLUMNS.min(whole.width.saturating_sub(4));
        let x = if whole.width > COLUMNS + 8 { (whole.width - width) / 4 } else { 2.min(whole.width) };
        let (lines, focus) = self.lines(usize::from(width));
        let room = usize::from(whole.height.saturating_sub(2));
        // What is typed stays in sight, with what is wrong with it; what is read scrolls.
        let most = lines.len().saturating_sub(room);
        let last = |focus: usize| if self.wrong.is_some() { lines.len() } else { focus + 4 };
        let of_question = |focus: usize| last(focus).saturating_sub(room).min(focus);
        let first =
            focus.map_or(self.scroll, |focus| of_question(focus).saturating_sub(self.scroll)).min(most);
        let is_cut = focus.is_some_and(|focus| of_question(focus) > 0);
        for (row, line) in lines.iter().enumerate().skip(first).take(room) {
            let y = cells(row - first);
            let used = canvas.line(x, y, width, line);
            if Some(row) == focus {
                self.draw_input(canvas, x + used, y, width.saturating_sub(used));
            }
        }
        canvas.line(x, whole.height.saturating_sub(1), width, &self.hints(is_cut));
    }

    fn draw_input(&self, canvas: &mut Canvas<'_>, x: u16, y: u16, room: u16) {
        let used = self.input.draw(canvas, x, y, room, Role::Focus, true);
        let usual = self.question().and_then(|question| self.guide.fallback(question));
        if let (true, Some(usual)) = (self.input.value().is_empty(), usual) {
            canvas.text(
                x + used,
                y,
                room.saturating_sub(used),
                Role::Muted,
                &format!("{usual}  (Enter takes it)"),
            );
        }
    }

    /// The lines, and which of them is typed on.
    fn lines(&self, width: usize) -> (Vec<Vec<Piece<'_>>>, Option<usize>) {
        match &self.mode {
            Mode::Asking => self.asking(width),
            Mode::Waiting(what) => (vec![heading(""), Vec::new(), vec![piece(Role::Busy, *what)]], None),
            Mode::Reading(found) => (found_lines(found, width), None),
            Mode::Written(finished) => (written_lines(finished, width), None),
            Mode::NotWritten(error) => {
                let mut lines = vec![heading("nothing was written"), Vec::new()];
                lines.extend(wrapped(Role::Bad, &format!("✗ {error}"), 0, width));
                (lines, None)
            }
        }
    }

    fn asking(&self, width: usize) -> (Vec<Vec<Piece<'_>>>, Option<usize>) {
        let Some(question) = self.question() else { return (Vec::new(), None) };
        let chapter = question.chapter();
        let mut lines = vec![heading(chapter.title()), Vec::new()];
        for line in chapter.preparation() {
            lines.extend(wrapped(Role::Text, line, 0, width));
        }
        lines.push(Vec::new());
        let label = |question: Question| text::fit(question.title(), usize::from(LABEL), text::Align::Left);
        let is_asked =
            |other: &Question| other.chapter() == chapter && *other < question && self.guide.asks(*other);
        for other in Question::ALL.into_iter().filter(is_asked) {
            let given = match self.guide.fallback(other) {
                Some(given) if !other.is_secret() || given == "events-api" => given,
                Some(_) => "•••",
                None => "",
            };
            lines.push(vec![piece(Role::Muted, format!("  {}", label(other))), piece(Role::Text, given)]);
        }
        lines.push(vec![piece(Role::Key, "› "), piece(Role::Strong, label(question))]);
        let focus = lines.len() - 1;
        lines.push(Vec::new());
        lines.extend(wrapped(Role::Muted, question.help(), 2, width));
        if let Some(Wrong { sentence, remedy }) = &self.wrong {
            lines.extend(wrapped(Role::Bad, &format!("✗ {sentence}"), 2, width));
            lines.extend(wrapped(Role::Text, &format!("→ {remedy}"), 4, width));
        }
        (lines, Some(focus))
    }

    fn hints(&self, is_cut: bool) -> Vec<Piece<'static>> {
        let keys: &[(&str, &str)] = match &self.mode {
            Mode::Asking if is_cut => &[("enter", "next"), ("pgup", "above"), ("esc", "back")],
            Mode::Asking if self.question().is_some_and(|question| !question.choices().is_empty()) => {
                &[("enter", "next"), ("up/down", "choose"), ("esc", "back"), ("ctrl-c", "leave")]
            }
            Mode::Asking => &[("enter", "next"), ("esc", "back"), ("ctrl-c", "leave")],
            Mode::Waiting(_) => &[("ctrl-c", "leave")],
            Mode::Reading(_) if matches!(self.guide.step(), Step::Fix(_)) => {
                &[("enter", "correct"), ("t", "try again"), ("g", "go on all the same"), ("ctrl-c", "leave")]
            }
            Mode::Reading(_) => &[("enter", "go on"), ("esc", "back"), ("ctrl-c", "leave")],
            Mode::Written(_) => &[("enter", "open the console"), ("ctrl-c", "leave")],
            Mode::NotWritten(_) => &[("enter", "try again"), ("esc", "back"), ("ctrl-c", "leave")],
        };
        let pieces = keys.iter().flat_map(|(key, does)| {
            [piece(Role::Key, (*key).to_owned()), piece(Role::Muted, format!(" {does}   "))]
        });
        pieces.collect()
    }
}

fn heading(title: &str) -> Vec<Piece<'static>> {
    vec![piece(Role::Focus, "Connect   "), piece(Role::Strong, title.to_owned())]
}

fn wrapped(role: Role, words: &str, by: usize, width: usize) -> Vec<Vec<Piece<'static>>> {
    let lines = text::wrap(words, width.saturating_sub(by).max(1)).into_iter();
    lines.map(|line| vec![piece(role, format!("{}{line}", " ".repeat(by)))]).collect()
}

fn found_lines(found: &[Found], width: usize) -> Vec<Vec<Piece<'static>>> {
    let mut lines = vec![heading("what was found"), Vec::new()];
    for found in found {
        let (role, mut sign) = match found.sign {
            Sign::Ok => (Role::Good, "✓ "),
            Sign::Warning => (Role::Warn, "! "),
            Sign::Problem => (Role::Bad, "✗ "),
            Sign::Note => (Role::Muted, "  "),
        };
        let words_role = if found.sign == Sign::Note { Role::Muted } else { Role::Text };
        for line in found.text.lines() {
            for words in text::wrap(line, width.saturating_sub(2).max(1)) {
                lines.push(vec![piece(role, sign), piece(words_role, words)]);
                sign = "  ";
            }
        }
        if let Some(remedy) = &found.remedy {
            lines.extend(wrapped(Role::Strong, &format!("→ {remedy}"), 2, width));
        }
        lines.push(Vec::new());
    }
    lines
}

fn written_lines(finished: &Finished, width: usize) -> Vec<Vec<Piece<'static>>> {
    const NEXT: &str =
        "In the console, s on a cohort exports it: with a preview first, and as a dry run if you like.";
    let Finished { done, kept, left_to_do, .. } = finished;
    let mut lines = vec![heading("done"), Vec::new()];
    lines.extend(wrapped(Role::Good, &format!("✓ {done}."), 0, width));
    lines.extend(wrapped(Role::Text, &format!("The credentials are in {kept}."), 2, width));
    if let Some(left) = left_to_do {
        lines.extend(wrapped(Role::Warn, left, 2, width));
    }
    lines.push(Vec::new());
    lines.extend(wrapped(Role::Text, NEXT, 2, width));
    lines
}
