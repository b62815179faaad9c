//! Configuration: defaults, then the file, then environment variables, then flags, each value with where it
//! came from. Places and credentials are decided here too. Everything takes the environment as a value, so
//! nothing but [`Environment::of_process`] and [`BaseDirectories::of_system`] looks at the process.
//!
//! The way through: [`Places::resolve`] says where things are, [`Layers::read`] collects the values, and
//! [`Layers::config`] checks them and fetches the credentials.

mod address;
mod adjusting;
mod build;
mod document;
mod duration;
pub mod edit;
mod environment;
mod errors;
pub mod guide;
pub mod keep;
mod layers;
mod masks;
mod model;
mod paths;
mod profiles;
mod secrets;
pub mod settings;
mod show;
mod template;
mod themes;
mod value;
mod words;

pub use address::{AddressError, WebhookUrl};
pub use adjusting::Adjustable;
pub use duration::{format_duration, parse_duration};
pub use environment::{Environment, FRAME_VARIABLES};
pub use errors::{ConfigError, Fault, MissingSetting, Origin, Problem};
pub use layers::{DEFAULT_PROFILE, Layers, Override, Request};
pub use masks::{MASK, Masks};
pub use model::{
    Config, DeliveryConfig, Insisted, InterfaceConfig, InterfaceFeatures, JournalConfig, KeyBinding,
    MixpanelConfig, MparticleConfig, ProfileApiConfig, SyncConfig,
};
pub use paths::{BaseDirectories, Places, Selection};
pub use profiles::{ProfileSummary, profiles};
pub use secrets::keyring::{self, KeyringError};
pub(crate) use secrets::permission_bits;
pub use secrets::{Secret, SecretError, SecretSource};
pub use settings::lines_to_fill_in;
pub use show::{ShownCredential, ShownSetting};
pub use template::{InitError, TEMPLATE, init};
pub use themes::{Colour, OwnTheme};
pub use words::{
    Clock, ColorChoice, Delivery, FallbackIdentity, FeedEnvironment, Notify, Pod, Region, Theme, ThemeBase,
    ThemeRole, Word,
};
