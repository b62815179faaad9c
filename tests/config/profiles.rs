//! What a list of the profiles says of each, without fetching a credential or telling one.

use super::{Written, request};
use cohort_sync::config::{ProfileSummary, profiles};

const FILE: &str = r#"
[mixpanel]
region = "eu"
service_account = "console.12345.mp-service-account"
secret = { command = ["touch", "must-not-run"] }

[profiles.plain.mixpanel]
project_id = 1
[profiles.plain.mparticle]
webhook_url = "https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/us1-pl4nted-0123456789abcdefa9f2"

[profiles.elsewhere.mixpanel]
project_id = 2
region = "in"
[profiles.elsewhere.mparticle]
webhook_url = { env = "NOT_SET" }
environment = "development"

[profiles.events.mixpanel]
project_id = 3
[profiles.events.mparticle]
delivery = "events-api"
[profiles.events.mparticle.events_api]
key = "us2-key"
secret = { env = "NOT_SET" }

[profiles.wrong.mixpanel]
project_id = 4
region = "mars"
[profiles.wrong.mparticle]
webhook_url = { env = "NOT_SET" }

[profiles.demo.mixpanel]
project_id = 5
"#;

#[test]
fn each_profile_is_told_apart_and_what_is_wrong_with_it_is_said() {
    let written = Written::new(FILE);
    let listed = profiles(&request(&written.path(), "plain", &[])).unwrap();
    let line = |profile: &ProfileSummary| {
        let ProfileSummary { name, project, region, environment, feed, wrong } = profile;
        let project = project.as_deref().unwrap_or("none");
        let wrong = wrong.as_deref().unwrap_or("fine").replace(&written.path().display().to_string(), "FILE");
        format!("{name}: {project}, {region}, {environment}, {feed}: {wrong}")
    };
    let lines: Vec<String> = listed.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "default: none, eu, production, no feed: it lacks mixpanel.project_id, mparticle.webhook_url",
            "demo: 5, eu, production, no feed: \"demo\" cannot be the name of a profile; use letters, digits, - and _, \
             and neither demo nor log",
            "elsewhere: 2, in, development, feed from env NOT_SET: fine",
            "events: 3, eu, production, Events API, key us2-key: fine",
            "plain: 1, eu, production, feed us1-…a9f2: fine",
            "wrong: 4, mars, production, feed from env NOT_SET: FILE:29: mixpanel.region is \"mars\", but must be us, eu \
             or in",
        ]
    );
    assert!(!format!("{listed:?}").contains("pl4nted"));
    assert!(!std::path::Path::new("must-not-run").exists());
}

#[test]
fn a_file_that_cannot_be_read_is_said_to_be() {
    let written = Written::new("[mixpanel\n");
    let error = profiles(&request(&written.path(), "default", &[])).unwrap_err();
    assert!(error.to_string().contains("correct the line"), "{error}");
}
