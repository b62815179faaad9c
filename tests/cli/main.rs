//! The headless commands as other programs and operators meet them: the real binary, a configuration of its
//! own, and the sandbox in place of both services.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, and the panic says where")]

mod adopt;
mod bundle;
#[cfg(debug_assertions)]
mod chronicle;
mod contract;
mod crash;
#[cfg(debug_assertions)]
mod crash_points;
#[cfg(debug_assertions)]
mod damage;
#[cfg(debug_assertions)]
mod disk_full;
mod doctor;
mod doctor_golden;
mod exit_codes;
mod input;
mod lists;
mod one_writer;
mod past;
mod reconnect;
mod requests;
mod routes;
mod secrets;
mod settings;
mod setup;
mod users;
mod vacuum;
mod verify;
mod warnings;
mod world;
