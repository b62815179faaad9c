//! The journal: every try of every request is in it with what was asked and answered, none of it a credential, and
//! whoever looks on learns that there is something new.

use crate::world::*;
use cohort_sync::domain::Outcome;
use cohort_sync::sandbox::{self, Effect, Fault, RejectedUsers};
use cohort_sync::store::{JournalEntry, JournalPlace, JournalRow, Side};
use cohort_sync::sync::export::{Content, Export, Form};
use cohort_sync::sync::pages::{Answer, Body, Question};
use cohort_sync::sync::snapshot::Writer;
use serde_json::Value;
use std::time::Duration;

/// Every entry, oldest first, once the engine has told of the newest.
async fn journal(world: &World) -> Vec<JournalRow> {
    let reader = world.reader();
    let newest = reader.newest_journal_entry().unwrap();
    world.until("the newest entry is told", |snapshot| snapshot.journaled >= newest).await;
    let question = Question::Journal { run: None, place: JournalPlace::After(0), limit: 1_000 };
    let Ok(Answer::Journal(rows)) = world.handle().read(question).await else { panic!("no journal") };
    rows
}

async fn entry(world: &World, row: &JournalRow) -> JournalEntry {
    match world.handle().read(Question::Entry(row.id)).await {
        Ok(Answer::Entry(Some(entry))) => *entry,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_said_can_be_shown_to_the_letter_and_holds_no_credentials() {
    let world = World::with_cohort(people(0, 250)).await;
    world.export().await;
    let token = world.sandbox.webhook_url().rsplit('/').next().unwrap().to_owned();
    let mut positions = Vec::new();
    for row in journal(&world).await {
        let entry = entry(&world, &row).await;
        assert_eq!(entry.line, row.line);
        let mut shown = format!("{entry:?}");
        if row.line.side == Side::Mparticle {
            let (run, first_position) = (row.line.run.unwrap(), row.line.first_position.unwrap());
            positions.push(first_position);
            let users = usize::try_from(row.line.users).unwrap();
            let asked = world.handle().read(Question::Body { run, first_position, users }).await;
            let Ok(Answer::Body(Some(Body::AsSent(body)))) = asked else { panic!("{asked:?}") };
            assert_eq!(body.len() as u64, row.line.bytes, "as many bytes as left");
            let batches: Vec<Value> = serde_json::from_str(&body).unwrap();
            let id = batches[0]["source_request_id"].as_str().unwrap();
            assert!(id.ends_with(&format!("-{first_position}")), "{id}");
            assert!(entry.request.ends_with("/v1/pdf/mixpanelcohorts/•••"), "{}", entry.request);
            shown.push_str(&body);
        }
        for credential in [&token, sandbox::SECRET] {
            assert!(!shown.contains(credential), "{shown}");
        }
    }
    positions.sort_unstable();
    assert_eq!(positions, [0, 100, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_to_mixpanel_are_there_with_parameters_and_without_people() {
    let world = World::with_cohort(people(0, 1_200)).await;
    world.export().await;
    let rows = journal(&world).await;
    let asked: Vec<_> = rows.iter().filter(|row| row.line.side == Side::Mixpanel).collect();
    let what: Vec<_> = asked.iter().map(|row| (row.line.what.as_str(), row.line.users)).collect();
    assert_eq!(what, [("cohort list", 0), ("engage page 0", 1_000), ("engage page 1", 200)]);
    assert_eq!((asked[0].line.run, asked[0].line.cohort), (None, None));
    assert!(asked[0].said.contains(NAME), "{}", asked[0].said);
    let page = entry(&world, asked[2]).await;
    for part in
        ["POST http://127.0.0.1", "/api/query/engage?project_id=", "Basic •••", "\npage=1\n", "session_id="]
    {
        assert!(page.request.contains(part), "{part} is not in {}", page.request);
    }
    let answer: Value = serde_json::from_str(&page.answer).unwrap();
    assert_eq!(
        (&answer["page"], &answer["results"]),
        (&1.into(), &"200 profiles, which are not kept here".into())
    );
    assert!(!page.answer.contains("user-"), "{}", page.answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_try_is_there_with_how_it_went() {
    let world = World::with_cohort(people(0, 100)).await;
    let fails =
        |code: u16| Effect::Status { code, body: r#"{"error":"oops"}"#.to_owned(), headers: Vec::new() };
    for fault in [
        Fault::mixpanel(fails(500)).at_path("engage"),
        Fault::mixpanel(Effect::CutBeforeApply).at_path("engage"),
        Fault::mparticle(fails(429)),
        Fault::mparticle(Effect::CutAfterApply),
        Fault::mparticle(Effect::RejectUsers { users: RejectedUsers::EveryNth(10) }),
    ] {
        world.control.push_fault(fault);
    }
    let run = world.export().await;
    assert_eq!((run.outcome, run.counts.accepted()), (Some(Outcome::Succeeded), 90), "{:?}", run.error);
    let rows = journal(&world).await;
    let tries: Vec<_> = rows[1..]
        .iter()
        .map(|row| (row.line.side, row.line.status, row.line.attempt, row.line.accepted))
        .collect();
    let (read, sent) = (Side::Mixpanel, Side::Mparticle);
    assert_eq!(
        tries,
        [
            (read, Some(500), 1, None),
            (read, None, 2, None),
            (read, Some(200), 3, None),
            (sent, Some(429), 1, None),
            (sent, None, 2, None),
            (sent, Some(202), 3, Some(90)),
        ]
    );
    assert_eq!(
        (rows[1].said.as_str(), rows[4].said.as_str()),
        (r#"{"error":"oops"}"#, r#"{"error":"oops"}"#)
    );
    assert!(rows[2].said.contains("connection") && rows[6].said.contains("errors"), "{rows:#?}");
}

/// The last try of a read that is given up is in the journal as well, and so is one that is not tried again.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_given_up_leaves_all_its_tries() {
    for (code, tries) in [(500, 5), (402, 1)] {
        let world = World::with_cohort(people(0, 10)).await;
        let effect = Effect::Status { code, body: String::new(), headers: Vec::new() };
        world.control.push_fault(Fault::mixpanel(effect).at_path("engage").forever());
        world.export().await;
        let rows = journal(&world).await;
        let failed = rows.iter().filter(|row| row.line.status == Some(code)).count();
        assert_eq!(failed, tries, "{rows:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_on_learns_of_the_newest_entry() {
    let world = World::with_cohort(people(0, 300)).await;
    let looker =
        cohort_sync::sync::observe(world.state().to_owned(), Writer::Other("the test".to_owned()), None);
    let looker = looker.await.unwrap();
    world.export().await;
    let newest = journal(&world).await.last().unwrap().id;
    let mut snapshots = looker.snapshots();
    let seen = snapshots.wait_for(|snapshot| snapshot.journaled == newest);
    tokio::time::timeout(Duration::from_secs(20), seen).await.unwrap().unwrap();
    let question = Question::Journal { run: None, place: JournalPlace::Newest, limit: 1 };
    let Ok(Answer::Journal(rows)) = looker.read(question).await else { panic!("no journal") };
    assert_eq!(rows[0].id, newest);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_is_written_with_whole_answers_and_the_names_of_cohorts() {
    let world = World::with_cohort(people(0, 150)).await;
    let long = format!("{{\"message\":\"{}\"}}", "slow down, ".repeat(40));
    let effect = Effect::Status { code: 429, body: long.clone(), headers: Vec::new() };
    world.control.push_fault(Fault::mparticle(effect));
    world.export().await;
    let rows = journal(&world).await;
    let refused = rows.iter().find(|row| row.line.status == Some(429)).unwrap();
    // One of them is forgotten by the time of the writing.
    let content = Content::Journal(vec![rows[0].id, refused.id, 9_999]);
    let export = Export { name: "requests".to_owned(), at: refused.line.at, form: Form::Csv, content };
    let elsewhere = tempfile::tempdir().unwrap();
    let (path, written) = world.handle().export(elsewhere.path().to_owned(), export).await.unwrap();
    let lines: Vec<csv::StringRecord> =
        csv::Reader::from_path(path).unwrap().into_records().map(Result::unwrap).collect();
    assert_eq!((written, lines.len()), (2, 2));
    assert_eq!(
        lines[0].iter().skip(1).take(6).collect::<Vec<_>>(),
        ["", "", "", "mixpanel", "cohort list", "0"]
    );
    assert_eq!((&lines[1][2], &lines[1][9], &lines[1][12]), (NAME, "429", long.as_str()));
}
