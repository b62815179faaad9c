//! Bad input: whatever is wrong, a message names the thing and the remedy, the exit code says whose turn it
//! is, nothing is half-written and nothing panics.

use crate::world::{NAME, World, people, set_mode};
use cohort_sync::sandbox::{Effect, Fault, SECRET};

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_make_no_sense_are_named_with_their_line() {
    let world = World::new().await;
    let good = world.config(&format!("\"{SECRET}\""), &format!("\"{}\"", world.sandbox.webhook_url()), "");
    let base = world.sandbox.mixpanel_base_url();
    for (from, to, said) in [
        ("project_id = ", "projct_id = ", ["config.toml:3", "mixpanel.projct_id", "mixpanel.project_id"]),
        (
            "secret = ",
            "# secret = ",
            ["mixpanel.secret is missing", "COHORT_SYNC_MIXPANEL_SECRET", "config.toml"],
        ),
        ("webhook_url = ", "# webhook_url = ", ["mparticle.webhook_url is missing", "[mparticle]", "set "]),
        (
            "[mparticle]",
            "region = \"eu1\"\n[mparticle]",
            ["config.toml:7", "mixpanel.region", "us, eu or in"],
        ),
        (base.as_str(), "http://mixpanel.example", ["config.toml:2", "mixpanel.base_url", "https"]),
        ("= \"http://127", "= \"http://feeds.example/", ["mixpanel.base_url", "https", "config.toml"]),
        (base.as_str(), "mixpanel.com", ["mixpanel.base_url", "config.toml:2", "https://"]),
        (SECRET, "", ["mixpanel.secret", "empty", "env"]),
        ("[mixpanel]", "[mixpanel", ["config.toml:1", "correct the line", "config.toml"]),
        (
            "[mparticle]",
            "[mparticle]\nenvironment = \"prod\"",
            ["mparticle.environment", "production", "\"prod\""],
        ),
    ] {
        world.configure(&good.replacen(from, to, 1));
        let output = world.run(&["sync", NAME]).await.exits(2).complains(&said);
        assert_eq!(output.out, "");
        assert!(!world.state().exists(), "{from} → {to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_configuration_at_all_is_a_beginning() {
    let world = World::new().await;
    std::fs::remove_file(world.path("config.toml")).unwrap();
    let said = ["config.toml does not exist", "cohort-sync config init", "--demo"];
    world.run(&["cohorts"]).await.exits(2).complains(&said);
    world.run(&["sync", NAME]).await.exits(2).complains(&said);
    assert!(!world.state().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_others_may_read_are_refused() {
    let world = World::with(people(0, 3)).await;
    set_mode(&world.path("config.toml"), 0o644);
    let output = world.run(&["cohorts"]).await.exits(2);
    let output = output.complains(&["mixpanel.secret", "mparticle.webhook_url", "0644", "chmod 600"]);
    assert!(!output.err.contains(SECRET));

    let webhook = format!("\"{}\"", world.sandbox.webhook_url());
    let file = world.private_file("secret", &format!("{SECRET}\n"));
    world.configure(&world.config("{ file = \"secret\" }", &webhook, ""));
    world.run(&["cohorts"]).await.exits(0);
    set_mode(&file, 0o640);
    world.run(&["cohorts"]).await.exits(2).complains(&["mixpanel.secret", "0640", "chmod 600", "secret"]);
    world.private_file("secret", "\n");
    world.run(&["cohorts"]).await.exits(2).complains(&["mixpanel.secret", "is empty"]);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    set_mode(&file, 0o700);
    world.run(&["cohorts"]).await.exits(2).complains(&["mixpanel.secret", "cannot read", "directory"]);
    std::fs::remove_dir(&file).unwrap();
    let path = file.display().to_string();
    world.run(&["cohorts"]).await.exits(2).complains(&[
        "mixpanel.secret",
        "cannot read",
        &path,
        "No such file",
    ]);

    for (source, said) in [
        ("{ env = \"NOT_THERE\" }", ["NOT_THERE", "not set", "export"]),
        ("{ command = [\"no-such-program\"] }", ["no-such-program", "installed", "PATH"]),
        ("{ command = [\"false\"] }", ["`false`", "exit status: 1", "by hand"]),
        ("{ command = [\"true\"] }", ["`true`", "printed no credential", "UTF-8"]),
    ] {
        world.configure(&world.config(source, &webhook, ""));
        world.run(&["cohorts"]).await.exits(2).complains(&said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_mean_nothing_are_usage_errors() {
    let world = World::with(people(0, 3)).await;
    world.add(5, "Twins", people(0, 1));
    world.add(6, "Twins", people(1, 1));
    for (words, said) in [
        (["sync", "Power user"].as_slice(), ["\"Power user\"", "did you mean \"Power users\" (1000)?"]),
        (&["sync", "zzz"], ["no cohort \"zzz\"", "cohort-sync cohorts"]),
        (&["sync", "99999999999999999999999"], ["99999999999999999999999", "cohort-sync cohorts"]),
        (&["sync", NAME, "zzz"], ["no cohort \"zzz\"", "cohort-sync cohorts"]),
        (&["sync", "Twins"], ["2 cohorts", "5, 6"]),
        (&["sync"], ["COHORT", "Usage"]),
        (&["sync", NAME, "Twins", "--attribute", "a"], ["--attribute", "one COHORT"]),
        (&["changes", "77"], ["no run 77", "cohort-sync runs"]),
        (&["changes", "x"], ["'x'", "RUN"]),
        (&["status", "zzz"], ["no cohort \"zzz\"", "cohort-sync cohorts"]),
        (&["cohorts", "--format", "xml"], ["xml", "csv"]),
        (&["cohorts", "--json", "--format", "csv"], ["--json", "--format"]),
        (&["counts", NAME], ["never read", "--dry-run"]),
        (&["unmatched", NAME], ["never read", "--dry-run"]),
        (&["--demo", "cohorts"], ["--demo", "sandbox"]),
        (&["--profile", "no/good", "cohorts"], ["no/good", "letters"]),
    ] {
        let output = world.run(words).await.exits(2).complains(&said);
        assert_eq!(output.out, "", "{words:?}");
    }
    assert_eq!(world.control.feed_requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_cannot_be_made_is_named() {
    let world = World::with(people(0, 3)).await;
    std::fs::write(world.state(), "in the way").unwrap();
    let path = world.state().display().to_string();
    for words in [["sync", NAME].as_slice(), &["cohorts"], &["run"]] {
        world.run(words).await.exits(2).complains(&[&path, "--state-dir"]);
    }
    assert_eq!(std::fs::read_to_string(world.state()).unwrap(), "in the way");
    std::fs::remove_file(world.state()).unwrap();
    std::fs::create_dir(world.state()).unwrap();
    std::fs::write(world.state().join("cohort-sync.db"), "this is no database, whatever its name says")
        .unwrap();
    world.run(&["sync", NAME]).await.complains(&["state file", "damaged"]).exits(1);
    let kept = std::fs::read_to_string(world.state().join("cohort-sync.db")).unwrap();
    assert!(kept.starts_with("this is no database"), "never a silent start from scratch");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_answers_instead_is_said() {
    for (effect, said) in [
        (Effect::Html { code: 200 }, ["Mixpanel", "HTML"]),
        (Effect::Status { code: 200, body: "{\"a\":".into(), headers: vec![] }, ["Mixpanel", "JSON"]),
        (Effect::Status { code: 200, body: "[{\"id\": true}".into(), headers: vec![] }, ["Mixpanel", "JSON"]),
    ] {
        let world = World::with(people(0, 3)).await;
        world.control.push_fault(Fault::mixpanel(effect).forever());
        let output = world.run(&["sync", NAME]).await.exits(1).complains(&said);
        assert_eq!(output.out, "");
        world.run(&["cohorts"]).await.exits(1).complains(&said);
        assert_eq!(world.control.feed_requests().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_the_address_is_said() {
    let world = World::with(people(0, 3)).await;
    // A port that was free a moment ago and that nobody listens on.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let good = std::fs::read_to_string(world.path("config.toml")).unwrap();
    world.configure(&good.replacen(&world.sandbox.mixpanel_base_url(), &closed, 1));
    world.run(&["cohorts"]).await.exits(1).complains(&["127.0.0.1", "refused"]);
}
