//! Walking through JSON text in place, one value after the other: objects and lists are entered only where the caller
//! expects them, so nothing recurses however deep a text is nested. Strings without escapes, which nearly all of a page
//! consists of, are recognised eight bytes at a time; every other value is found and checked by `serde_json`, and so is
//! a text that does not read. What the values mean belongs to `page` and `wire`.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What was expected where something else stood.
#[derive(Debug)]
pub(super) struct Unexpected(&'static str);

/// A value as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A string without escapes, in its quotes.
    Plain(&'a str),
    /// Any other value.
    Other(&'a str),
}

impl<'a> Value<'a> {
    /// The JSON.
    pub fn json(self) -> &'a str {
        match self {
            Self::Plain(json) | Self::Other(json) => json,
        }
    }
}

/// Reads all of a text.
///
/// # Errors
/// The text is no JSON, or none that `read` expected.
pub(super) fn walk<'a, T>(
    text: &'a str,
    read: impl FnOnce(&mut Walk<'a>) -> Result<T, Unexpected>,
) -> Result<T, serde_json::Error> {
    let mut walk = Walk { text, at: 0 };
    let done = read(&mut walk).and_then(|done| walk.end().map(|()| done));
    done.map_err(|Unexpected(expected)| {
        // What is wrong with a text, and where, is for the library to say; one that it reads is another than expected.
        let broken = serde_json::from_str::<IgnoredAny>(text).err();
        broken.unwrap_or_else(|| serde::de::Error::custom(format_args!("{expected} was expected")))
    })
}

/// The names that objects of one kind were seen to hold, quoted and in their order, and what they mean. A name is told by
/// being the one that followed last time, without looking for its end.
pub(super) struct Names<'a, F>(Vec<(&'a str, F)>);

/// How many names are remembered; objects that hold more are nothing that was asked for.
const NAMES_AT_MOST: usize = 32;

impl<F> Default for Names<'_, F> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// A place in a text.
pub(super) struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    /// Goes through an object, handing on each name; `each` must go past the value.
    pub fn object(
        &mut self,
        expected: &'static str,
        mut each: impl FnMut(&mut Self, &str) -> Result<(), Unexpected>,
    ) -> Result<(), Unexpected> {
        self.fields(expected, |walk| {
            let name = walk.name()?.1;
            walk.pass(b':', "a colon")?;
            each(walk, &name)
        })
    }

    /// Goes through one of many objects, handing on what each name means; `each` must go past the value.
    pub fn alike<F: Copy>(
        &mut self,
        expected: &'static str,
        names: &mut Names<'a, F>,
        meaning: impl Fn(&str) -> F,
        mut each: impl FnMut(&mut Self, F) -> Result<(), Unexpected>,
    ) -> Result<(), Unexpected> {
        let mut place = 0;
        self.fields(expected, |walk| {
            let field = walk.known_name(names, &mut place, &meaning)?;
            walk.pass(b':', "a colon")?;
            each(walk, field)
        })
    }

    fn fields(
        &mut self,
        expected: &'static str,
        mut each: impl FnMut(&mut Self) -> Result<(), Unexpected>,
    ) -> Result<(), Unexpected> {
        self.pass(b'{', expected)?;
        if self.passes(b'}') {
            return Ok(());
        }
        loop {
            each(self)?;
            if !self.passes(b',') {
                return self.pass(b'}', "the end of an object");
            }
        }
    }

    /// Goes through a list; `each` must go past the value.
    pub fn list(
        &mut self,
        expected: &'static str,
        mut each: impl FnMut(&mut Self) -> Result<(), Unexpected>,
    ) -> Result<(), Unexpected> {
        self.pass(b'[', expected)?;
        if self.passes(b']') {
            return Ok(());
        }
        loop {
            each(self)?;
            if !self.passes(b',') {
                return self.pass(b']', "the end of a list");
            }
        }
    }

    /// Goes past a value.
    #[inline]
    pub fn value(&mut self) -> Result<Value<'a>, Unexpected> {
        if self.next() == Some(b'"')
            && let Some(length) = self.rest().get(1..).and_then(|text| plain_length(text.as_bytes()))
            && let Some(json) = self.rest().get(..length + 2)
        {
            self.at += json.len();
            return Ok(Value::Plain(json));
        }
        self.any_value()
    }

    /// What stands next, white space aside.
    pub fn next(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                next => return next.copied(),
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// A name as it was sent, and as it reads.
    fn name(&mut self) -> Result<(Value<'a>, Cow<'a, str>), Unexpected> {
        const NAME: Unexpected = Unexpected("the name of a field");
        if self.next() != Some(b'"') {
            return Err(NAME);
        }
        let value = self.value()?;
        let name = match value {
            Value::Plain(json) => Cow::Borrowed(unquoted(json)),
            Value::Other(json) => serde_json::from_str(json).map(Cow::Owned).map_err(|_| NAME)?,
        };
        Ok((value, name))
    }

    /// What the next name means, which is probably the one at this place or, where a field is left out, behind it.
    fn known_name<F: Copy>(
        &mut self,
        names: &mut Names<'a, F>,
        place: &mut usize,
        meaning: impl Fn(&str) -> F,
    ) -> Result<F, Unexpected> {
        if self.next() == Some(b'"') {
            let rest = self.rest().as_bytes();
            for (ahead, (json, field)) in names.0.iter().skip(*place).take(2).enumerate() {
                if rest.starts_with(json.as_bytes()) {
                    self.at += json.len();
                    *place += ahead + 1;
                    return Ok(*field);
                }
            }
        }
        let (value, name) = self.name()?;
        let known = names.0.iter().position(|(json, _)| *json == value.json());
        let (found, field) = match (known, value) {
            (Some(found), _) => (found, names.0[found].1),
            (None, Value::Plain(json)) if names.0.len() < NAMES_AT_MOST => {
                let found = (*place).min(names.0.len());
                names.0.insert(found, (json, meaning(&name)));
                (found, names.0[found].1)
            }
            _ => return Ok(meaning(&name)),
        };
        *place = found + 1;
        Ok(field)
    }

    #[cold]
    #[inline(never)]
    fn any_value(&mut self) -> Result<Value<'a>, Unexpected> {
        const VALUE: Unexpected = Unexpected("a value");
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<&'a RawValue>();
        let value = values.next().and_then(Result::ok).ok_or(VALUE)?;
        self.at += values.byte_offset();
        Ok(Value::Other(value.get()))
    }

    fn passes(&mut self, mark: u8) -> bool {
        if self.next() == Some(mark) {
            self.at += 1;
            return true;
        }
        false
    }

    fn pass(&mut self, mark: u8, expected: &'static str) -> Result<(), Unexpected> {
        if self.passes(mark) { Ok(()) } else { Err(Unexpected(expected)) }
    }

    fn end(&mut self) -> Result<(), Unexpected> {
        if self.next().is_none() { Ok(()) } else { Err(Unexpected("the end")) }
    }
}

/// A string without the quotes around it.
pub(super) fn unquoted(json: &str) -> &str {
    json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(json)
}

/// How long a string is that begins here, its opening quote passed; `None` if it has escapes, or is none.
fn plain_length(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH_BITS: u64 = u64::from_le_bytes([0x80; 8]);
    let mut length = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let (quote, backslash) = (word ^ (ONES * u64::from(b'"')), word ^ (ONES * u64::from(b'\\')));
        // Taking the bound from each byte sets its high bit if the byte is below, unless that was set before. A borrow
        // falsifies only bytes behind one that is below, and the first of them is all that counts.
        let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGH_BITS;
        let special = below(quote, 1) | below(backslash, 1) | below(word, 0x20);
        if special != 0 {
            length += special.trailing_zeros() as usize / 8;
            return (bytes.get(length) == Some(&b'"')).then_some(length);
        }
        length += 8;
    }
    length += rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?;
    (bytes.get(length) == Some(&b'"')).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::hash::{BuildHasher, RandomState};

    /// Walks through everything there is.
    fn everything(walk: &mut Walk<'_>) -> Result<(), Unexpected> {
        match walk.next() {
            Some(b'{') => walk.object("an object", |walk, _| everything(walk)),
            Some(b'[') => walk.list("a list", everything),
            _ => walk.value().map(drop),
        }
    }

    /// Pieces of JSON, so that many of the texts they make are JSON and many nearly are.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"a\":",
            "\"\"",
            "\"",
            "\\",
            "0",
            "-1",
            "1.5e9",
            "01",
            "-",
            "null",
            "true",
            "nul",
            " ",
            "\n",
            "\t",
            "\u{1}",
            "\u{a0}",
            "ü",
            "\"ü long enough for words\"",
            "\"\\n\"",
            "\"\\q\"",
            "[]",
            "{}",
            "[1]",
            "{\"a\":[]}",
        ]);
        prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_is_json_is_for_the_library_to_say(text in pieces()) {
            let (ours, theirs) = (walk(&text, everything), serde_json::from_str::<IgnoredAny>(&text));
            prop_assert_eq!(ours.map_err(|error| error.to_string()), theirs.map(drop).map_err(|error| error.to_string()));
        }

        #[test]
        fn a_string_is_found_whole_wherever_it_ends(before in "[ -~]{0,3}", text in "\\PC{0,40}", after in "\\PC{0,20}") {
            let (string, before) = (serde_json::to_string(&text).unwrap(), serde_json::to_string(&before).unwrap());
            let rest = serde_json::to_string(&after).unwrap();
            let list = format!("[{before},{string},{rest}]");
            let mut found = Vec::new();
            walk(&list, |walk| walk.list("a list", |walk| walk.value().map(|value| found.push(value)))).unwrap();
            prop_assert_eq!(found[1].json(), &string);
            prop_assert_eq!(found[1] == Value::Plain(&string), !string.contains('\\'));
        }
    }

    proptest! {
        #[test]
        fn names_are_told_whatever_was_seen_before(
            objects in prop::collection::vec(prop::collection::vec("a|ab|abc|b|b\"|[a-z]{1,2}|\\PC{0,12}", 0..40), 1..9)
        ) {
            let fields = |names: &Vec<String>| {
                let fields = names.iter().map(|name| serde_json::to_string(name).unwrap() + ":0");
                format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
            };
            let list = format!("[{}]", objects.iter().map(fields).collect::<Vec<_>>().join(","));
            // What a name means is its hash here: a means to tell whether the right one was taken.
            let hasher = RandomState::new();
            let (mut told, mut names) = (Vec::new(), Names::default());
            walk(&list, |walk| walk.list("a list", |walk| {
                walk.alike("an object", &mut names, |name| hasher.hash_one(name), |walk, field| {
                    told.push(field);
                    walk.value().map(drop)
                })
            })).unwrap();
            let expected: Vec<u64> = objects.iter().flatten().map(|name| hasher.hash_one(name.as_str())).collect();
            prop_assert_eq!(told, expected);
            prop_assert!(names.0.len() <= NAMES_AT_MOST);
        }
    }

    #[test]
    fn control_characters_belong_in_no_string() {
        for length in 0..20 {
            for control in ["\u{0}", "\n", "\u{1f}"] {
                let text = format!("\"{}{control}{}\"", "x".repeat(length), "y".repeat(9));
                assert!(walk(&text, |walk| walk.value().map(drop)).is_err(), "{text:?}");
            }
        }
    }
}
