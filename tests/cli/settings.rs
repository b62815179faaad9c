//! `config set`, `unset` and `check` with the real binary: what they print, how they end, and what stands in the file.

use crate::world::World;
use cohort_sync::sandbox::SECRET;

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_changed_checked_and_taken_back() {
    let world = World::new().await;
    let before = world.text("config.toml");
    let output = world.run(&["config", "set", "sync.interval", "1h"]).await.exits(0);
    assert!(output.out.starts_with("sync.interval = \"1h\"  # "), "{output:?}");
    assert!(output.out.ends_with("(was \"15m\")\n"), "{output:?}");
    assert!(world.text("config.toml").starts_with(&before));
    let checked = world.run(&["config", "check"]).await.exits(0);
    assert!(checked.out.contains("config.toml is valid (profile default)."), "{checked:?}");
    let object = world.run(&["--json", "config", "unset", "sync.interval"]).await.exits(0).object();
    assert_eq!(
        (&object["value"], &object["was"], &object["origin"]),
        (&"\"15m\"".into(), &"\"1h\"".into(), &"default".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_the_file_and_says_what_would_do() {
    let world = World::new().await;
    let before = world.text("config.toml");
    for (words, said) in [
        (["set", "sync.intervall", "1h"], "did you mean sync.interval?"),
        (["set", "sync.interval", "soon"], "must be a duration such as"),
        (["set", "mixpanel.secret", "hunter2-hunter2"], "stays in the shell's history"),
        (["set", "keys.qiut", "x"], "quit"),
        (["set", "keys.quit", "ctrl-"], "ctrl-"),
    ] {
        let output = world.run(&["config", words[0], words[1], words[2]]).await.exits(2).complains(&[said]);
        assert!(!output.err.contains("hunter2"), "{output:?}");
    }
    world.run(&["config", "unset", "ui.theme"]).await.exits(2).complains(&["does not stand in", "default"]);
    assert_eq!(world.text("config.toml"), before);
    world.configure(&format!("{before}\n[keys]\nqiut = \"x\"\n"));
    world.run(&["config", "check"]).await.exits(2).complains(&["qiut"]);
    world.configure("[mixpanel]\nproject_id = 1\n");
    world.run(&["config", "check"]).await.exits(2).complains(&["mixpanel.secret is missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_comes_in_on_standard_input_and_is_never_shown() {
    let world = World::new().await;
    let output =
        world.run_with(&["config", "set", "mixpanel.secret", "-"], "pl4nted-fresh-one\n").await.exits(0);
    assert!(output.out.starts_with("mixpanel.secret = •••"), "{output:?}");
    assert!(!format!("{output:?}").contains("pl4nted"), "{output:?}");
    let text = world.text("config.toml");
    assert!(text.contains("pl4nted-fresh-one") && !text.contains(SECRET), "{text}");
    let place = "{ env = \"THEIR_SECRET\" }\n";
    world.run_with(&["config", "set", "mixpanel.secret", "-"], place).await.exits(0);
    assert!(world.text("config.toml").contains("secret = { env = \"THEIR_SECRET\" }"));
}

/// On a server without a keyring everything else works, and what needs one says what to do instead.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_that_is_absent_is_named_and_hurts_nothing_else() {
    use crate::world::finish;
    let world = World::new().await;
    let before = world.text("config.toml");
    let without = |words: &[&str]| {
        let mut command = world.command(words);
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        command
    };
    let mut set = without(&["config", "set", "mixpanel.secret", "-", "--keyring"]);
    let mut child = set.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut input, b"pl4nted-fresh\n").await.unwrap();
    drop(input);
    let said = ["no keyring can be reached here", "{ env = \"NAME\" }"];
    let output = finish(child).await.exits(2).complains(&said);
    assert!(!format!("{output:?}").contains("pl4nted"), "{output:?}");
    assert_eq!(world.text("config.toml"), before);
    finish(without(&["cohorts"]).spawn().unwrap()).await.exits(0);

    world.configure(&before.replace(&format!("\"{SECRET}\""), "{ keyring = \"mixpanel.secret\" }"));
    let said = ["mixpanel.secret cannot be had", "no keyring can be reached here"];
    finish(without(&["cohorts"]).spawn().unwrap()).await.exits(2).complains(&said);
    finish(without(&["config", "show"]).spawn().unwrap()).await.exits(0);
    let shown = world.run(&["config", "show"]).await.exits(0);
    assert!(shown.out.contains("mixpanel.secret = •••  # keyring mixpanel.secret, "), "{shown:?}");
}
