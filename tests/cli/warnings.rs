//! What deserves a look, as `status` mentions it and `doctor` tells it, and that neither touches what programs read.

use crate::world::{ID, NAME, World, people};

const TWIN: &str = "power  users";

async fn world() -> World {
    let world = World::with(people(0, 3)).await;
    world.add(1001, TWIN, people(0, 3));
    world.add(1002, "Churn risk", people(0, 3));
    world.export().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn status_mentions_them_to_people_and_not_to_programs() {
    let world = world().await;
    let said = format!("warning: “{NAME}” ({ID}): the name differs only in case or spaces from cohort 1001");
    let output = world.run(&["status"]).await.exits(0);
    assert!(output.err.starts_with(&said) && output.err.lines().count() == 1, "{output:#?}");
    assert!(output.err.contains("Rename one of the two in Mixpanel"), "{output:#?}");
    for words in [&["status", "--json"][..], &["status", "--format", "csv"], &["status", "Churn risk"]] {
        let output = world.run(words).await.exits(0);
        assert_eq!(output.err, "", "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_has_a_finding_for_each() {
    let world = world().await;
    let output = world.run(&["doctor", "--json"]).await.exits(0);
    let objects = output.objects();
    let found: Vec<_> = objects.iter().filter(|finding| finding["check"] == "cohorts").collect();
    assert_eq!(found.len(), 2, "{output:#?}");
    for (finding, name) in found.iter().zip([NAME, TWIN]) {
        assert_eq!(finding["verdict"], "warning");
        assert!(finding["found"].as_str().unwrap().starts_with(&format!("“{name}”")), "{finding}");
        assert!(finding["remedy"].as_str().unwrap().starts_with("Rename one"), "{finding}");
    }
    let output = world.run(&["doctor"]).await.exits(0);
    assert!(output.out.contains("No problem, 2 warnings."), "{output:#?}");
}
