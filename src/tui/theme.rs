//! What each meaning looks like. Whoever draws names a [`Role`]; only this file names a colour. A theme gives
//! every role a shade in three depths, so that a terminal of 16 colours gets its own sixteen (which the user
//! chose) and not a guess at somebody's RGB. Without colours, bold, dim, underline and reverse carry the
//! meaning, next to the words that always stand beside them.

mod own;

pub use own::OwnTheme;

use ratatui::style::{Color, Modifier, Style};

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ordinary text, in the terminal's own colour.
    Text,
    /// Text that matters: names, totals.
    Strong,
    /// Text of the second rank: labels, units, what is not available now.
    Muted,
    /// Lines, empty bars, the scroll bar's track.
    Faint,
    /// The heading of a box or a column.
    Title,
    /// The column that sorts, the tab that is open, the field that takes keys.
    Focus,
    /// The cells of the selected row or entry.
    Selected,
    /// A key to press.
    Key,
    /// As it should be.
    Good,
    /// At work now.
    Busy,
    /// Looks wrong, or waits for a person.
    Warn,
    /// Does not work.
    Bad,
    /// The matched letters of a filter.
    Match,
    /// The empty part of a bar; a background, so only where there are quiet ones.
    Track,
    /// `DEMO`.
    DemoBadge,
    /// `READ-ONLY`.
    ReadOnlyBadge,
}

/// The theme the operator asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ThemeChoice {
    /// For dark backgrounds.
    #[default]
    Dark,
    /// For light backgrounds.
    Light,
    /// Only strong contrasts.
    HighContrast,
    /// No colours at all.
    Mono,
    /// One of the operator's own.
    Own(&'static OwnTheme),
}

impl ThemeChoice {
    /// Every built-in theme, in the order the theme key goes through them.
    pub const ALL: [Self; 4] = [Self::Dark, Self::Light, Self::HighContrast, Self::Mono];

    /// The word in the configuration.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
            Self::Mono => "mono",
            Self::Own(own) => own.name(),
        }
    }

    /// The theme of that name.
    #[must_use]
    pub fn named(name: &str, among: &[Self]) -> Option<Self> {
        among.iter().copied().find(|choice| choice.token() == name)
    }

    /// The theme after this one.
    #[must_use]
    pub fn next(self, among: &[Self]) -> Self {
        let index = among.iter().position(|choice| *choice == self).map_or(0, |index| index + 1);
        among.get(index).or(among.first()).copied().unwrap_or_default()
    }
}

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColourDepth {
    /// None, or none are wanted.
    None,
    /// The sixteen of the user's own palette.
    Ansi16,
    /// The fixed 256.
    Ansi256,
    /// 24 bits.
    #[default]
    True,
}

impl ColourDepth {
    /// Judges by the usual environment variables, which the caller reads: a non-empty `NO_COLOR` wins, then
    /// `COLORTERM`, then what the name of the terminal tells.
    #[must_use]
    pub fn detect(no_color: Option<&str>, colorterm: Option<&str>, term: Option<&str>) -> Self {
        let term = term.unwrap_or_default();
        let direct = |name: &str| name.ends_with("-direct") || name.contains("truecolor");
        if no_color.is_some_and(|value| !value.is_empty()) || term == "dumb" {
            Self::None
        } else if matches!(colorterm, Some("truecolor" | "24bit")) || direct(term) {
            Self::True
        } else if term.contains("256color") {
            Self::Ansi256
        } else {
            Self::Ansi16
        }
    }
}

/// One colour in the three depths; `None` is the terminal's own.
type Shade = Option<[Color; 3]>;

const fn shade(rgb: u32, index: u8, ansi: Color) -> [Color; 3] {
    let [_, red, green, blue] = rgb.to_be_bytes();
    [Color::Rgb(red, green, blue), Color::Indexed(index), ansi]
}

/// The shades of a theme. Everything not named here is drawn in the terminal's own foreground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Palette {
    muted: Shade,
    faint: Shade,
    focus: Shade,
    key: Shade,
    good: Shade,
    busy: Shade,
    warn: Shade,
    bad: Shade,
    selected: Shade,
    /// The text on it, or a theme that does not suit the terminal's background would hide the row.
    on_selected: Shade,
    track: Shade,
    /// The text on a badge and on the selected row in 16 colours, where the row's shade is strong.
    ink: Shade,
}

const DARK: Palette = Palette {
    muted: Some(shade(0x8b_949e, 246, Color::DarkGray)),
    faint: Some(shade(0x48_4f58, 239, Color::DarkGray)),
    focus: Some(shade(0x79_c0ff, 117, Color::Cyan)),
    key: Some(shade(0xd2_a8ff, 183, Color::Magenta)),
    good: Some(shade(0x56_d364, 77, Color::Green)),
    busy: Some(shade(0x58_a6ff, 75, Color::Blue)),
    warn: Some(shade(0xe3_b341, 179, Color::Yellow)),
    bad: Some(shade(0xff_7b72, 210, Color::LightRed)),
    selected: Some(shade(0x26_3040, 237, Color::Reset)),
    on_selected: Some(shade(0xe6_edf3, 255, Color::Reset)),
    track: Some(shade(0x30_3a46, 238, Color::Reset)),
    ink: Some(shade(0x0d_1117, 233, Color::Black)),
};

const LIGHT: Palette = Palette {
    muted: Some(shade(0x65_6d76, 242, Color::DarkGray)),
    faint: Some(shade(0xaf_b8c1, 249, Color::Gray)),
    focus: Some(shade(0x09_69da, 26, Color::Blue)),
    key: Some(shade(0x82_50df, 98, Color::Magenta)),
    good: Some(shade(0x1a_7f37, 28, Color::Green)),
    busy: Some(shade(0x05_50ae, 25, Color::Blue)),
    warn: Some(shade(0x95_5e00, 94, Color::Magenta)),
    bad: Some(shade(0xcf_222e, 160, Color::Red)),
    selected: Some(shade(0xdd_e8f8, 254, Color::Reset)),
    on_selected: Some(shade(0x1f_2328, 235, Color::Reset)),
    track: Some(shade(0xd0_d7de, 252, Color::Reset)),
    ink: Some(shade(0xff_ffff, 231, Color::White)),
};

const HIGH_CONTRAST: Palette = Palette {
    muted: None,
    faint: None,
    focus: Some(shade(0x00_ffff, 51, Color::LightCyan)),
    key: Some(shade(0xff_ff00, 226, Color::LightYellow)),
    good: Some(shade(0x00_ff00, 46, Color::LightGreen)),
    busy: Some(shade(0x00_ffff, 51, Color::LightCyan)),
    warn: Some(shade(0xff_ff00, 226, Color::LightYellow)),
    bad: Some(shade(0xff_8080, 210, Color::LightRed)),
    selected: Some(shade(0x00_00d0, 20, Color::Reset)),
    on_selected: Some(shade(0xff_ffff, 231, Color::Reset)),
    track: Some(shade(0x50_5050, 239, Color::Reset)),
    ink: Some(shade(0x00_0000, 16, Color::Black)),
};

/// A theme at a depth of colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    choice: ThemeChoice,
    depth: ColourDepth,
}

impl Theme {
    /// The theme as far as the terminal can show it.
    #[must_use]
    pub fn new(choice: ThemeChoice, depth: ColourDepth) -> Self {
        Self { choice, depth }
    }

    /// Which theme this is.
    #[must_use]
    pub fn choice(self) -> ThemeChoice {
        self.choice
    }

    /// Whether no colour is used, so that words must say what colours would.
    #[must_use]
    pub fn is_mono(self) -> bool {
        self.choice == ThemeChoice::Mono || self.depth == ColourDepth::None
    }

    /// How a role looks.
    #[must_use]
    pub fn style(self, role: Role) -> Style {
        match self.palette() {
            Some(palette) => self.coloured(role, palette),
            None => mono(role),
        }
    }

    /// How a role looks on the selected row. Where that is reversed, colours would turn into blocks and the
    /// second rank would drown, so only the words speak there.
    #[must_use]
    pub fn on_selected(self, role: Role) -> Style {
        if self.is_reversing() {
            return Style::new();
        }
        let text = self.palette().and_then(|palette| self.colour(palette.on_selected));
        let text = text.map_or(Style::new(), |colour| Style::new().fg(colour));
        text.patch(self.style(role))
    }

    /// Whether there are no quiet backgrounds: the selected row is reversed, and the empty part of a bar needs
    /// a symbol.
    #[must_use]
    pub fn is_reversing(self) -> bool {
        self.depth < ColourDepth::Ansi256 || self.is_mono()
    }

    fn palette(self) -> Option<&'static Palette> {
        match self.choice {
            _ if self.depth == ColourDepth::None => None,
            ThemeChoice::Dark => Some(&DARK),
            ThemeChoice::Light => Some(&LIGHT),
            ThemeChoice::HighContrast => Some(&HIGH_CONTRAST),
            ThemeChoice::Own(own) => Some(own.palette()),
            ThemeChoice::Mono => None,
        }
    }

    fn coloured(self, role: Role, palette: &Palette) -> Style {
        let fg = |shade: Shade| self.colour(shade).map_or(Style::new(), |colour| Style::new().fg(colour));
        let badge = |shade: Shade| {
            let style = fg(palette.ink).add_modifier(Modifier::BOLD);
            self.colour(shade).map_or(style, |colour| style.bg(colour))
        };
        match role {
            Role::Text => Style::new(),
            Role::Strong | Role::Title => Style::new().add_modifier(Modifier::BOLD),
            Role::Muted => fg(palette.muted),
            Role::Faint => fg(palette.faint),
            Role::Focus => fg(palette.focus).add_modifier(Modifier::BOLD),
            Role::Selected => self.selection(palette),
            Role::Key => fg(palette.key),
            Role::Good => fg(palette.good),
            Role::Busy => fg(palette.busy),
            Role::Warn => fg(palette.warn),
            Role::Bad => fg(palette.bad),
            Role::Match => fg(palette.warn).add_modifier(Modifier::UNDERLINED),
            Role::Track if self.is_reversing() => Style::new(),
            Role::Track => self.colour(palette.track).map_or(Style::new(), |colour| Style::new().bg(colour)),
            Role::DemoBadge => badge(palette.key),
            Role::ReadOnlyBadge => badge(palette.warn),
        }
    }

    /// The sixteen colours hold no quiet background that suits every palette, so the row is reversed there.
    fn selection(self, palette: &Palette) -> Style {
        match self.depth {
            ColourDepth::None | ColourDepth::Ansi16 => Style::new().add_modifier(Modifier::REVERSED),
            _ => self.colour(palette.selected).map_or(Style::new(), |colour| Style::new().bg(colour)),
        }
    }

    fn colour(self, shade: Shade) -> Option<Color> {
        let [rgb, index, ansi] = shade?;
        match self.depth {
            ColourDepth::None => None,
            ColourDepth::Ansi16 => Some(ansi),
            ColourDepth::Ansi256 => Some(index),
            ColourDepth::True => Some(rgb),
        }
    }
}

fn mono(role: Role) -> Style {
    let with = |modifier| Style::new().add_modifier(modifier);
    match role {
        Role::Text | Role::Good | Role::Busy | Role::Track => Style::new(),
        Role::Strong | Role::Title | Role::Key | Role::Warn => with(Modifier::BOLD),
        Role::Muted | Role::Faint => with(Modifier::DIM),
        Role::Focus | Role::Match => with(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Selected => with(Modifier::REVERSED),
        Role::Bad | Role::DemoBadge | Role::ReadOnlyBadge => with(Modifier::BOLD | Modifier::REVERSED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_judged_by_the_environment() {
        let detect = ColourDepth::detect;
        assert_eq!(detect(Some("1"), Some("truecolor"), Some("xterm-256color")), ColourDepth::None);
        assert_eq!(detect(Some(""), Some("truecolor"), Some("xterm")), ColourDepth::True);
        assert_eq!(detect(None, None, Some("screen-256color")), ColourDepth::Ansi256);
        assert_eq!(detect(None, None, Some("linux")), ColourDepth::Ansi16);
        assert_eq!(detect(None, Some("truecolor"), Some("dumb")), ColourDepth::None);
        assert_eq!(detect(None, None, None), ColourDepth::Ansi16);
    }

    #[test]
    fn mono_uses_no_colour() {
        let theme = Theme::new(ThemeChoice::Mono, ColourDepth::True);
        for role in [Role::Bad, Role::Selected, Role::Key, Role::DemoBadge, Role::Muted] {
            assert_eq!((theme.style(role).fg, theme.style(role).bg), (None, None));
        }
    }

    #[test]
    fn the_theme_key_goes_through_all_themes() {
        let mut choice = ThemeChoice::default();
        for _ in ThemeChoice::ALL {
            assert_eq!(ThemeChoice::named(choice.token(), &ThemeChoice::ALL), Some(choice));
            choice = choice.next(&ThemeChoice::ALL);
        }
        assert_eq!(choice, ThemeChoice::default());
    }
}
