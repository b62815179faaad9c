//! The operator's own themes: a built-in palette with some shades replaced. A colour of 24 bits is brought down to
//! the 256 by distance; for sixteen colours the base's shade stays, which was chosen for such terminals.

use super::{DARK, HIGH_CONTRAST, LIGHT, Palette, Shade, ThemeChoice};
use crate::config::{self, Colour, ThemeBase, ThemeRole};
use ratatui::style::Color;

/// A theme of the operator's own, ready to draw with.
#[derive(Debug, PartialEq, Eq)]
pub struct OwnTheme {
    name: String,
    palette: Palette,
}

impl OwnTheme {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn palette(&self) -> &Palette {
        &self.palette
    }
}

impl ThemeChoice {
    /// A theme from the configuration. It is kept until the process ends, so that a choice stays a small value;
    /// there are a handful, read once.
    #[must_use]
    pub fn own(theme: &config::OwnTheme) -> Self {
        let mut palette = match theme.base {
            ThemeBase::Dark => DARK,
            ThemeBase::Light => LIGHT,
            ThemeBase::HighContrast => HIGH_CONTRAST,
        };
        for (role, colour) in &theme.colours {
            let shade = palette.shade_of(*role);
            *shade = Some(shown(*colour, *shade));
        }
        Self::Own(Box::leak(Box::new(OwnTheme { name: theme.name.clone(), palette })))
    }
}

impl Palette {
    fn shade_of(&mut self, role: ThemeRole) -> &mut Shade {
        match role {
            ThemeRole::Muted => &mut self.muted,
            ThemeRole::Faint => &mut self.faint,
            ThemeRole::Focus => &mut self.focus,
            ThemeRole::Key => &mut self.key,
            ThemeRole::Good => &mut self.good,
            ThemeRole::Busy => &mut self.busy,
            ThemeRole::Warn => &mut self.warn,
            ThemeRole::Bad => &mut self.bad,
            ThemeRole::Selected => &mut self.selected,
            ThemeRole::SelectedText => &mut self.on_selected,
            ThemeRole::Track => &mut self.track,
            ThemeRole::BadgeText => &mut self.ink,
        }
    }
}

/// A colour in the three depths.
fn shown(colour: Colour, base: Shade) -> [Color; 3] {
    let ansi = base.map_or(Color::Reset, |[_, _, ansi]| ansi);
    match colour {
        Colour::Rgb(rgb) => {
            let [_, red, green, blue] = rgb.to_be_bytes();
            [Color::Rgb(red, green, blue), Color::Indexed(nearest([red, green, blue])), ansi]
        }
        Colour::Indexed(index @ 0..16) => [Color::Indexed(index); 3],
        Colour::Indexed(index) => [Color::Indexed(index), Color::Indexed(index), ansi],
    }
}

/// The nearest of the fixed 240, the cube and the greys; the first sixteen look different everywhere.
fn nearest(rgb: [u8; 3]) -> u8 {
    let far = |index: &u8| {
        let shade = fixed(*index);
        rgb.iter().zip(shade).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum::<u32>()
    };
    (16..=u8::MAX).min_by_key(far).unwrap_or(u8::MAX)
}

/// What one of the fixed 240 looks like.
fn fixed(index: u8) -> [u8; 3] {
    if index >= 232 {
        return [8 + 10 * (index - 232); 3];
    }
    let step = |place: u8| [0, 95, 135, 175, 215, 255][usize::from((index - 16) / place % 6)];
    [step(36), step(6), step(1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::{ColourDepth, Role, Theme};

    fn dusk() -> ThemeChoice {
        let colours = [
            (ThemeRole::Focus, Colour::Rgb(0x00c4_a7e7)),
            (ThemeRole::Good, Colour::Indexed(10)),
            (ThemeRole::Selected, Colour::Indexed(236)),
        ];
        ThemeChoice::own(&config::OwnTheme {
            name: "dusk".to_owned(),
            base: ThemeBase::Light,
            colours: colours.into(),
        })
    }

    #[test]
    fn what_it_does_not_name_is_as_in_its_base() {
        let at = |depth| (Theme::new(dusk(), depth), Theme::new(ThemeChoice::Light, depth));
        for depth in [ColourDepth::Ansi16, ColourDepth::Ansi256, ColourDepth::True] {
            let (own, base) = at(depth);
            assert_eq!(own.style(Role::Bad), base.style(Role::Bad));
            assert_eq!(own.style(Role::Good).fg, Some(Color::Indexed(10)));
        }
        let focus = |depth| at(depth).0.style(Role::Focus).fg;
        assert_eq!(focus(ColourDepth::True), Some(Color::Rgb(0xc4, 0xa7, 0xe7)));
        assert_eq!(focus(ColourDepth::Ansi256), Some(Color::Indexed(182)));
        assert_eq!(
            focus(ColourDepth::Ansi16),
            Theme::new(ThemeChoice::Light, ColourDepth::Ansi16).style(Role::Focus).fg
        );
        assert_eq!(at(ColourDepth::True).0.style(Role::Selected).bg, Some(Color::Indexed(236)));
        assert_eq!(at(ColourDepth::None).0.style(Role::Good).fg, None);
    }

    #[test]
    fn the_theme_key_comes_to_it_after_the_built_in_ones() {
        let own = dusk();
        let all: Vec<ThemeChoice> = ThemeChoice::ALL.into_iter().chain([own]).collect();
        assert_eq!(ThemeChoice::Mono.next(&all), own);
        assert_eq!(own.next(&all), ThemeChoice::Dark);
        assert_eq!(ThemeChoice::named("dusk", &all), Some(own));
    }

    #[test]
    fn the_fixed_colours_are_their_own_neighbours() {
        for index in [16, 21, 46, 196, 231, 244] {
            assert_eq!(fixed(nearest(fixed(index))), fixed(index));
        }
    }
}
