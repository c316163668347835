//! A JSON object into its fields, in their order and with their duplicates.

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// The fields of one whole object; else the column (from 1) at which it stops being one.
pub fn fields(text: &[u8]) -> Result<Vec<(String, Value)>, usize> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    reader
        .deserialize_map(FieldsVisitor)
        .and_then(|fields| reader.end().map(|()| fields))
        .map_err(|error| error.column())
}

/// The column at which a text stops being an object.
pub fn column(text: &[u8]) -> usize {
    fields(text).err().unwrap_or_default()
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(fields)
    }
}
