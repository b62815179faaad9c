//! What to paste into an app or into mParticle so that profiles in Mixpanel carry `$mparticle_user_id`. MPIDs have
//! up to nineteen digits and JavaScript keeps sixteen, so every snippet hands the id on as text.

use super::setup_entry::Entry;

/// For web pages.
pub const WEB: Entry = Entry::Snippet {
    title: "Web SDK (JavaScript)",
    note: "Runs once the SDK is ready and again after each sign-in. getMPID gives text; never make a number of it.",
    code: r#"function tellMixpanelTheMpid(result) {
  const user = result ? result.getUser() : mParticle.Identity.getCurrentUser();
  const mpid = user && user.getMPID();
  if (mpid) user.setUserAttribute("$mparticle_user_id", String(mpid));
}
mParticle.ready(() => tellMixpanelTheMpid());
// With each sign-in: mParticle.Identity.login(request, tellMixpanelTheMpid);"#,
};

/// For iOS apps.
pub const IOS: Entry = Entry::Snippet {
    title: "iOS SDK (Swift)",
    note: "After start and after each sign-in. stringValue keeps every digit; doubleValue would round. \
           The Swift name of the property is userId; some guides call it mpid.",
    code: r#"if let user = MParticle.sharedInstance().identity.currentUser {
    let mpid = user.userId.stringValue
    if mpid != "0" {
        user.setUserAttribute("$mparticle_user_id", value: mpid)
    }
}"#,
};

/// For Android apps.
pub const ANDROID: Entry = Entry::Snippet {
    title: "Android SDK (Kotlin)",
    note: "After start and after each sign-in. id is a Long and toString keeps every digit; Kotlin wants the \
           dollar sign of the name escaped.",
    code: r#"MParticle.getInstance()?.Identity()?.currentUser?.let { user ->
    if (user.id != 0L) {
        user.setUserAttribute("\$mparticle_user_id", user.id.toString())
    }
}"#,
};

/// For whoever cannot change the app.
pub const RULE: Entry = Entry::Snippet {
    title: "Rule for the Mixpanel output (JavaScript)",
    note: "In mParticle under Data Plan > Rules. An id that comes as a number too long for JavaScript is rounded \
           already when the rule sees it, so it is left out: no id is better than that of nobody. If Mixpanel then \
           lacks the property, use an SDK snippet instead.",
    code: r#"function batchWithMpid(batch) {
  const mpid = batch.mpid;
  if (typeof mpid === "string" || Number.isSafeInteger(mpid)) {
    batch.user_attributes = batch.user_attributes || {};
    batch.user_attributes["$mparticle_user_id"] = String(mpid);
  }
  return batch;
}"#,
};
