//! What goes into the console and what comes out of it. What a message changes and what an effect does is decided
//! elsewhere: by the app, and by the runtime.

use crate::config::edit::{Change, Edited};
use crate::config::{Adjustable, ProfileSummary, ShownSetting};
use crate::domain::Identity;
use crate::sync::command::Refusal;
use crate::sync::export::Export;
use crate::sync::pages::{Answer, Question};
use crate::sync::snapshot::Snapshot;
use crate::sync::user::{HeldAnswer, LiveAnswer, LiveQuestion};
use crate::telemetry::LogLine;
use crate::tui::canvas::HitMap;
use crate::tui::clipboard::CopyWay;
use crate::tui::dialogs::Order;
use crate::tui::dialogs::reconnect::Renewing;
use crate::tui::input::Input;
use jiff::Timestamp;
use std::sync::Arc;

/// Everything that can make the console act.
#[derive(Debug)]
pub enum Msg {
    /// The person did something.
    Input(Input),
    /// The engine published.
    Snapshot(Arc<Snapshot>),
    /// Time has passed.
    Tick(Timestamp),
    /// The program logged a line.
    Log(LogLine),
    /// The log was faster than the console.
    LogLost(u64),
    /// The engine answered an order.
    Answered(String, Result<(), Refusal>),
    /// What was recorded, or why it cannot be read.
    Loaded(Question, Result<Answer, String>),
    /// What Mixpanel answered about a user, or why it did not.
    Heard(LiveQuestion, Result<LiveAnswer, String>),
    /// What mParticle holds of somebody.
    Seen(Identity, Result<HeldAnswer, String>),
    /// A list was written: to which file and how many rows, or why not.
    Exported(Result<(String, u64), String>),
    /// A text was copied: what it was, and which way it went.
    Copied(String, CopyWay),
    /// A setting was changed in the file; or why it was not.
    Configured(Result<Box<Reconfigured>, String>),
    /// Fresh credentials were tried: where they are kept, or why they were not taken.
    Renewed(Result<String, String>),
    /// The profiles of the configuration file, or why it cannot be read.
    Profiles(Result<Vec<ProfileSummary>, String>),
    /// Whether the configuration of a profile can be used, or why not.
    ProfileTried(String, Result<(), String>),
    /// A frame was drawn, and this is where things are on it.
    Drawn(HitMap),
    /// The system asks the program to end.
    Terminate,
    /// The engine is gone without a last word.
    EngineGone,
}

/// A setting that was changed in the file, and what the file makes of it.
#[derive(Debug)]
pub struct Reconfigured {
    /// The change.
    pub edited: Edited,
    /// Every setting as it is now.
    pub shown: Vec<ShownSetting>,
    /// What can be taken up at once, or why it cannot be read.
    pub adjustable: Result<Adjustable, String>,
}

/// What the runtime is to do.
#[derive(Debug)]
pub enum Effect {
    /// Ask the engine.
    Send(Order),
    /// Read what was recorded.
    Load(Question),
    /// Ask Mixpanel about a user.
    Ask(LiveQuestion),
    /// Look somebody up in mParticle.
    LookUp(Identity),
    /// Do with the terminal by the settings that changed.
    Suit,
    /// Change a setting in the file.
    Configure(Change),
    /// Try fresh credentials and keep them.
    Renew(Box<Renewing>),
    /// See which profiles there are.
    ListProfiles,
    /// See whether the configuration of a profile can be used.
    TryProfile(String),
    /// Write a list to a file.
    Export(Export),
    /// Hand a text to the clipboard.
    Copy {
        /// The text.
        text: String,
        /// What it is, in words.
        what: String,
    },
    /// Call the person, who may be looking elsewhere.
    Notify(String),
    /// Listen to the mouse or not.
    Mouse(bool),
    /// Give the shell its turn.
    Suspend,
    /// Draw every cell anew.
    Redraw,
    /// End; with a reason when the engine stopped without being asked.
    Quit(Option<String>),
    /// End here and open a profile, this one anew or another.
    Open(String),
}
