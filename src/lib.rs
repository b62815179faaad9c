//! `cohort-sync` exports Mixpanel cohorts to mParticle from a terminal, and accounts for every user.
//!
//! Read the house from the top. [`domain`] says what the words mean and how they add up; [`mixpanel`] and
//! [`mparticle`] how the two services talk, over what [`http`] gives both; [`store`] what is remembered;
//! [`sync`] what happens over time; [`tui`] and [`cli`] what a person sees. [`sandbox`] plays both services on
//! loopback, for the demo and the tests, and imports nothing of ours. [`config`] and [`telemetry`] stand
//! beside: where values come from, and what the program says of itself.
//!
//! Who may import whom: `domain` nothing of ours; `http` domain; the clients domain and http; `store` domain;
//! `sync` domain, http, clients, store; `tui` domain, sync, config, telemetry; `cli` everything. The test
//! `tests/tidy.rs` holds this.
//!
//! How it moves: the engine is one task that owns the store and all truth. It takes commands and publishes
//! immutable snapshots; the console and the headless commands are readers of the same snapshots. A run is a
//! straight line, fetch → compare → plan → guard → send → settle, and stands in `sync/run.rs`.

pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
pub mod mixpanel;
pub mod mparticle;
pub mod sandbox;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod tui;
