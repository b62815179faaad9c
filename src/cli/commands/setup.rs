//! `setup`: the guide on a plain terminal, or with its answers piped in. The questions, their order and what is said of
//! wrong answers are [`crate::config::guide`]'s.

use super::doctor::trial::attempt;
use super::{say, say_json};
use crate::cli::account::{Desk, must_write};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::harmless;
use crate::cli::secret_input::ask_unseen;
use crate::config::guide::{Chapter, Finished, Fix, Found, Guide, GuideError, Question, Sign, Step, Trial};
use crate::config::{InitError, MASK};
use crate::tui::text::wrap;
use serde_json::json;
use std::io::{self, BufRead, IsTerminal, Write};

/// The widest running text is set.
const COLUMNS: usize = 100;

/// Leads through the guide and writes the configuration.
pub(in crate::cli) async fn setup(desk: &Desk) -> Result<Exit, Failure> {
    must_write(&desk.places, "setup")?;
    let mut guide = match Guide::begin(desk.request()) {
        Ok(guide) => guide,
        Err(GuideError::File(exists @ InitError::Exists(_))) => {
            return Err(Failure::Usage(format!(
                "{exists}. `cohort-sync config set KEY VALUE` changes one setting, and `cohort-sync --profile NAME setup` \
                 adds another project to the file"
            )));
        }
        Err(GuideError::Config(error)) => return Err(error.into()),
        Err(error) => return Err(Failure::Usage(error.to_string())),
    };
    let mut talk =
        Talk { chapter: None, is_terminal: io::stdin().is_terminal(), json: desk.args.global.json };
    talk.tell("This asks for what it takes to connect, tries it, and writes a configuration. Ctrl-C leaves; nothing is written before the end.")?;
    if let Some((profile, taken_over)) = guide.adds() {
        talk.adds(profile, &taken_over, desk)?;
    }
    loop {
        match guide.step() {
            Step::Ask(question) => talk.ask(&mut guide, question)?,
            Step::Try(trial) => {
                for secret in guide.secrets() {
                    desk.masks.add(&secret);
                }
                talk.tell(match trial {
                    Trial::Mparticle => "\nLooking at mParticle …",
                    Trial::Mixpanel => "\nAsking Mixpanel; this costs two queries of this hour's 60 …",
                    Trial::Probe => "\nTelling mParticle about one user …",
                })?;
                let found = attempt(&guide, trial).await;
                for found in &found {
                    talk.show(found)?;
                }
                guide.tried(&found);
            }
            Step::Fix(trial) => talk.fix(&mut guide, trial)?,
            Step::Done => break,
        }
    }
    let finished = guide.finish().map_err(|error| Failure::Failed(error.to_string()))?;
    talk.end(&finished)?;
    Ok(Exit::Done)
}

/// The conversation on a terminal, or with a pipe.
struct Talk {
    chapter: Option<Chapter>,
    is_terminal: bool,
    json: bool,
}

impl Talk {
    /// Says something to whoever looks on; programs hear only the end.
    fn tell(&self, words: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { say(words) }
    }

    /// Says which file a profile is added to, and what it shares with the others there.
    fn adds(&self, profile: &str, taken_over: &[&str], desk: &Desk) -> Result<(), Failure> {
        let path = desk.places.config_file.display();
        self.tell(&format!(
            "It is the profile “{profile}” that is added to {path}; what stands there stays."
        ))?;
        if taken_over.is_empty() {
            return Ok(());
        }
        let words = format!(
            "From the top of that file it takes over {}; where it should have another value: `cohort-sync --profile \
             {profile} config set KEY VALUE`.",
            taken_over.join(", ")
        );
        self.tell(&wrap(&words, COLUMNS).join("\n"))
    }

    fn ask(&mut self, guide: &mut Guide, question: Question) -> Result<(), Failure> {
        let chapter = question.chapter();
        if self.chapter.replace(chapter) != Some(chapter) {
            self.tell(&format!("\n{}", chapter.title()))?;
            for line in chapter.preparation() {
                self.tell(&format!("  {}", wrap(line, COLUMNS - 2).join("\n  ")))?;
            }
        }
        let fallback = guide.fallback(question).map(str::to_owned);
        self.tell(&format!("\n{}", wrap(question.help(), COLUMNS).join("\n")))?;
        loop {
            let offer = fallback.as_deref().map_or_else(String::new, |usual| format!(" [{usual}]"));
            let typed = self.read(&format!("{}{offer}: ", question.title()), question)?;
            let Err(wrong) = guide.answer(&typed) else { return Ok(()) };
            if !self.is_terminal {
                return Err(Failure::Usage(format!("{}: {wrong}", question.title())));
            }
            self.tell(&format!("✗ {}\n  → {}", harmless(&wrong.sentence), harmless(&wrong.remedy)))?;
        }
    }

    fn read(&self, prompt: &str, question: Question) -> Result<String, Failure> {
        let ended = || Failure::Usage(format!("the answers ended before: {}", question.title()));
        if self.is_terminal && question.is_secret() {
            let typed = ask_unseen(prompt, &mut io::stdout()).map_err(|_| ended())?;
            // Whoever types unseen wants to know that something arrived.
            let length = typed.trim().chars().count();
            self.tell(&format!("  {MASK} {length} characters"))?;
            return Ok(typed);
        }
        if self.is_terminal {
            let mut out = io::stdout().lock();
            let written = write!(out, "{prompt}").and_then(|()| out.flush());
            written.map_err(|error| Failure::Failed(format!("cannot write to the terminal: {error}")))?;
        }
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => Err(ended()),
            Ok(_) => Ok(line),
        }
    }

    fn show(&self, found: &Found) -> Result<(), Failure> {
        let sign = match found.sign {
            Sign::Ok => "✓",
            Sign::Warning => "!",
            Sign::Problem => "✗",
            Sign::Note => return self.tell(found.text.trim_end()),
        };
        let lines = found.text.lines().flat_map(|line| wrap(line, COLUMNS - 2)).collect::<Vec<_>>();
        self.tell(&format!("{sign} {}", lines.join("\n  ")))?;
        if let Some(remedy) = &found.remedy {
            let lines = remedy.lines().flat_map(|line| wrap(line, COLUMNS - 4)).collect::<Vec<_>>();
            self.tell(&format!("  → {}", lines.join("\n    ")))?;
        }
        // Without a conversation this is all that anybody will read.
        if self.json && found.is_problem() {
            let remedy = found.remedy.as_deref().unwrap_or_default();
            drop(writeln!(io::stderr(), "{} {remedy}", found.text));
        }
        Ok(())
    }

    fn fix(&self, guide: &mut Guide, trial: Trial) -> Result<(), Failure> {
        if !self.is_terminal {
            let what = match trial {
                Trial::Mparticle => "mParticle could not be reached",
                Trial::Mixpanel => "Mixpanel could not be read",
                Trial::Probe => "mParticle did not take the user",
            };
            return Err(Failure::Waiting(format!(
                "{what}; nothing was written. Correct the answers and run it again"
            )));
        }
        loop {
            let prompt =
                "\nEnter goes through the answers again, t tries once more, g goes on all the same: ";
            let typed = self.read(prompt, Question::Probe)?;
            let fix = match typed.trim() {
                "" => Fix::Correct,
                "t" => Fix::Again,
                "g" => Fix::GoOn,
                _ => continue,
            };
            guide.fix(fix);
            return Ok(());
        }
    }

    fn end(&self, finished: &Finished) -> Result<(), Failure> {
        let Finished { config_file, profile, done, kept, left_to_do } = finished;
        if self.json {
            let path = config_file.display().to_string();
            return say_json(&json!({
                "config_file": path, "profile": profile, "credentials_in": kept, "left_to_do": left_to_do,
            }));
        }
        say(&format!("\n{done}. The credentials are in {kept}."))?;
        if let Some(left) = left_to_do {
            say(left)?;
        }
        let program = profile
            .as_ref()
            .map_or_else(|| "cohort-sync".to_owned(), |profile| format!("cohort-sync --profile {profile}"));
        let next = format!(
            "Next: `{program}` opens the console; `{program} cohorts` lists what can be synced, `{program} sync COHORT \
             --dry-run` counts, `{program} sync COHORT --recurring` sends."
        );
        say(&wrap(&next, COLUMNS).join("\n"))
    }
}
