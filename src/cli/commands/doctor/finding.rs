//! What a check hands back: its verdict, what it found and what to do, in sentences. How that is printed belongs
//! to `report`.

use crate::cli::failure::Exit;

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Configuration,
    Credentials,
    Directories,
    State,
    Writer,
    Network,
    Cohorts,
    Journal,
    Mixpanel,
    Clock,
    Members,
    Mparticle,
    ProfileApi,
    Terminal,
}

impl Check {
    /// The word in JSON.
    pub(super) fn token(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Credentials => "credentials",
            Self::Directories => "directories",
            Self::State => "state",
            Self::Writer => "writer",
            Self::Network => "network",
            Self::Clock => "clock",
            Self::Members => "members",
            Self::Cohorts => "cohorts",
            Self::Journal => "journal",
            Self::Mixpanel => "mixpanel",
            Self::Mparticle => "mparticle",
            Self::ProfileApi => "profile_api",
            Self::Terminal => "terminal",
        }
    }

    /// The word for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Mixpanel => "Mixpanel",
            Self::Mparticle => "mParticle",
            Self::ProfileApi => "Profile API",
            other => other.token(),
        }
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Works, and may not be what is wanted.
    Warning,
    /// Keeps something from working; the exit code it leads to.
    Problem(Exit),
}

impl Verdict {
    /// The word in JSON and for people.
    pub(super) fn token(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem(_) => "problem",
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub check: Check,
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do. It may have several lines; one that begins with [`COMMAND`] is to be typed as it stands.
    pub remedy: Option<String>,
}

/// What a line of a remedy begins with when it is to be typed.
pub(super) const COMMAND: &str = "    ";

/// What a line of a remedy begins with when it goes on with a numbered one.
pub(super) const GOES_ON: &str = "   ";

impl Finding {
    pub(super) fn ok(check: Check, found: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, found: found.into(), remedy: None }
    }

    pub(super) fn warning(check: Check, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warning, found: found.into(), remedy: Some(remedy.into()) }
    }

    /// A problem that leads to this exit code, as far as it can: `doctor` knows 1 and 2.
    pub(super) fn problem(
        check: Check,
        exit: Exit,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let exit = if exit == Exit::Usage { Exit::Usage } else { Exit::Failed };
        Self { check, verdict: Verdict::Problem(exit), found: found.into(), remedy: Some(remedy.into()) }
    }
}

/// An error's words as a sentence: with a full stop, and a capital unless they begin with a name or a path.
pub(super) fn sentence(words: &str) -> String {
    let words = words.trim();
    let first = words.split([' ', ',']).next().unwrap_or_default();
    let is_word = first.chars().all(|letter| letter.is_ascii_lowercase());
    let mut text = String::with_capacity(words.len() + 1);
    let mut letters = words.chars();
    if is_word {
        text.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
    }
    text.push_str(letters.as_str());
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

/// A message of this program taken apart: what happened, for which `cause`, and what to do, which stands behind
/// its last semicolon. Only for messages that end in words of our own; others may hold semicolons anywhere.
pub(super) fn taken_apart(message: &str, cause: &str) -> (String, Option<String>) {
    let (happened, remedy) = match message.rsplit_once("; ") {
        Some((happened, remedy)) => (happened, Some(sentence(remedy))),
        None => (message, None),
    };
    (sentence(&format!("{happened}{cause}")), remedy)
}

/// What is at the bottom of an error, in brackets to stand behind its words; nothing when they say it already.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let words = cause.map(ToString::to_string).filter(|words| !error.to_string().contains(words));
    words.map_or_else(String::new, |words| format!(" ({words})"))
}

/// A path or a name as a shell takes it for one word.
pub(super) fn shell_word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:@,%".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_sentences_and_names_stay_as_they_are() {
        for (words, expected) in [
            ("could not connect; check it", "Could not connect; check it."),
            ("mixpanel.region is \"mars\"", "mixpanel.region is \"mars\"."),
            ("/etc/x:3:1: nonsense", "/etc/x:3:1: nonsense."),
            ("Mixpanel refuses. Nothing was changed.", "Mixpanel refuses. Nothing was changed."),
            ("", "."),
        ] {
            assert_eq!(sentence(words), expected);
        }
    }

    #[test]
    fn the_remedy_stands_behind_the_last_semicolon() {
        let (happened, remedy) = taken_apart("it is refused (it said; no); check the secret", " (403)");
        assert_eq!(happened, "It is refused (it said; no) (403).");
        assert_eq!(remedy.as_deref(), Some("Check the secret."));
        assert_eq!(taken_apart("it is refused", ""), ("It is refused.".to_owned(), None));
    }

    #[test]
    fn a_shell_takes_a_path_for_one_word() {
        assert_eq!(shell_word("/s/cohort-sync.db"), "/s/cohort-sync.db");
        assert_eq!(shell_word("/my state/it's"), r"'/my state/it'\''s'");
        assert_eq!(shell_word("$HOME"), "'$HOME'");
    }
}
