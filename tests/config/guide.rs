//! The guide as a value: its order, going back, deciding what to do about a failure, and what it would configure.

use crate::{PLANTED, TOKEN_URL, request};
use cohort_sync::config::guide::{Fix, Found, Guide, Question, Sign, Step, Trial};
use cohort_sync::config::{DeliveryConfig, FeedEnvironment, Region, Secret};

fn guide(directory: &tempfile::TempDir) -> Guide {
    Guide::new(request(&directory.path().join("config.toml"), "default", &[]))
}

fn answer_all(guide: &mut Guide, answers: &[&str]) {
    for answer in answers {
        while let Step::Try(_) = guide.step() {
            guide.tried(&[]);
        }
        guide.answer(answer).unwrap();
    }
}

fn problem(blames: Option<Question>) -> Found {
    Found { sign: Sign::Problem, text: "It is wrong.".to_owned(), remedy: None, blames }
}

#[test]
fn what_is_answered_is_what_is_configured() {
    let directory = tempfile::tempdir().unwrap();
    let mut guide = guide(&directory);
    // Each side can be tried before the other was asked about.
    assert!(guide.config().is_ok());
    answer_all(
        &mut guide,
        &[TOKEN_URL, "Development", "EU", "7", "sync.ab.mp-service-account", PLANTED, "", "", "config"],
    );
    assert_eq!(guide.step(), Step::Done);
    let config = guide.config().unwrap();
    assert_eq!((config.mixpanel.region, config.mixpanel.project_id), (Region::Eu, 7));
    assert_eq!(config.mparticle.environment, FeedEnvironment::Development);
    assert_eq!(config.mixpanel.secret.expose(), PLANTED);
    let finished = guide.finish().unwrap();
    assert!(!format!("{finished:?}").contains(PLANTED));
    let text = std::fs::read_to_string(&finished.config_file).unwrap();
    for line in ["region = \"eu\"", "project_id = 7", "environment = \"development\"", "delivery = \"feed\""]
    {
        assert!(text.lines().any(|given| given == line), "no {line} in {text}");
    }
    assert_eq!(
        text.lines().count(),
        cohort_sync::config::TEMPLATE.lines().count(),
        "every value has its comment's place"
    );
    assert!(guide.finish().unwrap_err().to_string().contains("exists already"));
}

#[test]
fn a_failure_is_corrected_tried_again_or_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut guide = guide(&directory);
    answer_all(&mut guide, &[TOKEN_URL, "", "us", "7", "account", PLANTED]);
    assert_eq!(guide.step(), Step::Try(Trial::Mixpanel));
    guide.tried(&[problem(None)]);
    assert_eq!(guide.step(), Step::Fix(Trial::Mixpanel));
    guide.fix(Fix::Again);
    assert_eq!(guide.step(), Step::Try(Trial::Mixpanel));
    guide.tried(&[problem(None)]);
    guide.fix(Fix::Correct);
    assert_eq!(guide.step(), Step::Ask(Question::Region));
    // What was answered before stands for an empty answer; of a secret it is only said that there is one.
    assert_eq!(guide.fallback(Question::ProjectId), Some("7"));
    assert_eq!(guide.fallback(Question::Secret), Some("what was typed before"));
    answer_all(&mut guide, &["eu", "", "", ""]);
    guide.tried(&[problem(None)]);
    guide.fix(Fix::GoOn);
    assert_eq!(guide.step(), Step::Ask(Question::Delivery));
    answer_all(&mut guide, &["", "somebody"]);
    guide.tried(&[problem(Some(Question::WebhookUrl))]);
    guide.fix(Fix::Correct);
    assert_eq!(guide.step(), Step::Ask(Question::WebhookUrl));
    assert_eq!(guide.config().unwrap().mixpanel.secret.expose(), PLANTED);
}

#[test]
fn one_can_go_back_and_what_does_not_apply_is_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let mut guide = guide(&directory);
    assert!(!guide.back());
    answer_all(&mut guide, &[TOKEN_URL, "", "us", "7", "account", PLANTED, "feed", "skip", "env"]);
    assert_eq!(guide.step(), Step::Done, "nobody was named, and there is no command to ask for");
    assert!(guide.back());
    assert_eq!(guide.step(), Step::Ask(Question::Keep));
    guide.answer("command").unwrap();
    assert_eq!(guide.step(), Step::Ask(Question::SecretCommand));
    assert!(guide.answer("").is_err());
    assert!(guide.back() && guide.back());
    assert_eq!(guide.step(), Step::Ask(Question::Probe));
    guide.answer("5183712098411029934").unwrap();
    assert_eq!((guide.step(), guide.probe()), (Step::Try(Trial::Probe), Some("5183712098411029934")));
    assert!(!format!("{:?}", guide.secrets()).contains(PLANTED));
}

#[test]
fn whoever_has_a_custom_feed_is_asked_for_its_key_and_secret() {
    let directory = tempfile::tempdir().unwrap();
    let mut guide = guide(&directory);
    answer_all(&mut guide, &["Events-API", "us2-key"]);
    assert_eq!(guide.fallback(Question::WebhookUrl), Some("events-api"), "that is no secret");
    assert_eq!(guide.step(), Step::Ask(Question::EventsSecret));
    answer_all(&mut guide, &[PLANTED, "", "us", "7", "account", "other-secret", "skip"]);
    assert_eq!(guide.step(), Step::Ask(Question::Keep), "there is one form only");
    answer_all(&mut guide, &["command", "print a"]);
    assert_eq!(guide.step(), Step::Ask(Question::EventsCommand));
    assert!(guide.asks(Question::EventsCommand) && !guide.asks(Question::WebhookCommand));
    let config = guide.config().unwrap();
    assert_eq!(
        config.mparticle.delivery,
        DeliveryConfig::EventsApi {
            key: "us2-key".to_owned(),
            secret: Secret::new(PLANTED),
            base_url: "https://s2s.us2.mparticle.com".to_owned(),
        }
    );
    assert_eq!(guide.secrets().len(), 2);
    answer_all(&mut guide, &["print b"]);
    guide.finish().unwrap();
    let text = std::fs::read_to_string(directory.path().join("config.toml")).unwrap();
    assert!(text.contains("secret = { command = [\"print\", \"b\"] }"), "{text}");
}

#[test]
fn a_region_of_a_profile_is_not_overruled_by_an_address_at_the_top() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    std::fs::write(&path, "[mixpanel]\nbase_url = \"http://127.0.0.1:9\"\n").unwrap();
    let mut guide = Guide::begin(request(&path, "eu", &[])).unwrap();
    answer_all(&mut guide, &[TOKEN_URL, "", "eu", "7", "account", PLANTED, "", "", "env"]);
    assert_eq!(guide.config().unwrap().mixpanel.base_url, Region::Eu.base_url());
    // Somebody else was quicker.
    std::fs::write(&path, "[mixpanel]\n").unwrap();
    assert!(guide.finish().unwrap_err().to_string().contains("changed by somebody else"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "[mixpanel]\n");
}

#[test]
fn every_question_says_what_it_is_about() {
    for question in Question::ALL {
        assert!(!question.title().is_empty() && question.help().len() > 10, "{question:?}");
        assert!(question.usual().is_none_or(|usual| usual == "skip"
            || question.choices().is_empty()
            || question.choices().contains(&usual)));
    }
}
