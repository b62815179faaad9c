//! How a list of rows is drawn that has neither marks nor an order of its choosing: heading, the rows in view, the
//! selected one, and a scroll bar. Where the rows come from, and which are at hand, is the list's.

use super::columns::{Column, place};
use super::scroll;
use super::table::draw_heading;
use crate::tui::canvas::{Canvas, Piece, Target, View};
use crate::tui::text::Align;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Cells for the sign of the selection.
const GUTTER: u16 = 2;

/// A list: its columns, how long it is and where one is in it.
#[derive(Debug, Clone, Copy)]
pub struct Extent<'c> {
    /// The columns.
    pub columns: &'c [Column],
    /// How many rows it has.
    pub total: usize,
    /// The position of the selected one.
    pub selected: Option<usize>,
    /// What was in view in the last frame.
    pub view: Option<View>,
}

/// Draws heading, rows in view and scroll bar; `row` finds the row at a position, where it is at hand, and `cell`
/// says what stands in a column of it.
pub fn draw<'r, T: 'r>(
    canvas: &mut Canvas<'_>,
    area: Rect,
    extent: Extent<'_>,
    row: impl Fn(usize) -> Option<&'r T>,
    cell: impl Fn(&Canvas<'_>, usize, &T) -> Piece<'static>,
) {
    let columns = extent.columns;
    if area.height < 2 || area.width < 8 {
        return;
    }
    let placed = place(columns, area.width - GUTTER - 1);
    draw_heading(canvas, Rect { x: area.x + GUTTER, ..area }, columns, &placed, None);
    let body = Rect::new(area.x, area.y + 1, area.width, area.height - 1);
    let view = scroll::view(extent.view, extent.selected, extent.total, usize::from(body.height));
    canvas.hits.list = Some(view);
    for (y, position) in (body.y..body.bottom()).zip(view.offset..extent.total) {
        let whole = Rect::new(body.x, y, body.width - 1, 1);
        let is_selected = Some(position) == extent.selected;
        if is_selected {
            canvas.tint(whole, Role::Selected);
        }
        let draw_row = |canvas: &mut Canvas<'_>| {
            if is_selected {
                let sign = if canvas.theme.is_reversing() { "▸" } else { "▌" };
                canvas.text(body.x, y, 1, Role::Focus, sign);
            }
            let Some(row) = row(position) else {
                canvas.text(body.x + GUTTER, y, 1, Role::Muted, "…");
                return;
            };
            for at in &placed {
                let (x, words) = (body.x + GUTTER + at.x, cell(canvas, at.column, row));
                match columns[at.column].align {
                    Align::Left => canvas.line(x, y, at.width, &[words]),
                    Align::Right => canvas.line_right(x, y, at.width, &[words]),
                };
            }
        };
        if is_selected {
            canvas.on_selected(draw_row);
        } else {
            draw_row(canvas);
        }
        canvas.target(whole, Target::Line(position));
    }
    let track = Rect::new(area.right() - 1, body.y, 1, body.height);
    scroll::draw_bar(canvas, track, view, extent.total);
}
