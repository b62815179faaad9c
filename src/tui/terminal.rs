//! The terminal while the console owns it. Entering and leaving are undone in reverse, every step is tried
//! even when an earlier one failed, and leaving happens on return, on an error, on a panic and on a signal:
//! whatever goes wrong, the shell comes back usable. What is drawn is none of this file's business.

use super::TuiError;
use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
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

type Backend = CrosstermBackend<BufWriter<Stdout>>;

/// Whether the terminal is ours now. Global, because the panic hook is.
static ENTERED: AtomicBool = AtomicBool::new(false);
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
    mouse: bool,
    title: String,
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    /// Standard input or output is not a terminal, or the terminal does not answer.
    pub fn enter(title: String, mouse: bool) -> Result<Self, TuiError> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(TuiError::NotATerminal);
        }
        HOOK.call_once(install_hook);
        *DRAWING.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current().id());
        let backend = CrosstermBackend::new(BufWriter::with_capacity(BUFFER, io::stdout()));
        let inner = ManuallyDrop::new(ratatui::Terminal::new(backend)?);
        let mut terminal = Self { inner, mouse, title };
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
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide, SetTitle(&self.title))?;
        self.set_mouse(self.mouse)
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
        self.mouse = on;
        if on {
            execute!(io::stdout(), EnableMouseCapture)
        } else {
            execute!(io::stdout(), DisableMouseCapture)
        }
    }

    /// Hands a text to the terminal's clipboard (OSC 52), which also works over ssh. The terminal does not
    /// say whether it obeyed.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(self.inner.backend_mut(), CopyToClipboard::to_clipboard_from(text))
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

/// Gives the terminal back, step by step; a step that fails does not keep the next from being tried.
fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let steps = [
        execute!(out, EndSynchronizedUpdate),
        execute!(out, DisableMouseCapture),
        execute!(out, DisableBracketedPaste),
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
