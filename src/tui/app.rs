//! The console as a value: messages go in, effects come out, and a frame can be drawn at any time. There is no
//! I/O here, no clock and nothing asynchronous, so that every test of the console is a few lines long.

mod configure;
mod loading;
mod message;
mod operate;
mod outward;
mod paint;
mod perform;
mod questions;
mod quitting;
mod recall;
mod reconnect;
mod switching;
mod verification;

pub use message::{Effect, Msg, Reconfigured};
pub use operate::is_refused;

use super::action::Action;
use super::canvas::{HitMap, Target};
use super::dialogs::{Dialog, DialogInput, Reply};
use super::input::Input;
use super::keymap::{Code, Key, Keymap, KeymapError};
use super::memory::Memory;
use super::screens::Scene;
use super::screens::page::Page;
use super::screens::tabs::Tabs;
use super::settings::Settings;
use super::text;
use super::theme::Theme;
use super::toasts::Toasts;
use crate::config::edit::Change;
use crate::sync::snapshot::{Ended, NoticeLevel, Snapshot};
use crate::telemetry::LogLine;
use jiff::{SignedDuration, Timestamp};
use loading::Loading;
use outward::Outlook;
use std::sync::Arc;
use std::time::Duration;

/// How long the console waits for the requests in flight when it is asked to quit.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// The console.
pub struct App {
    settings: Settings,
    theme: Theme,
    keymap: Keymap,
    now: Timestamp,
    snapshot: Arc<Snapshot>,
    tabs: Tabs,
    loading: Loading,
    dialogs: Vec<Dialog>,
    toasts: Toasts,
    hits: HitMap,
    mouse: bool,
    memory: Memory,
    outlook: Outlook,
    /// What takes back the changes of settings, the last one last.
    undo: Vec<Change>,
    /// Since when the console is on its way out.
    stopping: Option<Timestamp>,
    /// The profile that is being looked into, to go over to it, and whether it is agreed to what that cuts short.
    trying: Option<(String, bool)>,
    /// The profile to open when the console is out.
    bound_for: Option<String>,
}

impl App {
    /// A console that shows a snapshot.
    ///
    /// # Errors
    /// The keys in the settings make no sense.
    pub fn new(mut settings: Settings, snapshot: Arc<Snapshot>, now: Timestamp) -> Result<Self, KeymapError> {
        let mut outlook = Outlook::default();
        outlook.take_in(&snapshot);
        let memory = settings.remembered.as_deref().map(Memory::read).unwrap_or_default();
        let mut app = Self {
            theme: Theme::new(settings.theme, settings.colour),
            keymap: Keymap::new(&settings.keys)?,
            mouse: settings.mouse,
            toasts: Toasts::after(&snapshot),
            outlook,
            undo: std::mem::take(&mut settings.left.undo),
            memory: Memory::default(),
            settings,
            now,
            snapshot,
            tabs: Tabs::default(),
            loading: Loading::default(),
            dialogs: Vec::new(),
            hits: HitMap::default(),
            stopping: None,
            trying: None,
            bound_for: None,
        };
        app.recall(memory);
        app.go_on_from_what_was_left();
        if let Some((level, words)) = app.settings.greeting.take() {
            app.say(level, words);
        }
        Ok(app)
    }

    /// Does something with the page that is seen.
    fn on_page<R>(&mut self, act: impl FnOnce(&mut dyn Page, Scene<'_>) -> R) -> R {
        let Self { tabs, snapshot, settings, keymap, now, .. } = self;
        act(tabs.page_mut(), Scene { snapshot, settings, keymap, now: *now })
    }

    /// Takes in a message.
    pub fn update(&mut self, msg: Msg) -> Vec<Effect> {
        let mut effects = self.take(msg);
        let wanted = self.tabs.page().wants();
        for question in self.loading.ask(wanted, self.now) {
            self.tabs.page_mut().asked(&question);
            effects.push(Effect::Load(question));
        }
        if let Some(person) = self.tabs.page_mut().looks_for() {
            effects.push(Effect::LookUp(person));
            self.rearrange();
        }
        effects
    }

    fn take(&mut self, msg: Msg) -> Vec<Effect> {
        match msg {
            Msg::Input(input) => return self.input(input),
            Msg::Snapshot(snapshot) => return self.take_in(snapshot),
            Msg::Tick(now) => {
                self.now = now;
                self.toasts.age(now);
                // Whatever is opened next may need what the engine still holds, so that is waited for.
                let is_waited_for = self.bound_for.is_some();
                if !is_waited_for && self.stopping.is_some_and(|since| now.duration_since(since) >= PATIENCE)
                {
                    return vec![Effect::Quit(None)];
                }
            }
            Msg::Log(line) => self.tabs.each(|page| page.note(&line)),
            Msg::Loaded(question, answer) => {
                if self.loading.answered(&question) {
                    self.on_page(|page, scene| {
                        page.loaded(&question, &answer);
                        page.arrange(scene);
                    });
                }
            }
            Msg::Heard(question, answer) => {
                self.tabs.each(|page| page.heard(&question, &answer));
                self.rearrange();
            }
            Msg::Seen(person, answer) => {
                self.tabs.each(|page| page.seen(&person, &answer));
                self.rearrange();
            }
            Msg::Exported(Ok((path, rows))) => {
                self.say(NoticeLevel::Good, format!("wrote {} to {path}", text::plural(rows, "row")));
            }
            Msg::Exported(Err(error)) => self.say(NoticeLevel::Error, format!("could not export: {error}")),
            Msg::LogLost(lines) => self.note_lost_lines(lines),
            Msg::Answered(what, Err(refusal)) => {
                self.say(NoticeLevel::Error, format!("could not {what}: {refusal}"));
            }
            Msg::Answered(_, Ok(())) => {}
            Msg::Copied(what, way) => self.say_copied(&what, way),
            Msg::Renewed(result) => self.renewed(result),
            Msg::Configured(result) => return self.configured(result),
            Msg::Profiles(result) => self.profiles_listed(result),
            Msg::ProfileTried(profile, result) => return self.profile_tried(profile, &result),
            Msg::Drawn(hits) => {
                self.tabs.page_mut().drawn(hits.list);
                if let Some(dialog) = self.dialogs.last_mut() {
                    dialog.drawn(hits.dialog);
                }
                self.hits = hits;
            }
            Msg::Terminate => return self.begin_to_stop(),
            Msg::EngineGone => {
                let reason = "it ended without saying why".to_owned();
                return vec![if self.stopping.is_none() {
                    Effect::Quit(Some(reason))
                } else {
                    self.depart()
                }];
            }
        }
        Vec::new()
    }

    fn take_in(&mut self, snapshot: Arc<Snapshot>) -> Vec<Effect> {
        self.snapshot = snapshot;
        self.rearrange();
        self.toasts.take_in(&self.snapshot, self.now);
        self.refresh_quit_question();
        for dialog in &mut self.dialogs {
            if let Dialog::Stop(stop) = dialog {
                stop.refresh(&self.snapshot);
            }
        }
        match &self.snapshot.ended {
            None => self.call_out(),
            Some(Ended::Because(reason)) if self.stopping.is_none() => {
                vec![Effect::Quit(Some(reason.clone()))]
            }
            Some(_) => vec![self.depart()],
        }
    }

    fn note_lost_lines(&mut self, lines: u64) {
        let text = format!("{} came too fast to show; the file has them", text::plural(lines, "line"));
        let level = crate::telemetry::LogLevel::Warn;
        let line = LogLine { at: self.now, level, target: "log".to_owned(), text };
        self.tabs.each(|page| page.note(&line));
    }

    /// Shows a toast.
    fn say(&mut self, level: NoticeLevel, text: impl Into<String>) {
        self.toasts.push(level, text, self.now);
    }

    fn input(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Resize => Vec::new(),
            Input::Focus(focused) => {
                self.outlook.focused = Some(focused);
                Vec::new()
            }
            Input::Key(key) => self.key(key),
            Input::Paste(text) => self.paste(&text),
            Input::Click { column, row } => self.click(column, row),
            Input::Scroll(lines) => self.scroll(lines),
        }
    }

    /// The top layer sees a key first: a dialog, then a filter that is being typed, then the screen's keys.
    fn key(&mut self, key: Key) -> Vec<Effect> {
        let action = self.keymap.action(key, self.tabs.page().place());
        if matches!(action, Some(Action::QuitNow | Action::Suspend)) {
            return self.run(action.unwrap_or(Action::QuitNow));
        }
        if let Some(dialog) = self.dialogs.last_mut() {
            if key.code == Code::Esc {
                if !dialog.step_back() {
                    self.dialogs.pop();
                    self.trying = None;
                }
                return Vec::new();
            }
            let reply = dialog.handle(DialogInput::Key(key));
            return self.reply(reply);
        }
        if self.is_filtering() && self.edit_filter(key) {
            return Vec::new();
        }
        if self.tabs.page().is_typing()
            && let Some(step) = self.on_page(|page, scene| page.type_key(key, scene))
        {
            self.rearrange();
            return self.follow(step);
        }
        action.map_or_else(Vec::new, |action| self.run(action))
    }

    /// Whether keys go into the filter of the page.
    fn is_filtering(&self) -> bool {
        self.tabs.page().filter().is_some_and(|filter| filter.editing)
    }

    /// Keys go into the filter until Enter keeps it or Esc clears it; the arrows still move in the list.
    fn edit_filter(&mut self, key: Key) -> bool {
        let Some(filter) = self.tabs.page_mut().filter_mut() else { return false };
        match key.code {
            Code::Enter => filter.editing = false,
            Code::Esc => filter.clear(),
            _ if filter.input.key(key) => {}
            _ => return false,
        }
        self.rearrange();
        true
    }

    fn rearrange(&mut self) {
        self.on_page(|page, scene| page.arrange(scene));
    }

    fn paste(&mut self, text: &str) -> Vec<Effect> {
        if let Some(dialog) = self.dialogs.last_mut() {
            let reply = dialog.handle(DialogInput::Paste(text));
            return self.reply(reply);
        }
        if let Some(filter) = self.tabs.page_mut().filter_mut().filter(|filter| filter.editing) {
            filter.input.paste(text);
        } else {
            self.tabs.page_mut().paste(text);
        }
        self.rearrange();
        Vec::new()
    }

    fn click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        let Some(target) = self.hits.at(column, row) else { return Vec::new() };
        if let Some(dialog) = self.dialogs.last_mut() {
            let Target::Option(option) = target else { return Vec::new() };
            let reply = dialog.handle(DialogInput::Press(option));
            return self.reply(reply);
        }
        match target {
            Target::Line(line) => self.tabs.page_mut().select_line(line),
            Target::Header(column) => self.sort_by(column),
            Target::Tab(screen) => self.show(screen),
            Target::Part(part) => self.on_page(|page, scene| {
                page.open_part(part);
                page.arrange(scene);
            }),
            Target::Run(action) => return self.run(action),
            Target::Option(_) | Target::Shield => {}
        }
        Vec::new()
    }

    fn scroll(&mut self, lines: i32) -> Vec<Effect> {
        if let Some(dialog) = self.dialogs.last_mut() {
            let reply = dialog.handle(DialogInput::Scroll(lines));
            return self.reply(reply);
        }
        self.tabs.page_mut().move_by(i64::from(lines));
        Vec::new()
    }

    fn reply(&mut self, reply: Reply) -> Vec<Effect> {
        match reply {
            Reply::Stay => return Vec::new(),
            Reply::Copy(text) => return self.copy(text, "the text"),
            Reply::Renew(renewing) => return vec![Effect::Renew(renewing)],
            Reply::Configure(change) => return vec![Effect::Configure(change)],
            Reply::TryProfile(profile) => return self.try_profile(profile, false),
            Reply::Arrange(arrangement) => {
                self.arrange_columns(arrangement);
                return Vec::new();
            }
            _ => drop(self.dialogs.pop()),
        }
        match reply {
            Reply::Run(action) => self.run(action),
            Reply::SortBy(column) => {
                self.sort_by(column);
                Vec::new()
            }
            Reply::Send(orders) => {
                self.tabs.page_mut().clear_marks();
                orders.into_iter().map(Effect::Send).collect()
            }
            Reply::Quit => self.begin_to_stop(),
            Reply::LeaveFor(profile) => self.leave_for(profile),
            Reply::OpenAnew(is_agreed) => self.try_profile(self.settings.profile.clone(), is_agreed),
            Reply::Stay
            | Reply::Copy(_)
            | Reply::Renew(_)
            | Reply::Configure(_)
            | Reply::TryProfile(_)
            | Reply::Arrange(_)
            | Reply::Close => Vec::new(),
        }
    }

    /// When the console wants to be told the time, if at all: often while something moves, once a second for
    /// the clock, once a minute for the ages in the table.
    #[must_use]
    pub fn pulse(&self) -> Duration {
        let moving = self.snapshot.active() > 0 && self.settings.animations;
        if moving || self.stopping.is_some() || self.toasts.are_ageing() || self.loading.is_waiting() {
            Duration::from_millis(100)
        } else if self.settings.clock {
            Duration::from_secs(1)
        } else {
            Duration::from_mins(1)
        }
    }
}
