//! What the engine does besides syncing: it keeps what the console wants remembered, and asks Mixpanel about one
//! user. Neither touches a run, and nobody but the asker waits for it.

use super::command::Ask;
use super::engine::Engine;
use super::user::live;

impl Engine {
    /// Keeps something for the console. Nobody loses anything when that fails, so it is no news for a person.
    pub(super) fn remember(&self, key: &'static str, value: String) {
        let kept = self.tools.keeper.ask(move |store| store.remember(key, &value));
        tokio::spawn(async move {
            if let Err(error) = kept.await {
                tracing::warn!(%error, "what the console looks like was not kept");
            }
        });
    }

    /// Asks Mixpanel about one user, and lets whoever waits have the answer.
    pub(super) fn ask_mixpanel(&self, ask: Ask) {
        let (tools, reading) = (self.tools.clone(), self.settings.reading);
        tokio::spawn(async move {
            let answer = live::ask(&tools, reading, &ask.question).await;
            // Whoever asked may have stopped waiting; the query is spent all the same.
            let _ = ask.reply.send(answer.map_err(|error| error.to_string()));
        });
    }
}
