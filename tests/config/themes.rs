//! The operator's own themes: what is read, which profile's, and what is said about slips.

use super::{WORKING, Written};
use cohort_sync::config::{Colour, OwnTheme, Theme, ThemeBase, ThemeRole};

/// Where the theme begins, so that the cases can count lines from it.
const DUSK: &str = "[ui]\ntheme = \"dusk\"\n[ui.themes.dusk]\n";

#[test]
fn a_theme_is_read_with_its_base_and_colours() {
    let text = format!(
        "{WORKING}\n{DUSK}base = \"light\"\nfocus = \"#C4a7e7\"\ngood = \"bright-green\"\nselected = 236\n\
         [profiles.eu.ui.themes.dusk]\nfocus = \"red\"\n"
    );
    let written = Written::new(&text);
    let interface = written.config("default", &[]).unwrap().interface;
    let colours = [
        (ThemeRole::Focus, Colour::Rgb(0x00c4_a7e7)),
        (ThemeRole::Good, Colour::Indexed(10)),
        (ThemeRole::Selected, Colour::Indexed(236)),
    ];
    let dusk = OwnTheme { name: "dusk".to_owned(), base: ThemeBase::Light, colours: colours.into() };
    assert_eq!((interface.theme, interface.own_theme.as_deref()), (Theme::Light, Some("dusk")));
    assert_eq!(interface.own_themes, [dusk]);
    let of_profile = &written.config("eu", &[]).unwrap().interface.own_themes[0];
    assert_eq!(of_profile.colours[&ThemeRole::Focus], Colour::Indexed(1));
    assert_eq!(of_profile.base, ThemeBase::Light);
    // A variable begins with another, and the theme stays within reach.
    let other = written.config("default", &[("COHORT_SYNC_UI_THEME", "high-contrast")]).unwrap().interface;
    assert_eq!((other.theme, other.own_theme, other.own_themes.len()), (Theme::HighContrast, None, 1));
    let shown = written.layers("default", &[]).unwrap().shown();
    assert!(shown.iter().any(|one| one.key == "ui.themes.dusk.selected" && one.value == "236"));
}

#[test]
fn slips_in_a_theme_are_told_with_the_line_and_what_was_meant() {
    const COLOUR: &str =
        "a colour: \"#rrggbb\", a name such as \"red\" or \"bright-red\", or a number from 0 to 255";
    let colour = |line: u8, role: &str, found: &str, hint: &str| {
        format!("FILE:{line}: ui.themes.dusk.{role} is {found}, but must be {COLOUR}{hint}")
    };
    let line = u8::try_from(WORKING.lines().count()).unwrap() + 5;
    let cases = [
        (
            "base = \"ligth\"",
            format!(
                "FILE:{line}: ui.themes.dusk.base is \"ligth\", but must be dark, light or high-contrast; did you mean light?"
            ),
        ),
        (
            "focsu = \"red\"",
            format!("FILE:{line}: ui.themes.dusk.focsu is not a setting; did you mean ui.themes.dusk.focus?"),
        ),
        ("good = \"gren\"", colour(line, "good", "\"gren\"", "; did you mean green?")),
        ("good = \"#12345\"", colour(line, "good", "\"#12345\"", "")),
        ("good = \"#+12345\"", colour(line, "good", "\"#+12345\"", "")),
        ("good = 256", colour(line, "good", "256", "")),
        ("good = true", colour(line, "good", "true", "")),
        (
            "good = [1]",
            format!(
                "FILE:{line}: ui.themes.dusk.good is of type array, but must be a colour, such as \"#rrggbb\""
            ),
        ),
    ];
    for (slip, message) in cases {
        let sound = "muted = 8\n";
        let written = Written::new(&format!("{WORKING}\n{DUSK}{slip}\n{sound}"));
        assert_eq!(written.message(&[]), message);
    }
}

#[test]
fn a_theme_that_does_not_exist_is_told_with_the_nearest() {
    let written = Written::new(&format!("{WORKING}\n{DUSK}muted = 8\n"));
    assert_eq!(
        written.message(&[("COHORT_SYNC_UI_THEME", "dsuk")]),
        "COHORT_SYNC_UI_THEME: ui.theme is \"dsuk\", but must be auto, dark, light, high-contrast, ansi, mono or \
         the name of a table [ui.themes.NAME]; did you mean dusk?"
    );
    let built_in = Written::new(&format!("{WORKING}\n[ui.themes.mono]\nmuted = 8\n"));
    assert!(built_in.message(&[]).contains("ui.themes.mono.muted is in a theme with a built-in name"));
}
