//! The users about whom a verification found mParticle wrong, packed some hundreds to a row and read back a window at a
//! time. The accounts of the verification are in `verifications`.

use super::packing::{Content, PackedIdentity, sealed, unseal};
use super::verifications::VerificationId;
use super::{Reader, Store, StoreError, Window, time};
use crate::domain::attribute::AttributeValue;
use crate::domain::verification::{Group, Held, WrongUser};
use crate::domain::{Identity, RunId};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

/// Users in a row.
const TOGETHER: usize = 500;

#[derive(Serialize, Deserialize)]
struct PackedWrongUser {
    identity: PackedIdentity,
    distinct_id: Option<Box<str>>,
    group: u8,
    told_by: Option<(i64, i64)>,
    held: PackedHeld,
    looked_at: i64,
    aliases: Vec<PackedIdentity>,
}

#[derive(Serialize, Deserialize)]
enum PackedHeld {
    NoProfile,
    NoAttribute,
    Null,
    Bool(bool),
    Number(Box<str>),
    Text(Box<str>),
    Other(Box<str>),
}

impl From<&Held> for PackedHeld {
    fn from(held: &Held) -> Self {
        match held {
            Held::NoProfile => Self::NoProfile,
            Held::NoAttribute => Self::NoAttribute,
            Held::Value(AttributeValue::Null) => Self::Null,
            Held::Value(AttributeValue::Bool(value)) => Self::Bool(*value),
            Held::Value(AttributeValue::Number(text)) => Self::Number(text.clone()),
            Held::Value(AttributeValue::Text(text)) => Self::Text(text.clone()),
            Held::Value(AttributeValue::Other(text)) => Self::Other(text.clone()),
        }
    }
}

impl From<PackedHeld> for Held {
    fn from(packed: PackedHeld) -> Self {
        Self::Value(match packed {
            PackedHeld::NoProfile => return Self::NoProfile,
            PackedHeld::NoAttribute => return Self::NoAttribute,
            PackedHeld::Null => AttributeValue::Null,
            PackedHeld::Bool(value) => AttributeValue::Bool(value),
            PackedHeld::Number(text) => AttributeValue::Number(text),
            PackedHeld::Text(text) => AttributeValue::Text(text),
            PackedHeld::Other(text) => AttributeValue::Other(text),
        })
    }
}

fn pack(users: &[WrongUser]) -> Result<Vec<u8>, StoreError> {
    let packed: Vec<PackedWrongUser> = users
        .iter()
        .map(|user| PackedWrongUser {
            identity: (&user.identity).into(),
            distinct_id: user.distinct_id.clone(),
            group: user.group as u8,
            told_by: user.told_by.map(|(run, at)| (run.0, at.as_millisecond())),
            held: (&user.held).into(),
            looked_at: user.looked_at.as_millisecond(),
            aliases: user.aliases.iter().map(PackedIdentity::from).collect(),
        })
        .collect();
    sealed(Content::WrongUsers, &packed)
}

fn unpack(blob: &[u8]) -> Result<Vec<WrongUser>, StoreError> {
    let damaged = || StoreError::Damaged { what: "the findings of a verification".to_owned() };
    let blob = unseal(Content::WrongUsers, blob)?;
    let packed: Vec<PackedWrongUser> = postcard::from_bytes(blob).map_err(|_| damaged())?;
    let told = |told: Option<(i64, i64)>| -> Result<Option<(RunId, Timestamp)>, StoreError> {
        told.map(|(run, at)| Ok((RunId(run), time::read(at)?))).transpose()
    };
    let unpack = |user: PackedWrongUser| {
        Ok(WrongUser {
            identity: user.identity.into(),
            distinct_id: user.distinct_id,
            group: *Group::ALL.get(usize::from(user.group)).ok_or_else(damaged)?,
            told_by: told(user.told_by)?,
            held: user.held.into(),
            looked_at: time::read(user.looked_at)?,
            aliases: user.aliases.into_iter().map(Identity::from).collect(),
        })
    };
    packed.into_iter().map(unpack).collect()
}

impl Store {
    /// Keeps users about whom a verification under way found mParticle wrong.
    pub fn add_wrong_users(
        &mut self,
        verification: VerificationId,
        users: &[WrongUser],
    ) -> Result<(), StoreError> {
        let transaction = self.connection.savepoint()?;
        for part in users.chunks(TOGETHER) {
            transaction
                .prepare_cached(
                    "INSERT INTO wrong_users (verification_id, users, packed) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![verification.0, part.len().cast_signed(), pack(part)?])?;
        }
        Ok(transaction.commit()?)
    }
}

impl Reader {
    /// The wrong users of a verification, in the order in which they were found.
    pub fn wrong_users_window(
        &self,
        verification: VerificationId,
        offset: u64,
        limit: usize,
    ) -> Result<Window<WrongUser>, StoreError> {
        let (mut total, mut rows) = (0, Vec::new());
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, users FROM wrong_users WHERE verification_id = ?1 ORDER BY id")?;
        let mut parts = statement.query([verification.0])?;
        while let Some(part) = parts.next()? {
            let (id, users): (i64, u64) = (part.get(0)?, part.get::<_, i64>(1)?.cast_unsigned());
            if total + users > offset && rows.len() < limit {
                let skipped = usize::try_from(offset.saturating_sub(total)).unwrap_or(usize::MAX);
                rows.extend(
                    self.next_wrong_users(verification, id - 1)?
                        .into_iter()
                        .flat_map(|(_, users)| users)
                        .skip(skipped),
                );
            }
            total += users;
        }
        rows.truncate(limit);
        Ok(Window { offset, total, rows })
    }

    /// Hands the wrong users of a verification to `each`, some hundreds at a time. `each` returns whether to go on.
    pub fn for_each_wrong_user<E: From<StoreError>>(
        &self,
        verification: VerificationId,
        mut each: impl FnMut(Vec<WrongUser>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut after = 0;
        while let Some((id, users)) = self.next_wrong_users(verification, after)? {
            after = id;
            if !each(users)? {
                break;
            }
        }
        Ok(())
    }

    fn next_wrong_users(
        &self,
        verification: VerificationId,
        after: i64,
    ) -> Result<Option<(i64, Vec<WrongUser>)>, StoreError> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT id, packed FROM wrong_users WHERE verification_id = ?1 AND id > ?2 ORDER BY id LIMIT 1",
            )?
            .query_row(params![verification.0, after], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()?;
        let Some((id, blob)) = found else { return Ok(None) };
        Ok(Some((id, unpack(&blob)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whatever_is_found_reads_back() {
        let at = Timestamp::from_second(1_770_000_000).unwrap();
        let value = |value| Held::Value(value);
        let held = [
            Held::NoProfile,
            Held::NoAttribute,
            value(AttributeValue::Null),
            value(AttributeValue::Bool(false)),
            value(AttributeValue::Number("1.50".into())),
            value(AttributeValue::Text("vip".into())),
            value(AttributeValue::Other("[1]".into())),
        ];
        let users: Vec<WrongUser> = held
            .into_iter()
            .zip(0..)
            .map(|(held, number)| WrongUser {
                identity: Identity::Mpid(-number),
                distinct_id: (number % 2 == 0).then(|| format!("user-{number}").into()),
                group: Group::ALL[usize::try_from(number).unwrap() % 3],
                told_by: (number % 2 == 1).then_some((RunId(number), at)),
                held,
                looked_at: at,
                aliases: vec![Identity::of_distinct_id("ann"), Identity::Mpid(number)],
            })
            .collect();
        assert_eq!(unpack(&pack(&users).unwrap()).unwrap(), users);
    }

    proptest! {
        #[test]
        fn no_bytes_make_unpacking_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = unpack(&bytes);
            let _ = unpack(&sealed(Content::WrongUsers, &bytes).unwrap());
        }
    }
}
