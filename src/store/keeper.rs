//! The thread that keeps the store. SQLite blocks, and the tasks that need it must not, so they send the
//! question and wait for the answer; one thread also means that no two writers ever wait for each other.

use super::{Store, StoreError};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use tokio::sync::oneshot;

type Question = Box<dyn FnOnce(&mut Store) + Send>;

/// What the store's thread is told.
enum Message {
    Ask(Question),
    Close(oneshot::Sender<()>),
}

/// A cheap handle on the store's thread; the store closes when it is told to or the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Keeper {
    messages: mpsc::Sender<Message>,
    activity: Activity,
}

/// Counts what is being done with a store on threads that block; clones count the same.
#[derive(Clone, Debug, Default)]
pub struct Activity(Arc<AtomicUsize>);

/// Something that is being done with a store until this is dropped.
#[derive(Debug)]
pub struct Active(Activity);

impl Activity {
    /// Whether nothing is being done.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    fn begin(&self) -> Active {
        self.0.fetch_add(1, Ordering::AcqRel);
        Active(self.clone())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Keeper {
    /// Moves an open store to a thread of its own.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the system gives no thread.
    pub fn start(mut store: Store) -> Result<Self, StoreError> {
        let (messages, waiting) = mpsc::channel::<Message>();
        thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                for message in waiting {
                    match message {
                        Message::Ask(question) => question(&mut store),
                        Message::Close(done) => {
                            drop(store);
                            // Whoever closed it may not care when it is done.
                            let _ = done.send(());
                            break;
                        }
                    }
                }
            })
            .map_err(|_| StoreError::Closed)?;
        Ok(Self { messages, activity: Activity::default() })
    }

    /// What is being done with the store: every question counts until it is answered.
    #[must_use]
    pub fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// Counts somebody who reads the store past the keeper, for as long as that lasts.
    #[must_use]
    pub fn reading(&self) -> Active {
        self.activity.begin()
    }

    /// Asks the store something. The question takes its place in the queue at once, before the answer is
    /// waited for, and is carried out even when nobody waits for the answer.
    ///
    /// # Errors
    /// What the question returns, or [`StoreError::Closed`] when the store is closed.
    pub fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + 'static {
        let (reply, answer) = oneshot::channel();
        let active = self.activity.begin();
        let question: Question = Box::new(move |store| {
            // Nobody waits any more when the caller was cancelled; what was asked is done all the same.
            let _ = reply.send(question(store));
            // Only now, so that nobody believes the store at rest before whoever asked has been woken.
            drop(active);
        });
        // A closed store drops the question, and with it the sender that the answer is waited for from.
        let _ = self.messages.send(Message::Ask(question));
        async move { answer.await.map_err(|_| StoreError::Closed)? }
    }

    /// Closes the store after everything that was asked before, and gives the lock back.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.messages.send(Message::Close(done)).is_ok() {
            // An error means that the thread is gone, so the store is closed as well.
            let _ = closed.await;
        }
    }
}
