//! What a person sees who has not configured anything yet: what this program is, how to try it without an
//! account, and how to connect it. One screen, two keys.
//!
//! ```text
//!        cohort-sync
//!        Mixpanel cohorts to mParticle, with every user accounted for.
//!
//!        d   look around in the demo
//!        q   quit
//! ```

use crate::tui::canvas::{Canvas, piece};
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// The widest the text may run.
const COLUMNS: u16 = 70;

const WHAT: &str = "Exports Mixpanel cohorts to mParticle and accounts for every user: who was sent, under \
                    which identity, and what mParticle answered.";
const DEMO: &str = "Both services run inside this program, with made-up people. No account, no network, \
                    and nothing you do there can reach a real project.";

/// Draws the screen. The explanation says why there is no configuration, or what is wrong with it.
pub fn draw(canvas: &mut Canvas<'_>, explanation: Option<&str>, config_path: Option<&str>) {
    let whole = canvas.area();
    let width = COLUMNS.min(whole.width.saturating_sub(4));
    let explained = explanation.map_or(0, |text| text::wrap(text, usize::from(width)).len() + 1);
    let height = (18 + u16::try_from(explained).unwrap_or(0)).min(whole.height);
    let x = (whole.width - width) / 2;
    let mut area = Rect::new(x, (whole.height - height) / 3, width, height);
    let mut step = |lines: u16| {
        let lines = lines.min(area.height);
        area.y += lines;
        area.height -= lines;
        area
    };
    let mut at = step(0);
    canvas.line(
        at.x,
        at.y,
        at.width,
        &[piece(Role::Focus, "cohort-sync"), piece(Role::Muted, concat!("  ", env!("CARGO_PKG_VERSION")))],
    );
    at = step(2);
    let used = canvas.paragraph(at, Role::Text, WHAT);
    at = step(used + 1);
    if let Some(explanation) = explanation {
        let used = canvas.paragraph(at, Role::Warn, explanation);
        at = step(used + 1);
    }
    canvas.line(
        at.x,
        at.y,
        at.width,
        &[piece(Role::Key, "d"), piece(Role::Strong, "   Look around in the demo")],
    );
    at = step(1);
    let used = canvas.paragraph(indented(at), Role::Muted, DEMO);
    at = step(used + 1);
    canvas.line(at.x, at.y, at.width, &[piece(Role::Strong, "    Connect your own project")]);
    at = step(1);
    canvas.line(
        at.x,
        at.y,
        at.width,
        &[
            piece(Role::Muted, "    Quit, run "),
            piece(Role::Strong, "cohort-sync config init"),
            piece(Role::Muted, " and follow what it says."),
        ],
    );
    at = step(1);
    if let Some(path) = config_path {
        let path = format!("It writes {path}, with a comment on every line.");
        let used = canvas.paragraph(indented(at), Role::Muted, &path);
        at = step(used);
    }
    at = Rect { y: at.y + 1, height: at.height.saturating_sub(1), ..at };
    if at.height > 0 {
        canvas.line(at.x, at.y, at.width, &[piece(Role::Key, "q"), piece(Role::Text, "   Quit")]);
    }
}

fn indented(area: Rect) -> Rect {
    Rect::new(area.x + 4, area.y, area.width.saturating_sub(4), area.height)
}
