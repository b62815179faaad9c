//! What the file of a list is called: what the list is, of which cohort, and when it was written.

use jiff::Timestamp;

/// The longest that words may be, in bytes. A cohort may be called a whole sentence, and a file must still be told
/// from its neighbours in a list of files and fit where names end after 255 bytes.
const LONGEST: usize = 60;

/// The name without what tells it from others of the same second, in letters that every file system takes.
pub(super) fn stem(name: &str, at: Timestamp) -> String {
    let apart = |c: char| !c.is_alphanumeric();
    let words: Vec<&str> = name.split(apart).filter(|word| !word.is_empty()).collect();
    let words = words.join("-").to_lowercase();
    format!("{}-{}", shortened(&words), at.strftime("%Y%m%d-%H%M%S"))
}

/// As many whole words as there is room for, unless the last of them is longer than all before.
fn shortened(words: &str) -> &str {
    if words.len() <= LONGEST {
        return words;
    }
    let cut = &words[..words.floor_char_boundary(LONGEST)];
    let is_between_words = words[cut.len()..].starts_with('-');
    let end = cut.rfind('-').filter(|end| !is_between_words && *end > LONGEST / 2).unwrap_or(cut.len());
    &cut[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_and_when_however_long_the_cohort_is_called() {
        let at = "2026-01-31T14:32:07Z".parse().unwrap();
        for (name, expected) in [
            ("changes of run 7", "changes-of-run-7"),
            ("unmatched Churn risk: no session in 14 days", "unmatched-churn-risk-no-session-in-14-days"),
            ("unmatched 新規ユーザー（今週）", "unmatched-新規ユーザー-今週"),
            (
                "unmatched Q4 lifecycle campaign — iOS and Android — opened the paywall at least twice",
                "unmatched-q4-lifecycle-campaign-ios-and-android-opened-the",
            ),
            ("counts ../../etc/passwd", "counts-etc-passwd"),
        ] {
            assert_eq!(stem(name, at), format!("{expected}-20260131-143207"), "{name}");
        }
        for long in ["x".repeat(300), "数".repeat(300), "unmatched ".to_owned() + &"x".repeat(300)] {
            let stem = stem(&long, at);
            assert!((50..=LONGEST + 16).contains(&stem.len()), "{stem}");
        }
    }
}
