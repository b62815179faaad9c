//! How far a list is scrolled: enough to keep the selected line in view, and not one line more. Also the
//! scroll bar that shows it.

use crate::tui::canvas::{Canvas, View};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// The view of a list of `total` lines that keeps `selected` in sight and moves as little as it can from
/// where it was.
#[must_use]
pub fn view(before: Option<View>, selected: Option<usize>, total: usize, height: usize) -> View {
    let mut offset = before.unwrap_or_default().offset.min(total.saturating_sub(height));
    if let Some(selected) = selected {
        offset = offset.min(selected);
        offset = offset.max((selected + 1).saturating_sub(height));
    }
    View { offset, height }
}

/// Draws the bar in a column of one cell; nothing when everything is in view.
pub fn draw_bar(canvas: &mut Canvas<'_>, area: Rect, view: View, total: usize) {
    let height = usize::from(area.height);
    if total <= view.height || height == 0 || total == 0 {
        return;
    }
    let thumb = (height * view.height / total).clamp(1, height);
    let hidden = total - view.height;
    let start = ((height - thumb) * view.offset).div_ceil(hidden).min(height - thumb);
    for (row, y) in (area.y..area.bottom()).enumerate() {
        if (start..start + thumb).contains(&row) {
            canvas.text(area.x, y, 1, Role::Muted, "┃");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_follows_the_selection_and_no_further() {
        let view_of = |offset, selected| view(Some(View { offset, height: 5 }), Some(selected), 20, 5).offset;
        assert_eq!(view_of(3, 4), 3);
        assert_eq!(view_of(3, 2), 2);
        assert_eq!(view_of(3, 8), 4);
        assert_eq!(view(None, None, 3, 5).offset, 0);
        assert_eq!(view(Some(View { offset: 9, height: 5 }), None, 6, 5).offset, 1);
    }
}
