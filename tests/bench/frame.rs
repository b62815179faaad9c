//! What a frame costs to compute, against ratatui's own cost for a plain table and for nothing at all on a screen of
//! the same size, in the same run: `cargo bench --bench frame`. It prints medians and ratios and judges nothing.

#![expect(dead_code, reason = "the fixture serves the tests of the screens too")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

#[path = "../screens/fixture.rs"]
mod fixture;

use cohort_sync::domain::CohortId;
use cohort_sync::sync::pages::{Answer, JOURNAL_MOST, JournalLine, JournalPlace, JournalRow, Question, Side};
use cohort_sync::sync::snapshot::Snapshot;
use cohort_sync::tui::app::{App, Effect, Msg};
use cohort_sync::tui::input::Input;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Constraint;
use ratatui::style::{Color, Style};
use ratatui::widgets::{Block, Row, Table};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIZES: [(u16, u16); 2] = [(120, 36), (200, 50)];
const FRAMES: usize = 400;
const COHORTS: usize = 1_000;

fn main() {
    for (width, height) in SIZES {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let nothing = median(|| {
            terminal.draw(|_| {}).unwrap();
        });
        let table = plain_table(width, height);
        let plain = median(|| {
            terminal.draw(|frame| frame.render_widget(&table, frame.area())).unwrap();
        });
        println!("{width}×{height}: ratatui, nothing {nothing:?}, a plain table {plain:?}");
        for (name, mut app) in
            [("busy", app(fixture::busy())), ("busy, 1,000 cohorts", app(many())), ("a full journal", live())]
        {
            let mut hits = None;
            terminal.draw(|frame| hits = Some(app.draw(frame))).unwrap();
            app.update(Msg::Drawn(hits.take().unwrap()));
            let frame = median(|| {
                terminal.draw(|frame| drop(app.draw(frame))).unwrap();
            });
            let ratio = frame.as_secs_f64() / plain.as_secs_f64();
            println!("  {name:<22} {frame:?}   {ratio:.2} × the plain table");
        }
    }
}

fn app(snapshot: Snapshot) -> App {
    App::new(fixture::settings(), Arc::new(snapshot), fixture::now()).unwrap()
}

/// The Live screen with as many requests as the journal holds, all of the last minute.
fn live() -> App {
    let newest = i64::try_from(JOURNAL_MOST).unwrap();
    let mut app = app(Snapshot { journaled: newest, ..fixture::busy() });
    let mut effects = app.update(Msg::Input(Input::Key("3".parse().unwrap())));
    while let Some(effect) = effects.pop() {
        let Effect::Load(question) = effect else { continue };
        let Question::Journal { place, limit, .. } = &question else { continue };
        let upto = match place {
            JournalPlace::Newest => newest,
            JournalPlace::Before(id) => id - 1,
            JournalPlace::After(_) => 0,
        };
        let rows = (1..=upto).rev().take(*limit).map(|id| request(id, newest)).collect();
        effects.extend(app.update(Msg::Loaded(question, Ok(Answer::Journal(rows)))));
    }
    app
}

fn request(id: i64, newest: i64) -> JournalRow {
    let line = JournalLine {
        at: fixture::ago((newest - id) * 59 / newest),
        run: None,
        cohort: Some(CohortId(1001)),
        side: Side::Mparticle,
        what: "batches".to_owned(),
        first_position: None,
        users: 100,
        accepted: Some(100),
        bytes: 24_000,
        status: Some(202),
        elapsed: Duration::from_millis(40 + id.unsigned_abs() * 37 % 400),
        attempt: 1,
    };
    JournalRow { id, line, said: String::new() }
}

/// A table that fills the screen with as many styled cells as the console's.
fn plain_table(width: u16, height: u16) -> Table<'static> {
    let columns = 10;
    let cell = usize::from(width) / columns - 1;
    let rows = (0..height).map(|row| {
        let style = Style::new().fg(if row % 2 == 0 { Color::Blue } else { Color::Reset });
        Row::new((0..columns).map(|column| format!("{:>cell$}", usize::from(row) * columns + column)))
            .style(style)
    });
    let widths = vec![Constraint::Length(u16::try_from(cell).unwrap()); columns];
    Table::new(rows.collect::<Vec<_>>(), widths).block(Block::bordered().title("table"))
}

/// The busy fixture with its cohorts repeated under new numbers.
fn many() -> Snapshot {
    let mut snapshot = fixture::busy();
    let pattern = snapshot.cohorts.clone();
    snapshot.cohorts = (0..COHORTS)
        .map(|n| {
            let mut view = (*pattern[n % pattern.len()]).clone();
            view.cohort.id.0 = 10_000 + n as u64;
            Arc::new(view)
        })
        .collect();
    snapshot
}

fn median(mut frame: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..FRAMES)
        .map(|_| {
            let began = Instant::now();
            frame();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[FRAMES / 2]
}
