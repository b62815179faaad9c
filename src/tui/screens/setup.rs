//! Screen 5: the two connections, what each side needs as a checklist, the snippets, the limits in force, what is on this
//! computer and every setting, as one list of sections that fold. What stands in them is `setup_facts`' and
//! `setup_checks`'; what a person ticked off is remembered here.

use super::page::{Page, Step};
use super::setup_entry::{Check, Entry, Evidence, in_numbers};
use super::{Scene, runs, setup_checks, setup_facts};
use crate::domain::CohortId;
use crate::sync::pages::{Answer, JournalExtent, Question, Sizes};
use crate::tui::action::{Action, Place};
use crate::tui::app::is_refused;
use crate::tui::canvas::{Canvas, View, piece};
use crate::tui::theme::Role;
use crate::tui::widgets::blocks::{self, Block};
use ratatui::layout::Rect;
use std::collections::BTreeMap;

/// What the screen remembers.
#[derive(Default)]
pub struct SetupScreen {
    /// Everything, folded away or not.
    entries: Vec<(usize, Entry)>,
    /// Those of them that are seen.
    shown: Vec<usize>,
    /// The sections that are folded.
    folded: [bool; SECTIONS],
    /// Which of those shown is selected.
    selected: usize,
    /// The name of what is to be selected next.
    wanted: Option<String>,
    view: Option<View>,
    /// What a person has looked at in the web consoles: the need, and the day.
    ticks: BTreeMap<String, String>,
    /// The syncs that a service refused.
    refused: Vec<CohortId>,
    sizes: Option<Result<Sizes, String>>,
    journal: Option<JournalExtent>,
    /// What size and journal were asked for after; see [`runs::mark`].
    measured: [Option<u64>; 2],
    mark: u64,
}

const SECTIONS: usize = 8;

/// A section: its heading, and what stands in it.
type Section = (Entry, Vec<Entry>);

fn section(title: &'static str, entries: Vec<Entry>) -> Section {
    (Entry::Heading { title, remark: String::new() }, entries)
}

/// The sections in their order.
fn sections(
    scene: Scene<'_>,
    ticks: &BTreeMap<String, String>,
    sizes: Option<&Result<Sizes, String>>,
    journal: Option<&JournalExtent>,
) -> [Section; SECTIONS] {
    let checklist = |title, checks: Vec<Check>| {
        let key = scene.key(Action::Tick);
        let ticked = |check: Check| {
            let day = ticks.get(check.need).map(String::as_str);
            check.ticked(day, &key)
        };
        let checks: Vec<Check> = checks.into_iter().map(ticked).collect();
        (
            Entry::Heading { title, remark: in_numbers(&checks) },
            checks.into_iter().map(Entry::Check).collect(),
        )
    };
    [
        section("Mixpanel", setup_facts::mixpanel(scene)),
        section("mParticle", setup_facts::mparticle(scene)),
        checklist("What Mixpanel needs", setup_checks::mixpanel(scene)),
        checklist("What mParticle needs", setup_checks::mparticle(scene)),
        section("Snippets", setup_checks::snippets()),
        section("Limits in force", setup_facts::limits(scene)),
        section("On this computer", setup_facts::computer(scene, sizes, journal)),
        section("Settings", settings(scene)),
    ]
}

/// Every setting of the file and where its value comes from, to be changed.
fn settings(scene: Scene<'_>) -> Vec<Entry> {
    scene.settings.configured.iter().cloned().map(Entry::Setting).collect()
}

impl SetupScreen {
    fn entry(&self, shown: usize) -> Option<&(usize, Entry)> {
        self.entries.get(*self.shown.get(shown)?)
    }

    /// Decides again what is seen, with the same entry selected where it still is there.
    fn show(&mut self) {
        let is_seen = |(section, entry): &(usize, Entry)| {
            !self.folded[*section] || matches!(entry, Entry::Heading { .. })
        };
        let seen = self.entries.iter().enumerate().filter(|(_, entry)| is_seen(entry));
        self.shown = seen.map(|(index, _)| index).collect();
        self.selected = self.selected.min(self.shown.len().saturating_sub(1));
    }

    fn fold(&mut self) {
        let Some(section) = self.entry(self.selected).map(|(section, _)| *section) else { return };
        self.folded[section] = !self.folded[section];
        self.show();
        self.jump_to(section);
    }

    /// Ticks the selected check off, or takes the tick back.
    fn tick(&mut self, scene: Scene<'_>) {
        let Some((_, Entry::Check(check))) = self.entry(self.selected) else { return };
        let need = check.need.to_owned();
        if self.ticks.remove(&need).is_none() {
            let day = scene.now.to_zoned_datetime(scene.settings.zone.clone()).date();
            self.ticks.insert(need, day.to_string());
        }
        self.arrange(scene);
    }

    /// How many checks speak against what is needed.
    fn to_mend(&self) -> usize {
        let is_against =
            |entry: &Entry| matches!(entry, Entry::Check(Check { evidence: Evidence::Against(_), .. }));
        self.entries.iter().filter(|(_, entry)| is_against(entry)).count()
    }

    fn jump_to(&mut self, wanted: usize) {
        let is_it = |index: &usize| matches!(self.entries.get(*index), Some((section, Entry::Heading { .. })) if *section == wanted);
        self.selected = self.shown.iter().position(is_it).unwrap_or(self.selected);
        // A section that was jumped to is seen from its heading on.
        self.view = None;
    }

    fn jump(&mut self, on: bool) {
        let Some((section, entry)) = self.entry(self.selected) else { return };
        let back = if matches!(entry, Entry::Heading { .. }) { section.saturating_sub(1) } else { *section };
        let target = if on { (section + 1).min(SECTIONS - 1) } else { back };
        self.jump_to(target);
    }
}

impl Page for SetupScreen {
    fn place(&self) -> Place {
        Place::Setup
    }

    fn hints(&self) -> &'static [Action] {
        use Action::{Copy, NextPart, Open, Palette, Reconnect, Refresh, Tick, UndoSetting};
        &[Open, Tick, UndoSetting, NextPart, Copy, Reconnect, Refresh, Palette]
    }

    fn title_of(&self, action: Action) -> Option<&'static str> {
        match (action, self.entry(self.selected)) {
            (Action::Tick, Some((_, Entry::Check(check)))) if matches!(check.evidence, Evidence::Seen(_)) => {
                Some("untick")
            }
            (Action::Open, Some((_, Entry::Setting(_)))) => Some("edit"),
            (Action::Open, Some((section, _))) => Some(if self.folded[*section] { "unfold" } else { "fold" }),
            _ => None,
        }
    }

    fn obstacle(&self, action: Action, _: Scene<'_>) -> Option<String> {
        if action != Action::Tick {
            return None;
        }
        match self.entry(self.selected) {
            Some((_, Entry::Check(check))) if check.is_by_eye => None,
            _ => Some("only what the program cannot see is ticked off".to_owned()),
        }
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        self.mark = runs::mark(scene.snapshot, None);
        let refused = scene.snapshot.cohorts.iter().filter(|view| is_refused(view));
        self.refused = refused.map(|view| view.cohort.id).collect();
        let before = self.entry(self.selected).map(|(section, entry)| (*section, entry.name().to_owned()));
        self.entries.clear();
        let all = sections(scene, &self.ticks, self.sizes.as_ref(), self.journal.as_ref());
        for (section, (heading, entries)) in all.into_iter().enumerate() {
            self.entries.push((section, heading));
            self.entries.extend(entries.into_iter().map(|entry| (section, entry)));
        }
        self.show();
        if let Some(name) = self.wanted.take() {
            let is_it = |index: &usize| self.entries[*index].1.name() == name;
            self.selected = self.shown.iter().position(is_it).unwrap_or(self.selected);
            return;
        }
        let is_same = |index: &usize| {
            let (section, entry) = &self.entries[*index];
            before.as_ref().is_some_and(|(of, name)| of == section && name == entry.name())
        };
        self.selected = self.shown.iter().position(is_same).unwrap_or(self.selected);
    }

    fn drawn(&mut self, view: Option<View>) {
        self.view = view;
    }

    fn move_by(&mut self, lines: i64) {
        // Most entries take two lines, so whoever moves by pages moves by half as many entries.
        let entries = if lines.abs() > 1 { lines / 2 } else { lines };
        let here = i64::try_from(self.selected).unwrap_or(i64::MAX);
        self.select_line(usize::try_from(here.saturating_add(entries).max(0)).unwrap_or(0));
    }

    fn select_line(&mut self, line: usize) {
        self.selected = line.min(self.shown.len().saturating_sub(1));
    }

    fn chosen(&self) -> Vec<CohortId> {
        self.refused.clone()
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        match action {
            Action::Open => match self.entry(self.selected) {
                Some((_, Entry::Setting(shown))) => return Step::Edit(shown.key.clone()),
                _ => self.fold(),
            },
            Action::Tick => self.tick(scene),
            Action::NextPart => self.jump(true),
            Action::PreviousPart => self.jump(false),
            Action::Copy => {
                if let Some((_, entry)) = self.entry(self.selected) {
                    let (text, what) = entry.copied();
                    return Step::Copy(text, what);
                }
            }
            _ => {}
        }
        Step::Done
    }

    fn selected_name(&self) -> Option<String> {
        Some(self.entry(self.selected)?.1.name().to_owned())
    }

    fn select_named(&mut self, name: String) {
        self.wanted = Some(name);
    }

    fn ticks(&self) -> Option<&BTreeMap<String, String>> {
        Some(&self.ticks)
    }

    fn ticks_mut(&mut self) -> Option<&mut BTreeMap<String, String>> {
        Some(&mut self.ticks)
    }

    fn wants(&self) -> Vec<Question> {
        let questions = [Question::Size, Question::JournalExtent].into_iter().zip(self.measured);
        questions.filter(|(_, of)| *of != Some(self.mark)).map(|(question, _)| question).collect()
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        let place = match question {
            Question::Size => 0,
            Question::JournalExtent => 1,
            _ => return,
        };
        self.measured[place] = Some(self.mark);
        match answer {
            Ok(Answer::Size(sizes)) => self.sizes = Some(Ok(*sizes)),
            Ok(Answer::JournalExtent(extent)) => self.journal = Some(*extent),
            Ok(_) => {}
            // Both are read from one file, so one error says it.
            Err(error) => self.sizes = Some(Err(error.clone())),
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let mut title = vec![piece(Role::Title, "Setup")];
        if scene.settings.environment == "development" {
            title.push(piece(Role::Bad, " · DEVELOPMENT"));
        }
        if self.to_mend() > 0 {
            title.push(piece(Role::Bad, format!(" · {} to mend", self.to_mend())));
        }
        let inside = canvas.frame(area, Role::Faint, &title);
        if inside.is_empty() {
            return;
        }
        let width = usize::from(inside.width.saturating_sub(2));
        let shown = self.shown.iter().filter_map(|index| self.entries.get(*index)).enumerate();
        let blocks: Vec<Block<'_>> = shown
            .map(|(place, (section, entry))| Block {
                gap: matches!(entry, Entry::Heading { .. }) && place > 0,
                lines: entry.lines(width, self.folded[*section]),
            })
            .collect();
        blocks::draw(canvas, inside, self.view, Some(self.selected), &blocks);
    }
}
