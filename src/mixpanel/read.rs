//! Reading the rest of a cohort once page 0 has opened a session: pages in parallel, each tried again by the
//! policy, and at the end the proof that the read is whole. Anything that does not fit loses the session, for
//! a spliced read would be worse than none: removals are computed from it.

use super::client::{Asked, Client, Exchange, Page, Session};
use super::error::MixpanelError;
use crate::domain::CohortId;
use crate::http::Backoff;
use crate::http::backoff::jitter;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Profiles on a page (Mixpanel reference, Query Profiles).
const DOCUMENTED_PAGE_SIZE: usize = 1_000;

/// Pages of one read on their way at once: one less than the project may have, so that somebody else's query
/// still fits.
const PAGES_AT_ONCE: usize = 4;

/// What happened to a request for a page.
#[derive(Debug)]
pub enum PageEvent<'a> {
    /// A try of it came to its end, one way or another.
    Tried {
        /// Which page was asked for.
        number: u32,
        /// Which try it was, from 1.
        tries: u32,
        /// What was asked and answered.
        exchange: &'a Exchange,
        /// The page, when it arrived.
        page: Option<&'a Page>,
    },
    /// It failed at this try, and is tried again after this long.
    Retrying(&'a MixpanelError, u32, Duration),
}

impl<'a> PageEvent<'a> {
    /// A try that came to its end.
    #[must_use]
    pub fn of(asked: &'a Asked<Page>, number: u32, tries: u32) -> Self {
        Self::Tried { number, tries, exchange: &asked.exchange, page: asked.result.as_ref().ok() }
    }
}

/// What every request of a read heeds.
#[derive(Clone)]
pub struct Heeded {
    /// The timing of retries.
    pub backoff: Backoff,
    /// Ends the read between requests.
    pub stop: CancellationToken,
    /// Hears what happens to each request.
    pub hear: Arc<dyn Fn(PageEvent<'_>) + Send + Sync>,
}

/// Reads the pages after the first. Dropping it in the middle ends the requests on their way.
pub struct Rest {
    client: Client,
    cohort: CohortId,
    heeded: Heeded,
    read: Read,
    waiting: std::ops::Range<u32>,
    flights: JoinSet<Result<Page, MixpanelError>>,
}

impl Rest {
    /// Begins after page 0, which stays the caller's.
    ///
    /// # Errors
    /// [`MixpanelError::SessionLost`] when page 0 leaves no way to go on.
    pub fn after(
        client: Client,
        cohort: CohortId,
        first: &Page,
        heeded: Heeded,
    ) -> Result<Self, MixpanelError> {
        let read = Read::begin(first)?;
        let waiting = 1..read.foreseen;
        Ok(Self { client, cohort, heeded, read, waiting, flights: JoinSet::new() })
    }

    /// The next page that arrives, in any order; `None` once the read has ended and is proved to be whole.
    ///
    /// # Errors
    /// [`MixpanelError::SessionLost`] when the read must start over, else what kept it from going on.
    pub async fn next(&mut self) -> Result<Option<Page>, MixpanelError> {
        self.launch();
        if self.flights.is_empty()
            && let Some(number) = self.read.goes_on_with()
        {
            // What was foreseen has arrived; the paging goes on for as long as its last page is full.
            self.request(number);
        }
        let Some(landed) = self.flights.join_next().await else {
            self.read.prove_whole()?;
            return Ok(None);
        };
        // A request that panicked would be a defect of ours; its page is missing either way.
        let page = landed.map_err(|error| lost(&format!("a request for a page broke down: {error}")))??;
        self.read.note(&page)?;
        Ok(Some(page))
    }

    fn launch(&mut self) {
        while self.flights.len() < PAGES_AT_ONCE && !self.read.has_ended() {
            let Some(number) = self.waiting.next() else { break };
            self.request(number);
        }
    }

    fn request(&mut self, number: u32) {
        if let Some(session) = self.read.session.clone() {
            let (client, heeded) = (self.client.clone(), self.heeded.clone());
            self.flights.spawn(patiently(client, self.cohort, number, session, heeded));
        }
    }
}

/// Asks for a page until it arrives or the policy is at its end.
async fn patiently(
    client: Client,
    cohort: CohortId,
    number: u32,
    session: Session,
    heeded: Heeded,
) -> Result<Page, MixpanelError> {
    let mut tries = 0;
    loop {
        tries += 1;
        // Mixpanel may take minutes to answer, and giving up a read changes nothing there.
        let asked = tokio::select! {
            biased;
            () = heeded.stop.cancelled() => return Err(MixpanelError::Cancelled),
            asked = client.page(cohort, number, Some(&session)) => asked,
        };
        (heeded.hear)(PageEvent::of(&asked, number, tries));
        match asked.result {
            Ok(page) => return Ok(page),
            Err(error) => wait_to_retry(error, tries, &heeded).await?,
        }
    }
}

/// Waits before the next try of a request that failed.
///
/// # Errors
/// The error itself when it does not pass, [`MixpanelError::TooManyTries`] when the policy is at its end, and
/// [`MixpanelError::Cancelled`].
pub async fn wait_to_retry(error: MixpanelError, tries: u32, heeded: &Heeded) -> Result<(), MixpanelError> {
    if !error.is_passing() {
        return Err(error);
    }
    let Some(delay) = heeded.backoff.delay(tries, jitter(), error.retry_after()) else {
        return Err(MixpanelError::TooManyTries { tries, last: Box::new(error) });
    };
    (heeded.hear)(PageEvent::Retrying(&error, tries, delay));
    tokio::select! {
        () = tokio::time::sleep(delay) => Ok(()),
        () = heeded.stop.cancelled() => Err(MixpanelError::Cancelled),
    }
}

/// The account of one read.
struct Read {
    session: Option<Session>,
    page_size: usize,
    /// Pages that page 0 lets one foresee, itself included.
    foreseen: u32,
    total: Option<u64>,
    lengths: BTreeMap<u32, usize>,
}

impl Read {
    fn begin(first: &Page) -> Result<Self, MixpanelError> {
        let profiles = first.profiles();
        let told = first.head.page_size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
        // Without a size, a page that is not everything must be a full one, and any other is measured against
        // the documented size.
        let is_part = first.total().is_some_and(|total| total > profiles as u64);
        let page_size =
            told.unwrap_or(if is_part { profiles.max(1) } else { DOCUMENTED_PAGE_SIZE.max(profiles) });
        let foreseen = match first.total() {
            Some(total) => u32::try_from(total.div_ceil(page_size as u64)).unwrap_or(u32::MAX).max(1),
            None => 1,
        };
        let session = first.head.session_id.clone().map(Session);
        let is_full = profiles >= page_size;
        if session.is_none() && is_full && first.total() != Some(profiles as u64) {
            return Err(lost("page 0 is full but opened no session to read on with"));
        }
        let foreseen = if is_full { foreseen } else { 1 };
        let mut read = Self { session, page_size, foreseen, total: first.total(), lengths: BTreeMap::new() };
        read.note(first)?;
        Ok(read)
    }

    /// Takes note of a page, which must be the one that was asked for, of the session it was asked of.
    fn note(&mut self, page: &Page) -> Result<(), MixpanelError> {
        if page.head.page.is_some_and(|echoed| echoed != u64::from(page.number)) {
            return Err(lost("another page came than was asked for"));
        }
        let echoed = page.head.session_id.as_ref();
        if let (Some(session), Some(echoed)) = (&self.session, echoed)
            && session.0 != *echoed
        {
            return Err(lost("a page came from another session"));
        }
        self.lengths.insert(page.number, page.profiles());
        Ok(())
    }

    /// Whether a short page arrived, which ends the paging whatever was foreseen: a total that is far too high
    /// must not lead to a request for each page it promises.
    fn has_ended(&self) -> bool {
        self.lengths.values().any(|length| *length < self.page_size)
    }

    /// The page that follows the last one, if that was full.
    fn goes_on_with(&self) -> Option<u32> {
        let (last, length) = self.lengths.last_key_value()?;
        let goes_on = self.session.is_some() && *length >= self.page_size && !self.has_ended();
        goes_on.then_some(last + 1)
    }

    /// A read is whole when only its last filled page is short and nobody who was announced is missing.
    fn prove_whole(&self) -> Result<(), MixpanelError> {
        let short = self.lengths.values().position(|length| *length < self.page_size);
        let after_short = short.map_or(0, |place| self.lengths.values().skip(place + 1).sum::<usize>());
        if after_short > 0 {
            return Err(lost("a page in the middle was short"));
        }
        let read: usize = self.lengths.values().sum();
        match self.total {
            Some(total) if (read as u64) < total => {
                Err(lost(&format!("{read} of the {total} users that were announced arrived")))
            }
            _ => Ok(()),
        }
    }
}

fn lost(said: &str) -> MixpanelError {
    MixpanelError::SessionLost { said: said.to_owned() }
}
