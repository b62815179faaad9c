//! The one list of what a person can do here. Keys, footer, help and palette are all printed from it, and
//! `changes_state` is what read-only mode goes by. What an action does is in `app`; which key runs it may be
//! changed by the user, see `keymap`.

/// Declares the enum and its table together, so that no action can be in one and not in the other.
macro_rules! actions {
    ($($name:ident: $id:literal, $title:literal, $help:literal, $group:ident, $scope:ident, $changes:literal, [$($key:literal),*];)+) => {
        /// Something a person can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $help] $name,)+
        }

        impl Action {
            /// Every action, in the order help lists them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// What the table says about it.
            #[must_use]
            pub fn spec(self) -> &'static Spec {
                match self {
                    $(Self::$name => &Spec {
                        id: $id,
                        title: $title,
                        help: $help,
                        group: Group::$group,
                        scope: Scope::$scope,
                        changes_state: $changes,
                        keys: &[$($key),*],
                    },)+
                }
            }
        }
    };
}

/// What the table says about an action.
#[derive(Debug)]
pub struct Spec {
    /// The name in the configuration.
    pub id: &'static str,
    /// A word or two, for the footer.
    pub title: &'static str,
    /// One sentence, for help and palette.
    pub help: &'static str,
    /// Under which heading help lists it.
    pub group: Group,
    /// Where its keys work.
    pub scope: Scope,
    /// Whether it changes anything beyond this screen; refused in read-only mode.
    pub changes_state: bool,
    /// The default keys, the one to show first.
    pub keys: &'static [&'static str],
}

/// The headings of help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Acting on syncs.
    Sync,
    /// The log screen.
    Log,
    /// Finding and ordering rows.
    List,
    /// Moving about.
    Move,
    /// The program itself.
    Program,
}

impl Group {
    /// The heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Sync => "Syncs",
            Self::Log => "Log",
            Self::List => "Lists",
            Self::Move => "Moving",
            Self::Program => "Program",
        }
    }
}

/// Where one can be: a kind of page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The Cohorts screen.
    Cohorts,
    /// One cohort.
    Cohort,
    /// The Runs screen.
    Runs,
    /// One run.
    Run,
    /// The Live screen.
    Live,
    /// One request.
    Request,
    /// The Users screen.
    Users,
    /// The Setup screen.
    Setup,
    /// The Log screen.
    Log,
}

/// Where the keys of an action work. Two actions may share a key only if their scopes never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In every place.
    Everywhere,
    /// Where a cohort is chosen.
    Syncs,
    /// Where rows can be sorted.
    Tables,
    /// Where a page has parts.
    Parts,
    /// Where what a run told is listed.
    Changes,
    /// Where a connection is seen.
    Connections,
    /// On the Cohorts screen.
    Cohorts,
    /// Where a list grows at its end.
    Tails,
    /// Where users are listed.
    People,
    /// On the page of one cohort.
    Account,
    /// On the Users screen.
    Users,
    /// On the Setup screen.
    Setup,
    /// On the Log screen.
    Log,
}

impl Scope {
    fn places(self) -> &'static [Place] {
        use Place::{Cohort, Cohorts, Live, Log, Request, Run, Runs, Setup, Users};
        match self {
            Self::Everywhere => &[Cohorts, Cohort, Runs, Run, Live, Request, Users, Setup, Log],
            Self::Syncs => &[Cohorts, Cohort],
            Self::Tables => &[Cohorts, Cohort, Runs],
            Self::Parts => &[Cohort, Run, Request, Setup],
            Self::Changes => &[Cohort, Run],
            Self::Connections => &[Cohorts, Cohort, Setup],
            Self::Cohorts => &[Cohorts],
            Self::Tails => &[Live, Log],
            Self::People => &[Cohort, Run, Users],
            Self::Account => &[Cohort],
            Self::Users => &[Users],
            Self::Setup => &[Setup],
            Self::Log => &[Log],
        }
    }

    /// Whether the keys work in a place.
    #[must_use]
    pub fn covers(self, place: Place) -> bool {
        self.places().contains(&place)
    }

    /// Whether a key could mean either of two actions of these scopes.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.places().iter().any(|place| other.covers(*place))
    }
}

actions! {
    Open: "open", "open", "Open what is selected", Move, Everywhere, false, ["enter"];
    StartSync: "sync.start", "start sync", "Export the selected cohort: choose how, see what it will do, then start", Sync, Syncs, true, ["s"];
    PauseResume: "sync.pause", "pause", "Pause the sync after the request in flight, or resume a paused one", Sync, Syncs, true, ["p"];
    RunNow: "sync.run", "run now", "Run a recurring sync now instead of waiting for its time", Sync, Syncs, true, ["n"];
    Decide: "sync.decide", "decide", "Approve or discard the plan that waits for your decision", Sync, Syncs, true, ["a"];
    Reconnect: "sync.reconnect", "reconnect", "Take a fresh secret or webhook URL, try it, and go on with what the old one had paused", Sync, Connections, true, ["c"];
    FullRefresh: "sync.full_refresh", "tell everyone", "Tell mParticle every member again; it forgets who is inactive", Sync, Syncs, true, ["F"];
    Verify: "sync.verify", "verify", "Look users up in mParticle and see whether it holds what it was told", Sync, Syncs, true, ["v"];
    Repair: "sync.repair", "repair", "Tell those again whom the last verification found wrong", Sync, Syncs, true, ["R"];
    StopSync: "sync.stop", "stop", "End a sync; its attribute stays, is set to false or deleted", Sync, Syncs, true, ["x"];
    Refresh: "list.refresh", "refresh", "Ask Mixpanel for the list of cohorts again (one query)", Sync, Connections, true, ["r"];
    UndoSetting: "settings.undo", "undo", "Take back the last change of a setting, in the file too", Sync, Setup, true, ["U"];
    LogLevel: "log.level", "level", "Show only lines of at least the next level", Log, Log, false, ["l"];
    LogWrap: "log.wrap", "wrap", "Break long lines, or cut them", Log, Log, false, ["w"];
    Filter: "list.filter", "filter", "Show only what matches, with ! in front what does not; on the Users screen, type an id", List, Everywhere, false, ["/"];
    Sort: "list.sort", "sort", "Sort by a column; space hides one or shows it again", List, Tables, false, ["o"];
    InvertSort: "list.invert", "invert", "Turn the order round", List, Tables, false, ["O"];
    Follow: "list.follow", "follow", "Keep the newest line in view, or stop doing so", List, Tails, false, ["f"];
    Mark: "list.mark", "mark", "Mark the row, to act on several at once", List, Cohorts, false, ["space"];
    Tick: "setup.tick", "tick off", "Tick off what you have seen in the web consoles yourself, or take the tick back", List, Setup, false, ["space"];
    OnlyRejected: "changes.rejected", "rejected", "Show only the changes that mParticle rejected, or all of them", List, Changes, false, ["f"];
    ShowUser: "user.show", "user", "Everything about the selected user: cohorts, identity, what mParticle was told", List, People, false, ["u"];
    AskMixpanel: "user.ask", "ask Mixpanel", "Ask Mixpanel about the user, or whether they are in the selected cohort now (one query)", List, Users, false, ["a"];
    GroupBy: "users.group", "group by", "Group the users without an id by the next property, or by reason", List, Account, false, ["b"];
    WhatIf: "users.what_if", "what if", "See the matched share under another choice of identities, before changing anything", List, Account, false, ["w"];
    Look: "look", "facts", "Everything about the selected cohort or run, to read or to copy", List, Everywhere, false, ["i"];
    Export: "export", "export", "Write what is listed to a CSV file in the current directory", List, Everywhere, false, ["e"];
    ExportJson: "export.json", "export JSON", "Write what is listed as JSON, an object a line, in the current directory", List, Everywhere, false, ["E"];
    Copy: "copy", "copy", "Copy what is selected to the clipboard", List, Everywhere, false, ["y"];
    Down: "move.down", "down", "One row down", Move, Everywhere, false, ["j", "down"];
    Up: "move.up", "up", "One row up", Move, Everywhere, false, ["k", "up"];
    HalfDown: "move.half_down", "half page down", "Half a page down", Move, Everywhere, false, ["ctrl-d"];
    HalfUp: "move.half_up", "half page up", "Half a page up", Move, Everywhere, false, ["ctrl-u"];
    PageDown: "move.page_down", "page down", "A page down", Move, Everywhere, false, ["pgdn", "ctrl-f"];
    PageUp: "move.page_up", "page up", "A page up", Move, Everywhere, false, ["pgup", "ctrl-b"];
    First: "move.first", "first", "The first row", Move, Everywhere, false, ["g", "home"];
    Last: "move.last", "last", "The last row", Move, Everywhere, false, ["G", "end"];
    Back: "back", "back", "Back one level; never quits", Move, Everywhere, false, ["esc"];
    NextPart: "part.next", "next part", "The next part of this page", Move, Parts, false, ["l", "]", "right"];
    PreviousPart: "part.previous", "previous part", "The previous part of this page", Move, Parts, false, ["h", "[", "left"];
    ShowCohorts: "screen.cohorts", "cohorts", "The Cohorts screen", Move, Everywhere, false, ["1"];
    ShowRuns: "screen.runs", "runs", "The Runs screen", Move, Everywhere, false, ["2"];
    ShowLive: "screen.live", "live", "The Live screen: requests as they happen", Move, Everywhere, false, ["3"];
    ShowUsers: "screen.users", "users", "The Users screen", Move, Everywhere, false, ["4"];
    ShowSetup: "screen.setup", "setup", "The Setup screen", Move, Everywhere, false, ["5"];
    ShowLog: "screen.log", "log", "The Log screen", Move, Everywhere, false, ["6"];
    NextScreen: "screen.next", "next screen", "The next screen", Move, Everywhere, false, ["tab"];
    PreviousScreen: "screen.previous", "previous screen", "The previous screen", Move, Everywhere, false, ["backtab"];
    Profiles: "profiles", "profiles", "Go over to another profile of the configuration file, or open this one anew", Program, Everywhere, false, ["P"];
    Palette: "palette", "commands", "Find anything that can be done now and do it", Program, Everywhere, false, [":"];
    Help: "help", "help", "What the keys do here; type to search, Enter runs", Program, Everywhere, false, ["?"];
    Theme: "theme", "theme", "The next theme: dark, light, high contrast, mono, your own", Program, Everywhere, false, ["t"];
    Mouse: "mouse", "mouse", "Mouse on or off; off lets the terminal select text", Program, Everywhere, false, ["m"];
    Redraw: "redraw", "redraw", "Draw the whole screen again", Program, Everywhere, false, ["ctrl-l"];
    Suspend: "suspend", "suspend", "Back to the shell; fg returns", Program, Everywhere, false, ["ctrl-z"];
    Quit: "quit", "quit", "Quit; asks only while a sync runs", Program, Everywhere, false, ["q"];
    QuitNow: "quit.now", "quit", "Quit like q; works everywhere, in dialogs too", Program, Everywhere, false, ["ctrl-c"];
}

impl Action {
    /// The action of that name.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.spec().id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_action_is_described_named_once_and_bound() {
        let mut ids = HashSet::new();
        for action in Action::ALL {
            let spec = action.spec();
            assert!(ids.insert(spec.id), "{} is named twice", spec.id);
            assert_eq!(Action::from_id(spec.id), Some(*action));
            assert!(spec.help.len() > 8 && !spec.help.ends_with('.'), "{}: {}", spec.id, spec.help);
            assert!(!spec.title.is_empty() && spec.title.len() <= 16, "{}", spec.id);
            assert!(!spec.keys.is_empty(), "{} has no key", spec.id);
        }
    }

    #[test]
    fn whatever_acts_on_syncs_changes_state() {
        for action in Action::ALL {
            assert_eq!(action.spec().group == Group::Sync, action.spec().changes_state, "{action:?}");
        }
    }
}
