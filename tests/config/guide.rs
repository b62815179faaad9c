//! The guide as a value: its order, going back, deciding what to do about a failure, and what it would configure.

use crate::{PLANTED, TOKEN_URL, request};
use cohort_sync::config::guide::{Fix, Found, Guide, Question, Sign, Step, Trial};
use cohort_sync::config::{FeedEnvironment, Region};

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
fn every_question_says_what_it_is_about() {
    for question in Question::ALL {
        assert!(!question.title().is_empty() && question.help().len() > 10, "{question:?}");
        assert!(question.usual().is_none_or(|usual| usual == "skip"
            || question.choices().is_empty()
            || question.choices().contains(&usual)));
    }
}
