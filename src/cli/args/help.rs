//! The longer texts of `--help`.

pub(super) const ABOUT: &str = "Exports Mixpanel cohorts to mParticle, and accounts for every user. \
                     Without a command it opens the console.";

pub(super) const AFTER_HELP: &str = "\
COHORT is the id of a cohort or its exact name. Every setting of the configuration file can be given as an \
environment variable too: COHORT_SYNC_<SECTION>_<KEY>.

Exit codes: 0 done; 1 a run failed, verify found users who are wrong, or doctor a problem; 2 wrong usage or configuration; 3 refused, or paused until a person decides.";

pub(super) const DOCTOR_AFTER_HELP: &str = "\
Asks Mixpanel for the cohort list, which costs one query. Nothing is sent to mParticle, and nothing is changed or mended.

Exit codes: 0 no problem, though there may be warnings; 2 the configuration, or where and in which format things are \
kept, must be changed; 1 any other problem.";

pub(super) const SETUP_AFTER_HELP: &str = "\
On a terminal it asks question by question, and what is typed of a credential is not shown. Answers can be piped in as \
well, a line each: Webhook URL (or events-api, then the key and its secret), environment, region, project id, service \
account, secret, form (not after events-api), user to try (or skip), and where to keep the credentials: keyring, files, \
config, env or command. An empty line takes the usual answer.

What a configuration says already is never touched. With --profile NAME the profile is added to the file that is there.";
