//! A cohort of a million members of whom 200,000 lack an MPID: opening their list, filtering it, grouping it and writing
//! it to a file take under a second each, and the task that draws is never kept from its next frame meanwhile.

#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up should fail")]

use cohort_sync::domain::harvest::{Gathering, Harvest};
use cohort_sync::domain::membership::Collector;
use cohort_sync::domain::people::{Narrow, UserRow};
use cohort_sync::domain::property::{DEFAULT_PROPERTIES, Extras, PropertyNames};
use cohort_sync::domain::remarks::Remarks;
use cohort_sync::domain::waterfall::Listed;
use cohort_sync::domain::{
    CohortId, Identity, Outcome, Phase, Profile, Purpose, RawId, ReadingRules, Reason, SyncKind, Trigger,
};
use cohort_sync::store::{Holding, NewRun, Store};
use cohort_sync::sync::Handle;
use cohort_sync::sync::export::{Content, Export, Form};
use cohort_sync::sync::observe;
use cohort_sync::sync::pages::{Answer, Question};
use cohort_sync::sync::snapshot::Writer;
use jiff::Timestamp;
use std::path::Path;
use std::time::{Duration, Instant};

const COHORT: CohortId = CohortId(1);
const MEMBERS: u64 = 1_000_000;
/// Profiles that are gathered together.
const PAGE: u64 = 1_000;
/// Every fifth lacks an MPID.
const LACKING: u64 = MEMBERS / 5;

/// What a second is to an optimised build; the checks of a debug build cost it several times as much.
const LIMIT: Duration = Duration::from_secs(if cfg!(debug_assertions) { 8 } else { 1 });
/// Between two frames at thirty a second; a machine that is busy with other tests may be late by some.
const LATE_AT_MOST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 250 } else { 66 });

fn now() -> Timestamp {
    Timestamp::from_second(1_770_000_000).unwrap()
}

fn mpid(number: u64) -> i64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15).cast_signed()
}

/// What a fetch of the cohort leaves behind.
fn write_read(directory: &Path) {
    let mut store = Store::open(directory, "a test").unwrap();
    let holding = Holding { cohort: COHORT, attribute: "Power users".to_owned() };
    let id = store
        .begin_run(&NewRun {
            cohort_id: COHORT,
            cohort: "Power users".to_owned(),
            attribute: holding.attribute.clone(),
            kind: SyncKind::Recurring,
            purpose: Purpose::Update,
            trigger: Trigger::Schedule,
            started_at: now(),
        })
        .unwrap();
    let gathering =
        Gathering { rules: ReadingRules::default(), properties: PropertyNames::of(DEFAULT_PROPERTIES) };
    let mut collector = Collector::default();
    let mut remarks = Remarks::default();
    let mut page = Harvest::of_page(0, &gathering);
    for number in 0..MEMBERS {
        let is_lacking = number % 5 == 4;
        let (distinct_id, held) = (format!("user-{number}@example.com"), mpid(number).to_string());
        let mut extras = Extras::default();
        extras.put(0, if is_lacking || number % 3 == 0 { "\"Android\"" } else { "\"iOS\"" });
        extras.put(1, if is_lacking { "\"5.2\"" } else { "\"6.0\"" });
        let last_seen = format!("2026-01-{:02}T11:02:44", number % 28 + 1);
        let json = format!("\"{last_seen}\"");
        extras.put(3, &json);
        let profile = Profile {
            distinct_id: RawId::Text(distinct_id.into()),
            mparticle_user_id: if is_lacking { RawId::Missing } else { RawId::Text(held.into()) },
            last_seen: Some(last_seen.into()),
            has_profile: true,
            extras,
        };
        page.take(&profile);
        if number % PAGE == PAGE - 1 {
            let next = Harvest::of_page(u32::try_from(number / PAGE).unwrap() + 1, &gathering);
            remarks.append(&collector.absorb(std::mem::replace(&mut page, next)));
        }
        if remarks.len() >= 2_000 {
            store.add_remarks(id, COHORT, &std::mem::take(&mut remarks)).unwrap();
        }
    }
    let tallies = collector.take_tallies();
    let (membership, duplicates) = collector.finish();
    remarks.append(&duplicates);
    store.add_remarks(id, COHORT, &remarks).unwrap();
    store.add_read(id, COHORT, &tallies, &membership.neighbours()).unwrap();
    let people: Vec<Identity> = membership.iter().map(|member| member.identity.to_owned()).collect();
    store.adopt(&holding, people).unwrap();
    let mut run = store.run(id).unwrap().unwrap();
    run.counts.read = membership.counts();
    run.counts.unchanged = membership.counts().sendable();
    (run.phase, run.outcome, run.ended_at) = (Phase::Settle, Some(Outcome::Succeeded), Some(now()));
    store.save_run(&run).unwrap();
}

/// Does something while another task of the same thread, as the one that draws, wakes up for each frame; tells how long
/// it took and by how much the latest frame was late.
async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration, Duration) {
    const FRAME: Duration = Duration::from_millis(33);
    let began = Instant::now();
    let mut latest = Duration::ZERO;
    tokio::pin!(work);
    loop {
        let due = Instant::now() + FRAME;
        tokio::select! {
            biased;
            () = tokio::time::sleep(FRAME) => latest = latest.max(due.elapsed()),
            done = &mut work => return (done, began.elapsed(), latest),
        }
    }
}

async fn users(handle: &Handle, listed: Listed, narrow: Narrow, offset: u64) -> (u64, Vec<UserRow>) {
    let question = Question::Users { cohort: COHORT, listed, narrow, offset, limit: 256 };
    match handle.read(question).await {
        Ok(Answer::Users(Some(_), window)) => (window.total, window.rows),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_list_of_200_000_is_opened_filtered_grouped_and_exported_at_once() {
    let directory = tempfile::tempdir().unwrap();
    write_read(directory.path());
    let handle = observe(directory.path().to_owned(), Writer::ReadOnly, None).await.unwrap();
    let judge = |what: &str, took: Duration, late: Duration| {
        println!("{what:<34}{took:>10.1?}   a frame at most {late:.1?} late");
        assert!(took < LIMIT, "{what} took {took:?}");
        assert!(late < LATE_AT_MOST, "{what}: a frame was {late:?} late");
    };

    for (what, listed, offset, total) in [
        ("opening the unmatched", Listed::Lacking, 0, LACKING),
        ("their end", Listed::Lacking, LACKING - 256, LACKING),
        ("opening the matched", Listed::Matched, 0, MEMBERS - LACKING),
        ("their end", Listed::Matched, MEMBERS - LACKING - 256, MEMBERS - LACKING),
        ("opening everybody", Listed::Accepted, 0, MEMBERS),
    ] {
        let ((found, rows), took, late) = timed(users(&handle, listed, Narrow::default(), offset)).await;
        assert_eq!((found, rows.len()), (total, 256), "{what}");
        judge(what, took, late);
    }
    let narrow = Narrow::of("example 4999 !ios");
    let ((found, rows), took, late) = timed(users(&handle, Listed::Lacking, narrow, 0)).await;
    let expected = (0..MEMBERS).filter(|n| n % 5 == 4 && format!("user-{n}@").contains("4999")).count();
    assert_eq!((found, rows.len()), (expected as u64, expected.min(256)));
    judge("filtering by words", took, late);
    let narrow = Narrow::to(Some(Reason::Anonymous));
    let ((found, _), took, late) = timed(users(&handle, Listed::Lacking, narrow, 0)).await;
    assert_eq!(found, 0);
    judge("filtering by reason", took, late);

    let (answer, took, late) = timed(handle.read(Question::Study(COHORT))).await;
    let Ok(Answer::Study(Some(study))) = answer else { panic!("{answer:?}") };
    let by_version = &study.groupings[1];
    assert_eq!((by_version.by.as_str(), by_version.groups[0].users), ("$app_version_string", LACKING));
    assert!(by_version.striking().is_some());
    judge("grouping by every property", took, late);

    for (what, form) in [("exporting as CSV", Form::Csv), ("exporting as JSON", Form::Json)] {
        let content = Content::Users(COHORT, Listed::Lacking, Narrow::default());
        let export = Export { name: "unmatched".to_owned(), at: now(), form, content };
        let (written, took, late) = timed(handle.export(directory.path().to_owned(), export)).await;
        assert_eq!(written.unwrap().1, LACKING);
        judge(what, took, late);
    }
}
