//! A verification, a straight line: choose → look up → look again → judge → record. People are chosen from what the
//! store says mParticle was told; each is looked up with the Profile API; whoever seems wrong is given time, and is
//! only wrong if nobody told them anything else meanwhile and no other identity of the same profile explains what it
//! holds. It changes nothing at mParticle, and runs go on beside it.

mod looked;

use self::looked::{Looked, aliases, wrong_user};
use super::clock::Clock;
use crate::domain::number::thousands;
use crate::domain::sampling::{Reservoir, allocate};
use crate::domain::verification::{Extent, Fault, Group, Held, WrongUser};
use crate::domain::verified::{Tally, Verification};
use crate::domain::{Identity, RunId};
use crate::mparticle::ProfileApi;
use crate::mparticle::profile::{Detail, Exchange, ProfileError};
use crate::store::{Holding, Keeper, LastTold, Reader, StoreError, VerificationId};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task;
use tokio_util::sync::CancellationToken;

/// People who are looked up, judged and recorded together: a minute's worth.
const TOGETHER: usize = 900;

/// Lookups that are waited for at once; how many really are on their way is for the API's gate.
const AT_ONCE: usize = 16;

/// When whoever seems wrong although they were told only just now is looked up again, and once more: nobody documents
/// how long mParticle takes from accepting to showing (mParticle reference, Verification).
const SECOND_LOOKS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(20)];

/// How a verification goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckProgress {
    /// How many were looked up.
    pub checked: u64,
    /// How many are to be.
    pub of: u64,
    /// How many of those who were judged are wrong.
    pub wrong: u64,
    /// What it waits for, in words.
    pub waiting: Option<String>,
    /// When it began.
    pub since: Timestamp,
}

/// Why a verification came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// mParticle was told nothing yet, or nothing that is known.
    #[error(
        "mParticle has accepted nobody of this cohort yet, so there is nothing to verify; export it first"
    )]
    Nobody,
    /// A profile could not be read.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// What was told could not be read, or what was found not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was asked to end.
    #[error("the verification was ended before it was complete, so it is not kept")]
    Ended,
}

impl CheckError {
    /// Whether a person must change something before it is worth trying again.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        match self {
            Self::Profile(error) => error.needs_person(),
            Self::Nobody => true,
            Self::Store(_) | Self::Ended => false,
        }
    }
}

/// Where what is found is kept.
#[derive(Debug, Clone)]
pub enum Record {
    /// In the state directory.
    Kept(Keeper),
    /// Nowhere: it is handed back with the result, because another process writes the state directory.
    HandedBack,
}

/// A verification that is to be carried out.
pub struct Check {
    /// The state directory.
    pub directory: PathBuf,
    /// Where profiles are looked up.
    pub profiles: ProfileApi,
    /// What is verified.
    pub holding: Holding,
    /// Whom to look at.
    pub extent: Extent,
    /// Chooses them.
    pub seed: u64,
    /// How long after being told somebody may still seem wrong; zero believes the first look.
    pub settling: Duration,
    /// Tells the time.
    pub clock: Clock,
    /// Ends it between lookups.
    pub stop: CancellationToken,
    /// Where what is found goes.
    pub record: Record,
    /// Hears of every request.
    pub hear: Arc<dyn Fn(&Exchange) + Send + Sync>,
    /// Hears how it goes.
    pub tell: Arc<dyn Fn(CheckProgress) + Send + Sync>,
}

/// Who is to be looked at.
struct Chosen {
    /// How many people each group has.
    people: [u64; 3],
    /// The newest run whose changes are taken for granted; whoever is told something later is judged by nobody.
    as_of: RunId,
    /// The sample, each group in random order; empty in a full check, which reads on as it goes.
    sample: Vec<(Identity, Group)>,
}

/// What is known about those of some people who seem wrong.
#[derive(Default)]
struct Circumstances {
    last_told: HashMap<Identity, LastTold>,
    /// Who was told something else since they were chosen.
    told_since: HashSet<Identity>,
    /// Other identities of their profiles that are members, which explains a `true`.
    members: BTreeSet<Identity>,
}

/// A verification under way.
struct Working {
    check: Check,
    chosen: Chosen,
    tally: Tally,
    progress: CheckProgress,
    id: Option<VerificationId>,
    handed_back: Vec<WrongUser>,
}

impl Check {
    /// Carries it out. What was found is returned where it is kept nowhere else.
    ///
    /// # Errors
    /// See [`CheckError`]; nothing of a verification that did not come to its end is kept.
    pub async fn carry_out(self) -> Result<(Verification, Vec<WrongUser>), CheckError> {
        let began_at = self.clock.now();
        let chosen = self.choose().await?;
        let everybody: u64 = chosen.people.iter().sum();
        if everybody == 0 {
            return Err(CheckError::Nobody);
        }
        let of = match self.extent {
            Extent::Sample(_) => chosen.sample.len() as u64,
            Extent::Full => everybody,
        };
        let progress = CheckProgress { of, since: began_at, ..CheckProgress::default() };
        let tally = Tally::of(chosen.people);
        let mut working = Working { check: self, chosen, tally, progress, id: None, handed_back: Vec::new() };
        let result = working.work(began_at).await;
        if let (Err(_), Some(id), Record::Kept(keeper)) = (&result, working.id, &working.check.record) {
            keeper.ask(move |store| store.drop_verification(id)).await?;
        }
        Ok((result?, working.handed_back))
    }

    async fn choose(&self) -> Result<Chosen, CheckError> {
        let (holding, extent, seed) = (self.holding.clone(), self.extent, self.seed);
        self.read(move |reader| choose(reader, &holding, extent, seed)).await
    }

    /// Reads the state past whoever writes it, on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, CheckError> {
        let directory = self.directory.clone();
        let _reading = match &self.record {
            Record::Kept(keeper) => Some(keeper.reading()),
            Record::HandedBack => None,
        };
        let read = task::spawn_blocking(move || Reader::open(&directory)?.consistently(question));
        Ok(read.await.unwrap_or(Err(StoreError::Closed))?)
    }
}

/// Passes everybody by once: how many there are, and who of them is looked at.
fn choose(reader: &Reader, holding: &Holding, extent: Extent, seed: u64) -> Result<Chosen, StoreError> {
    let size = match extent {
        Extent::Sample(size) => size,
        Extent::Full => 0,
    };
    let room = usize::try_from(size).unwrap_or(usize::MAX);
    let mut reservoirs = Group::ALL.map(|group| Reservoir::new(room, seed.wrapping_add(group as u64)));
    for told in reader.everybody_told(holding, None)? {
        let (identity, group) = told?;
        reservoirs[group.place()].offer(identity);
    }
    let people = reservoirs.each_ref().map(Reservoir::passed);
    let parts = allocate(people, size);
    let mut sample = Vec::new();
    for ((reservoir, part), group) in reservoirs.into_iter().zip(parts).zip(Group::ALL) {
        let part = usize::try_from(part).unwrap_or(usize::MAX);
        sample.extend(reservoir.finish().into_iter().take(part).map(|identity| (identity, group)));
    }
    Ok(Chosen { people, as_of: reader.last_run_at_rest(holding)?, sample })
}

impl Working {
    async fn work(&mut self, began_at: Timestamp) -> Result<Verification, CheckError> {
        self.begin(began_at).await?;
        self.tell();
        let mut sample = std::mem::take(&mut self.chosen.sample).into_iter();
        let mut behind = None;
        loop {
            let part: Vec<(Identity, Group)> = match self.check.extent {
                Extent::Sample(_) => sample.by_ref().take(TOGETHER).collect(),
                Extent::Full => self.read_on(behind.take()).await?,
            };
            let Some((last, _)) = part.last() else { break };
            behind = Some(last.clone());
            self.take(part).await?;
        }
        let verification = Verification {
            cohort_id: self.check.holding.cohort,
            attribute: self.check.holding.attribute.clone(),
            extent: self.check.extent,
            began_at,
            ended_at: self.check.clock.now(),
            groups: *self.tally.groups(),
            drift_upper_bound: self.tally.drift_upper_bound(),
        };
        self.end(&verification).await?;
        Ok(verification)
    }

    async fn begin(&mut self, at: Timestamp) -> Result<(), CheckError> {
        if let Record::Kept(keeper) = &self.check.record {
            let (holding, extent) = (self.check.holding.clone(), self.check.extent);
            let begun = keeper.ask(move |store| store.begin_verification(&holding, extent, at));
            self.id = Some(begun.await?);
        }
        Ok(())
    }

    async fn end(&self, verification: &Verification) -> Result<(), CheckError> {
        if let (Record::Kept(keeper), Some(id)) = (&self.check.record, self.id) {
            let came_to = verification.clone();
            keeper.ask(move |store| store.end_verification(id, &came_to)).await?;
        }
        Ok(())
    }

    /// The next people of a full check.
    async fn read_on(&self, behind: Option<Identity>) -> Result<Vec<(Identity, Group)>, CheckError> {
        let holding = self.check.holding.clone();
        let next = move |reader: &Reader| {
            reader.everybody_told(&holding, behind.as_ref())?.take(TOGETHER).collect::<Result<Vec<_>, _>>()
        };
        self.check.read(next).await
    }

    /// Looks some people up, and judges them.
    async fn take(&mut self, people: Vec<(Identity, Group)>) -> Result<(), CheckError> {
        let mut looked = self.look_up(people, true).await?;
        self.look_again(&mut looked).await?;
        let circumstances = self.circumstances(&looked).await?;
        let mut wrong = Vec::new();
        for looked in looked {
            if circumstances.told_since.contains(&looked.identity) {
                // What they hold may be the old value or the new one; neither is wrong.
                continue;
            }
            let is_explained = looked.aliases.iter().any(|alias| circumstances.members.contains(alias));
            let fault = looked.fault().filter(|fault| *fault == Fault::Missing || !is_explained);
            self.tally.take(looked.group, &looked.held, fault);
            if fault.is_some() {
                let told = circumstances.last_told.get(&looked.identity);
                wrong.push(wrong_user(looked, told));
            }
        }
        self.keep(wrong).await?;
        self.tell();
        Ok(())
    }

    async fn keep(&mut self, wrong: Vec<WrongUser>) -> Result<(), CheckError> {
        self.progress.wrong += wrong.len() as u64;
        match (&self.check.record, self.id) {
            (Record::Kept(keeper), Some(id)) => {
                keeper.ask(move |store| store.add_wrong_users(id, &wrong)).await?;
            }
            _ => self.handed_back.extend(wrong),
        }
        Ok(())
    }

    /// Looks people up, and hands them back in the order they are given. `is_first` counts them as checked. What lookups
    /// fail of is told as long as it lasts, or a verification that waits for the network would only seem slow.
    async fn look_up(
        &mut self,
        people: Vec<(Identity, Group)>,
        is_first: bool,
    ) -> Result<Vec<Looked>, CheckError> {
        let (profiles, note) = (self.check.profiles.clone(), Arc::clone(&self.check.hear));
        let (failing, mut trouble) = watch::channel(None);
        let hear = |exchange: &Exchange| {
            note(exchange);
            let now = (!exchange.is_well).then(|| format!("tries again: {}", exchange.said));
            failing.send_if_modified(|last| std::mem::replace(last, now.clone()) != now);
        };
        let (stop, clock) = (self.check.stop.clone(), self.check.clock.clone());
        let attribute = self.check.holding.attribute.clone();
        let lookups = people.into_iter().enumerate().map(|(place, (identity, group))| {
            let (profiles, hear, stop) = (&profiles, &hear, &stop);
            async move {
                let found = tokio::select! {
                    biased;
                    () = stop.cancelled() => return Err(CheckError::Ended),
                    found = profiles.look_up(identity.borrow(), Detail::Attributes, hear) => found?,
                };
                Ok((place, (identity, group, found)))
            }
        });
        // As they come: whoever waits for another try, which may take half a minute, holds nobody else up.
        let mut found = stream::iter(lookups).buffer_unordered(AT_ONCE);
        let mut looked = BTreeMap::new();
        loop {
            let next = tokio::select! {
                next = found.try_next() => next?,
                Ok(()) = trouble.changed() => {
                    self.progress.waiting.clone_from(&trouble.borrow_and_update());
                    self.tell();
                    continue;
                }
            };
            let Some((place, (identity, group, profile))) = next else { break };
            let held = profile.as_ref().map_or(Held::NoProfile, |profile| profile.held(&attribute));
            let aliases = profile.map_or_else(Vec::new, |profile| aliases(&profiles, &profile, &identity));
            looked.insert(place, Looked { identity, group, held, aliases, at: clock.now() });
            if is_first {
                self.progress.checked += 1;
                self.tell();
            }
        }
        self.progress.waiting = None;
        Ok(looked.into_values().collect())
    }

    /// Gives those time who seem wrong and were told only just now.
    async fn look_again(&mut self, looked: &mut [Looked]) -> Result<(), CheckError> {
        for delay in SECOND_LOOKS {
            let late = self.told_only_just_now(looked).await?;
            if late.is_empty() {
                break;
            }
            // Short, since the line of the counts has little room for it.
            let words =
                format!("{} told just now, again in {} s", thousands(late.len() as u64), delay.as_secs());
            self.progress.waiting = Some(words);
            self.tell();
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.check.stop.cancelled() => return Err(CheckError::Ended),
            }
            let people = late.iter().map(|place| (looked[*place].identity.clone(), looked[*place].group));
            for (place, again) in late.iter().zip(self.look_up(people.collect(), false).await?) {
                looked[*place] = again;
            }
            self.progress.waiting = None;
        }
        Ok(())
    }

    /// The places of those who seem wrong and were told so lately that mParticle may only need more time.
    async fn told_only_just_now(&self, looked: &[Looked]) -> Result<Vec<usize>, CheckError> {
        let suspects: HashSet<Identity> = suspects(looked).map(|looked| looked.identity.clone()).collect();
        if suspects.is_empty() || self.check.settling.is_zero() {
            return Ok(Vec::new());
        }
        let holding = self.check.holding.clone();
        let told = self.check.read(move |reader| reader.last_told(&holding, &suspects)).await?;
        let settling = SignedDuration::try_from(self.check.settling).unwrap_or(SignedDuration::MAX);
        let is_late = |looked: &Looked| {
            let told = told.get(&looked.identity);
            looked.fault().is_some() && told.is_some_and(|told| looked.at.duration_since(told.at) < settling)
        };
        Ok((0..looked.len()).filter(|place| is_late(&looked[*place])).collect())
    }

    async fn circumstances(&self, looked: &[Looked]) -> Result<Circumstances, CheckError> {
        let people: HashSet<Identity> = suspects(looked).map(|looked| looked.identity.clone()).collect();
        if people.is_empty() {
            return Ok(Circumstances::default());
        }
        let aliases: BTreeSet<Identity> =
            suspects(looked).flat_map(|looked| looked.aliases.clone()).collect();
        let (holding, as_of) = (self.check.holding.clone(), self.chosen.as_of);
        let ask = move |reader: &Reader| {
            Ok(Circumstances {
                last_told: reader.last_told(&holding, &people)?,
                told_since: reader.told_since(&holding, as_of, &people)?,
                members: reader.members_among(&holding, &aliases)?,
            })
        };
        self.check.read(ask).await
    }

    fn tell(&self) {
        (self.check.tell)(self.progress.clone());
    }
}

/// Those who are not as they were told, at first sight.
fn suspects(looked: &[Looked]) -> impl Iterator<Item = &Looked> {
    looked.iter().filter(|looked| looked.fault().is_some())
}
