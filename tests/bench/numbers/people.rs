//! The people of the benchmarks: 80 % are known by a random MPID, 20 % by a UUID; of those who were in, one in a hundred
//! has left, and as many have joined. The same seed gives the same people.

use cohort_sync::domain::Identity;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

/// One set of people, in two packed lists.
#[derive(Clone, Default)]
pub struct People {
    pub mpids: Vec<i64>,
    pub uuids: Vec<[u8; 16]>,
}

impl People {
    pub fn len(&self) -> usize {
        self.mpids.len() + self.uuids.len()
    }

    fn random(count: usize, random: &mut fastrand::Rng) -> Self {
        let uuids = count / 5;
        Self {
            mpids: (uuids..count).map(|_| random.i64(..)).collect(),
            uuids: (0..uuids).map(|_| random.u128(..).to_be_bytes()).collect(),
        }
    }

    fn sort(&mut self) {
        self.mpids.sort_unstable();
        self.uuids.sort_unstable();
    }

    pub fn identities(&self) -> Vec<Identity> {
        let mpids = self.mpids.iter().map(|mpid| Identity::Mpid(*mpid));
        mpids.chain(self.uuids.iter().map(|uuid| Identity::Uuid(*uuid))).collect()
    }

    /// Writes them packed and durably, as plainly as can be: how many MPIDs, the MPIDs, the UUIDs.
    pub fn write(&self, path: &Path) {
        let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(path).unwrap());
        file.write_all(&(self.mpids.len() as u64).to_le_bytes()).unwrap();
        for mpid in &self.mpids {
            file.write_all(&mpid.to_le_bytes()).unwrap();
        }
        for uuid in &self.uuids {
            file.write_all(uuid).unwrap();
        }
        file.into_inner().unwrap().sync_all().unwrap();
    }

    /// Reads them back.
    pub fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let (count, rest) = bytes.split_first_chunk::<8>().unwrap();
        let (mpids, uuids) = rest.split_at(usize::try_from(u64::from_le_bytes(*count)).unwrap() * 8);
        Self {
            mpids: mpids.as_chunks::<8>().0.iter().map(|mpid| i64::from_le_bytes(*mpid)).collect(),
            uuids: uuids.as_chunks::<16>().0.to_vec(),
        }
    }
}

/// Who was in, sorted, and who is in, shuffled.
pub fn before_and_now(count: usize) -> (People, People) {
    let mut random = fastrand::Rng::with_seed(7);
    let mut before = People::random(count, &mut random);
    random.shuffle(&mut before.mpids);
    let joined = People::random(count / 100, &mut random);
    let mut now = before.clone();
    now.mpids.splice(..joined.mpids.len(), joined.mpids);
    now.uuids.splice(..joined.uuids.len(), joined.uuids);
    random.shuffle(&mut now.mpids);
    random.shuffle(&mut now.uuids);
    before.sort();
    (before, now)
}

/// The `$distinct_id` of somebody who has an MPID: a UUID, as most are.
pub fn distinct_id(mpid: i64) -> String {
    let bits = u128::from(mpid.cast_unsigned()).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_0C71_5FB2_1A4D);
    uuid::Uuid::from_u128(bits).hyphenated().to_string()
}
