//! A pseudo-terminal with a program in it: what it writes goes through a terminal emulator on a thread of its
//! own, and a test types, resizes and waits for what must appear. Nothing here sleeps and hopes: every wait is
//! for a condition, is woken by output, and gives up with a picture of the screen.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use vt100::{MouseProtocolMode, Parser, Screen};

/// Long enough for a debug build on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(40);

/// The size most tests run at, as columns and rows.
pub const SIZE: (u16, u16) = (120, 36);

/// What the terminal received so far.
struct Received {
    parser: Parser,
    bytes: Vec<u8>,
    /// Every process has closed the terminal and everything that was written has been read.
    closed: bool,
    /// The test wants the terminal gone.
    hanging_up: bool,
}

/// What reader and test share.
struct Shared {
    received: Mutex<Received>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A program that runs in a pseudo-terminal of its own.
pub struct Pty {
    shared: Arc<Shared>,
    /// Gone once the terminal has hung up.
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    /// How the terminal was set up before the program touched it.
    before: String,
}

/// How a program ended.
pub struct Ended {
    pub code: u32,
    /// Everything it wrote to the terminal.
    pub bytes: Vec<u8>,
    /// The terminal afterwards, as text.
    pub text: String,
}

impl Pty {
    /// Runs a program without any environment but what a person's first terminal has: a home, a path and the
    /// name of the terminal.
    pub fn run<S: AsRef<OsStr>>(home: &Path, program: impl AsRef<OsStr>, arguments: &[S]) -> Self {
        Self::run_with(home, program, arguments, &[])
    }

    /// Runs a program with further variables in its environment.
    pub fn run_with<S: AsRef<OsStr>>(
        home: &Path,
        program: impl AsRef<OsStr>,
        arguments: &[S],
        variables: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system().openpty(size(SIZE)).unwrap();
        let before = modes(pair.master.as_ref());
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("TZ", "UTC");
        command.env("HOME", home);
        command.env("TMPDIR", home);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for folder in ["CONFIG", "STATE", "DATA", "CACHE"] {
            command.env(format!("XDG_{folder}_HOME"), home.join(folder.to_lowercase()));
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        command.cwd(home);
        let child = pair.slave.spawn_command(command).unwrap();
        // With our own end of it closed, reading ends when the last process has closed the terminal.
        drop(pair.slave);
        let (columns, rows) = cells(SIZE);
        let parser = Parser::new(rows, columns, 0);
        let received = Received { parser, bytes: Vec::new(), closed: false, hanging_up: false };
        let shared = Arc::new(Shared { received: Mutex::new(received), changed: Condvar::new() });
        let reader = pair.master.try_clone_reader().unwrap();
        std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || read(reader, &shared)
        });
        let keys = pair.master.take_writer().unwrap();
        Self { shared, master: Some(pair.master), keys: Some(keys), child, before }
    }

    /// Types. Control characters are written as they arrive: `\r` is Enter, `\x1b` is Esc, `\x03` is ctrl-c.
    pub fn send(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let (wide, high) = cells((columns, rows));
        self.shared.lock().parser.set_size(high, wide);
        self.master.as_ref().unwrap().resize(size((columns, rows))).unwrap();
    }

    /// Waits until the screen shows a text.
    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("“{text}”"), |screen| screen.contents().contains(text));
    }

    /// Waits until the screen is as it must become; `what` says how, for whoever reads the failure.
    pub fn wait_until(&self, what: &str, mut holds: impl FnMut(&Screen) -> bool) {
        self.wait(what, |received| holds(received.parser.screen()));
    }

    /// Waits until more bytes were written than `count`.
    pub fn wait_for_bytes(&self, count: usize) {
        self.wait("more output", |received| received.bytes.len() > count);
    }

    /// Waits until a sequence was written, whatever the screen made of it.
    pub fn wait_for_written(&self, sequence: &str) {
        let wanted = sequence.as_bytes();
        self.wait(&format!("{sequence:?}"), |received| {
            received.bytes.windows(wanted.len()).any(|window| window == wanted)
        });
    }

    /// How many bytes were written so far.
    pub fn byte_count(&self) -> usize {
        self.shared.lock().bytes.len()
    }

    /// How many frames were drawn so far: each is sent as one synchronised update.
    pub fn frame_count(&self) -> usize {
        let start = b"\x1b[?2026h";
        self.shared.lock().bytes.windows(start.len()).filter(|window| window == start).count()
    }

    /// What the screen shows.
    pub fn text(&self) -> String {
        self.shared.lock().parser.screen().contents()
    }

    /// The process in the terminal.
    pub fn process(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Sends the process a signal, by name. The shell's tool does it, because without unsafe code we cannot.
    pub fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill")
            .args(["-s", name, &self.process().to_string()])
            .status()
            .unwrap();
        assert!(status.success(), "no process {} to send {name}", self.process());
    }

    /// Closes the terminal under the program, as closing its window does, and waits for its end.
    pub fn hang_up(mut self) -> u32 {
        self.keys = None;
        self.master = None;
        // The reader has an end of its own, and lets go of it after the next output; the clock sees to that.
        self.shared.lock().hanging_up = true;
        self.exit_code()
    }

    /// Waits for the end of the program and for everything that it wrote.
    pub fn end(mut self) -> Ended {
        let code = self.exit_code();
        self.wait("the terminal to be closed by the program", |received| received.closed);
        let after = modes(self.master.as_deref().unwrap());
        let received = self.shared.lock();
        let text = received.parser.screen().contents();
        assert_eq!(after, self.before, "the modes of the terminal were not restored; it shows:\n{text}");
        Ended { code, bytes: received.bytes.clone(), text }
    }

    /// Waits for the end, and answers the question that may come before it.
    pub fn end_answering(mut self, question: &str, keys: &str) -> Ended {
        self.wait_while_open(|received| received.parser.screen().contents().contains(question));
        if !self.shared.lock().closed {
            self.send(keys);
        }
        self.end()
    }

    fn exit_code(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.signal().is_none(), "ended by a signal: {:?}", status.signal());
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "the program does not end; it shows:\n{}", self.text());
            // The end of a process wakes nobody here, so this one condition is looked at again and again.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn wait(&self, what: &str, holds: impl FnMut(&Received) -> bool) {
        if !self.wait_while_open(holds) {
            let received = self.shared.lock();
            let ended = if received.closed { " until the program ended" } else { "" };
            let text = received.parser.screen().contents();
            panic!("waited in vain{ended} for {what}; the screen shows:\n{text}");
        }
    }

    /// Waits until something holds; false when it did not before the program ended or patience ran out.
    fn wait_while_open(&self, mut holds: impl FnMut(&Received) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut received = self.shared.lock();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if holds(&received) {
                return true;
            }
            if received.closed || left.is_zero() {
                return false;
            }
            received =
                self.shared.changed.wait_timeout(received, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // A test that failed half way leaves nothing running. Where the program has ended, there is nothing
        // to kill and nothing to say about it.
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill());
        }
    }
}

impl Ended {
    /// Checks that the program gave the terminal back as the last thing it did on it, apart from text: out of
    /// the alternate screen, with a cursor, and with nothing that makes a shell show rubbish when the mouse
    /// moves or text is pasted. The modes of the line were compared already.
    pub fn assert_restored(&self) {
        let written = String::from_utf8_lossy(&self.bytes);
        let last = |sequence: &str| written.rfind(sequence);
        let pairs = [
            ("alternate screen", "\x1b[?1049h", "\x1b[?1049l"),
            ("bracketed paste", "\x1b[?2004h", "\x1b[?2004l"),
            ("mouse presses", "\x1b[?1000h", "\x1b[?1000l"),
            ("mouse moves", "\x1b[?1003h", "\x1b[?1003l"),
            ("mouse encoding", "\x1b[?1006h", "\x1b[?1006l"),
            ("hidden cursor", "\x1b[?25l", "\x1b[?25h"),
            ("held-back update", "\x1b[?2026h", "\x1b[?2026l"),
            ("focus reports", "\x1b[?1004h", "\x1b[?1004l"),
        ];
        for (what, on, off) in pairs {
            let is_off = last(off) > last(on) || last(on).is_none();
            assert!(is_off, "{what} is left on; the last bytes: {:?}", self.tail());
        }
        // Each title that was put on the terminal's stack was taken from it, and none that somebody else put there.
        let titles = [self.count("\x1b[22;2t"), self.count("\x1b[23;2t")];
        assert_eq!(titles[0], titles[1], "titles kept and given back; the last bytes: {:?}", self.tail());
        assert!(last("\x1b]2;") <= last("\x1b[23;2t"), "named the window after it had given it back");
        let left = last("\x1b[?1049l").unwrap();
        let after = written[left..].replace("\x1b[?1049l", "").replace("\x1b[?25h", "");
        assert!(!after.contains('\x1b'), "drew after it had left the screen: {:?}", self.tail());
    }

    /// Everything that was written, as text.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// How often a sequence was written.
    pub fn count(&self, sequence: &str) -> usize {
        self.written().matches(sequence).count()
    }

    fn tail(&self) -> String {
        let start = self.bytes.len().saturating_sub(160);
        String::from_utf8_lossy(&self.bytes[start..]).into_owned()
    }
}

/// Whether the screen is a shell's: nothing of the console's modes is on.
pub fn is_shells(screen: &Screen) -> bool {
    !screen.alternate_screen()
        && !screen.hide_cursor()
        && !screen.bracketed_paste()
        && screen.mouse_protocol_mode() == MouseProtocolMode::None
}

/// Whether the screen is the console's, with everything that it turns on.
pub fn is_consoles(screen: &Screen) -> bool {
    screen.alternate_screen()
        && screen.hide_cursor()
        && screen.bracketed_paste()
        && screen.mouse_protocol_mode() != MouseProtocolMode::None
}

/// The console's binary.
pub fn console() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_cohort-sync"))
}

/// The demo, with its cohorts on the screen.
pub fn demo(home: &Path) -> Pty {
    let pty = Pty::run(home, console(), &["--demo"]);
    pty.wait_for("Cohorts 13");
    pty
}

fn read(mut reader: Box<dyn Read + Send>, shared: &Shared) {
    let mut buffer = [0; 16 * 1024];
    // On Linux a terminal that everybody has closed is an error to read from, elsewhere it is the end.
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        let mut received = shared.lock();
        received.bytes.extend_from_slice(&buffer[..count]);
        received.parser.process(&buffer[..count]);
        if received.hanging_up {
            break;
        }
        drop(received);
        shared.changed.notify_all();
    }
    shared.lock().closed = true;
    shared.changed.notify_all();
}

/// The modes of the line, in a form that can be compared and read.
fn modes(master: &(dyn MasterPty + Send)) -> String {
    format!("{:#?}", master.get_termios().unwrap())
}

fn size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn cells((columns, rows): (u16, u16)) -> (NonZeroU16, NonZeroU16) {
    (NonZeroU16::new(columns).unwrap(), NonZeroU16::new(rows).unwrap())
}
