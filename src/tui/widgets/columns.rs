//! Which columns of a table fit into a width and how wide they are. Columns leave by priority when there is
//! no room, and what is left over makes them wider, up to what each can use. How a person arranged them is here too.

use crate::tui::text::Align;
use std::collections::BTreeSet;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The heading.
    pub title: &'static str,
    /// The key that sorts by it, after the sort key.
    pub letter: char,
    /// The width it needs, the width at which it is at ease, and the most it can use.
    pub widths: [u16; 3],
    /// Empty cells in front of it.
    pub gap: u16,
    /// On which side its text stands.
    pub align: Align,
    /// Whether it sorts from the largest down until inverted.
    pub largest_first: bool,
    /// Those with the highest number leave first.
    pub priority: u8,
}

impl Column {
    /// A column of words, from the first to the last.
    #[must_use]
    pub const fn words(title: &'static str, widths: [u16; 3], gap: u16, priority: u8) -> Self {
        Self { title, letter: ' ', widths, gap, align: Align::Left, largest_first: false, priority }
    }

    /// A column of numbers, of which the large ones are looked for.
    #[must_use]
    pub const fn numbers(title: &'static str, widths: [u16; 3], gap: u16, priority: u8) -> Self {
        Self { title, letter: ' ', widths, gap, align: Align::Right, largest_first: true, priority }
    }

    /// The key that sorts by it.
    #[must_use]
    pub const fn key(self, letter: char) -> Self {
        Self { letter, ..self }
    }

    /// Whether it sorts from the largest down.
    #[must_use]
    pub const fn largest_first(self, largest_first: bool) -> Self {
        Self { largest_first, ..self }
    }
}

/// How a person arranged a table: by which column it is sorted, and which columns are not to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrangement {
    /// The column it is sorted by.
    pub sort: usize,
    /// Whether that order is turned round.
    pub inverted: bool,
    hidden: BTreeSet<usize>,
}

impl Arrangement {
    /// Every column, sorted by one.
    #[must_use]
    pub fn by(sort: usize) -> Self {
        Self { sort, inverted: false, hidden: BTreeSet::new() }
    }

    /// Without a column that says the same in every row here.
    #[must_use]
    pub fn without(mut self, column: usize) -> Self {
        self.hidden.insert(column);
        self
    }

    /// Sorts by a column, or turns the order round when it already is.
    pub fn sort_by(&mut self, column: usize) {
        self.inverted = column == self.sort && !self.inverted;
        self.sort = column;
    }

    /// Hides a column or shows it again. What a row is called, the column that never leaves, stays.
    pub fn toggle(&mut self, columns: &[Column], column: usize) {
        let may_leave = columns.get(column).is_some_and(|column| column.priority > 0);
        if may_leave && !self.hidden.remove(&column) {
            self.hidden.insert(column);
        }
    }

    /// Whether a person hid a column.
    #[must_use]
    pub fn hides(&self, column: usize) -> bool {
        self.hidden.contains(&column)
    }
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
    place_some(columns, width, |_| true)
}

/// The same for those columns alone that may be seen.
#[must_use]
pub fn place_some(columns: &[Column], width: u16, may_be_seen: impl Fn(usize) -> bool) -> Vec<Placed> {
    let (chosen, mut left) = choose(columns, width, may_be_seen);
    let mut widths: Vec<u16> = chosen.iter().map(|index| columns[*index].widths[0]).collect();
    // All columns are put at ease before any gets the most it can use.
    for step in 1..3 {
        for (slot, index) in chosen.iter().enumerate() {
            let grown = columns[*index].widths[step].saturating_sub(widths[slot]).min(left);
            widths[slot] += grown;
            left -= grown;
        }
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

/// The columns that fit, in their own order, and the width that is left. A column that does not fit makes room
/// for a narrower one of lower rank.
fn choose(columns: &[Column], width: u16, may_be_seen: impl Fn(usize) -> bool) -> (Vec<usize>, u16) {
    let mut by_rank: Vec<usize> = (0..columns.len()).filter(|index| may_be_seen(*index)).collect();
    by_rank.sort_by_key(|index| columns[*index].priority);
    let mut left = width;
    let mut chosen: Vec<usize> = Vec::new();
    for index in by_rank {
        let needed = columns[index].widths[0] + columns[index].gap;
        if needed <= left || chosen.is_empty() {
            chosen.push(index);
            left = left.saturating_sub(needed);
        }
    }
    chosen.sort_unstable();
    (chosen, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column {
            title: "Name",
            letter: 'n',
            widths: [10, 10, 20],
            gap: 0,
            align: Align::Left,
            largest_first: false,
            priority: 0,
        },
        Column {
            title: "Users",
            letter: 'u',
            widths: [9, 9, 9],
            gap: 1,
            align: Align::Right,
            largest_first: false,
            priority: 1,
        },
        Column {
            title: "Next",
            letter: 'x',
            widths: [5, 5, 5],
            gap: 1,
            align: Align::Right,
            largest_first: false,
            priority: 2,
        },
    ];

    #[test]
    fn columns_leave_by_priority() {
        let names =
            |width| place(&COLUMNS, width).iter().map(|p| COLUMNS[p.column].title).collect::<Vec<_>>();
        assert_eq!(names(26), ["Name", "Users", "Next"]);
        assert_eq!(names(25), ["Name", "Users"]);
        assert_eq!(names(17), ["Name", "Next"]);
        assert_eq!(names(5), ["Name"]);
    }

    #[test]
    fn a_hidden_column_makes_room_and_the_name_stays() {
        let mut arrangement = Arrangement::by(0);
        for column in [0, 1] {
            arrangement.toggle(&COLUMNS, column);
        }
        let names = |arrangement: &Arrangement| {
            let placed = place_some(&COLUMNS, 26, |column| !arrangement.hides(column));
            placed.iter().map(|p| COLUMNS[p.column].title).collect::<Vec<_>>()
        };
        assert_eq!(names(&arrangement), ["Name", "Next"]);
        arrangement.toggle(&COLUMNS, 1);
        assert_eq!(names(&arrangement), ["Name", "Users", "Next"]);
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
