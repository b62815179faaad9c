//! Writing lists: as a table for people, as CSV for spreadsheets, as JSON for programs; to standard output or
//! to a file that appears only when it is complete. What the rows are belongs to the commands.

mod destination;
mod table;

pub use destination::{Destination, OutputError, allow_closed_pipe, terminal_size};

use crate::config::{ColorChoice, Environment, Word};
use crate::sync::export::{csv_writer, write_json};
use std::borrow::Cow;
use std::io::{self, Write};
use table::Table;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns, numbers with thousands separators.
    Table,
    /// RFC 4180, with a line of column names.
    Csv,
    /// One object a line.
    Json,
}

impl Word for Format {
    const ALL: &'static [Self] = &[Self::Table, Self::Csv, Self::Json];

    fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// On which side a column lines up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A column of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name in CSV and JSON.
    pub name: &'static str,
    /// Its header in a table; `None` leaves it out of tables.
    pub header: Option<&'static str>,
    /// On which side it lines up.
    pub align: Align,
}

impl Column {
    /// A column of text.
    #[must_use]
    pub const fn text(name: &'static str, header: &'static str) -> Self {
        Self { name, header: Some(header), align: Align::Left }
    }

    /// A column of numbers.
    #[must_use]
    pub const fn number(name: &'static str, header: &'static str) -> Self {
        Self { name, header: Some(header), align: Align::Right }
    }

    /// A column for programs only.
    #[must_use]
    pub const fn hidden(name: &'static str) -> Self {
        Self { name, header: None, align: Align::Left }
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// How many of something; people see thousands separators.
    Count(i64),
    /// A number that names something, such as a run; never separated.
    Id(u64),
    /// A number with a fraction.
    Decimal(f64),
    /// Yes or no.
    Bool(bool),
    /// Nothing.
    Null,
    /// Structure, for programs.
    Json(serde_json::Value),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    /// A count; no list is so long that it would not fit.
    fn from(count: u64) -> Self {
        Self::Count(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Cell {
    fn from(answer: bool) -> Self {
        Self::Bool(answer)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Cell {
    /// For people: one line, no control characters.
    fn for_table(&self) -> String {
        match self {
            Self::Text(text) => harmless(text).into_owned(),
            Self::Count(count) => thousands(*count),
            Self::Id(id) => id.to_string(),
            Self::Decimal(number) => number.to_string(),
            Self::Bool(answer) => if *answer { "yes" } else { "no" }.to_owned(),
            Self::Null => "-".to_owned(),
            Self::Json(value) => harmless(&value.to_string()).into_owned(),
        }
    }

    fn for_csv(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Bool(answer) => answer.to_string(),
            Self::Null => String::new(),
            Self::Id(_) | Self::Decimal(_) => self.for_table(),
            Self::Json(value) => value.to_string(),
        }
    }

    fn for_json(&self) -> Cow<'_, serde_json::Value> {
        Cow::Owned(match self {
            Self::Text(text) => text.as_str().into(),
            Self::Count(count) => (*count).into(),
            Self::Id(id) => (*id).into(),
            Self::Decimal(number) => (*number).into(),
            Self::Bool(answer) => (*answer).into(),
            Self::Null => serde_json::Value::Null,
            Self::Json(value) => return Cow::Borrowed(value),
        })
    }
}

/// Writes a list row by row. CSV and JSON go straight through, however long the list; a table waits for
/// the last row to know its widths.
pub struct Listing<W: Write> {
    columns: &'static [Column],
    shape: Shape<W>,
    room: Option<usize>,
}

enum Shape<W: Write> {
    Table(Table, W),
    Csv(Box<csv::Writer<W>>),
    Json(W),
}

impl<W: Write> Listing<W> {
    /// Begins a list.
    ///
    /// # Errors
    /// The header of a CSV cannot be written.
    pub fn begin(format: Format, columns: &'static [Column], to: W) -> io::Result<Self> {
        let shape = match format {
            Format::Table => Shape::Table(Table::new(columns), to),
            Format::Csv => {
                let mut to = csv_writer(to);
                to.write_record(columns.iter().map(|column| column.name)).map_err(io_error)?;
                Shape::Csv(Box::new(to))
            }
            Format::Json => Shape::Json(to),
        };
        Ok(Self { columns, shape, room: None })
    }

    /// Fits a table into a terminal of this width.
    #[must_use]
    pub fn within(self, room: Option<usize>) -> Self {
        Self { room, ..self }
    }

    /// Adds a row: one cell for each column, in order.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        match &mut self.shape {
            Shape::Table(table, _) => {
                let shown = self.columns.iter().zip(cells).filter(|(column, _)| column.header.is_some());
                table.row(shown.map(|(_, cell)| cell.for_table()).collect());
                Ok(())
            }
            Shape::Csv(to) => to.write_record(cells.iter().map(Cell::for_csv)).map_err(io_error),
            Shape::Json(to) => {
                let names = self.columns.iter().map(|column| column.name);
                write_json(to, names.zip(cells.iter().map(Cell::for_json)))
            }
        }
    }

    /// Writes what is left, and hands back where it went.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(self) -> io::Result<W> {
        let mut to = match self.shape {
            Shape::Table(table, mut to) => {
                table.write(&mut to, self.room)?;
                to
            }
            Shape::Csv(to) => to.into_inner().map_err(csv::IntoInnerError::into_error)?,
            Shape::Json(to) => to,
        };
        to.flush()?;
        Ok(to)
    }
}

/// What the system said, kept as such: a reader who left the pipe is told from a full disk by its kind.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A number with a comma between every three digits.
#[must_use]
pub fn thousands(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", crate::domain::number::thousands(number.unsigned_abs()))
}

/// The text without anything that could steer a terminal: control characters and the marks that turn the
/// direction of writing are spelled out.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let spelled = |c: char| if steers(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(spelled).collect())
}

/// Whether to colour what goes to a stream.
#[must_use]
pub fn use_color(choice: ColorChoice, is_terminal: bool, environment: &Environment) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            is_terminal && environment.text("NO_COLOR").is_none() && environment.text("TERM") != Some("dumb")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::number("id", "Id"),
        Column::text("cohort", "Cohort"),
        Column::number("users", "Users"),
        Column::text("listed", "Listed"),
        Column::hidden("last_run"),
    ];

    fn written(format: Format) -> String {
        let mut listing = Listing::begin(format, COLUMNS, Vec::new()).unwrap();
        let last_run = Cell::Json(serde_json::json!({"run_id": 7}));
        for (id, name, users) in [(1000, "Power users", Some(184_210)), (7, "日本 \"x\", y\n\u{1b}[2J", None)]
        {
            let cells = [Cell::Id(id), name.into(), users.into(), true.into(), last_run.clone()];
            listing.row(&cells).unwrap();
        }
        String::from_utf8(listing.finish().unwrap()).unwrap()
    }

    #[test]
    fn a_table_lines_up_whatever_the_names() {
        assert_eq!(
            written(Format::Table),
            "  Id  Cohort                    Users  Listed\n\
             1000  Power users             184,210  yes\n\
             \u{20}  7  日本 \"x\", y\\n\\u{1b}[2J        -  yes\n"
        );
    }

    #[test]
    fn csv_is_quoted_where_the_rfc_says_so() {
        assert_eq!(
            written(Format::Csv),
            "id,cohort,users,listed,last_run\r\n\
             1000,Power users,184210,true,\"{\"\"run_id\"\":7}\"\r\n\
             7,\"日本 \"\"x\"\", y\n\u{1b}[2J\",,true,\"{\"\"run_id\"\":7}\"\r\n"
        );
    }

    #[test]
    fn json_is_one_object_a_line_in_the_order_of_the_columns() {
        assert_eq!(
            written(Format::Json),
            "{\"id\":1000,\"cohort\":\"Power users\",\"users\":184210,\"listed\":true,\"last_run\":{\"run_id\":7}}\n\
             {\"id\":7,\"cohort\":\"日本 \\\"x\\\", y\\n\\u001b[2J\",\"users\":null,\"listed\":true,\"last_run\":{\"run_id\":7}}\n"
        );
    }

    #[test]
    fn thousands_are_separated() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567"), (100_000, "100,000")]
        {
            assert_eq!(thousands(number), text);
        }
        assert_eq!(thousands(i64::MIN), "-9,223,372,036,854,775,808");
    }

    #[test]
    fn colour_is_for_terminals_that_want_it() {
        let plain = Environment::default();
        let no_color: Environment = [("NO_COLOR", "1")].into_iter().collect();
        let empty: Environment = [("NO_COLOR", "")].into_iter().collect();
        let dumb: Environment = [("TERM", "dumb")].into_iter().collect();
        assert!(use_color(ColorChoice::Auto, true, &plain));
        assert!(use_color(ColorChoice::Auto, true, &empty));
        assert!(!use_color(ColorChoice::Auto, true, &no_color));
        assert!(!use_color(ColorChoice::Auto, true, &dumb));
        assert!(!use_color(ColorChoice::Auto, false, &plain));
        assert!(use_color(ColorChoice::Always, false, &no_color));
        assert!(!use_color(ColorChoice::Never, true, &plain));
    }
}
