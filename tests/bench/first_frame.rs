//! How long the console takes from the start of the process to its first full frame, and to the cohort list, and how much
//! memory it holds then, in a pseudo-terminal: `cargo bench --bench first_frame`. It prints medians and judges nothing, for
//! machines differ.

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::error::Error;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

const RUNS: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let mut frames = Vec::new();
    let mut lists = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..RUNS {
        let opened = open_once()?;
        frames.push(opened.frame);
        lists.push(opened.list);
        memory.extend(opened.memory);
    }
    println!("first frame   median {:?} of {RUNS} (aim: under 100 ms)", median(frames));
    println!("cohort list   median {:?} of {RUNS} (aim: under 2 s)", median(lists));
    if memory.is_empty() {
        println!("memory        the system does not tell how much a process holds");
    } else {
        println!("memory        median {} MiB, the demo's services among them", median(memory) >> 20);
    }
    Ok(())
}

fn median<T: Ord + Copy>(mut found: Vec<T>) -> T {
    found.sort_unstable();
    found[found.len() / 2]
}

/// What opening the demo came to.
struct Opened {
    /// The time to the help hint of the first frame.
    frame: Duration,
    /// The time to the name of a cohort.
    list: Duration,
    /// Bytes of memory then, where the system tells.
    memory: Option<u64>,
}

/// Bytes of memory that a process holds (Linux, proc(5)).
fn memory_of(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}

/// Opens the demo once.
fn open_once() -> Result<Opened, Box<dyn Error>> {
    let pair = native_pty_system().openpty(PtySize { rows: 36, cols: 120, ..PtySize::default() })?;
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_cohort-sync"));
    command.arg("--demo");
    command.env("TERM", "xterm-256color");
    let started = Instant::now();
    let mut child = pair.slave.spawn_command(command)?;
    drop(pair.slave);
    let mut output = pair.master.try_clone_reader()?;
    let (mut seen, mut buffer, mut frame) = (Vec::new(), [0_u8; 8192], None);
    let list = loop {
        let read = output.read(&mut buffer)?;
        if read == 0 {
            return Err("the console ended before it listed anything".into());
        }
        seen.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&seen);
        if frame.is_none() && text.contains("help") {
            frame = Some(started.elapsed());
        }
        if text.contains("Board") {
            break started.elapsed();
        }
    };
    let memory = child.process_id().and_then(memory_of);
    // The orderly way, past the question that a sync at work raises, so that the demo takes its directory away.
    // A terminal nobody reads would fill up and keep it from ending.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    let mut keys = pair.master.take_writer()?;
    let deadline = Instant::now() + Duration::from_secs(5);
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
        }
        // ctrl-c raises the question or ends the wait; left and Enter answer it with Quit.
        keys.write_all(b"\x03\x1b[D\r").ok();
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(Opened { frame: frame.unwrap_or(list), list, memory })
}
