//! The people of the benchmarks as Mixpanel's pages: a thousand profiles each, with the properties that are asked for
//! unless somebody says otherwise, and the ids that a working integration leaves behind.

use crate::people::{self, People};
use bytes::Bytes;
use std::fmt::Write;

/// Profiles on a page.
pub const SIZE: usize = 1_000;

/// What stands before the profiles of a page.
fn head(number: usize, total: usize) -> String {
    format!(
        r#"{{"page":{number},"page_size":{SIZE},"session_id":"1770000000-bench","status":"ok","total":{total},"results":["#
    )
}

/// The page behind the last.
pub fn none(number: usize) -> Bytes {
    Bytes::from(head(number, number * SIZE) + "]}")
}

/// Everybody's pages, the unmatched strewn among the matched.
pub fn of(people: &People) -> Vec<Bytes> {
    let (mut mpids, mut uuids) = (people.mpids.iter(), people.uuids.iter());
    let total = people.len();
    (0..total.div_ceil(SIZE))
        .map(|number| {
            let mut page = head(number, total);
            for place in 0..SIZE.min(total - number * SIZE) {
                let comma = if place > 0 { "," } else { "" };
                // Whoever is left takes the place of the other kind, once that is used up.
                let uuid = if place % 5 == 4 || mpids.len() == 0 { uuids.next() } else { None };
                let (os, version, month) = (["iOS", "Android"][place % 2], place % 7, place % 9 + 1);
                let (distinct_id, mpid) = if let Some(uuid) = uuid {
                    (uuid::Uuid::from_bytes(*uuid).hyphenated().to_string(), String::new())
                } else {
                    let mpid = mpids.next().unwrap();
                    (people::distinct_id(*mpid), format!(r#""$mparticle_user_id":"{mpid}","#))
                };
                write!(
                    page,
                    r#"{comma}{{"$distinct_id":"{distinct_id}","$properties":{{{mpid}"$last_seen":"2026-0{month}-11T09:30:00","$os":"{os}","$app_version_string":"5.{version}","mp_lib":"swift"}}}}"#
                )
                .unwrap();
            }
            page.push_str("]}");
            Bytes::from(page)
        })
        .collect()
}
