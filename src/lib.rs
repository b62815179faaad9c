//! `cohort-sync` exports Mixpanel cohorts to mParticle from a terminal, and accounts for every user.

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
