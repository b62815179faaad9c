//! The thread that keeps the store. SQLite blocks, and the tasks that need it must not, so they send the
//! question and wait for the answer; one thread also means that no two writers ever wait for each other.

use super::{Store, StoreError};
use std::sync::mpsc;
use std::thread;
use tokio::sync::oneshot;

type Question = Box<dyn FnOnce(&mut Store) + Send>;

/// A cheap handle on the store's thread; the store closes when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Keeper {
    questions: mpsc::Sender<Question>,
}

impl Keeper {
    /// Moves an open store to a thread of its own.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the system gives no thread.
    pub fn start(mut store: Store) -> Result<Self, StoreError> {
        let (questions, waiting) = mpsc::channel::<Question>();
        thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                for question in waiting {
                    question(&mut store);
                }
            })
            .map_err(|_| StoreError::Closed)?;
        Ok(Self { questions })
    }

    /// Asks the store something and waits for the answer. Once sent, the question is carried out even when
    /// the caller stops waiting.
    ///
    /// # Errors
    /// What the question returns, or [`StoreError::Closed`] when the thread is gone.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(move |store| {
            // Nobody waits any more when the caller was cancelled; what was asked is done all the same.
            let _ = reply.send(question(store));
        });
        self.questions.send(question).map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}
