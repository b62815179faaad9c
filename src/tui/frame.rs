//! What stands around every screen: where one is and how both sides feel, the tabs, and the keys that work
//! here beside what runs now. Parts leave by priority when the terminal is narrow.
//!
//! ```text
//!  cohort-sync  acme-prod · 12345 · EU   ● Mixpanel  ● mParticle   queries ━━━━╸━ 41/60 h   14:32:07
//!  1 Cohorts   6 Log                                                                     DEMO   ? help
//!  … the screen …
//!  s start sync  p pause  r refresh  / filter  : commands                        3 syncing · 1 paused
//! ```

use super::action::Action;
use super::canvas::{Canvas, Piece, Target, cells, piece, width_of};
use super::keymap::{Code, Key};
use super::screens::{Scene, Screen};
use super::text;
use super::theme::Role;
use super::widgets::bar;
use crate::sync::snapshot::{Health, Writer};
use ratatui::layout::Rect;

/// Cells of the small bars in the header.
const GAUGE: u16 = 6;

/// A part of the header: words, with a bar in front of the last of them.
struct Part {
    before: Vec<Piece<'static>>,
    bar: Option<(f64, Role)>,
    after: Vec<Piece<'static>>,
}

impl Part {
    fn words(pieces: Vec<Piece<'static>>) -> Self {
        Self { before: pieces, bar: None, after: Vec::new() }
    }

    fn width(&self) -> u16 {
        let bar = if self.bar.is_some() { GAUGE + 1 } else { 0 };
        cells(width_of(&self.before) + width_of(&self.after)) + bar
    }

    fn draw(&self, canvas: &mut Canvas<'_>, x: u16, y: u16, columns: u16) {
        let mut used = canvas.line(x, y, columns, &self.before);
        if let Some((share, role)) = self.bar {
            bar::draw_slim(canvas, x + used, y, GAUGE.min(columns.saturating_sub(used)), share, role);
            used += GAUGE + 1;
        }
        canvas.line(x + used, y, columns.saturating_sub(used), &self.after);
    }
}

/// What the header shows at a level of detail.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is one part that is there or not")]
struct Detail {
    brand: bool,
    gauges: bool,
    rate: bool,
    clock: bool,
    project: bool,
    queries: bool,
}

/// From generous to terse; the first that fits is drawn.
const DETAILS: [Detail; 6] = {
    let all = Detail { brand: true, gauges: true, rate: true, clock: true, project: true, queries: true };
    let numbers = Detail { gauges: false, ..all };
    let anonymous = Detail { brand: false, ..numbers };
    let slow = Detail { rate: false, ..anonymous };
    let timeless = Detail { clock: false, project: false, ..slow };
    [all, numbers, anonymous, slow, timeless, Detail { queries: false, ..timeless }]
};

/// Draws the first row.
pub fn draw_header(canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
    let columns = area.width.saturating_sub(2);
    let middle = Part::words(health(canvas, scene));
    let parts = |detail: &Detail| (identity(scene, *detail), meters(canvas, scene, *detail));
    let fits = |(left, right): &(Part, Vec<Part>)| {
        left.width() + 3 + middle.width() + meters_width(right) <= columns
    };
    let (left, right) =
        DETAILS.iter().map(parts).find(fits).unwrap_or_else(|| parts(&DETAILS[DETAILS.len() - 1]));
    left.draw(canvas, area.x + 1, area.y, columns);
    let end = area.right().saturating_sub(1);
    let meters = meters_width(&right);
    let mut x = end.saturating_sub(meters.saturating_sub(3)).max(area.x);
    let health_x = place_health(area.x + 1 + left.width(), x, middle.width(), meters > 0);
    middle.draw(canvas, health_x, area.y, end.saturating_sub(health_x));
    for part in right {
        part.draw(canvas, x, area.y, end.saturating_sub(x));
        x = x.saturating_add(part.width() + 3);
    }
}

fn meters_width(parts: &[Part]) -> u16 {
    parts.iter().map(|part| part.width() + 3).sum()
}

/// Health stands in the middle of what is free, and at the right edge when nothing stands there.
fn place_health(from: u16, to: u16, width: u16, has_meters: bool) -> u16 {
    let free = to.saturating_sub(from).saturating_sub(width);
    from + if has_meters { free / 2 } else { free }
}

fn identity(scene: Scene<'_>, detail: Detail) -> Part {
    let settings = scene.settings;
    let mut pieces = Vec::new();
    if detail.brand {
        pieces.push(piece(Role::Focus, "cohort-sync  "));
    }
    pieces.push(piece(Role::Strong, text::cut(&settings.profile, 24).into_owned()));
    if let Some(project) = settings.project_id.filter(|_| detail.project) {
        pieces.push(piece(Role::Muted, format!(" · {project}")));
    }
    if detail.queries {
        pieces.push(piece(Role::Muted, format!(" · {}", settings.region.to_uppercase())));
    }
    Part::words(pieces)
}

fn health(canvas: &Canvas<'_>, scene: Scene<'_>) -> Vec<Piece<'static>> {
    let mut pieces = side(canvas, "Mixpanel", &scene.snapshot.mixpanel);
    pieces.push(piece(Role::Text, "  "));
    pieces.extend(side(canvas, "mParticle", &scene.snapshot.mparticle));
    pieces
}

/// A word stands beside the sign whenever something is not well, and always where there are no colours.
fn side(canvas: &Canvas<'_>, name: &str, health: &Health) -> Vec<Piece<'static>> {
    let mono = canvas.theme.is_mono();
    let (role, sign, word) = match health {
        Health::Unknown => (Role::Muted, "·", ""),
        Health::Reachable => (Role::Good, "●", if mono { " ok" } else { "" }),
        Health::Retrying(_) => (Role::Warn, "◐", " retrying"),
        Health::Down(_) => (Role::Bad, "○", " down"),
    };
    vec![piece(role, sign), piece(Role::Text, format!(" {name}")), piece(role, word)]
}

fn meters(canvas: &Canvas<'_>, scene: Scene<'_>, detail: Detail) -> Vec<Part> {
    let snapshot = scene.snapshot;
    let mut parts = Vec::new();
    let queries = snapshot.queries;
    let spent = f64::from(queries.used) / f64::from(queries.limit.max(1));
    // Queries are short before they are spent: that is when intervals are stretched.
    let role = match meter_role(spent) {
        Role::Good if snapshot.stretch.is_some() => Role::Warn,
        role => role,
    };
    let numbers = format!("{:>2}/{}", queries.used, queries.limit);
    let mut after = vec![piece(if role == Role::Good { Role::Text } else { role }, numbers)];
    if detail.brand {
        after.push(piece(Role::Muted, if queries.learned { " h" } else { " h?" }));
    }
    if detail.queries {
        parts.push(Part {
            before: vec![piece(Role::Muted, "queries ")],
            bar: detail.gauges.then_some((spent, role)),
            after,
        });
    }
    if let Some(percent) = snapshot.feed_rate_percent.filter(|_| detail.rate) {
        let share = f64::from(percent) / 100.0;
        let after = vec![piece(Role::Text, format!("{percent:>3} %"))];
        let bar = detail.gauges.then_some((share, meter_role(share)));
        parts.push(Part { before: vec![piece(Role::Muted, "rate ")], bar, after });
    }
    if scene.settings.clock && detail.clock {
        parts.push(Part::words(vec![piece(Role::Text, text::clock(canvas.now, canvas.zone))]));
    }
    parts
}

/// A budget is well until four fifths of it are spent.
fn meter_role(share: f64) -> Role {
    match share {
        share if share >= 1.0 => Role::Bad,
        share if share >= 0.8 => Role::Warn,
        _ => Role::Good,
    }
}

/// The words of a tab, and the air that lets all of them be seen: where there is no room for every title, only the open
/// one is spelled out.
fn tabs(scene: Scene<'_>, width: u16, open: Screen) -> (Vec<[Piece<'static>; 2]>, u16) {
    let tab = |screen: Screen, is_spelled: bool| {
        let (key, title) = if screen == open { (Role::Focus, Role::Focus) } else { (Role::Key, Role::Muted) };
        let words = if is_spelled { format!(" {}", screen.title()) } else { String::new() };
        [piece(key, scene.key(screen.action())), piece(title, words)]
    };
    let room = |tabs: &[[Piece<'_>; 2]]| {
        let words: usize = tabs.iter().map(|tab| width_of(tab)).sum();
        let between = cells(tabs.len()).saturating_sub(1).max(1);
        usize::from(width).checked_sub(words + 1).map_or(0, |left| cells(left) / between)
    };
    let all: Vec<_> = Screen::ALL.iter().map(|screen| tab(*screen, true)).collect();
    match room(&all) {
        0 => {
            let brief: Vec<_> = Screen::ALL.iter().map(|screen| tab(*screen, *screen == open)).collect();
            let gap = room(&brief).clamp(1, 3);
            (brief, gap)
        }
        gap => (all, gap.min(3)),
    }
}

/// Draws the second row.
pub fn draw_tabs(canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect, open: Screen) {
    let (tabs, gap) = tabs(scene, area.width, open);
    let mut x = area.x + 1;
    for (screen, tab) in Screen::ALL.into_iter().zip(&tabs) {
        let used = canvas.line(x, area.y, area.right().saturating_sub(x), tab);
        canvas.target(Rect::new(x, area.y, used, 1), Target::Tab(screen));
        x += used + gap;
    }
    let mut right = Vec::new();
    if scene.snapshot.writer.is_read_only() {
        right.push(piece(Role::ReadOnlyBadge, " READ-ONLY "));
        right.push(piece(Role::Text, "  "));
    }
    // Whoever syncs to development wonders for hours why no audience moves.
    if scene.settings.environment == "development" {
        let word = if area.width < 100 { " DEV " } else { " DEVELOPMENT " };
        right.push(piece(Role::ReadOnlyBadge, word));
        right.push(piece(Role::Text, "  "));
    }
    if scene.settings.demo {
        right.push(piece(Role::DemoBadge, " DEMO "));
        right.push(piece(Role::Text, "  "));
    }
    let help = [piece(Role::Key, scene.key(Action::Help)), piece(Role::Muted, " help ")];
    let wide = cells(width_of(&help));
    let room = area.right().saturating_sub(x);
    // What does not fit whole is left out, help before what one must know.
    if cells(width_of(&right)) + wide <= room {
        right.extend(help);
        let place = Rect::new(area.right().saturating_sub(wide), area.y, wide, 1);
        canvas.target(place, Target::Run(Action::Help));
    }
    if cells(width_of(&right)) <= room {
        canvas.line_right(x, area.y, room, &right);
    }
}

/// A hint of the footer: an action, and whether it can be done now.
#[derive(Debug, Clone, Copy)]
pub struct Hint {
    /// The action.
    pub action: Action,
    /// The word to show for it.
    pub title: &'static str,
    /// Whether it can be done now.
    pub available: bool,
}

/// Draws the last row while somebody types: keys that are no actions, and what they do.
pub fn draw_keys(canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect, keys: &[(Code, &'static str)]) {
    let right = activity(canvas, scene);
    let end = area.right().saturating_sub(cells(width_of(&right)) + 2);
    let mut x = area.x + 1;
    for (code, words) in keys {
        let key = Key::plain(*code).label(scene.settings.ascii);
        let pieces = [piece(Role::Key, key), piece(Role::Text, format!(" {words}"))];
        let wide = cells(width_of(&pieces));
        if x + wide > end {
            break;
        }
        canvas.line(x, area.y, wide, &pieces);
        x += wide + 2;
    }
    canvas.line_right(area.x, area.y, area.width.saturating_sub(1), &right);
}

/// Draws the last row.
pub fn draw_footer(canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect, hints: &[Hint]) {
    let right = activity(canvas, scene);
    let reserved = cells(width_of(&right));
    let end = area.right().saturating_sub(reserved + 2);
    let mut x = area.x + 1;
    for hint in hints {
        let role = if hint.available { Role::Text } else { Role::Muted };
        let key = if hint.available { Role::Key } else { Role::Muted };
        let pieces = [piece(key, scene.key(hint.action)), piece(role, format!(" {}", hint.title))];
        let wide = cells(width_of(&pieces));
        if x + wide > end {
            break;
        }
        canvas.line(x, area.y, wide, &pieces);
        canvas.target(Rect::new(x, area.y, wide, 1), Target::Run(hint.action));
        x += wide + 2;
    }
    canvas.line_right(area.x, area.y, area.width.saturating_sub(1), &right);
}

/// What runs now.
fn activity(canvas: &Canvas<'_>, scene: Scene<'_>) -> Vec<Piece<'static>> {
    let snapshot = scene.snapshot;
    let (active, paused) = (snapshot.active(), snapshot.paused());
    let mut pieces = Vec::new();
    if active > 0 {
        pieces.push(piece(Role::Busy, format!("{} {active} syncing", canvas.spinner())));
    }
    if paused > 0 {
        let gap = if active > 0 { " · " } else { "" };
        pieces.push(piece(Role::Muted, gap));
        pieces.push(piece(Role::Warn, format!("{paused} paused")));
    }
    let checks = snapshot.verifying();
    if checks > 0 {
        let gap = if pieces.is_empty() { "" } else { " · " };
        pieces.push(piece(Role::Muted, gap));
        pieces.push(piece(Role::Busy, format!("{checks} verifying")));
    }
    if pieces.is_empty() {
        pieces.push(piece(Role::Muted, "idle"));
    }
    pieces
}

/// Who holds the state directory, for whoever wants to change something here.
#[must_use]
pub fn holder(writer: &Writer) -> Option<String> {
    match writer {
        Writer::ThisProcess => None,
        Writer::Other(who) => {
            Some(format!("read-only: {who} holds the state directory; act there, or end it first"))
        }
        Writer::ReadOnly => {
            Some("read-only: started with --read-only; start without it to change anything".to_owned())
        }
    }
}
