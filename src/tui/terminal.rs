//! The terminal while the console owns it. Entering and leaving are undone in reverse, every step is tried
//! even when an earlier one failed, and leaving happens on return, on an error, on a panic and on a signal:
//! whatever goes wrong, the shell comes back usable. What is drawn is none of this file's business.

use super::TuiError;
use super::surroundings::{Multiplexer, Surroundings};
use super::text;
use crossterm::Command;
use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Frame;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::ThreadId;

/// A frame of a large terminal is some tens of kilobytes; written in one piece it does not tear.
const BUFFER: usize = 64 * 1024;
/// The longest text that is handed to a terminal: in base64 it stays below 100,000 characters, which is what the
/// strictest of the usual terminals take.
const LONGEST_COPY: usize = 74_994;

/// Keeps the window's title on the terminal's own stack, and takes it from there (XTWINOPS).
const PUSH_TITLE: &str = "\x1b[22;2t";
const POP_TITLE: &str = "\x1b[23;2t";

type Backend = CrosstermBackend<BufWriter<Stdout>>;

/// Whether the terminal is ours now. Global, because the panic hook is.
static ENTERED: AtomicBool = AtomicBool::new(false);
/// Whether the window's title is on the terminal's stack. Popping what was not pushed takes somebody else's.
static TITLED: AtomicBool = AtomicBool::new(false);
/// Whether the terminal reports its focus to us.
static WATCHED: AtomicBool = AtomicBool::new(false);
/// The thread that draws; a panic on it is the end, a panic elsewhere is reported by whoever joins the task.
static DRAWING: Mutex<Option<ThreadId>> = Mutex::new(None);
/// Panic messages from other threads, kept until they can be read.
static UNSEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
static HOOK: Once = Once::new();

/// The guard: the terminal is taken when it is made and given back when it is dropped.
pub struct Terminal {
    /// Never dropped: ratatui would print that it cannot show the cursor, and when the terminal is gone even
    /// that fails, with a panic. Giving back is [`restore`]'s task, and the process ends right after.
    inner: ManuallyDrop<ratatui::Terminal<Backend>>,
    wishes: Wishes,
}

/// What is wanted of the terminal besides that it draws.
#[derive(Debug, Default)]
pub struct Wishes {
    /// The title of the window; `None` leaves it alone.
    pub title: Option<String>,
    /// Whether to listen to the mouse.
    pub mouse: bool,
    /// Whether to be told when the window gets or loses the person's attention.
    pub focus: bool,
    /// What the terminal stands in.
    pub surroundings: Surroundings,
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    /// Standard input or output is not a terminal, or the terminal does not answer.
    pub fn enter(wishes: Wishes) -> Result<Self, TuiError> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(TuiError::NotATerminal);
        }
        HOOK.call_once(install_hook);
        *DRAWING.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current().id());
        let backend = CrosstermBackend::new(BufWriter::with_capacity(BUFFER, io::stdout()));
        let inner = ManuallyDrop::new(ratatui::Terminal::new(backend)?);
        let mut terminal = Self { inner, wishes };
        if let Err(error) = terminal.take() {
            restore();
            return Err(error.into());
        }
        Ok(terminal)
    }

    fn take(&mut self) -> io::Result<()> {
        // Set first: a failure half way must be undone too.
        ENTERED.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)?;
        self.set_mouse(self.wishes.mouse)?;
        if self.wishes.focus {
            WATCHED.store(true, Ordering::SeqCst);
            execute!(io::stdout(), EnableFocusChange)?;
        }
        if let Some(title) = &self.wishes.title {
            // A stopped process that is continued comes here again, with the person's title still on the stack.
            let push = if TITLED.swap(true, Ordering::SeqCst) { "" } else { PUSH_TITLE };
            say(&format!("{push}{}", title_sequence(title)))?;
        }
        Ok(())
    }

    /// Does by the wishes of another console from now on.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn suit(&mut self, wishes: Wishes) -> io::Result<()> {
        if self.wishes.mouse != wishes.mouse {
            self.set_mouse(wishes.mouse)?;
        }
        self.wishes = wishes;
        match (self.wishes.focus, WATCHED.swap(self.wishes.focus, Ordering::SeqCst)) {
            (true, false) => execute!(io::stdout(), EnableFocusChange)?,
            (false, true) => execute!(io::stdout(), DisableFocusChange)?,
            _ => {}
        }
        match (&self.wishes.title, TITLED.swap(self.wishes.title.is_some(), Ordering::SeqCst)) {
            (Some(title), is_titled) => {
                let push = if is_titled { "" } else { PUSH_TITLE };
                say(&format!("{push}{}", title_sequence(title)))
            }
            (None, true) => say(POP_TITLE),
            (None, false) => Ok(()),
        }
    }

    /// Gives the window another title, if it has one of ours.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn set_title(&mut self, title: String) -> io::Result<()> {
        match &mut self.wishes.title {
            Some(shown) if *shown != title => {
                *shown = title;
                say(&title_sequence(shown))
            }
            _ => Ok(()),
        }
    }

    /// Draws one frame as a whole: the terminal shows it when it is complete.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.inner.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.inner.draw(draw).map(|_| ());
        execute!(self.inner.backend_mut(), EndSynchronizedUpdate)?;
        drawn
    }

    /// Forgets what the terminal shows, so that the next frame draws every cell.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn forget(&mut self) -> io::Result<()> {
        // `clear` would ask the terminal for its cursor, and our own input would swallow the answer.
        let size = self.inner.size()?;
        self.inner.resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Listens to the mouse, or leaves it to the terminal so that text can be selected.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.wishes.mouse = on;
        if on {
            execute!(io::stdout(), EnableMouseCapture)
        } else {
            execute!(io::stdout(), DisableMouseCapture)
        }
    }

    /// Whether a text is short enough for the terminal's clipboard.
    #[must_use]
    pub fn can_copy(text: &str) -> bool {
        text.len() <= LONGEST_COPY
    }

    /// Hands a text to the terminal's clipboard (OSC 52), which also works over ssh. The terminal does not
    /// say whether it obeyed.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut sequence = String::new();
        // Writing into a text cannot fail.
        let _ = CopyToClipboard::to_clipboard_from(text).write_ansi(&mut sequence);
        // Ended by the bell, because screen takes the other end for the end of its own wrapping.
        let sequence = sequence.replace("\x1b\\", "\x07");
        let multiplexer = self.wishes.surroundings.multiplexer;
        // By its settings tmux either takes a text itself or lets it through; the same text twice does no harm.
        let own = if multiplexer == Multiplexer::Tmux { sequence.as_str() } else { "" };
        say(&format!("{own}{}", multiplexer.pass(&sequence)))
    }

    /// Rings the terminal's bell, which multiplexers show at the window's name.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn ring() -> io::Result<()> {
        say("\x07")
    }

    /// Asks the terminal to show a notification of the desktop.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn notify(&mut self, words: &str) -> io::Result<()> {
        let Surroundings { multiplexer, notices, .. } = &self.wishes.surroundings;
        say(&multiplexer.pass(&notices.sequence("cohort-sync", &text::clean(words))))
    }

    /// Gives the terminal back, stops this process until the shell continues it, and takes the terminal again.
    ///
    /// # Errors
    /// The terminal is gone, or the process could not be stopped.
    pub fn suspend(&mut self) -> io::Result<()> {
        restore();
        let stopped = stop_this_process();
        self.resume()?;
        stopped
    }

    /// Takes the terminal after somebody else had it.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn resume(&mut self) -> io::Result<()> {
        self.take()?;
        self.forget()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
        *DRAWING.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let unseen = std::mem::take(&mut *UNSEEN.lock().unwrap_or_else(PoisonError::into_inner));
        for message in unseen {
            // Standard error may be closed; there is nobody left to tell.
            drop(writeln!(io::stderr(), "{message}"));
        }
    }
}

fn title_sequence(title: &str) -> String {
    format!("\x1b]2;{}\x07", text::clean(title))
}

/// Writes a sequence at once.
fn say(sequence: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(sequence.as_bytes())?;
    out.flush()
}

/// Gives the terminal back, step by step; a step that fails does not keep the next from being tried.
fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let steps = [
        execute!(out, EndSynchronizedUpdate),
        execute!(out, DisableMouseCapture),
        if WATCHED.swap(false, Ordering::SeqCst) { execute!(out, DisableFocusChange) } else { Ok(()) },
        execute!(out, DisableBracketedPaste),
        if TITLED.swap(false, Ordering::SeqCst) { say(POP_TITLE) } else { Ok(()) },
        execute!(out, LeaveAlternateScreen),
        execute!(out, Show),
        disable_raw_mode(),
    ];
    for failed in steps.into_iter().filter_map(Result::err) {
        tracing::debug!(%failed, "a step of restoring the terminal failed");
    }
}

/// A panic on the drawing thread gives the terminal back before its message is printed. A panic elsewhere
/// must not tear up the screen; its message waits until the console has ended.
fn install_hook() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!(%panic, "panic");
        let drawing = *DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
        if ENTERED.load(Ordering::SeqCst) && drawing.is_some_and(|id| id != std::thread::current().id()) {
            UNSEEN.lock().unwrap_or_else(PoisonError::into_inner).push(panic.to_string());
            return;
        }
        restore();
        default(panic);
    }));
}

#[cfg(unix)]
fn stop_this_process() -> io::Result<()> {
    signal_hook::low_level::raise(signal_hook::consts::SIGTSTP).map_err(io::Error::other)
}

#[cfg(not(unix))]
fn stop_this_process() -> io::Result<()> {
    Ok(())
}
