//! The clipboard of this desktop: hands a text to the first tool that takes it. What happens where none does
//! (the terminal is asked, see `terminal`) and what the person is told belong to others.

use super::surroundings::CopyTool;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A tool that takes longer waits for something that is not there, such as a display of an ended session.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which way a text went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyWay {
    /// A tool of this desktop took it and said so.
    Tool(&'static str),
    /// The terminal was asked, which never says whether it obeyed.
    Terminal,
    /// The terminal would not take so much; nothing was copied.
    TooLong,
}

/// Hands a text to the first of the tools that takes it, and tells which; `None` when there is none.
pub(super) async fn copy(tools: &[CopyTool], text: &str) -> Option<&'static str> {
    for tool in tools {
        let Some((program, arguments)) = tool.split_first() else { continue };
        match tokio::time::timeout(PATIENCE, feed(program, arguments, text)).await {
            Ok(Ok(true)) => return Some(program),
            Ok(Ok(false)) => tracing::debug!(program, "did not take the text"),
            Ok(Err(error)) => tracing::debug!(program, %error, "cannot be run"),
            Err(_) => tracing::debug!(program, "took too long"),
        }
    }
    None
}

/// Runs a program with the text on its standard input.
async fn feed(program: &str, arguments: &[&str], text: &str) -> std::io::Result<bool> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.kill_on_drop(true);
    // Some of these stay behind to serve the clipboard, which what happens to our terminal must not end.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).await?;
        // Dropped here, which is the end of the text for the tool.
    }
    Ok(child.wait().await?.success())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_tool_that_takes_the_text_has_it() {
        assert_eq!(copy(&[], "text").await, None);
        assert_eq!(copy(&[&["no-such-program-here"], &["false"]], "text").await, None);
        let picky: CopyTool = &["sh", "-c", "test \"$(cat)\" = 'a text'"];
        assert_eq!(copy(&[&["false"], picky], "a text").await, Some("sh"));
        assert_eq!(copy(&[picky], "another").await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_tool_that_hangs_is_given_up() {
        assert_eq!(copy(&[&["sleep", "600"]], "").await, None);
    }
}
