//! Numbers as people read them. One place, so that console, command line and messages agree.

/// A count with its thousands separated: `51,002`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn a_comma_stands_between_every_three_digits() {
        let shown = [0, 999, 1_000, 51_002, 1_234_567].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "51,002", "1,234,567"]);
    }
}
