//! A support bundle: configuration, counts, runs, requests and log in one archive, to hand to somebody who helps, without a
//! credential and without a person in it. This file strings the steps together: gather what there is, hear every text of
//! it, gather the ids that occur in those, and write everything anew without them.

mod archive;
mod conceal;
mod entries;
mod material;
mod shapes;
mod spelling;

pub(super) use entries::{Entry, KEPT_BACK};

use super::account::Desk;
use super::failure::Failure;
use crate::store::{Reader, StoreError};
use conceal::{Gathering, Occurring, Pseudonyms};
use entries::{description, entries};
use material::{Material, gather_ids};
use std::path::{Path, PathBuf};

/// A bundle that was written.
pub(super) struct Bundle {
    /// Where.
    pub path: PathBuf,
    /// How large it is.
    pub bytes: u64,
    /// What is in it.
    pub entries: Vec<Entry>,
}

/// Makes a bundle; in the current directory, under the time, unless a file is named. It blocks.
pub(super) fn make(desk: &Desk, file: Option<&Path>) -> Result<Bundle, Failure> {
    let reader = match Reader::open(&desk.places.state_dir) {
        Ok(reader) => Some(reader),
        Err(StoreError::Absent { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let mut material = Material::gather(desk, reader.is_some())?;
    let home = desk.environment.text("HOME");
    let mask = |text: &str| desk.masks.mask(text).into_owned();
    let hear = |material: &Material| {
        let mut occurring = Occurring::default();
        entries(material, home, &mut |text| {
            occurring.note(&mask(text));
            String::new()
        });
        Gathering::new(occurring)
    };
    let gathering = match &reader {
        None => hear(&material),
        Some(reader) => reader.at_one_moment::<_, Failure>(|reader| {
            material.take_state(reader)?;
            let mut gathering = hear(&material);
            gather_ids(reader, &mut gathering)?;
            Ok(gathering)
        })?,
    };
    let pseudonyms = Pseudonyms::choose().map_err(|error| Failure::Failed(error.to_owned()))?;
    let concealer = gathering.finish(pseudonyms).map_err(Failure::Failed)?;
    // What was made plain on the way is masked once more.
    let mut entries = entries(&material, home, &mut |text| mask(&concealer.conceal(&mask(text))));
    entries.insert(0, description(&entries, &material));
    let folder = format!("cohort-sync-support-{}", material.at.strftime("%Y%m%d-%H%M%S"));
    let path = file.map_or_else(|| PathBuf::from(format!("{folder}.tar.gz")), Path::to_owned);
    let bytes = archive::write(&path, &folder, &entries, material.at).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            return Failure::Usage(format!(
                "{} is there already and stays as it is; name another file with -o",
                path.display()
            ));
        }
        Failure::Failed(format!(
            "the bundle cannot be written to {}: {error}; nothing of it was left",
            path.display()
        ))
    })?;
    Ok(Bundle { path, bytes, entries })
}
