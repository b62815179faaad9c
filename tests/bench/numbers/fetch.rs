//! Fetch: pages decoded, ids parsed and packed, beside `serde_json` reading the same bytes into the smallest struct that
//! borrows and doing nothing with it. What the network takes comes on top of both.

use crate::pages;
use crate::people;
use crate::table::{Table, median, timed};
use bytes::Bytes;
use cohort_sync::domain::ReadingRules;
use cohort_sync::domain::harvest::Gathering;
use cohort_sync::domain::membership::Collector;
use cohort_sync::domain::property::{DEFAULT_PROPERTIES, PropertyNames};
use cohort_sync::mixpanel;
use serde::Deserialize;

const PEOPLE: usize = 500_000;

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    results: Vec<Profile<'a>>,
}

#[derive(Deserialize)]
struct Profile<'a> {
    #[serde(rename = "$distinct_id")]
    distinct_id: &'a str,
    #[serde(borrow, rename = "$properties")]
    properties: Properties<'a>,
}

#[derive(Deserialize)]
struct Properties<'a> {
    #[serde(rename = "$mparticle_user_id")]
    mparticle_user_id: Option<&'a str>,
}

pub fn measure(table: &mut Table) {
    let pages = pages::of(&people::before_and_now(PEOPLE).1);
    let megabytes = pages.iter().map(Bytes::len).sum::<usize>() as f64 / 1e6;
    let times = 7;
    let bare = median((0..times).map(|_| timed(|| bare(&pages)).1).collect());
    for (what, properties) in
        [("", PropertyNames::default()), (" and four properties", PropertyNames::of(DEFAULT_PROPERTIES))]
    {
        let gathering = Gathering { rules: ReadingRules::default(), properties };
        let ours = median((0..times).map(|_| timed(|| gather(&pages, &gathering)).1).collect());
        let work = format!("fetch {:.0} MB/s{what}", megabytes / ours.as_secs_f64());
        table.times(&work, ours, ("serde_json alone", bare), 1.5);
    }
}

/// On one processor; a run uses all of them.
fn gather(pages: &[Bytes], gathering: &Gathering) {
    let mut collector = Collector::default();
    for (number, page) in (0..).zip(pages) {
        let (harvest, _) = mixpanel::gather(page, number, gathering).unwrap();
        std::hint::black_box(collector.absorb(harvest));
    }
    assert_eq!(collector.counts_so_far().fetched(), PEOPLE as u64);
}

fn bare(pages: &[Bytes]) {
    let mut length = 0;
    for page in pages {
        let page: Page<'_> = serde_json::from_slice(page).unwrap();
        let ids = page.results.iter().map(|profile| {
            profile.distinct_id.len() + profile.properties.mparticle_user_id.map_or(0, str::len)
        });
        length += ids.sum::<usize>();
    }
    assert!(std::hint::black_box(length) > PEOPLE * 36);
}
