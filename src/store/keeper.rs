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
    unanswered: Unanswered,
}

/// Counts the questions that were asked and not answered yet; clones count the same.
#[derive(Clone, Debug, Default)]
pub struct Unanswered(Arc<AtomicUsize>);

impl Unanswered {
    /// Whether nothing is asked, or everything was answered.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    fn count(&self) -> Counted {
        self.0.fetch_add(1, Ordering::AcqRel);
        Counted(self.clone())
    }
}

/// One question that counts until it is dropped: answered, or thrown away with the store.
struct Counted(Unanswered);

impl Drop for Counted {
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
        Ok(Self { messages, unanswered: Unanswered::default() })
    }

    /// The count of what this store was asked and has not answered yet.
    #[must_use]
    pub fn unanswered(&self) -> Unanswered {
        self.unanswered.clone()
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
        let counted = self.unanswered.count();
        let question: Question = Box::new(move |store| {
            // Nobody waits any more when the caller was cancelled; what was asked is done all the same.
            let _ = reply.send(question(store));
            drop(counted);
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
