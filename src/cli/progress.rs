//! One line of progress on a terminal, none when stderr is piped or the output is for programs.

use crate::domain::number::thousands;
use crate::domain::{CohortId, Phase};
use crate::mparticle::profile::PROFILES_PER_SECOND;
use crate::sync::snapshot::{CheckProgress, RunProgress, Snapshot};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;
use tokio::time::Instant;

/// More often than this nobody can read.
const SHOWN_EVERY: Duration = Duration::from_millis(100);

/// The line.
pub(super) struct Progress {
    is_shown: bool,
    shown_at: Option<Instant>,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        Self { is_shown: !quiet && io::stderr().is_terminal(), shown_at: None }
    }

    /// Shows how the runs of the cohorts go.
    pub(super) fn show(&mut self, snapshot: &Snapshot, cohorts: impl Iterator<Item = CohortId>) {
        let recent = self.shown_at.is_some_and(|at| at.elapsed() < SHOWN_EVERY);
        if !self.is_shown || recent {
            return;
        }
        let parts: Vec<String> = cohorts
            .filter_map(|id| {
                let view = snapshot.cohort(id)?;
                let progress = view.sync.as_ref()?.progress.as_ref()?;
                Some(format!("{}: {}", super::output::harmless(&view.cohort.name), describe(progress)))
            })
            .collect();
        if parts.is_empty() {
            return;
        }
        self.shown_at = Some(Instant::now());
        let line: String = parts.join("   ").chars().take(200).collect();
        put(&format!("\r\x1b[2K{line}"));
    }

    /// Shows how a verification goes.
    pub(super) fn show_check(&mut self, name: &str, check: &CheckProgress) {
        let recent = self.shown_at.is_some_and(|at| at.elapsed() < SHOWN_EVERY);
        if !self.is_shown || recent {
            return;
        }
        self.shown_at = Some(Instant::now());
        let (checked, of, wrong) = (thousands(check.checked), thousands(check.of), thousands(check.wrong));
        let left = check.of.saturating_sub(check.checked).div_ceil(u64::from(PROFILES_PER_SECOND));
        let then = check.waiting.clone().unwrap_or_else(|| format!("about {left} s left"));
        let line: String =
            format!("{name}: looking up {checked}/{of} · {wrong} wrong · {then}").chars().take(200).collect();
        put(&format!("\r\x1b[2K{line}"));
    }

    /// Takes the line away, so that other output stands alone.
    pub(super) fn clear(&mut self) {
        if self.shown_at.take().is_some() {
            put("\r\x1b[2K");
        }
    }
}

fn put(text: &str) {
    let mut out = io::stderr().lock();
    // Where stderr is gone nobody watches.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn describe(progress: &RunProgress) -> String {
    if let Some(waiting) = &progress.waiting {
        return waiting.clone();
    }
    let share = progress.share().map_or_else(String::new, |share| format!(" {:.0} %", share * 100.0));
    let counts = &progress.counts;
    match progress.phase {
        Phase::Queued => "queued".to_owned(),
        Phase::Fetch => format!("fetching{share} · {} users", thousands(counts.read.fetched())),
        Phase::Compare => "comparing".to_owned(),
        Phase::Send | Phase::Settle => {
            let eta = progress.eta.map_or_else(String::new, |eta| format!(" · {} s left", eta.as_secs()));
            let (done, planned) = (counts.planned() - counts.pending(), counts.planned());
            format!(
                "sending{share} · {}/{} · {:.0} users/s{eta}",
                thousands(done),
                thousands(planned),
                progress.rate
            )
        }
    }
}
