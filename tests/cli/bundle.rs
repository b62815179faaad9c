//! The support bundle: whoever gets it learns what happened, and finds no credential and no user in any byte of it.

use crate::world::{NAME, World, mpid, people, set_mode};
use cohort_sync::sandbox::{self, CohortSeed, Effect, Fault, PersonSeed};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Ids of every kind; none is a word of this program.
const UNMATCHED: [&str; 8] = [
    "anna.planted@example.com",
    "9d35cd7f-3f06-4549-91bf-198ee58bb58a",
    "$device:18a2b3c4-planted",
    "planted-user-0001",
    "Planted \"Quotes\" & <Tags>",
    "plänted ümläut",
    "zqxj",
    "4711",
];

/// Every file of an archive, by its name without the folder.
fn unpack(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let file = std::fs::File::open(archive).unwrap();
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(GzDecoder::new(file)).entries().unwrap() {
        let mut entry = entry.unwrap();
        assert_eq!(entry.header().mode().unwrap() & 0o777, 0o600);
        let path = entry.path().unwrap().display().to_string();
        let (folder, name) = path.split_once('/').unwrap();
        assert!(folder.starts_with("cohort-sync-support-20"), "{path}");
        let name = name.to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(name, content);
    }
    files
}

/// What people wrote about their cohort.
const DESCRIPTION: &str = "for the board alone";

/// What must be in no byte of a bundle, in any spelling that something here may repeat it in.
fn planted() -> Vec<String> {
    let mut planted: Vec<String> =
        UNMATCHED.iter().map(|id| (*id).to_owned()).filter(|id| id != "4711").collect();
    planted.extend((1..6).map(|n| mpid(n).to_string()));
    planted.extend((1..6).map(|n| format!("user-{n}\"")));
    planted.push(DESCRIPTION.to_owned());
    planted.extend([sandbox::SECRET.to_owned(), sandbox::FEED_TOKEN.to_owned()]);
    planted.extend(
        [
            "Planted \\\"Quotes\\\"",
            "Planted%20",
            "Planted &quot;",
            "pl\\u00e4nted",
            "pl\\u{e4}nted",
            "\\\"4711",
        ]
        .map(str::to_owned),
    );
    planted
}

fn telling(files: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let holds = |content: &[u8], text: &str| {
        let content = content.to_ascii_lowercase();
        let text = text.to_ascii_lowercase();
        content.windows(text.len()).any(|window| window == text.as_bytes())
    };
    let mut found = Vec::new();
    for text in planted() {
        for (name, content) in
            files.iter().filter(|(name, content)| holds(content, &text) || holds(name.as_bytes(), &text))
        {
            found.push(format!("{text} in {name}: {}", String::from_utf8_lossy(content)));
        }
    }
    found
}

/// A feed that repeats whom it was told of, and everything else it was sent, in answers good and bad.
async fn go_through_a_lot(world: &World) {
    let told: Vec<String> =
        UNMATCHED.iter().map(|id| (*id).to_owned()).chain((1..6).map(|n| mpid(n).to_string())).collect();
    let in_json = Value::from(told.clone()).to_string();
    let bodies = [
        format!("unknown users: {}", told.join(", ")),
        format!("{{\"errors\":[{{\"code\":\"BAD\",\"message\":{}}}]}}", Value::from(told.join("; "))),
        format!("{{\"unknown\":{in_json},\"mpid\":{},\"customer_id\":\"4711\"}}", mpid(1)),
        format!(
            "<html><title>no {} here</title>",
            told[4].replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
        ),
        format!(
            "{} Authorization {} and {}",
            told[0].to_uppercase(),
            sandbox::SECRET,
            world.sandbox.webhook_url()
        ),
        // Cut off by whoever keeps the beginning of an answer, in the middle of an id.
        format!("{}{}", "x ".repeat(1_993), told[0]),
    ];
    for (round, body) in (0..).zip(&bodies) {
        for code in if round == 0 { &[400, 500, 202][..] } else { &[400, 202] } {
            let code = *code;
            let effect = Effect::Status { code, body: body.clone(), headers: vec![] };
            world.control.push_fault(Fault::mparticle(effect));
            let mut members: Vec<PersonSeed> = UNMATCHED.map(PersonSeed::unmatched).into();
            members.extend(people(1, 5));
            members.extend(people(100 + round * 10, 4));
            world.control.set_members(1000, members);
            let mut command = world.command(&["sync", NAME, "--full", "--yes", "--log-level", "debug"]);
            let output = command.output().await.unwrap();
            assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
            world.control.clear_faults();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_tells_what_happened_and_no_byte_of_it_a_secret_or_a_user() {
    let world = World::new().await;
    world.control.add_cohort(CohortSeed {
        id: 1000,
        name: NAME.to_owned(),
        description: format!("Ask \"Ann\": {DESCRIPTION}"),
        members: people(1, 5),
        ..CohortSeed::default()
    });
    go_through_a_lot(&world).await;
    nothing_is_told(&world).await;
    enough_is_told(&world).await;
}

async fn nothing_is_told(world: &World) {
    // What is looked for is there before it is taken out.
    let journal = world.run(&["requests", "--side", "mparticle", "--format", "csv"]).await.exits(0);
    for id in ["anna.planted@example.com", "zqxj", "$device:18a2b3c4-planted"] {
        assert!(journal.out.contains(id), "{id} is not in the journal, so its absence would prove nothing");
    }
    let list = world.run(&["requests", "--side", "mixpanel", "--format", "csv"]).await.exits(0);
    assert!(list.out.contains(DESCRIPTION), "the description is not in the journal either");
    let output = world.run(&["support-bundle", "-o", "help.tar.gz", "--json"]).await.exits(0);
    let archive = world.path("help.tar.gz");
    let object = output.object();
    assert_eq!(object["bytes"].as_u64().unwrap(), std::fs::metadata(&archive).unwrap().len());
    assert_eq!(std::fs::metadata(&archive).unwrap().permissions().mode() & 0o777, 0o600);
    let files = unpack(&archive);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let all = [
        "README.txt",
        "cohorts.jsonl",
        "configuration.txt",
        "counts.jsonl",
        "log/cohort-sync.log",
        "program.json",
        "requests.jsonl",
        "runs.jsonl",
    ];
    assert_eq!(names, all);
    let listed = object["entries"].as_array().unwrap().iter();
    assert_eq!(
        listed.map(|entry| entry["name"].as_str().unwrap()).collect::<std::collections::BTreeSet<_>>(),
        all.into()
    );
    let found = telling(&files);
    assert!(found.is_empty(), "{found:#?}");
    let home = world.home.path().display().to_string();
    assert!(!String::from_utf8_lossy(&files["configuration.txt"]).contains(&home));
}

/// What a vendor needs, and one word for one user throughout.
async fn enough_is_told(world: &World) {
    let text =
        |files: &BTreeMap<String, Vec<u8>>, name: &str| String::from_utf8(files[name].clone()).unwrap();
    world.run(&["support-bundle", "-o", "one.tar.gz"]).await.exits(0);
    world.run(&["support-bundle", "-o", "two.tar.gz"]).await.exits(0);
    let (one, two) = (unpack(&world.path("one.tar.gz")), unpack(&world.path("two.tar.gz")));
    let words = |files: &BTreeMap<String, Vec<u8>>, name: &str| -> BTreeMap<String, usize> {
        let mut words = BTreeMap::new();
        for part in text(files, name).split("id~").skip(1) {
            *words.entry(part[..16].to_owned()).or_default() += 1;
        }
        words
    };
    let in_requests = words(&one, "requests.jsonl");
    let most = in_requests.iter().max_by_key(|(_, times)| **times).unwrap();
    assert!(*most.1 > 6, "the same user bears the same word: {in_requests:?}");
    assert!(
        words(&one, "log/cohort-sync.log").keys().any(|word| in_requests.contains_key(word)),
        "across files"
    );
    let again = words(&two, "requests.jsonl");
    assert!(in_requests.keys().all(|word| !again.contains_key(word)), "and another in another bundle");

    let requests: Vec<Value> =
        text(&one, "requests.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(requests.iter().any(|request| request["status"] == 400
        && request["answer"].as_str().unwrap().contains("unknown users: id~")));
    let runs: Vec<Value> =
        text(&one, "runs.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(runs.len(), 13);
    assert!(runs.iter().all(|run| run["counts"]["fetched"] == 17 && run["phases"].is_array()), "{runs:?}");
    let configuration = text(&one, "configuration.txt");
    assert!(
        configuration.contains("mixpanel.secret = •••")
            && configuration.contains("mparticle.environment = \"production\"")
    );
    let counts: Value = serde_json::from_str(&text(&one, "counts.jsonl")).unwrap();
    assert_eq!(counts["fetched"], 17);
    let log = text(&one, "log/cohort-sync.log");
    assert!(log.contains("Power users: run begins") && log.contains("splitting a refused request"), "{log}");
    let readme = text(&one, "README.txt");
    assert!(readme.contains("Left out:") && readme.contains("log/cohort-sync.log"), "{readme}");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_about_a_run_whose_users_are_forgotten_are_left_out() {
    let world = World::with(people(0, 1)).await;
    let body = "no such user planted-and-forgotten here".to_owned();
    world.control.push_fault(Fault::mparticle(Effect::Status { code: 202, body, headers: vec![] }));
    for round in 0..23 {
        world.control.set_members(1000, people(0, 1 + round));
        world.export().await;
    }
    world.run(&["support-bundle", "-o", "help.tar.gz"]).await.exits(0);
    let files = unpack(&world.path("help.tar.gz"));
    let requests = String::from_utf8(files["requests.jsonl"].clone()).unwrap();
    assert!(
        !requests.contains("planted-and-forgotten") && requests.contains("left out: the changes of this run"),
        "{requests}"
    );
    let log = String::from_utf8(files["log/cohort-sync.log"].clone()).unwrap();
    assert!(log.contains("left out: the changes of this run"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_there_stays_and_what_is_inside_is_said() {
    let world = World::with(people(0, 3)).await;
    // Without a state or a log there is still something to hand on.
    let output = world.run(&["support-bundle"]).await.exits(0);
    let name = output.out.split_whitespace().nth(1).unwrap().trim_end_matches(',').to_owned();
    assert!(name.starts_with("cohort-sync-support-") && world.path(&name).exists(), "{output:#?}");
    for said in ["Inside:", "README.txt", "configuration.txt", "Left out:", "credentials", "Look through it"]
    {
        assert!(output.out.contains(said), "no {said:?} in {output:#?}");
    }
    std::fs::write(world.path("mine.tar.gz"), "mine").unwrap();
    let output = world.run(&["support-bundle", "-o", "mine.tar.gz"]).await.exits(2);
    output.complains(&["mine.tar.gz is there already and stays as it is"]);
    assert_eq!(std::fs::read_to_string(world.path("mine.tar.gz")).unwrap(), "mine");
    let absent = world.run(&["support-bundle", "-o", "absent/help.tar.gz"]).await.exits(1);
    absent.complains(&["cannot be written to absent/help.tar.gz"]);
    std::fs::create_dir(world.path("closed")).unwrap();
    set_mode(&world.path("closed"), 0o700);
    world.configure("this is no TOML");
    let output = world.run(&["support-bundle", "-o", "closed/help.tar.gz"]).await.exits(0);
    assert!(output.err.is_empty(), "{output:#?}");
    let files = unpack(&world.path("closed/help.tar.gz"));
    assert!(String::from_utf8_lossy(&files["configuration.txt"]).starts_with("# It cannot be read: "));
}
