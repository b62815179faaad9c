//! Credentials: where they may come from, what is refused, and that they turn up nowhere.

use super::{PLANTED, TOKEN_URL, WORKING, Written, request, set_mode};
use cohort_sync::config::keep::{Kept, keep, keyring_name};
use cohort_sync::config::{Environment, Masks, Secret};

#[cfg(unix)]
#[test]
fn credentials_in_plain_text_need_a_private_file() {
    let text = WORKING.replace("{ env = \"MIXPANEL_SECRET\" }", &format!("\"{PLANTED}\""));
    let written = Written::new(&text);
    assert_eq!(written.config("default", &[]).unwrap().mixpanel.secret.expose(), PLANTED);
    for mode in [0o644, 0o640, 0o604] {
        set_mode(&written.path(), mode);
        assert_eq!(
            written.message(&[]),
            format!(
                "FILE:6: mixpanel.secret is a credential in plain text, but others may read the file (mode {mode:04o}); run `chmod 600 FILE`, or write {{ env = \"NAME\" }} instead"
            )
        );
    }
    // Credentials that stand elsewhere make no demand on the file.
    let elsewhere = Written::new(WORKING);
    set_mode(&elsewhere.path(), 0o644);
    assert!(elsewhere.config("default", &[]).is_ok());
}

#[cfg(unix)]
#[test]
fn a_command_is_not_taken_from_a_file_that_others_may_change() {
    let text = WORKING
        .replace("{ env = \"MIXPANEL_SECRET\" }", &format!("{{ command = [\"echo\", \"{PLANTED}\"] }}"));
    let written = Written::new(&text);
    assert_eq!(written.config("default", &[]).unwrap().mixpanel.secret.expose(), PLANTED);
    set_mode(&written.path(), 0o622);
    assert_eq!(
        written.message(&[]),
        "FILE:6: mixpanel.secret names a command to run, but others may change the file (mode 0622); run `chmod 600 FILE`"
    );
}

#[cfg(unix)]
#[test]
fn credentials_that_cannot_be_had_are_told_with_the_remedy() {
    let cases = [
        (
            "{ env = \"ABSENT\" }",
            "cannot be had: the environment variable ABSENT is not set or empty; set it, e.g. `export ABSENT=…`",
        ),
        ("\"\"", "cannot be had: it is empty; write the credential, or where to find it: { env = \"NAME\" }"),
        (
            "{ file = \"absent\" }",
            "cannot be had: cannot read DIR/absent; check the path and who owns the file (No such file or directory (os error 2))",
        ),
        (
            "{ file = \"open\" }",
            "cannot be had: others may read DIR/open (mode 0644); run `chmod 600 DIR/open`",
        ),
        ("{ file = \"empty\" }", "cannot be had: DIR/empty is empty; write the credential into it"),
        (
            "{ command = [\"sh\", \"-c\", \"echo pl4nted-secret-0123456789; exit 1\"] }",
            "cannot be had: `sh` ended with exit status: 1; run it by hand to see why",
        ),
        (
            "{ command = [\"true\"] }",
            "cannot be had: `true` printed no credential; it must print one short text in UTF-8",
        ),
    ];
    for (source, message) in cases {
        let written = Written::new(&WORKING.replace("{ env = \"MIXPANEL_SECRET\" }", source));
        let directory = written.directory.path();
        for (name, text, mode) in [("open", PLANTED, 0o644), ("empty", "\n", 0o600)] {
            std::fs::write(directory.join(name), text).unwrap();
            set_mode(&directory.join(name), mode);
        }
        let told = written.message(&[]).replace(&directory.display().to_string(), "DIR");
        assert_eq!(told, format!("FILE:6: mixpanel.secret {message}"));
    }
}

#[cfg(unix)]
#[test]
fn a_secret_file_is_found_beside_the_configuration() {
    let written = Written::new(&WORKING.replace("{ env = \"MIXPANEL_SECRET\" }", "{ file = \"secret\" }"));
    let secret = written.directory.path().join("secret");
    std::fs::write(&secret, format!("{PLANTED}\n")).unwrap();
    set_mode(&secret, 0o600);
    assert_eq!(written.config("default", &[]).unwrap().mixpanel.secret.expose(), PLANTED);
}

#[test]
fn a_webhook_url_that_cannot_be_used_is_not_repeated() {
    let written = Written::new(WORKING);
    let message = |url: &str| written.message(&[("MPARTICLE_WEBHOOK_URL", url)]);
    assert!(message("http://host/v1/0123456789abcdef").ends_with("localhost) only"));
    assert!(message("https://inbound.mparticle.com/").contains("has no token"));
    assert!(message("us1-0123456789abcdef").contains("is not a URL"));
    let config =
        written.config("default", &[("MPARTICLE_WEBHOOK_URL", "https://proxy.example/x/us1-abc")]).unwrap();
    assert_eq!(
        config.warnings,
        ["mparticle.webhook_url is unlike a feed of mParticle: its host is not inbound.mparticle.com"]
    );
}

#[test]
fn credentials_are_in_no_debug_output_and_in_the_masks() {
    let config = Written::new(WORKING).config("default", &[]).unwrap();
    let debug = format!("{config:?}");
    assert!(!debug.contains(PLANTED) && !debug.contains("0123456789abcdef"), "{debug}");
    let environment: Environment = [("MIXPANEL_SECRET", PLANTED)].into_iter().collect();
    assert!(!format!("{environment:?}").contains(PLANTED));
    let masks = Masks::new();
    config.mask_with(&masks);
    let said = format!("{TOKEN_URL} us1-0123456789abcdefa9f2 {PLANTED}");
    assert_eq!(masks.mask(&said), "••• ••• •••");
}

#[cfg(unix)]
#[test]
fn a_fresh_credential_goes_where_the_old_one_was() {
    use std::os::unix::fs::PermissionsExt;
    let fresh = Secret::new("fresh-0123456789");
    let with = |source: &str| Written::new(&WORKING.replace("{ env = \"MIXPANEL_SECRET\" }", source));
    let keep_in = |written: &Written, variables: &[(&str, &str)]| {
        let kept = keep(&request(&written.path(), "default", variables), "mixpanel.secret", &fresh).unwrap();
        let (Kept::At(words) | Kept::UntilRestart(words)) = &kept;
        (matches!(kept, Kept::At(_)), words.replace(&written.directory.path().display().to_string(), "DIR"))
    };

    let plain = with(&format!("\"{PLANTED}\""));
    assert_eq!(keep_in(&plain, &[]), (true, "DIR/config.toml:6".to_owned()));
    assert_eq!(plain.config("default", &[]).unwrap().mixpanel.secret.expose(), fresh.expose());

    let file = with("{ file = \"secret\" }");
    let secret = file.directory.path().join("secret");
    std::fs::write(&secret, PLANTED).unwrap();
    set_mode(&secret, 0o600);
    assert_eq!(keep_in(&file, &[]), (true, "file DIR/secret".to_owned()));
    assert_eq!(std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(file.config("default", &[]).unwrap().mixpanel.secret.expose(), fresh.expose());

    for (source, variables, said) in [
        (
            "{ env = \"MIXPANEL_SECRET\" }",
            [].as_slice(),
            "it comes from the environment variable MIXPANEL_SECRET; set that to the new one before the next start",
        ),
        (
            "\"x-0123456789\"",
            &[("COHORT_SYNC_MIXPANEL_SECRET", PLANTED)],
            "it comes from the environment variable COHORT_SYNC_MIXPANEL_SECRET; set that to the new one before the next start",
        ),
        (
            "{ command = [\"op\", \"read\", \"op://x\"] }",
            &[],
            "it comes from the command `op`; change what that prints before the next start",
        ),
    ] {
        let written = with(source);
        let before = std::fs::read_to_string(written.path()).unwrap();
        assert_eq!(keep_in(&written, variables), (false, said.to_owned()));
        assert_eq!(std::fs::read_to_string(written.path()).unwrap(), before);
    }
    assert_eq!(keyring_name("default", "mixpanel.secret"), "mixpanel.secret");
    assert_eq!(keyring_name("staging", "mixpanel.secret"), "staging/mixpanel.secret");
}
