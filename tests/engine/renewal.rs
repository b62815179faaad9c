//! Fresh credentials: tried before they take the old ones' place, and what the old ones had paused goes on.

use crate::world::*;
use cohort_sync::domain::{Identity, PauseCause, SyncStatus};
use cohort_sync::sandbox::{CLIENT_ID, SERVICE_ACCOUNT};
use cohort_sync::sync::command::{Command, Refusal};
use cohort_sync::sync::pages::{Answer, Question};
use cohort_sync::sync::renew::{Fresh, Renewal, Subject};
use cohort_sync::sync::snapshot::{Health, Snapshot};

fn renew(subject: Subject, account: &str, secret: &str) -> Command {
    Command::Renew(Renewal { subject, account: account.to_owned(), secret: Fresh::new(secret) })
}

fn pause_cause(world: &World) -> Option<PauseCause> {
    world.view(COHORT).sync.as_ref().and_then(|sync| sync.pause.as_ref()).map(|pause| pause.cause)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_a_revoked_secret_had_paused_goes_on_with_the_new_one() {
    let mut settings = quick();
    settings.schedule = true;
    let mut world = World::with(settings).await;
    world.add_cohort(COHORT.0, NAME, people(0, 10));
    world.start().await;
    world.sync().await;
    world.control.set_members(COHORT.0, people(1, 10));
    world.control.set_secret("rotated-s3cret");
    world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(pause_cause(&world), Some(PauseCause::MixpanelCredentials));

    // A wrong one is not taken, and says so in Mixpanel's words; nothing else changes.
    let refusal = world.refused(renew(Subject::Mixpanel, SERVICE_ACCOUNT, "mistyped")).await;
    assert!(
        matches!(&refusal, Refusal::NotRenewed(why) if why.contains("refuses the credentials")),
        "{refusal}"
    );
    assert_eq!(world.status(), SyncStatus::Paused);
    let fresh = renew(Subject::Mixpanel, SERVICE_ACCOUNT, " rotated-s3cret\n");
    assert!(!format!("{fresh:?}").contains("s3cret"));
    world.handle().send(fresh).await.unwrap();
    world.until("the sync goes on", |_| world.current_members() == keys(1, 10)).await;
    let snapshot = world.until("it rests", |snapshot| snapshot.active() == 0).await;
    assert_eq!(snapshot.mixpanel, Health::Reachable);
    let notice = snapshot.notices.iter().find(|notice| notice.text.starts_with("Mixpanel took")).unwrap();
    assert_eq!(notice.text, "Mixpanel took the new secret; the sync that was paused goes on");
    // The trial is in the journal like every question, without the secret.
    let asked = world.handle().read(Question::JournalExtent).await.unwrap();
    assert!(matches!(asked, Answer::JournalExtent(extent) if extent.requests > 2));
    world.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_paused_or_a_plan_holds_stays_paused() {
    let world = World::with_cohort(people(0, 200)).await;
    world.sync().await;
    world.handle().send(Command::Pause(COHORT)).await.unwrap();
    world.until("it is paused", |_| world.status() == SyncStatus::Paused).await;
    world
        .handle()
        .send(renew(Subject::Mixpanel, SERVICE_ACCOUNT, cohort_sync::sandbox::SECRET))
        .await
        .unwrap();
    let is_said =
        |snapshot: &Snapshot| snapshot.notices.iter().any(|notice| notice.text.starts_with("Mixpanel took"));
    world.until("the secret is taken", is_said).await;
    assert_eq!(pause_cause(&world), Some(PauseCause::Operator));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_renewed_by_its_url_and_proven_by_the_next_request() {
    let mut settings = quick();
    settings.schedule = true;
    let mut world = World::with(settings).await;
    world.add_cohort(COHORT.0, NAME, people(0, 10));
    world.start().await;
    world.control.set_feed_token_valid(false);
    world.sync().await;
    assert_eq!(pause_cause(&world), Some(PauseCause::MparticleFeed));

    let nowhere = renew(Subject::Feed, "", "http://127.0.0.1:1/v1/pdf/mixpanelcohorts/us1-x");
    let refusal = world.refused(nowhere).await;
    assert!(!refusal.to_string().contains("us1-x"), "{refusal}");
    assert_eq!(world.status(), SyncStatus::Paused);
    let other_way = world.refused(renew(Subject::EventsApi, "key", "secret")).await;
    assert!(other_way.to_string().contains("mparticle.delivery"), "{other_way}");

    world.control.set_feed_token_valid(true);
    world.handle().send(renew(Subject::Feed, "", &world.sandbox.webhook_url())).await.unwrap();
    world.until("the sync goes on", |_| world.current_members() == keys(0, 10)).await;
    world.until("mParticle has answered", |snapshot| snapshot.mparticle == Health::Reachable).await;
    world.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lookups_go_on_with_the_new_secret_of_the_client() {
    let world = World::with_cohort(people(0, 3)).await;
    world.sync().await;
    let (person, now) = (Identity::Mpid(mpid(0)), world.clock.now());
    world.control.set_client_secret("rotated-cl1ent");
    world.control.expire_tokens();
    assert!(world.handle().look_up(&person, now).await.is_err());
    let refusal = world.refused(renew(Subject::ProfileApi, CLIENT_ID, "mistyped")).await;
    assert!(!refusal.to_string().contains("mistyped"), "{refusal}");
    world.handle().send(renew(Subject::ProfileApi, CLIENT_ID, "rotated-cl1ent")).await.unwrap();
    assert!(world.handle().look_up(&person, now).await.unwrap().profile.is_some());
}
