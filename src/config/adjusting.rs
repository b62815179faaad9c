//! The part of the configuration that can be taken up without connecting anew: looks and keys, how syncs behave, how much
//! of the journal is kept. No credential is fetched for it.

use super::build::Builder;
use super::errors::ConfigError;
use super::layers::Layers;
use super::model::{InterfaceConfig, JournalConfig, SyncConfig};

/// What takes effect at once when it is changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjustable {
    /// How syncs behave.
    pub sync: SyncConfig,
    /// How much of the request journal is kept.
    pub journal: JournalConfig,
    /// The console.
    pub interface: InterfaceConfig,
}

impl Layers {
    /// The console's looks and keys alone, for the demo and the welcome screen.
    ///
    /// # Errors
    /// One of those settings is wrong; whatever the connections lack does not matter.
    pub fn interface(self) -> Result<InterfaceConfig, ConfigError> {
        let mut builder = Builder::of_sections(self, &["ui", "keys"]);
        let interface = builder.interface();
        builder.unless_wrong(interface)
    }

    /// Everything that can be taken up without connecting anew.
    ///
    /// # Errors
    /// One of those settings is wrong; whatever the connections lack does not matter.
    pub fn adjustable(self) -> Result<Adjustable, ConfigError> {
        let mut builder = Builder::of_sections(self, &["ui", "keys", "sync", "journal"]);
        let (sync, journal, interface) = (builder.sync(), builder.journal(), builder.interface());
        let adjustable = match (sync, journal, interface) {
            (Some(sync), Some(journal), Some(interface)) => Some(Adjustable { sync, journal, interface }),
            _ => None,
        };
        builder.unless_wrong(adjustable)
    }
}
