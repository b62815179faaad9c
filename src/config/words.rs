//! Settings whose value is one word out of a closed list, and the words themselves. The command line takes
//! its possible values from the same lists, so help, file and environment cannot disagree.

use crate::domain::Removal;

/// A type whose values are written as one word each.
pub trait Word: Copy + Sized + 'static {
    /// Every value, in the order in which help lists them.
    const ALL: &'static [Self];

    /// How the value is written.
    fn as_str(self) -> &'static str;

    /// Reads a value; upper and lower case are alike.
    fn from_word(word: &str) -> Option<Self> {
        let word = word.trim();
        Self::ALL.iter().copied().find(|value| value.as_str().eq_ignore_ascii_case(word))
    }
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$note:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$note])* $variant,)+
        }

        impl Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

impl Word for Removal {
    const ALL: &'static [Self] = &Removal::ALL;

    fn as_str(self) -> &'static str {
        self.token()
    }
}

words! {
    /// Where Mixpanel keeps the project's data; each region has its own host.
    Region {
        /// United States.
        Us = "us",
        /// European Union.
        Eu = "eu",
        /// India.
        In = "in",
    }
}

impl Region {
    /// The web address of the region's query API, without the path.
    #[must_use]
    pub fn base_url(self) -> &'static str {
        match self {
            Self::Us => "https://mixpanel.com",
            Self::Eu => "https://eu.mixpanel.com",
            Self::In => "https://in.mixpanel.com",
        }
    }
}

words! {
    /// How changes reach mParticle.
    Delivery {
        /// The Mixpanel Cohorts feed, with mParticle batches.
        Feed = "feed",
        /// The same feed, with Mixpanel's own cohort webhook.
        FeedMembers = "feed-members",
        /// The Events API of an input, with mParticle batches.
        EventsApi = "events-api",
    }
}

words! {
    /// The pod that an mParticle account lives in.
    Pod {
        /// United States, the first.
        Us1 = "us1",
        /// United States, the second.
        Us2 = "us2",
        /// European Union.
        Eu1 = "eu1",
        /// Australia.
        Au1 = "au1",
    }
}

impl Pod {
    /// The pod of an input: its key says so in front, as in `eu1-…`; keys without it are of the first pod.
    #[must_use]
    pub fn of_key(key: &str) -> Self {
        key.split_once('-').and_then(|(pod, _)| Self::from_word(pod)).unwrap_or(Self::Us1)
    }

    /// The host of its Events API (mParticle documentation, Data Localization), without the path.
    #[must_use]
    pub fn events_base_url(self) -> &'static str {
        match self {
            Self::Us1 => "https://s2s.us1.mparticle.com",
            Self::Us2 => "https://s2s.us2.mparticle.com",
            Self::Eu1 => "https://s2s.eu1.mparticle.com",
            Self::Au1 => "https://s2s.au1.mparticle.com",
        }
    }
}

words! {
    /// The mParticle environment that batches are labelled with.
    FeedEnvironment {
        /// Real users.
        Production = "production",
        /// For trying things out; shows in mParticle's Live Stream.
        Development = "development",
    }
}

words! {
    /// The mParticle identity that carries `$distinct_id` for people without an MPID: the 22 names that
    /// mParticle's published batch schema knows.
    FallbackIdentity {
        /// mParticle's default external identity for Mixpanel.
        CustomerId = "customer_id",
        /// An address.
        Email = "email",
        /// A free slot.
        Other = "other",
        /// A free slot.
        OtherId2 = "other_id_2",
        /// A free slot.
        OtherId3 = "other_id_3",
        /// A free slot.
        OtherId4 = "other_id_4",
        /// A free slot.
        OtherId5 = "other_id_5",
        /// A free slot.
        OtherId6 = "other_id_6",
        /// A free slot.
        OtherId7 = "other_id_7",
        /// A free slot.
        OtherId8 = "other_id_8",
        /// A free slot.
        OtherId9 = "other_id_9",
        /// A free slot.
        OtherId10 = "other_id_10",
        /// A telephone number.
        MobileNumber = "mobile_number",
        /// A second telephone number.
        PhoneNumber2 = "phone_number_2",
        /// A third telephone number.
        PhoneNumber3 = "phone_number_3",
        /// Another name of the person.
        Alias = "alias",
        /// A Facebook account.
        Facebook = "facebook",
        /// A Facebook audience member.
        FacebookCustomAudienceId = "facebook_custom_audience_id",
        /// A Google account.
        Google = "google",
        /// A Microsoft account.
        Microsoft = "microsoft",
        /// A Twitter account.
        Twitter = "twitter",
        /// A Yahoo account.
        Yahoo = "yahoo",
    }
}

words! {
    /// When output is coloured.
    ColorChoice {
        /// On a terminal that shows colours and unless `NO_COLOR` is set.
        Auto = "auto",
        /// Whatever the output is.
        Always = "always",
        /// Not at all.
        Never = "never",
    }
}

words! {
    /// The colours of the console.
    Theme {
        /// What the terminal's background suggests.
        Auto = "auto",
        /// For dark backgrounds.
        Dark = "dark",
        /// For light backgrounds.
        Light = "light",
        /// Only strong contrasts.
        HighContrast = "high-contrast",
        /// The terminal's own sixteen colours.
        Ansi = "ansi",
        /// No colour: bold, dim and reverse only.
        Mono = "mono",
    }
}

words! {
    /// What a theme of the operator's own starts from.
    ThemeBase {
        /// For dark backgrounds.
        Dark = "dark",
        /// For light backgrounds.
        Light = "light",
        /// Only strong contrasts.
        HighContrast = "high-contrast",
    }
}

impl ThemeBase {
    /// The built-in theme of that name.
    #[must_use]
    pub fn theme(self) -> Theme {
        match self {
            Self::Dark => Theme::Dark,
            Self::Light => Theme::Light,
            Self::HighContrast => Theme::HighContrast,
        }
    }
}

words! {
    /// What a theme gives a colour.
    ThemeRole {
        /// Text of the second rank.
        Muted = "muted",
        /// Lines and empty bars.
        Faint = "faint",
        /// What takes the keys, and the column that sorts.
        Focus = "focus",
        /// Keys to press.
        Key = "key",
        /// As it should be.
        Good = "good",
        /// At work now.
        Busy = "busy",
        /// Looks wrong, or waits for a person.
        Warn = "warn",
        /// Does not work.
        Bad = "bad",
        /// The background of the selected row.
        Selected = "selected",
        /// The text on it.
        SelectedText = "selected_text",
        /// The empty part of a bar.
        Track = "track",
        /// The text on badges.
        BadgeText = "badge_text",
    }
}

words! {
    /// How the console calls a person when a sync pauses or fails.
    Notify {
        /// Not at all.
        Off = "off",
        /// With the terminal's bell.
        Bell = "bell",
        /// With a notification of the desktop, by way of the terminal.
        Desktop = "desktop",
    }
}

words! {
    /// Which time the console shows.
    Clock {
        /// The time zone of this computer.
        Local = "local",
        /// Universal time, as the services log it.
        Utc = "utc",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn words_are_read_in_any_case_and_nothing_else_is() {
        assert_eq!(Region::from_word("EU"), Some(Region::Eu));
        assert_eq!(Region::from_word("europe"), None);
        assert_eq!(FallbackIdentity::from_word("customerid"), None);
    }

    #[test]
    fn a_key_names_its_pod() {
        for (key, pod) in
            [("eu1-0123", Pod::Eu1), ("us2-a-b", Pod::Us2), ("0123abcd", Pod::Us1), ("x-1", Pod::Us1)]
        {
            assert_eq!(Pod::of_key(key), pod);
        }
    }

    #[test]
    fn mparticle_publishes_twenty_two_identities() {
        let names: BTreeSet<_> = FallbackIdentity::ALL.iter().map(|identity| identity.as_str()).collect();
        assert_eq!(names.len(), 22);
    }
}
