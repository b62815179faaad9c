//! What a person sees who has not configured anything yet: what this program is, how to try it without an
//! account, and how to connect it. One screen, three keys.
//!
//! ```text
//!        cohort-sync
//!        Mixpanel cohorts to mParticle, with every user accounted for.
//!
//!        enter   connect your own project
//!        d       look around in the demo
//!        q       quit
//! ```

use crate::tui::canvas::{Canvas, Piece, cells, piece};
use crate::tui::text;
use crate::tui::theme::Role;

/// The widest the text may run.
const COLUMNS: u16 = 70;

const WHAT: &str = "Exports Mixpanel cohorts to mParticle and accounts for every user: who was sent, under \
                    which identity, and what mParticle answered.";
const CONNECT: &str = "Asks for the feed's Webhook URL and a service account, tries both, and can tell one user of \
                       yours as evidence. `cohort-sync setup` asks the same without a screen.";
const DEMO: &str = "Both services run inside this program, with made-up people. No account, no network, \
                    and nothing you do there can reach a real project.";

/// Lines that belong together.
struct Block {
    lines: Vec<Vec<Piece<'static>>>,
    /// Whether it leaves first where there is little room.
    optional: bool,
    /// Whether an empty line sets it off from what is above.
    apart: bool,
}

/// Draws the screen. The explanation says why there is no configuration, or what is wrong with it.
pub fn draw(canvas: &mut Canvas<'_>, explanation: Option<&str>, config_path: Option<&str>) {
    let whole = canvas.area();
    let width = COLUMNS.min(whole.width.saturating_sub(4));
    let mut blocks = blocks(usize::from(width), explanation, config_path);
    let height =
        |blocks: &[Block]| blocks.iter().map(|block| block.lines.len() + usize::from(block.apart)).sum();
    let room = usize::from(whole.height);
    if height(&blocks) > room {
        blocks.retain(|block| !block.optional);
    }
    if height(&blocks) > room {
        for block in &mut blocks {
            block.apart = false;
        }
    }
    let used: usize = height(&blocks);
    let x = (whole.width - width) / 2;
    let mut y = whole.height.saturating_sub(cells(used)) / 3;
    for block in &blocks {
        y = y.saturating_add(u16::from(block.apart));
        for line in &block.lines {
            canvas.line(x, y, width, line);
            y = y.saturating_add(1);
        }
    }
}

fn blocks(width: usize, explanation: Option<&str>, config_path: Option<&str>) -> Vec<Block> {
    let text =
        |role, text: &str| text::wrap(text, width).into_iter().map(|line| vec![piece(role, line)]).collect();
    let block = |lines| Block { lines, optional: false, apart: true };
    let brand = piece(Role::Focus, "cohort-sync");
    let version = piece(Role::Muted, concat!("  ", env!("CARGO_PKG_VERSION")));
    let mut blocks =
        vec![Block { apart: false, ..block(vec![vec![brand, version]]) }, block(text(Role::Text, WHAT))];
    blocks.extend(explanation.map(|why| block(text(Role::Warn, why))));
    blocks.push(block(vec![vec![
        piece(Role::Key, "enter"),
        piece(Role::Strong, "   Connect your own project, in two minutes"),
    ]]));
    blocks.push(aside(width, CONNECT));
    blocks.extend(config_path.map(|path| aside(width, &format!("It writes {path}, for you alone."))));
    blocks.push(block(vec![vec![
        piece(Role::Key, "d"),
        piece(Role::Strong, "       Look around in the demo"),
    ]]));
    blocks.push(aside(width, DEMO));
    blocks.push(block(vec![vec![piece(Role::Key, "q"), piece(Role::Text, "       Quit")]]));
    blocks
}

/// More about the line above, set in.
fn aside(width: usize, words: &str) -> Block {
    let lines = text::wrap(words, width.saturating_sub(8));
    let lines = lines.into_iter().map(|line| vec![piece(Role::Muted, format!("        {line}"))]).collect();
    Block { lines, optional: true, apart: false }
}
