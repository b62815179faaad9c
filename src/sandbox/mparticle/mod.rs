//! The ways into mParticle: the feed that takes Mixpanel's cohorts, and the Events API. Owns the way of a request through
//! token, limits, validation and application; what a batch may contain is left to `batch`, what becomes of it to
//! `profiles`, the pace to `pace`, and looking at profiles to `lookups`.

mod batch;
mod errors;
pub(super) mod lookups;
mod members;
mod pace;
mod position;
mod profiles;
mod requests;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::fault::{Effect, RejectedUsers, Side, Target};
use super::parameters::Received;
use super::reply::Reply;
use super::state::{InProgress, Shared, State, Ticket};
use super::{EVENTS_KEY, EVENTS_SECRET, FEED_TOKEN, SandboxOptions, WorldSize};
use batch::{Batch, Place};
use errors::FeedError;
use lookups::Lookups;
use members::Call;
use pace::Pace;
use position::Point;
use profiles::Profiles;
use requests::RequestLog;

pub use profiles::ProfileKey;
pub use requests::FeedRequest;

/// Most batches in one request.
const MOST_BATCHES: usize = 100;
/// Largest request, in bytes.
const LARGEST_REQUEST: usize = 256 * 1024;

/// What the feed knows.
#[derive(Debug)]
pub(super) struct Feed {
    pub token_is_valid: bool,
    pub running: InProgress,
    pub pace: Pace,
    pub profiles: Profiles,
    pub requests: RequestLog,
    pub lookups: Lookups,
    /// How often each `source_request_id` was seen, by a hash of it: a million ids as text would not fit.
    seen: HashMap<u128, u32>,
    /// Batches that were ignored because their `source_request_id` was known.
    pub repeated_batches: u64,
}

impl Feed {
    pub(super) fn new(options: &SandboxOptions) -> Self {
        let is_demo = options.world == WorldSize::Demo;
        Self {
            token_is_valid: true,
            running: InProgress::default(),
            pace: Pace::new(options.feed_users_per_second),
            profiles: Profiles::new(options.seed, is_demo),
            requests: RequestLog::new(!is_demo),
            lookups: Lookups::new(options),
            seen: HashMap::new(),
            repeated_batches: 0,
        }
    }

    /// Notes the id and says whether it was known before.
    fn is_repeat(&mut self, source_request_id: Option<&str>) -> bool {
        let Some(id) = source_request_id else { return false };
        let count = self.seen.entry(fingerprint(id)).or_insert(0);
        *count += 1;
        self.repeated_batches += u64::from(*count > 1);
        *count > 1
    }
}

/// Two hashes of 64 bits; a collision among some millions of ids is not to be expected in the age of the universe.
fn fingerprint(id: &str) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, id).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(1) << 64 | half(2)
}

/// The door that a request came to.
#[derive(Debug, Clone)]
pub(super) enum Door {
    /// The feed, with the token in the URL.
    Feed(String),
    /// The Events API, with a key and a secret.
    Events,
}

/// Answers one request and writes it into the log.
pub(super) async fn answer(shared: &Arc<Shared>, received: &Received, door: Door) -> Reply {
    let _ticket = Ticket::take(shared, |state| &mut state.feed.running);
    let arrived = Instant::now();
    let body = parse(received);
    let identities: Vec<Vec<String>> =
        body.iter().flat_map(|body| body.batches().iter().map(batch::identities)).collect();
    let target = Target {
        side: Side::Mparticle,
        path: &received.path,
        page: None,
        cohort: None,
        identities: &identities,
    };
    let effect = shared.strike(&target, shared.options.latency.feed).await;
    if let Some(Effect::CutThenApply { milliseconds }) = effect {
        let delay = Duration::from_millis(milliseconds);
        tokio::spawn(apply_later(Arc::clone(shared), received.clone(), door.clone(), delay));
    }
    let mut state = shared.lock();
    let mut entry = FeedRequest::begin(body.as_ref().map_or(0, |body| body.batches().len()), arrived);
    let reply = match effect.as_ref().and_then(Reply::instead_of_work) {
        Some(reply) => reply,
        None => work(
            &mut state,
            received,
            &door,
            body,
            &mut Work { identities, effect: effect.as_ref(), entry: &mut entry },
        ),
    };
    let reply = match &effect {
        Some(effect) => reply.spoiled_by(effect),
        None => reply,
    };
    entry.status = reply.status_sent();
    state.feed.requests.push(entry, &received.body);
    reply
}

/// Does the work of a request whose client is gone; nobody hears how it went.
async fn apply_later(shared: Arc<Shared>, received: Received, door: Door, delay: Duration) {
    tokio::time::sleep(delay).await;
    let body = parse(&received);
    let mut entry = FeedRequest::begin(body.as_ref().map_or(0, |body| body.batches().len()), Instant::now());
    let mut unheard = Work { identities: Vec::new(), effect: None, entry: &mut entry };
    let mut state = shared.lock();
    work(&mut state, &received, &door, body, &mut unheard);
    entry.status = None;
    state.feed.requests.push(entry, &received.body);
}

/// What a request's way through the feed needs besides the state.
struct Work<'request> {
    identities: Vec<Vec<String>>,
    effect: Option<&'request Effect>,
    entry: &'request mut FeedRequest,
}

/// A body that is JSON: a list of batches, one batch alone, or a call of Mixpanel's webhook.
enum Body {
    List(Vec<Value>),
    Single([Value; 1]),
    Call(Call),
}

impl Body {
    fn batches(&self) -> &[Value] {
        match self {
            Body::List(batches) => batches,
            Body::Single(batch) => batch,
            Body::Call(call) => &call.updates,
        }
    }

    fn most(&self) -> usize {
        if let Body::Call(_) = self { members::MOST_MEMBERS } else { MOST_BATCHES }
    }

    /// The answer after so many of them were refused.
    fn reply(&self, refused: &[FeedError]) -> Reply {
        match (self, refused.len()) {
            (Body::Call(call), refused) => call.reply(refused),
            (_, 0) => Reply::empty(202),
            (_, some) if some < self.batches().len() => errors::reply(202, refused),
            _ => errors::reply(400, refused),
        }
    }

    /// Paths in errors begin with an index only when there is a list.
    fn place(&self, index: usize) -> Place {
        match self {
            Body::List(_) | Body::Call(_) => Place::InList(index),
            Body::Single(_) => Place::Alone,
        }
    }
}

fn parse(received: &Received) -> Option<Body> {
    if received.body.len() > LARGEST_REQUEST {
        return None;
    }
    match serde_json::from_slice(&received.body).ok()? {
        Value::Array(batches) => Some(Body::List(batches)),
        single => Some(Call::read(&single).map_or_else(|| Body::Single([single]), Body::Call)),
    }
}

fn work(state: &mut State, received: &Received, door: &Door, body: Option<Body>, work: &mut Work) -> Reply {
    if let Some(refusal) = refuse_at_the_door(state, received, door) {
        return refusal;
    }
    let Some(body) = body else { return errors::reply(400, &[FeedError::unreadable(&received.body)]) };
    let count = body.batches().len();
    let most = body.most();
    if count == 0 || count > most {
        let message = format!("A request must contain 1 to {most} batches, not {count}.");
        return errors::reply(400, &[FeedError::bad_request(&message)]);
    }
    if let Err(refusal) = state.feed.pace.admit(count) {
        return refusal;
    }
    if let Some(Effect::FailIfContains { .. }) = work.effect {
        return Reply::empty(503);
    }
    if let Some(Effect::BadRequestIfContains { .. }) = work.effect {
        return errors::reply(400, &[FeedError::bad_request("The request could not be processed.")]);
    }
    let text = String::from_utf8_lossy(&received.body);
    let mut refused = Vec::new();
    for (index, value) in body.batches().iter().enumerate() {
        let scripted = work.scripted_refusal(index, value, &text, body.place(index));
        match scripted.map_or_else(|| Batch::read(value, &text, body.place(index)), Err) {
            Ok(batch) => apply(&mut state.feed, &batch, work.drops(index), work.entry),
            Err(error) => refused.push(error),
        }
    }
    work.entry.rejected = refused.len();
    work.entry.applied = refused.len() < count;
    let reply = body.reply(&refused);
    state.feed.pace.tell(reply)
}

fn refuse_at_the_door(state: &State, received: &Received, door: &Door) -> Option<Reply> {
    if let Door::Feed(token) = door
        && (!looks_like_a_token(token) || token.contains('/'))
    {
        return Some(Reply::empty(404));
    }
    if received.method != hyper::Method::POST {
        return Some(Reply::empty(405));
    }
    let is_let_in = match door {
        Door::Feed(token) => token == FEED_TOKEN && state.feed.token_is_valid,
        Door::Events => received.has_credentials(EVENTS_KEY, EVENTS_SECRET),
    };
    if !is_let_in {
        return Some(Reply::empty(401));
    }
    (received.body.len() > LARGEST_REQUEST).then(|| Reply::empty(413))
}

fn looks_like_a_token(token: &str) -> bool {
    token.split_once('-').is_some_and(|(pod, rest)| !pod.is_empty() && !rest.is_empty())
}

impl Work<'_> {
    /// Whether the script drops a user of the request.
    fn drops(&self, index: usize) -> bool {
        let Some(identities) = self.identities.get(index) else { return false };
        match self.effect {
            Some(Effect::DropUsers { users }) => users.include(identities),
            Some(Effect::Misbehave { dropped, .. }) => {
                identities.iter().any(|identity| dropped.contains(identity))
            }
            _ => false,
        }
    }

    fn scripted_refusal(&self, index: usize, batch: &Value, text: &str, place: Place) -> Option<FeedError> {
        match self.effect? {
            Effect::RejectUsers { users } => {
                let identities = self.identities.get(index)?;
                let refused = match users {
                    RejectedUsers::Identities(list) => {
                        identities.iter().any(|identity| list.contains(identity))
                    }
                    RejectedUsers::EveryNth(nth) => index.is_multiple_of((*nth).max(1)),
                };
                refused.then(|| {
                    FeedError::refused_user(text, place, &batch::identifying_field(batch), identities.first())
                })
            }
            Effect::Misbehave { refused, .. } => {
                let words = self.identities.get(index)?.iter().find_map(|identity| refused.get(identity))?;
                let field = batch::identifying_field(batch);
                Some(FeedError::at(text, &place.path(&field), Point::Value, words))
            }
            Effect::RejectWithoutIndex { users } if index < *users => {
                Some(FeedError::bad_request("Required field \"user\" is missing or empty."))
            }
            _ => None,
        }
    }
}

/// Applies a valid batch, unless it is a repeat, the script drops it or it is about somebody the feed does not know:
/// "Only Update Profiles" accepts unknown users and drops them without a word.
fn apply(feed: &mut Feed, batch: &Batch, is_dropped: bool, entry: &mut FeedRequest) {
    if feed.is_repeat(batch.source_request_id.as_deref()) {
        entry.repeated += 1;
    } else if is_dropped {
        entry.dropped += 1;
    } else if feed.profiles.knows(&batch.key) {
        entry.updated += 1;
        feed.profiles.update(batch);
    } else {
        entry.unknown += 1;
    }
}
