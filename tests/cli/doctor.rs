//! `doctor` on installations that are well and on ones that are not: it always answers, says what to do, changes
//! nothing, and its exit code tells scripts the rest.

use crate::contract::{has_exactly, in_order};
use crate::world::{ID, NAME, Output, World, finish, keys, people, set_mode};
use cohort_sync::sandbox::{self, Effect, Fault};
use cohort_sync::store::DATABASE_FILE;
use serde_json::Value;
use std::path::{Path, PathBuf};

const FIELDS: &[&str] = &["check", "verdict", "found", "remedy"];

/// What a finding says, wherever it says it.
fn words(finding: &Value) -> String {
    format!("{} {}", finding["found"].as_str().unwrap(), finding["remedy"].as_str().unwrap_or_default())
}

/// The findings that are not as they should be: check, verdict and words.
fn trouble(output: &Output) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = output.objects().into_iter().filter(|finding| finding["verdict"] != "ok");
    findings.map(|finding| (text(&finding["check"]), text(&finding["verdict"]), words(&finding))).collect()
}

/// Asserts that one thing alone is wrong, and that all of this is said about it.
#[track_caller]
fn only_trouble(output: &Output, check: &str, verdict: &str, said: &[&str]) {
    let trouble = trouble(output);
    assert_eq!(trouble.len(), 1, "{output:#?}");
    assert_eq!((trouble[0].0.as_str(), trouble[0].1.as_str()), (check, verdict), "{output:#?}");
    for words in said {
        assert!(trouble[0].2.contains(words), "no {words:?} in {trouble:#?}");
    }
}

fn file(world: &World) -> PathBuf {
    world.state().join(DATABASE_FILE)
}

/// Overwrites a part of the state file, as a failing disk would.
fn spoil(path: &Path, from: usize, bytes: &[u8]) -> Vec<u8> {
    let mut content = std::fs::read(path).unwrap();
    content[from..from + bytes.len()].copy_from_slice(bytes);
    std::fs::write(path, &content).unwrap();
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_installation_is_in_order() {
    let world = World::with(people(0, 5)).await;
    world.export().await;
    let sent = world.control.feed_requests().len();
    let output = world.run(&["doctor"]).await.exits(0);
    assert_eq!(output.err, "");
    let state = file(&world).display().to_string();
    for said in [
        "1 sync, 1 run, and 5 members",
        &state,
        "1 cohort",
        "one query",
        "Nothing was sent",
        "Everything is in order.",
    ] {
        assert!(output.out.contains(said), "no {said:?} in {output:#?}");
    }
    assert!(!output.out.contains(sandbox::SECRET) && !output.out.contains(sandbox::FEED_TOKEN));
    assert_eq!(world.control.feed_requests().len(), sent, "nothing is sent to mParticle");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_one_object_a_line_and_read_only_leaves_no_trace() {
    let world = World::with(people(0, 5)).await;
    let output = world.run(&["doctor", "--json", "--read-only"]).await.exits(0);
    assert_eq!(output.err, "");
    for (line, object) in output.out.lines().zip(output.objects()) {
        in_order(line, FIELDS);
        has_exactly(&object, FIELDS);
        assert!(["ok", "warning", "problem"].contains(&object["verdict"].as_str().unwrap()), "{line}");
    }
    let checks: Vec<String> =
        output.objects().iter().map(|finding| finding["check"].as_str().unwrap().to_owned()).collect();
    let all = [
        "configuration",
        "credentials",
        "directories",
        "state",
        "writer",
        "network",
        "mixpanel",
        "clock",
        "members",
        "mparticle",
        "clock",
        "terminal",
    ];
    assert_eq!(checks, all);
    assert!(!world.state().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_was_charged_is_noted_where_it_may_be() {
    let world = World::with(people(0, 5)).await;
    world.export().await;
    let noted = || {
        let reader = cohort_sync::store::Reader::open(&world.state()).unwrap();
        reader.queries_since(jiff::Timestamp::UNIX_EPOCH).unwrap().len()
    };
    let before = noted();
    world.run(&["doctor", "--read-only"]).await.exits(0);
    assert_eq!(noted(), before);
    world.run(&["doctor"]).await.exits(0);
    assert_eq!(noted(), before + 2, "the list and a page of members");
    world.control.push_fault(Fault::mixpanel(status(401)));
    world.run(&["doctor"]).await.exits(1);
    assert_eq!(noted(), before + 2, "Mixpanel charges no 401");
}

fn status(code: u16) -> Effect {
    Effect::Status { code, body: String::new(), headers: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_configuration_the_rest_is_looked_at_all_the_same() {
    let world = World::new().await;
    std::fs::remove_file(world.path("config.toml")).unwrap();
    let output = world.run(&["doctor", "--json"]).await.exits(2);
    let trouble = trouble(&output);
    let path = world.path("config.toml").display().to_string();
    assert_eq!((trouble[0].0.as_str(), trouble[0].1.as_str()), ("configuration", "problem"));
    assert!(trouble[0].2.contains(&path) && trouble[0].2.contains("config init"), "{trouble:?}");
    let others: Vec<&str> = trouble[1..].iter().map(|(check, ..)| check.as_str()).collect();
    assert_eq!(others, ["mixpanel", "mparticle"]);
    assert!(output.objects().iter().any(|finding| finding["check"] == "state"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_configuration_has_a_line_of_its_own() {
    let world = World::new().await;
    world.configure("[mixpanel]\nregion = \"mars\"\nproject_idd = 5\nservice_account = \"x\"\n");
    let output = world.run(&["doctor", "--json"]).await.exits(2);
    let said: Vec<String> = trouble(&output).into_iter().map(|(.., words)| words).collect();
    for words in [
        "config.toml:2: mixpanel.region is \"mars\", but must be us, eu or in",
        "config.toml:3: mixpanel.project_idd is not a setting. Did you mean mixpanel.project_id?",
        "mixpanel.secret is missing. Write `secret = ",
        "COHORT_SYNC_MPARTICLE_WEBHOOK_URL",
    ] {
        assert!(said.iter().any(|said| said.contains(words)), "no {words:?} in {said:#?}");
    }
    world.configure("[mixpanel\n");
    let output = world.run(&["doctor", "--json"]).await.exits(2);
    assert!(trouble(&output)[0].2.contains("config.toml:1:10"), "{output:?}");
    world.run(&["doctor", "--profile", "no/such", "--json"]).await.exits(2).objects();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_cannot_be_had_is_named_and_one_that_can_is_not_shown() {
    let world = World::new().await;
    let webhook = format!("\"{}\"", world.sandbox.webhook_url());
    world.configure(&world.config("{ env = \"NO_SUCH_VARIABLE\" }", &webhook, ""));
    let output = world.run(&["doctor", "--json"]).await.exits(2);
    let (check, verdict, said) = trouble(&output).remove(0);
    assert_eq!((check.as_str(), verdict.as_str()), ("credentials", "problem"));
    assert!(said.contains("mixpanel.secret") && said.contains("NO_SUCH_VARIABLE is not set"), "{said}");

    world.private_file("secret.txt", sandbox::SECRET);
    world.configure(&world.config("{ file = \"secret.txt\" }", &webhook, ""));
    let output = world.run(&["doctor"]).await.exits(0);
    assert!(output.out.contains("secret.txt") && !output.out.contains(sandbox::SECRET), "{output:?}");
    set_mode(&world.path("config.toml"), 0o644);
    let output = world.run(&["doctor", "--json"]).await.exits(2);
    assert!(trouble(&output)[0].2.contains("chmod 600"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mixpanel_is_asked_once_and_its_refusal_comes_with_a_remedy() {
    for (code, said) in [
        (401, ["refuses the credentials", "Service Accounts"]),
        (402, ["plan", "in Mixpanel only"]),
        (403, ["Analyst", "Project Settings"]),
        (503, ["503", "again"]),
    ] {
        let world = World::with(people(0, 5)).await;
        world.control.push_fault(Fault::mixpanel(status(code)).forever());
        let output = world.run(&["doctor", "--json"]).await.exits(1);
        only_trouble(&output, "mixpanel", "problem", &said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_list_but_not_read_is_told() {
    let world = World::with(people(0, 5)).await;
    world.control.push_fault(Fault::mixpanel(status(403)).for_cohort(ID).forever());
    let output = world.run(&["doctor", "--json"]).await.exits(1);
    only_trouble(&output, "members", "problem", &[NAME, "Project Settings"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_mparticle_out_of_reach_is_told() {
    let world = World::with(people(0, 5)).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let secret = format!("\"{}\"", sandbox::SECRET);
    let webhook = format!("\"http://127.0.0.1:{port}/v1/pdf/mixpanelcohorts/us1-planted-token\"");
    world.configure(&world.config(&secret, &webhook, ""));
    let output = world.run(&["doctor", "--json"]).await.exits(1);
    only_trouble(&output, "mparticle", "problem", &["connection was refused", "proxy"]);
    assert!(!output.out.contains("planted-token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mixpanel_out_of_reach_is_told_apart_from_one_that_refuses() {
    let world = World::new().await;
    // A port that was just free and has nobody behind it.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let secret = format!("\"{}\"", sandbox::SECRET);
    let config = world.config(&secret, &format!("\"{}\"", world.sandbox.webhook_url()), "");
    let base = format!("http://127.0.0.1:{port}");
    world.configure(&config.replacen(&world.sandbox.mixpanel_base_url(), &base, 1));
    let output = world.run(&["doctor", "--json"]).await.exits(1);
    only_trouble(&output, "mixpanel", "problem", &["connection was refused", &base, "curl -I"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_state_comes_with_the_way_on_and_stays_as_it_is() {
    let world = World::with(people(0, 20_000)).await;
    world.run(&["sync", NAME, "--recurring"]).await.exits(0);
    let (state, config) = (file(&world), world.path("config.toml"));
    let whole = std::fs::read(&state).unwrap();
    let program =
        format!("cohort-sync --config {} --state-dir {}", config.display(), world.state().display());
    // The header, the table of contents, and a stretch in the middle that holds whom mParticle holds.
    for (from, length, knows_syncs) in
        [(0, 16, false), (100, 900, false), (whole.len() / 3, whole.len() / 2, true)]
    {
        std::fs::write(&state, &whole).unwrap();
        let spoilt = spoil(&state, from, &vec![0x5a; length]);
        let output = world.run(&["doctor", "--json"]).await.exits(1);
        let aside = format!("mv {}", state.display());
        let cohort = if knows_syncs { "1000" } else { "COHORT" };
        let adopt = format!("{program} adopt {cohort} FILE");
        let said = [
            "is damaged",
            "1. Keep",
            &aside,
            "2. Either restore",
            "3. Or start anew",
            &adopt,
            "4. Or",
            "--attribute",
        ];
        only_trouble(&output, "state", "problem", &said);
        assert_eq!(std::fs::read(&state).unwrap(), spoilt, "the file is left as it was");
        let people_read = world.run(&["doctor"]).await.exits(1);
        assert!(people_read.out.contains("\n            1. Keep what is there"), "{}", people_read.out);
        if !knows_syncs {
            world.run(&["status"]).await.exits(1).complains(&["damaged", "cohort-sync doctor"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_lies_is_found_though_every_page_is_sound() {
    let world = World::with(people(0, 20_000)).await;
    world.export().await;
    let connection = rusqlite::Connection::open(file(&world)).unwrap();
    let spoilt =
        "UPDATE baseline SET chunk = zeroblob(length(chunk)) WHERE id = (SELECT max(id) FROM baseline)";
    assert_eq!(connection.execute(spoilt, []).unwrap(), 1);
    drop(connection);
    let output = world.run(&["doctor", "--json"]).await.exits(1);
    only_trouble(
        &output,
        "state",
        "problem",
        &["does not read back for \"Power users\"", "is not what was written"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_copy_is_offered_and_a_spoilt_one_is_not() {
    let world = World::with(people(0, 50)).await;
    world.export().await;
    let state = file(&world);
    let (sound, spoilt) =
        (world.state().join("cohort-sync.db.sound"), world.state().join("cohort-sync.db.spoilt"));
    std::fs::copy(&state, &sound).unwrap();
    spoil(&state, 0, b"garbage-garbage-");
    std::fs::copy(&state, &spoilt).unwrap();
    let restore = format!("cp -p {} {}", sound.display(), state.display());
    let output = world.run(&["doctor", "--json"]).await.exits(1);
    only_trouble(&output, "state", "problem", &["This one is sound", &restore]);
    let beside: Vec<_> =
        std::fs::read_dir(world.state()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(!beside.iter().any(|name| name.to_string_lossy().contains("sound-")), "{beside:?}");
    std::fs::remove_file(&sound).unwrap();
    let output = world.run(&["doctor", "--json"]).await.exits(1);
    only_trouble(&output, "state", "problem", &["spoilt is of no use", "cp -p COPY"]);
}

/// What the advice promises of a restored copy.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_copy_tells_again_what_it_misses() {
    let world = World::with(people(0, 100)).await;
    world.export().await;
    let copy = std::fs::read(file(&world)).unwrap();
    world.control.set_members(ID, people(10, 100));
    world.export().await;
    assert_eq!(world.delivered(NAME), keys(10, 100));
    std::fs::write(file(&world), copy).unwrap();
    world.control.set_members(ID, people(30, 90));
    world.export().await;
    assert_eq!(world.delivered(NAME), keys(30, 90));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_format_is_left_to_the_program_that_wrote_it() {
    let world = World::with(people(0, 5)).await;
    world.export().await;
    let connection = rusqlite::Connection::open(file(&world)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let output = world.run(&["doctor", "--json"]).await.exits(2);
    only_trouble(&output, "state", "problem", &["newer cohort-sync", "99", "Update this program"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_the_directory_is_named_and_not_disturbed() {
    let world = World::with(people(0, 3_000)).await;
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 30 }).forever());
    let writer = world.command(&["sync", NAME]).spawn().unwrap();
    world.feed_has_answered(1).await;
    let output = world.run(&["doctor", "--json"]).await.exits(0);
    let process = format!("process {}", writer.id().unwrap());
    let said = output.objects().into_iter().find(|finding| finding["check"] == "writer").unwrap();
    assert!(words(&said).contains(&process), "{said}");
    finish(writer).await.exits(0);
    assert_eq!(world.delivered(NAME), keys(0, 3_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_that_others_may_read_or_nobody_can_make_are_told() {
    let world = World::with(people(0, 5)).await;
    world.export().await;
    set_mode(&world.state(), 0o755);
    let output = world.run(&["doctor", "--json", "--read-only"]).await.exits(0);
    let state = world.state().display().to_string();
    only_trouble(&output, "directories", "warning", &["mode 0755", &format!("chmod 700 {state}")]);

    std::fs::remove_dir_all(world.state()).unwrap();
    std::fs::write(world.state(), "in the way").unwrap();
    let output = world.run(&["doctor", "--json"]).await.exits(2);
    assert!(
        trouble(&output)
            .iter()
            .any(|(check, _, said)| check == "directories" && said.contains("is no directory"))
    );
}
