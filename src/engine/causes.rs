//! [`Causes`]: a set of causes that takes four bytes, because each name in trouble keeps one.

use crate::caddy::cause::Cause;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const _: () = assert!(Cause::ALL.len() <= 32, "each cause needs a bit");

/// Causes, stored as the list of their words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Causes(u32);

impl Causes {
    /// None.
    pub const EMPTY: Self = Self(0);

    /// Whether a cause is in it.
    pub fn contains(self, cause: Cause) -> bool {
        self.0 & bit(cause) != 0
    }

    /// Whether it has none.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands a reference over"
    )]
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// In the order of [`Cause::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Cause> {
        let all = Cause::ALL.iter().copied();
        all.filter(move |cause| self.contains(*cause))
    }
}

impl Extend<Cause> for Causes {
    fn extend<I: IntoIterator<Item = Cause>>(&mut self, causes: I) {
        for cause in causes {
            self.0 |= bit(cause);
        }
    }
}

impl Serialize for Causes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Causes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut causes = Self::default();
        causes.extend(Vec::<Cause>::deserialize(deserializer)?);
        Ok(causes)
    }
}

const fn bit(cause: Cause) -> u32 {
    1 << cause as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_own_place_and_is_stored_by_its_word() {
        for cause in Cause::ALL {
            let mut causes = Causes::default();
            causes.extend([*cause]);
            assert!(causes.iter().eq([*cause]));
            let stored = serde_json::to_string(&causes).unwrap();
            assert_eq!(stored, format!("[\"{}\"]", cause.word()));
            assert_eq!(serde_json::from_str::<Causes>(&stored).unwrap(), causes);
        }
        let mut all = Causes::default();
        all.extend(Cause::ALL.iter().copied());
        assert!(all.iter().eq(Cause::ALL.iter().copied()));
    }
}
