//! A credential as somebody types or pipes it: from a terminal unseen, from standard input otherwise. It is never
//! echoed and never taken from the command line. The terminal stops echoing before it asks, so that whoever pastes at
//! once is not shown either, and is given back as it was, also to whoever leaves with ctrl-c.

use crate::config::Secret;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use std::io::{self, BufRead, IsTerminal, Read, Write};

/// Longer than any credential.
const SIZE_LIMIT: u64 = 64 * 1024;

/// Asks for a credential by its name.
pub(super) fn read(what: &str) -> io::Result<Secret> {
    if io::stdin().is_terminal() {
        let typed = ask_unseen(&format!("{what} (it will not be shown): "), &mut io::stderr())?;
        // Whoever types without seeing anything wants to know that something arrived.
        writeln!(io::stderr(), "{} characters.", typed.trim().chars().count())?;
        return Ok(Secret::new(typed.trim()));
    }
    let mut text = String::new();
    io::stdin().lock().take(SIZE_LIMIT).read_to_string(&mut text)?;
    Ok(Secret::new(text.trim()))
}

/// Asks the person at the terminal for a line that is not shown.
pub(super) fn ask_unseen(prompt: &str, to: &mut impl Write) -> io::Result<String> {
    let typed = {
        let _unseen = Unseen::begin()?;
        write!(to, "{prompt}")?;
        to.flush()?;
        // What is typed ahead of the next question stays in this buffer, where that one finds it.
        typed(&mut io::stdin().lock())
    };
    writeln!(to)?;
    typed
}

/// A terminal that echoes nothing and hands on every key, until this is dropped.
struct Unseen;

impl Unseen {
    fn begin() -> io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // There is nobody to tell but the person, who sees it.
        drop(disable_raw_mode());
    }
}

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const BACKSPACE: [u8; 2] = [0x08, 0x7f];
const CTRL_U: u8 = 0x15;
const ESCAPE: u8 = 0x1b;

/// The line that keys come to: it can be corrected, and keys that write nothing are left out of it.
fn typed(keys: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    let mut keys = keys.bytes();
    while let Some(key) = keys.next().transpose()? {
        match key {
            b'\r' | b'\n' => return text_of(line),
            CTRL_C => {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "ctrl-c was pressed"));
            }
            CTRL_D if line.is_empty() => break,
            CTRL_U => line.clear(),
            key if BACKSPACE.contains(&key) => {
                // The bytes of a letter that come after its first.
                while line.pop_if(|byte| *byte & 0xc0 == 0x80).is_some() {}
                line.pop();
            }
            ESCAPE => skip_key(&mut keys)?,
            key if key.is_ascii_control() => {}
            key => line.push(key),
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

fn text_of(line: Vec<u8>) -> io::Result<String> {
    String::from_utf8(line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8"))
}

/// Passes over what a key without a letter sends after its escape: `[` or `O`, parameters, and a letter that ends it.
fn skip_key(keys: &mut impl Iterator<Item = io::Result<u8>>) -> io::Result<()> {
    if !matches!(keys.next().transpose()?, Some(b'[' | b'O')) {
        return Ok(());
    }
    while let Some(key) = keys.next().transpose()? {
        if matches!(key, b'@'..=b'~') {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_corrected_and_arrows_write_nothing() {
        for (keys, expected) in [
            ("s3cret\r", "s3cret"),
            ("s3cret\nnext", "s3cret"),
            ("s3crex\u{7f}t\r", "s3cret"),
            ("grün\u{8}\u{8}\u{8}\u{8}\u{8}ok\r", "ok"),
            ("zü\u{7f}\u{7f}a\r", "a"),
            ("wrong\u{15}right\r", "right"),
            ("a\u{1b}[D\u{1b}[1;5Cb\u{1b}OPc\t\r", "abc"),
        ] {
            assert_eq!(typed(&mut keys.as_bytes()).unwrap(), expected, "{keys:?}");
        }
    }

    #[test]
    fn what_is_typed_ahead_is_left_for_the_next_question() {
        let mut keys = &b"s3cret\r\rskip\r"[..];
        assert_eq!(typed(&mut keys).unwrap(), "s3cret");
        assert_eq!(keys, b"\rskip\r");
    }

    #[test]
    fn leaving_is_no_answer() {
        for (keys, kind) in [
            (&b"half\x03"[..], io::ErrorKind::Interrupted),
            (b"\x04", io::ErrorKind::UnexpectedEof),
            (b"half", io::ErrorKind::UnexpectedEof),
            (b"\xff\r", io::ErrorKind::InvalidData),
        ] {
            assert_eq!(typed(&mut &*keys).unwrap_err().kind(), kind, "{keys:?}");
        }
    }
}
