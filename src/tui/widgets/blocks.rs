//! A list whose entries take several lines each: which lines are in view, the selected entry marked over all of its
//! lines, and where clicks go. What the lines say is the screen's.

use super::scroll;
use crate::tui::canvas::{Canvas, Piece, Target, View};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use std::ops::Range;

/// An entry of the list.
pub struct Block<'a> {
    /// Whether an empty line stands in front of it, which is never part of the selection.
    pub gap: bool,
    /// Its lines.
    pub lines: Vec<Vec<Piece<'a>>>,
}

/// Draws what of the blocks is in view; `before` is what was in view in the last frame, and nothing after a jump, when
/// the selected block is to be seen from its first line on.
pub fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    before: Option<View>,
    selected: Option<usize>,
    blocks: &[Block<'_>],
) {
    let width = area.width.saturating_sub(2);
    let empty = Vec::new();
    let mut lines: Vec<(usize, &Vec<Piece<'_>>)> = Vec::new();
    let mut span = None;
    for (index, block) in blocks.iter().enumerate() {
        if block.gap {
            lines.push((index, &empty));
        }
        let start = lines.len();
        lines.extend(block.lines.iter().map(|line| (index, line)));
        if Some(index) == selected {
            span = Some(start..lines.len());
        }
    }
    let view = match &span {
        Some(span) => view_of(before, span, lines.len(), usize::from(area.height)),
        None => scroll::view(before, None, lines.len(), usize::from(area.height)),
    };
    canvas.hits.list = Some(view);
    let rows = lines.iter().enumerate().skip(view.offset);
    for (y, (number, (index, line))) in (area.y..area.bottom()).zip(rows) {
        let row = Rect::new(area.x, y, area.width.saturating_sub(1), 1);
        canvas.target(row, Target::Line(*index));
        if span.as_ref().is_some_and(|span| span.contains(&number)) {
            canvas.tint(row, Role::Selected);
            canvas.on_selected(|canvas| {
                canvas.text(row.x, y, 1, Role::Focus, "▌");
                canvas.line(row.x + 1, y, width, line);
            });
        } else {
            canvas.line(row.x + 1, y, width, line);
        }
    }
    let track = Rect::new(area.right().saturating_sub(1), area.y, 1, area.height);
    scroll::draw_bar(canvas, track, view, lines.len());
}

/// Moves as little as brings the selected lines into view; what is taller than the view is seen from its first line.
/// After a jump the first selected line is on top.
fn view_of(before: Option<View>, span: &Range<usize>, total: usize, height: usize) -> View {
    let most = total.saturating_sub(height);
    let offset = before.map_or(span.start, |view| view.offset).min(most);
    let offset = offset.max(span.end.saturating_sub(height)).min(span.start);
    View { offset: if span.start <= 1 { 0 } else { offset }, height }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_lines_come_into_view_whole_where_they_fit() {
        let at =
            |offset, span: Range<usize>| view_of(Some(View { offset, height: 10 }), &span, 100, 10).offset;
        assert_eq!(at(20, 22..25), 20, "nothing moves while it is in view");
        assert_eq!(at(20, 28..33), 23);
        assert_eq!(at(20, 12..15), 12);
        assert_eq!(at(20, 30..50), 30, "seen from its first line");
        assert_eq!(at(20, 1..3), 0);
        assert_eq!(view_of(None, &(40..43), 100, 10).offset, 40, "after a jump");
        assert_eq!(view_of(None, &(95..100), 100, 10).offset, 90);
    }
}
