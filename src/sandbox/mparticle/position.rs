//! Where something stands in the text of a request. The feed's errors name a path and a position in the body, so this
//! room finds a path again in text that is known to be JSON. Owns the walking and the counting; which path is meant is left
//! to `batch`.

/// One step of a path into a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Index(usize),
    Name(String),
}

/// Which end of the last step the position points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// Behind the first token of the value.
    Value,
    /// Behind the colon that follows the name: the name itself was not expected.
    Name,
}

/// The path as Json.NET prints it: a name with special characters stands in brackets and quotes.
pub(super) fn print_path(path: &[Step]) -> String {
    let mut printed = String::new();
    for step in path {
        match step {
            Step::Index(index) => printed.extend(["[", &index.to_string(), "]"]),
            Step::Name(name) if name.contains(is_special) => {
                let escaped = name.replace('\\', "\\\\").replace('\'', "\\'");
                printed.extend(["['", &escaped, "']"]);
            }
            Step::Name(name) => {
                if !printed.is_empty() {
                    printed.push('.');
                }
                printed.push_str(name);
            }
        }
    }
    printed
}

fn is_special(letter: char) -> bool {
    matches!(
        letter,
        '.' | ' ' | '\'' | '/' | '"' | '[' | ']' | '(' | ')' | '\\' | '\u{85}' | '\u{2028}' | '\u{2029}'
    ) || letter.is_ascii_control()
}

/// The line, from 1, and the characters consumed on it when the reader stopped.
pub(super) fn locate(text: &str, path: &[Step], point: Point) -> (usize, usize) {
    let mut walker = Walker { text: text.as_bytes(), at: 0 };
    walker.skip_space();
    for (number, step) in path.iter().enumerate() {
        let stop_at_name = point == Point::Name && number + 1 == path.len();
        if !walker.enter(step, stop_at_name) {
            break;
        }
        if stop_at_name {
            return line_and_position(text, walker.at);
        }
    }
    walker.skip_token();
    line_and_position(text, walker.at)
}

fn line_and_position(text: &str, end: usize) -> (usize, usize) {
    let read = text.get(..end).unwrap_or(text);
    let line_start = read.rfind('\n').map_or(0, |newline| newline + 1);
    let position = read.get(line_start..).unwrap_or_default().chars().count();
    (1 + read.bytes().filter(|byte| *byte == b'\n').count(), position)
}

struct Walker<'text> {
    text: &'text [u8],
    at: usize,
}

impl Walker<'_> {
    /// Goes to the start of the value that the step names, or behind the colon before it.
    fn enter(&mut self, step: &Step, stop_at_name: bool) -> bool {
        match (step, self.peek()) {
            (Step::Index(index), Some(b'[')) => {
                self.advance();
                for _ in 0..*index {
                    self.skip_value();
                    self.skip_separator();
                }
                self.skip_space();
                true
            }
            (Step::Name(name), Some(b'{')) => {
                self.advance();
                self.find_member(name, stop_at_name)
            }
            _ => false,
        }
    }

    fn find_member(&mut self, name: &str, stop_at_name: bool) -> bool {
        while self.peek() == Some(b'"') {
            let start = self.at;
            self.skip_token();
            let quoted = self.text.get(start..self.at).unwrap_or_default();
            let is_wanted = serde_json::from_slice::<String>(quoted).is_ok_and(|found| found == name);
            self.skip_space();
            self.at += 1;
            if is_wanted {
                if !stop_at_name {
                    self.skip_space();
                }
                return true;
            }
            self.skip_value();
            self.skip_separator();
        }
        false
    }

    fn skip_value(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(b'[' | b'{') => depth += 1,
                Some(b']' | b'}') => depth = depth.saturating_sub(1),
                None => return,
                Some(_) => {}
            }
            self.skip_token();
            if depth == 0 {
                return;
            }
        }
    }

    fn skip_separator(&mut self) {
        if self.peek() == Some(b',') {
            self.advance();
        }
        self.skip_space();
    }

    /// Skips a string, a number or word, or one character of punctuation.
    fn skip_token(&mut self) {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                while let Some(byte) = self.text.get(self.at) {
                    self.at += if *byte == b'\\' { 2 } else { 1 };
                    if *byte == b'"' {
                        break;
                    }
                }
                self.at = self.at.min(self.text.len());
            }
            Some(byte) if is_word(byte) => {
                while self.text.get(self.at).copied().is_some_and(is_word) {
                    self.at += 1;
                }
            }
            Some(_) => self.at += 1,
            None => {}
        }
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.text.get(self.at).copied()
    }

    fn advance(&mut self) {
        self.at += 1;
        self.skip_space();
    }

    fn skip_space(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Step {
        Step::Name(name.to_owned())
    }

    #[test]
    fn paths_are_printed_like_json_net() {
        let path = [Step::Index(3), name("user_attributes"), name("Power users")];
        assert_eq!(print_path(&path), "[3].user_attributes['Power users']");
        assert_eq!(print_path(&[name("mpid")]), "mpid");
        assert_eq!(print_path(&[Step::Index(0), name("it's")]), "[0]['it\\'s']");
    }

    #[test]
    fn positions_count_characters_up_to_the_end_of_the_token() {
        let text = r#"[{"a":{"b":[1,"x]"]},"mpid":7},{ "größe" : true , "mpid" : "12" }]"#;
        let at = |path: &[Step], point| locate(text, path, point).1;
        let before = |part: &str| text[..text.find(part).unwrap()].chars().count();
        assert_eq!(at(&[Step::Index(0), name("mpid")], Point::Value), before("},{ "));
        assert_eq!(at(&[Step::Index(1), name("mpid")], Point::Value), before(" }]"));
        assert_eq!(at(&[Step::Index(1), name("größe")], Point::Name), before(" true"));
        assert_eq!(at(&[Step::Index(0), name("a")], Point::Value), before("\"b\""));
        assert_eq!(at(&[Step::Index(1)], Point::Value), before(" \"größe"));
    }

    #[test]
    fn lines_are_counted() {
        let text = "[\n  {\"mpid\": 1},\n  {\"mpid\": \"x\"}\n]";
        assert_eq!(locate(text, &[Step::Index(1), name("mpid")], Point::Value), (3, 14));
    }
}
