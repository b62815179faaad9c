//! A credential appears in nothing but the configuration or its own file: not on screen, not in the log, not in
//! the state, whatever goes wrong.

use crate::world::{NAME, World, finish, people};
use cohort_sync::sandbox::{Effect, FEED_TOKEN, Fault, SERVICE_ACCOUNT};
use std::io::Read;
use std::path::{Path, PathBuf};

const SECRET: &str = "pl4nted-s3cret-Zq7";

/// The secret of the client that may ask the Profile API; it looks different inside JSON.
const CLIENT_SECRET: &str = "pl4nted-cl1ent-\\Xw3";

/// How every token begins that the sandbox gives.
const ACCESS_TOKEN: &str = "sandbox-token-";

/// base64 of `user:secret`, worked out here so that the program's own encoder is not asked about itself.
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let word = chunk.iter().fold(0_usize, |word, byte| word << 8 | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            encoded.push(char::from(DIGITS[word >> (18 - 6 * digit) & 63]));
        }
    }
    encoded
}

fn files_below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

/// What a file says; an archive is unpacked, or a search of it would prove nothing.
fn content(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|extension| extension != "gz") {
        return bytes;
    }
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert!(unpacked.len() > bytes.len(), "{} holds something", path.display());
    unpacked
}

/// Every file that holds one of the planted texts.
fn telling(world: &World) -> Vec<String> {
    let mut files = Vec::new();
    files_below(world.home.path(), &mut files);
    let tells = |path: &PathBuf| {
        let bytes = content(path);
        planted().iter().any(|text| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    };
    let mut names: Vec<String> = files
        .iter()
        .filter(|path| tells(path))
        .map(|path| path.strip_prefix(world.home.path()).unwrap().display().to_string())
        .collect();
    names.sort();
    names
}

fn planted() -> Vec<String> {
    let whole = base64(&format!("{SERVICE_ACCOUNT}:{SECRET}"));
    // Without its last digits, which depend on what follows.
    let client_secret = [CLIENT_SECRET.to_owned(), CLIENT_SECRET.replace('\\', "\\\\")];
    let others = [SECRET, FEED_TOKEN, ACCESS_TOKEN].map(str::to_owned);
    others.into_iter().chain(client_secret).chain([whole[..whole.len() - 4].to_owned()]).collect()
}

/// Runs commands that succeed and commands that fail, everything logged.
async fn go_through_a_lot(world: &World, variables: &[(&str, String)]) {
    // A debugging proxy or a careless error page repeats what it was sent, header and URL included.
    let repeats = |code, what: &str| Effect::Status { code, body: format!("no: {what}"), headers: vec![] };
    let header = base64(&format!("{SERVICE_ACCOUNT}:{SECRET}"));
    let webhook = world.sandbox.webhook_url();
    let client_echo = format!("{{\"client_secret\":{}}}", serde_json::Value::from(CLIENT_SECRET));
    let faults = [
        None,
        Some(Fault::mixpanel(repeats(401, &format!("{SECRET}, Authorization: Basic {header}"))).forever()),
        Some(Fault::mixpanel(repeats(200, &format!("{SECRET}, Authorization: Basic {header}"))).times(3)),
        Some(Fault::mparticle(repeats(401, &webhook)).forever()),
        Some(Fault::mparticle(repeats(400, &webhook)).forever()),
        Some(
            Fault::mparticle(repeats(
                400,
                &format!("{{\"errors\":[{{\"code\":\"X\",\"message\":\"{webhook}\"}}]}}"),
            ))
            .forever(),
        ),
        Some(Fault::mparticle(Effect::CutAfterApply)),
        Some(Fault::profile_api(repeats(401, CLIENT_SECRET)).at_path("oauth").forever()),
        Some(Fault::profile_api(repeats(400, &client_echo)).at_path("oauth").forever()),
        Some(Fault::profile_api(repeats(200, &client_echo)).at_path("oauth").forever()),
        Some(Fault::profile_api(repeats(403, "no")).at_path("userprofile").forever()),
        Some(Fault::profile_api(Effect::Html { code: 200 }).at_path("userprofile").forever()),
    ];
    let commands: [&[&str]; 16] = [
        &["cohorts"],
        &["sync", NAME, "--recurring"],
        &["status", "--json"],
        &["runs"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["doctor"],
        &["sync", "zzz"],
        &["changes", "1", "--json"],
        &["verify", NAME, "--sample", "3"],
        &["verify", NAME, "--full", "--repair", "--json"],
        &["user", "user-4", "--json"],
        &["probe", "user-4"],
        &["requests", "--json"],
        &["unmatched", NAME, "--format", "csv", "-o", "unmatched.csv"],
        &["support-bundle", "--json"],
    ];
    let mut round = 0;
    for fault in faults {
        if let Some(fault) = fault {
            world.control.push_fault(fault);
        }
        round += 3;
        world.control.set_members(1000, people(round, 3));
        for words in commands {
            let mut command = world.command(words);
            command.args(["--log-level", "debug"]).envs(variables.iter().map(|(name, value)| (name, value)));
            let output = finish(command.spawn().unwrap()).await;
            for text in planted() {
                assert!(!output.out.contains(&text) && !output.err.contains(&text), "{words:?}: {output:?}");
            }
            assert!(!output.err.contains("panicked"), "{output:?}");
        }
        world.control.clear_faults();
    }
    let here = std::fs::read_dir(world.home.path()).unwrap();
    let bundles =
        here.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|it| it == "gz"));
    assert!(bundles.count() > 0, "a bundle was written each time");
    let mut logs = Vec::new();
    files_below(&world.state().join("log"), &mut logs);
    let logged: u64 = logs.iter().map(|log| std::fs::metadata(log).unwrap().len()).sum();
    assert!(logged > 500, "a log without lines would prove nothing");
}

async fn world() -> World {
    let world = World::with(people(0, 3)).await;
    world.control.set_secret(SECRET);
    world.control.set_client_secret(CLIENT_SECRET);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn inline() {
    let world = world().await;
    let webhook = world.sandbox.webhook_url();
    let api = world.profile_api(&format!("'{CLIENT_SECRET}'"));
    world.configure(&world.config(&format!("\"{SECRET}\""), &format!("\"{webhook}\""), &api));
    go_through_a_lot(&world, &[]).await;
    assert_eq!(telling(&world), ["config.toml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_environment() {
    let world = world().await;
    let api = world.profile_api("{ env = \"A_CLIENT_SECRET\" }");
    world.configure(&world.config("{ env = \"A_SECRET\" }", "{ env = \"A_URL\" }", &api));
    let variables = [
        ("A_SECRET", SECRET.to_owned()),
        ("A_URL", world.sandbox.webhook_url()),
        ("A_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
    ];
    go_through_a_lot(&world, &variables).await;
    assert_eq!(telling(&world), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn from_files_and_commands() {
    let world = world().await;
    world.private_file("secret.txt", SECRET);
    world.private_file("url.txt", &world.sandbox.webhook_url());
    world.private_file("client.txt", CLIENT_SECRET);
    let api = world.profile_api("{ file = \"client.txt\" }");
    let command = "{ command = [\"cat\", \"url.txt\"] }";
    world.configure(&world.config("{ file = \"secret.txt\" }", command, &api));
    go_through_a_lot(&world, &[]).await;
    assert_eq!(telling(&world), ["client.txt", "secret.txt", "url.txt"]);
}
