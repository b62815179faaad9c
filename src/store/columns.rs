//! Remarks packed in columns: all ids, then everything they hold, then their properties as numbers into a short list of
//! values. A hundred thousand of them are searched, counted and grouped without taking one of them apart.

use super::StoreError;
use super::packing::{Content, sealed, unpack_remarks, unseal};
use crate::domain::NoMpid;
use crate::domain::remark::{Remark, RemarkKind};
use crate::domain::remarks::{RemarkTexts, ValueColumn};
use serde::{Deserialize, Serialize};

/// How the remarks of a row of the table are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemarkForm {
    /// One after the other, as programs of the formats before 4 wrote them.
    Rows,
    /// In columns.
    Columns,
}

impl RemarkForm {
    /// The number in the database.
    pub fn number(self) -> i64 {
        match self {
            Self::Rows => 1,
            Self::Columns => 2,
        }
    }

    /// Reads it back.
    pub fn from_number(number: i64) -> Result<Self, StoreError> {
        [Self::Rows, Self::Columns]
            .into_iter()
            .find(|form| form.number() == number)
            .ok_or_else(|| damaged("remarks of an unknown form"))
    }
}

#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    kinds: &'a [u8],
    #[serde(borrow)]
    distinct_ids: Texts<'a>,
    evidence: Texts<'a>,
    last_seen: Texts<'a>,
    counted_profiles: Texts<'a>,
    properties: Vec<Values<'a>>,
}

/// A column of texts: all of them as one, and the length of each plus one; zero is none. Without lengths there is none
/// at all.
#[derive(Serialize, Deserialize)]
struct Texts<'a> {
    lengths: Vec<u32>,
    all: &'a str,
}

/// A column of few values: the values, and for each row the number of its value plus one; zero is none.
#[derive(Serialize, Deserialize)]
struct Values<'a> {
    #[serde(borrow)]
    values: Vec<&'a str>,
    numbers: Vec<u32>,
}

/// Packs remarks, each with its row in the columns of the properties.
pub fn pack(remarks: &[(usize, RemarkTexts<'_>)], properties: &[ValueColumn]) -> Result<Vec<u8>, StoreError> {
    let texts_of = || remarks.iter().map(|(_, remark)| remark);
    let kinds: Vec<u8> = texts_of().map(|remark| kind_number(remark.kind)).collect();
    let (mut ids, mut held, mut seen, mut counted) = Default::default();
    let mut properties: Vec<Values<'_>> = properties.iter().map(|column| values(remarks, column)).collect();
    // Remarks about matched users hold nothing in any of them.
    if properties.iter().all(|column| column.values.is_empty()) {
        properties.clear();
    }
    let packed = Packed {
        kinds: &kinds,
        distinct_ids: texts(texts_of().map(|remark| remark.distinct_id), &mut ids),
        evidence: texts(texts_of().map(|remark| remark.evidence), &mut held),
        last_seen: texts(texts_of().map(|remark| remark.last_seen), &mut seen),
        counted_profiles: texts(texts_of().map(|remark| remark.counted_profile), &mut counted),
        properties,
    };
    sealed(Content::Remarks, &packed)
}

fn texts<'t, 'a>(texts: impl Iterator<Item = Option<&'t str>>, all: &'a mut String) -> Texts<'a> {
    let mut lengths: Vec<u32> = texts
        .map(|text| {
            let Some(text) = text else { return 0 };
            all.push_str(text);
            // No id or value is as long as a page.
            u32::try_from(text.len() + 1).unwrap_or(u32::MAX)
        })
        .collect();
    if lengths.iter().all(|length| *length == 0) {
        lengths.clear();
    }
    Texts { lengths, all }
}

/// The values that some remarks hold, numbered in the order in which they hold them.
fn values<'a>(remarks: &[(usize, RemarkTexts<'_>)], column: &'a ValueColumn) -> Values<'a> {
    let mut known = vec![0; column.values() + 1];
    let mut values = Vec::new();
    let numbers = remarks
        .iter()
        .map(|(row, _)| {
            let number = column.number(*row);
            let (Some(value), Some(known)) = (column.value(number), known.get_mut(number as usize)) else {
                return 0;
            };
            if *known == 0 {
                values.push(value);
                *known = u32::try_from(values.len()).unwrap_or(u32::MAX);
            }
            *known
        })
        .collect();
    Values { values, numbers }
}

/// A part of the remarks of a read, taken apart as far as its form asks.
pub enum Part<'a> {
    /// One after the other.
    Rows(Vec<Remark>),
    /// In columns.
    Columns(Columns<'a>),
}

/// Columns that were checked.
pub struct Columns<'a> {
    kinds: Vec<RemarkKind>,
    distinct_ids: Vec<Option<&'a str>>,
    evidence: Vec<Option<&'a str>>,
    last_seen: Vec<Option<&'a str>>,
    counted_profiles: Vec<Option<&'a str>>,
    properties: Vec<Values<'a>>,
}

/// A remark as it lies in its part.
#[derive(Clone, Copy)]
pub struct RemarkRef<'a> {
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
    columns: Option<(&'a [Values<'a>], usize)>,
}

impl<'a> RemarkRef<'a> {
    /// The group it belongs to by the property at a place.
    pub fn property(&self, place: usize) -> Option<&'a str> {
        let (columns, row) = self.columns?;
        let values = columns.get(place)?;
        values.values.get(usize::try_from(*values.numbers.get(row)?).ok()?.checked_sub(1)?).copied()
    }

    /// The groups it belongs to by every property.
    pub fn properties(&self) -> impl Iterator<Item = Option<&'a str>> + '_ {
        let count = self.columns.map_or(0, |(columns, _)| columns.len());
        (0..count).map(|place| self.property(place))
    }

    /// An owned copy.
    pub fn to_owned(self) -> Remark {
        let own = |text: Option<&str>| text.map(Box::<str>::from);
        Remark {
            distinct_id: own(self.distinct_id),
            kind: self.kind,
            evidence: own(self.evidence),
            last_seen: own(self.last_seen),
            counted_profile: own(self.counted_profile),
            properties: self.properties().map(own).collect(),
        }
    }
}

impl<'a> Part<'a> {
    /// Takes a part apart.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the blob does not read back.
    pub fn read(form: RemarkForm, blob: &'a [u8]) -> Result<Self, StoreError> {
        match form {
            RemarkForm::Rows => unpack_remarks(blob).map(Self::Rows),
            RemarkForm::Columns => Columns::read(blob).map(Self::Columns),
        }
    }

    /// How many remarks there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.len(),
            Self::Columns(columns) => columns.kinds.len(),
        }
    }

    /// Hands the values of a property to `each`, with how many remarks hold it; `None` is none at all.
    pub fn count_values(&self, place: usize, mut each: impl FnMut(Option<&str>, u64)) {
        let Self::Columns(columns) = self else { return each(None, self.len() as u64) };
        let Some(values) = columns.properties.get(place) else { return each(None, self.len() as u64) };
        let mut counts = vec![0_u64; values.values.len() + 1];
        for number in &values.numbers {
            counts[*number as usize] += 1;
        }
        let named = std::iter::once(None).chain(values.values.iter().copied().map(Some));
        named.zip(counts).filter(|(_, users)| *users > 0).for_each(|(value, users)| each(value, users));
    }

    /// The remarks, in order.
    pub fn iter(&self) -> impl Iterator<Item = RemarkRef<'_>> {
        (0..self.len()).map(|row| match self {
            Self::Rows(rows) => {
                let remark = &rows[row];
                RemarkRef {
                    kind: remark.kind,
                    distinct_id: remark.distinct_id.as_deref(),
                    evidence: remark.evidence.as_deref(),
                    last_seen: remark.last_seen.as_deref(),
                    counted_profile: remark.counted_profile.as_deref(),
                    columns: None,
                }
            }
            Self::Columns(columns) => RemarkRef {
                kind: columns.kinds[row],
                distinct_id: columns.distinct_ids[row],
                evidence: columns.evidence[row],
                last_seen: columns.last_seen[row],
                counted_profile: columns.counted_profiles[row],
                columns: Some((&columns.properties, row)),
            },
        })
    }
}

impl<'a> Columns<'a> {
    fn read(blob: &'a [u8]) -> Result<Self, StoreError> {
        let blob = unseal(Content::Remarks, blob)?;
        let packed: Packed<'a> =
            postcard::from_bytes(blob).map_err(|_| damaged("the remarks about a read"))?;
        let kinds: Vec<RemarkKind> =
            packed.kinds.iter().map(|kind| kind_of(*kind)).collect::<Result<_, _>>()?;
        let rows = kinds.len();
        let fits = |values: &Values<'_>| {
            values.numbers.len() == rows
                && values.numbers.iter().all(|number| *number as usize <= values.values.len())
        };
        if !packed.properties.iter().all(fits) {
            return Err(damaged("the properties of users"));
        }
        Ok(Self {
            kinds,
            distinct_ids: packed.distinct_ids.cut(rows)?,
            evidence: packed.evidence.cut(rows)?,
            last_seen: packed.last_seen.cut(rows)?,
            counted_profiles: packed.counted_profiles.cut(rows)?,
            properties: packed.properties,
        })
    }
}

impl<'a> Texts<'a> {
    fn cut(self, rows: usize) -> Result<Vec<Option<&'a str>>, StoreError> {
        if self.lengths.is_empty() {
            return Ok(vec![None; rows]);
        }
        let mut rest = self.all;
        let mut cut = Vec::with_capacity(rows);
        for length in self.lengths {
            let Some(length) = length.checked_sub(1) else {
                cut.push(None);
                continue;
            };
            let (text, after) = rest
                .split_at_checked(length as usize)
                .ok_or_else(|| damaged("the remarks about a read, cut short"))?;
            cut.push(Some(text));
            rest = after;
        }
        let fits = rest.is_empty() && cut.len() == rows;
        if fits { Ok(cut) } else { Err(damaged("the remarks about a read, of odd length")) }
    }
}

/// The kind in the upper half of a byte, the reason in the lower.
fn kind_number(kind: RemarkKind) -> u8 {
    let reason = |reason: NoMpid| {
        let place = NoMpid::ALL.iter().position(|known| *known == reason).unwrap_or_default();
        u8::try_from(place).unwrap_or_default()
    };
    match kind {
        RemarkKind::Unmatched(why) => reason(why),
        RemarkKind::Unsendable(why) => 0x10 | reason(why),
        RemarkKind::Duplicate => 0x20,
        RemarkKind::Suspect => 0x30,
    }
}

fn kind_of(number: u8) -> Result<RemarkKind, StoreError> {
    let reason = || NoMpid::ALL.get(usize::from(number & 0xF)).copied();
    match number >> 4 {
        0 => reason().map(RemarkKind::Unmatched),
        1 => reason().map(RemarkKind::Unsendable),
        2 => Some(RemarkKind::Duplicate),
        3 => Some(RemarkKind::Suspect),
        _ => None,
    }
    .ok_or_else(|| damaged("an unknown remark"))
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged { what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::remarks::Remarks;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = Option<Box<str>>> {
        prop::option::of("\\PC{0,8}".prop_map(Into::into))
    }

    fn remark() -> impl Strategy<Value = Remark> {
        let kind = prop_oneof![
            prop::sample::select(&NoMpid::ALL[..]).prop_map(RemarkKind::Unmatched),
            prop::sample::select(&NoMpid::ALL[..]).prop_map(RemarkKind::Unsendable),
            Just(RemarkKind::Duplicate),
            Just(RemarkKind::Suspect),
        ];
        let properties = prop::collection::vec(prop::option::of("[a-c]".prop_map(Into::into)), 3);
        (text(), kind, text(), text(), text(), properties).prop_map(|parts| {
            let (distinct_id, kind, evidence, last_seen, counted_profile, properties) = parts;
            let properties = properties.into();
            Remark { distinct_id, kind, evidence, last_seen, counted_profile, properties }
        })
    }

    fn packed(remarks: &[Remark]) -> Vec<u8> {
        let remarks: Remarks = remarks.iter().cloned().collect();
        pack(&remarks.iter().enumerate().collect::<Vec<_>>(), remarks.properties()).unwrap()
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
        fn remarks_read_back(remarks in prop::collection::vec(remark(), 1..40)) {
            let blob = packed(&remarks);
            let part = Part::read(RemarkForm::Columns, &blob).unwrap();
            let read: Vec<Remark> = part.iter().map(RemarkRef::to_owned).collect();
            let columns = read[0].properties.len();
            let expected: Vec<Remark> = remarks.into_iter().map(|remark| padded(remark, columns)).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), form in 0..4_i64) {
            let Ok(form) = RemarkForm::from_number(form) else { return Ok(()) };
            let _ = Part::read(form, &bytes);
            let packed = sealed(Content::Remarks, &bytes).unwrap();
            if let Ok(part) = Part::read(form, &packed) {
                part.iter().for_each(|remark| drop(remark.to_owned()));
            }
        }

        #[test]
        fn a_turned_bit_is_noticed(remarks in prop::collection::vec(remark(), 1..10), bit in any::<prop::sample::Index>()) {
            let mut blob = packed(&remarks);
            let bit = bit.index(blob.len() * 8);
            blob[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Part::read(RemarkForm::Columns, &blob).is_err());
        }
    }
}
