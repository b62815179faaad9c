//! Which columns of a table fit into a width and how wide they are. Columns leave by priority when there is
//! no room, and take what is left over in an order that keeps numbers near their names.

use crate::tui::text::Align;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The heading.
    pub title: &'static str,
    /// The key that sorts by it, after the sort key.
    pub letter: char,
    /// The width it needs.
    pub least: u16,
    /// The width at which it has all it can use.
    pub most: u16,
    /// Empty cells in front of it.
    pub gap: u16,
    /// On which side its text stands.
    pub align: Align,
    /// Those with the highest number leave first.
    pub priority: u8,
}

/// A column that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Its index among all columns.
    pub column: usize,
    /// Where it starts, from the left edge of the table.
    pub x: u16,
    /// How wide it is.
    pub width: u16,
}

/// Wide screens spread the columns by up to this many further cells each.
const SPREAD: u16 = 3;

/// Chooses and places the columns for a width.
#[must_use]
pub fn place(columns: &[Column], width: u16) -> Vec<Placed> {
    let mut chosen: Vec<usize> = (0..columns.len()).collect();
    let needed = |chosen: &[usize]| -> u16 {
        let cells = chosen.iter().map(|index| columns[*index].least + columns[*index].gap);
        cells.fold(0, u16::saturating_add)
    };
    while needed(&chosen) > width && chosen.len() > 1 {
        let Some(last) = chosen.iter().copied().max_by_key(|index| columns[*index].priority) else { break };
        chosen.retain(|index| *index != last);
    }
    let mut left = width.saturating_sub(needed(&chosen));
    let mut widths: Vec<u16> = chosen.iter().map(|index| columns[*index].least).collect();
    for (slot, index) in chosen.iter().enumerate() {
        let grown = (columns[*index].most - columns[*index].least).min(left);
        widths[slot] += grown;
        left -= grown;
    }
    let gaps = u16::try_from(chosen.len().saturating_sub(1)).unwrap_or(1).max(1);
    let spread = (left / gaps).min(SPREAD);
    let mut x = 0;
    let mut placed = Vec::with_capacity(chosen.len());
    for (slot, (column, wide)) in chosen.into_iter().zip(widths).enumerate() {
        x += columns[column].gap + if slot > 0 { spread } else { 0 };
        let wide = wide.min(width.saturating_sub(x));
        placed.push(Placed { column, x, width: wide });
        x += wide;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column { title: "Name", letter: 'n', least: 10, most: 20, gap: 0, align: Align::Left, priority: 0 },
        Column { title: "Users", letter: 'u', least: 9, most: 9, gap: 1, align: Align::Right, priority: 1 },
        Column { title: "Next", letter: 'x', least: 5, most: 5, gap: 1, align: Align::Right, priority: 2 },
    ];

    #[test]
    fn columns_leave_by_priority() {
        let names = |width| place(&COLUMNS, width).iter().map(|p| COLUMNS[p.column].title).collect::<Vec<_>>();
        assert_eq!(names(26), ["Name", "Users", "Next"]);
        assert_eq!(names(25), ["Name", "Users"]);
        assert_eq!(names(5), ["Name"]);
    }

    #[test]
    fn nothing_reaches_beyond_the_width() {
        for width in 0..200 {
            for placed in place(&COLUMNS, width) {
                assert!(placed.x + placed.width <= width, "{placed:?} in {width}");
            }
        }
    }
}
