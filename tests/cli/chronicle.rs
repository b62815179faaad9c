//! A world whose cohort changes while the program is struck down again and again, and the judge of what comes
//! of it: rule 3, that the next run converges on Mixpanel's membership, forgets nothing that was accepted, and
//! sends at most the requests in flight twice.

use crate::world::{ID, NAME, Output, PATIENCE, World, finish, mpid};
use cohort_sync::domain::{ChangeState, Direction, Identity, RunId, SyncStatus};
use cohort_sync::sandbox::{PersonSeed, ProfileKey};
use cohort_sync::store::{Reader, RunRecord, StoreError};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use tokio::process::{Child, Command};

/// The variable by which a debug build is made to fail, see `src/store/fault_point.rs`.
pub const FAULT: &str = "COHORT_SYNC_STORE_FAULT";

/// Users in one request.
const REQUEST: usize = 100;

/// Requests that may be in flight at once; few, so that the bound on what is sent twice says something.
pub const IN_FLIGHT: usize = 2;

pub struct Chronicle {
    pub world: World,
    /// Who is in the cohort now.
    members: BTreeSet<i64>,
    /// Who ever was.
    ever: BTreeSet<i64>,
    /// The last answer about each person that the program has recorded; whoever is in doubt is left out.
    recorded: BTreeMap<Identity, bool>,
    /// Requests of the feed that were looked at.
    seen: usize,
    /// The last value that was sent about each person.
    last_sent: BTreeMap<Identity, bool>,
    /// Users who were sent what they had been sent before.
    repeated: usize,
    pub kills: usize,
    /// Runs that were cut off, by a kill or otherwise.
    pub cut_off: usize,
    /// Requests that mParticle took without being able to say so.
    pub lost_answers: usize,
    /// The last run that was judged.
    judged: RunId,
}

impl Chronicle {
    pub async fn begin(members: impl IntoIterator<Item = i64>) -> Self {
        let members: BTreeSet<i64> = members.into_iter().collect();
        let world = World::with(seeds(&members)).await;
        let secret = format!("\"{}\"", cohort_sync::sandbox::SECRET);
        let webhook = format!("\"{}\"", world.sandbox.webhook_url());
        let more = format!("[sync]\nmax_concurrent_requests = {IN_FLIGHT}\n");
        world.configure(&world.config(&secret, &webhook, &more));
        Self {
            world,
            ever: members.clone(),
            members,
            recorded: BTreeMap::new(),
            seen: 0,
            last_sent: BTreeMap::new(),
            repeated: 0,
            kills: 0,
            cut_off: 0,
            lost_answers: 0,
            judged: RunId(0),
        }
    }

    /// The cohort changes in Mixpanel.
    pub fn becomes(&mut self, members: impl IntoIterator<Item = i64>) {
        self.members = members.into_iter().collect();
        self.ever.extend(&self.members);
        self.world.control.set_members(ID, seeds(&self.members));
    }

    /// Runs a command with a fault; `None` when it was killed.
    pub async fn strike(&mut self, words: &[&str], fault: &str) -> Option<Output> {
        let child = self.world.command(words).env(FAULT, fault).spawn().unwrap();
        let (output, status) = finish_somehow(child).await;
        self.ended(status);
        status.code().map(|_| output)
    }

    /// Runs a command inside another that makes its life hard; it must not be killed by that.
    pub async fn strike_within(&mut self, mut around: Command, words: &[&str]) -> Output {
        let program = self.world.command(words);
        let program = program.as_std();
        around.arg(program.get_program()).args(program.get_args());
        let piped = around.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (output, status) = finish_somehow(piped.kill_on_drop(true).spawn().unwrap()).await;
        // How the run was cut off shows in what is recorded once the directory is in its place again.
        self.cut_off += usize::from(!status.success());
        output
    }

    /// The process ended, most likely before its time: what it had recorded must not be sent again.
    pub fn ended(&mut self, status: ExitStatus) {
        self.kills += usize::from(status.signal() == Some(9));
        self.cut_off += usize::from(!status.success());
        self.look_at_what_was_sent();
        self.learn_what_was_recorded();
    }

    /// Takes the changes of the runs since the last judgement into the record of what is known.
    fn learn_what_was_recorded(&mut self) {
        let reader = match Reader::open(&self.world.state()) {
            Ok(reader) => reader,
            // It was killed before anything was there.
            Err(StoreError::Absent { .. }) => return,
            Err(error) => panic!("the database does not open: {error}"),
        };
        let mut runs = reader.runs(None, 100).unwrap();
        runs.reverse();
        for run in runs.iter().filter(|run| run.id > self.judged) {
            for (identity, value, state) in changes(&reader, run.id) {
                if state == ChangeState::Accepted {
                    self.recorded.insert(identity, value);
                } else if self.recorded.get(&identity).is_some_and(|known| *known != value) {
                    self.recorded.remove(&identity);
                }
            }
        }
    }

    fn look_at_what_was_sent(&mut self) {
        let requests = self.world.control.feed_requests();
        for request in requests.iter().skip(self.seen) {
            let batches: Vec<Value> = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
            for batch in batches {
                let value = batch["user_attributes"][NAME].as_bool().unwrap();
                let identity = match batch["mpid"].as_i64() {
                    Some(mpid) => Identity::Mpid(mpid),
                    None => {
                        Identity::of_distinct_id(batch["user_identities"]["customer_id"].as_str().unwrap())
                    }
                };
                assert_ne!(
                    self.recorded.get(&identity),
                    Some(&value),
                    "{identity} was sent {value} again though its acceptance had been recorded"
                );
                let before = self.last_sent.insert(identity, value);
                self.repeated += usize::from(before == Some(value));
            }
        }
        self.seen = requests.len();
    }

    /// Runs undisturbed and judges what has come of it all.
    pub async fn converges(&mut self, words: &[&str]) {
        let output = finish(self.world.command(words).spawn().unwrap()).await.exits(0);
        self.judge(&output);
    }

    fn judge(&mut self, output: &Output) {
        let run = output.object();
        self.look_at_what_was_sent();
        let counts = |field: &str| run["counts"][field].as_u64().unwrap();
        let members = self.members.len() as u64;
        assert_eq!(run["outcome"], "succeeded", "{run}");
        assert_eq!(counts("fetched"), members, "{run}");
        assert_eq!(counts("unchanged") + counts("adds"), members, "{run}");
        assert_eq!(counts("accepted"), counts("adds") + counts("removes"), "{run}");
        assert_eq!((counts("rejected"), counts("pending")), (0, 0), "{run}");

        let expected: BTreeSet<Identity> = self.members.iter().copied().map(identity).collect();
        let told = self.told();
        for (identity, value) in &told {
            assert_eq!(*value, expected.contains(identity), "the profile of {identity}; {output:?}");
        }
        assert!(self.is_delivered(), "{output:?}");
        assert_eq!(self.strangers(), 0, "{output:?}");

        let reader = Reader::open(&self.world.state()).unwrap();
        let sync = reader.syncs().unwrap().remove(0);
        let baseline: Result<BTreeSet<Identity>, _> = reader.baseline(&sync.holding()).collect();
        assert!(baseline.unwrap() == expected, "the baseline is not the cohort");
        assert_eq!(sync.baseline, members);
        assert!(matches!(sync.status, SyncStatus::Synced | SyncStatus::Exported), "{:?}", sync.status);
        assert!(reader.working_runs().unwrap().is_empty());
        for run in reader.runs(None, 100).unwrap() {
            adds_up(&reader, &run);
        }
        let most = (self.cut_off * IN_FLIGHT + self.lost_answers) * REQUEST;
        assert!(self.repeated <= most, "{} users were sent twice, {most} at most may be", self.repeated);
        // From here on everything is known.
        self.judged = RunId(run["run_id"].as_i64().unwrap());
        self.recorded = told;
    }

    /// What mParticle holds: of everybody who was ever told, the last value.
    fn told(&self) -> BTreeMap<Identity, bool> {
        let profiles = self.world.control.profiles_with(NAME).into_iter();
        let told = profiles.map(|(key, value)| {
            let identity = match key {
                ProfileKey::Mpid(mpid) => Identity::Mpid(mpid),
                ProfileKey::Identity { value, .. } => Identity::of_distinct_id(&value),
            };
            (identity, value.as_bool().unwrap())
        });
        told.collect()
    }

    /// Whether mParticle holds exactly the cohort.
    pub fn is_delivered(&self) -> bool {
        let holds = self.told().into_iter().filter_map(|(identity, value)| value.then_some(identity));
        holds.eq(self.members.iter().copied().map(identity).collect::<BTreeSet<_>>())
    }

    /// How many people it was told about who never were in the cohort.
    pub fn strangers(&self) -> usize {
        let ever: BTreeSet<Identity> = self.ever.iter().copied().map(identity).collect();
        self.told().keys().filter(|told| !ever.contains(told)).count()
    }
}

/// Waits for a process that may also be killed.
async fn finish_somehow(child: Child) -> (Output, ExitStatus) {
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let status = output.status;
    (Output { code: status.code(), out: text(output.stdout), err: text(output.stderr) }, status)
}

/// What a run's record says of its answers is what the single changes say.
fn adds_up(reader: &Reader, run: &RunRecord) {
    let changes = changes(reader, run.id);
    let accepted = changes.iter().filter(|(_, _, state)| *state == ChangeState::Accepted).count() as u64;
    assert_eq!(run.counts.accepted(), accepted, "{run:?}");
    assert!(run.counts.planned() <= changes.len() as u64, "{run:?}");
}

fn changes(reader: &Reader, run: RunId) -> Vec<(Identity, bool, ChangeState)> {
    let mut changes = Vec::new();
    let read = reader.for_each_change::<StoreError>(run, |rows| {
        let each = rows
            .into_iter()
            .map(|row| (row.change.identity, row.change.direction == Direction::Add, row.state));
        changes.extend(each);
        Ok(true)
    });
    read.unwrap();
    changes
}

fn seeds(members: &BTreeSet<i64>) -> Vec<PersonSeed> {
    members.iter().copied().map(person).collect()
}

/// Most have an MPID; some are addressed by a text and some by a UUID, so that every form is in the baseline.
fn person(n: i64) -> PersonSeed {
    match identity(n) {
        Identity::Mpid(mpid) => PersonSeed::matched(format!("user-{n}"), mpid),
        other => PersonSeed::unmatched(other.to_string()),
    }
}

fn identity(n: i64) -> Identity {
    match n % 10 {
        3 => Identity::Text(format!("user-{n}").into()),
        7 => Identity::of_distinct_id(&format!("00000000-0000-4000-8000-{n:012}")),
        _ => Identity::Mpid(mpid(n)),
    }
}
