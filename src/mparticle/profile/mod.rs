//! What mParticle holds of one person, read by its Profile API (mParticle reference, Verification): the client with
//! its token and its pace, the profile as it is read, and everything that can go wrong, each with what to do about
//! it. Whom to look up, and what to think of the answer, is for others.

mod client;
mod error;
mod token;
mod wire;

pub use client::{Connection, Exchange, Exchanged, PROFILES_PER_SECOND, ProfileApi};
pub use error::ProfileError;
pub use token::ClientCredentials;
pub use wire::{Detail, HeldProfile};
