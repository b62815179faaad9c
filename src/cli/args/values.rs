//! How single values are read: what each may be, and what is said of one that it cannot be.

use crate::config::Word;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::time::Duration;

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let wanted = "a number of seconds from 0.1 to 86400";
    let seconds: f64 = text.parse().map_err(|_| wanted.to_owned())?;
    if (0.1..=86_400.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(wanted.to_owned())
    }
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let wanted = "a share is a number from 0 to 1, such as 0.8";
    let share: f64 = text.parse().map_err(|_| wanted.to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(wanted.to_owned()) }
}

/// Reads one of the words of a closed list, and offers them in help and completions.
pub(super) fn word<W: Word + Send + Sync>() -> impl TypedValueParser<Value = W> {
    PossibleValuesParser::new(W::ALL.iter().map(|value| value.as_str()))
        .try_map(|text| W::from_word(&text).ok_or("not one of the possible values"))
}
