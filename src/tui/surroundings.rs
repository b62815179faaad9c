//! What stands between the console and the person's eyes: a multiplexer, a network, a desktop. Judged by the
//! environment, which the caller read; from it follow how a sequence reaches the outer terminal, which tools
//! know the clipboard of this desktop, and in which words a terminal is asked to show a notification.

/// A program that the terminal is drawn into, instead of the terminal itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Multiplexer {
    /// None.
    #[default]
    None,
    /// tmux; it hands on what is wrapped when `allow-passthrough` is on.
    Tmux,
    /// GNU screen; it hands on what is wrapped, in short pieces.
    Screen,
}

/// The protocol by which a terminal is asked to show a notification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NoticeProtocol {
    /// OSC 9: iTerm2, `WezTerm`, Ghostty, kitty, Windows Terminal, and ignored without harm elsewhere.
    #[default]
    Osc9,
    /// OSC 777: foot, rxvt-unicode and the terminals made with VTE.
    Osc777,
}

/// A program that takes the text on its standard input and the words to call it by.
pub type CopyTool = &'static [&'static str];

/// Everything that was found out about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// What the terminal is drawn into.
    pub multiplexer: Multiplexer,
    /// How notifications are asked for.
    pub notices: NoticeProtocol,
    /// The tools that may reach the clipboard of this desktop, the likeliest first; none over a network, where
    /// they would reach the clipboard of a machine that nobody sits at.
    pub copy_tools: Vec<CopyTool>,
}

/// GNU screen takes 768 bytes in one piece, older ones 256; what wraps them counts too.
const SCREEN_PIECE: usize = 240;

impl Surroundings {
    /// Judges by the usual environment variables; `get` tells one, `None` when it is unset or empty.
    #[must_use]
    pub fn detect<'e>(get: impl Fn(&str) -> Option<&'e str>) -> Self {
        let term = get("TERM").unwrap_or_default();
        let has = |name: &str| get(name).is_some();
        let multiplexer = if has("TMUX") {
            Multiplexer::Tmux
        } else if has("STY") {
            Multiplexer::Screen
        } else {
            Multiplexer::None
        };
        let speaks_777 = term.starts_with("foot") || term.starts_with("rxvt") || has("VTE_VERSION");
        // A multiplexer names itself here, and then the variables that the outer terminal left decide.
        let speaks_9 = matches!(get("TERM_PROGRAM"), Some("iTerm.app" | "WezTerm" | "ghostty"));
        let notices = if speaks_777 && !speaks_9 { NoticeProtocol::Osc777 } else { NoticeProtocol::Osc9 };
        let remote = ["SSH_TTY", "SSH_CONNECTION", "SSH_CLIENT"].into_iter().any(has);
        let mut copy_tools: Vec<CopyTool> = Vec::new();
        if !remote {
            if cfg!(target_os = "macos") {
                copy_tools.push(&["pbcopy"]);
            }
            if has("WAYLAND_DISPLAY") {
                copy_tools.push(&["wl-copy"]);
            }
            if has("DISPLAY") {
                copy_tools.push(&["xclip", "-selection", "clipboard"]);
                copy_tools.push(&["xsel", "--clipboard", "--input"]);
            }
        }
        Self { multiplexer, notices, copy_tools }
    }
}

impl Multiplexer {
    /// Wraps a sequence so that it reaches the terminal outside. It must not end in ESC \, which would end the
    /// wrapping too early in screen.
    #[must_use]
    pub fn pass(self, sequence: &str) -> String {
        match self {
            Self::None => sequence.to_owned(),
            Self::Tmux => format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")),
            Self::Screen => {
                let mut wrapped = String::with_capacity(sequence.len() + sequence.len() / 50 + 8);
                let mut rest = sequence;
                while !rest.is_empty() {
                    let end =
                        (0..=rest.len().min(SCREEN_PIECE)).rev().find(|end| rest.is_char_boundary(*end));
                    let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
                    wrapped.push_str("\x1bP");
                    wrapped.push_str(piece);
                    wrapped.push_str("\x1b\\");
                    rest = after;
                }
                wrapped
            }
        }
    }
}

impl NoticeProtocol {
    /// The sequence that shows a text under a title. The text holds no control characters.
    #[must_use]
    pub fn sequence(self, title: &str, text: &str) -> String {
        match self {
            Self::Osc9 => format!("\x1b]9;{title}: {text}\x07"),
            // A semicolon would begin another field.
            Self::Osc777 => {
                format!("\x1b]777;notify;{};{}\x07", title.replace(';', ","), text.replace(';', ","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(variables: &[(&str, &'static str)]) -> Surroundings {
        Surroundings::detect(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        })
    }

    #[test]
    fn the_tools_of_a_desktop_are_left_alone_over_a_network() {
        let tools = |variables| detect(variables).copy_tools.iter().map(|tool| tool[0]).collect::<Vec<_>>();
        let own: &[&str] = if cfg!(target_os = "macos") { &["pbcopy"] } else { &[] };
        let with = |more: &[&'static str]| [own, more].concat();
        assert_eq!(tools(&[]), own);
        assert_eq!(tools(&[("WAYLAND_DISPLAY", "wayland-0")]), with(&["wl-copy"]));
        assert_eq!(tools(&[("DISPLAY", ":0")]), with(&["xclip", "xsel"]));
        assert!(tools(&[("DISPLAY", ":10"), ("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")]).is_empty());
        assert!(tools(&[("WAYLAND_DISPLAY", "w"), ("SSH_TTY", "/dev/pts/1")]).is_empty());
    }

    #[test]
    fn notifications_are_asked_for_as_the_terminal_understands() {
        let notices = |variables| detect(variables).notices;
        assert_eq!(notices(&[("TERM", "xterm-256color")]), NoticeProtocol::Osc9);
        assert_eq!(notices(&[("TERM", "foot")]), NoticeProtocol::Osc777);
        assert_eq!(notices(&[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")]), NoticeProtocol::Osc777);
        assert_eq!(notices(&[("TERM_PROGRAM", "ghostty"), ("VTE_VERSION", "7600")]), NoticeProtocol::Osc9);
        assert_eq!(NoticeProtocol::Osc777.sequence("a", "b;c"), "\x1b]777;notify;a;b,c\x07");
    }

    #[test]
    fn what_is_wrapped_comes_out_as_it_went_in() {
        let sequence = format!("\x1b]52;c;{}\x07", "QUJD".repeat(200));
        assert_eq!(detect(&[("TERM", "screen"), ("STY", "1.pts")]).multiplexer, Multiplexer::Screen);
        assert_eq!(detect(&[("TMUX", "/tmp/tmux-0/default,1,0")]).multiplexer, Multiplexer::Tmux);
        assert_eq!(Multiplexer::None.pass(&sequence), sequence);
        let tmux = Multiplexer::Tmux.pass(&sequence);
        let inner = tmux.strip_prefix("\x1bPtmux;").unwrap().strip_suffix("\x1b\\").unwrap();
        assert_eq!(inner.replace("\x1b\x1b", "\x1b"), sequence);
        let screen = Multiplexer::Screen.pass(&sequence);
        let pieces: Vec<&str> = screen.split("\x1b\\").filter(|piece| !piece.is_empty()).collect();
        assert!(pieces.len() > 3 && pieces.iter().all(|piece| piece.len() < 256));
        let joined: String = pieces.iter().map(|piece| piece.strip_prefix("\x1bP").unwrap()).collect();
        assert_eq!(joined, sequence);
    }
}
