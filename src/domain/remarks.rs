//! Many remarks on their way to the store, in columns: their texts lie behind each other, and what they hold in the
//! properties is a number into a short list of values. Hundreds of thousands are gathered with a few allocations a page.

use super::matched::TextPool;
use super::remark::{Remark, RemarkKind};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::borrow::Cow;
use std::hash::BuildHasher;

/// Remarks, in the order in which they were made.
#[derive(Debug, Clone, Default)]
pub struct Remarks {
    rows: Vec<Row>,
    texts: String,
    properties: Vec<ValueColumn>,
}

/// A remark but for its properties.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub kind: RemarkKind,
    pub distinct_id: Span,
    pub counted_profile: Span,
    evidence: Span,
    last_seen: Span,
}

/// Where a text lies; `None` is none at all.
pub(super) type Span = Option<(usize, usize)>;

/// A remark but for its properties, borrowed; see [`Remark`].
#[derive(Debug, Clone, Copy)]
pub struct RemarkTexts<'a> {
    /// See [`Remark`].
    pub kind: RemarkKind,
    /// See [`Remark`].
    pub distinct_id: Option<&'a str>,
    /// See [`Remark`].
    pub evidence: Option<&'a str>,
    /// See [`Remark`].
    pub last_seen: Option<&'a str>,
    /// See [`Remark`].
    pub counted_profile: Option<&'a str>,
}

impl Remarks {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a remark and the groups it belongs to by each property.
    pub fn push<'p>(
        &mut self,
        remark: RemarkTexts<'_>,
        properties: impl IntoIterator<Item = Option<Cow<'p, str>>>,
    ) {
        let before = self.rows.len();
        let row = Row {
            kind: remark.kind,
            distinct_id: self.keep(remark.distinct_id),
            evidence: self.keep(remark.evidence),
            last_seen: self.keep(remark.last_seen),
            counted_profile: self.keep(remark.counted_profile),
        };
        self.rows.push(row);
        for (place, value) in properties.into_iter().enumerate() {
            let Some(value) = value else { continue };
            let column = self.column_mut(place);
            let number = column.number_of(&value);
            column.numbers.resize(before, 0);
            column.numbers.push(number);
        }
    }

    /// Adds the remarks of another.
    pub fn append(&mut self, other: &Self) {
        let (rows, texts) = (self.rows.len(), self.texts.len());
        self.texts.push_str(&other.texts);
        let moved = |span: Span| span.map(|(start, end)| (start + texts, end + texts));
        self.rows.extend(other.rows.iter().map(|row| Row {
            kind: row.kind,
            distinct_id: moved(row.distinct_id),
            evidence: moved(row.evidence),
            last_seen: moved(row.last_seen),
            counted_profile: moved(row.counted_profile),
        }));
        for (place, theirs) in other.properties.iter().enumerate() {
            let ours = self.column_mut(place);
            let numbers: Vec<u32> = theirs.values.iter().map(|value| ours.number_of(value)).collect();
            let number = |theirs: &u32| {
                let place = theirs.checked_sub(1).and_then(|place| usize::try_from(place).ok());
                place.and_then(|place| numbers.get(place)).copied().unwrap_or_default()
            };
            ours.numbers.resize(rows, 0);
            ours.numbers.extend(theirs.numbers.iter().map(number));
        }
    }

    /// The remarks but for their properties.
    pub fn iter(&self) -> impl Iterator<Item = RemarkTexts<'_>> {
        self.rows.iter().map(|row| RemarkTexts {
            kind: row.kind,
            distinct_id: self.text(row.distinct_id),
            evidence: self.text(row.evidence),
            last_seen: self.text(row.last_seen),
            counted_profile: self.text(row.counted_profile),
        })
    }

    /// What they hold in each property.
    #[must_use]
    pub fn properties(&self) -> &[ValueColumn] {
        &self.properties
    }

    /// The remarks, taken out of their columns.
    pub fn to_rows(&self) -> impl Iterator<Item = Remark> {
        let own = |text: Option<&str>| text.map(Box::<str>::from);
        self.iter().enumerate().map(move |(row, remark)| Remark {
            distinct_id: own(remark.distinct_id),
            kind: remark.kind,
            evidence: own(remark.evidence),
            last_seen: own(remark.last_seen),
            counted_profile: own(remark.counted_profile),
            properties: self.properties.iter().map(|column| own(column.value(column.number(row)))).collect(),
        })
    }

    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = &mut Row> {
        self.rows.iter_mut()
    }

    fn keep(&mut self, text: Option<&str>) -> Span {
        let start = self.texts.len();
        self.texts.push_str(text?);
        Some((start, self.texts.len()))
    }

    fn text(&self, span: Span) -> Option<&str> {
        let (start, end) = span?;
        self.texts.get(start..end)
    }

    fn column_mut(&mut self, place: usize) -> &mut ValueColumn {
        if self.properties.len() <= place {
            self.properties.resize_with(place + 1, ValueColumn::default);
        }
        &mut self.properties[place]
    }
}

impl Extend<Remark> for Remarks {
    fn extend<I: IntoIterator<Item = Remark>>(&mut self, remarks: I) {
        for remark in remarks {
            let texts = RemarkTexts {
                kind: remark.kind,
                distinct_id: remark.distinct_id.as_deref(),
                evidence: remark.evidence.as_deref(),
                last_seen: remark.last_seen.as_deref(),
                counted_profile: remark.counted_profile.as_deref(),
            };
            self.push(texts, remark.properties.iter().map(|value| value.as_deref().map(Cow::Borrowed)));
        }
    }
}

impl FromIterator<Remark> for Remarks {
    fn from_iter<I: IntoIterator<Item = Remark>>(remarks: I) -> Self {
        let mut gathered = Self::default();
        gathered.extend(remarks);
        gathered
    }
}

/// What remarks hold in one property.
#[derive(Debug, Clone, Default)]
pub struct ValueColumn {
    values: TextPool,
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Of each remark the number of its value, from 1; zero is none, and so is what lies beyond the last.
    numbers: Vec<u32>,
}

impl ValueColumn {
    /// The number of a remark's value, from 1; zero is none.
    #[must_use]
    pub fn number(&self, row: usize) -> u32 {
        self.numbers.get(row).copied().unwrap_or_default()
    }

    /// The value of a number.
    #[must_use]
    pub fn value(&self, number: u32) -> Option<&str> {
        number.checked_sub(1).map(|place| self.values.get(u64::from(place)))
    }

    /// How many values there are.
    #[must_use]
    pub fn values(&self) -> usize {
        self.values.len()
    }

    fn number_of(&mut self, value: &str) -> u32 {
        let Self { values, places, hasher, .. } = self;
        let hash = hasher.hash_one(value);
        let is_it = |place: &u32| values.get(u64::from(*place)) == value;
        if let Some(place) = places.find(hash, is_it) {
            return place + 1;
        }
        // A page holds far fewer values than the four billion that fit.
        let place = u32::try_from(values.push(value)).unwrap_or(u32::MAX - 1);
        places.insert_unique(hash, place, |place| hasher.hash_one(values.get(u64::from(*place))));
        place + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = Option<Box<str>>> {
        prop::option::of("\\PC{0,5}".prop_map(Into::into))
    }

    fn remark() -> impl Strategy<Value = Remark> {
        let properties = prop::collection::vec(prop::option::of("[a-c]".prop_map(Into::into)), 3);
        (text(), text(), text(), text(), properties).prop_map(|parts| {
            let (distinct_id, evidence, last_seen, counted_profile, properties) = parts;
            let (kind, properties) = (RemarkKind::Duplicate, properties.into());
            Remark { distinct_id, kind, evidence, last_seen, counted_profile, properties }
        })
    }

    /// The same with as many properties as there are columns; the last ones, which nobody holds, have none.
    fn padded(mut remark: Remark, columns: usize) -> Remark {
        let mut properties = remark.properties.into_vec();
        assert!(properties.iter().skip(columns).all(Option::is_none));
        properties.resize(columns, None);
        remark.properties = properties.into();
        remark
    }

    proptest! {
        #[test]
        fn remarks_stay_what_they_are_however_they_are_put_together(
            parts in prop::collection::vec(prop::collection::vec(remark(), 0..9), 0..5)
        ) {
            let mut all = Remarks::default();
            for part in &parts {
                all.append(&part.iter().cloned().collect());
            }
            let columns = all.properties().len();
            let expected = parts.concat().into_iter().map(|remark| padded(remark, columns));
            prop_assert!(all.to_rows().eq(expected));
        }
    }
}
