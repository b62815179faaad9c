//! What `doctor` says of each thing that can be wrong, word for word as a person reads it. Whatever differs from run to
//! run (ports, paths, times) is replaced by its name, and what is in order is left out.

use crate::world::{ID, World, finish, people, set_mode};
use cohort_sync::sandbox::{CLIENT_SECRET, Effect, FEED_TOKEN, Fault, SECRET};
use cohort_sync::store::DATABASE_FILE;
use std::net::TcpListener;

/// An environment variable.
type Variable = (&'static str, String);

/// Runs `doctor` in a world where something was made wrong, and compares its words with those of before.
async fn golden(name: &str, spoil: impl AsyncFnOnce(&World) -> Vec<Variable>) {
    let world = World::with(people(0, 5)).await;
    configure(&world, |text| text);
    let variables = spoil(&world).await;
    let output = finish(world.command(&["doctor"]).envs(variables).spawn().unwrap()).await;
    assert!(output.err.is_empty(), "{output:#?}");
    for planted in [SECRET, CLIENT_SECRET, FEED_TOKEN] {
        assert!(!output.out.contains(planted), "{output:#?}");
    }
    let told = format!("{}\nexit {}", trouble(&output.out), output.code.unwrap());
    insta::with_settings!({
        prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "../snapshots"
    }, {
        insta::assert_snapshot!(format!("doctor_{name}"), named(&world, &told));
    });
}

/// Everything but what is in order.
fn trouble(out: &str) -> String {
    let mut is_well = false;
    let lines = out.lines().filter(|line| {
        if !line.starts_with(' ') {
            is_well = line.starts_with("ok ");
        }
        !is_well
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What differs from run to run by its name.
pub fn named(world: &World, text: &str) -> String {
    let home = world.home.path().canonicalize().unwrap().display().to_string();
    let mut text = text.replace(&home, "HOME").replace(&world.home.path().display().to_string(), "HOME");
    for (address, name) in [
        (world.sandbox.token_url(), "http://TOKEN/"),
        (world.sandbox.webhook_url(), "http://FEED/"),
        (world.sandbox.mixpanel_base_url(), "http://SANDBOX"),
    ] {
        text = text.replace(&address, name);
    }
    for (pattern, name) in [
        (r"127\.0\.0\.1:\d+", "ADDRESS"),
        (r"\d+ ms", "N ms"),
        (r"os error \d+", "os error N"),
        (r"process \d+", "process N"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?", "TIME"),
        (r"damaged-\d{8}-\d{6}", "damaged-TIME"),
    ] {
        text = regex::Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
    }
    text
}

/// The whole configuration, changed.
fn configure(world: &World, change: impl Fn(String) -> String) {
    let api = world.profile_api(&format!("\"{CLIENT_SECRET}\""));
    let webhook = format!("\"{}\"", world.sandbox.webhook_url());
    world.configure(&change(world.config(&format!("\"{SECRET}\""), &webhook, &api)));
}

/// The same with one piece of it replaced.
fn replaced(world: &World, from: &str, to: &str) {
    configure(world, |text| {
        assert!(text.contains(from), "no {from:?} in {text}");
        text.replacen(from, to, 1)
    });
}

fn status(code: u16, body: &str) -> Effect {
    Effect::Status { code, body: body.to_owned(), headers: Vec::new() }
}

/// An address behind which there is nobody.
fn nowhere() -> String {
    // The port was just free.
    format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

fn state_file(world: &World) -> std::path::PathBuf {
    world.state().join(DATABASE_FILE)
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_configuration() {
    golden("no_configuration", async |world| {
        std::fs::remove_file(world.path("config.toml")).unwrap();
        vec![]
    })
    .await;
    let quoted = format!("\"{SECRET}\"");
    for (name, from, to) in [
        ("not_toml", "[mixpanel]", "[mixpanel"),
        ("unknown_setting", "project_id", "projectid"),
        ("wrong_region", "[mixpanel]\n", "[mixpanel]\nregion = \"mars\"\n"),
        ("variable_not_set", quoted.as_str(), "{ env = \"NO_SUCH_VARIABLE\" }"),
        ("secret_file_missing", quoted.as_str(), "{ file = \"nowhere.txt\" }"),
        ("secret_command_missing", quoted.as_str(), "{ command = [\"no-such-program\"] }"),
        ("secret_command_fails", quoted.as_str(), "{ command = [\"false\"] }"),
        ("secret_empty", quoted.as_str(), "\"\""),
        ("delivery_unknown", "[mparticle]\n", "[mparticle]\ndelivery = \"pigeon\"\n"),
    ] {
        golden(name, async |world| {
            replaced(world, from, to);
            vec![]
        })
        .await;
    }
    golden("plain_http", async |world| {
        replaced(world, &world.sandbox.mixpanel_base_url(), "http://mixpanel.example.com");
        vec![]
    })
    .await;
    golden("webhook_is_no_url", async |world| {
        replaced(world, &world.sandbox.webhook_url(), "us1-0123456789abcdef");
        vec![]
    })
    .await;
    golden("configuration_open_to_others", async |world| {
        set_mode(&world.path("config.toml"), 0o644);
        vec![]
    })
    .await;
    golden("secret_file_open_to_others", async |world| {
        world.private_file("secret.txt", SECRET);
        set_mode(&world.path("secret.txt"), 0o640);
        replaced(world, &quoted, "{ file = \"secret.txt\" }");
        vec![]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_state() {
    golden("state_directory_open_to_others", async |world| {
        world.export().await;
        set_mode(&world.state(), 0o755);
        vec![]
    })
    .await;
    golden("state_directory_is_a_file", async |world| {
        std::fs::write(world.state(), "in the way").unwrap();
        vec![]
    })
    .await;
    golden("state_damaged", async |world| {
        world.export().await;
        let mut bytes = std::fs::read(state_file(world)).unwrap();
        bytes[..16].fill(0x5a);
        std::fs::write(state_file(world), bytes).unwrap();
        vec![]
    })
    .await;
    golden("state_of_a_newer_program", async |world| {
        world.export().await;
        let connection = rusqlite::Connection::open(state_file(world)).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        vec![]
    })
    .await;
    golden("names_that_look_alike", async |world| {
        world.export().await;
        world.add(ID + 1, "power  users", people(0, 3));
        world.run(&["cohorts"]).await.exits(0);
        vec![]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_network() {
    golden("proxy_is_no_address", async |_| vec![("HTTPS_PROXY", "proxy, please".to_owned())]).await;
    golden("certificates_missing", async |_| vec![("SSL_CERT_FILE", "/no/such/file.pem".to_owned())]).await;
    golden("mixpanel_out_of_reach", async |world| {
        replaced(world, &world.sandbox.mixpanel_base_url(), &nowhere());
        vec![]
    })
    .await;
    golden("feed_out_of_reach", async |world| {
        let path = world.sandbox.webhook_url().split("/v1").nth(1).unwrap().to_owned();
        replaced(world, &world.sandbox.webhook_url(), &format!("{}/v1{path}", nowhere()));
        vec![]
    })
    .await;
    golden("feed_of_another_shape", async |world| {
        let host = world.sandbox.webhook_url().split("/v1").next().unwrap().to_owned();
        replaced(world, &world.sandbox.webhook_url(), &format!("{host}/hook/somewhere"));
        vec![]
    })
    .await;
    golden("token_url_out_of_reach", async |world| {
        replaced(world, &world.sandbox.token_url(), &format!("{}/oauth/token", nowhere()));
        vec![]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_mixpanel() {
    for (name, effect) in [
        ("mixpanel_refuses_credentials", status(401, "{\"error\":\"invalid service account\"}")),
        ("mixpanel_refuses_with_a_400", status(400, "{\"error\":\"Unable to authenticate request\"}")),
        ("mixpanel_plan", status(402, "{\"error\":\"this feature requires a paid plan\"}")),
        ("mixpanel_role", status(403, "{\"error\":\"insufficient permission\"}")),
        ("mixpanel_no_such_project", status(404, "{\"error\":\"project not found\"}")),
        ("mixpanel_queries_spent", Effect::RetryAfterSeconds { seconds: 900 }),
        ("mixpanel_unwell", status(503, "")),
        ("mixpanel_captive_portal", Effect::Html { code: 200 }),
        ("mixpanel_cut_off", Effect::TruncatedBody),
        ("mixpanel_connection_cut", Effect::CutBeforeApply),
    ] {
        golden(name, async |world| {
            world.control.push_fault(Fault::mixpanel(effect).forever());
            vec![]
        })
        .await;
    }
    golden("mixpanel_role_may_list_and_not_read", async |world| {
        world.control.push_fault(Fault::mixpanel(status(403, "")).for_cohort(ID).forever());
        vec![]
    })
    .await;
    golden("mixpanel_has_no_cohort", async |world| {
        world.control.remove_cohort(ID);
        vec![]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_profile_api() {
    for (name, path, effect) in [
        ("profile_api_captive_portal", "oauth", Effect::Html { code: 200 }),
        ("profile_api_another_workspace", "userprofile", status(403, "")),
        ("profile_api_wrong_ids", "userprofile", status(400, "{\"message\":\"Invalid account\"}")),
        ("profile_api_token_refused", "userprofile", status(401, "")),
    ] {
        golden(name, async |world| {
            world.control.push_fault(Fault::profile_api(effect).at_path(path).forever());
            vec![]
        })
        .await;
    }
    golden("profile_api_wrong_secret", async |world| {
        world.control.set_client_secret("another");
        vec![]
    })
    .await;
}

/// With nothing wrong there is nothing to read but that.
#[tokio::test(flavor = "multi_thread")]
async fn no_fault() {
    golden("nothing_wrong", async |world| {
        world.export().await;
        vec![]
    })
    .await;
}
