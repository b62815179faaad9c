//! The program itself at work in a process of its own: how long it took, what it cost, and how much memory it held at
//! most. What a process costs is read where Linux tells it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What a process took.
pub struct Took {
    pub wall: Duration,
    /// Processor time; `None` where the system does not tell.
    pub processor: Option<Duration>,
    /// Bytes of memory at the peak.
    pub peak: Option<u64>,
}

/// Runs the program with these words on a state of its own, to its end.
pub fn run(home: &Path, words: &[&str]) -> Took {
    let said = home.join("said");
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cohort-sync"))
        .args(words)
        .arg("--config")
        .arg(home.join("config.toml"))
        .arg("--state-dir")
        .arg(home.join("state"))
        .env("HOME", home)
        .stdout(std::fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    let (mut processor, mut peak) = (None, None);
    let status = loop {
        processor = processor_time(child.id()).or(processor);
        peak = peak_memory(child.id()).or(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        // What a process costs is gone with it, so it is looked at as long as it lives.
        std::thread::sleep(Duration::from_millis(2));
    };
    let wall = began.elapsed();
    let said = std::fs::read_to_string(said).unwrap();
    assert!(status.success(), "cohort-sync {}: {status}: {said}", words.join(" "));
    Took { wall, processor, peak }
}

fn processor_time(process: u32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit(')').next()?.split_whitespace().collect();
    // User and system time, in hundredths of a second (proc(5): fields 14 and 15, the name being the second).
    let hundredths = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    (hundredths > 0).then(|| Duration::from_millis(hundredths * 10))
}

fn peak_memory(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}
