//! Looking somebody up: by id, by property, within a cohort, and among half a million people who are made up.

use super::*;

fn form(pairs: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs);
    form.finish()
}

fn ids(page: &Value) -> Vec<String> {
    let results = page["results"].as_array().unwrap();
    results.iter().map(|one| one["$distinct_id"].to_string().trim_matches('"').to_owned()).collect()
}

#[tokio::test]
async fn somebody_is_found_by_either_id_in_any_cohort() {
    let fixture = Fixture::quiet().await;
    let both = PersonSeed::matched("ann", 7);
    fixture.control.add_cohort(cohort(1, vec![both.clone(), PersonSeed::matched_number("bob", 7)]));
    fixture.control.add_cohort(cohort(2, vec![both, PersonSeed::without_profile("$device:1")]));
    let found = fixture.page(&form(&[("distinct_id", "ann")])).await;
    assert_eq!((ids(&found), &found["total"]), (vec!["ann".to_owned()], &json!(1)));
    assert!(ids(&fixture.page(&form(&[("distinct_id", "Ann")])).await).is_empty());
    assert!(ids(&fixture.page(&form(&[("distinct_id", "$device:1")])).await).is_empty(), "no profile");
    let mpid = r#"properties["$mparticle_user_id"] == "7" or properties["$mparticle_user_id"] == 7"#;
    assert_eq!(ids(&fixture.page(&form(&[("where", mpid)])).await), ["ann", "bob"]);
    let within = |cohort| form(&[("filter_by_cohort", cohort), ("where", mpid)]);
    assert_eq!(ids(&fixture.page(&within(r#"{"id":1}"#)).await), ["ann", "bob"]);
    assert_eq!(ids(&fixture.page(&within(r#"{"id":2}"#)).await), ["ann"]);
    assert_eq!(fixture.control.query_count(), 6, "each costs a query");
}

#[tokio::test]
async fn what_the_documentation_leaves_open_is_refused() {
    let fixture = Fixture::with_people(3).await;
    let one = r#"{"id":1}"#;
    for (pairs, message) in [
        (vec![("filter_by_cohort", one), ("distinct_id", "a")], "together with filter_by_cohort"),
        (vec![("where", "defined(properties[\"a\"])")], "does not serve the expression"),
        (vec![("where", "x"), ("distinct_id", "a")], "together with where"),
        (vec![("page", "0")], "Invalid parameter: filter_by_cohort"),
        (vec![("filter_by_cohort", "1"), ("where", r#"properties["a"] == 1"#)], "filter_by_cohort"),
    ] {
        let response = fixture.query("engage", &form(&pairs)).await.unwrap();
        assert_eq!(response.status(), 400, "{pairs:?}");
        let body = body(response).await;
        assert!(body["error"].as_str().unwrap().contains(message), "{pairs:?}: {body}");
    }
}

#[tokio::test]
async fn a_filter_can_be_ignored_as_a_fault() {
    let fixture = Fixture::with_people(5).await;
    fixture.control.push_fault(Fault::mixpanel(Effect::FilterIgnored));
    let question = form(&[
        ("filter_by_cohort", r#"{"id":1}"#),
        ("where", r#"properties["$distinct_id"] == "person-3""#),
    ]);
    assert_eq!(ids(&fixture.page(&question).await).len(), 5);
    assert_eq!(ids(&fixture.page(&question).await), ["person-3"]);
}

#[tokio::test]
async fn people_who_are_made_up_are_found_by_whatever_they_are_called() {
    let fixture = Fixture::start(SandboxOptions::demo()).await;
    let page = fixture.page("filter_by_cohort=%7B%22id%22%3A5167408%7D").await;
    let people: Vec<&Value> = page["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|person| person["$properties"].is_object())
        .filter(|person| !matches!(person["$distinct_id"].as_str(), Some("<null>" | "undefined" | "")))
        .take(12)
        .collect();
    let begin = Instant::now();
    for person in &people {
        let id = person["$distinct_id"].to_string();
        let found = fixture.page(&form(&[("distinct_id", id.trim_matches('"'))])).await;
        assert_eq!(found["results"], json!([person]), "{id}");
    }
    let each = begin.elapsed() / 12;
    assert!(each < Duration::from_secs(2), "each took {each:?}");
}
